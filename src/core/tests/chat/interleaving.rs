//! Agents, visitors, telephones and browsers in any order: nobody is offered a chat while he rings, speaks or works
//! after a call, nobody has more than all of it, nobody who could be served is left waiting, and nothing stays behind
//! (C02, W02, rules 8 and 9). What is true of every state is asked after every input.

use crate::common::*;
use crate::world::*;
use proptest::prelude::*;
use schakel_core::adapter::ChatOperation;
use schakel_core::command::SessionChange;
use schakel_core::command::chat::ChatChange;
use schakel_core::input::InputBody;
use schakel_core::model::agent::Readiness;
use schakel_core::model::availability::{CAPACITY, Claimant};
use schakel_core::model::call::ConnectionState;
use schakel_core::model::cause::Cause;
use schakel_core::model::chat::{ChatState, Invitee, OfferState, Presence, Speaker};
use schakel_core::model::chat_service::Show;
use schakel_core::model::ids::ChatId;
use schakel_core::model::time::{Millis, Time};
use schakel_core::report::CallEvent;
use schakel_core::report::chat::{ChatEvent, ConversationEvent};
use schakel_core::settings::QueueSettings;

const DEVICES: [&str; 3] = ["2001", "2002", "2003"];
const QUEUES: [&str; 2] = ["balie", "spoed"];

#[derive(Debug, Clone)]
enum Step {
    Start { agent: usize, both: bool },
    Stop(usize),
    Beat(usize),
    Shows(usize, Show),
    Ready(usize, bool),
    Unregister(usize),
    Register(usize),
    Asks(usize),
    Comes { conversation: usize, queue: usize },
    Joined { conversation: usize },
    Accept(usize),
    Reject(usize),
    Join { chat: usize, agent: usize },
    Leave { chat: usize, agent: usize },
    Invite { chat: usize, by: usize, whom: usize, leave: bool },
    Withdraw { chat: usize, by: usize },
    Writes(usize),
    Ends { chat: usize, by: Option<usize> },
    Presence(usize, Presence),
    Rings { call: usize, device: usize },
    Call { call: usize, device: usize, event: CallEvent },
    Open { agent: usize, chat: Option<usize> },
    CloseSession(usize),
    Obeys(usize),
    Wait(u64),
    Works(u64),
    Lose(bool),
    Back(bool),
    Closes(bool),
    Started,
}

fn step() -> impl Strategy<Value = Step> {
    let (agent, chat) = (|| 0..3usize, || 0..6usize);
    let event = prop_oneof![
        3 => Just(CallEvent::Established),
        3 => Just(CallEvent::ConnectionCleared),
    ];
    let show = prop_oneof![Just(Show::Available), Just(Show::Away), Just(Show::Unavailable)];
    let presence = prop_oneof![Just(Presence::There), Just(Presence::Away), Just(Presence::Gone)];
    prop_oneof![
        8 => (agent(), any::<bool>()).prop_map(|(agent, both)| Step::Start { agent, both }),
        2 => agent().prop_map(Step::Stop),
        2 => agent().prop_map(Step::Beat),
        1 => (agent(), show).prop_map(|(agent, show)| Step::Shows(agent, show)),
        2 => (agent(), any::<bool>()).prop_map(|(agent, ready)| Step::Ready(agent, ready)),
        1 => agent().prop_map(Step::Unregister),
        1 => agent().prop_map(Step::Register),
        10 => (0..2usize).prop_map(Step::Asks),
        5 => (0..3usize, 0..2usize).prop_map(|(conversation, queue)| Step::Comes { conversation, queue }),
        4 => (0..3usize).prop_map(|conversation| Step::Joined { conversation }),
        12 => chat().prop_map(Step::Accept),
        4 => chat().prop_map(Step::Reject),
        3 => (chat(), agent()).prop_map(|(chat, agent)| Step::Join { chat, agent }),
        3 => (chat(), agent()).prop_map(|(chat, agent)| Step::Leave { chat, agent }),
        6 => (chat(), agent(), 0..5usize, any::<bool>())
            .prop_map(|(chat, by, whom, leave)| Step::Invite { chat, by, whom, leave }),
        1 => (chat(), agent()).prop_map(|(chat, by)| Step::Withdraw { chat, by }),
        3 => chat().prop_map(Step::Writes),
        4 => (chat(), proptest::option::of(agent())).prop_map(|(chat, by)| Step::Ends { chat, by }),
        2 => (chat(), presence).prop_map(|(chat, presence)| Step::Presence(chat, presence)),
        6 => (0..3usize, agent()).prop_map(|(call, device)| Step::Rings { call, device }),
        8 => (0..3usize, agent(), event).prop_map(|(call, device, event)| Step::Call { call, device, event }),
        3 => (agent(), proptest::option::of(chat())).prop_map(|(agent, chat)| Step::Open { agent, chat }),
        3 => agent().prop_map(Step::CloseSession),
        5 => agent().prop_map(Step::Obeys),
        2 => prop_oneof![Just(1_u64), Just(20), Just(31), Just(61), Just(95), Just(400)].prop_map(Step::Wait),
        5 => prop_oneof![Just(5_u64), Just(21), Just(31), Just(60), Just(250), Just(700)].prop_map(Step::Works),
        1 => any::<bool>().prop_map(Step::Lose),
        3 => any::<bool>().prop_map(Step::Back),
        1 => any::<bool>().prop_map(Step::Closes),
        1 => Just(Step::Started),
    ]
}

