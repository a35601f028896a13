//! Commands: done, under way, refused, repeated, out of date.

use crate::house::{House, Pbx, allows, in_house};
use schakel_contract::problem::ProblemKind;
use schakel_core::command::RefusalCause;
use schakel_core::model::call::ConnectionState;
use schakel_core::model::cause::Cause;
use schakel_core::report::CallEvent;
use serde_json::json;

#[test]
fn t03_t15_a_ringing_call_lists_its_caller_and_its_buttons() {
    in_house(async |house| {
        let id = house.rings().await;
        let call = house.get(&format!("/calls/{id}")).await;
        assert_eq!(call.status, 200);
        assert_eq!(call.body["state"], "ringing");
        assert_eq!(call.body["calling"]["number"], "0201234567");
        assert!(allows(&call.body, "2001", "answer"));
        assert!(!allows(&call.body, "2001", "hold"));
        let actions = call.body["connections"][1]["actions"]
            .as_array()
            .or(call.body["connections"][0]["actions"].as_array());
        let hold = actions.unwrap().iter().find(|each| each["action"] == "hold");
        let reason = &hold.unwrap()["reason"];
        assert_eq!(
            (reason["code"].is_string(), reason["nl"].is_string(), reason["en"].is_string()),
            (true, true, true)
        );
    });
}

#[test]
fn t04_t05_t06_t09_a_command_answers_with_the_new_state() {
    in_house(async |house| {
        let id = house.rings().await;
        for (action, state, next) in
            [("answer", "active", "hold"), ("hold", "held", "retrieve"), ("retrieve", "active", "hang-up")]
        {
            let reply = house.post(&format!("/calls/{id}/connections/2001/{action}"), None).await;
            assert_eq!(reply.status, 200, "{action}: {}", reply.body);
            assert_eq!(reply.body["command"]["state"], "succeeded");
            assert_eq!(reply.body["command"]["kind"], action);
            assert_eq!(reply.body["call"]["state"], state);
            assert!(allows(&reply.body["call"], "2001", next), "{next} after {action}");
        }
        let reply = house.post(&format!("/calls/{id}/connections/2001/hang-up"), None).await;
        assert_eq!(reply.status, 200, "{}", reply.body);
    });
}

#[test]
fn t12_dialling_a_number_or_a_colleague_asks_the_telephone_system() {
    in_house(async |house| {
        for destination in [json!({ "number": "0612345678" }), json!({ "agent": "pieters" })] {
            let body = json!({ "destination": destination, "reference": "zaak-1" });
            let reply = house.post("/agents/jansen/calls", Some(body)).await;
            assert_eq!(reply.status, 200, "{}", reply.body);
            assert_eq!(reply.body["command"]["kind"], "dial");
            assert_eq!(reply.body["command"]["agent"], "jansen");
        }
        let body = json!({ "destination": { "agent": "nobody" } });
        let reply = house.post("/agents/jansen/calls", Some(body)).await;
        assert_eq!((reply.status.as_u16(), reply.problem()), (409, "not-registered"));
        assert_eq!(reply.body["cause"], "notRegistered");
    });
}

#[test]
fn t14_a_user_is_seated_seen_and_leaves() {
    in_house(async |house| {
        let seat = house.get("/agents/jansen/registration").await;
        assert_eq!((seat.status.as_u16(), &seat.body["device"]), (200, &json!("2001")));
        let state = house.get("/agents/jansen/state").await;
        assert_eq!(state.body["device"]["agent"], "jansen");
        assert_eq!(house.get("/agents").await.body["items"].as_array().unwrap().len(), 2);
        let left = house.send("DELETE", "/agents/jansen/registration", None).await;
        assert_eq!(left.status, 200, "{}", left.body);
        assert_eq!(house.get("/agents/jansen/registration").await.status, 404);
        let unknown = json!({ "provider": "pbx", "device": "9999" });
        let reply = house.send("PUT", "/agents/jansen/registration", Some(unknown)).await;
        assert_eq!((reply.status.as_u16(), reply.problem()), (404, "unknown-device"));
    });
}

