//! Numbers and names are shown to who has the scope `persons:read`, and to nobody else.

use crate::house::{House, in_house};
use axum::body::Body;
use http::Request;
use http_body_util::BodyExt as _;
use schakel_contract::event::Event;
use schakel_contract::reply::CommandReply;
use schakel_contract::views::{CallView, ContactDetailView, Scope, SnapshotView, TimelineView};
use serde::de::DeserializeOwned;
use serde_json::{Map, Value, json};
use std::collections::BTreeSet;

/// The caller's.
const NUMBER: &str = "0201234567";

/// Text that is nobody's number or name. A new property that is text is marked `x-personal`, or is told here why not.
const NOBODY: &[(&str, &[&str])] = &[
    (
        "ids that JKC, schakel or the operator gave",
        &[
            "Agent.id",
            "Call.provider",
            "Contact.reference",
            "DirectoryEntry.id",
            "Match.of",
            "Match.reference",
            "CustomerNumber.representativeOf",
            "Provider.id",
            "RecognisedCustomer.reference",
            "Session.reference",
            "Subscription.kinds",
            "Token.id",
            "Token.name",
            "AuditActor.token",
            "AuditActor.name",
            "AuditRow.object",
            "AuditRow.action",
            "AuditRow.result",
            "AuditRow.from",
            "Actor.token",
            "Device.provider",
            "Origin.provider",
            "Origin.providerCall",
            "OpeningHours.name",
            "QueueSummary.provider",
            "Registration.provider",
            "Route.provider",
            "ReportRow.key",
            "Presence.provider",
            "ReportedContact.contact",
        ],
    ),
    (
        "agents, by JKC's id of the user",
        &[
            "Actor.agent",
            "AuditActor.agent",
            "Command.agent",
            "Connection.agent",
            "Device.agent",
            "DirectoryEntry.agent",
            "DirectoryHit.agent",
            "QueueAgent.agent",
            "Registration.agentId",
            "ReportedContact.agents",
            "Session.agent",
            "Token.agent",
        ],
    ),
    (
        "devices of ours: a place, not a person",
        &[
            "Call.queue",
            "Command.device",
            "Device.device",
            "DirectoryEntry.queue",
            "Origin.monitor",
            "Presence.device",
            "QueueSummary.device",
            "QueueSummary.name",
            "Registration.device",
            "Registration.queues",
            "ReportedContact.queue",
            "Route.device",
            "Transfer.device",
        ],
    ),
    (
        "departments of the organisation",
        &[
            "DirectoryEntry.department",
            "ReportDepartment.department",
            "DepartmentTransfers.department",
            "Situation.department",
            "Transfer.department",
        ],
    ),
    (
        "words of the contract, of ECMA-323, of a telephone system about itself, of a receiver about a delivery",
        &[
            "Attempt.error",
            "AvailabilityReason.code",
            "AvailabilityReason.en",
            "AvailabilityReason.nl",
            "Capabilities.product",
            "Command.kind",
            "Connection.cause",
            "Counter.name",
            "DeadLetter.change",
            "DeadLetter.reason",
            "Delivery.change",
            "Delivery.reason",
            "Ended.cause",
            "EventData.cause",
            "EventData.change",
            "Mail.reason",
            "Monitor.reason",
            "Origin.cause",
            "Origin.event",
            "Origin.kind",
            "Provider.reason",
            "ProviderAgentState.reason",
            "Readiness.reason",
            "Reason.en",
            "Reason.nl",
            "Refusal.detail",
            "RefusedMessage.reason",
            "Route.error",
            "Subscription.reason",
            "Transfer.cause",
            "ReportPeriod.timeZone",
            "ReportedContact.countedAs",
        ],
    ),
    (
        "envelopes, cursors and paths",
        &[
            "Attempt.sequence",
            "CloudEvent.datacontenttype",
            "CloudEvent.partitionkey",
            "CloudEvent.source",
            "CloudEvent.subject",
            "CloudEvent.traceparent",
            "CloudEvent.type",
            "CommandLinks.call",
            "CommandLinks.chat",
            "CommandLinks.route",
            "CommandLinks.self",
            "CommandLinks.session",
            "CommandLinks.transfer",
            "DeadLetter.sequence",
            "Deliveries.next",
            "Delivery.sequence",
            "Gap.after",
            "Gap.resumesAt",
            "Gap.snapshot",
            "Snapshot.cursor",
            "Timeline.next",
        ],
    ),
    (
        "agents, and what visitors see them called",
        &[
            "AgentChat.nickname",
            "AgentChats.agent",
            "AgentChats.nickname",
            "Author.agent",
            "Author.nickname",
            "ChatEnded.by",
            "ChatOffer.agent",
            "ChatOffer.invitedBy",
            "ChatParticipant.agent",
            "ChatParticipant.nickname",
            "ChatQueue.agents",
            "Invitee.agent",
            "VisitAgent.nickname",
            "VisitAuthor.nickname",
            "VisitTyping.nickname",
        ],
    ),
    (
        "names that the operator gave in the configuration, or JKC to its own things",
        &[
            "AgentChat.queues",
            "CannedText.id",
            "CannedText.language",
            "CannedText.queues",
            "CannedText.title",
            "Chat.provider",
            "Chat.queue",
            "ChatAvailability.name",
            "ChatAvailability.queue",
            "ChatFields.category",
            "ChatQueue.id",
            "ChatQueue.name",
            "ChoiceOption.id",
            "Chosen.option",
            "Invitee.queue",
            "Mail.queue",
            "MessageContent.canned",
            "OfflineMessage.queue",
            "Visit.queue",
            "Visit.queueName",
            "VisitorAttribute.name",
            "VisitorAttribute.verifiedBy",
        ],
    ),
    (
        "the words of the organisation to its visitors",
        &[
            "CannedText.text",
            "ChatAvailability.previewNotice",
            "ChatAvailability.text",
            "ChatQueueFact.en",
            "ChatQueueFact.nl",
            "ChatReason.en",
            "ChatReason.nl",
            "Visit.previewNotice",
            "Visit.text",
            "VisitReply.text",
        ],
    ),
    (
        "kinds and languages of chats",
        &["Attachment.mediaType", "OfflineMessage.language", "Visitor.language"],
    ),
    ("secrets, shown once to who made them", &["CreatedSubscription.secret", "CreatedToken.secret"]),
];

