//! The OpenAPI document, made from the routes.

use crate::persons::{WITHHELD, mark};
use crate::route::{Gives, Route, Schemas, Shape, shape};
use crate::router::{API_VERSION, NAME_MAX};
use crate::upload;
use schakel_contract::event::CloudEvent;
use schakel_contract::problem::{Problem, ProblemKind};
use schakel_contract::requests::RouteAnswer;
use schakel_contract::views::EventPage;
use serde_json::{Map, Value, json};
use std::collections::{BTreeMap, BTreeSet};

/// The document as it is committed, which a test compares with what [`build`] makes. Served from here, because making
/// it takes 17 MB and a fifth of a second, which the allocator never gives back.
pub(crate) const COMMITTED: &str = include_str!("../openapi.json");

/// The document of all routes.
pub(crate) fn build(routes: &[Route]) -> Value {
    let mut paths: BTreeMap<&str, Map<String, Value>> = BTreeMap::new();
    for route in routes {
        paths.entry(route.path).or_default().insert(route.method.as_str().to_lowercase(), operation(route));
    }
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Schakel",
            "version": API_VERSION,
            "description": "Connects JOIN Klantcontact to telephony: calls, transfers, agents and contacts, and what \
                            happens to them as notifications (CloudEvents 1.0) over webhooks and an event stream.",
            "contact": { "name": "Schakel", "url": "https://schakel.nl", "email": "beheer@schakel.nl" },
            "license": { "name": "MIT OR Apache-2.0", "identifier": "MIT OR Apache-2.0" },
        },
        "servers": [{ "url": "/v1", "description": "This daemon." }],
        "security": [{ "bearer": [] }],
        "tags": tags(routes),
        "paths": paths,
        "components": {
            "schemas": schemas(routes),
            "responses": failure_responses(routes),
            "securitySchemes": { "bearer": { "type": "http", "scheme": "bearer",
                "description": "`<id>.<secret>`, made by `schakel token create` or POST /tokens." } },
        },
    })
}

fn tags(routes: &[Route]) -> Value {
    let names: BTreeSet<_> = routes.iter().map(tag).collect();
    names.into_iter().map(|name| json!({ "name": name })).collect()
}

/// The resource that a path begins with.
fn tag(route: &Route) -> &'static str {
    if route.path.contains("/devices") {
        return "devices";
    }
    route.path.split('/').nth(1).filter(|name| *name != "openapi.json").unwrap_or("document")
}

fn operation(route: &Route) -> Value {
    let mut operation = json!({
        "operationId": route.id,
        "summary": route.summary,
        "tags": [tag(route)],
        "parameters": parameters(route),
        "responses": responses(route),
    });
    if let Some(scope) = route.scope {
        let other = route.or_scope.map(|scope| format!(", or `{}`", scope.as_str())).unwrap_or_default();
        let needs = format!("Needs a token with the scope `{}`{other}.", scope.as_str());
        operation["description"] = format!("{}.\n\n{needs}", route.summary).into();
    } else {
        operation["security"] = json!([]);
    }
    if let Some(body) = route.body {
        operation["requestBody"] =
            json!({ "required": true, "content": { "application/json": { "schema": reference(body) } } });
    }
    if route.is_import {
        operation["requestBody"] = json!({ "required": true, "content": upload::content() });
    }
    if route.is_attachment {
        operation["requestBody"] = json!({ "required": true, "content": upload::attachment_content() });
    }
    operation
}

fn parameters(route: &Route) -> Value {
    let in_path = route.path.split('/').filter_map(|part| part.strip_prefix('{')?.strip_suffix('}')).map(|name| {
        json!({ "name": name, "in": "path", "required": true, "description": meaning(name), "schema": path_schema(name) })
    });
    let others = route.parameters.iter().map(|each| {
        let mut parameter = json!({
            "name": each.name, "in": each.place, "description": each.description, "schema": each.schema });
        if each.required {
            parameter["required"] = true.into();
        }
        parameter
    });
    in_path.chain(others).collect()
}

