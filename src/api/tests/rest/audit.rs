//! The audit log (BIO 8.15) and the erasing of a customer (GDPR article 17).

use crate::house::{House, Pbx, Reply, in_house, pbx, with_settings};
use schakel_api::ApiSettings;
use schakel_contract::views::Scope;
use schakel_core::command::RefusalCause;
use schakel_core::input::InputBody;
use schakel_core::model::call::{ConnectionState, Party};
use schakel_core::model::cause::Cause;
use schakel_core::model::ids::DeviceId;
use schakel_core::model::pii::Pii;
use schakel_core::report::{CallEvent, CallReport, EventReport, ProviderConnection, ReportedParty};
use schakel_journal::{AuditEntry, AuditFilter, verify_audit};
use serde_json::{Value, json};
use std::time::Duration;

impl House {
    /// The rows with an action, oldest first.
    async fn audit(&self, action: &str) -> Vec<Value> {
        // What nobody waited for is written by now.
        self.store.audit(Vec::new()).await.unwrap();
        let reply = self.get(&format!("/audit?action={action}&pageSize=1000")).await;
        assert_eq!(reply.status, 200, "{}", reply.body);
        reply.body["items"].as_array().unwrap().clone()
    }

    /// The first row with an action, when there is one.
    async fn row_of(&self, action: &str) -> AuditEntry {
        let filter = AuditFilter { action: Some(action.into()), ..AuditFilter::default() };
        let written = async {
            loop {
                let (rows, ..) = self.store.reader().unwrap().audit(0, 1, &filter).unwrap();
                if let Some(row) = rows.into_iter().next() {
                    return row.entry;
                }
                self.store.audit(Vec::new()).await.unwrap();
            }
        };
        tokio::time::timeout(Duration::from_secs(10), written).await.expect("the row is written")
    }

    async fn as_token(&self, token: &str, method: &str, path: &str, body: Option<Value>) -> Reply {
        self.ask(method, path, body, &[("authorization", &format!("Bearer {token}"))]).await
    }

    /// Whether the log is whole, and holds no number.
    fn audit_is_sound(&self) {
        let verdict = verify_audit(self.store.path(), None).unwrap();
        assert_eq!(verdict.broken, None);
        let (rows, ..) = self.store.reader().unwrap().audit(0, 10_000, &Default::default()).unwrap();
        let text = format!("{rows:?}");
        for personal in ["0201234567", "0612345678", "Vries"] {
            assert!(!text.contains(personal), "{text}");
        }
    }

    pub fn occurrences(&self, needle: &str) -> usize {
        let folder = std::fs::read_dir(self.store.path().parent().unwrap()).unwrap();
        let paths = folder.map(|each| each.unwrap().path()).filter(|path| path.is_file());
        let files = paths.map(|path| std::fs::read(path).unwrap());
        files
            .map(|bytes| bytes.windows(needle.len()).filter(|window| *window == needle.as_bytes()).count())
            .sum()
    }
}

#[test]
fn bio_8_15_a_command_is_in_the_log_with_its_outcome() {
    in_house(async |house| {
        let token = house.new_token(&[Scope::CallsControl], Some("jansen")).await;
        let call = house.speaks().await;
        let hold = format!("/calls/{call}/connections/2001/hold");
        assert_eq!(house.as_token(&token, "POST", &hold, None).await.status, 200);
        house.pbx(Pbx::Refuses(RefusalCause::ResourceBusy));
        let retrieve = format!("/calls/{call}/connections/2001/retrieve");
        assert_ne!(house.as_token(&token, "POST", &retrieve, None).await.status, 200);
        let id = token.split_once('.').unwrap().0;
        for (action, result) in [("call.hold", "succeeded"), ("call.retrieve", "refused:")] {
            let rows = house.audit(action).await;
            assert_eq!(rows.len(), 1, "{rows:?}");
            assert_eq!(rows[0]["actor"], json!({ "token": id, "name": "test", "agent": "jansen" }));
            assert_eq!(rows[0]["object"], format!("calls/{call}"));
            assert!(rows[0]["result"].as_str().unwrap().starts_with(result), "{}", rows[0]);
        }
        house.audit_is_sound();
    });
}

