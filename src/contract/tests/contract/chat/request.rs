//! What is asked about chats: read strictly, refused with everything that is wrong.

use super::world::CHAT;
use schakel_contract::problem::InputError;
use schakel_contract::requests::chat::{
    AgentChatRequest, ByAgentRequest, ChatFieldsRequest, InviteRequest, MessageRequest, RemoveRequest,
};
use schakel_contract::requests::visit::{
    OfflineMessageRequest, RatingRequest, VisitMessageRequest, VisitRequest,
};
use schakel_core::command::Command;
use schakel_core::command::chat::{AnswerBy, ChatChange, ChatCommand};
use schakel_core::model::chat::{Attachment, Audience, Invitee, Speaker};
use schakel_core::model::ids::{FileId, MessageId, OfflineMessageId};
use schakel_core::model::pii::Pii;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

fn read<T: DeserializeOwned>(body: Value) -> T {
    serde_json::from_value(body).unwrap()
}

/// Where something is wrong.
fn places<T: std::fmt::Debug>(outcome: Result<T, Vec<InputError>>) -> Vec<String> {
    let errors = outcome.unwrap_err();
    errors.into_iter().map(|error| error.location.unwrap().pointer.unwrap()).collect()
}

fn change(command: Command) -> ChatChange {
    match command {
        Command::Chat(ChatCommand::Change { change, .. }) => change,
        other => panic!("{other:?}"),
    }
}

fn file(id: FileId) -> Option<Attachment> {
    (id == FileId(7)).then(|| Attachment {
        id,
        name: Pii::new("a.pdf".into()),
        media_type: "application/pdf".into(),
        size: 1,
    })
}

#[test]
fn w09_a_message_has_words_files_or_a_choice() {
    let id = MessageId(1);
    let say = |body: Value| read::<MessageRequest>(body).into_command(CHAT, id, file);
    let known = "00000000-0000-0000-0000-000000000007";
    let said = change(say(json!({"agent":"jansen","audience":"agents","files":[known]})).unwrap());
    let ChatChange::Say { by, audience, content, .. } = said else { panic!("{said:?}") };
    assert_eq!((by, audience), (Speaker::Agent("jansen".into()), Audience::Agents));
    assert_eq!(&**content.files[0].name.expose(), "a.pdf");
    let ChatChange::Say { audience, .. } = change(say(json!({"agent":"jansen","text":"Hoi\n\tu"})).unwrap())
    else {
        panic!("a message")
    };
    assert_eq!(audience, Audience::Public, "unless it is said otherwise");
    assert_eq!(places(say(json!({"agent":"jansen","text":" "}))), ["/text"]);
    assert_eq!(
        places(say(json!({
            "agent": "jansen",
            "audience": "agents",
            "text": "a\u{7}",
            "files": [known, known, "00000000-0000-0000-0000-000000000008"],
            "choice": {"options": [{"id":"ja","text":"Ja"},{"id":"ja","text":""}]},
        }))),
        ["/text", "/files/1", "/files/2", "/choice/options/1/text", "/choice/options/1/id", "/choice"],
        "all errors together"
    );
    assert!(serde_json::from_value::<MessageRequest>(json!({"agent":"j","html":"<b>"})).is_err());
}

#[test]
fn w06_a_visitor_answers_with_an_option() {
    let say = |body: Value| read::<VisitMessageRequest>(body).into_command(CHAT, MessageId(2), |_| None);
    let body = json!({"chosen":{"message":"00000000-0000-0000-0000-000000000001","option":"ja"}});
    let ChatChange::Say { by, audience, content, .. } = change(say(body).unwrap()) else {
        panic!("a message")
    };
    assert_eq!((by, audience), (Speaker::Visitor, Audience::Public));
    assert_eq!(content.chosen, Some((MessageId(1), "ja".into())));
    assert_eq!(places(say(json!({}))), ["/text"]);
    // He can say nothing to agents alone, nor offer a choice.
    for body in [json!({"text":"a","audience":"agents"}), json!({"text":"a","choice":{"options":[]}})] {
        assert!(serde_json::from_value::<VisitMessageRequest>(body).is_err());
    }
}