#[test]
fn t07_t08_transfers_are_started_and_refused_by_what_is_allowed() {
    in_house(async |house| {
        let call = house.speaks().await;
        let warm = json!({ "call": call, "device": "2001", "to": { "agent": "pieters" }, "kind": "warm" });
        house.pbx(Pbx::Silent);
        let reply = house.post("/transfers?wait=0", Some(warm)).await;
        assert_eq!(reply.status, 202, "{}", reply.body);
        let transfer = reply.body["transfer"]["id"].as_str().unwrap().to_owned();
        let seen = house.get(&format!("/transfers/{transfer}")).await;
        assert_eq!((&seen.body["kind"], &seen.body["to"]), (&json!("warm"), &json!("2002")));
        let early = house.post(&format!("/transfers/{transfer}/complete"), None).await;
        assert_eq!(early.status, 409, "{}", early.body);
        assert!(
            early.body["allowedActions"].as_array().unwrap().contains(&json!("take-back")),
            "{}",
            early.body
        );
        let cold = json!({ "call": call, "device": "2001", "to": { "number": "2003" }, "kind": "cold" });
        assert_eq!(house.post("/transfers", Some(cold)).await.status, 409);
        let unknown = "00000000-0000-7000-8000-000000000000";
        for path in [format!("/transfers/{unknown}/take-back"), format!("/transfers/{unknown}/complete")] {
            let reply = house.post(&path, None).await;
            assert_eq!((reply.status.as_u16(), reply.problem()), (404, "unknown-transfer"));
        }
    });
}

#[test]
fn every_refusal_of_the_telephone_system_has_its_status_and_says_what_is_allowed() {
    in_house(async |house| {
        let id = house.speaks().await;
        for cause in RefusalCause::ALL {
            house.pbx(Pbx::Refuses(*cause));
            let reply = house.post(&format!("/calls/{id}/connections/2001/hold"), None).await;
            assert_eq!(reply.status, ProblemKind::from(*cause).status(), "{cause:?}: {}", reply.body);
            assert_eq!(reply.body["cause"], cause.as_str());
            assert_eq!(reply.body["canRetry"], cause.can_retry());
            assert!(reply.body["allowedActions"].is_array() && reply.body["command"].is_string());
            assert_eq!(reply.body["detail"], "The telephone system says no.");
            let later = matches!(reply.status.as_u16(), 429 | 503);
            assert_eq!(reply.headers.contains_key("retry-after"), later);
            assert!(reply.problem().len() > 3);
        }
    });
}

#[test]
fn t15_what_is_not_allowed_now_is_refused_with_the_reason() {
    in_house(async |house| {
        let id = house.rings().await;
        let reply = house.post(&format!("/calls/{id}/connections/2001/hold"), None).await;
        assert_eq!((reply.status.as_u16(), reply.problem()), (409, "invalid-connection-state"));
        assert!(reply.body["reason"]["nl"].is_string());
        assert!(reply.body["allowedActions"].as_array().unwrap().contains(&json!("answer")));
        assert_eq!(reply.body["instance"], json!(null));
    });
}

#[test]
fn a_command_that_takes_longer_is_202_and_its_outcome_can_be_read() {
    in_house(async |house| {
        let id = house.speaks().await;
        house.pbx(Pbx::Silent);
        let reply = house.post(&format!("/calls/{id}/connections/2001/hold?wait=0"), None).await;
        assert_eq!(reply.status, 202, "{}", reply.body);
        let location = reply.header("location").to_owned();
        assert_eq!(location, reply.body["command"]["links"]["self"].as_str().unwrap());
        let path = location.strip_prefix("/v1").unwrap();
        assert_eq!(house.get(path).await.body["command"]["state"], "sent");
        house
            .report(CallEvent::ConnectionCleared, "2001", ConnectionState::Null, Cause::NormalClearing)
            .await;
        let after = house.get(path).await;
        assert_eq!(after.status, 200, "{}", after.body);
    });
}

#[test]
fn the_same_key_gives_the_same_reply_and_another_request_is_refused() {
    in_house(async |house| {
        let id = house.rings().await;
        let (answer, hold) = (path(&id, "answer"), path(&id, "hold"));
        let key = [("idempotency-key", "k1")];
        let first = house.ask("POST", &answer, None, &key).await;
        assert_eq!(first.status, 200, "{}", first.body);
        let again = house.ask("POST", &answer, None, &key).await;
        assert_eq!(
            (again.status, &again.body["command"]["id"]),
            (first.status, &first.body["command"]["id"])
        );
        // The reply is in the journal: a restart does not forget it.
        let token = house.token.split_once('.').unwrap().0;
        let kept = house.store.reader().unwrap().idempotency(token, "k1").unwrap().unwrap();
        let (status, body) = kept.reply.unwrap();
        assert_eq!((status, serde_json::from_slice::<serde_json::Value>(&body).unwrap()), (200, again.body));
        let other = house.ask("POST", &hold, None, &key).await;
        assert_eq!((other.status.as_u16(), other.problem()), (422, "idempotency-key-reused"));
        // Another token's keys are its own.
        let bearer = format!(
            "Bearer {}",
            house.new_token(&[schakel_contract::views::Scope::CallsControl], None).await
        );
        let theirs = house.ask("POST", &hold, None, &[key[0], ("authorization", &bearer)]).await;
        assert_eq!(theirs.status, 200, "{}", theirs.body);
    });
}

