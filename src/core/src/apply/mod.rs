//! The only place where state changes.
//!
//! ```text
//! Report ──► call ──► events ──► ending · transfer · merge ──┐
//! Snapshot ─► snapshot ──┘                                   ├──► notify (Effect::Notify, one number a contact)
//! Report ──► agent · route ──────────────────────────────────┤
//! Command ──► control · transfer · take_back · agent · route ┤
//! Reply ────► command ───────────────────────────────────────┘
//! Tick ─────► deadline
//!
//! whoever was touched ──► decision · after_call · availability ──► notify
//!                    └──► follow (what his PBX is to make of him)
//! ```
//!
//! One file an aggregate, all of them methods of one [`Context`]: the state, the effects so far, and the time, ids and
//! cause of the input at hand. Nothing here fails: a refusal is data, a report without an edge is believed and counted.

mod actions;
mod after_call;
mod agent;
mod availability;
mod call;
mod chat;
mod command;
mod control;
mod deadline;
mod decision;
mod device;
mod ending;
mod erase;
mod events;
mod fact;
mod follow;
mod link;
mod merge;
mod notify;
mod parties;
mod route;
mod session;
mod snapshot;
mod table;
mod take_back;
mod transfer;

pub use actions::actions;
pub use availability::availability;
pub use chat::{QueueFacts, memory, queue_facts, text_for};

use crate::effect::Effect;
use crate::input::{Input, InputBody};
use crate::model::ids::{AgentId, CommandId, IdMaker};
use crate::model::time::Time;
use crate::report::EventReport;
use crate::state::State;
use std::collections::BTreeMap;

/// Takes what happened, changes the state, and pushes what follows. Deterministic; never fails.
pub fn apply(state: &mut State, input: &Input, effects: &mut Vec<Effect>) {
    let mut context = Context {
        state,
        effects,
        ids: IdMaker::new(input.at, input.seed),
        at: input.at,
        command: None,
        reconstructed: false,
        touched: BTreeMap::new(),
        redistribute: false,
    };
    if input.body == InputBody::Started {
        context.renew_leases();
        context.renew_chat_leases();
        context.renew_chats();
    }
    // Deadlines that have passed come first, whatever brought us here: their order must not hang on when a tick was sent.
    context.tick();
    context.settle();
    match &input.body {
        InputBody::Started => context.started(),
        InputBody::Configured(settings) => {
            context.configured(settings);
            context.mind_chat_settings();
        }
        InputBody::Report { provider, report } => match report {
            EventReport::Call(report) => context.call_report(provider, report),
            EventReport::Device { device, event } => context.device_report(provider, device, event),
            // Which of his queues it is about changes nothing: none of them is asked for by itself.
            EventReport::Agent { device, agent, state, .. } => {
                context.agent_report(provider, device.as_ref(), agent.as_ref(), state);
            }
            EventReport::Route { dialogue, event } => context.route_report(provider, dialogue, event),
            EventReport::Chat(report) => context.chat_report(provider, report),
        },
        InputBody::LinkConnecting { provider, reason } => context.link_connecting(provider, reason.as_ref()),
        InputBody::LinkReady { provider, capabilities } => context.link_ready(provider, capabilities),
        InputBody::Snapshot { provider, snapshot } => context.snapshot(provider, snapshot),
        InputBody::Resynced { provider, without_snapshot } => context.resynced(provider, without_snapshot),
        InputBody::LinkLost { provider, reason } => context.link_lost(provider, reason),
        InputBody::Reply { provider, command, step, result } => {
            context.reply(provider, *command, *step, result);
        }
        InputBody::Command { id, command, by, if_version } => context.command(*id, command, by, *if_version),
        InputBody::Heartbeat { session } => context.heartbeat(*session),
        InputBody::ChatHeartbeat { agent } => context.chat_heartbeat(agent),
        InputBody::Erase { contacts, sessions } => context.erase(contacts, sessions),
        InputBody::Tick | InputBody::Erased => {}
    }
    context.settle();
    context.distribute();
    context.settle();
}

/// One input at work.
struct Context<'a> {
    state: &'a mut State,
    effects: &'a mut Vec<Effect>,
    ids: IdMaker,
    at: Time,
    /// The command that causes what is told now.
    command: Option<CommandId>,
    /// What is told now is concluded from a snapshot, an answer or a deadline rather than seen to happen.
    reconstructed: bool,
    /// The agents of whom something has changed.
    touched: BTreeMap<AgentId, availability::Touched>,
    /// Something has changed by which waiting chats may find an agent, or a text another.
    redistribute: bool,
}

impl Context<'_> {
    /// Does something on behalf of a command.
    fn because_of<T>(&mut self, command: Option<CommandId>, work: impl FnOnce(&mut Self) -> T) -> T {
        let before = self.command;
        self.command = command.or(before);
        let result = work(self);
        self.command = before;
        result
    }

    /// Does something that is concluded rather than seen.
    fn concluding<T>(&mut self, work: impl FnOnce(&mut Self) -> T) -> T {
        let before = std::mem::replace(&mut self.reconstructed, true);
        let result = work(self);
        self.reconstructed = before;
        result
    }
}
