//! Visits: what a visitor's program can do, and what it can never see.

use crate::house::{House, Reply, in_house, pbx};
use axum::body::Body;
use http::Request;
use http_body_util::BodyExt as _;
use schakel_contract::views::Scope;
use schakel_core::input::InputBody;
use schakel_core::model::chat::Visitor;
use schakel_core::model::time::Millis;
use schakel_core::report::EventReport;
use schakel_core::report::chat::{ChatEvent, ChatReport, ConversationEvent};
use serde_json::{Value, json};

fn refused(reply: &Reply) -> (u16, &str, &Value) {
    (reply.status.as_u16(), reply.problem(), &reply.body["cause"])
}

/// A token of a website's program, as a header.
async fn visitors(house: &House) -> String {
    format!("Bearer {}", house.new_token(&[Scope::ChatsVisit], None).await)
}

/// A stream that is read as it comes.
struct Following {
    body: Body,
    text: String,
}

impl Following {
    async fn of(house: &House, path: &str, last: Option<&str>) -> Self {
        let mut request = Request::get(format!("/v1{path}"))
            .header("authorization", format!("Bearer {}", house.token))
            .header("accept", "text/event-stream");
        if let Some(last) = last {
            request = request.header("last-event-id", last);
        }
        let response = tower::ServiceExt::oneshot(house.router.clone(), request.body(Body::empty()).unwrap())
            .await
            .unwrap();
        assert_eq!(
            (response.status(), response.headers()["content-type"].to_str().unwrap()),
            (http::StatusCode::OK, "text/event-stream")
        );
        Self { body: response.into_body(), text: String::new() }
    }

    /// Reads until this has come; all that came since the last time.
    async fn until(&mut self, wanted: &str) -> String {
        while !self.text.contains(wanted) || !self.text.ends_with("\n\n") {
            let frame = self.body.frame().await.expect("the stream goes on").unwrap().into_data().unwrap();
            self.text.push_str(std::str::from_utf8(&frame).unwrap());
        }
        std::mem::take(&mut self.text)
    }

    /// Reads until it ends.
    async fn rest(mut self) -> String {
        while let Some(frame) = self.body.frame().await {
            self.text.push_str(std::str::from_utf8(&frame.unwrap().into_data().unwrap()).unwrap());
        }
        self.text
    }
}

#[test]
fn w08_o23_a_visitors_program_reaches_nothing_of_the_agents_side() {
    in_house(async |house| {
        let bearer = visitors(&house).await;
        let document: Value = serde_json::from_str(&schakel_api::openapi_json()).unwrap();
        let (mut open, mut closed) = (Vec::new(), 0);
        for (path, operations) in document["paths"].as_object().unwrap() {
            let filled: Vec<_> = path
                .split('/')
                .map(|part| match part {
                    "{agent}" | "{device}" | "{provider}" | "{queue}" | "{token}" | "{entry}"
                    | "{reference}" => "x",
                    parameter if parameter.starts_with('{') => "01890a5d-ac96-774b-bcce-b302099a8057",
                    other => other,
                })
                .collect();
            for (method, _) in operations.as_object().unwrap() {
                let reply = house
                    .ask(&method.to_uppercase(), &filled.join("/"), None, &[("authorization", &bearer)])
                    .await;
                match reply.status.as_u16() {
                    403 => closed += 1,
                    _ => open.push(format!("{method} {path}")),
                }
            }
        }
        assert!(closed > 90, "{closed}");
        for route in &open {
            let path = route.split(' ').nth(1).unwrap();
            let is_visitors = path.starts_with("/visits")
                || matches!(
                    path,
                    "/chat-queues/{queue}/availability"
                        | "/chat-queues/{queue}/offline-messages"
                        | "/openapi.json"
                );
            assert!(is_visitors, "{route}");
        }
        assert_eq!(open.len(), 14, "{open:?}");
    });
}