#[test]
fn bio_8_15_a_change_is_in_the_log_before_its_answer() {
    in_house(async |house| {
        let made = house.post("/tokens", Some(json!({ "name": "JKC", "scopes": ["calls:read"] }))).await;
        let id = made.body["id"].as_str().unwrap();
        let (rows, ..) = house.store.reader().unwrap().audit(0, 1_000, &Default::default()).unwrap();
        let last = &rows.last().unwrap().entry;
        assert_eq!(
            (last.action.as_str(), last.object.clone().unwrap()),
            ("token.create", format!("tokens/{id}"))
        );
        assert_eq!(house.send("DELETE", &format!("/tokens/{id}"), None).await.status, 204);
        assert_eq!(house.send("DELETE", &format!("/tokens/{id}"), None).await.status, 404);
        let rows = house.audit("token.revoke").await;
        let results: Vec<_> = rows.iter().map(|row| row["result"].as_str().unwrap()).collect();
        assert_eq!(results, ["succeeded", "refused:not-found"]);
        assert_eq!(rows[0]["object"], format!("tokens/{id}"));
        house.post("/providers/pbx/reconnect", None).await;
        assert_eq!(house.audit("provider.reconnect").await[0]["object"], "providers/pbx");
        let hook = json!({ "url": "https://jkc.example.nl/x" });
        let hook = house.post("/webhooks", Some(hook)).await.body["id"].as_str().unwrap().to_owned();
        assert_eq!(house.audit("webhook.create").await[0]["object"], format!("webhooks/{hook}"));
        house.audit_is_sound();
    });
}

#[test]
fn bio_8_15_a_change_of_who_does_not_wait_for_its_answer_is_in_the_log_too() {
    in_house(async |house| {
        let known =
            json!({ "kind": "person", "name": "J. de Vries", "numbers": [{ "number": "0612345678" }] });
        let put = house.send("PUT", "/recognition/customers/K-1", Some(known));
        let gone = tokio::time::timeout(Duration::ZERO, put).await;
        assert!(gone.is_err(), "the caller has gone before it is answered");
        assert_eq!(house.row_of("recognition.put").await.result, "succeeded");
        assert_eq!(house.get("/recognition/customers/K-1").await.status, 200);
        house.audit_is_sound();
    });
}

#[test]
fn bio_8_15_a_change_that_takes_longer_than_its_answer_is_in_the_log_as_it_ended() {
    let settings = ApiSettings { answer_timeout: Duration::ZERO, ..ApiSettings::default() };
    with_settings(settings, async |house| {
        let known =
            json!({ "kind": "person", "name": "J. de Vries", "numbers": [{ "number": "0612345678" }] });
        let put = house.send("PUT", "/recognition/customers/K-1", Some(known)).await;
        assert_eq!(put.status, 503, "{}", put.body);
        assert_eq!(house.row_of("recognition.put").await.result, "succeeded");
    });
}

#[test]
fn bio_8_15_who_looks_at_persons_is_in_the_log_once_a_minute() {
    in_house(async |house| {
        let call = house.rings().await;
        let token = house.new_token(&[Scope::CallsRead, Scope::EventsRead, Scope::ProvidersRead], None).await;
        let path = format!("/calls/{call}");
        for path in [path.as_str(), path.as_str(), "/snapshot", "/events", "/events?after=1", "/providers"] {
            assert_eq!(house.as_token(&token, "GET", path, None).await.status, 200, "{path}");
        }
        let id = token.split_once('.').unwrap().0;
        let mine = |rows: Vec<Value>| rows.iter().filter(|row| row["actor"]["token"] == id).count();
        assert_eq!(mine(house.audit("call.read").await), 1, "the same look again is the same look");
        assert_eq!(mine(house.audit("snapshot.read").await), 1);
        assert_eq!(mine(house.audit("event.list").await), 1);
        assert_eq!(mine(house.audit("provider.").await), 0, "there is nobody in it");
        house.audit_is_sound();
    });
}