#[test]
fn a_key_whose_request_still_runs_is_409() {
    in_house(async |house| {
        let id = house.speaks().await;
        house.pbx(Pbx::Silent);
        let (path, key) = (format!("{}?wait=0", path(&id, "hold")), [("idempotency-key", "k1")]);
        assert_eq!(house.ask("POST", &path, None, &key).await.status, 202);
        let again = house.ask("POST", &path, None, &key).await;
        assert_eq!((again.status.as_u16(), again.problem()), (409, "still-running"));
    });
}

#[test]
fn who_acts_on_an_old_picture_is_told_so() {
    in_house(async |house| {
        let id = house.rings().await;
        let tag = house.get(&format!("/calls/{id}")).await.header("etag").to_owned();
        assert!(tag.starts_with('"'), "{tag}");
        let fresh = house.ask("POST", &path(&id, "answer"), None, &[("if-match", &tag)]).await;
        assert_eq!(fresh.status, 200, "{}", fresh.body);
        let stale = house.ask("POST", &path(&id, "hold"), None, &[("if-match", &tag)]).await;
        assert_eq!((stale.status.as_u16(), stale.problem()), (412, "version-mismatch"));
        let seat = json!({ "provider": "pbx", "device": "2003" });
        let moved =
            house.ask("PUT", "/agents/jansen/registration", Some(seat), &[("if-match", "\"99\"")]).await;
        assert_eq!((moved.status.as_u16(), moved.problem()), (412, "version-mismatch"));
        let wrong = house.ask("POST", &path(&id, "hold"), None, &[("if-match", "W/x")]).await;
        assert_eq!((wrong.status.as_u16(), wrong.problem()), (400, "invalid-request"));
    });
}

#[test]
fn a_device_is_set_to_refuse_and_to_forward() {
    in_house(async |house| {
        let at = "/providers/pbx/devices/2001";
        let on = house.send("PUT", &format!("{at}/do-not-disturb"), Some(json!({ "on": true }))).await;
        assert_eq!(on.status, 200, "{}", on.body);
        assert_eq!(on.body["device"]["device"], "2001");
        for body in
            [json!({ "destination": { "number": "2003" } }), json!({ "destination": null }), json!({})]
        {
            let set = house.send("PUT", &format!("{at}/forwarding"), Some(body)).await;
            assert_eq!(set.status, 200, "{}", set.body);
        }
        assert_eq!(house.get(at).await.body["kind"], "station");
        assert_eq!(house.get("/devices?pageSize=2").await.body["items"].as_array().unwrap().len(), 2);
    });
}

#[test]
fn dtmf_deflect_and_consult_take_their_bodies() {
    in_house(async |house| {
        let id = house.speaks().await;
        let dtmf = house.post(&path(&id, "dtmf"), Some(json!({ "digits": "12#" }))).await;
        assert_eq!(dtmf.status, 200, "{}", dtmf.body);
        let wrong = house.post(&path(&id, "dtmf"), Some(json!({ "digits": "12x", "more": 1 }))).await;
        assert_eq!(wrong.status, 400);
        assert_eq!(wrong.body["errors"].as_array().unwrap().len(), 2, "{}", wrong.body);
        let body = json!({ "destination": { "agent": "pieters" } });
        house.pbx(Pbx::Silent);
        let consult = house.post(&format!("{}?wait=0", path(&id, "consult")), Some(body)).await;
        assert_eq!(consult.status, 202, "{}", consult.body);
        let deflect =
            house.post(&path(&id, "deflect"), Some(json!({ "destination": { "number": "2003" } }))).await;
        assert_eq!(deflect.status, 409, "{}", deflect.body);
    });
}

fn path(call: &str, action: &str) -> String {
    format!("/calls/{call}/connections/2001/{action}")
}

#[test]
fn a_lost_link_is_503_with_the_time_to_wait() {
    in_house(async |house: House| {
        let id = house.speaks().await;
        let lost =
            schakel_core::input::InputBody::LinkLost { provider: crate::house::pbx(), reason: "cut".into() };
        house.input(lost).await;
        let reply =
            house.post("/agents/jansen/calls", Some(json!({ "destination": { "number": "2003" } }))).await;
        assert_eq!((reply.status.as_u16(), reply.problem()), (503, "link-down"));
        assert!(!reply.header("retry-after").is_empty());
        assert_eq!(house.get(&format!("/calls/{id}")).await.body["state"], "stale");
    });
}