fn queues(open: bool) -> Vec<QueueSettings> {
    let balie = QueueSettings { open, chats_max: 3, ..queue("balie") };
    let spoed = QueueSettings { priority: 3, chats_max: 2, ignored_max: 2, ..queue("spoed") };
    vec![balie, spoed]
}

impl World {
    /// The nth of the newest chats.
    fn nth(&self, nth: usize) -> Option<ChatId> {
        self.state.chats.keys().rev().nth(nth).copied()
    }

    /// Whoever is asked of the nth chat that is offered to somebody, or into which somebody is invited.
    fn nth_asked(&self, nth: usize) -> Option<(ChatId, String)> {
        let asked = self
            .state
            .of_agent
            .iter()
            .flat_map(|(agent, has)| has.offers.values().map(|chat| (*chat, agent.as_str().to_owned())));
        let asked: Vec<_> = asked.collect();
        asked.get(nth % asked.len().max(1)).cloned()
    }

    fn chat_through(&mut self, step: &Step) {
        match step {
            Step::Start { agent, both } => {
                self.starts(AGENTS[*agent], if *both { &QUEUES } else { &QUEUES[..1] });
            }
            Step::Stop(agent) => {
                self.stops(AGENTS[*agent]);
            }
            Step::Beat(agent) => self.chat_beats(AGENTS[*agent]),
            Step::Shows(agent, show) => {
                let agent = AGENTS[*agent].into();
                self.chat_reports(ChatEvent::AgentShown { agent, show: *show, status: None });
            }
            Step::Ready(agent, ready) => {
                let readiness =
                    if *ready { Readiness::Ready } else { Readiness::NotReady(Some("lunch".into())) };
                self.readiness(AGENTS[*agent], readiness);
            }
            Step::Unregister(agent) => {
                self.leaves(AGENTS[*agent]);
            }
            Step::Register(agent) => {
                self.register(AGENTS[*agent], DEVICES[*agent]);
            }
            Step::Asks(queue) => {
                let command = self.visits(QUEUES[*queue]);
                if let Some(chat) = self.state.commands[&command].chat {
                    self.writes(chat, "Goedemorgen");
                }
            }
            Step::Comes { conversation, queue } => {
                self.comes(&format!("c{conversation}"), QUEUES[*queue]);
            }
            Step::Joined { conversation } => {
                let joins = self.conversed.iter().rev().find_map(|(_, operation)| match operation {
                    ChatOperation::Join { chat, agent, .. } => Some((chat.clone(), agent.clone())),
                    _ => None,
                });
                let Some((chat, agent)) = joins else { return };
                assert!(*conversation < 3);
                self.happens(chat.as_str(), ConversationEvent::AgentJoined(agent));
            }
            Step::Accept(nth) => {
                if let Some((chat, agent)) = self.nth_asked(*nth) {
                    self.accepts(chat, &agent);
                }
            }
            Step::Reject(nth) => {
                if let Some((chat, agent)) = self.nth_asked(*nth) {
                    self.rejects(chat, &agent);
                }
            }
            Step::Rings { call, device } => {
                let (call, device) = (format!("{call}"), DEVICES[*device]);
                let rings = report(CallEvent::Delivered, &call, device);
                let rings = rings.seen(device, ConnectionState::Alerting).from("0612345678").to(device);
                self.report(rings.cause(Cause::NewCall));
            }
            Step::Call { call, device, event } => {
                self.report(report(event.clone(), &format!("{call}"), DEVICES[*device]));
            }
            Step::Open { agent, chat } => {
                let chat = chat.and_then(|chat| self.nth(chat));
                let contact = chat.map(|chat| self.the_chat(chat).contact);
                self.open(AGENTS[*agent], contact);
            }
            Step::CloseSession(agent) => {
                if let Some(session) = self.agent(AGENTS[*agent]).session {
                    self.change(session, SessionChange::Close);
                }
            }
            Step::Obeys(device) => self.obeys(DEVICES[*device]),
            Step::Wait(seconds) => self.wait(Millis::seconds(*seconds)),
            Step::Works(seconds) => self.works(*seconds),
            Step::Lose(telephone) => {
                let provider = if *telephone { pbx() } else { xmpp() };
                self.input(InputBody::LinkLost { provider, reason: "cut".into() });
            }
            Step::Back(telephone) => {
                let (provider, capabilities) =
                    if *telephone { (pbx(), desk::with_agents()) } else { (xmpp(), carries_chats()) };
                self.input(InputBody::LinkReady { provider: provider.clone(), capabilities });
                self.input(InputBody::Resynced { provider, without_snapshot: vec![] });
            }
            Step::Closes(open) => self.configure(queues(*open)),
            Step::Started => self.input(InputBody::Started),
            Step::Join { chat, .. }
            | Step::Leave { chat, .. }
            | Step::Invite { chat, .. }
            | Step::Withdraw { chat, .. }
            | Step::Writes(chat)
            | Step::Ends { chat, .. }
            | Step::Presence(chat, _) => {
                if let Some(chat) = self.nth(*chat) {
                    self.change_through(chat, step);
                }
            }
        }
    }