#[test]
fn bio_8_15_who_searches_persons_or_changes_them_is_in_the_log() {
    in_house(async |house| {
        let known =
            json!({ "kind": "person", "name": "J. de Vries", "numbers": [{ "number": "0612345678" }] });
        let put = house.send("PUT", "/recognition/customers/K-1", Some(known)).await;
        assert!(put.status.is_success(), "{}", put.body);
        let found = house.post("/recognition/search", Some(json!({ "number": "0612345678" }))).await;
        assert!(found.body.to_string().contains("Vries"), "{}", found.body);
        house.post("/directory/search", Some(json!({ "text": "vries" }))).await;
        for (action, object) in [
            ("recognition.search", Value::Null),
            ("directory.search", Value::Null),
            ("recognition.", json!("recognition/customers/K-1")),
        ] {
            let rows = house.audit(action).await;
            assert!(rows.iter().any(|row| row["object"] == object), "{action}: {rows:?}");
        }
        let token = house.new_token(&[Scope::RecognitionRead], None).await;
        let search = json!({ "number": "0612345678" });
        let withheld = house.as_token(&token, "POST", "/recognition/search", Some(search)).await;
        assert_eq!(withheld.status, 200);
        let text = withheld.body.to_string();
        assert!(!text.contains("612345678") && !text.contains("Vries") && text.contains("K-1"), "{text}");
        house.audit_is_sound();
    });
}

#[test]
fn bio_8_15_who_is_refused_is_in_the_log_and_cannot_fill_it() {
    in_house(async |house| {
        let token = house.new_token(&[Scope::CallsRead], None).await;
        let id = token.split_once('.').unwrap().0;
        assert_eq!(house.as_token(&token, "DELETE", "/tokens/0612345678", None).await.status, 403);
        let denied = house.audit("token.revoke").await;
        assert_eq!(
            (&denied[0]["result"], &denied[0]["object"]),
            (&json!("denied"), &json!("tokens/withheld"))
        );
        assert_eq!(denied[0]["actor"]["token"], id);
        assert_eq!(house.as_token(&format!("{id}.wrong"), "GET", "/calls", None).await.status, 401);
        for number in 0..200 {
            let wrong = format!("0612345678.{number}");
            assert_eq!(house.as_token(&wrong, "GET", "/calls", None).await.status, 401);
        }
        let refused = house.audit("auth.refused").await;
        assert!(refused.len() <= 62, "{}", refused.len());
        assert_eq!(refused[0]["actor"]["token"], id, "a token of ours is told by its id");
        assert_eq!(refused[1]["actor"]["token"], "", "of what somebody else sends nothing is kept");
        house.audit_is_sound();
    });
}

#[test]
fn bio_8_15_the_log_is_read_by_page_and_by_filter_and_that_is_logged_too() {
    in_house(async |house| {
        for name in ["a", "b", "c"] {
            house.post("/tokens", Some(json!({ "name": name, "scopes": ["calls:read"] }))).await;
        }
        let first = house.get("/audit?action=token.create&pageSize=2").await.body;
        assert_eq!(first["items"].as_array().unwrap().len(), 2);
        let rest =
            house.get(&format!("/audit?action=token.&after={}", first["next"].as_str().unwrap())).await.body;
        assert_eq!((rest["items"].as_array().unwrap().len(), &rest["next"]), (1, &json!(null)));
        let at = first["items"][1]["at"].as_str().unwrap();
        for (query, some) in [
            (format!("from={at}"), true),
            ("from=2090-01-01T00:00:00Z".to_owned(), false),
            ("to=2000-01-01T00:00:00Z".to_owned(), false),
            ("object=agents/jansen".to_owned(), true),
            ("object=agents/jans".to_owned(), false),
            ("token=nobody".to_owned(), false),
        ] {
            let reply = house.get(&format!("/audit?{query}")).await;
            assert_eq!(!reply.body["items"].as_array().unwrap().is_empty(), some, "{query}: {}", reply.body);
        }
        assert_eq!(house.get("/audit?from=yesterday").await.status, 400);
        assert_eq!(house.audit("audit.list").await.len(), 1);
        let token = house.new_token(&[Scope::AuditRead], None).await;
        assert_eq!(house.as_token(&token, "GET", "/audit", None).await.status, 200);
        let other = house.new_token(&[Scope::CallsRead], None).await;
        assert_eq!(house.as_token(&other, "GET", "/audit", None).await.status, 403);
    });
}

