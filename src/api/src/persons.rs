//! Telephone numbers and names, for who may not see them (scope `persons:read`): withheld in one place, on the way out.
//!
//! A property that may hold either is marked in the contract, with the extension `x-personal` of its schema. So the
//! document itself says what is withheld, and this is all that there is to it: what is written already is read again
//! along its schema, and what is marked is taken out. A property that the schema requires stays, empty. The object it
//! was in says `"withheld": true`. A type may be marked as a whole, such as a number in E.164, and so a list is by what it
//! is of.
//!
//! A mark is `true`, or `unlessOurs`: a device, which is a number only where it is not one of ours.

use crate::document;
use crate::route::Route;
use serde_json::{Map, Value, json};
use std::collections::BTreeSet;

/// The extension that marks a property.
pub(crate) const MARK: &str = "x-personal";

/// The property that says that something was withheld.
pub(crate) const WITHHELD: &str = "withheld";

/// Deeper than any object of ours; a schema that refers to itself must end somewhere.
const DEPTH_MAX: usize = 32;

/// What is personal in the schemas of the document.
#[derive(Debug)]
pub(crate) struct Persons {
    schemas: Value,
    /// The names of schemas in which, or in what they refer to, something is.
    personal: BTreeSet<String>,
}

impl Persons {
    /// Of the schemas of a document.
    pub(crate) fn new(schemas: Value) -> Self {
        let mut persons = Self { schemas, personal: BTreeSet::new() };
        // Until nothing is added: a schema that refers to a personal one is personal.
        loop {
            let all = persons.schemas.as_object().into_iter().flatten();
            let more: BTreeSet<String> =
                all.filter(|(_, schema)| persons.are_in(schema)).map(|(name, _)| name.clone()).collect();
            if more == persons.personal {
                return persons;
            }
            persons.personal = more;
        }
    }

    /// Of the committed document.
    pub(crate) fn committed() -> Result<Self, serde_json::Error> {
        let mut document: Value = serde_json::from_str(document::COMMITTED)?;
        Ok(Self::new(document["components"]["schemas"].take()))
    }

    /// The schema of what a route gives, where something of it is personal.
    pub(crate) fn of_route(&self, route: &Route) -> Option<Value> {
        let schema = document::content(route)?["application/json"]["schema"].take();
        self.are_in(&schema).then_some(schema)
    }

    /// The same, where it is withheld: a visitor's own words are not withheld from him.
    pub(crate) fn withheld_of(&self, route: &Route) -> Option<Value> {
        self.of_route(route).filter(|_| !route.is_visitors)
    }

    /// A notification without what is personal in it.
    pub(crate) fn withhold_event(&self, payload: &[u8]) -> Vec<u8> {
        self.withhold(&json!({ "$ref": "#/components/schemas/CloudEvent" }), payload)
    }

    /// Whether something of this schema is personal.
    pub(crate) fn are_in(&self, schema: &Value) -> bool {
        if let Some(name) = named(schema) {
            return self.personal.contains(name);
        }
        match schema {
            Value::Object(keywords) => {
                keywords.get(MARK).is_some_and(|mark| *mark != false)
                    || keywords.values().any(|each| self.are_in(each))
            }
            Value::Array(each) => each.iter().any(|each| self.are_in(each)),
            _ => false,
        }
    }

    /// JSON without what is personal in it. What is not JSON is not given at all.
    pub(crate) fn withhold(&self, schema: &Value, json: &[u8]) -> Vec<u8> {
        let Ok(mut value) = serde_json::from_slice::<Value>(json) else { return Vec::new() };
        self.strip(schema, &mut value, 0);
        // Cannot fail: it was JSON before.
        serde_json::to_vec(&value).unwrap_or_default()
    }

    fn strip(&self, schema: &Value, value: &mut Value, depth: usize) {
        if depth > DEPTH_MAX {
            // What could not be looked at is not shown.
            *value = Value::Null;
            return;
        }
        if let Some(name) = named(schema) {
            if self.personal.contains(name)
                && let Some(schema) = self.schemas.get(name)
            {
                self.strip(schema, value, depth + 1);
            }
            return;
        }
        for keyword in ["allOf", "oneOf", "anyOf"] {
            for each in schema[keyword].as_array().into_iter().flatten() {
                self.strip(each, value, depth + 1);
            }
        }
        match value {
            Value::Array(items) => {
                for item in items {
                    self.strip(&schema["items"], item, depth + 1);
                }
            }
            Value::Object(_) => self.strip_object(schema, value, depth),
            _ => {}
        }
    }

    fn strip_object(&self, schema: &Value, value: &mut Value, depth: usize) {
        let Value::Object(object) = value else { return };
        let ours = devices_of_ours(object);
        let mut withheld = false;
        for (name, property) in schema["properties"].as_object().into_iter().flatten() {
            let is_personal = match mark(&self.schemas, property) {
                Some(Value::Bool(personal)) => *personal,
                Some(Value::String(_)) => object.get(name).is_some_and(|device| !ours.contains(device)),
                _ => false,
            };
            if !is_personal {
                if let Some(value) = object.get_mut(name) {
                    self.strip(property, value, depth + 1);
                }
                continue;
            }
            let required =
                schema["required"].as_array().is_some_and(|all| all.iter().any(|each| each == name));
            withheld |= match object.get_mut(name) {
                Some(value) if required => blank(value),
                Some(_) => object.remove(name).is_some(),
                None => false,
            };
        }
        if let additional @ Value::Object(_) = &schema["additionalProperties"] {
            for value in object.values_mut() {
                self.strip(additional, value, depth + 1);
            }
        }
        if withheld {
            object.insert(WITHHELD.to_owned(), true.into());
        }
    }
}

