//! Chats as agents see them: offers, words, who takes part, the end.

use crate::house::{House, Reply, in_house};
use schakel_contract::views::Scope;
use serde_json::{Value, json};

const NO_CHAT: &str = "00000000-0000-7000-8000-000000000000";

fn refused(reply: &Reply) -> (u16, &str, &Value) {
    (reply.status.as_u16(), reply.problem(), &reply.body["cause"])
}

async fn chat(house: &House, id: &str) -> Value {
    house.get(&format!("/chats/{id}")).await.body
}

async fn ask(house: &House, id: &str, what: &str, body: Value) -> Reply {
    house.post(&format!("/chats/{id}/{what}"), Some(body)).await
}

#[test]
fn c01_o02_a_user_comes_into_the_channel_is_kept_there_and_leaves() {
    in_house(async |house| {
        assert_eq!(house.get("/agents/jansen/chat").await.status, 404);
        let beat = house.post("/agents/jansen/chat/heartbeat", None).await;
        assert_eq!(refused(&beat), (409, "not-in-channel", &json!("notInChannel")));
        house.chatting("jansen").await;
        let seen = house.get("/agents/jansen/chat").await;
        assert_eq!(seen.body["nickname"], "Medewerker jansen", "{}", seen.body);
        assert_eq!(seen.body["queues"], json!(["publiekszaken", "balie"]));
        assert_eq!(house.post("/agents/jansen/chat/heartbeat", None).await.status, 204);
        let unknown = json!({ "queues": ["nergens"] });
        let unknown = house.send("PUT", "/agents/jansen/chat", Some(unknown)).await;
        assert_eq!(refused(&unknown), (404, "unknown-queue", &json!("unknownQueue")));
        let left = house.send("DELETE", "/agents/jansen/chat", None).await;
        assert_eq!(left.status, 200, "{}", left.body);
        assert_eq!(house.get("/agents/jansen/chat").await.status, 404);
    });
}

#[test]
fn w02_a_rejected_chat_goes_to_another_at_once_and_an_accepted_one_is_his() {
    in_house(async |house| {
        house.chatting("jansen").await;
        house.chatting("pieters").await;
        let id = house.visits("publiekszaken").await;
        let offer = chat(&house, &id).await["offer"].clone();
        let (first, second) = match offer["agent"].as_str().unwrap() {
            "jansen" => ("jansen", "pieters"),
            _ => ("pieters", "jansen"),
        };
        let path = format!("offers/{}/reject", offer["id"].as_str().unwrap());
        let rejected = ask(&house, &id, &path, json!({ "agent": first })).await;
        assert_eq!(rejected.status, 200, "{}", rejected.body);
        let next = chat(&house, &id).await["offer"].clone();
        assert_eq!(next["agent"], second, "{next}");
        let path = path.replace("reject", "accept");
        let again = ask(&house, &id, &path, json!({ "agent": first })).await;
        assert_eq!(refused(&again), (409, "offer-closed", &json!("offerClosed")));
        let path = format!("offers/{}/accept", next["id"].as_str().unwrap());
        let accepted = ask(&house, &id, &path, json!({ "agent": second })).await;
        assert_eq!((accepted.status.as_u16(), &accepted.body["chat"]["state"]), (200, &json!("active")));
        assert_eq!(accepted.body["chat"]["participants"][0]["role"], "owner");
        let listed = house.get(&format!("/chats?agent={second}&state=active&queue=publiekszaken")).await;
        assert_eq!(listed.body["items"][0]["id"], json!(id), "{}", listed.body);
        assert_eq!(house.get("/chats?state=queued").await.body["items"], json!([]));
    });
}