/// What the PBX tells of a call that jansen dials.
async fn dialled(house: &House, event: CallEvent, state: ConnectionState) {
    let at = |number: &str| Some(DeviceId::from(number));
    let customer = Party { name: Some(Pii::new("J. de Vries".into())), ..Party::of_number("0612345678") };
    let report = EventReport::Call(Box::new(CallReport {
        event,
        connection: ProviderConnection { call: "c9".into(), device: "2001".into() },
        monitor: at("2001"),
        local: Some(state),
        cause: Cause::Normal,
        calling: Some(ReportedParty { device: at("2001"), party: Party::of_number("2001") }),
        called: Some(ReportedParty { device: at("0612345678"), party: customer }),
        last_redirection: None,
        network_called: None,
        permitted: None,
        correlator: Some("dossier van J. de Vries".into()),
        linked_call: None,
    }));
    house.input(InputBody::Report { provider: pbx(), report }).await;
}

#[test]
fn avg_17_an_erased_customer_is_nowhere_any_more() {
    in_house(async |house| {
        let other = house.rings().await;
        let dial = json!({ "destination": { "number": "0612345678" }, "reference": "K-10042" });
        let keyed = [("idempotency-key", "once")];
        let asked = house.ask("POST", "/agents/jansen/calls?wait=0", Some(dial.clone()), &keyed).await;
        assert!(asked.status.is_success(), "{}", asked.body);
        dialled(&house, CallEvent::Originated, ConnectionState::Connected).await;
        dialled(&house, CallEvent::Established, ConnectionState::Connected).await;
        let calls = house.get("/calls?provider=pbx").await.body;
        let call =
            calls["items"].as_array().unwrap().iter().find(|call| call["direction"] == "outbound").unwrap();
        let contact = call["contact"].as_str().unwrap().to_owned();
        let before = house.get(&format!("/contacts/{contact}")).await.body;
        assert_eq!(before["contact"]["reference"], "K-10042", "{before}");
        assert!(before.to_string().contains("0612345678") && before.to_string().contains("de Vries"));
        // While the call goes on; what is told of it after that is erased when it has ended.
        let early = house.post("/erasures", Some(json!({ "reference": "K-10042" }))).await;
        assert_eq!((early.status.as_u16(), &early.body["goingOn"]), (200, &json!(1)), "{}", early.body);
        let shown = house.get(&format!("/contacts/{contact}")).await.body.to_string();
        assert!(
            !shown.contains("0612345678") && !shown.contains("Vries") && !shown.contains("K-10042"),
            "{shown}"
        );
        dialled(&house, CallEvent::ConnectionCleared, ConnectionState::Null).await;
        assert_eq!(house.app.finish_erasures().await, 1);
        assert_eq!(house.app.finish_erasures().await, 0);
        for personal in ["0612345678", "Vries"] {
            assert_eq!(house.occurrences(personal), 0, "{personal} is in a file");
        }
        assert!(house.occurrences("0201234567") > 0, "another customer's is");
        // What happened is still told, without him; and the other one with everything.
        let story = house.get(&format!("/contacts/{contact}/timeline")).await.body.to_string();
        assert!(
            story.contains("call.dialling")
                && story.contains("call.ended")
                && story.contains("withheld")
                && !story.contains("K-10042"),
            "{story}"
        );
        let again = house.ask("POST", "/agents/jansen/calls?wait=0", Some(dial), &keyed).await;
        assert!(!again.body.to_string().contains("0612345678"), "{}", again.body);
        assert!(house.get(&format!("/calls/{other}")).await.body.to_string().contains("0201234567"));
        let rows = house.audit("erasure.create").await;
        assert_eq!(
            (&rows[0]["object"], &rows[0]["result"]),
            (&json!("customers/K-10042"), &json!("succeeded"))
        );
        house.audit_is_sound();
        let nothing = house.post("/erasures", Some(json!({ "reference": "K-10042" }))).await.body;
        assert_eq!((&nothing["contacts"], &nothing["notifications"]), (&json!(0), &json!(0)), "{nothing}");
    });
}