fn document() -> Value {
    serde_json::from_str(&schakel_api::openapi_json()).unwrap()
}

/// The schemas that successful responses and notifications are made of.
fn shown(document: &Value) -> BTreeSet<String> {
    fn follow(document: &Value, value: &Value, found: &mut BTreeSet<String>) {
        match value {
            Value::Object(keywords) => {
                let name = keywords.get("$ref").and_then(Value::as_str);
                if let Some(name) = name.and_then(|name| name.strip_prefix("#/components/schemas/"))
                    && found.insert(name.to_owned())
                {
                    follow(document, &document["components"]["schemas"][name], found);
                }
                keywords.values().for_each(|each| follow(document, each, found));
            }
            Value::Array(items) => items.iter().for_each(|each| follow(document, each, found)),
            _ => {}
        }
    }
    let mut found = BTreeSet::new();
    for operation in
        document["paths"].as_object().unwrap().values().flat_map(|path| path.as_object().unwrap())
    {
        for (status, response) in operation.1["responses"].as_object().unwrap() {
            if status.starts_with('2') {
                follow(document, response, &mut found);
            }
        }
    }
    follow(document, &json!({ "$ref": "#/components/schemas/CloudEvent" }), &mut found);
    found
}

/// The properties that are any text, by name, with whether they are marked: themselves, or as what they are.
fn texts(document: &Value, name: &str, schema: &Value, found: &mut Vec<(String, bool)>) {
    let resolve = |schema: &Value| -> Value {
        let name = schema["$ref"].as_str().and_then(|path| path.rsplit('/').next());
        name.map_or(schema.clone(), |name| document["components"]["schemas"][name].clone())
    };
    for (property, each) in schema["properties"].as_object().unwrap_or(&Map::new()) {
        let of = resolve(if each["type"] == "array" { &each["items"] } else { each });
        let marked = [each, &of].iter().any(|each| each.get("x-personal").is_some_and(|mark| *mark != false));
        let is_text =
            of["type"] == "string" || of["type"].as_array().is_some_and(|all| all.contains(&json!("string")));
        let is_bound = ["enum", "format", "pattern"].iter().any(|keyword| of.get(*keyword).is_some());
        if marked || is_text && !is_bound {
            found.push((format!("{name}.{property}"), marked));
        }
    }
    for keyword in ["allOf", "oneOf", "anyOf"] {
        schema[keyword].as_array().into_iter().flatten().for_each(|each| texts(document, name, each, found));
    }
}