#[test]
fn o07_words_are_said_once_under_their_id_and_others_under_it_are_refused() {
    in_house(async |house| {
        let id = house.chats_with_jansen("publiekszaken").await;
        let message = uuid::Uuid::now_v7();
        let path = format!("/chats/{id}/messages/{message}");
        let words = json!({ "agent": "jansen", "audience": "public", "text": "Goedemiddag!" });
        let said = house.send("PUT", &path, Some(words.clone())).await;
        assert_eq!(said.status, 200, "{}", said.body);
        assert_eq!(said.body["message"]["id"], json!(message));
        let again = house.send("PUT", &path, Some(words)).await;
        assert_eq!((again.status, &again.body["message"]), (said.status, &said.body["message"]));
        let other = json!({ "agent": "jansen", "audience": "public", "text": "Goedenavond!" });
        let other = house.send("PUT", &path, Some(other)).await;
        assert_eq!(refused(&other), (409, "message-conflict", &json!("messageConflict")));
        let all = house.get(&format!("/chats/{id}/messages")).await.body;
        let said: Vec<_> =
            all["items"].as_array().unwrap().iter().filter(|each| each["text"] == "Goedemiddag!").collect();
        assert_eq!(said.len(), 1, "{all}");
        assert_eq!(said[0]["author"]["agent"], "jansen");
        let after = said[0]["order"].as_u64().unwrap();
        let rest = house.get(&format!("/chats/{id}/messages?after={after}")).await.body;
        assert_eq!(rest["items"], json!([]));
        let page = house.get(&format!("/chats/{id}/messages?pageSize=1")).await.body;
        assert_eq!((page["items"].as_array().unwrap().len(), &page["next"]), (1, &json!("1")));
        let nobody = house
            .send(
                "PUT",
                &format!("/chats/{NO_CHAT}/messages/{message}"),
                Some(json!({
            "agent": "jansen", "audience": "public", "text": "?" })),
            )
            .await;
        assert_eq!(refused(&nobody), (404, "unknown-chat", &json!("unknownChat")));
    });
}

#[test]
fn o14_a_message_is_in_the_journal_when_its_sender_is_answered() {
    in_house(async |house| {
        let id = house.chats_with_jansen("publiekszaken").await;
        let said = house.agent_says(&id, "jansen", "public", "Dat zoek ik op.").await;
        let chat = uuid::Uuid::parse_str(&id).unwrap().as_u128();
        let seq = said.body["message"]["seq"].as_u64().unwrap();
        let page = house.store.public_chats().page(chat, seq - 1, 1).await.unwrap();
        let kept = schakel_engine::decode_public(&page.rows[0].bytes).unwrap();
        assert_eq!(&**kept.content.text.expose(), "Dat zoek ik op.");
    });
}

#[test]
fn w08_words_between_agents_are_seen_by_agents_and_by_nobody_else() {
    in_house(async |house| {
        let id = house.chats_with_jansen("publiekszaken").await;
        let said = house.agent_says(&id, "jansen", "agents", "Hij belt elke week.").await;
        assert_eq!(said.body["message"]["seq"], Value::Null, "{}", said.body);
        let internal = house.get(&format!("/chats/{id}/messages")).await.body.to_string();
        assert!(internal.contains("Hij belt elke week.") && internal.contains("\"audience\":\"agents\""));
        for path in [format!("/visits/{id}"), format!("/visits/{id}/messages")] {
            let seen = house.get(&path).await;
            assert_eq!(seen.status, 200, "{}", seen.body);
            assert!(!seen.body.to_string().contains("elke week"), "{}", seen.body);
        }
    });
}

