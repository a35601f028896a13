//! A telephone switch without wires: pure, deterministic, time as an argument.
//!
//! ```text
//!   Command ──► Switch::execute ──► Outcome | SwitchError
//!   time    ──► Switch::tick                     and events: Vec<SwitchEvent>
//! ```
//!
//! A refused command changes nothing and tells nothing. Events come in the order in which a monitor of each
//! device concerned must hear them.

mod agent;
mod basic;
mod calls;
mod command;
mod config;
mod error;
mod event;
mod features;
mod ids;
mod join;
mod model;
mod queue;
mod route;
mod routeing;
mod services;
mod state;
mod timer;

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;
use std::time::Duration;

pub use command::{Command, Outcome};
pub use config::{
    AgentSupport, Behaviour, ClearStyle, Distribution, ExtensionConfig, MergedCallId, OutsideConfig,
    PointEvents, QueueConfig, Rejected, RoutingPointConfig, SwitchConfig, Unanswered,
};
pub use error::{ErrorCategory, SwitchError};
pub use event::{
    CallFacts, EventKind, Joined, Moved, RouteFailure, RouteMessage, RouteSays, SwitchEvent, View,
};
pub use ids::CallIdStyle;
pub(crate) use ids::mix;
pub use model::{
    AgentRequest, AgentState, CallId, Caller, Cause, ConnectionId, Forwarding, LocalState, Number,
    RegistrationId, RouteId,
};
pub use services::Services;
pub use state::{AgentView, CallView, ExtensionView, LegView, QueueView, RoutingPointView, SwitchState};

use agent::Agent;
use calls::Call;
use ids::CallIds;
use routeing::{Dialogue, Point};
use timer::Timers;

/// A mistake in the description of a switch.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ConfigError {
    /// A number stands twice.
    #[error(
        "the number {0} is given to two devices; every extension, queue and routing point needs one of its own"
    )]
    NumberTwice(Number),
    /// A number is empty or too long.
    #[error("{0:?} is no number; write 1 to 64 characters")]
    NotANumber(String),
    /// A queue names a member that is no extension.
    #[error("queue {queue} has the member {member}, which is no extension; add it under extensions")]
    UnknownMember {
        /// The queue.
        queue: Number,
        /// The member.
        member: Number,
    },
    /// A queue overflows to nowhere.
    #[error("queue {0} has only one of overflow_after and overflow_to; give both or neither")]
    HalfAnOverflow(Number),
    /// A routing point would send its calls to a routing point.
    #[error(
        "routing point {0} has another routing point as default_to; give an extension, a queue or an outside number"
    )]
    DefaultIsAPoint(Number),
    /// A limit is too small to work with.
    #[error("behaviour.{0} must be at least {1}")]
    TooSmall(&'static str, usize),
}

/// The switch.
pub struct Switch {
    behaviour: Behaviour,
    extensions: BTreeMap<Number, Extension>,
    queues: BTreeMap<Number, Queue>,
    outside: BTreeMap<Number, OutsideConfig>,
    points: BTreeMap<Number, Point>,
    /// Who wants to be asked where calls shall go; `None`: at every routing point.
    registrations: BTreeMap<RegistrationId, Option<Number>>,
    routes: BTreeMap<RouteId, Dialogue>,
    next_route: u64,
    pickup_groups: BTreeMap<Arc<str>, Vec<Number>>,
    calls: BTreeMap<CallId, Call>,
    /// The calls at every device that has any, oldest first.
    at: BTreeMap<Number, Vec<CallId>>,
    timers: Timers,
    ids: CallIds,
    now: Duration,
    withheld: u32,
    events: Vec<SwitchEvent>,
    /// Extensions that a connection has left since the queues were looked at.
    freed: Vec<Number>,
}

struct Extension {
    config: ExtensionConfig,
    member_of: Vec<Number>,
    in_service: bool,
    do_not_disturb: bool,
    forwarding: BTreeMap<Forwarding, Number>,
    agent: Option<Agent>,
    /// Since when it could have taken a call of a queue.
    idle_since: Duration,
}

