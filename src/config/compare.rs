//! Holds what a file says against the example: unknown keys and wrong types, with their line.

use super::Problem;
use super::load::line_of;
use std::ops::Range;
use toml::de::{DeTable, DeValue};
use toml::{Table, Value};

/// Keys that an example element shows but that have no default, or have one that the example does not show.
const FREE_KEYS: [&str; 1] = ["name"];

/// Every key must be in the example, with a value of the same type.
pub(super) fn compare(
    source: &str,
    table: &DeTable<'_>,
    example: &Table,
    path: &str,
    problems: &mut Vec<Problem>,
) {
    for (key, value) in table {
        let name = key.get_ref().as_ref();
        let full = if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") };
        let line = Some(line_of(source, &key.span()));
        match (example.get(name), value.get_ref()) {
            (None, DeValue::String(_)) if FREE_KEYS.contains(&name) => {}
            (None, _) => {
                let known: Vec<&String> = example.keys().collect();
                let text = match closest(name, &known) {
                    Some(close) => format!("unknown key; did you mean `{close}`?"),
                    None => {
                        let known: Vec<&str> = known.iter().map(|key| key.as_str()).collect();
                        format!("unknown key; known here: {}", known.join(", "))
                    }
                };
                problems.push(Problem { line, key: full, text });
            }
            (Some(Value::Table(inner)), DeValue::Table(table)) => {
                compare(source, table, inner, &full, problems)
            }
            (Some(Value::Array(elements)), DeValue::Array(array)) => {
                for (at, element) in array.iter().enumerate() {
                    let full = format!("{full}[{at}]");
                    match (elements_example(elements), element.get_ref()) {
                        (Some(Value::Table(inner)), DeValue::Table(table)) => {
                            compare(source, table, &inner, &full, problems);
                        }
                        (Some(other), value) if other.type_str() != value.type_str() => {
                            problems.push(wrong_type(source, element.span(), full, &other, value));
                        }
                        _ => {}
                    }
                }
            }
            (Some(known), given) if known.type_str() != given.type_str() => {
                problems.push(wrong_type(source, value.span(), full, known, given));
            }
            _ => {}
        }
    }
}

fn wrong_type(source: &str, span: Range<usize>, key: String, known: &Value, given: &DeValue<'_>) -> Problem {
    let text = match known {
        Value::Array(elements) if matches!(elements.first(), Some(Value::Table(_))) => {
            format!("there may be several, so each is written as [[{key}]]")
        }
        known => {
            format!("the type is {}, but must be {}, such as {known}", given.type_str(), known.type_str())
        }
    };
    Problem { line: Some(line_of(source, &span)), key, text }
}

/// What an element of an array may hold: for tables everything that any of the example's elements holds.
fn elements_example(elements: &[Value]) -> Option<Value> {
    let mut all: Option<Value> = None;
    for element in elements {
        match (&mut all, element) {
            (Some(Value::Table(all)), Value::Table(more)) => {
                all.extend(more.iter().map(|(key, value)| (key.clone(), value.clone())));
            }
            (None, element) => all = Some(element.clone()),
            _ => {}
        }
    }
    // An empty list in the example is a list of texts.
    all.or_else(|| Some(Value::String("text".into())))
}

/// The known key that the given one was probably meant to be.
fn closest<'a>(name: &str, known: &[&'a String]) -> Option<&'a str> {
    // Of a short name few letters make another word.
    let near = (name.len() / 2).min(3);
    let misspelt = known.iter().map(|key| (distance(name, key), key.as_str()));
    let misspelt = misspelt.filter(|(far, _)| *far <= near).min().map(|(_, key)| key);
    // A word was left out: `offer_seconds` for `offer_limit_seconds`.
    let has_all =
        |key: &str| name.contains('_') && name.split('_').all(|word| key.split('_').any(|each| each == word));
    misspelt.or_else(|| known.iter().map(|key| key.as_str()).find(|key| has_all(key)))
}

/// Levenshtein's distance, over bytes: keys are ASCII.
fn distance(a: &str, b: &str) -> usize {
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.bytes().enumerate() {
        let mut diagonal = i;
        let mut left = i + 1;
        for (slot, y) in row.iter_mut().skip(1).zip(b.bytes()) {
            let best = (diagonal + usize::from(x != y)).min(left + 1).min(*slot + 1);
            diagonal = std::mem::replace(slot, best);
            left = best;
        }
        if let Some(first) = row.first_mut() {
            *first = i + 1;
        }
    }
    row.last().copied().unwrap_or(0)
}