#[test]
fn w05_w06_canned_texts_are_listed_and_a_choice_is_answered_by_one_of_its_options() {
    in_house(async |house| {
        let all = house.get("/canned-texts").await.body;
        assert_eq!(all["items"].as_array().unwrap().len(), 2, "{all}");
        let some = house.get("/canned-texts?queue=publiekszaken&language=nl").await.body;
        assert_eq!(some["items"].as_array().unwrap().len(), 1, "{some}");
        assert_eq!(some["items"][0]["id"], "groet");
        let id = house.chats_with_jansen("publiekszaken").await;
        let asked = uuid::Uuid::now_v7();
        let body = json!({ "agent": "jansen", "audience": "public", "text": "Waarover gaat het?", "canned": "groet",
            "choice": { "options": [{ "id": "paspoort", "text": "Paspoort" }, { "id": "afval", "text": "Afval" }] } });
        let reply = house.send("PUT", &format!("/chats/{id}/messages/{asked}"), Some(body)).await;
        assert_eq!(reply.status, 200, "{}", reply.body);
        let choose = async |option: &str| {
            let body = json!({ "text": "", "chosen": { "message": asked, "option": option } });
            let path = format!("/visits/{id}/messages/{}", uuid::Uuid::now_v7());
            house.send("PUT", &path, Some(body)).await
        };
        let wrong = choose("rijbewijs").await;
        assert_eq!(refused(&wrong), (422, "invalid-content", &json!("invalidContent")));
        assert_eq!(choose("afval").await.status, 200);
        let said = house.get(&format!("/visits/{id}/messages")).await.body.to_string();
        assert!(said.contains("\"option\":\"afval\"") && said.contains("Paspoort"), "{said}");
    });
}

#[test]
fn w07_o20_o22_an_invited_user_takes_the_chat_over() {
    in_house(async |house| {
        let id = house.chats_with_jansen("publiekszaken").await;
        house.chatting("pieters").await;
        let alone = ask(&house, &id, "leave", json!({ "agent": "jansen" })).await;
        assert_eq!(refused(&alone), (409, "last-agent", &json!("lastAgent")));
        let invite = json!({ "agent": "jansen", "to": { "agent": "pieters" }, "leaveOnJoin": true });
        let invited = ask(&house, &id, "invite", invite.clone()).await;
        assert_eq!(invited.status, 200, "{}", invited.body);
        let second = ask(&house, &id, "invite", invite.clone()).await;
        assert_eq!(refused(&second), (409, "invitation-open", &json!("invitationOpen")));
        assert_eq!(ask(&house, &id, "withdraw", json!({ "agent": "jansen" })).await.status, 200);
        assert_eq!(ask(&house, &id, "invite", invite).await.status, 200);
        let invitation = chat(&house, &id).await["invitation"].clone();
        assert_eq!((&invitation["kind"], &invitation["invitedBy"]), (&json!("guest"), &json!("jansen")));
        let path = format!("offers/{}/accept", invitation["id"].as_str().unwrap());
        let taken = ask(&house, &id, &path, json!({ "agent": "pieters" })).await;
        assert_eq!(taken.status, 200, "{}", taken.body);
        let participants = chat(&house, &id).await["participants"].clone();
        let here: Vec<_> =
            participants.as_array().unwrap().iter().filter(|one| one.get("leftAt").is_none()).collect();
        assert_eq!(here.len(), 1, "{participants}");
        assert_eq!((&here[0]["agent"], &here[0]["role"]), (&json!("pieters"), &json!("owner")));
    });
}

#[test]
fn o09_w10_c06_fields_the_end_and_the_archive() {
    in_house(async |house| {
        let id = house.chats_with_jansen("publiekszaken").await;
        let fields = json!({ "subject": "Paspoort", "category": "burgerzaken", "remarks": "Kent de weg.",
            "email": "truus@example.nl" });
        let path = format!("/chats/{id}/fields");
        let set = house.send("PUT", &path, Some(fields.clone())).await;
        assert_eq!((set.status.as_u16(), &set.body["chat"]["fields"]), (200, &fields), "{}", set.body);
        let version = house.get(&format!("/chats/{id}")).await.header("etag").to_owned();
        let early = house.post(&format!("/chats/{id}/archive"), None).await;
        assert_eq!(refused(&early), (409, "invalid-chat-state", &json!("invalidChatState")));
        let ended = ask(&house, &id, "end", json!({ "agent": "jansen" })).await;
        assert_eq!(
            (ended.status.as_u16(), &ended.body["chat"]["state"]),
            (200, &json!("wrapping")),
            "{}",
            ended.body
        );
        assert_eq!(house.get("/chats?open=true").await.body["items"][0]["id"], json!(id));
        assert_eq!(house.get("/chats?open=false").await.body["items"], json!([]));
        let stale = house.ask("PUT", &path, Some(fields), &[("if-match", &version)]).await;
        assert_eq!(stale.status, 412, "{}", stale.body);
        let key = [("idempotency-key", "archive-1")];
        let archive = format!("/chats/{id}/archive");
        let archived = house.ask("POST", &archive, None, &key).await;
        assert_eq!((archived.status.as_u16(), &archived.body["chat"]["state"]), (200, &json!("archived")));
        let again = house.ask("POST", &archive, None, &key).await;
        assert_eq!((again.status, &again.body), (archived.status, &archived.body));
    });
}

