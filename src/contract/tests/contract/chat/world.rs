//! A small world of chats: two agents in the channel, one who watches, a chat that goes on, and what was said in it.

use crate::world::{AT, CONTACT};
use schakel_core::command::chat::{AnswerBy, ChatCommand, OfflineMessage};
use schakel_core::command::{Actor, Command, CommandOutcome, CommandRecord, CommandState};
use schakel_core::model::agent::{Agent, Readiness};
use schakel_core::model::availability::{Availability, AvailabilityState, Because, Claim, Claimant};
use schakel_core::model::chat::{
    Attachment, Attribute, Author, Chat, ChatState, Choice, Content, Delivery, Fields, Invitee, MessageRef,
    NotForVisitors, Offer, OfferFor, OfferState, Participant, Presence, PrivateMessage, PublicMessage, Role,
    Visitor, Way,
};
use schakel_core::model::chat_service::{ChatService, Show, Shown};
use schakel_core::model::ids::{
    ChatId, ChatServiceId, CommandId, FileId, MessageId, OfferId, OfflineMessageId,
};
use schakel_core::model::pii::Pii;
use schakel_core::model::time::Time;
use schakel_core::settings::{CannedText, QueueSettings, TextId};
use schakel_core::state::State;

pub const CHAT: ChatId = ChatId(0x0190_0000_0000_7000_8000_0000_0000_0011);
pub const INVITATION: OfferId = OfferId(0x0190_0000_0000_7000_8000_0000_0000_0012);
pub const QUESTION: MessageId = MessageId(0x0190_0000_0000_7000_8000_0000_0000_0013);
pub const ANSWER: MessageId = MessageId(0x0190_0000_0000_7000_8000_0000_0000_0014);
pub const PRIVATE: MessageId = MessageId(0x0190_0000_0000_7000_8000_0000_0000_0015);
pub const OFFLINE: OfflineMessageId = OfflineMessageId(0x0190_0000_0000_7000_8000_0000_0000_0016);
pub const LEFT: CommandId = CommandId(0x0190_0000_0000_7000_8000_0000_0000_0017);

pub fn state() -> State {
    let mut state = crate::world::state();
    let mut queue = QueueSettings::named("burgerzaken");
    (queue.name, queue.offline) = ("Burgerzaken".into(), true);
    state.settings.chat.queues.push(queue);
    state.settings.chat.canned.push(CannedText {
        id: "groet".into(),
        language: "nl".into(),
        title: "Groet".into(),
        text: "Goedemiddag".into(),
        at_once: false,
        queues: vec!["burgerzaken".into()],
    });
    state.contacts.get_mut(&CONTACT).unwrap().chats.push(CHAT);
    state.chats.insert(CHAT, chat());
    for (id, nickname) in [("jansen", "Marieke"), ("bakker", "Bram"), ("visser", "Meekijker")] {
        let known = state.agents.entry(id.into()).or_insert_with(|| agent(id));
        known.chat = Some(service(nickname));
    }
    for id in ["jansen", "bakker"] {
        state.of_agent.entry(id.into()).or_default().chats.insert(CHAT);
    }
    state.commands.insert(LEFT, left());
    state
}

pub fn chat() -> Chat {
    let participant = |agent: &str, nickname: &str, role| Participant {
        agent: agent.into(),
        nickname: nickname.into(),
        role,
        joined: AT,
        left: None,
    };
    let invitation = Offer {
        id: INVITATION,
        agent: "smit".into(),
        what: OfferFor::Guest {
            by: "jansen".into(),
            whom: Invitee::Queue("burgerzaken".into()),
            leave_on_join: true,
        },
        offered: AT,
        deadline: Time(AT.0 + 30_000),
        state: OfferState::Pending,
        closed: None,
    };
    Chat {
        id: CHAT,
        contact: CONTACT,
        way: Way::Provider("xmpp".into(), "secret-conversation".into()),
        queue: "burgerzaken".into(),
        visitor: visitor(),
        presence: Presence::There,
        presence_since: AT,
        state: ChatState::Active,
        since: AT,
        opened: AT,
        queued: Some(AT),
        answered: Some(AT),
        offer: None,
        invitation: Some(INVITATION),
        offers: [invitation].into(),
        tried: Vec::new(),
        participants: vec![
            participant("jansen", "Marieke", Role::Owner),
            participant("bakker", "Bram", Role::Guest),
            participant("visser", "Meekijker", Role::Observer("klacht 12".into())),
        ],
        messages: vec![
            kept(QUESTION, 1, Some(1), Author::Visitor, Delivery::None),
            kept(PRIVATE, 2, None, Author::Agent("bakker".into()), Delivery::None),
            kept(ANSWER, 3, Some(2), Author::Agent("jansen".into()), Delivery::Delivered),
        ],
        public_seq: 2,
        outgoing: Default::default(),
        unanswered_since: None,
        last_word: AT,
        warned: false,
        recent: Default::default(),
        refused: None,
        shown: Some(TextId::Busy),
        fields: Fields {
            subject: Some(Pii::new("Paspoort".into())),
            category: Some("reisdocumenten".into()),
            remarks: Some(Pii::new("Belt morgen".into())),
            email: None,
        },
        ended: None,
        closing: false,
        rating: None,
        session: None,
        version: 9,
    }
}

