//! Recognition and directory: put, imported, searched, called, and told with the first notification.

use crate::house::{House, Reply, in_house};
use axum::body::Body;
use http::Request;
use schakel_contract::views::Scope;
use serde_json::{Value, json};

/// Puts a customer with numbers that are on.
async fn put(house: &House, reference: &str, name: &str, numbers: &[&str]) -> Reply {
    let numbers: Vec<_> = numbers.iter().map(|number| json!({ "number": number })).collect();
    let body = json!({ "kind": "person", "name": name, "numbers": numbers });
    house.send("PUT", &format!("/recognition/customers/{reference}"), Some(body)).await
}

async fn file(house: &House, path: &str, media: &str, text: &str) -> Reply {
    let request = Request::post(format!("/v1{path}"))
        .header("authorization", format!("Bearer {}", house.token))
        .header("content-type", media)
        .body(Body::from(text.to_owned()))
        .unwrap();
    house.raw(request).await
}

async fn notifications(house: &House, change: &str) -> Vec<Value> {
    let page = house.get("/events").await;
    let items = page.body["items"].as_array().unwrap().clone();
    items.into_iter().filter(|each| each["data"]["change"] == change).collect()
}

async fn put_entry(house: &House, id: &str, entry: Value) {
    let reply = house.send("PUT", &format!("/directory/entries/{id}"), Some(entry)).await;
    assert_eq!(reply.status, 200, "{}", reply.body);
}

#[test]
fn t04_t10_the_first_notification_of_a_call_says_whose_number_it_is() {
    in_house(async |house| {
        assert_eq!(put(&house, "K-1", "J. de Vries", &["020 123 4567"]).await.status, 200);
        house.rings().await;
        let ringing = notifications(&house, "call.ringing").await;
        let contact = &ringing[0]["data"]["contact"];
        assert_eq!(contact["customer"]["e164"], "+31201234567");
        let recognition = &contact["recognition"];
        assert_eq!(recognition["status"], "one", "{recognition}");
        assert_eq!(
            recognition["number"],
            json!({ "raw": "0201234567", "e164": "+31201234567", "kind": "geographic" })
        );
        assert_eq!(
            recognition["matches"],
            json!([{ "kind": "person", "reference": "K-1", "name": "J. de Vries", "role": "customer" }])
        );
        // Also in what is read rather than told.
        let id = contact["id"].as_str().unwrap();
        let read = house.get(&format!("/contacts/{id}")).await;
        assert_eq!(read.body["contact"]["recognition"], *recognition);
        let snapshot = house.get("/snapshot").await;
        assert_eq!(snapshot.body["contacts"][0]["recognition"], *recognition);
    });
}

#[test]
fn t10_of_several_all_are_told_and_of_a_switched_off_one_nothing() {
    in_house(async |house| {
        for reference in ["K-1", "K-2"] {
            put(&house, reference, "de Vries", &["0201234567"]).await;
        }
        let off = json!({ "kind": "person", "name": "Stil", "numbers": [{ "number": "0201234567", "enabled": false }] });
        house.send("PUT", "/recognition/customers/K-3", Some(off)).await;
        let speaks = json!({ "kind": "person", "name": "A. Bakker",
            "numbers": [{ "number": "0201234567", "representativeOf": "O-9" }] });
        house.send("PUT", "/recognition/customers/K-4", Some(speaks)).await;
        house.rings().await;
        let ringing = notifications(&house, "call.ringing").await;
        let recognition = &ringing[0]["data"]["contact"]["recognition"];
        assert_eq!(recognition["status"], "several");
        let told: Vec<_> = recognition["matches"].as_array().unwrap().iter().collect();
        let references: Vec<_> = told.iter().map(|each| each["reference"].as_str().unwrap()).collect();
        assert_eq!(references, ["K-1", "K-2", "K-4"]);
        assert_eq!((&told[2]["role"], &told[2]["of"]), (&json!("representative"), &json!("O-9")));
        let told = house.get("/events").await.body.to_string();
        assert!(!told.contains("Stil") && !told.contains("K-3"));
        let kept = house.get("/recognition/customers/K-3").await;
        assert_eq!(kept.body["numbers"][0]["enabled"], false, "who may see it sees that it is off");
    });
}