#[test]
fn w03_what_is_vouched_for_keeps_by_whom() {
    let body = json!({"queue":"burgerzaken","visitor":{"nickname":"Kim","attributes":[
        {"name":"bsn","value":"1","verifiedBy":"digid"},{"name":"wijk","value":"Noord"}]}});
    let Command::Chat(ChatCommand::Open { visitor, .. }) = read::<VisitRequest>(body).into_command().unwrap()
    else {
        panic!("a chat is opened")
    };
    let by: Vec<_> = visitor.attributes.iter().map(|each| each.verified_by.as_deref()).collect();
    assert_eq!(by, [Some("digid"), None]);
    assert_eq!(visitor.address, None, "nobody says of himself where he is reached");
    let twice = json!({"queue":" ","visitor":{"email":"a\nb","attributes":[
        {"name":"a","value":"1"},{"name":"a","value":""}]}});
    let wrong = places(read::<VisitRequest>(twice).into_command());
    let expected = ["/queue", "/visitor/email", "/visitor/attributes/1/value", "/visitor/attributes/1/name"];
    assert_eq!(wrong, expected);
}

#[test]
fn o18_one_or_two_stars_need_an_explanation() {
    let rate = |body: Value| read::<RatingRequest>(body).into_command(CHAT);
    for stars in 1..=2 {
        assert_eq!(places(rate(json!({"stars":stars,"explanation":" "}))), ["/explanation"]);
        assert!(rate(json!({"stars":stars,"explanation":"Te lang gewacht"})).is_ok());
    }
    assert!(rate(json!({"stars":3})).is_ok());
    assert_eq!(places(rate(json!({"stars":0}))), ["/stars", "/explanation"]);
    assert_eq!(places(rate(json!({"stars":6}))), ["/stars"]);
}

#[test]
fn c15_an_offline_message_can_be_answered() {
    let leave = |body: Value, strict| {
        let id = OfflineMessageId(1);
        let command = read::<OfflineMessageRequest>(body).into_command(id, "burgerzaken".into(), strict)?;
        match command {
            Command::Chat(ChatCommand::LeaveMessage(message)) => Ok(*message),
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(places(leave(json!({"name":"Kim","text":"Hoi"}), false)), ["/email"]);
    assert!(leave(json!({"name":"Kim","text":"Hoi"}), true).is_ok(), "the documents' exact form");
    assert_eq!(places(leave(json!({"name":"","text":" "}), true)), ["/name", "/text"]);
    let by = |body: Value| leave(body, false).unwrap().preference;
    assert_eq!(by(json!({"name":"Kim","text":"Hoi","telephone":"020 1234567"})), AnswerBy::Telephone);
    assert_eq!(by(json!({"name":"Kim","text":"Hoi","email":"a@b"})), AnswerBy::Email);
    let called = json!({"name":"Kim","text":"Hoi","email":"a@b","preference":"telephone"});
    assert_eq!(places(leave(called, false)), ["/telephone"]);
    let injected = json!({"name":"Kim\r\nBcc: x","email":"a@b\r\nBcc: y","text":"Hoi"});
    assert_eq!(places(leave(injected, false)), ["/name", "/email"]);
}

#[test]
fn o22_a_transfer_is_an_invitation_after_which_one_leaves() {
    let invite = |body: Value| change(read::<InviteRequest>(body).into_command(CHAT));
    assert_eq!(
        invite(json!({"agent":"jansen","to":{"queue":"belastingen"},"leaveOnJoin":true})),
        ChatChange::Invite {
            by: "jansen".into(),
            whom: Invitee::Queue("belastingen".into()),
            leave_on_join: true
        }
    );
    let agent = invite(json!({"agent":"jansen","to":{"agent":"bakker"}}));
    assert!(matches!(agent, ChatChange::Invite { whom: Invitee::Agent(_), leave_on_join: false, .. }));
}

#[test]
fn o02_who_chats_has_queues_and_a_nickname() {
    let start = |body: Value| read::<AgentChatRequest>(body).into_command("jansen".into());
    assert!(start(json!({"queues":["burgerzaken"],"nickname":"Marieke","chatsMax":2})).is_ok());
    let wrong = start(json!({"queues":[],"nickname":"\u{1}","chatsMax":0}));
    assert_eq!(places(wrong), ["/queues", "/nickname", "/chatsMax"]);
}

#[test]
fn what_an_agent_does_names_him_and_the_chat() {
    let by: ByAgentRequest = read(json!({"agent":"jansen"}));
    for command in [by.join(CHAT), by.leave(CHAT), by.withdraw(CHAT), by.end(CHAT)] {
        let Command::Chat(ChatCommand::Change { chat, .. }) = command else { panic!("{command:?}") };
        assert_eq!(chat, CHAT);
    }
    assert!(read::<RemoveRequest>(json!({"purpose":" "})).into_command(CHAT).is_err(), "a purpose is needed");
    let fields = read::<ChatFieldsRequest>(json!({"subject":"Paspoort","remarks":"a\nb"}));
    let ChatChange::SetFields(fields) = change(fields.into_command(CHAT).unwrap()) else { panic!("fields") };
    assert_eq!((fields.subject.is_some(), fields.email), (true, None));
}