#[test]
fn o24_c06_a_chat_that_is_over_is_read_from_its_record() {
    in_house(async |house| {
        house.chats(|chats| chats.keep_ended = schakel_core::model::time::Millis(0)).await;
        let id = house.chats_with_jansen("publiekszaken").await;
        house.agent_says(&id, "jansen", "agents", "Alleen voor ons.").await;
        ask(&house, &id, "end", json!({ "agent": "jansen" })).await;
        assert_eq!(house.post(&format!("/chats/{id}/archive"), None).await.status, 200);
        house.engine.advance(schakel_core::model::time::Millis::seconds(1)).await.unwrap();
        let listed = house.get("/chats").await.body;
        assert_eq!(listed["items"], json!([]), "it is forgotten: {listed}");
        let record = chat(&house, &id).await;
        assert_eq!(
            (&record["state"], &record["ended"]["by"]),
            (&json!("archived"), &json!("jansen")),
            "{record}"
        );
        let words = house.get(&format!("/chats/{id}/messages")).await.body.to_string();
        assert!(words.contains("Alleen voor ons."), "{words}");
        assert_eq!(house.get(&format!("/visits/{id}/messages")).await.status, 200);
        let none = house.get(&format!("/chats/{NO_CHAT}")).await;
        assert_eq!(refused(&none), (404, "unknown-chat", &json!("unknownChat")));
    });
}

#[test]
fn o19_a_removed_chat_is_seen_by_who_manages_chats() {
    in_house(async |house| {
        let id = house.chats_with_jansen("publiekszaken").await;
        ask(&house, &id, "end", json!({ "agent": "jansen" })).await;
        let scopes = [Scope::ChatsRead, Scope::ChatsControl];
        let bearer = format!("Bearer {}", house.new_token(&scopes, None).await);
        let reader = [("authorization", bearer.as_str())];
        let path = format!("/chats/{id}/remove");
        let purpose = json!({ "purpose": "Dubbel." });
        let denied = house.ask("POST", &path, Some(purpose.clone()), &reader).await;
        assert_eq!((denied.status.as_u16(), denied.problem()), (403, "forbidden"));
        let removed = house.post(&path, Some(purpose)).await;
        assert_eq!((removed.status.as_u16(), &removed.body["chat"]["state"]), (200, &json!("removed")));
        for path in
            [format!("/chats/{id}"), format!("/chats/{id}/messages"), format!("/chats/{id}/transcript")]
        {
            let reply = house.ask("GET", &path, None, &reader).await;
            assert_eq!((reply.status.as_u16(), reply.problem()), (403, "forbidden"), "{path}");
            assert_eq!(house.get(&path).await.status, 200, "{path}");
        }
        assert_eq!(house.ask("GET", "/chats", None, &reader).await.body["items"], json!([]));
        assert_eq!(house.get(&format!("/visits/{id}")).await.status, 404);
    });
}

