//! Who may do what, and what a wrong request is told.

use crate::house::{House, in_house, with_settings};
use axum::body::Body;
use http::Request;
use schakel_api::ApiSettings;
use schakel_contract::views::Scope;
use serde_json::{Value, json};

/// Every operation of the document: method and path with something in its parameters.
fn operations() -> Vec<(String, String)> {
    let document: Value = serde_json::from_str(&schakel_api::openapi_json()).unwrap();
    let mut found = Vec::new();
    for (path, operations) in document["paths"].as_object().unwrap() {
        let filled: Vec<_> = path
            .split('/')
            .map(|part| match part {
                "{agent}" | "{device}" | "{provider}" | "{token}" => "x",
                parameter if parameter.starts_with('{') => "01890a5d-ac96-774b-bcce-b302099a8057",
                other => other,
            })
            .collect();
        let methods = operations.as_object().unwrap().keys();
        found.extend(methods.map(|method| (method.to_uppercase(), filled.join("/"))));
    }
    found
}

#[test]
fn no_token_no_data_on_every_path_but_the_document() {
    in_house(async |house| {
        let nobody = house.new_token(&[], None).await;
        let all = operations();
        assert!(all.len() > 40, "{}", all.len());
        for (method, path) in all.iter().filter(|(_, path)| path != "/openapi.json") {
            for bearer in ["", "Bearer", "Bearer x", "Bearer x.y", "Basic eDp5"] {
                let reply = house.ask(method, path, None, &[("authorization", bearer)]).await;
                assert_eq!(
                    (reply.status.as_u16(), reply.problem()),
                    (401, "unauthenticated"),
                    "{method} {path}"
                );
                assert!(reply.header("www-authenticate").starts_with("Bearer"), "{method} {path}");
            }
            let bearer = format!("Bearer {nobody}");
            let reply = house.ask(method, path, None, &[("authorization", &bearer)]).await;
            assert_eq!((reply.status.as_u16(), reply.problem()), (403, "forbidden"), "{method} {path}");
        }
        let open = house.ask("GET", "/openapi.json", None, &[("authorization", "")]).await;
        assert_eq!((open.status.as_u16(), open.header("access-control-allow-origin")), (200, "*"));
    });
}

#[test]
fn a_scope_opens_its_own_doors_only() {
    in_house(async |house| {
        for (scope, opens) in [
            (Scope::CallsRead, "/calls"),
            (Scope::AgentsRead, "/agents"),
            (Scope::EventsRead, "/snapshot"),
            (Scope::WebhooksManage, "/webhooks"),
            (Scope::ProvidersRead, "/providers"),
            (Scope::Admin, "/tokens"),
        ] {
            let bearer = format!("Bearer {}", house.new_token(&[scope], None).await);
            for path in ["/calls", "/agents", "/snapshot", "/webhooks", "/providers", "/tokens"] {
                let reply = house.ask("GET", path, None, &[("authorization", &bearer)]).await;
                let expected = if path == opens || scope == Scope::Admin { 200 } else { 403 };
                assert_eq!(reply.status, expected, "{scope:?} {path}");
            }
        }
    });
}

#[test]
fn a_token_of_one_agent_acts_at_his_device_only() {
    in_house(async |house| {
        let call = house.speaks().await;
        let scopes = [Scope::CallsControl, Scope::AgentsWrite];
        let own = format!("Bearer {}", house.new_token(&scopes, Some("jansen")).await);
        let other = format!("Bearer {}", house.new_token(&scopes, Some("pieters")).await);
        let dial = json!({ "destination": { "number": "2003" } });
        let seat = json!({ "provider": "pbx", "device": "2003" });
        let transfer = json!({ "call": call, "device": "2001", "to": { "number": "2003" }, "kind": "cold" });
        let hold = format!("/calls/{call}/connections/2001/hold");
        for (method, path, body) in [
            ("POST", hold.as_str(), None),
            ("POST", "/agents/jansen/calls", Some(dial)),
            ("PUT", "/agents/jansen/registration", Some(seat)),
            ("DELETE", "/agents/jansen/registration", None),
            ("POST", "/transfers", Some(transfer)),
            ("PUT", "/providers/pbx/devices/2001/do-not-disturb", Some(json!({ "on": true }))),
        ] {
            let reply = house.ask(method, path, body, &[("authorization", &other)]).await;
            assert_eq!((reply.status.as_u16(), reply.problem()), (403, "forbidden"), "{method} {path}");
        }
        let reply = house.ask("POST", &hold, None, &[("authorization", &own)]).await;
        assert_eq!(reply.status, 200, "{}", reply.body);
        assert_eq!(reply.body["command"]["by"]["agent"], "jansen");
    });
}

#[test]
fn a_token_is_shown_once_and_gone_when_revoked() {
    in_house(async |house| {
        let body = json!({ "name": "JKC", "scopes": ["calls:read"], "expiresAt": "2090-01-01T00:00:00Z" });
        let made = house.post("/tokens", Some(body)).await;
        assert_eq!(made.status, 201, "{}", made.body);
        let (id, secret) = (made.body["id"].as_str().unwrap(), made.body["secret"].as_str().unwrap());
        assert!(secret.starts_with(&format!("{id}.")) && secret.len() > id.len() + 40);
        let list = house.get("/tokens").await.body.to_string();
        assert!(list.contains(id) && !list.contains(secret) && !list.contains("sha256"));
        let stored = house.store.reader().unwrap().record("tokens", id).unwrap().unwrap();
        assert!(!stored.contains(secret.split_once('.').unwrap().1));
        let bearer = format!("Bearer {secret}");
        let headers = [("authorization", bearer.as_str())];
        assert_eq!(house.ask("GET", "/calls", None, &headers).await.status, 200);
        assert_eq!(house.send("DELETE", &format!("/tokens/{id}"), None).await.status, 204);
        assert_eq!(house.ask("GET", "/calls", None, &headers).await.status, 401);
        assert_eq!(house.send("DELETE", &format!("/tokens/{id}"), None).await.status, 404);
    });
}