#[test]
fn t01_t10_who_is_asked_where_a_call_goes_is_told_who_calls() {
    in_house(async |house| {
        put(&house, "K-7", "F. Yilmaz", &["0612345678"]).await;
        house.asks("d1").await;
        let requested = notifications(&house, "route.requested").await;
        let caller = &requested[0]["data"]["situation"]["caller"];
        assert_eq!((&caller["status"], &caller["matches"][0]["reference"]), (&json!("one"), &json!("K-7")));
    });
}

#[test]
fn t10_a_customer_is_put_read_changed_and_deleted() {
    in_house(async |house| {
        let made = put(&house, "K-1", "J. de Vries", &["06-12345678", "+31 6 1234 5678", "0703538123"]).await;
        assert_eq!(made.status, 200, "{}", made.body);
        assert_eq!(made.body["numbers"].as_array().unwrap().len(), 2, "the same number is one number");
        let tag = made.header("etag").to_owned();
        let read = house.get("/recognition/customers/K-1").await;
        assert_eq!((read.body, read.headers["etag"].to_str().unwrap()), (made.body, tag.as_str()));
        let search = house.post("/recognition/search", Some(json!({ "number": "0031612345678" }))).await;
        assert_eq!(
            (&search.body["status"], &search.body["matches"][0]["reference"]),
            (&json!("one"), &json!("K-1"))
        );

        let wrong = put(&house, "K-1", "J. de Vries", &["06-12345678", "112", "0612"]).await;
        assert_eq!((wrong.status.as_u16(), wrong.problem()), (400, "invalid-request"));
        let pointers: Vec<_> = wrong.body["errors"]
            .as_array()
            .unwrap()
            .iter()
            .map(|each| &each["location"]["pointer"])
            .collect();
        assert_eq!(pointers, ["/numbers/1/number", "/numbers/2/number"]);

        put(&house, "K-1", "J. de Vries-Bakker", &[]).await;
        let path = "/recognition/customers/K-1";
        let stale = house.ask("DELETE", path, None, &[("if-match", &tag)]).await;
        assert_eq!((stale.status.as_u16(), stale.problem()), (412, "version-mismatch"));
        assert_eq!(house.send("DELETE", path, None).await.status, 204);
        for method in ["DELETE", "GET"] {
            assert_eq!(house.send(method, path, None).await.status, 404, "{method}");
        }
    });
}

#[test]
fn t10_t13_files_are_imported_whole_or_not_at_all() {
    in_house(async |house| {
        let csv = "number,kind,reference,name\n0612345678,person,K-1,J. de Vries\n";
        let done = file(&house, "/recognition/import", "text/csv; charset=utf-8", csv).await;
        assert_eq!(done.status, 200, "{}", done.body);
        assert_eq!(done.body, json!({ "dryRun": false, "rows": 1, "total": 1, "removed": 0 }));
        // Far more than another body may have.
        let many: String = (0..5_000).map(|at| format!("{{\"number\":\"06200{at:05}\",\"kind\":\"person\",\"reference\":\"N-{at}\",\"name\":\"Naam {at}\"}}\n")).collect();
        assert!(many.len() > 300_000);
        let tried =
            file(&house, "/recognition/import?mode=replace&dryRun=true", "application/x-ndjson", &many).await;
        assert_eq!(tried.body, json!({ "dryRun": true, "rows": 5000, "total": 5000, "removed": 1 }));
        let done = file(&house, "/recognition/import", "application/x-ndjson", &many).await;
        assert_eq!(done.body["total"], 5001, "{}", done.body);

        let bad = "id,name,number\nm-1,Jan,8123\nm-1,Piet,8124\n,,x\n";
        let refused = file(&house, "/directory/import", "text/csv", bad).await;
        assert_eq!((refused.status.as_u16(), refused.problem()), (400, "invalid-request"));
        let errors = refused.body["errors"].as_array().unwrap();
        let places: Vec<_> =
            errors.iter().map(|each| (&each["location"]["line"], &each["location"]["name"])).collect();
        let expected = [
            (json!(3), json!("id")),
            (json!(4), json!("id")),
            (json!(4), json!("name")),
            (json!(4), json!("number")),
        ];
        assert_eq!(places, expected.iter().map(|(line, name)| (line, name)).collect::<Vec<_>>());
        assert_eq!(house.get("/directory/entries").await.body["items"], json!([]));
        let wrong = file(&house, "/directory/import", "image/png", "x").await;
        assert_eq!((wrong.status.as_u16(), wrong.problem()), (415, "unsupported-media-type"));
        let wrong = file(&house, "/directory/import?mode=add", "text/csv", bad).await;
        assert_eq!(wrong.status, 400);
    });
}