pub fn question() -> PublicMessage {
    said(QUESTION, 1, 1, Author::Visitor, Content::text("Waar vind ik u?"))
}

pub fn answer() -> PublicMessage {
    let content = Content {
        files: vec![Attachment {
            id: FileId(7),
            name: Pii::new("route.pdf".into()),
            media_type: "application/pdf".into(),
            size: 1_234,
        }],
        choice: Some(Choice { options: vec![("ja".into(), Pii::new("Ja, graag".into()))] }),
        canned: Some("groet".into()),
        ..Content::text("Op het stadhuis")
    };
    said(ANSWER, 3, 2, Author::Agent("jansen".into()), content)
}

pub fn private() -> PrivateMessage {
    PrivateMessage {
        id: PRIVATE,
        chat: CHAT,
        order: 2,
        at: AT,
        author: "bakker".into(),
        words: NotForVisitors::new(Content::text("Dit is een lastige")),
    }
}

pub fn said(id: MessageId, order: u64, seq: u64, author: Author, content: Content) -> PublicMessage {
    PublicMessage { id, chat: CHAT, seq, order, at: AT, author, content, late: false, corrects: None }
}

pub fn kept(id: MessageId, order: u64, seq: Option<u64>, author: Author, delivery: Delivery) -> MessageRef {
    MessageRef {
        id,
        order,
        seq,
        at: AT,
        author,
        fingerprint: 1,
        keys: vec!["secret-key".into()],
        options: Vec::new(),
        delivery,
    }
}

pub fn visitor() -> Visitor {
    let attribute = |name: &str, value: &str, by: Option<&str>| Attribute {
        name: name.into(),
        value: Pii::new(value.into()),
        verified_by: by.map(Into::into),
    };
    Visitor {
        nickname: Some(Pii::new("Kim".into())),
        email: Some(Pii::new("kim@example.nl".into())),
        address: Some(Pii::new("kim@xmpp.example".into())),
        language: Some("nl".into()),
        attributes: vec![
            attribute("klantnummer", "K-10042", Some("digid")),
            attribute("wijk", "Noord", None),
        ],
    }
}

pub fn command(command: Command, outcome: CommandOutcome) -> CommandRecord {
    CommandRecord {
        id: LEFT,
        command,
        by: Actor::named("site"),
        accepted: AT,
        state: CommandState::Done { at: AT, outcome },
        step: 0,
        device: None,
        call: None,
        transfer: None,
        session: None,
        route: None,
        chat: None,
        offer: None,
        offline: None,
        deadline: AT,
    }
}

pub fn offline_message() -> OfflineMessage {
    OfflineMessage {
        id: OFFLINE,
        queue: "burgerzaken".into(),
        name: Pii::new("Kim de Boer".into()),
        email: Some(Pii::new("kim@example.nl".into())),
        telephone: None,
        preference: AnswerBy::Email,
        text: Pii::new("Bel mij terug".into()),
        language: None,
    }
}

fn left() -> CommandRecord {
    let asked = Command::Chat(ChatCommand::LeaveMessage(Box::new(offline_message())));
    CommandRecord { offline: Some(OFFLINE), ..command(asked, CommandOutcome::Succeeded) }
}

fn service(nickname: &str) -> ChatService {
    ChatService {
        id: ChatServiceId(1),
        since: AT,
        queues: vec!["burgerzaken".into()],
        nickname: nickname.into(),
        chats_max: None,
        lease: Time(AT.0 + 60_000),
        vanished: None,
        announced: None,
        ignored: 0,
        paused: false,
        cools_until: None,
        offered: Some(AT),
        shown: Some(Shown { show: Show::Chat, status: Some("aan het werk".into()), at: AT }),
    }
}

fn agent(id: &str) -> Agent {
    Agent {
        id: id.into(),
        registration: None,
        readiness: Readiness::Ready,
        provider_state: None,
        asked_state: None,
        rested: None,
        after_call: None,
        session: None,
        chat: None,
        availability: Availability {
            state: AvailabilityState::Chatting,
            reasons: vec![Because::Chat(CHAT), Because::NoTelephone],
            ledger: vec![Claim { by: Claimant::Chat(CHAT), share: 33 }],
            takes_calls: false,
            takes_chats: true,
            since: AT,
        },
        version: 1,
    }
}
