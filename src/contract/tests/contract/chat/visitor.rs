//! What a visitor's program sees: nothing that he may not (rule 10, W08).

use super::world::{self, CHAT, OFFLINE};
use crate::world::AT;
use proptest::prelude::*;
use schakel_contract::problem::Problem;
use schakel_contract::reply::{self, VisitReply};
use schakel_contract::views::{
    PublicTranscriptView, QueueAvailabilityView, TextName, VisitMessageView, VisitReceiptView, VisitState,
    VisitView,
};
use schakel_core::command::chat::{ChatChange, ChatCommand};
use schakel_core::command::{Command, CommandOutcome, Refusal, RefusalCause};
use schakel_core::model::chat::{
    Audience, Author, Chat, ChatState, Content, Delivery, NotForVisitors, Participant, Presence,
    PrivateMessage, PublicMessage, Role, Speaker,
};
use schakel_core::model::ids::MessageId;

/// What is said at one moment.
#[derive(Debug, Clone)]
enum Said {
    ByVisitor,
    ByAgent(usize),
    Privately(usize),
}

/// A chat with its participants, and both its transcripts.
type Story = (Chat, Vec<PublicMessage>, Vec<PrivateMessage>);

fn stories() -> impl Strategy<Value = Story> {
    let roles = proptest::collection::vec((0_u8..3, any::<bool>()), 1..6);
    let life = proptest::sample::select(vec![
        ChatState::Opened,
        ChatState::Queued,
        ChatState::Offered,
        ChatState::Connecting,
        ChatState::Active,
        ChatState::Wrapping,
        ChatState::Archived,
    ]);
    let said = prop_oneof![
        Just(Said::ByVisitor),
        any::<usize>().prop_map(Said::ByAgent),
        any::<usize>().prop_map(Said::Privately),
    ];
    (roles, life, proptest::collection::vec(said, 0..30))
        .prop_map(|(roles, life, said)| tell(&roles, life, &said))
}

fn tell(roles: &[(u8, bool)], life: ChatState, said: &[Said]) -> Story {
    let mut chat = world::chat();
    let role = |role| match role {
        0 => Role::Owner,
        1 => Role::Guest,
        _ => Role::Observer("VERBORGEN-doel".into()),
    };
    let one = |(at, (number, left)): (usize, &(u8, bool))| {
        // Of who watches, the name must not be seen either.
        let word = if *number > 1 { "VERBORGEN" } else { "Naam" };
        Participant {
            agent: format!("VERBORGEN-agent-{at}").as_str().into(),
            nickname: format!("{word}-{at}").as_str().into(),
            role: role(*number),
            joined: AT,
            left: left.then_some(AT),
        }
    };
    chat.participants = roles.iter().enumerate().map(one).collect();
    let mut writers =
        chat.participants.iter().filter(|one| !matches!(one.role, Role::Observer(_))).peekable();
    let writers: Vec<_> = if writers.peek().is_some() { writers.cloned().collect() } else { Vec::new() };
    (chat.state, chat.messages, chat.public_seq) = (life, Vec::new(), 0);
    let (mut public, mut private) = (Vec::new(), Vec::new());
    for (at, said) in said.iter().enumerate() {
        let (id, order) = (MessageId(at as u128 + 1), at as u64 + 1);
        let writer = |number: usize| writers.get(number % writers.len().max(1)).map(|one| one.agent.clone());
        let author = match said {
            Said::ByVisitor => Some(Author::Visitor),
            Said::ByAgent(number) => writer(*number).map(Author::Agent),
            Said::Privately(number) => {
                if let Some(author) = writer(*number) {
                    let words = Content {
                        canned: Some("VERBORGEN-standaard".into()),
                        ..Content::text(&format!("VERBORGEN-woord-{at}"))
                    };
                    let words = NotForVisitors::new(words);
                    private.push(PrivateMessage {
                        id,
                        chat: CHAT,
                        order,
                        at: AT,
                        author: author.clone(),
                        words,
                    });
                    chat.messages.push(world::kept(id, order, None, Author::Agent(author), Delivery::None));
                }
                None
            }
        };
        if let Some(author) = author {
            chat.public_seq += 1;
            let content = Content { canned: Some("VERBORGEN-standaard".into()), ..Content::text("Openbaar") };
            chat.messages.push(world::kept(id, order, Some(chat.public_seq), author.clone(), Delivery::Sent));
            public.push(world::said(id, order, chat.public_seq, author, content));
        }
    }
    chat.fields.remarks = Some(schakel_core::model::pii::Pii::new("VERBORGEN-opmerking".into()));
    (chat, public, private)
}

fn visitors(chat: &Chat, message: MessageId) -> Vec<Command> {
    let change = |change| Command::Chat(ChatCommand::Change { chat: chat.id, change });
    vec![
        Command::Chat(ChatCommand::Open {
            queue: chat.queue.clone(),
            visitor: Box::new(chat.visitor.clone()),
        }),
        change(ChatChange::Say {
            by: Speaker::Visitor,
            message,
            audience: Audience::Public,
            content: Box::new(Content::text("Openbaar")),
        }),
        change(ChatChange::SetPresence(Presence::Away)),
        change(ChatChange::End { by: Speaker::Visitor }),
        change(ChatChange::Rate { stars: 5, explanation: None }),
    ]
}