/// What a parameter of a path stands for.
fn meaning(name: &str) -> &'static str {
    match name {
        "agent" => "JKC's name of the user.",
        "call" => "The call's id.",
        "chat" => "The chat's id.",
        "command" => "The command's id.",
        "contact" => "The contact's id.",
        "device" => "The extension.",
        "file" => "The file's id.",
        "entry" => "The entry's id.",
        "message" => "The message's id, made by who sends it; a UUIDv7.",
        "offer" => "The id of the offer or the invitation.",
        "provider" => "The telephone system's name in the configuration.",
        "queue" => "The chat queue's name in the configuration.",
        "reference" => {
            "JKC's own reference of the person or organisation; nothing that says by itself who it is."
        }
        "route" => "The routing's id.",
        "session" => "The contact session's id.",
        "token" => "The token's id, the part before the dot.",
        "transfer" => "The transfer's id.",
        "visit" => "The chat's id.",
        _ => "The subscription's id.",
    }
}

pub(crate) fn path_schema(name: &str) -> Value {
    match name {
        "agent" | "device" | "entry" | "provider" | "queue" | "reference" | "token" => {
            let printable = "^[^\\u0000-\\u001f\\u007f-\\u009f]+$";
            json!({ "type": "string", "minLength": 1, "maxLength": NAME_MAX, "pattern": printable })
        }
        _ => json!({ "type": "string", "format": "uuid" }),
    }
}

fn responses(route: &Route) -> Value {
    let mut responses = Map::new();
    let (status, description) = match (&route.gives, route.created) {
        (Gives::Nothing, _) => ("204", "Done."),
        (_, true) => ("201", "Made."),
        _ => ("200", if route.is_command { "Done, with the new state." } else { "Here it is." }),
    };
    let mut success = json!({ "description": description, "headers": headers(route) });
    if let Some(content) = content(route) {
        success["content"] = content.clone();
        if route.is_command && !route.is_at_once {
            let mut later = json!({ "description": "Accepted, and under way: its one outcome can be read at Location, \
                                                    and is notified.", "headers": headers(route), "content": content });
            later["headers"]["Location"] = header("Path of the command.", json!({ "type": "string" }));
            responses.insert("202".into(), later);
        }
    }
    responses.insert(status.into(), success);
    for kind in failures(route) {
        let name = format!("#/components/responses/Status{}", kind.status());
        responses.insert(kind.status().to_string(), json!({ "$ref": name }));
    }
    Value::Object(responses)
}

pub(crate) fn content(route: &Route) -> Option<Value> {
    let schema = match &route.gives {
        Gives::Nothing => return None,
        Gives::Other(content) => return Some(content.clone()),
        Gives::One(shape) => reference(*shape),
        Gives::All(shape) => list(*shape, false),
        Gives::Page(shape) => list(*shape, true),
    };
    let mut content = json!({ "application/json": { "schema": schema } });
    if let Some((media, description)) = route.text {
        content[media] = json!({ "schema": { "type": "string", "description": description } });
    }
    Some(content)
}

fn list(of: Shape, by_page: bool) -> Value {
    let mut schema = json!({
        "type": "object",
        "required": ["items"],
        "properties": { "items": { "type": "array", "items": reference(of) } },
    });
    if by_page {
        schema["properties"]["next"] = json!({ "type": "string",
            "description": "Give this as `after` to get the next page; absent on the last one." });
    }
    schema
}

fn reference(shape: Shape) -> Value {
    json!({ "$ref": format!("#/components/schemas/{}", (shape.name)()) })
}

fn headers(route: &Route) -> Value {
    let mut headers =
        json!({ "API-Version": header("The version of the API.", json!({ "type": "string" })) });
    if route.has_version && !route.is_command && !matches!(route.gives, Gives::Nothing) {
        headers["ETag"] = header("The version of the object, for If-Match.", json!({ "type": "string" }));
    }
    if route.scope.is_none() {
        headers["access-control-allow-origin"] =
            header("Every origin may read this.", json!({ "type": "string" }));
    }
    headers
}

fn header(description: &str, schema: Value) -> Value {
    json!({ "description": description, "required": true, "schema": schema })
}