#[test]
fn w08_o23_nothing_that_a_visitor_sees_has_a_private_word_an_observer_or_a_count_of_them() {
    in_house(async |house| {
        let id = house.chats_with_jansen("balie").await;
        let mut stream = Following::of(&house, &format!("/visits/{id}/events"), None).await;
        house.agent_says(&id, "jansen", "agents", "Geheim: dit is een lastige.").await;
        let watch = json!({ "agent": "pieters", "purpose": "Kwaliteit" });
        assert_eq!(house.post(&format!("/chats/{id}/observe"), Some(watch)).await.status, 200);
        house.agent_says(&id, "jansen", "public", "Ik kijk even.").await;
        let told = stream.until("Ik kijk even.").await;
        let bearer = visitors(&house).await;
        let as_visitor = [("authorization", bearer.as_str())];
        let mut seen = vec![told];
        for path in [format!("/visits/{id}"), format!("/visits/{id}/messages")] {
            seen.push(house.ask("GET", &path, None, &as_visitor).await.body.to_string());
        }
        for text in &seen {
            for secret in ["Geheim", "pieters", "\"jansen\"", "\"order\"", "version", "audience", "observer"]
            {
                assert!(!text.contains(secret), "{secret}: {text}");
            }
            assert!(!text.contains("withheld"), "{text}");
        }
        let messages: Value = serde_json::from_str(&seen[2]).unwrap();
        let seqs: Vec<_> =
            messages["items"].as_array().unwrap().iter().map(|each| each["seq"].as_u64().unwrap()).collect();
        assert_eq!(seqs, (1..=seqs.len() as u64).collect::<Vec<_>>(), "no gap to count by");
        assert!(
            seen[2].contains("Medewerker jansen") && seen[2].contains("Ik heb een vraag."),
            "{}",
            seen[2]
        );
    });
}

#[test]
fn o05_o06_w03_a_visit_is_opened_once_and_shows_who_vouches_for_what() {
    in_house(async |house| {
        house.chatting("jansen").await;
        let bearer = visitors(&house).await;
        let keyed = [("authorization", bearer.as_str()), ("idempotency-key", "visit-1")];
        let body = json!({ "queue": "publiekszaken", "visitor": { "nickname": "Truus", "language": "nl", "attributes": [
            { "name": "klantnummer", "value": "12345", "verifiedBy": "digid" }, { "name": "wijk", "value": "Noord" }] } });
        let opened = house.ask("POST", "/visits", Some(body.clone()), &keyed).await;
        assert_eq!(opened.status, 201, "{}", opened.body);
        let visit = opened.body["visit"].clone();
        let id = visit["id"].as_str().unwrap().to_owned();
        assert_eq!(opened.header("location"), format!("/v1/visits/{id}"));
        assert_eq!((&visit["state"], &visit["nickname"]), (&json!("opened"), &json!("Truus")));
        let again = house.ask("POST", "/visits", Some(body.clone()), &keyed).await;
        assert_eq!((again.status.as_u16(), &again.body), (201, &opened.body), "{}", again.body);
        let other = json!({ "queue": "balie" });
        let other = house.ask("POST", "/visits", Some(other), &keyed).await;
        assert_eq!((other.status.as_u16(), other.problem()), (422, "idempotency-key-reused"));
        let seen = house.get(&format!("/chats/{id}")).await.body["visitor"].clone();
        assert_eq!(
            seen["attributes"][0],
            json!({ "name": "klantnummer", "value": "12345", "verifiedBy": "digid" })
        );
        assert_eq!(seen["attributes"][1], json!({ "name": "wijk", "value": "Noord" }));
        let waits = house.visitor_says(&id, "Hallo?").await;
        assert!(waits.body["message"]["seq"].as_u64().is_some(), "{}", waits.body);
        assert_eq!(house.get(&format!("/visits/{id}")).await.body["state"], "waiting");
    });
}