#[test]
fn o23_who_watches_says_why_may_do_so_and_is_on_the_audit_log() {
    in_house(async |house| {
        let id = house.chats_with_jansen("publiekszaken").await;
        let bearer = format!("Bearer {}", house.new_token(&[Scope::ChatsControl], None).await);
        let body = json!({ "agent": "pieters", "purpose": "Inwerken" });
        let path = format!("/chats/{id}/observe");
        let denied = house.ask("POST", &path, Some(body.clone()), &[("authorization", &bearer)]).await;
        assert_eq!((denied.status.as_u16(), denied.problem()), (403, "forbidden"));
        assert_eq!(
            ask(&house, &id, "observe", json!({ "agent": "pieters" })).await.status,
            400,
            "no purpose"
        );
        let watched = house.post(&path, Some(body)).await;
        assert_eq!(watched.status, 200, "{}", watched.body);
        let seen = house.get(&format!("/visits/{id}")).await.body;
        assert_eq!(seen["agents"].as_array().unwrap().len(), 1, "{seen}");
        house.get(&format!("/chats/{id}/transcript?audience=internal")).await;
        let log = loop {
            let log = house.get("/audit?pageSize=200").await.body.to_string();
            if log.contains("chat.read-internal") {
                break log;
            }
        };
        assert!(log.contains("observe") && log.contains(&format!("chats/{id}")), "{log}");
    });
}

#[test]
fn o07_who_sees_chats_reads_the_outcome_of_commands_about_chats_and_of_no_others() {
    in_house(async |house| {
        let bearer = format!("Bearer {}", house.new_token(&[Scope::ChatsRead], None).await);
        let reader = [("authorization", bearer.as_str())];
        let chats = json!({ "queues": ["balie"] });
        let later = house.send("PUT", "/agents/jansen/chat?wait=0", Some(chats)).await;
        let id = later.body["command"]["id"].as_str().unwrap().to_owned();
        let outcome = house.ask("GET", &format!("/commands/{id}"), None, &reader).await;
        assert_eq!(
            (outcome.status.as_u16(), &outcome.body["command"]["id"]),
            (200, &json!(id)),
            "{}",
            outcome.body
        );
        let call = house.speaks().await;
        let held = house.post(&format!("/calls/{call}/connections/2001/hold"), None).await;
        let held = held.body["command"]["id"].as_str().unwrap().to_owned();
        let closed = house.ask("GET", &format!("/commands/{held}"), None, &reader).await;
        assert_eq!((closed.status.as_u16(), closed.problem()), (404, "not-found"));
        assert_eq!(house.get(&format!("/commands/{held}")).await.status, 200);
    });
}

#[test]
fn o25_the_overview_counts_places_and_unanswered_chats() {
    in_house(async |house| {
        let none = house.get("/chat-overview").await.body;
        assert_eq!((&none["maximum"], &none["running"]), (&json!(0), &json!(0)), "{none}");
        let id = house.chats_with_jansen("publiekszaken").await;
        house.visitor_says(&id, "Bent u daar?").await;
        let seen = house.get("/chat-overview").await.body;
        for (field, expected) in
            [("maximum", 3), ("running", 1), ("left", 2), ("unanswered", 1), ("waiting", 0)]
        {
            assert_eq!(seen[field], expected, "{field}: {seen}");
        }
        assert_eq!(seen["agents"][0]["agent"], "jansen");
        let queues = house.get("/chat-queues").await.body;
        assert_eq!(queues["items"][0]["running"], 1, "{queues}");
        assert_eq!(queues["items"].as_array().unwrap().len(), 2);
    });
}