#[test]
fn avg_each_text_that_is_shown_is_marked_or_is_nobodys() {
    let document = document();
    let mut found = Vec::new();
    for name in shown(&document) {
        texts(&document, &name, &document["components"]["schemas"][&name], &mut found);
    }
    let nobody: BTreeSet<&str> = NOBODY.iter().flat_map(|(_, all)| all.iter().copied()).collect();
    let forgotten: Vec<_> =
        found.iter().filter(|(name, marked)| !marked && !nobody.contains(name.as_str())).collect();
    assert!(
        forgotten.is_empty(),
        "mark these in the contract with extensions((\"x-personal\" = json!(true))), or say above why they are \
         nobody's: {forgotten:?}"
    );
    let both: Vec<_> =
        found.iter().filter(|(name, marked)| *marked && nobody.contains(name.as_str())).collect();
    assert!(both.is_empty(), "{both:?}");
    for name in
        ["Party.number", "Party.e164", "Party.name", "Connection.device", "Transfer.to", "Device.name"]
    {
        assert!(found.contains(&(name.to_owned(), true)), "{name} is not marked");
    }
}

#[test]
fn avg_each_schema_with_something_personal_says_how_it_looks_without() {
    let document = document();
    for (name, schema) in document["components"]["schemas"].as_object().unwrap() {
        let mut found = Vec::new();
        texts(&document, name, schema, &mut found);
        if found.iter().any(|(_, marked)| *marked) {
            let text = schema.to_string();
            assert!(text.contains("\"withheld\":{"), "{name} does not tell that something may be withheld");
        }
    }
}

async fn text_of(house: &House, token: &str, method: &str, path: &str) -> (u16, String) {
    let bearer = format!("Bearer {token}");
    let reply = house.ask(method, path, None, &[("authorization", &bearer)]).await;
    (reply.status.as_u16(), reply.body.to_string())
}

/// It is still what the contract says it is.
fn is<T: DeserializeOwned>(text: &str) {
    let read = serde_json::from_str::<T>(text);
    assert!(read.is_ok(), "{:?}: {text}", read.err());
}