/// A second call at 2001, from another number.
async fn another_rings(house: &House) {
    second(house, "0301234567", CallEvent::Delivered, ConnectionState::Alerting).await;
}

async fn second(house: &House, from: &str, event: CallEvent, local: ConnectionState) {
    let party = |number: &str| {
        Some(ReportedParty { device: Some(DeviceId::from(number)), party: Party::of_number(number) })
    };
    let report = EventReport::Call(Box::new(CallReport {
        event,
        connection: ProviderConnection { call: "c2".into(), device: "2001".into() },
        monitor: Some("2001".into()),
        local: Some(local),
        cause: Cause::NewCall,
        calling: party(from),
        called: party("2001"),
        last_redirection: None,
        network_called: None,
        permitted: None,
        correlator: None,
        linked_call: None,
    }));
    house.input(InputBody::Report { provider: pbx(), report }).await;
}

#[test]
fn avg_17_a_customer_whom_only_a_session_names_is_erased_too() {
    in_house(async |house| {
        house.forget_at_once().await;
        let call = house.speaks().await;
        let contact = house.get(&format!("/calls/{call}")).await.body["contact"].clone();
        let body = json!({ "agent": "jansen", "contact": contact, "reference": "K-10042" });
        let opened = house.post("/sessions", Some(body)).await;
        let session = opened.body["session"]["id"].as_str().unwrap().to_owned();
        // Another customer's call, told with the session that is open.
        another_rings(&house).await;
        house.post(&format!("/calls/{call}/connections/2001/hang-up"), None).await;
        assert_eq!(house.post(&format!("/sessions/{session}/close"), None).await.status, 200);
        while house.engine.read(|state| !state.sessions.is_empty()).await.unwrap() {}
        let erased = house.post("/erasures", Some(json!({ "reference": "K-10042" }))).await.body;
        assert_eq!(erased["contacts"], 1, "{erased}");
        assert_eq!(house.occurrences("0201234567"), 0, "his number is in a file");
        let told = house.get("/events?pageSize=1000").await.body.to_string();
        assert!(told.contains("session.decision-asked") && !told.contains("K-10042"), "{told}");
        assert!(told.contains("0301234567"), "another customer's number is kept");
    });
}

/// A customer with the number that rings.
async fn knows(house: &House, reference: &str, name: &str) {
    let numbers = json!([{ "number": "0201234567" }]);
    let known = json!({ "kind": "person", "name": name, "numbers": numbers });
    let put = house.send("PUT", &format!("/recognition/customers/{reference}"), Some(known)).await;
    assert!(put.status.is_success(), "{}", put.body);
}

#[test]
fn avg_17_an_erasing_that_was_cut_short_still_knows_his_numbers_when_it_is_asked_again() {
    in_house(async |house| {
        knows(&house, "K-10042", "J. Vermeulen").await;
        house.rings().await;
        house.engine.stop().await.unwrap();
        let cut = house.post("/erasures", Some(json!({ "reference": "K-10042" }))).await;
        assert!(cut.status.is_server_error(), "{}", cut.body);
        let known = house.get("/recognition/customers/K-10042").await;
        assert_eq!(
            (known.status.as_u16(), &known.body["numbers"][0]["number"]),
            (200, &json!("+31201234567"))
        );
    });
}

