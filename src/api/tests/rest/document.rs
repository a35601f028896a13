//! The OpenAPI document is the one that is committed.

use serde_json::Value;
use std::collections::BTreeSet;

#[test]
fn the_document_is_the_committed_one() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/openapi.json");
    let made = schakel_api::openapi_json() + "\n";
    if std::env::var_os("UPDATE_FIXTURES").is_some() {
        std::fs::write(path, &made).unwrap();
    }
    let committed = std::fs::read_to_string(path).unwrap_or_default();
    assert!(
        made == committed,
        "src/api/openapi.json is out of date: UPDATE_FIXTURES=1 writes it; review the difference"
    );
}

#[test]
fn every_reference_leads_somewhere_and_every_operation_has_a_name_of_its_own() {
    let document: Value = serde_json::from_str(&schakel_api::openapi_json()).unwrap();
    let text = document.to_string();
    for reference in text.split("\"$ref\":\"#").skip(1) {
        let pointer = reference.split('"').next().unwrap();
        assert!(document.pointer(pointer).is_some(), "{pointer}");
    }
    let mut names = BTreeSet::new();
    for operation in
        document["paths"].as_object().unwrap().values().flat_map(|path| path.as_object().unwrap().values())
    {
        assert!(names.insert(operation["operationId"].to_string()), "{}", operation["operationId"]);
    }
}