proptest! {
    #[test]
    fn w08_no_visitor_sees_a_private_word_an_agents_id_an_observer_or_an_order((chat, public, private) in stories()) {
        let mut state = world::state();
        state.chats.insert(CHAT, chat.clone());
        let mut written = vec![
            serde_json::to_string(&VisitView::of(&state, &chat)).unwrap(),
            serde_json::to_string(&PublicTranscriptView::of(&state, &chat, &public)).unwrap(),
            serde_json::to_string(&QueueAvailabilityView::of_chat(&state, &chat)).unwrap(),
        ];
        for message in &public {
            written.push(serde_json::to_string(&VisitMessageView::of(message, &chat)).unwrap());
        }
        for message in &chat.messages {
            written.push(serde_json::to_string(&VisitReceiptView::of(message)).unwrap());
            for asked in visitors(&chat, message.id) {
                let mut record = world::command(asked, CommandOutcome::Succeeded);
                record.chat = Some(CHAT);
                let mut body = Vec::new();
                reply::render(&state, &record, &mut body);
                written.push(String::from_utf8(body).unwrap());
            }
        }
        for text in &written {
            for hidden in ["VERBORGEN", "\"order\"", "\"version\"", "secret-", "klacht"] {
                prop_assert!(!text.contains(hidden), "{hidden} in {text}");
            }
            for word in &private {
                prop_assert!(!text.contains(&*word.words.for_agents().text.expose().to_string()));
                prop_assert!(!text.contains(&word.id.to_string()), "not even its id");
            }
        }
        // What he does see is whole: 1, 2, 3 … without a gap.
        let seen: Vec<_> = public.iter().map(|message| VisitMessageView::of(message, &chat).seq).collect();
        prop_assert_eq!(seen, (1..=chat.public_seq).collect::<Vec<_>>());
    }
}

#[test]
fn o08_the_visitor_sees_who_takes_part_by_nickname() {
    let (state, chat) = (world::state(), world::chat());
    let visit = VisitView::of(&state, &chat);
    assert_eq!(visit.state, VisitState::Active);
    assert_eq!(visit.agents.iter().map(|one| one.nickname.as_ref()).collect::<Vec<_>>(), ["Marieke", "Bram"]);
    assert_eq!((visit.queue_name.as_ref(), visit.last_seq, visit.text_id), ("Burgerzaken", 2, None));
    let text = serde_json::to_string(&visit).unwrap();
    assert_eq!(serde_json::from_str::<VisitView<'_>>(&text).unwrap(), visit);
    let answer = world::answer();
    let message = VisitMessageView::of(&answer, &chat);
    assert_eq!(message.author.nickname.as_deref(), Some("Marieke"));
    assert_eq!(message.files[0].media_type, "application/pdf");
}

#[test]
fn c08_who_waits_is_shown_the_text_in_his_language() {
    let state = world::state();
    let mut chat = world::chat();
    chat.state = ChatState::Queued;
    chat.visitor.language = Some("en".into());
    let visit = VisitView::of(&state, &chat);
    assert_eq!((visit.state, visit.text_id), (VisitState::Waiting, Some(TextName::Busy)));
    assert!(visit.text.unwrap().starts_with("All our colleagues"));
    assert!(visit.preview_notice.unwrap().starts_with("Our colleagues can see"), "O11");
}

#[test]
fn c12_who_leaves_a_message_is_thanked() {
    let state = world::state();
    let mut body = Vec::new();
    assert_eq!(reply::render(&state, &state.commands[&world::LEFT], &mut body), 200);
    let reply: VisitReply<'_> = serde_json::from_slice(&body).unwrap();
    assert_eq!(reply.offline_message.unwrap().as_u128(), OFFLINE.0);
    assert_eq!(reply.text_id, Some(TextName::OfflineReceived));
    assert_eq!(
        reply.text.as_deref(),
        Some("Bedankt voor uw bericht. Wij nemen zo spoedig mogelijk contact met u op.")
    );
    assert!(reply.visit.is_none());
}

#[test]
fn c10_who_cannot_chat_is_told_why_and_whether_he_can_leave_a_message() {
    let mut state = world::state();
    state.agents.clear();
    let chat = world::chat();
    let refused = Refusal::new(RefusalCause::AgentNotAvailable, "Nobody is there.");
    let open = visitors(&chat, MessageId(1)).remove(0);
    let record = world::command(open.clone(), CommandOutcome::Refused(refused));
    let mut body = Vec::new();
    assert_eq!(reply::render(&state, &record, &mut body), 409);
    let problem: Problem<'_> = serde_json::from_slice(&body).unwrap();
    let shown = problem.availability.unwrap();
    assert!(!shown.may_chat && shown.may_leave_message);
    assert_eq!(shown.text_id, TextName::Closed);
    assert!(shown.text.starts_with("Het Chatkanaal is momenteel niet beschikbaar, maar"));
    // One that was opened is 201.
    let mut record = world::command(open, CommandOutcome::Succeeded);
    record.chat = Some(CHAT);
    assert_eq!(reply::render(&state, &record, &mut Vec::new()), 201);
}

#[test]
fn c07_who_may_chat_is_told_so() {
    let state = world::state();
    let shown = QueueAvailabilityView::of(&state, &"burgerzaken".into(), None).unwrap();
    assert!(shown.may_chat, "{shown:?}");
    assert_eq!(shown.text_id, TextName::Available);
    assert_eq!(QueueAvailabilityView::of(&state, &"other".into(), None), None);
}