#[test]
fn an_expired_token_is_of_no_use() {
    in_house(async |house| {
        let body = json!({ "name": "old", "scopes": ["admin"], "expiresAt": "2020-01-01T00:00:00Z" });
        let bearer =
            format!("Bearer {}", house.post("/tokens", Some(body)).await.body["secret"].as_str().unwrap());
        assert_eq!(house.ask("GET", "/calls", None, &[("authorization", &bearer)]).await.status, 401);
    });
}

#[test]
fn a_token_made_beside_the_daemon_opens_it() {
    in_house(async |house| {
        let store = house.store.clone();
        let request = schakel_contract::requests::TokenRequest {
            name: "cli".into(),
            scopes: vec![Scope::Admin],
            agent: None,
            expires_at: None,
        };
        let made = std::thread::spawn(move || schakel_api::tokens::create_offline(&store, request).unwrap());
        let secret = made.join().unwrap().secret;
        let reloaded = schakel_api::tokens::Tokens::load(house.store.clone()).unwrap();
        let id = secret.split_once('.').unwrap().0;
        assert!(reloaded.list().iter().any(|token| token.id == id));
    });
}

#[test]
fn everything_that_is_wrong_is_told_at_once() {
    in_house(async |house| {
        let body = json!({ "destination": { "number": "not a number" }, "extra": true });
        let headers = [("idempotency-key", "")];
        let reply = house.ask("POST", "/agents/jansen/calls?wait=99&unknown=1", Some(body), &headers).await;
        assert_eq!((reply.status.as_u16(), reply.problem()), (400, "invalid-request"));
        let errors = reply.body["errors"].as_array().unwrap();
        let mut places: Vec<String> = errors
            .iter()
            .map(|error| {
                let location = &error["location"];
                let place = location["pointer"].as_str().or(location["name"].as_str()).unwrap();
                format!("{} {place}", error["in"].as_str().unwrap())
            })
            .collect();
        places.sort();
        let expected = [
            "body /destination/number",
            "body /extra",
            "header Idempotency-Key",
            "query unknown",
            "query wait",
        ];
        assert_eq!(places, expected);
        assert_eq!(reply.body["instance"], "/v1/agents/jansen/calls");
    });
}

#[test]
fn every_failure_is_a_problem_with_the_version_of_the_api() {
    in_house(async |house| {
        let json = ("content-type", "application/json");
        let large = "x".repeat(70_000);
        for (method, path, headers, body, status, kind) in [
            ("GET", "/v1/nowhere", vec![], "", 404, "not-found"),
            ("GET", "/v1/calls/", vec![], "", 404, "not-found"),
            ("GET", "/", vec![], "", 404, "not-found"),
            ("PATCH", "/v1/calls", vec![], "", 405, "method-not-allowed"),
            ("GET", "/v1/calls/x", vec![], "", 400, "invalid-request"),
            ("GET", "/v1/calls/%ff", vec![], "", 400, "invalid-request"),
            ("GET", "/v1/agents/%00", vec![], "", 400, "invalid-request"),
            ("GET", "/v1/calls?state=wrong", vec![], "", 400, "invalid-request"),
            ("GET", "/v1/calls", vec![("accept", "application/xml")], "", 406, "not-acceptable"),
            (
                "POST",
                "/v1/transfers",
                vec![("content-type", "text/xml")],
                "<x/>",
                415,
                "unsupported-media-type",
            ),
            ("POST", "/v1/transfers", vec![json], "{", 400, "invalid-request"),
            ("POST", "/v1/transfers", vec![json], large.as_str(), 413, "body-too-large"),
            ("GET", "/v1/agents/nobody", vec![], "", 404, "not-found"),
        ] {
            let mut request = Request::builder().method(method).uri(path);
            request = request.header("authorization", format!("Bearer {}", house.token));
            for (name, value) in headers {
                request = request.header(name, value);
            }
            let reply = house.raw(request.body(Body::from(body.to_owned())).unwrap()).await;
            assert_eq!((reply.status.as_u16(), reply.problem()), (status, kind), "{method} {path}");
            assert_eq!(reply.header("api-version"), "1.0.0", "{method} {path}");
            assert_eq!(reply.header("x-content-type-options"), "nosniff");
            assert!(!reply.body["detail"].as_str().unwrap().is_empty());
            if status == 405 {
                assert!(reply.header("allow").contains("GET"));
            }
        }
    });
}

#[test]
fn who_asks_too_often_is_told_to_wait() {
    let settings = ApiSettings { requests_per_second_max: 5, ..ApiSettings::default() };
    with_settings(settings, async |house: House| {
        let mut told = false;
        for _ in 0..20 {
            let reply = house.get("/calls").await;
            if reply.status == 429 {
                assert_eq!(reply.problem(), "too-many-requests");
                assert!(reply.header("retry-after").parse::<u64>().unwrap() >= 1);
                told = true;
            }
        }
        assert!(told);
        // Another token is not made to wait for this one.
        let bearer = format!("Bearer {}", house.new_token(&[Scope::CallsRead], None).await);
        assert_eq!(house.ask("GET", "/calls", None, &[("authorization", &bearer)]).await.status, 200);
    });
}