#[test]
fn c07_c10_o04_what_a_visitor_is_shown_is_explained_and_nobody_there_is_409() {
    in_house(async |house| {
        let bearer = visitors(&house).await;
        let as_visitor = [("authorization", bearer.as_str())];
        let shown = async |path: &str| house.ask("GET", path, None, &as_visitor).await;
        let nobody = shown("/chat-queues/publiekszaken/availability").await;
        assert_eq!(nobody.status, 200, "{}", nobody.body);
        assert_eq!((&nobody.body["textId"], &nobody.body["mayChat"]), (&json!("closed"), &json!(false)));
        assert_eq!(
            (&nobody.body["mayLeaveMessage"], &nobody.body["facts"]["agents"]),
            (&json!(true), &json!(0))
        );
        assert!(nobody.body["because"].as_array().is_some_and(|because| !because.is_empty()));
        let without = shown("/chat-queues/balie/availability?language=en").await.body;
        assert_eq!(
            (&without["textId"], &without["mayLeaveMessage"]),
            (&json!("closed-without-form"), &json!(false))
        );
        assert_eq!(without["text"], "The chat channel is not available at the moment.");
        let refusal =
            house.ask("POST", "/visits", Some(json!({ "queue": "publiekszaken" })), &as_visitor).await;
        assert_eq!(refused(&refusal), (409, "agent-not-available", &json!("agentNotAvailable")));
        assert_eq!(refusal.body["availability"]["textId"], "closed", "{}", refusal.body);
        assert_eq!(refusal.body["availability"]["mayLeaveMessage"], true);
        house.chatting("jansen").await;
        let free = shown("/chat-queues/publiekszaken/availability").await.body;
        assert_eq!((&free["textId"], &free["mayChat"]), (&json!("available"), &json!(true)), "{free}");
        let unknown = shown("/chat-queues/nergens/availability").await;
        assert_eq!(unknown.status, 404);
        let unknown = house.ask("POST", "/visits", Some(json!({ "queue": "nergens" })), &as_visitor).await;
        assert_eq!(refused(&unknown), (404, "unknown-queue", &json!("unknownQueue")));
    });
}

#[test]
fn c12_c14_c15_a_message_is_left_where_it_can_be_sent_on() {
    in_house(async |house| {
        let bearer = visitors(&house).await;
        let as_visitor = [("authorization", bearer.as_str())];
        let leave = async |queue: &str, body: Value| {
            house
                .ask("POST", &format!("/chat-queues/{queue}/offline-messages"), Some(body), &as_visitor)
                .await
        };
        let message = json!({ "name": "Truus", "email": "truus@example.nl", "preference": "email", "text": "Bel mij." });
        let left = leave("publiekszaken", message.clone()).await;
        assert_eq!(
            (left.status.as_u16(), &left.body["textId"]),
            (200, &json!("offline-received")),
            "{}",
            left.body
        );
        assert!(left.body["text"].as_str().unwrap().starts_with("Bedankt voor uw bericht."));
        let nowhere = leave("balie", message).await;
        assert_eq!(refused(&nowhere), (409, "not-supported", &json!("notSupported")));
        let unreachable = leave("publiekszaken", json!({ "name": "Truus", "text": "Bel mij." })).await;
        assert_eq!((unreachable.status.as_u16(), unreachable.problem()), (400, "invalid-request"));
        let unknown = json!({ "name": "T", "email": "t@example.nl", "text": "x" });
        assert_eq!(refused(&leave("nergens", unknown).await), (404, "unknown-queue", &json!("unknownQueue")));
    });
}

