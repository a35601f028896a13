//! What agents can take (T02), and what JKC says of them.

use crate::house::in_house;
use schakel_contract::views::Scope;
use serde_json::{Value, json};

fn kinds(body: &Value) -> Vec<&str> {
    body["reasons"].as_array().unwrap().iter().map(|reason| reason["kind"].as_str().unwrap()).collect()
}

#[test]
fn t02_an_agent_is_available_busy_and_not_ready_with_every_reason() {
    in_house(async |house| {
        let at = "/agents/jansen/availability";
        let free = house.get(at).await;
        assert_eq!((free.status.as_u16(), &free.body["state"]), (200, &json!("available")), "{}", free.body);
        assert_eq!((&free.body["takesCalls"], &free.body["capacity"]["free"]), (&json!(true), &json!(100)));
        assert_eq!(free.body["reasons"], json!([]));
        let call = house.rings().await;
        let busy = house.get(at).await.body;
        assert_eq!((&busy["state"], &busy["capacity"]["free"]), (&json!("onCall"), &json!(0)));
        assert_eq!((kinds(&busy), &busy["reasons"][0]["call"]), (vec!["call"], &json!(call)));
        let pause = json!({ "ready": false, "reason": "pauze" });
        let set = house.send("PUT", at, Some(pause)).await;
        assert_eq!(set.status, 200, "{}", set.body);
        assert_eq!(
            (&set.body["command"]["kind"], &set.body["command"]["agent"]),
            (&json!("set-readiness"), &json!("jansen"))
        );
        assert_eq!(set.body["agent"]["readiness"], json!({ "ready": false, "reason": "pauze" }));
        let both = house.get(at).await.body;
        assert_eq!((&both["state"], kinds(&both)), (&json!("onCall"), vec!["call", "notReady"]));
        let reason = &both["reasons"][1];
        assert_eq!((&reason["source"], &reason["code"]), (&json!("jkc"), &json!("pauze")));
        assert_eq!(
            (&reason["nl"], &reason["en"]),
            (&json!("Niet beschikbaar: pauze."), &json!("Not ready: pauze."))
        );
        let again = house.send("PUT", at, Some(json!({ "ready": true }))).await;
        assert_eq!(again.body["agent"]["readiness"], json!({ "ready": true }));
    });
}

#[test]
fn t02_the_live_list_is_filtered_for_routing() {
    in_house(async |house| {
        let seat = json!({ "provider": "pbx", "device": "2001", "queues": ["7000"] });
        assert_eq!(house.send("PUT", "/agents/jansen/registration", Some(seat)).await.status, 200);
        house.rings().await;
        assert_eq!(house.send("DELETE", "/agents/pieters/registration", None).await.status, 200);
        for (query, found) in [
            ("", vec!["jansen", "pieters"]),
            ("?state=onCall", vec!["jansen"]),
            ("?state=available", vec![]),
            ("?state=offline", vec!["pieters"]),
            ("?queue=7000", vec!["jansen"]),
            ("?queue=7000&provider=pbx&state=onCall", vec!["jansen"]),
            ("?queue=7001", vec![]),
            ("?provider=other", vec![]),
        ] {
            let reply = house.get(&format!("/agents{query}")).await;
            let items = reply.body["items"].as_array().unwrap();
            let names: Vec<_> = items.iter().map(|item| item["id"].as_str().unwrap()).collect();
            assert_eq!(names, found, "{query}");
        }
        assert_eq!(house.get("/agents?state=busy").await.status, 400);
    });
}

#[test]
fn t02_who_acted_on_an_old_picture_or_for_another_agent_is_told_so() {
    in_house(async |house| {
        let at = "/agents/jansen/availability";
        let tag = house.get(at).await.header("etag").to_owned();
        let not_ready = || Some(json!({ "ready": false }));
        assert_eq!(house.ask("PUT", at, not_ready(), &[("if-match", &tag)]).await.status, 200);
        let stale = house.ask("PUT", at, Some(json!({ "ready": true })), &[("if-match", &tag)]).await;
        assert_eq!((stale.status.as_u16(), stale.problem()), (412, "version-mismatch"));
        let bearer = format!("Bearer {}", house.new_token(&[Scope::AgentsWrite], Some("pieters")).await);
        let other = house.ask("PUT", at, not_ready(), &[("authorization", &bearer)]).await;
        assert_eq!((other.status.as_u16(), other.problem()), (403, "forbidden"));
        let wrong = house.send("PUT", at, Some(json!({ "ready": "no", "why": 1 }))).await;
        assert_eq!(wrong.body["errors"].as_array().unwrap().len(), 2, "{}", wrong.body);
        assert_eq!(house.get("/agents/nobody/availability").await.status, 404);
    });
}