#[test]
fn t13_a_colleague_is_found_by_a_part_of_his_name_and_shown_as_he_is() {
    in_house(async |house| {
        put_entry(&house, "m-1", json!({ "kind": "person", "name": "Berg, José van den", "number": "2001" }))
            .await;
        put_entry(
            &house,
            "m-2",
            json!({ "kind": "person", "name": "Anna Smit", "number": "8124", "agent": "pieters" }),
        )
        .await;
        put_entry(&house, "m-3", json!({ "kind": "person", "name": "Bergen, Piet", "number": "2003" })).await;
        put_entry(
            &house,
            "a-1",
            json!({ "kind": "department", "name": "Balie", "number": "7000", "queue": "7000" }),
        )
        .await;
        let found = house.post("/directory/search", Some(json!({ "text": "van den berg jose" }))).await;
        assert_eq!(found.status, 200, "{}", found.body);
        let hit = &found.body["items"][0];
        assert_eq!((&hit["entry"]["id"], &hit["agent"]), (&json!("m-1"), &json!("jansen")));
        assert_eq!(hit["availability"]["state"], "available");
        assert_eq!(hit["device"]["inCall"], false);
        house.speaks().await;
        let found = house.post("/directory/search", Some(json!({ "text": "berg" }))).await;
        let items = found.body["items"].as_array().unwrap();
        assert_eq!(items.len(), 2);
        assert_eq!(
            (&items[0]["availability"]["state"], &items[0]["device"]["inCall"]),
            (&json!("onCall"), &json!(true))
        );
        assert_eq!(
            (items[1].get("agent"), &items[1]["device"]["inCall"]),
            (None, &json!(false)),
            "nobody sits there"
        );
        let linked = house.post("/directory/search", Some(json!({ "text": "smit" }))).await;
        assert_eq!(
            (&linked.body["items"][0]["agent"], &linked.body["items"][0]["device"]["device"]),
            (&json!("pieters"), &json!("2002"))
        );
        let department = house.get("/directory/entries/a-1").await;
        assert_eq!(department.body["queue"]["waiting"], 0, "{}", department.body);

        let all = house.get("/directory/entries?pageSize=3").await;
        assert_eq!((all.body["items"].as_array().unwrap().len(), &all.body["next"]), (3, &json!("m-2")));
        let rest = house.get("/directory/entries?after=m-2").await;
        assert_eq!((rest.body["items"].as_array().unwrap().len(), rest.body.get("next")), (1, None));
        assert_eq!(house.send("DELETE", "/directory/entries/m-3", None).await.status, 204);
        assert_eq!(house.get("/directory/entries/m-3").await.status, 404);
    });
}