    fn change_through(&mut self, chat: ChatId, step: &Step) {
        let change = match step {
            Step::Join { agent, .. } => ChatChange::Join { agent: AGENTS[*agent].into() },
            Step::Leave { agent, .. } => ChatChange::Leave { agent: AGENTS[*agent].into() },
            Step::Invite { by, whom, leave, .. } => ChatChange::Invite {
                by: AGENTS[*by].into(),
                whom: match whom {
                    0..3 => Invitee::Agent(AGENTS[*whom].into()),
                    other => Invitee::Queue(QUEUES[other - 3].into()),
                },
                leave_on_join: *leave,
            },
            Step::Withdraw { by, .. } => ChatChange::Withdraw { by: AGENTS[*by].into() },
            Step::Ends { by, .. } => ChatChange::End {
                by: by.map_or(Speaker::Visitor, |agent| Speaker::Agent(AGENTS[agent].into())),
            },
            Step::Presence(_, presence) => ChatChange::SetPresence(*presence),
            _ => {
                self.writes(chat, "Bent u er nog?");
                return;
            }
        };
        self.does(chat, change);
    }

    fn check_chats(&self, step: &Step) {
        for agent in self.state.agents.values() {
            let is = &agent.availability;
            let has = self.state.of_agent.get(&agent.id);
            let offered = has.is_some_and(|has| !has.offers.is_empty());
            let other_work = is.ledger.iter().any(|claim| {
                matches!(claim.by, Claimant::Call(_) | Claimant::AfterCall | Claimant::Session(_))
            });
            let may = agent.readiness == Readiness::Ready && !other_work;
            assert!(may || !offered, "{step:?}: rule 8: it is offered to {:?}: {is:?}", agent.id);
            let rings =
                is.ledger.iter().any(|claim| matches!(claim.by, Claimant::Call(_) | Claimant::AfterCall));
            assert!(!(rings && is.takes_chats), "{step:?}: rule 8: {is:?}");
            // All chats and offers were given by schakel, within what there was.
            let of_chats = |by: Claimant| matches!(by, Claimant::Chat(_) | Claimant::Offer(_));
            let taken: u16 =
                is.ledger.iter().filter(|claim| of_chats(claim.by)).map(|claim| claim.share).sum();
            assert!(taken <= CAPACITY, "{step:?}: rule 8: {:?} has {taken}: {is:?}", agent.id);
        }
        for chat in self.state.chats.values().filter(|chat| chat.state == ChatState::Queued) {
            let settings = self.state.settings.chat.queue(&chat.queue).expect("it is configured");
            for agent in self.state.agents.values() {
                let Some(service) = agent.chat.as_ref().filter(|chats| chats.queues.contains(&chat.queue))
                else {
                    continue;
                };
                let now = Time(self.now);
                let room =
                    agent.availability.takes_chats && agent.availability.room() >= settings.share(None);
                let cools = service.cools_until.is_some_and(|until| until > now);
                let last = chat.offers.iter().rev().find(|offer| offer.agent == agent.id);
                let ignored = last.is_some_and(|last| {
                    last.state != OfferState::Pending
                        && last.closed.is_some_and(|closed| closed + settings.cool_down > now)
                });
                assert!(
                    !room || cools || ignored,
                    "{step:?}: {:?} is free and chat {} waits: {:?}",
                    agent.id,
                    chat.id,
                    self.came_of(chat.id)
                );
            }
        }
    }

