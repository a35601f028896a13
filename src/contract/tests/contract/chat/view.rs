//! What agents see of chats, and what they may do (rule 6).

use super::world::{self, ANSWER, CHAT, PRIVATE, QUESTION};
use schakel_contract::reply::{self, CommandReply};
use schakel_contract::views::{
    AgentStateView, CannedTextView, ChatActionName as Name, ChatMessageView, ChatOverviewView, ChatQueueView,
    ChatReasonCode as Code, ChatRole, ChatView, InternalTranscriptView, SnapshotView,
};
use schakel_core::command::chat::{ChatChange, ChatCommand};
use schakel_core::command::{Command, CommandOutcome};
use schakel_core::model::chat::{Audience, ChatState, Content, Delivery, Role, Speaker};

fn why(actions: &[schakel_contract::views::ChatActionView], name: Name) -> Option<Code> {
    let action = actions.iter().find(|each| each.action == name).unwrap();
    assert_eq!(action.allowed, action.reason.is_none());
    action.reason.as_ref().map(|reason| reason.code)
}

#[test]
fn o21_the_last_agent_cannot_leave_and_is_told_why() {
    let state = world::state();
    let mut chat = world::chat();
    let leave = |chat: &_, agent: &str| {
        let view = ChatView::of(&state, chat);
        why(&view.participant(agent).unwrap().actions, Name::Leave)
    };
    assert_eq!(leave(&chat, "jansen"), None);
    chat.participants[1].left = Some(crate::world::AT);
    assert_eq!(leave(&chat, "jansen"), Some(Code::LastAgent), "who watches does not count");
    assert_eq!(leave(&chat, "visser"), None, "who watches can leave");
    assert!(ChatView::of(&state, &chat).participants[1].actions.is_empty(), "who has left can do nothing");
}

#[test]
fn o23_who_watches_is_marked_and_says_nothing() {
    let (state, chat) = (world::state(), world::chat());
    let view = ChatView::of(&state, &chat);
    let watcher = view.participant("visser").unwrap();
    assert_eq!(watcher.role, ChatRole::Observer);
    for name in [Name::Say, Name::SayPrivately, Name::Invite, Name::End] {
        assert_eq!(why(&watcher.actions, name), Some(Code::Observer));
        assert!(!watcher.allows(name));
    }
}

#[test]
fn w07_one_invitation_at_a_time() {
    let state = world::state();
    let mut chat = world::chat();
    let allowed =
        |chat: &_, name| why(&ChatView::of(&state, chat).participant("jansen").unwrap().actions, name);
    assert_eq!(allowed(&chat, Name::Invite), Some(Code::InvitationOpen));
    assert_eq!(allowed(&chat, Name::Transfer), Some(Code::InvitationOpen));
    assert_eq!(allowed(&chat, Name::Withdraw), None);
    chat.invitation = None;
    assert_eq!(allowed(&chat, Name::Invite), None);
    assert_eq!(allowed(&chat, Name::Withdraw), Some(Code::NoInvitation));
}

#[test]
fn o24_what_can_be_done_depends_on_how_far_a_chat_is() {
    let state = world::state();
    let mut chat = world::chat();
    for (life, join, archive, remove) in [
        (ChatState::Opened, None, Some(Code::GoesOn), Some(Code::GoesOn)),
        (ChatState::Active, None, Some(Code::GoesOn), Some(Code::GoesOn)),
        (ChatState::Wrapping, Some(Code::Ended), None, None),
        (ChatState::Abandoned, Some(Code::Ended), Some(Code::Over), None),
        (ChatState::Archived, Some(Code::Ended), Some(Code::Over), None),
        (ChatState::Removed, Some(Code::Ended), Some(Code::Removed), Some(Code::Removed)),
    ] {
        chat.state = life;
        let view = ChatView::of(&state, &chat);
        let found = [Name::Join, Name::Archive, Name::Remove].map(|name| why(&view.actions, name));
        assert_eq!(found, [join, archive, remove], "{life:?}");
    }
    chat.state = ChatState::Active;
    while chat.present().count() < state.settings.chat.limits.participants_max as usize {
        let one = chat.participants[0].clone();
        chat.participants.push(schakel_core::model::chat::Participant { role: Role::Guest, ..one });
    }
    assert_eq!(why(&ChatView::of(&state, &chat).actions, Name::Join), Some(Code::Full));
}

