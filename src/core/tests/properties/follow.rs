//! A PBX with agents follows JKC, in whatever order its answers and its events come (T02); and what an agent chats (rule
//! 8).

use crate::common::desk::*;
use crate::common::*;
use proptest::prelude::*;
use schakel_core::adapter::Operation;
use schakel_core::command::Command;
use schakel_core::command::chat::{ChatChange, ChatCommand};
use schakel_core::input::InputBody;
use schakel_core::model::agent::{ProviderAgentState as Pbx, Readiness, RequestedAgentState as Asked};
use schakel_core::model::availability::AvailabilityState as Is;
use schakel_core::model::chat::{Speaker, Visitor};
use schakel_core::model::ids::{ChatId, CommandId};
use schakel_core::model::time::Millis;
use schakel_core::settings::{ChatSettings, QueueSettings};
use std::collections::VecDeque;

#[derive(Debug, Clone, Copy)]
enum Step {
    Ready,
    NotReady(bool),
    /// She joins a chat, or ends the one that she is in.
    Chat,
    /// A request reaches the PBX.
    Take,
    /// Something that it said reaches schakel.
    Deliver,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        2 => Just(Step::Ready),
        2 => any::<bool>().prop_map(Step::NotReady),
        2 => Just(Step::Chat),
        4 => Just(Step::Take),
        5 => Just(Step::Deliver),
    ]
}

/// Where Anna sits.
const DESK: &str = "2001";

/// One agent of a PBX that does what it is asked.
struct Switch {
    state: Pbx,
    answers_first: bool,
    has_reasons: bool,
    /// What it said and schakel has not heard.
    wire: VecDeque<Said>,
    taken: Vec<CommandId>,
}

enum Said {
    State(Pbx),
    Answer(CommandId),
}

impl Switch {
    fn take(&mut self, world: &World) -> bool {
        let here = |operation: &Operation| match operation {
            Operation::SetAgentState { device, .. } | Operation::GetAgentState { device } => {
                device.as_str() == DESK
            }
            _ => false,
        };
        let asked = world.asked.iter().find(|(id, _, op)| here(op) && !self.taken.contains(id));
        let Some((id, _, operation)) = asked.cloned() else { return false };
        self.taken.push(id);
        let before = self.state.clone();
        let reason = |reason: Option<std::sync::Arc<str>>| reason.filter(|_| self.has_reasons);
        let new = match operation {
            Operation::SetAgentState { state, .. } => match state {
                Asked::LoggedOn => Pbx::NotReady(None),
                Asked::LoggedOff => Pbx::LoggedOff,
                Asked::NotReady(why) => Pbx::NotReady(reason(why)),
                Asked::Ready => Pbx::Ready,
                Asked::WorkingAfterCall => Pbx::WorkingAfterCall,
            },
            _ => before.clone(),
        };
        self.state = new.clone();
        let event = (new != before).then_some(Said::State(new));
        if self.answers_first {
            self.wire.push_back(Said::Answer(id));
            self.wire.extend(event);
        } else {
            self.wire.extend(event);
            self.wire.push_back(Said::Answer(id));
        }
        true
    }

    fn deliver(&mut self, world: &mut World) -> bool {
        match self.wire.pop_front() {
            Some(Said::State(state)) => world.says(DESK, state),
            Some(Said::Answer(id)) => world.yes(id),
            None => return false,
        }
        true
    }
}

/// Anna is in the chat channel, of a queue that waits for who joins.
fn in_channel(world: &mut World) {
    let queue = QueueSettings { offers: false, inactivity: Millis(0), ..QueueSettings::named("balie") };
    let mut settings = settings();
    settings.chat =
        ChatSettings { queues: vec![queue], lease: Millis::seconds(3600), ..ChatSettings::default() };
    world.input(InputBody::Configured(Box::new(settings)));
    let (agent, queues) = ("anna".into(), vec!["balie".into()]);
    world.command(Command::Chat(ChatCommand::Start { agent, queues, nickname: None, chats_max: None }));
}

/// She joins a chat, where she is in none. Gives it.
fn joins(world: &mut World, chat: Option<ChatId>) -> Option<ChatId> {
    let change = |chat, change| Command::Chat(ChatCommand::Change { chat, change });
    if let Some(chat) = chat {
        world.command(change(chat, ChatChange::End { by: Speaker::Agent("anna".into()) }));
        return None;
    }
    let open = ChatCommand::Open { queue: "balie".into(), visitor: Box::new(Visitor::default()) };
    let open = world.command(Command::Chat(open));
    let chat = world.state.commands[&open].chat?;
    let join = world.command(change(chat, ChatChange::Join { agent: "anna".into() }));
    world.succeeded(join).then_some(chat)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(ProptestConfig::default().cases.max(600)))]

    #[test]
    fn t02_when_all_is_said_the_pbx_has_what_jkc_wanted_last(
        answers_first: bool,
        has_reasons: bool,
        steps in proptest::collection::vec(step(), 1..40),
    ) {
        let mut world = World::acd();
        in_channel(&mut world);
        let mut chat: Option<ChatId> = None;
        let wire = VecDeque::new();
        let mut switch = Switch { state: Pbx::Ready, answers_first, has_reasons, wire, taken: vec![] };
        let mut wanted = Readiness::Ready;
        for step in steps {
            match step {
                Step::Ready => wanted = Readiness::Ready,
                Step::NotReady(lunch) => {
                    wanted = Readiness::NotReady(reason(if lunch { "lunch" } else { "meeting" }));
                }
                Step::Chat => {
                    let before = chat;
                    chat = joins(&mut world, chat);
                    // Nobody opens a chat of a queue that is closed to all.
                    prop_assert!(chat.is_some() || before.is_some() || wanted != Readiness::Ready);
                    continue;
                }
                Step::Take => {
                    switch.take(&world);
                    continue;
                }
                Step::Deliver => {
                    switch.deliver(&mut world);
                    continue;
                }
            }
            world.readiness("anna", wanted.clone());
        }
        for round in 0.. {
            if !(switch.take(&world) | switch.deliver(&mut world)) {
                break;
            }
            prop_assert!(round < 1000, "they never come to rest");
        }
        let (ready, is) = match &wanted {
            Readiness::Ready if chat.is_some() => (false, Is::Chatting),
            Readiness::Ready => (true, Is::Available),
            Readiness::NotReady(_) => (false, Is::NotReady),
        };
        prop_assert_eq!(switch.state == Pbx::Ready, ready, "the PBX has {:?}", switch.state);
        prop_assert_eq!(world.availability("anna").state, is, "{:?}", world.availability("anna").reasons);
    }
}