    /// All leave, and all is forgotten.
    fn night(&mut self) {
        for agent in AGENTS {
            self.stops(agent);
        }
        self.wait(Millis::seconds(3600));
        for chat in self.state.chats.keys().copied().collect::<Vec<_>>() {
            self.does(chat, ChatChange::End { by: Speaker::Visitor });
        }
        for agent in AGENTS {
            if let Some(session) = self.agent(agent).session {
                self.change(session, SessionChange::Close);
            }
        }
        for provider in [pbx(), xmpp()] {
            let capabilities = if provider == pbx() { desk::with_agents() } else { carries_chats() };
            self.input(InputBody::LinkReady { provider: provider.clone(), capabilities });
            self.input(InputBody::Resynced { provider, without_snapshot: vec![] });
        }
        let settings = self.state.settings.clone();
        // Sessions that were parked hold their chats as long as they are kept.
        self.wait(Millis(settings.sessions.lease.0 + settings.sessions.grace.0));
        self.wait(settings.sessions.keep_parked);
        for _ in 0..4 {
            self.wait(Millis::seconds(3600));
        }
        let state = &self.state;
        assert!(state.chats.is_empty(), "{:?}", state.chats);
        assert!(state.of_agent.is_empty() && state.waiting.is_empty() && state.by_conversation.is_empty());
        assert!(state.deadlines.is_empty(), "{:?}", state.deadlines);
    }
}

proptest! {
    #[test]
    fn c02_w02_rule_8_no_interleaving_gives_too_much_or_leaves_one_waiting(
        steps in proptest::collection::vec(step(), 1..90),
    ) {
        let mut world = World::chat_with(queues(true));
        for step in &steps {
            world.chat_through(step);
            world.check_chats(step);
        }
        world.night();
    }
}