#[test]
fn o08_an_agent_s_token_acts_as_that_agent_only() {
    in_house(async |house| {
        let id = house.chats_with_jansen("publiekszaken").await;
        let scopes = [Scope::ChatsControl, Scope::ChatsManage];
        let bearer = format!("Bearer {}", house.new_token(&scopes, Some("pieters")).await);
        let as_pieters = [("authorization", bearer.as_str())];
        let jansen = json!({ "agent": "jansen" });
        let offer = format!("offers/{NO_CHAT}/accept");
        let message = format!("messages/{NO_CHAT}");
        for (method, what, body) in [
            ("POST", offer.as_str(), jansen.clone()),
            ("POST", "join", jansen.clone()),
            ("POST", "leave", jansen.clone()),
            ("POST", "end", jansen.clone()),
            ("POST", "withdraw", jansen.clone()),
            ("POST", "observe", json!({ "agent": "jansen", "purpose": "x" })),
            ("POST", "invite", json!({ "agent": "jansen", "to": { "queue": "balie" } })),
            ("POST", "typing", json!({ "agent": "jansen", "typing": true })),
            ("PUT", message.as_str(), json!({ "agent": "jansen", "audience": "public", "text": "x" })),
            ("PUT", "fields", json!({ "subject": "x" })),
            ("POST", "archive", Value::Null),
        ] {
            let body = Some(body).filter(|body| !body.is_null());
            let reply = house.ask(method, &format!("/chats/{id}/{what}"), body, &as_pieters).await;
            assert_eq!((reply.status.as_u16(), reply.problem()), (403, "forbidden"), "{what}");
        }
        let chat =
            house.ask("PUT", "/agents/jansen/chat", Some(json!({ "queues": ["balie"] })), &as_pieters).await;
        assert_eq!(chat.status, 403);
        house.chatting("pieters").await;
        let join = format!("/chats/{id}/join");
        let own = house.ask("POST", &join, Some(json!({ "agent": "pieters" })), &as_pieters).await;
        assert_eq!(own.status, 200);
    });
}

#[test]
fn avg_17_an_erased_customers_chat_has_no_words_and_no_files() {
    in_house(async |house| {
        let id = house.chats_with_jansen("balie").await;
        let keyed = [("idempotency-key", "words")];
        let say = format!("/visits/{id}/messages/{}", uuid::Uuid::now_v7());
        let said = house.ask("PUT", &say, Some(json!({ "text": "Mijn geheim is blauw." })), &keyed).await;
        assert_eq!(said.status, 200, "{}", said.body);
        house.agent_says(&id, "jansen", "agents", "Hij houdt van blauw geheim.").await;
        let upload = http::Request::post(format!("/v1/chats/{id}/files"))
            .header("authorization", format!("Bearer {}", house.token))
            .body(axum::body::Body::from("Een brief over blauw."))
            .unwrap();
        assert_eq!(house.raw(upload).await.status, 201);
        let contact = chat(&house, &id).await["contact"].clone();
        assert_eq!(ask(&house, &id, "end", json!({ "agent": "jansen" })).await.status, 200);
        let session = json!({ "agent": "jansen", "contact": contact, "reference": "K-10042" });
        let session = house.post("/sessions", Some(session)).await.body["session"]["id"].clone();
        let close = format!("/sessions/{}/close", session.as_str().unwrap());
        assert_eq!(house.post(&close, None).await.status, 200);
        assert!(house.occurrences("blauw") > 0);
        let erased = house.post("/erasures", Some(json!({ "reference": "K-10042" }))).await;
        assert_eq!((erased.status.as_u16(), &erased.body["files"]), (200, &json!(1)), "{}", erased.body);
        assert!(erased.body["messages"].as_u64().unwrap() >= 3, "{}", erased.body);
        for personal in ["blauw", "Truus de Vries"] {
            assert_eq!(house.occurrences(personal), 0, "{personal} is in a file");
        }
        let left = house.get(&format!("/chats/{id}/messages")).await.body.to_string();
        assert!(left.contains("\"audience\":\"agents\"") && !left.contains("blauw"), "{left}");
        let again = house.ask("PUT", &say, Some(json!({ "text": "Mijn geheim is blauw." })), &keyed).await;
        assert!(!again.body.to_string().contains("Truus"), "{}", again.body);
    });
}