struct Queue {
    config: QueueConfig,
    waiting: VecDeque<CallId>,
    /// The place in `members` whose turn it is.
    turn: usize,
    /// The extensions at which an agent is logged on to this queue.
    agents: BTreeSet<Number>,
}

impl Switch {
    /// A switch as described, with nothing going on.
    ///
    /// # Errors
    /// When the description contradicts itself.
    pub fn new(config: SwitchConfig) -> Result<Self, ConfigError> {
        let SwitchConfig { extensions, queues, routing_points, outside, behaviour } = config;
        if behaviour.conference_parties < 3 {
            return Err(ConfigError::TooSmall("conference_parties", 3));
        }
        if behaviour.outside_digits < 2 {
            return Err(ConfigError::TooSmall("outside_digits", 2));
        }
        let mut switch = Self {
            ids: CallIds::new(behaviour.call_ids),
            behaviour,
            extensions: BTreeMap::new(),
            queues: BTreeMap::new(),
            outside: BTreeMap::new(),
            points: BTreeMap::new(),
            registrations: BTreeMap::new(),
            routes: BTreeMap::new(),
            next_route: 1,
            pickup_groups: BTreeMap::new(),
            calls: BTreeMap::new(),
            at: BTreeMap::new(),
            timers: Timers::default(),
            now: Duration::ZERO,
            withheld: 0,
            events: Vec::new(),
            freed: Vec::new(),
        };
        for extension in extensions {
            switch.add_extension(extension)?;
        }
        for queue in queues {
            switch.add_queue(queue)?;
        }
        for point in routing_points {
            switch.add_point(point)?;
        }
        if let Some(point) = switch.points.values().find(|p| switch.points.contains_key(&p.config.default_to))
        {
            return Err(ConfigError::DefaultIsAPoint(point.config.number.clone()));
        }
        for profile in outside {
            check_number(&profile.number)?;
            switch.outside.insert(profile.number.clone(), profile);
        }
        Ok(switch)
    }

    /// Carries out `command` at `now` (time since the switch began; it never goes back).
    /// What happened is appended to `events`.
    ///
    /// # Errors
    /// When the switch refuses; then nothing has changed and `events` is as it was.
    pub fn execute(
        &mut self,
        now: Duration,
        command: &Command,
        events: &mut Vec<SwitchEvent>,
    ) -> Result<Outcome, SwitchError> {
        self.now = self.now.max(now);
        let outcome = self.dispatch(command);
        self.settle();
        events.append(&mut self.events);
        outcome
    }

    /// Lets everything happen that is due until `now`, each thing at its own moment however late it is noticed.
    pub fn tick(&mut self, now: Duration, events: &mut Vec<SwitchEvent>) {
        while let Some((at, due)) = self.timers.take_due(now) {
            self.now = self.now.max(at);
            self.expire(due);
            self.settle();
        }
        self.now = self.now.max(now);
        events.append(&mut self.events);
    }

    /// When `tick` has something to do next.
    #[must_use]
    pub fn next_deadline(&self) -> Option<Duration> {
        self.timers.next()
    }

    /// A cold restart: every call, timer and registration is gone, without an event. Settings of devices and agents
    /// stay.
    pub fn restart(&mut self) {
        self.calls.clear();
        self.at.clear();
        self.timers.clear();
        self.freed.clear();
        self.routes.clear();
        self.registrations.clear();
        self.ids.start_over();
        for queue in self.queues.values_mut() {
            queue.waiting.clear();
        }
        for agent in self.extensions.values_mut().filter_map(|e| e.agent.as_mut()) {
            agent.restart();
        }
    }

    /// The next `count` calls get the id of the call that ended last.
    pub const fn reuse_call_ids(&mut self, count: u32) {
        self.ids.reuse(count);
    }

    /// How the switch behaves.
    #[must_use]
    pub const fn behaviour(&self) -> &Behaviour {
        &self.behaviour
    }

    fn add_extension(&mut self, config: ExtensionConfig) -> Result<(), ConfigError> {
        self.check_new(&config.number)?;
        if let Some(group) = &config.pickup_group {
            self.pickup_groups.entry(Arc::clone(group)).or_default().push(config.number.clone());
        }
        let agent = config.agent.as_ref().map(|id| Agent::new(Arc::clone(id), AgentState::Ready));
        let extension = Extension {
            member_of: Vec::new(),
            in_service: true,
            do_not_disturb: false,
            forwarding: BTreeMap::new(),
            agent,
            idle_since: Duration::ZERO,
            config,
        };
        self.extensions.insert(extension.config.number.clone(), extension);
        Ok(())
    }