#[test]
fn o07_o18_o16_a_visitor_says_ends_and_rates() {
    in_house(async |house| {
        let id = house.chats_with_jansen("publiekszaken").await;
        let message = uuid::Uuid::now_v7();
        let path = format!("/visits/{id}/messages/{message}");
        let said = house.send("PUT", &path, Some(json!({ "text": "Dank u." }))).await;
        assert_eq!(
            (said.status.as_u16(), &said.body["message"]["id"]),
            (200, &json!(message)),
            "{}",
            said.body
        );
        let again = house.send("PUT", &path, Some(json!({ "text": "Dank u." }))).await;
        assert_eq!((again.status, &again.body["message"]), (said.status, &said.body["message"]));
        let other = house.send("PUT", &path, Some(json!({ "text": "Nee." }))).await;
        assert_eq!(refused(&other), (409, "message-conflict", &json!("messageConflict")));
        let control = house.send("PUT", &path, Some(json!({ "text": "a\u{0007}b" }))).await;
        assert_eq!((control.status.as_u16(), control.problem()), (400, "invalid-request"));
        let away = house.post(&format!("/visits/{id}/presence"), Some(json!({ "presence": "away" }))).await;
        assert_eq!(away.status, 200, "{}", away.body);
        assert_eq!(house.get(&format!("/chats/{id}")).await.body["presence"], "away");
        let ended = house.post(&format!("/visits/{id}/end"), None).await;
        assert_eq!(
            (ended.status.as_u16(), &ended.body["visit"]["state"]),
            (200, &json!("ended")),
            "{}",
            ended.body
        );
        assert_eq!(ended.body["visit"]["ended"]["reason"], "visitor");
        let rate = async |body: Value| house.post(&format!("/visits/{id}/rating"), Some(body)).await;
        assert_eq!(rate(json!({ "stars": 1 })).await.status, 400, "one star needs a reason");
        assert_eq!(rate(json!({ "stars": 6 })).await.status, 400);
        let rated = rate(json!({ "stars": 2, "explanation": "Traag." })).await;
        assert_eq!(
            (rated.status.as_u16(), &rated.body["visit"]["stars"]),
            (200, &json!(2)),
            "{}",
            rated.body
        );
        assert_eq!(house.get(&format!("/chats/{id}")).await.body["rating"]["explanation"], "Traag.");
        let late = house.visitor_says_raw(&id, "Nog iets.").await;
        assert_eq!(refused(&late), (409, "invalid-chat-state", &json!("invalidChatState")));
    });
}

impl House {
    async fn visitor_says_raw(&self, chat: &str, text: &str) -> Reply {
        let path = format!("/visits/{chat}/messages/{}", uuid::Uuid::now_v7());
        self.send("PUT", &path, Some(json!({ "text": text }))).await
    }
}

#[test]
fn o11_typing_is_passed_on_and_kept_nowhere() {
    in_house(async |house| {
        let id = house.chats_with_jansen("balie").await;
        let mut agent = Following::of(&house, &format!("/chats/{id}/typing"), None).await;
        let mut visitor = Following::of(&house, &format!("/visits/{id}/events"), None).await;
        visitor.until("event: visit").await;
        agent.until(": schakel").await;
        let before = *house.engine.cursor().borrow();
        let typed = json!({ "typing": true, "text": "Ik ben bo" });
        assert_eq!(house.post(&format!("/visits/{id}/typing"), Some(typed)).await.status, 204);
        let told = agent.until("event: typing").await;
        assert!(told.contains("Ik ben bo") && told.contains("\"typing\":true"), "{told}");
        assert!(!told.contains("id: "), "it cannot be gone on from: {told}");
        let types = json!({ "agent": "jansen", "typing": true });
        assert_eq!(house.post(&format!("/chats/{id}/typing"), Some(types)).await.status, 204);
        let told = visitor.until("event: typing").await;
        assert!(told.contains("Medewerker jansen") && !told.contains("Ik ben bo"), "{told}");
        let stranger = json!({ "agent": "pieters", "typing": true });
        let stranger = house.post(&format!("/chats/{id}/typing"), Some(stranger)).await;
        assert_eq!(refused(&stranger), (409, "not-participant", &json!("notParticipant")));
        assert_eq!(*house.engine.cursor().borrow(), before, "nothing was notified");
        let log = house.get("/audit?pageSize=500").await.body.to_string();
        assert!(!log.contains("\"action\":\"types.agent\"") && !log.contains("Types"), "{log}");
        let journal = std::fs::read(house.store.path()).unwrap();
        let written = std::fs::read(format!("{}-wal", house.store.path().display())).unwrap_or_default();
        for bytes in [journal, written] {
            assert!(!bytes.windows(9).any(|window| window == b"Ik ben bo"));
        }
    });
}

#[test]
fn o11_what_is_in_the_field_is_shown_where_the_queue_allows_it_to_who_may_see_persons() {
    in_house(async |house| {
        let id = house.chats_with_jansen("publiekszaken").await;
        let mut agent = Following::of(&house, &format!("/chats/{id}/typing"), None).await;
        let typed = json!({ "typing": true, "text": "Mijn BSN is" });
        assert_eq!(house.post(&format!("/visits/{id}/typing"), Some(typed)).await.status, 204);
        let told = agent.until("event: typing").await;
        assert!(told.contains("\"typing\":true") && !told.contains("BSN"), "{told}");
    });
}

