//! What can be looked at: calls, contacts with their story, providers.

use crate::house::in_house;
use schakel_contract::views::Scope;
use schakel_core::model::call::ConnectionState;
use schakel_core::model::cause::Cause;
use schakel_core::report::CallEvent;
use serde_json::json;
use std::sync::atomic::Ordering;

#[test]
fn calls_are_listed_by_filter_and_by_page() {
    in_house(async |house| {
        let id = house.rings().await;
        for (query, found) in [
            ("", 1),
            ("?state=ringing", 1),
            ("?state=held", 0),
            ("?device=2001", 1),
            ("?device=2002", 0),
            ("?agent=jansen", 1),
            ("?agent=pieters", 0),
            ("?provider=pbx&state=ringing&agent=jansen", 1),
            ("?provider=other", 0),
            ("?pageSize=1", 1),
        ] {
            let reply = house.get(&format!("/calls{query}")).await;
            assert_eq!(reply.body["items"].as_array().unwrap().len(), found, "{query}");
            assert_eq!(reply.body["next"], json!(null), "{query}");
        }
        let after = house.get(&format!("/calls?after={id}")).await;
        assert_eq!(after.body["items"], json!([]));
        let agents = house.get("/agents?pageSize=1").await.body;
        assert_eq!((&agents["items"][0]["id"], &agents["next"]), (&json!("jansen"), &json!("jansen")));
        let rest = house.get("/agents?pageSize=1&after=jansen").await.body;
        assert_eq!((&rest["items"][0]["id"], &rest["next"]), (&json!("pieters"), &json!(null)));
    });
}

#[test]
fn a_contact_has_its_calls_and_its_story_with_deliveries() {
    in_house(async |house| {
        let hook = json!({ "url": "http://127.0.0.1:9/nobody", "kinds": ["call.ringing"] });
        let hook = house.post("/webhooks", Some(hook)).await;
        assert_eq!(hook.status, 201, "{}", hook.body);
        let call = house.rings().await;
        let answered = house.post(&format!("/calls/{call}/connections/2001/answer"), None).await;
        assert_eq!(answered.status, 200, "{}", answered.body);
        let contact = answered.body["call"]["contact"].as_str().unwrap().to_owned();
        let seen = house.get(&format!("/contacts/{contact}")).await;
        assert_eq!(seen.body["calls"][0]["id"], call.as_str());
        assert_eq!(seen.body["contact"]["customer"]["number"], "0201234567");
        let story = house.get(&format!("/contacts/{contact}/timeline")).await;
        let items = story.body["items"].as_array().unwrap();
        let changes: Vec<_> =
            items.iter().map(|item| item["notification"]["data"]["change"].as_str().unwrap()).collect();
        assert!(changes.contains(&"call.ringing") && changes.contains(&"call.answered"), "{changes:?}");
        assert!(changes.contains(&"command.completed"), "{changes:?}");
        for item in items {
            let ringing = item["notification"]["data"]["change"] == "call.ringing";
            assert_eq!(item["deliveries"].as_array().unwrap().len(), usize::from(ringing), "{item}");
        }
        let ringing = items.iter().find(|item| !item["deliveries"][0].is_null()).unwrap();
        let origin = &ringing["origin"];
        assert_eq!(
            (&origin["kind"], &origin["event"]),
            (&json!("report"), &json!("DeliveredEvent")),
            "{origin}"
        );
        assert_eq!((&origin["provider"], &origin["device"]), (&json!("pbx"), &json!("2001")), "{origin}");
        assert_eq!(ringing["deliveries"][0]["subscription"], hook.body["id"]);
        assert_eq!(ringing["deliveries"][0]["state"], "pending");
        let first = house.get(&format!("/contacts/{contact}/timeline?pageSize=1")).await.body;
        let next = first["next"].as_str().unwrap();
        let second = house.get(&format!("/contacts/{contact}/timeline?pageSize=1&after={next}")).await.body;
        assert_ne!(first["items"][0]["notification"]["id"], second["items"][0]["notification"]["id"]);
    });
}

#[test]
fn a_contact_that_left_the_live_picture_is_answered_from_the_journal() {
    in_house(async |house| {
        house.forget_at_once().await;
        let call = house.speaks().await;
        let contact = house.get(&format!("/calls/{call}")).await.body["contact"].as_str().unwrap().to_owned();
        let nothing = ConnectionState::Null;
        house.report(CallEvent::CallCleared, "2001", nothing, Cause::NormalClearing).await;
        // The engine forgets it by itself, as soon as it looks at its deadlines.
        while house.get(&format!("/calls/{call}")).await.status == 200 {}
        let gone = house.get(&format!("/calls/{call}")).await;
        assert_eq!((gone.status.as_u16(), gone.problem()), (404, "not-found"));
        let forgotten = house.engine.read(|state| state.contacts.is_empty()).await.unwrap();
        assert!(forgotten);
        let seen = house.get(&format!("/contacts/{contact}")).await;
        assert_eq!(seen.body["contact"]["id"], contact.as_str(), "{}", seen.body);
        assert_eq!(seen.body["contact"]["customer"]["number"], "0201234567");
        assert_eq!(seen.body["calls"][0]["state"], "ended");
        assert_eq!(seen.body["calls"][0]["connections"][0]["actions"], json!([]));
        let story = house.get(&format!("/contacts/{contact}/timeline")).await;
        assert!(story.body.to_string().contains("call.ended"));
        let unknown = "00000000-0000-7000-8000-000000000000";
        assert_eq!(house.get(&format!("/contacts/{unknown}")).await.status, 404);
        assert_eq!(house.get(&format!("/contacts/{unknown}/timeline")).await.status, 404);
    });
}

#[test]
fn p05_what_a_link_refused_is_shown_to_who_manages_it() {
    in_house(async |house| {
        let seen = house.get("/providers/pbx/observations").await;
        assert_eq!(seen.status, 200, "{}", seen.body);
        assert_eq!(seen.body["counters"], json!([{ "name": "messages_refused", "count": 1 }]));
        let refused =
            json!({ "at": "2025-11-21T12:00:00.000Z", "reason": "no end of <a>", "text": "<a>\u{fffd}" });
        assert_eq!(seen.body["refused"], json!([refused]));
        assert_eq!(house.get("/providers/other/observations").await.status, 404);
        let bearer = format!("Bearer {}", house.new_token(&[Scope::ProvidersRead], None).await);
        let headers = [("authorization", bearer.as_str())];
        let reply = house.ask("GET", "/providers/pbx/observations", None, &headers).await;
        assert_eq!(reply.status, 403, "it holds what people said to whom");
    });
}

#[test]
fn providers_are_shown_and_reconnected() {
    in_house(async |house| {
        let list = house.get("/providers").await;
        assert_eq!(
            (&list.body["items"][0]["id"], &list.body["items"][0]["link"]),
            (&json!("pbx"), &json!("up"))
        );
        assert_eq!(house.get("/providers/pbx").await.status, 200);
        assert_eq!(house.get("/providers/none").await.status, 404);
        assert_eq!(house.post("/providers/none/reconnect", None).await.status, 404);
        assert_eq!(house.reconnected.load(Ordering::Relaxed), 0);
        assert_eq!(house.post("/providers/pbx/reconnect", None).await.status, 200);
        assert_eq!(house.reconnected.load(Ordering::Relaxed), 1);
    });
}