#[test]
fn t12_t24_an_entry_is_called_and_a_transfer_has_its_department() {
    in_house(async |house| {
        put_entry(
            &house,
            "m-2",
            json!({ "kind": "person", "name": "Anna Smit", "number": "8124", "agent": "pieters",
            "department": "Burgerzaken" }),
        )
        .await;
        put_entry(&house, "a-1", json!({ "kind": "department", "name": "Vergunningen", "number": "2003" }))
            .await;
        let dial = json!({ "destination": { "entry": "m-2" } });
        let reply = house.post("/agents/jansen/calls", Some(dial)).await;
        assert_eq!(reply.status, 200, "{}", reply.body);
        let nobody = json!({ "destination": { "entry": "m-9" } });
        let reply = house.post("/agents/jansen/calls", Some(nobody)).await;
        assert_eq!((reply.status.as_u16(), reply.problem()), (422, "invalid-destination"));

        let call = house.speaks().await;
        for (to, device, department) in [
            (json!({ "entry": "m-2" }), "2002", "Burgerzaken"),
            (json!({ "agent": "pieters" }), "2002", "Burgerzaken"),
            (json!({ "number": "2003" }), "2003", "Vergunningen"),
            (json!({ "entry": "a-1" }), "2003", "Vergunningen"),
            (json!({ "entry": "a-1" }), "2003", "Zelf"),
        ] {
            let mut body = json!({ "call": call, "device": "2001", "to": to, "kind": "warm" });
            if department == "Zelf" {
                body["department"] = json!("Zelf");
            }
            let reply = house.post("/transfers?wait=0", Some(body)).await;
            // The second is refused, since one transfer is under way, and is journalled all the same.
            let command = &reply.body["command"];
            let id = command["id"].as_str().or(command.as_str()).unwrap();
            let command = schakel_core::model::ids::CommandId(uuid::Uuid::parse_str(id).unwrap().as_u128());
            let asked =
                house.engine.read(move |state| state.commands[&command].command.clone()).await.unwrap();
            let schakel_core::command::Command::Transfer { to: number, department: found, .. } = asked else {
                panic!("{asked:?}")
            };
            assert_eq!((&**number.expose(), found.as_deref()), (device, Some(department)), "{to}");
        }
    });
}

#[test]
fn t12_a_call_is_started_from_a_customer() {
    in_house(async |house| {
        put(&house, "K-1", "J. de Vries", &["0612345678"]).await;
        put(&house, "K-2", "A. Bakker", &["0612345678", "0201234567"]).await;
        let dial = |customer: &str| Some(json!({ "destination": { "customer": customer } }));
        let reply = house.post("/agents/jansen/calls", dial("K-1")).await;
        assert_eq!(reply.status, 200, "{}", reply.body);
        let id = uuid::Uuid::parse_str(reply.body["command"]["id"].as_str().unwrap()).unwrap();
        let command = schakel_core::model::ids::CommandId(id.as_u128());
        let asked = house.engine.read(move |state| state.commands[&command].command.clone()).await.unwrap();
        let schakel_core::command::Command::Dial { destination, reference, .. } = asked else {
            panic!("{asked:?}")
        };
        assert_eq!((&**destination.expose(), reference.as_deref()), ("0612345678", Some("K-1")));
        for (customer, why) in [("K-2", "2 numbers"), ("K-9", "no numbers are kept")] {
            let reply = house.post("/agents/jansen/calls", dial(customer)).await;
            assert_eq!((reply.status.as_u16(), reply.problem()), (422, "invalid-destination"));
            assert!(reply.body["detail"].as_str().unwrap().contains(why), "{}", reply.body);
        }
    });
}

#[test]
fn only_who_may_sees_and_changes_what_is_registered() {
    in_house(async |mut house| {
        put(&house, "K-1", "J. de Vries", &["0612345678"]).await;
        house.token = house.new_token(&[Scope::CallsRead, Scope::DirectoryRead], None).await;
        for (method, path, body) in [
            ("GET", "/recognition/customers/K-1", None),
            ("DELETE", "/recognition/customers/K-1", None),
            ("POST", "/recognition/search", Some(json!({ "number": "112" }))),
            ("DELETE", "/directory/entries/m-1", None),
        ] {
            assert_eq!(house.send(method, path, body).await.status, 403, "{method} {path}");
        }
        assert_eq!(file(&house, "/recognition/import", "text/csv", "").await.status, 403);
        assert_eq!(house.get("/directory/entries").await.status, 200);
    });
}
