//! Single values from the environment: `SCHAKEL_API__LISTEN` is `[api] listen`.

use super::Problem;
use toml::{Table, Value};

const PREFIX: &str = "SCHAKEL_";

/// Variables with the prefix that are not configuration: the command line reads them.
const OTHERS: [&str; 5] =
    ["SCHAKEL_CONFIG", "SCHAKEL_TOKEN", "SCHAKEL_URL", "SCHAKEL_BIN", "SCHAKEL_WEBHOOK_SECRET"];

pub(super) fn apply(config: &mut Table, environment: &[(String, String)], problems: &mut Vec<Problem>) {
    for (name, text) in environment {
        let Some(path) = name.strip_prefix(PREFIX) else { continue };
        if OTHERS.contains(&name.as_str()) {
            continue;
        }
        if let Err(text) = set(config, &path.to_lowercase(), text) {
            problems.push(Problem { line: None, key: name.clone(), text });
        }
    }
}

fn set(config: &mut Table, path: &str, text: &str) -> Result<(), String> {
    let known = path
        .split_once("__")
        .and_then(|(section, key)| config.get_mut(section)?.as_table_mut()?.get_mut(key));
    let Some(slot) = known else {
        return Err(
            "names no key; SCHAKEL_API__LISTEN is [api] listen, and a provider's keys are set in the file"
                .into(),
        );
    };
    *slot = match slot {
        Value::String(_) => Value::String(text.into()),
        Value::Integer(_) => {
            Value::Integer(text.parse().map_err(|_| format!("\"{text}\" is not a whole number"))?)
        }
        Value::Boolean(_) => {
            Value::Boolean(text.parse().map_err(|_| format!("\"{text}\" is not true or false"))?)
        }
        Value::Array(_) => Value::Array(
            text.split(',').map(str::trim).filter(|item| !item.is_empty()).map(Value::from).collect(),
        ),
        other => return Err(format!("a {} cannot be set from the environment", other.type_str())),
    };
    Ok(())
}