#[test]
fn w08_both_transcripts_are_one_in_the_agents_order() {
    let (state, chat) = (world::state(), world::chat());
    let (public, private) = ([world::question(), world::answer()], [world::private()]);
    let delivered = Delivery::Delivered;
    let rows = public.iter().map(|message| (message, Some(&delivered)));
    let messages = ChatMessageView::merged(&chat, rows, &private);
    let transcript = InternalTranscriptView { chat: ChatView::of(&state, &chat), messages };
    let text = serde_json::to_string(&transcript).unwrap();
    let back: InternalTranscriptView<'_> = serde_json::from_str(&text).unwrap();
    assert_eq!(back, transcript);
    let value: serde_json::Value = serde_json::from_str(&text).unwrap();
    let shown: Vec<_> = value["messages"]
        .as_array()
        .unwrap()
        .iter()
        .map(|message| (message["id"].as_str().unwrap(), message["audience"].as_str().unwrap()))
        .collect();
    let expected = [(QUESTION, "public"), (PRIVATE, "agents"), (ANSWER, "public")];
    let expected = expected.map(|(id, audience)| (id.to_string(), audience));
    assert_eq!(shown, expected.iter().map(|(id, audience)| (id.as_str(), *audience)).collect::<Vec<_>>());
    assert_eq!(transcript.messages.iter().map(ChatMessageView::order).collect::<Vec<_>>(), [1, 2, 3]);
}

#[test]
fn o25_the_overview_counts_places_by_what_a_chat_takes() {
    let state = world::state();
    let overview = ChatOverviewView::of(&state);
    // Three agents with three places each; Jansen is on the telephone, each of the others has room for two more.
    assert_eq!((overview.maximum, overview.running, overview.left), (9, 1, 4));
    assert_eq!((overview.waiting, overview.unanswered, overview.wrapping), (0, 0, 0));
    let bakker = overview.agents.iter().find(|one| one.agent == "bakker").unwrap();
    assert_eq!((bakker.maximum, bakker.running, bakker.left, bakker.takes_chats), (3, 1, 2, true));
    let text = serde_json::to_string(&overview).unwrap();
    assert_eq!(serde_json::from_str::<ChatOverviewView<'_>>(&text).unwrap(), overview);
}

#[test]
fn w01_a_queue_shows_who_serves_it_and_a_snapshot_has_all_chats() {
    let state = world::state();
    let queue = ChatQueueView::of(&state, &"burgerzaken".into()).unwrap();
    assert_eq!((queue.running, queue.waiting, queue.agents.len()), (1, 0, 3));
    assert_eq!(ChatQueueView::of(&state, &"other".into()), None);
    let now = schakel_contract::Timestamp::from_millis(1);
    let snapshot = SnapshotView::of(&state, 1, now, &schakel_contract::NoRecognition);
    assert_eq!((snapshot.chats.len(), snapshot.chat_queues, snapshot.agents.len()), (1, vec![queue], 3));
    let agent = AgentStateView::of(&state, &state.agents[&"bakker".into()]);
    assert_eq!((agent.chats.len(), agent.offers.len()), (1, 0));
}

#[test]
fn w05_canned_texts_are_found_by_queue_and_language() {
    let state = world::state();
    let found = |queue: Option<&str>, language| {
        CannedTextView::all(&state, queue.map(Into::into).as_ref(), language).len()
    };
    assert_eq!((found(None, None), found(Some("burgerzaken"), Some("NL"))), (1, 1));
    assert_eq!((found(Some("other"), None), found(None, Some("en"))), (0, 0));
}

#[test]
fn the_reply_to_a_message_has_its_place_and_its_chat() {
    let state = world::state();
    for (message, audience, place) in
        [(ANSWER, Audience::Public, (3, Some(2))), (PRIVATE, Audience::Agents, (2, None))]
    {
        let say = ChatChange::Say {
            by: Speaker::Agent("jansen".into()),
            message,
            audience,
            content: Box::new(Content::text("")),
        };
        let asked = Command::Chat(ChatCommand::Change { chat: CHAT, change: say });
        let record = world::command(asked, CommandOutcome::Succeeded);
        let mut body = Vec::new();
        assert_eq!(reply::render(&state, &record, &mut body), 200);
        let reply: CommandReply<'_> = serde_json::from_slice(&body).unwrap();
        let receipt = reply.message.unwrap();
        assert_eq!((receipt.order, receipt.seq), place);
        assert_eq!((reply.command.kind.as_ref(), reply.agent.unwrap().id.as_ref()), ("say", "jansen"));
        assert_eq!(reply.chat.unwrap().version, 9);
    }
}
