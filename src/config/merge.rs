//! What a file says, over the defaults.

use toml::{Table, Value};

/// The given values over the defaults. A file without providers, opening hours, queues or canned texts has none; each
/// provider and queue has the example's defaults.
pub(super) fn merge(example: &Table, given: Table) -> Table {
    let mut merged = example.clone();
    let mut provider = first_of(example, "providers");
    let route = first_of(&provider, "routes");
    for list in ["devices", "routes"] {
        provider.insert(list.into(), Value::Array(Vec::new()));
    }
    if let Some(Value::Table(xmpp)) = provider.get_mut("xmpp") {
        for list in ["queues", "agents"] {
            xmpp.insert(list.into(), Value::Array(Vec::new()));
        }
    }
    for list in ["providers", "opening_hours"] {
        merged.insert(list.into(), Value::Array(Vec::new()));
    }
    let queue = match merged.get_mut("chat") {
        Some(Value::Table(chat)) => {
            let mut queue = first_of(chat, "queues");
            for text in ["name", "title"] {
                queue.insert(text.into(), Value::String(String::new()));
            }
            for list in ["queues", "canned"] {
                chat.insert(list.into(), Value::Array(Vec::new()));
            }
            queue
        }
        _ => Table::new(),
    };
    for (key, value) in given {
        match (merged.get_mut(&key), value) {
            (Some(Value::Table(section)), Value::Table(values)) => {
                extend(section, values);
                if key == "chat" {
                    each_over(&queue, "queues", section);
                }
            }
            (_, Value::Array(providers)) if key == "providers" => {
                let providers = providers.into_iter().map(|given| {
                    let mut whole = over(&provider, given);
                    if let Value::Table(whole) = &mut whole {
                        each_over(&route, "routes", whole);
                    }
                    whole
                });
                merged.insert(key, Value::Array(providers.collect()));
            }
            (_, value) => drop(merged.insert(key, value)),
        }
    }
    merged
}

/// What the first element of a list shows.
fn first_of(table: &Table, list: &str) -> Table {
    match table.get(list).and_then(|list| list.get(0)) {
        Some(Value::Table(first)) => first.clone(),
        _ => Table::new(),
    }
}

fn over(defaults: &Table, given: Value) -> Value {
    let Value::Table(given) = given else { return given };
    let mut merged = defaults.clone();
    extend(&mut merged, given);
    Value::Table(merged)
}

/// Tables in tables keep what is not given; anything else is replaced.
fn extend(defaults: &mut Table, given: Table) {
    for (key, value) in given {
        match (defaults.get_mut(&key), value) {
            (Some(Value::Table(section)), Value::Table(values)) => extend(section, values),
            (_, value) => drop(defaults.insert(key, value)),
        }
    }
}

/// Each element of a list in a table over its defaults.
fn each_over(defaults: &Table, list: &str, table: &mut Table) {
    if let Some(Value::Array(elements)) = table.get_mut(list) {
        for element in elements {
            *element = over(defaults, std::mem::replace(element, Value::Boolean(false)));
        }
    }
}