#[test]
fn avg_17_of_a_number_that_others_have_too_only_what_names_him_is_erased() {
    in_house(async |house| {
        knows(&house, "K-10042", "J. Vermeulen").await;
        knows(&house, "K-20017", "A. Bakker").await;
        let his = house.speaks().await;
        let contact = house.get(&format!("/calls/{his}")).await.body["contact"].as_str().unwrap().to_owned();
        let body = json!({ "agent": "jansen", "contact": contact, "reference": "K-10042" });
        let opened = house.post("/sessions", Some(body)).await.body;
        let session = opened["session"]["id"].as_str().unwrap();
        house.post(&format!("/calls/{his}/connections/2001/hang-up"), None).await;
        house.post(&format!("/sessions/{session}/close"), None).await;
        second(&house, "0201234567", CallEvent::Delivered, ConnectionState::Alerting).await;
        let told = house.get("/events?pageSize=1000").await.body.to_string();
        assert!(told.contains("Vermeulen") && told.contains("several"), "{told}");
        let erased = house.post("/erasures", Some(json!({ "reference": "K-10042" }))).await.body;
        assert_eq!((&erased["contacts"], &erased["recognised"]), (&json!(1), &json!(1)), "{erased}");
        let story = house.get(&format!("/contacts/{contact}/timeline")).await.body.to_string();
        assert!(!story.contains("0201234567") && !story.contains("Bakker"), "{story}");
        let told = house.get("/events?pageSize=1000").await.body.to_string();
        assert!(
            told.contains("0201234567") && told.contains("A. Bakker"),
            "the other's call is kept: {told}"
        );
        assert!(!told.contains("K-10042") && !told.contains("several"), "{told}");
        assert_eq!(house.occurrences("Vermeulen"), 0);
        assert_eq!(house.get("/recognition/customers/K-20017").await.status, 200);
    });
}

#[test]
fn avg_17_a_session_about_no_contact_does_not_keep_his_reference() {
    in_house(async |house| {
        let body = json!({ "agent": "jansen", "reference": "K-10042" });
        let opened = house.post("/sessions", Some(body)).await;
        assert!(opened.status.is_success(), "{}", opened.body);
        let erased = house.post("/erasures", Some(json!({ "reference": "K-10042" }))).await.body;
        assert_eq!((&erased["contacts"], &erased["inputs"]), (&json!(0), &json!(1)), "{erased}");
        let named = |state: &schakel_core::state::State| format!("{state:?}").contains("K-10042");
        assert!(!house.engine.read(named).await.unwrap(), "it is in the live state");
        assert!(!house.get("/events?pageSize=1000").await.body.to_string().contains("K-10042"));
    });
}

#[test]
fn avg_5_what_is_old_has_no_number_and_is_still_told() {
    in_house(async |house| {
        house.forget_at_once().await;
        let call = house.speaks().await;
        let contact = house.get(&format!("/calls/{call}")).await.body["contact"].as_str().unwrap().to_owned();
        house.post(&format!("/calls/{call}/connections/2001/hang-up"), None).await;
        let before = house.get(&format!("/contacts/{contact}/timeline")).await.body;
        assert!(before.to_string().contains("0201234567"));
        assert_eq!(house.app.withhold_before(0).await, 0, "nothing is that old");
        // The ended call has left the live picture, and with it the snapshot.
        while house.engine.read(|state| !state.calls.is_empty()).await.unwrap() {}
        let last = house.engine.snapshot().await.unwrap();
        let changed = house.app.withhold_before(i64::MAX).await;
        assert!(changed > last, "each of {last} inputs, and notifications: {changed}");
        assert_eq!(house.app.withhold_before(i64::MAX).await, 0, "it is done once");
        house.store.empty_log().await.unwrap();
        assert_eq!(house.occurrences("0201234567"), 0);
        let after = house.get(&format!("/contacts/{contact}/timeline")).await.body;
        let told = |story: &Value| -> Vec<Value> {
            let items = story["items"].as_array().unwrap().iter();
            items.map(|item| item["notification"]["data"]["change"].clone()).collect()
        };
        assert_eq!(told(&after), told(&before), "what happened stays");
        // What comes after it is told as always.
        house.rings().await;
        assert!(house.get("/events").await.body.to_string().contains("0201234567"));
        house.audit_is_sound();
    });
}