/// Every way in which a route can fail.
pub(crate) fn failures(route: &Route) -> Vec<ProblemKind> {
    use ProblemKind as Kind;
    let mut kinds = vec![Kind::InvalidRequest, Kind::NotAcceptable, Kind::RequestTimeout, Kind::BodyTooLarge];
    if route.scope.is_some() {
        kinds.extend([Kind::Unauthenticated, Kind::Forbidden, Kind::TooManyRequests]);
        kinds.extend([Kind::Internal, Kind::Unavailable]);
    }
    if route.path.contains('{') {
        kinds.push(Kind::NotFound);
    }
    if route.body.is_some() || route.is_import {
        kinds.push(Kind::UnsupportedMediaType);
    }
    if route.is_command {
        kinds.extend([Kind::StillRunning, Kind::KeyReused, Kind::Gone]);
        kinds.extend(schakel_core::command::RefusalCause::ALL.iter().map(|cause| Kind::from(*cause)));
    }
    kinds.extend(&route.failures);
    kinds
}

/// One response a status, for all routes that can fail with it.
fn failure_responses(routes: &[Route]) -> Value {
    let mut by_status: BTreeMap<u16, BTreeSet<&'static str>> = BTreeMap::new();
    for kind in routes.iter().flat_map(failures) {
        by_status.entry(kind.status()).or_default().insert(kind.title());
    }
    let named = by_status.into_iter().map(|(status, titles)| {
        let titles: Vec<_> = titles.into_iter().collect();
        (format!("Status{status}"), failure(status, &titles))
    });
    Value::Object(named.collect())
}

fn failure(status: u16, titles: &[&str]) -> Value {
    let mut response = json!({
        "description": format!("{}.", titles.join("; ")),
        "headers": { "API-Version": header("The version of the API.", json!({ "type": "string" })) },
        "content": { "application/problem+json": { "schema": { "$ref": "#/components/schemas/Problem" } } },
    });
    let seconds = json!({ "type": "integer", "format": "int32", "minimum": 1 });
    match status {
        401 => response["headers"]["WWW-Authenticate"] = header("Bearer.", json!({ "type": "string" })),
        429 | 503 => response["headers"]["Retry-After"] = header("Seconds to wait.", seconds),
        _ => {}
    }
    response
}

fn schemas(routes: &[Route]) -> Value {
    let mut collected = Schemas::new();
    let mut shapes = vec![shape::<Problem<'static>>(), shape::<CloudEvent<'static>>(), shape::<EventPage>()];
    // What no route takes: it is the answer to a webhook, checked by the same schemas.
    shapes.push(shape::<RouteAnswer>());
    for route in routes {
        shapes.extend(route.body);
        shapes.extend(&route.also);
        match &route.gives {
            Gives::One(shape) | Gives::All(shape) | Gives::Page(shape) => shapes.push(*shape),
            Gives::Nothing | Gives::Other(_) => {}
        }
    }
    for shape in shapes {
        (shape.collect)(&mut collected);
    }
    let mut schemas = Map::new();
    for (name, schema) in collected {
        // Cannot fail: a schema has no keys that are not text.
        schemas.insert(name, serde_json::to_value(schema).unwrap_or_default());
    }
    say_what_is_withheld(&mut schemas);
    // An enum with data takes exactly one of its forms, and utoipa does not say so.
    for name in ["Destination", "InviteeRequest", "RedriveRequest", "RouteDecisionRequest"] {
        let forms = schemas.get_mut(name).and_then(|schema| schema["oneOf"].as_array_mut());
        for form in forms.into_iter().flatten() {
            form["additionalProperties"] = false.into();
        }
    }
    Value::Object(schemas)
}

/// A schema with something personal in it says so, and how it looks to who may not see that.
fn say_what_is_withheld(schemas: &mut Map<String, Value>) {
    const TEXT: &str = "Telephone numbers and names are not shown to this reader: what is marked `x-personal` is \
                        absent, or empty where it is required.";
    let all = Value::Object(schemas.clone());
    for schema in schemas.values_mut() {
        let mut objects = vec![&mut *schema];
        while let Some(object) = objects.pop() {
            let marked = |each: &Value| mark(&all, each).is_some_and(|mark| *mark != false);
            if object["properties"].as_object().is_some_and(|all| all.values().any(marked)) {
                object["properties"][WITHHELD] = json!({ "type": "boolean", "description": TEXT });
            }
            objects.extend(object.get_mut("allOf").and_then(Value::as_array_mut).into_iter().flatten());
        }
    }
}

impl Route {
    /// The media types that it gives, problems apart.
    pub(crate) fn media_types(&self) -> Vec<String> {
        match content(self) {
            Some(Value::Object(content)) => content.into_iter().map(|(media, _)| media).collect(),
            _ => vec!["application/json".to_owned()],
        }
    }
}
