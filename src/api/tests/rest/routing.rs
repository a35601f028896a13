//! Routings that telephone systems ask for (T01), and queues.

use crate::house::{Pbx, in_house};
use schakel_contract::views::Scope;
use schakel_core::command::RefusalCause;
use serde_json::{Value, json};

#[test]
fn t01_a_routing_is_seen_decided_once_and_told() {
    in_house(async |house| {
        let id = house.asks("secret-pbx-id").await;
        let seen = house.get(&format!("/routes/{id}")).await;
        assert_eq!(
            (&seen.body["state"], &seen.body["device"]),
            (&json!("asked"), &json!("7100")),
            "{}",
            seen.body
        );
        assert_eq!(seen.body["calling"]["number"], "0612345678");
        assert!(!seen.body.to_string().contains("secret-pbx-id"), "the telephone system's id: {}", seen.body);
        let path = format!("/routes/{id}/decision");
        let to = |destination: Value| Some(json!({ "destination": destination }));
        let decided = house.post(&path, to(json!({ "agent": "pieters" }))).await;
        assert_eq!(decided.status, 200, "{}", decided.body);
        let (command, route) = (&decided.body["command"], &decided.body["route"]);
        assert_eq!((&command["kind"], &command["route"]), (&json!("decide-route"), &json!(id)));
        assert_eq!((&route["state"], &route["decidedBy"]), (&json!("decided"), &json!("jkc")));
        assert_eq!(route["decision"], json!({ "number": "2002", "default": false }));
        assert_eq!(house.post(&path, to(json!({ "number": "2002" }))).await.status, 200, "the same again");
        let other = house.post(&path, Some(json!({ "default": true }))).await;
        assert_eq!((other.status.as_u16(), other.problem()), (409, "already-decided"));
        assert_eq!(house.get("/routes?state=decided").await.body["items"].as_array().unwrap().len(), 1);
        assert_eq!(house.get("/routes?state=asked").await.body["items"], json!([]));
    });
}

#[test]
fn t01_what_is_no_decision_is_refused_with_everything_that_is_wrong() {
    in_house(async |house| {
        let id = house.asks("d1").await;
        let path = format!("/routes/{id}/decision");
        for body in [
            json!({}),
            json!({ "default": false }),
            json!({ "destination": { "number": "2002" }, "default": true }),
            json!({ "destination": { "number": "a b" } }),
            json!({ "destination": "2002" }),
        ] {
            let reply = house.post(&path, Some(body.clone())).await;
            assert_eq!((reply.status.as_u16(), reply.problem()), (400, "invalid-request"), "{body}");
        }
        let nobody = house.post(&path, Some(json!({ "destination": { "agent": "nobody" } }))).await;
        assert_eq!((nobody.status.as_u16(), nobody.problem()), (409, "not-registered"));
        let unknown = "/routes/00000000-0000-7000-8000-000000000000";
        assert_eq!(house.get(unknown).await.status, 404);
        let reply = house.post(&format!("{unknown}/decision"), Some(json!({ "default": true }))).await;
        assert_eq!((reply.status.as_u16(), reply.problem()), (404, "unknown-route"));
        let bearer = format!("Bearer {}", house.new_token(&[Scope::CallsControl], None).await);
        let headers = [("authorization", bearer.as_str())];
        let denied = house.ask("POST", &path, Some(json!({ "default": true })), &headers).await;
        assert_eq!((denied.status.as_u16(), denied.problem()), (403, "forbidden"));
        house.pbx(Pbx::Refuses(RefusalCause::ProviderRefused));
        let refused = house.post(&path, Some(json!({ "default": true }))).await;
        assert_eq!(
            (refused.status.as_u16(), refused.problem()),
            (502, "provider-refused"),
            "{}",
            refused.body
        );
    });
}

#[test]
fn t01_a_queue_shows_who_waits_since_when_and_who_serves_it() {
    in_house(async |house| {
        let seat = json!({ "provider": "pbx", "device": "2001", "queues": ["7000"] });
        assert_eq!(house.send("PUT", "/agents/jansen/registration", Some(seat)).await.status, 200);
        house.queues().await;
        let all = house.get("/queues").await;
        assert_eq!(all.status, 200, "{}", all.body);
        let queue = &all.body["items"][0];
        assert_eq!((&queue["device"], &queue["name"]), (&json!("7000"), &json!("Publieksbalie")));
        assert_eq!((&queue["waiting"], &queue["waitingSince"]), (&json!(1), &queue["callers"][0]["since"]));
        assert!(queue["callers"][0]["contact"].is_string() && queue["callers"][0]["call"].is_string());
        assert_eq!(queue["agentsByState"]["available"], 1);
        let agent = &queue["agents"][0];
        assert_eq!((&agent["agent"], &agent["takesCalls"]), (&json!("jansen"), &json!(true)));
        assert_eq!(&house.get("/queues/pbx/7000").await.body, queue);
        assert_eq!(house.get("/queues?provider=other").await.body["items"], json!([]));
        for path in ["/queues/pbx/2001", "/queues/other/7000"] {
            assert_eq!(house.get(path).await.status, 404, "{path}");
        }
        assert_eq!(house.get("/snapshot").await.body["queues"][0], *queue);
    });
}

#[test]
fn t01_the_question_comes_with_what_matters_for_its_answer_and_opening_hours_are_live() {
    in_house(async |house| {
        house.queues().await;
        house.asks("d1").await;
        let events = house.get("/events?pageSize=1000").await.body;
        let asked = |event: &&Value| event["data"]["change"] == "route.requested";
        let asked = events["items"].as_array().unwrap().iter().find(asked).unwrap();
        let situation = &asked["data"]["situation"];
        assert_eq!(situation["department"], "Burgerzaken");
        assert_eq!(
            (&situation["openingHours"]["name"], &situation["openingHours"]["open"]),
            (&json!("balie"), &json!(false))
        );
        assert!(situation["openingHours"]["until"].is_string());
        assert_eq!(
            (&situation["queues"][0]["device"], &situation["queues"][0]["waiting"]),
            (&json!("7000"), &json!(1))
        );
        assert_eq!(situation["agentsByState"]["available"], 2);
        assert_eq!(asked["data"]["contact"]["customer"]["number"], "0612345678");
        assert_eq!(asked["expirytime"], asked["data"]["route"]["deadline"]);
        let hours = house.get("/opening-hours").await;
        assert_eq!((hours.status.as_u16(), &hours.body["items"][0]["name"]), (200, &json!("balie")));
    });
}