#[test]
fn o14_a_visitors_stream_goes_on_after_the_last_message_that_came() {
    in_house(async |house| {
        let id = house.chats_with_jansen("publiekszaken").await;
        let path = format!("/visits/{id}/events");
        let mut stream = Following::of(&house, &path, None).await;
        house.agent_says(&id, "jansen", "public", "Eerste antwoord.").await;
        let told = stream.until("Eerste antwoord.").await;
        let last = told.rsplit("id: ").next().unwrap().lines().next().unwrap().to_owned();
        drop(stream);
        house.agent_says(&id, "jansen", "public", "Tweede antwoord.").await;
        let mut stream = Following::of(&house, &path, Some(&last)).await;
        let told = stream.until("Tweede antwoord.").await;
        assert!(!told.contains("Eerste antwoord."), "{told}");
        assert!(told.contains(&format!("id: {}\n", last.parse::<u64>().unwrap() + 1)), "{told}");
        let rest = Following::of(&house, &format!("{path}?after=0"), None).await;
        let end = json!({ "agent": "jansen" });
        assert_eq!(house.post(&format!("/chats/{id}/end"), Some(end)).await.status, 200);
        assert_eq!(house.post(&format!("/chats/{id}/archive"), None).await.status, 200);
        let all = rest.rest().await;
        assert!(all.contains("Eerste antwoord.") && all.contains("Tweede antwoord."), "{all}");
        assert!(all.ends_with("\n\n") && all.contains("\"state\":\"ended\""), "{all}");
        // Also of one that is not in the state any more.
        house.chats(|chats| chats.keep_ended = Millis(0)).await;
        house.engine.advance(Millis::seconds(3600)).await.unwrap();
        let later = Following::of(&house, &path, Some(&last)).await.rest().await;
        assert!(later.contains("Tweede antwoord.") && !later.contains("Eerste antwoord."), "{later}");
    });
}

#[test]
fn o14_a_visitors_stream_ends_with_its_token() {
    in_house(async |mut house| {
        let id = house.chats_with_jansen("publiekszaken").await;
        let admin = std::mem::take(&mut house.token);
        house.token = house.new_token(&[Scope::ChatsVisit], None).await;
        let stream = Following::of(&house, &format!("/visits/{id}/events"), None).await;
        let token = house.token.split('.').next().unwrap().to_owned();
        house.token = admin;
        assert_eq!(house.send("DELETE", &format!("/tokens/{token}"), None).await.status, 204);
        house.agent_says(&id, "jansen", "public", "Bent u er nog?").await;
        assert!(!stream.rest().await.contains("Bent u er nog?"));
    });
}

#[test]
fn w08_a_chat_of_a_provider_is_no_visit() {
    in_house(async |house| {
        house.chatting("jansen").await;
        let event = ConversationEvent::Opened { queue: "balie".into(), visitor: Visitor::default() };
        let event = ChatEvent::Chat { chat: "room@chat.example.nl".into(), event: Box::new(event) };
        let report = EventReport::Chat(Box::new(ChatReport { event: Some(event), read: None }));
        house.input(InputBody::Report { provider: pbx(), report }).await;
        let chats = house.get("/chats").await.body;
        let id = chats["items"][0]["id"].as_str().unwrap();
        for path in
            [format!("/visits/{id}"), format!("/visits/{id}/messages"), format!("/visits/{id}/events")]
        {
            let none = house.get(&path).await;
            assert_eq!(refused(&none), (404, "unknown-chat", &json!("unknownChat")), "{path}");
        }
        for (path, body) in [("end", None), ("typing", Some(json!({ "typing": true })))] {
            let none = house.post(&format!("/visits/{id}/{path}"), body).await;
            assert_eq!(refused(&none), (404, "unknown-chat", &json!("unknownChat")), "{path}");
        }
    });
}
