//! Contact sessions (T11, T16) as JKC opens, parks, resumes and closes them.

use crate::house::{House, Reply, in_house};
use schakel_contract::views::Scope;
use schakel_core::model::call::ConnectionState;
use schakel_core::model::cause::Cause;
use schakel_core::report::CallEvent;
use serde_json::{Value, json};

async fn open(house: &House) -> String {
    let reply = house.post("/sessions", Some(json!({ "agent": "jansen", "reference": "zaak-1" }))).await;
    assert_eq!(reply.status, 200, "{}", reply.body);
    reply.body["session"]["id"].as_str().unwrap().to_owned()
}

async fn change(house: &House, session: &str, change: &str) -> Reply {
    house.post(&format!("/sessions/{session}/{change}"), None).await
}

fn refused(reply: &Reply) -> (u16, &str, &Value) {
    (reply.status.as_u16(), reply.problem(), &reply.body["cause"])
}

#[test]
fn t16_a_session_is_opened_parked_resumed_and_closed() {
    in_house(async |house| {
        let id = open(&house).await;
        let seen = house.get(&format!("/sessions/{id}")).await;
        assert_eq!((&seen.body["state"], &seen.body["reference"]), (&json!("open"), &json!("zaak-1")));
        assert!(seen.body["lease"]["expiresAt"].is_string() && !seen.header("etag").is_empty());
        let agent = house.get("/agents/jansen").await.body;
        assert_eq!((&agent["session"], &agent["availability"]["state"]), (&json!(id), &json!("inSession")));
        for (asked, state, kind) in [
            ("park", "parked", "park-session"),
            ("resume", "open", "resume-session"),
            ("close", "closed", "close-session"),
        ] {
            let reply = change(&house, &id, asked).await;
            assert_eq!(reply.status, 200, "{asked}: {}", reply.body);
            let body = &reply.body;
            assert_eq!((&body["session"]["state"], &body["command"]["kind"]), (&json!(state), &json!(kind)));
            assert_eq!((&body["command"]["session"], &body["agent"]["id"]), (&json!(id), &json!("jansen")));
        }
        assert_eq!(house.get("/agents/jansen").await.body["availability"]["state"], "available");
        let resumed = change(&house, &id, "resume").await;
        assert_eq!(refused(&resumed), (409, "invalid-session-state", &json!("invalidSessionState")));
    });
}

#[test]
fn t11_after_call_work_lasts_as_long_as_the_session() {
    in_house(async |house| {
        let call = house.speaks().await;
        let contact = house.get(&format!("/calls/{call}")).await.body["contact"].clone();
        let body = json!({ "agent": "jansen", "contact": contact });
        let session = house.post("/sessions", Some(body)).await.body["session"].clone();
        assert_eq!(session["contact"], contact);
        let nothing = ConnectionState::Null;
        house.report(CallEvent::ConnectionCleared, "2001", nothing, Cause::NormalClearing).await;
        let agent = house.get("/agents/jansen").await.body;
        assert_eq!(agent["availability"]["state"], "afterCall", "{agent}");
        assert_eq!(agent["afterCall"]["session"], session["id"]);
        let closed = change(&house, session["id"].as_str().unwrap(), "close").await;
        assert_eq!(closed.status, 200, "{}", closed.body);
        assert_eq!(closed.body["agent"]["afterCall"], Value::Null, "{}", closed.body);
    });
}

#[test]
fn t16_the_first_decision_counts_and_the_same_again_is_no_error() {
    in_house(async |house| {
        let id = open(&house).await;
        let call = house.rings().await;
        let asked = house.get(&format!("/sessions/{id}")).await.body;
        assert_eq!(asked["decisions"], json!([{ "call": call }]), "{asked}");
        let decide = async |decision: &str| {
            let body = json!({ "call": call, "decision": decision });
            house.post(&format!("/sessions/{id}/decisions"), Some(body)).await
        };
        let kept = decide("keep").await;
        assert_eq!(kept.status, 200, "{}", kept.body);
        let session = &kept.body["session"];
        assert_eq!((&session["state"], &session["cause"]), (&json!("parked"), &json!("decided")));
        assert_eq!(session["decisions"], json!([{ "call": call, "decision": "keep" }]));
        assert_eq!(decide("keep").await.status, 200);
        assert_eq!(refused(&decide("ignore").await), (409, "already-decided", &json!("alreadyDecided")));
        assert_eq!(decide("perhaps").await.status, 400);
    });
}

