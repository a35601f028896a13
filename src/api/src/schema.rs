//! Checks input against the very schema that the OpenAPI document shows, and finds everything that is wrong at once.
//!
//! The subset of JSON Schema that the document uses: `type`, `enum`, `const`, `pattern`, lengths, bounds, `items`,
//! `properties`, `required`, `additionalProperties: false`, `oneOf`, `anyOf`, `allOf`, `$ref` and the formats `uuid`,
//! `date-time` and `uri`. A keyword that is not one of these constrains nothing.

use regex_lite::Regex;
use schakel_contract::Timestamp;
use serde_json::Value;
use std::collections::HashMap;

/// Deeper than any body of ours; a schema that refers to itself must end somewhere.
const DEPTH_MAX: usize = 32;

/// Errors that are told of one request: a body can hold thousands.
const ERRORS_MAX: usize = 50;

/// One thing that is wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Finding {
    /// JSON pointer to the value.
    pub pointer: String,
    /// For a program.
    pub code: &'static str,
    /// For a person.
    pub detail: String,
}

/// The schemas of a document, ready to check with.
#[derive(Debug)]
pub(crate) struct Checker {
    schemas: Value,
    patterns: HashMap<String, Regex>,
}

impl Checker {
    /// `schemas` is `components.schemas`; `more` are schemas that stand elsewhere (parameters).
    ///
    /// # Errors
    /// The first pattern that is no regular expression.
    pub(crate) fn new<'a>(
        schemas: Value,
        more: impl Iterator<Item = &'a Value>,
    ) -> Result<Self, regex_lite::Error> {
        let mut patterns = HashMap::new();
        collect_patterns(&schemas, &mut patterns)?;
        for each in more {
            collect_patterns(each, &mut patterns)?;
        }
        Ok(Self { schemas, patterns })
    }

    /// Everything that is wrong with a value.
    pub(crate) fn check(&self, schema: &Value, value: &Value) -> Vec<Finding> {
        let mut findings = Vec::new();
        self.walk(schema, value, "", 0, &mut findings);
        findings
    }

    /// A parameter's text as the value that its schema means: a number where it wants one.
    pub(crate) fn value_of(&self, schema: &Value, text: &str) -> Value {
        let schema = self.resolve(schema);
        let is = |name| schema["type"] == name;
        let number = || text.parse::<serde_json::Number>().ok().map(Value::Number);
        match text {
            "true" | "false" if is("boolean") => Value::Bool(text == "true"),
            _ if is("integer") || is("number") => number().unwrap_or_else(|| text.into()),
            _ => text.into(),
        }
    }

    fn resolve<'a>(&'a self, schema: &'a Value) -> &'a Value {
        let name = schema["$ref"].as_str().and_then(|path| path.strip_prefix("#/components/schemas/"));
        name.and_then(|name| self.schemas.get(name)).unwrap_or(schema)
    }

    fn walk(&self, schema: &Value, value: &Value, at: &str, depth: usize, found: &mut Vec<Finding>) {
        if depth > DEPTH_MAX || found.len() >= ERRORS_MAX {
            return;
        }
        let schema = self.resolve(schema);
        let wrong = |code, detail: String| Finding { pointer: at.to_owned(), code, detail };
        if let Some(types) = types_of(schema)
            && !types.iter().any(|name| is_of_type(value, name))
        {
            let expected = types.join(" or ");
            found.push(wrong("type", format!("expected {expected}, found {}", type_of(value))));
            return;
        }
        if let Some(options) = schema["enum"].as_array()
            && !options.contains(value)
        {
            let options: Vec<_> = options.iter().map(ToString::to_string).collect();
            found.push(wrong("enum", format!("expected one of {}", options.join(", "))));
        }
        match value {
            Value::String(text) => self.text(schema, text, &wrong, found),
            Value::Number(_) => number(schema, value, &wrong, found),
            Value::Array(items) => {
                bounds(schema, items.len(), ["minItems", "maxItems"], "items", &wrong, found);
                for (index, item) in items.iter().enumerate() {
                    if let Some(schema) = schema.get("items") {
                        self.walk(schema, item, &format!("{at}/{index}"), depth + 1, found);
                    }
                }
            }
            Value::Object(_) => self.object(schema, value, at, depth, found),
            _ => {}
        }
        for each in schema["allOf"].as_array().into_iter().flatten() {
            self.walk(each, value, at, depth + 1, found);
        }
        for keyword in ["oneOf", "anyOf"] {
            if let Some(options) = schema[keyword].as_array() {
                self.one_of(options, value, at, depth, found);
            }
        }
    }

    fn text(
        &self,
        schema: &Value,
        text: &str,
        wrong: &dyn Fn(&'static str, String) -> Finding,
        found: &mut Vec<Finding>,
    ) {
        bounds(schema, text.chars().count(), ["minLength", "maxLength"], "characters", wrong, found);
        if let Some(pattern) = schema["pattern"].as_str()
            && !self.patterns.get(pattern).is_some_and(|regex| regex.is_match(text))
        {
            found.push(wrong("pattern", format!("does not have the form {pattern}")));
        }
        let (fits, expected) = match schema["format"].as_str() {
            Some("uuid") => (is_uuid(text), "a UUID such as 01890a5d-ac96-774b-bcce-b302099a8057"),
            Some("date-time") => {
                (text.parse::<Timestamp>().is_ok(), "a date-time (RFC 3339) such as 2026-11-20T09:30:00.000Z")
            }
            Some("uri") => {
                (text.parse::<http::Uri>().is_ok_and(|uri| uri.scheme().is_some()), "an absolute URI")
            }
            _ => (true, ""),
        };
        if !fits {
            found.push(wrong("format", format!("expected {expected}")));
        }
    }

    fn object(&self, schema: &Value, value: &Value, at: &str, depth: usize, found: &mut Vec<Finding>) {
        let Some(object) = value.as_object() else { return };
        let below = |name: &str| format!("{at}/{}", name.replace('~', "~0").replace('/', "~1"));
        for name in schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str) {
            if !object.contains_key(name) {
                let detail = format!("{name} is missing");
                found.push(Finding { pointer: below(name), code: "required", detail });
            }
        }
        for (name, value) in object {
            match schema["properties"].get(name) {
                Some(schema) => self.walk(schema, value, &below(name), depth + 1, found),
                None if schema["additionalProperties"] == Value::Bool(false) => {
                    let known = schema["properties"].as_object();
                    let known: Vec<_> = known.into_iter().flat_map(|known| known.keys().cloned()).collect();
                    let detail = format!("{name} is not known here; known are {}", known.join(", "));
                    found.push(Finding { pointer: below(name), code: "unknown", detail });
                }
                None => {}
            }
        }
    }

    /// Nothing is wrong if one fits. Else what is wrong with the one that comes nearest.
    fn one_of(&self, options: &[Value], value: &Value, at: &str, depth: usize, found: &mut Vec<Finding>) {
        let tried: Vec<(usize, Vec<Finding>)> = options
            .iter()
            .map(|option| {
                let mut errors = Vec::new();
                self.walk(option, value, at, depth + 1, &mut errors);
                (self.shared(option, value), errors)
            })
            .collect();
        if tried.iter().any(|(_, errors)| errors.is_empty()) {
            return;
        }
        let nearest = tried.into_iter().max_by_key(|(shared, errors)| (*shared, usize::MAX - errors.len()));
        found.extend(nearest.map(|(_, errors)| errors).unwrap_or_default());
    }

    /// How many properties of a value an option knows.
    fn shared(&self, option: &Value, value: &Value) -> usize {
        let (schema, object) = (self.resolve(option), value.as_object());
        let known = |name: &&String| schema["properties"].get(name.as_str()).is_some();
        object.map_or(0, |object| object.keys().filter(known).count())
    }
}