/// The mark of a property: its own, or that of what it is, or is a list of.
pub(crate) fn mark<'a>(schemas: &'a Value, property: &'a Value) -> Option<&'a Value> {
    let of_its_own = property.get(MARK);
    let of_its_type = || named(property).and_then(|name| schemas.get(name)?.get(MARK));
    let of_its_items = || {
        let items = property.get("items")?;
        items.get(MARK).or_else(|| schemas.get(named(items)?)?.get(MARK))
    };
    of_its_own.or_else(of_its_type).or_else(of_its_items)
}

/// The devices in an object that are ours for sure: a connection's own, and those of the call that a notification has.
/// Without a call it is about a device of ours.
fn devices_of_ours(object: &Map<String, Value>) -> Vec<Value> {
    let device = |of: &Value| of.get("device").cloned();
    let is_ours = |connection: &&Value| connection["ours"] == true;
    match (object.get("ours"), object.get("call")) {
        (Some(ours), _) => object.get("device").filter(|_| *ours == true).cloned().into_iter().collect(),
        (None, Some(call)) => {
            call["connections"].as_array().into_iter().flatten().filter(is_ours).filter_map(device).collect()
        }
        (None, None) => object.get("device").cloned().into_iter().collect(),
    }
}

/// Takes the content out; whether there was any.
fn blank(value: &mut Value) -> bool {
    match value {
        Value::String(text) => !std::mem::take(text).is_empty(),
        Value::Array(items) => !std::mem::take(items).is_empty(),
        other => !other.take().is_null(),
    }
}

fn named(schema: &Value) -> Option<&str> {
    schema.get("$ref")?.as_str()?.strip_prefix("#/components/schemas/")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn persons() -> Persons {
        Persons::new(json!({
            "E164": { "type": "string", MARK: true },
            "Party": { "type": "object", "properties": { "number": { MARK: true }, "restricted": {},
                "e164": { "$ref": "#/components/schemas/E164" },
                "others": { "type": "array", "items": { "$ref": "#/components/schemas/E164" } } } },
            "Leg": { "type": "object", "required": ["device"], "properties":
                { "device": { MARK: "unlessOurs" }, "ours": {} } },
            "Call": { "type": "object", "properties": {
                "calling": { "$ref": "#/components/schemas/Party" },
                "called": { "oneOf": [{ "type": "null" }, { "$ref": "#/components/schemas/Party" }] },
                "legs": { "type": "array", "items": { "$ref": "#/components/schemas/Leg" } },
                "inner": { "$ref": "#/components/schemas/Call" },
                "number": {} } },
            "Page": { "allOf": [{ "$ref": "#/components/schemas/Call" }, { "type": "object" }] },
            "Plain": { "type": "object", "properties": { "number": {} } },
        }))
    }

    #[test]
    fn avg_what_is_marked_is_taken_out_wherever_it_is() {
        let persons = persons();
        let schema = json!({ "type": "object", "properties":
            { "items": { "type": "array", "items": { "$ref": "#/components/schemas/Page" } } } });
        assert!(persons.are_in(&schema));
        assert!(!persons.are_in(&json!({ "$ref": "#/components/schemas/Plain" })));
        let shown = json!({ "items": [{
            "calling": { "number": "0612345678", "restricted": false },
            "called": { "restricted": true, "e164": "+31612345678", "others": ["+31612345678"] },
            "legs": [{ "device": "2001", "ours": true }, { "device": "0612345678", "ours": false }],
            "inner": { "called": { "number": "020" } },
            "number": 7 }] });
        let written = persons.withhold(&schema, &serde_json::to_vec(&shown).unwrap());
        let withheld: Value = serde_json::from_slice(&written).unwrap();
        let expected = json!({ "items": [{
            "calling": { "restricted": false, "withheld": true },
            "called": { "restricted": true, "withheld": true },
            "legs": [{ "device": "2001", "ours": true }, { "device": "", "ours": false, "withheld": true }],
            "inner": { "called": { "withheld": true } },
            "number": 7 }] });
        assert_eq!(withheld, expected);
        assert_eq!(persons.withhold(&schema, &written), written, "again takes no more");
        assert!(persons.withhold(&schema, b"no JSON 0612345678").is_empty());
    }

    #[test]
    fn avg_what_is_too_deep_to_look_at_is_not_shown() {
        let mut deep = json!({ "calling": { "number": "0612345678" } });
        for _ in 0..DEPTH_MAX {
            deep = json!({ "inner": deep });
        }
        let schema = json!({ "$ref": "#/components/schemas/Call" });
        let written = persons().withhold(&schema, &serde_json::to_vec(&deep).unwrap());
        assert!(!String::from_utf8(written).unwrap().contains("0612345678"));
    }
}