#[test]
fn t16_sessions_are_listed_by_agent_and_state() {
    in_house(async |house| {
        let first = open(&house).await;
        assert_eq!(change(&house, &first, "park").await.status, 200);
        let second = open(&house).await;
        for (query, found) in [
            ("", vec![&first, &second]),
            ("?state=parked", vec![&first]),
            ("?state=open&agent=jansen", vec![&second]),
            ("?agent=pieters", vec![]),
        ] {
            let reply = house.get(&format!("/sessions{query}")).await;
            let items = reply.body["items"].as_array().unwrap();
            let mut ids: Vec<_> = items.iter().map(|item| item["id"].as_str().unwrap()).collect();
            ids.sort_unstable();
            let mut found = found;
            found.sort_unstable();
            assert_eq!(ids, found, "{query}");
        }
        let snapshot = house.get("/snapshot").await.body;
        assert_eq!(snapshot["sessions"].as_array().unwrap().len(), 2);
    });
}

#[test]
fn t11_a_heartbeat_moves_the_lease_of_an_open_session_and_is_no_change() {
    in_house(async |house| {
        let id = open(&house).await;
        let path = format!("/sessions/{id}");
        let before = house.get(&path).await;
        // The engine's clock does not go back, and a millisecond is its grain.
        let later = async || loop {
            let beat = house.post(&format!("{path}/heartbeat"), None).await;
            assert_eq!(beat.status, 204, "{}", beat.body);
            let after = house.get(&path).await;
            if after.body["lease"]["expiresAt"].as_str() > before.body["lease"]["expiresAt"].as_str() {
                return after;
            }
        };
        let after = later().await;
        assert_eq!(after.header("etag"), before.header("etag"), "a heartbeat is no change");
        assert_eq!(change(&house, &id, "park").await.status, 200);
        let parked = house.post(&format!("{path}/heartbeat"), None).await;
        assert_eq!(refused(&parked), (409, "invalid-session-state", &json!("invalidSessionState")));
        let unknown = house.post("/sessions/00000000-0000-7000-8000-000000000000/heartbeat", None).await;
        assert_eq!(refused(&unknown), (404, "unknown-session", &json!("unknownSession")));
    });
}

#[test]
fn t16_an_agent_s_token_has_his_own_sessions_and_scopes_are_kept_apart() {
    in_house(async |house| {
        let id = open(&house).await;
        let bearer = format!("Bearer {}", house.new_token(&[Scope::SessionsWrite], Some("pieters")).await);
        let as_pieters = [("authorization", bearer.as_str())];
        for (path, body) in [
            ("/sessions".to_owned(), Some(json!({ "agent": "jansen" }))),
            (format!("/sessions/{id}/close"), None),
            (format!("/sessions/{id}/heartbeat"), None),
            (format!("/sessions/{id}/decisions"), Some(json!({ "call": id, "decision": "keep" }))),
        ] {
            let reply = house.ask("POST", &path, body, &as_pieters).await;
            assert_eq!((reply.status.as_u16(), reply.problem()), (403, "forbidden"), "{path}");
        }
        let own = house.ask("POST", "/sessions", Some(json!({ "agent": "pieters" })), &as_pieters).await;
        assert_eq!(own.status, 200, "{}", own.body);
        assert_eq!(house.ask("GET", "/sessions", None, &as_pieters).await.status, 403, "it may not read");
        let key = [("idempotency-key", "s1")];
        let close = format!("/sessions/{id}/close");
        let first = house.ask("POST", &close, None, &key).await;
        let again = house.ask("POST", &close, None, &key).await;
        assert_eq!((first.status, &first.body), (again.status, &again.body));
    });
}