    fn add_queue(&mut self, config: QueueConfig) -> Result<(), ConfigError> {
        self.check_new(&config.number)?;
        if config.overflow_after.is_some() != config.overflow_to.is_some() {
            return Err(ConfigError::HalfAnOverflow(config.number));
        }
        for member in &config.members {
            let Some(extension) = self.extensions.get_mut(member) else {
                let (queue, member) = (config.number.clone(), member.clone());
                return Err(ConfigError::UnknownMember { queue, member });
            };
            extension.member_of.push(config.number.clone());
        }
        let (waiting, agents) = (VecDeque::new(), BTreeSet::new());
        self.queues.insert(config.number.clone(), Queue { config, waiting, turn: 0, agents });
        Ok(())
    }

    fn check_new(&self, number: &Number) -> Result<(), ConfigError> {
        check_number(number)?;
        if self.is_device(number) {
            return Err(ConfigError::NumberTwice(number.clone()));
        }
        Ok(())
    }

    fn dispatch(&mut self, command: &Command) -> Result<Outcome, SwitchError> {
        match command {
            Command::MakeCall { from, to, prompt, correlator } => {
                self.make_call(from, to, *prompt, correlator.clone())
            }
            Command::OutsideCall { from, to, correlator } => {
                self.outside_call(from.as_ref(), to, correlator.clone())
            }
            Command::Answer(connection) => self.answer(connection),
            Command::Hold(connection) => self.hold(connection),
            Command::Retrieve(connection) => self.retrieve(connection),
            Command::Digits { connection, digits } => self.digits(connection, digits),
            Command::AssociateData { connection, correlator } => self.associate_data(connection, correlator),
            Command::ClearConnection(connection) => self.clear_connection(connection),
            Command::ClearCall(call) => self.clear_whole_call(call),
            Command::OutsideBusy(connection) => self.outside_busy(connection),
            Command::Deflect { connection, to } => self.deflect(connection, to),
            Command::DirectedPickup { connection, by } => self.pick_up(connection, by),
            Command::GroupPickup { by } => self.group_pickup(by),
            Command::Consult { existing, to, correlator } => self.consult(existing, to, correlator.clone()),
            Command::Alternate { held, active } => self.alternate(held, active),
            Command::Reconnect { held, active } => self.reconnect(held, active),
            Command::Transfer { held, active } => self.transfer(held, active),
            Command::Conference { held, active } => self.conference(held, active),
            Command::SingleStepTransfer { active, to } => self.single_step_transfer(active, to),
            Command::SingleStepConference { active, to, silent } => {
                self.single_step_conference(active, to, *silent)
            }
            Command::SetDoNotDisturb { device, on } => self.set_do_not_disturb(device, *on),
            Command::SetForwarding { device, kind, to } => self.set_forwarding(device, *kind, to.as_ref()),
            Command::SetAgentState { device, agent, group, request, reason } => {
                self.set_agent_state(device, agent.as_ref(), group.as_ref(), *request, reason.as_ref())
            }
            Command::RouteRegister { point } => self.route_register(point.as_ref()),
            Command::RouteCancel(registration) => self.route_cancel(*registration),
            Command::RouteAbort(registration) => self.route_abort(*registration),
            Command::RouteSelect { route, to, tell_used, correlator } => {
                self.route_select(*route, to, *tell_used, correlator.as_ref())
            }
            Command::RouteReject(route) => self.route_reject(*route),
            Command::RouteEnd(route) => self.route_ended_by_application(*route),
            Command::SetOutOfService { device, out } => self.set_out_of_service(device, *out),
        }
    }
}

fn check_number(number: &Number) -> Result<(), ConfigError> {
    let text = number.as_str();
    if text.is_empty() || text.len() > 64 || text.chars().any(char::is_control) {
        return Err(ConfigError::NotANumber(text.chars().take(64).collect()));
    }
    Ok(())
}