#[test]
fn avg_numbers_are_shown_by_scope_wherever_a_call_is_seen() {
    in_house(async |house| {
        let scopes = [
            Scope::CallsRead,
            Scope::CallsControl,
            Scope::AgentsRead,
            Scope::EventsRead,
            Scope::ProvidersManage,
        ];
        let without = house.new_token(&scopes, None).await;
        let with = house.new_token(&[&scopes[..], &[Scope::PersonsRead]].concat(), None).await;
        let call = house.rings().await;
        let (_, text) = text_of(&house, &with, "GET", &format!("/calls/{call}")).await;
        let contact = serde_json::from_str::<Value>(&text).unwrap()["contact"].as_str().unwrap().to_owned();
        for (method, path, check) in [
            (
                "POST",
                format!("/calls/{call}/connections/2001/answer"),
                is::<CommandReply<'static>> as fn(&str),
            ),
            ("GET", "/calls".to_owned(), |_| {}),
            ("GET", format!("/calls/{call}"), is::<CallView<'static>>),
            ("GET", format!("/contacts/{contact}"), is::<ContactDetailView<'static>>),
            ("GET", format!("/contacts/{contact}/timeline"), is::<TimelineView>),
            ("GET", "/snapshot".to_owned(), is::<SnapshotView<'static>>),
            ("GET", "/events".to_owned(), |_| {}),
            ("GET", "/agents/jansen/state".to_owned(), |_| {}),
            ("GET", "/agents/jansen/calls".to_owned(), |_| {}),
        ] {
            if method == "GET" {
                let (status, text) = text_of(&house, &with, method, &path).await;
                if status == 404 || status == 405 {
                    continue;
                }
                assert_eq!(status, 200, "{path}: {text}");
                assert!(text.contains(NUMBER), "{path}");
                assert!(!text.contains("withheld"), "{path}");
            }
            let (status, text) = text_of(&house, &without, method, &path).await;
            assert_eq!(status, 200, "{path}: {text}");
            assert!(!text.contains(NUMBER), "{path}: {text}");
            assert!(text.contains("\"withheld\":true"), "{path}");
            // What is not personal is there.
            assert!(text.contains("2001") && text.contains(&call), "{path}");
            check(&text);
        }
        let (_, text) = text_of(&house, &without, "GET", "/providers/pbx/observations").await;
        assert!(text.contains("no end of <a>") && text.contains("\"text\":\"\""), "{text}");
    });
}

#[test]
fn avg_a_gone_contact_and_an_idempotent_reply_are_withheld_too() {
    in_house(async |house| {
        let scopes = [Scope::CallsRead, Scope::CallsControl];
        let bearer = format!("Bearer {}", house.new_token(&scopes, None).await);
        let call = house.speaks().await;
        let keyed = [("authorization", bearer.as_str()), ("idempotency-key", "once")];
        let path = format!("/calls/{call}/connections/2001/hang-up");
        let first = house.ask("POST", &path, None, &keyed).await;
        assert_eq!(first.status, 200, "{}", first.body);
        let again = house.ask("POST", &path, None, &keyed).await;
        assert_eq!((again.status, &again.body), (first.status, &first.body));
        assert!(!first.body.to_string().contains(NUMBER));
        house.forget_at_once().await;
        let contact = first.body["call"]["contact"].as_str().unwrap();
        let gone = house.ask("GET", &format!("/contacts/{contact}"), None, &keyed[..1]).await;
        assert_eq!(gone.status, 200, "{}", gone.body);
        assert!(!gone.body.to_string().contains(NUMBER) && gone.body.to_string().contains("withheld"));
    });
}

#[test]
fn avg_a_stream_is_without_numbers_for_who_may_not_see_them() {
    in_house(async |house| {
        for (more, shown) in [(&[][..], false), (&[Scope::PersonsRead][..], true)] {
            let token = house.new_token(&[&[Scope::EventsRead], more].concat(), None).await;
            let request = Request::get("/v1/events?after=0")
                .header("authorization", format!("Bearer {token}"))
                .header("accept", "text/event-stream");
            let response =
                tower::ServiceExt::oneshot(house.router.clone(), request.body(Body::empty()).unwrap());
            let mut body = response.await.unwrap().into_body();
            house.rings().await;
            let mut text = String::new();
            while !text.contains("nl.schakel.call.ringing.v1\ndata: ") || !text.ends_with("\n\n") {
                let frame = body.frame().await.unwrap().unwrap().into_data().unwrap();
                text.push_str(std::str::from_utf8(&frame).unwrap());
            }
            assert_eq!(text.contains(NUMBER), shown, "{text}");
            for data in text.lines().filter_map(|line| line.strip_prefix("data: ")) {
                is::<Event>(data);
            }
        }
    });
}

#[test]
fn avg_nobody_subscribes_others_to_more_than_he_sees_himself() {
    in_house(async |house| {
        let token = house.new_token(&[Scope::WebhooksManage], None).await;
        let bearer = format!("Bearer {token}");
        let ask = async |method: &str, path: &str, persons: Option<bool>| {
            let mut body = json!({ "url": "https://jkc.example.nl/x" });
            if let Some(persons) = persons {
                body["persons"] = persons.into();
            }
            house.ask(method, path, Some(body), &[("authorization", &bearer)]).await
        };
        for persons in [None, Some(true)] {
            let refused = ask("POST", "/webhooks", persons).await;
            assert_eq!((refused.status.as_u16(), refused.problem()), (403, "forbidden"));
            assert!(refused.body["detail"].as_str().unwrap().contains("persons"), "{}", refused.body);
        }
        let made = ask("POST", "/webhooks", Some(false)).await;
        assert_eq!((made.status.as_u16(), &made.body["persons"]), (201, &json!(false)), "{}", made.body);
        let path = format!("/webhooks/{}", made.body["id"].as_str().unwrap());
        assert_eq!(ask("PUT", &path, Some(true)).await.status, 403);
        assert_eq!(ask("PUT", &path, Some(false)).await.status, 200);
        let all = house.put_webhook(&path).await;
        assert_eq!(
            (all.status.as_u16(), &all.body["persons"]),
            (200, &json!(true)),
            "the default, for who may"
        );
    });
}

impl House {
    async fn put_webhook(&self, path: &str) -> crate::house::Reply {
        self.send("PUT", path, Some(json!({ "url": "https://jkc.example.nl/x" }))).await
    }
}