fn collect_patterns(schema: &Value, patterns: &mut HashMap<String, Regex>) -> Result<(), regex_lite::Error> {
    match schema {
        Value::Object(object) => {
            if let Some(Value::String(pattern)) = object.get("pattern") {
                patterns.insert(pattern.clone(), Regex::new(pattern)?);
            }
            object.values().try_for_each(|each| collect_patterns(each, patterns))
        }
        Value::Array(items) => items.iter().try_for_each(|each| collect_patterns(each, patterns)),
        _ => Ok(()),
    }
}

fn types_of(schema: &Value) -> Option<Vec<&str>> {
    match &schema["type"] {
        Value::String(name) => Some(vec![name]),
        Value::Array(names) => Some(names.iter().filter_map(Value::as_str).collect()),
        _ => None,
    }
}

fn is_of_type(value: &Value, name: &str) -> bool {
    match name {
        "integer" => value.is_u64() || value.is_i64(),
        other => type_of(value) == other,
    }
}

fn type_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    }
}

fn number(
    schema: &Value,
    value: &Value,
    wrong: &dyn Fn(&'static str, String) -> Finding,
    found: &mut Vec<Finding>,
) {
    let given = value.as_f64().unwrap_or_default();
    if let Some(least) = schema["minimum"].as_f64()
        && given < least
    {
        found.push(wrong("minimum", format!("expected at least {least}, found {value}")));
    }
    if let Some(most) = schema["maximum"].as_f64()
        && given > most
    {
        found.push(wrong("maximum", format!("expected at most {most}, found {value}")));
    }
}

fn bounds(
    schema: &Value,
    length: usize,
    [least, most]: [&'static str; 2],
    unit: &str,
    wrong: &dyn Fn(&'static str, String) -> Finding,
    found: &mut Vec<Finding>,
) {
    let length = length as u64;
    if let Some(bound) = schema[least].as_u64()
        && length < bound
    {
        found.push(wrong(least, format!("expected at least {bound} {unit}, found {length}")));
    }
    if let Some(bound) = schema[most].as_u64()
        && length > bound
    {
        found.push(wrong(most, format!("expected at most {bound} {unit}, found {length}")));
    }
}

/// The usual form only: other spellings of the same id would be other idempotency fingerprints and cache keys.
fn is_uuid(text: &str) -> bool {
    text.len() == 36 && uuid::Uuid::try_parse(text).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn findings(schema: Value, value: Value) -> Vec<(String, &'static str)> {
        let schemas = json!({ "Inner": { "type": "object", "required": ["a"],
            "properties": { "a": { "type": "string", "pattern": "^[0-9]+$" } }, "additionalProperties": false } });
        let checker = Checker::new(schemas, std::iter::once(&schema)).unwrap();
        checker.check(&schema, &value).into_iter().map(|found| (found.pointer, found.code)).collect()
    }

    #[test]
    fn everything_that_is_wrong_is_found_at_once() {
        let schema = json!({ "type": "object", "required": ["inner", "list", "gone"], "properties": {
            "inner": { "$ref": "#/components/schemas/Inner" },
            "list": { "type": "array", "maxItems": 2, "items": { "type": "integer", "minimum": 3 } } } });
        let value = json!({ "inner": { "a": "x", "b": 1 }, "list": [1, "2", 3] });
        let mut found = findings(schema, value);
        found.sort();
        assert_eq!(
            found,
            [
                ("/gone".to_owned(), "required"),
                ("/inner/a".to_owned(), "pattern"),
                ("/inner/b".to_owned(), "unknown"),
                ("/list".to_owned(), "maxItems"),
                ("/list/0".to_owned(), "minimum"),
                ("/list/1".to_owned(), "type"),
            ]
        );
    }

    #[test]
    fn of_several_forms_the_nearest_says_what_is_wrong() {
        let form = |name: &str| {
            json!({ "type": "object", "required": [name], "additionalProperties": false,
            "properties": { name: { "type": "string", "minLength": 1 } } })
        };
        let schema = json!({ "oneOf": [form("number"), form("agent")] });
        assert_eq!(findings(schema.clone(), json!({ "agent": "x" })), []);
        assert_eq!(findings(schema.clone(), json!({ "agent": "" })), [("/agent".to_owned(), "minLength")]);
        assert_eq!(findings(schema, json!({ "agent": "x", "number": "1" })).len(), 1);
    }

    #[test]
    fn formats_are_checked() {
        for (format, good, bad) in [
            ("uuid", "01890a5d-ac96-774b-bcce-b302099a8057", "01890a5dac96774bbcceb302099a8057"),
            ("date-time", "2026-11-20T09:30:00Z", "2026-11-20"),
            ("uri", "https://jkc.example.nl/x", "/x"),
        ] {
            let schema = json!({ "type": "string", "format": format });
            assert_eq!(findings(schema.clone(), json!(good)), []);
            assert_eq!(findings(schema, json!(bad)), [(String::new(), "format")]);
        }
    }
}
