//! A small world to tell stories in: one PBX with three extensions and a queue, an agent at each extension.
#![allow(dead_code, reason = "each test binary uses its part")]
#![allow(clippy::expect_used, reason = "a story that does not hold must stop its test")]

pub mod desk;

use schakel_core::adapter::{ChatOperation, Done, Operation};
use schakel_core::apply::{actions, apply};
use schakel_core::command::chat::OfflineMessage;
use schakel_core::command::{Actor, Command, CommandOutcome, CommandState, Control, Refusal, RefusalCause};
use schakel_core::effect::{ChatWrite, Effect};
use schakel_core::fact::ContactFact;
use schakel_core::input::{Input, InputBody};
use schakel_core::invariants::violations;
use schakel_core::model::action::{Action, ActionSet, Reason};
use schakel_core::model::call::{Call, ConnectionState, Party};
use schakel_core::model::cause::Cause;
use schakel_core::model::contact::Contact;
use schakel_core::model::device::DeviceKind;
use schakel_core::model::ids::{CallId, CommandId, ContactId, DeviceId, ProviderId, TransferId};
use schakel_core::model::pii::Pii;
use schakel_core::model::provider::Capabilities;
use schakel_core::model::time::{Millis, Time};
use schakel_core::model::transfer::{Transfer, TransferKind};
use schakel_core::notification::{Kind, MessageTold, Notification, Subject};
use schakel_core::report::{
    CallEvent, CallReport, DeviceSnapshot, EventReport, MovedConnection, ProviderConnection, ReportedParty,
    SnapshotConnection,
};
use schakel_core::settings::{DeviceSettings, ProviderSettings, Settings};
use schakel_core::state::State;
use std::collections::BTreeMap;

/// The state and all that came of it.
#[derive(Clone)]
pub struct World {
    pub state: State,
    /// All notifications so far.
    pub told: Vec<Notification>,
    /// All operations that a provider was asked, with command and step.
    pub asked: Vec<(CommandId, u8, Operation)>,
    /// All operations that a chat provider was asked.
    pub conversed: Vec<(ProviderId, ChatOperation)>,
    /// Everything that was written where transcripts are kept.
    pub written: Vec<ChatWrite>,
    /// Everything that is mailed.
    pub mails: Vec<OfflineMessage>,
    /// All outcomes so far.
    pub completed: Vec<CommandId>,
    /// What each contact that ended came to, the last word about each.
    pub facts: BTreeMap<ContactId, ContactFact>,
    pub now: u64,
    seed: u64,
    seen: usize,
    /// The last number of each contact: the next has one more.
    seqs: BTreeMap<ContactId, u64>,
    /// The contact of each call and the customer of each contact, as first known.
    first: (BTreeMap<CallId, ContactId>, BTreeMap<ContactId, Party>),
}

/// O14: whatever anybody is told was said has been written before, as it is told.
fn check_written_first(effects: &[Effect]) {
    for (at, effect) in effects.iter().enumerate() {
        let told = match effect {
            Effect::Notify(Notification { subject: Subject::Message(told), .. }) => (**told).clone(),
            Effect::Converse { operation: ChatOperation::SayPrivately { message, .. }, .. } => {
                MessageTold::Internal((**message).clone())
            }
            _ => continue,
        };
        let is_it = |effect: &Effect| match (effect, &told) {
            (Effect::Write(ChatWrite::Public(written)), MessageTold::Public(told)) => **written == *told,
            (Effect::Write(ChatWrite::Internal(written)), MessageTold::Internal(told)) => **written == *told,
            (
                Effect::Write(ChatWrite::Delivery { chat, message, delivery }),
                MessageTold::Delivery(of, told, how),
            ) => (chat, message, delivery) == (of, told, how),
            _ => false,
        };
        assert!(effects[..at].iter().any(is_it), "told before it was written: {told:?}");
    }
}

pub fn pbx() -> ProviderId {
    "pbx".into()
}

pub fn settings() -> Settings {
    let station = |id: &str| DeviceSettings { id: id.into(), kind: DeviceKind::Station, name: None };
    let queue = DeviceSettings { id: "8000".into(), kind: DeviceKind::Queue, name: None };
    Settings {
        providers: vec![ProviderSettings {
            id: pbx(),
            devices: vec![station("2001"), station("2002"), station("2003"), queue],
        }],
        ..Settings::default()
    }
}

pub fn capabilities() -> Capabilities {
    Capabilities {
        operations: ActionSet::all(),
        reconnect: true,
        single_step_transfer: true,
        chat: false,
        snapshot_device: true,
        ..Capabilities::default()
    }
}

impl World {
    /// The link is up, and anna sits at 2001, bert at 2002, carla at 2003.
    pub fn new() -> Self {
        Self::with(capabilities())
    }

    pub fn with(capabilities: Capabilities) -> Self {
        let mut world = Self::down();
        world.input(InputBody::LinkReady { provider: pbx(), capabilities });
        world.input(InputBody::Resynced { provider: pbx(), without_snapshot: vec![] });
        for (agent, device) in [("anna", "2001"), ("bert", "2002"), ("carla", "2003")] {
            world.command(Command::Register {
                agent: agent.into(),
                provider: pbx(),
                device: device.into(),
                provider_agent: None,
                queues: vec![],
            });
        }
        world.news();
        world
    }

    pub fn down() -> Self {
        let mut world = Self {
            state: State::new("gemeente".into()),
            told: vec![],
            asked: vec![],
            conversed: vec![],
            written: vec![],
            mails: vec![],
            completed: vec![],
            facts: BTreeMap::new(),
            now: 1_790_000_000_000,
            seed: 0,
            seen: 0,
            seqs: BTreeMap::new(),
            first: Default::default(),
        };
        world.input(InputBody::Configured(Box::new(settings())));
        world.input(InputBody::Started);
        world
    }

    /// Something happens, ten milliseconds later.
    pub fn input(&mut self, body: InputBody) {
        self.now += 10;
        self.seed += 1;
        let mut effects = Vec::new();
        let input = Input { at: Time(self.now), seed: self.seed, body };
        apply(&mut self.state, &input, &mut effects);
        self.check(&input, &effects);
        for effect in effects {
            match effect {
                Effect::Notify(notification) => self.told.push(notification),
                Effect::Execute { command, .. } => {
                    self.asked.push((command.command, command.step, command.operation));
                }
                Effect::Converse { provider, operation } => self.conversed.push((provider, operation)),
                Effect::Write(write) => self.written.push(write),
                Effect::Mail(message) => self.mails.push(*message),
                Effect::Completed(id) => {
                    assert!(!self.completed.contains(&id), "a second outcome of {id}");
                    self.completed.push(id);
                }
                Effect::Fact(fact) => {
                    self.check_fact(&fact);
                    self.facts.insert(fact.contact, *fact);
                }
                _ => {}
            }
        }
    }

    /// What must be true after every input.
    fn check(&mut self, input: &Input, effects: &[Effect]) {
        assert_eq!(violations(&self.state), Vec::<String>::new(), "after {input:?}");
        check_written_first(effects);
        for effect in effects {
            let Effect::Notify(Notification { contact: Some((contact, seq)), .. }) = effect else { continue };
            let last = self.seqs.entry(*contact).or_insert(0);
            assert_eq!(*seq, *last + 1, "rule 11: the numbers of a contact have no gap, after {input:?}");
            *last = *seq;
        }
        for (id, call) in &self.state.calls {
            let contact = self.first.0.entry(*id).or_insert(call.contact);
            assert_eq!(*contact, call.contact, "rule 3: a call changed its contact, after {input:?}");
        }
        for (id, contact) in &self.state.contacts {
            let known = self.first.1.entry(*id).or_insert_with(|| contact.customer.clone());
            let same = contact.erased
                || !known.is_known()
                || known.restricted == contact.customer.restricted
                    && (known.number.is_none() || known.number == contact.customer.number)
                    && (known.name.is_none() || known.name == contact.customer.name);
            assert!(same, "rule 3: a contact changed its customer, after {input:?}");
            known.clone_from(&contact.customer);
        }
    }

    /// What must be true of every fact: it is of a contact that has just ended, and its times are in order.
    fn check_fact(&self, fact: &ContactFact) {
        let contact = &self.state.contacts[&fact.contact];
        assert_eq!(contact.ended, Some(Time(self.now)), "{fact:?}");
        assert_eq!(contact.started, fact.received, "{fact:?}");
        assert!(fact.received <= fact.ended && fact.ended <= Time(self.now), "{fact:?}");
        for leg in &fact.legs {
            assert!(fact.received <= leg.arrived && leg.arrived <= leg.left, "{leg:?} of {fact:?}");
            assert!(leg.left <= fact.ended, "{leg:?} of {fact:?}");
            let since = leg.answered.unwrap_or(leg.left);
            assert!(leg.arrived <= since && since <= leg.left, "{leg:?} of {fact:?}");
            assert!(leg.held <= leg.left - since, "held longer than had: {leg:?} of {fact:?}");
            assert_eq!(leg.agent.is_some(), leg.through_jkc);
        }
        assert!(fact.transfers.iter().all(|transfer| transfer.state.is_terminal()), "{fact:?}");
    }

    pub fn wait(&mut self, span: Millis) {
        self.now += span.0;
        self.input(InputBody::Tick);
    }

    pub fn report(&mut self, report: impl Into<CallReport>) {
        let report = EventReport::Call(Box::new(report.into()));
        self.input(InputBody::Report { provider: pbx(), report });
    }

    pub fn command(&mut self, command: Command) -> CommandId {
        self.command_if(command, None)
    }

    pub fn command_if(&mut self, command: Command, if_version: Option<u64>) -> CommandId {
        let id = CommandId(u128::from(self.seed) + 1_000_000);
        let by = Actor::named("test");
        self.input(InputBody::Command { id, command, by, if_version });
        id
    }

    pub fn control(&mut self, named: &str, device: &str, control: Control) -> CommandId {
        let call = self.id(named);
        self.command(Command::Control { call, device: device.into(), control })
    }

    pub fn transfer(&mut self, named: &str, device: &str, to: &str, kind: TransferKind) -> CommandId {
        let call = self.id(named);
        let to = Pii::new(to.into());
        self.command(Command::Transfer { call, device: device.into(), to, kind, department: None })
    }

    pub fn take_back(&mut self) -> CommandId {
        let transfer = self.last_transfer().id;
        self.command(Command::TakeBack { transfer })
    }

    pub fn complete(&mut self) -> CommandId {
        let transfer = self.last_transfer().id;
        self.command(Command::CompleteTransfer { transfer })
    }

    pub fn dial(&mut self, agent: &str, to: &str) -> CommandId {
        let destination = Pii::new(to.into());
        self.command(Command::Dial { agent: agent.into(), destination, reference: Some("klant-1".into()) })
    }

    /// The provider says yes to the step that was sent last.
    pub fn yes(&mut self, command: CommandId) {
        self.reply(command, Ok(Done::default()));
    }

    /// The provider says yes and names a connection.
    pub fn yes_at(&mut self, command: CommandId, call: &str, device: &str) {
        self.reply(command, Ok(Done { connection: Some(at(call, device)) }));
    }

    pub fn no(&mut self, command: CommandId, cause: RefusalCause) {
        self.reply(command, Err(Refusal::new(cause, "no")));
    }

    pub fn reply(&mut self, command: CommandId, result: Result<Done, Refusal>) {
        let step = self.asked.iter().rev().find(|(id, ..)| *id == command).map_or(0, |(_, step, _)| *step);
        self.input(InputBody::Reply { provider: pbx(), command, step, result });
    }

    pub fn lose(&mut self) {
        self.input(InputBody::LinkLost { provider: pbx(), reason: "cut".into() });
    }

    pub fn ready(&mut self) {
        self.input(InputBody::LinkReady { provider: pbx(), capabilities: capabilities() });
    }

    pub fn shows(&mut self, device: &str, connections: Vec<SnapshotConnection>) {
        let snapshot = DeviceSnapshot { device: device.into(), connections };
        self.input(InputBody::Snapshot { provider: pbx(), snapshot });
    }

    pub fn resynced(&mut self) {
        self.input(InputBody::Resynced { provider: pbx(), without_snapshot: vec![] });
    }

    /// What was told since the last time, as `call.ringing@2001`; `~` where it is concluded rather than seen. Without
    /// what follows for the availability of agents, which stories about agents ask for ([`World::all_news`]).
    pub fn news(&mut self) -> Vec<String> {
        let mut news = self.all_news();
        news.retain(|line| !line.starts_with(Kind::AgentAvailabilityChanged.as_str()));
        news
    }

    /// As [`World::news`], with all of it.
    pub fn all_news(&mut self) -> Vec<String> {
        let news = self.told[self.seen..].iter().map(line).collect();
        self.seen = self.told.len();
        news
    }

    /// The notifications since the last time that news were asked for.
    pub fn news_since(&mut self) -> Vec<Notification> {
        let since = self.told[self.seen..].to_vec();
        self.seen = self.told.len();
        since
    }

    pub fn id(&self, named: &str) -> CallId {
        self.call(named).id
    }

    pub fn call(&self, named: &str) -> &Call {
        self.state.call_of(&pbx(), &named.into()).expect("the call is known")
    }

    pub fn contact(&self, named: &str) -> &Contact {
        &self.state.contacts[&self.call(named).contact]
    }

    pub fn last_transfer(&self) -> &Transfer {
        self.state.transfers.values().last().expect("there is a transfer")
    }

    pub fn transfer_of(&self, id: TransferId) -> &Transfer {
        &self.state.transfers[&id]
    }

    pub fn at(&self, named: &str, device: &str) -> ConnectionState {
        self.call(named).connection(&device.into()).map_or(ConnectionState::Null, |at| at.state)
    }

    pub fn outcome(&self, command: CommandId) -> Option<&CommandOutcome> {
        match &self.state.commands[&command].state {
            CommandState::Done { outcome, .. } => Some(outcome),
            _ => None,
        }
    }

    pub fn succeeded(&self, command: CommandId) -> bool {
        self.outcome(command) == Some(&CommandOutcome::Succeeded)
    }

    pub fn refusal(&self, command: CommandId) -> Option<(RefusalCause, Option<Reason>)> {
        match self.outcome(command) {
            Some(CommandOutcome::Refused(refusal)) => Some((refusal.cause, refusal.reason)),
            _ => None,
        }
    }

    pub fn last_asked(&self) -> &Operation {
        &self.asked.last().expect("something was asked").2
    }

    pub fn last_told(&self, kind: Kind) -> &Notification {
        self.told.iter().rev().find(|told| told.kind == kind).expect("it was told")
    }

    pub fn may(&self, named: &str, device: &str, action: Action) -> Result<(), Reason> {
        let device = device.into();
        let mut all = actions(&self.state, self.call(named), &device);
        all.find(|(listed, _)| *listed == action).expect("every action is listed").1
    }

    pub fn live_calls(&self) -> usize {
        self.state.calls.values().filter(|call| call.is_live()).count()
    }

    // The flows that many stories begin with.

    /// 0612345678 calls 2001: it rings.
    pub fn rings(&mut self, call: &str) {
        self.report(
            report(CallEvent::Delivered, call, "2001")
                .seen("2001", ConnectionState::Alerting)
                .from("0612345678")
                .to("2001")
                .cause(Cause::NewCall),
        );
    }

    /// … and is answered.
    pub fn talks(&mut self, call: &str) {
        self.rings(call);
        self.report(report(CallEvent::Established, call, "2001").seen("2001", ConnectionState::Connected));
    }

    /// A warm transfer from 2001 to 2002, as far as the colleague rings. Gives the command.
    pub fn consults(&mut self, call: &str, consultation: &str) -> CommandId {
        let command = self.transfer(call, "2001", "2002", TransferKind::Warm);
        self.report(report(CallEvent::Held, call, "2001").cause(Cause::Consultation));
        self.yes_at(command, consultation, "2001");
        self.report(
            report(CallEvent::Originated, consultation, "2001")
                .from("2001")
                .to("2002")
                .cause(Cause::Consultation),
        );
        self.report(
            report(CallEvent::Delivered, consultation, "2002")
                .seen("2002", ConnectionState::Alerting)
                .from("2001")
                .to("2002")
                .cause(Cause::Consultation),
        );
        command
    }

    /// … and as far as the colleague has answered.
    pub fn consulting(&mut self, call: &str, consultation: &str) -> CommandId {
        let command = self.consults(call, consultation);
        self.report(report(CallEvent::Established, consultation, "2002"));
        command
    }

    pub fn cleared(&mut self, call: &str, device: &str) {
        self.report(report(CallEvent::ConnectionCleared, call, device).cause(Cause::NormalClearing));
    }
}

fn line(told: &Notification) -> String {
    let mut line = told.kind.as_str().to_owned();
    if let Some(device) = &told.device {
        line = format!("{line}@{}", device.as_str());
    }
    if told.reconstructed { format!("{line}~") } else { line }
}

pub fn at(call: &str, device: &str) -> ProviderConnection {
    ProviderConnection { call: call.into(), device: device.into() }
}

pub fn party(number: &str) -> ReportedParty {
    ReportedParty { device: Some(DeviceId::from(number)), party: Party::of_number(number) }
}

pub fn restricted() -> ReportedParty {
    ReportedParty { device: None, party: Party { restricted: true, ..Party::default() } }
}

/// A report to add to.
pub struct Report(CallReport);

pub fn report(event: CallEvent, call: &str, device: &str) -> Report {
    Report(CallReport {
        event,
        connection: at(call, device),
        monitor: None,
        local: None,
        cause: Cause::Normal,
        calling: None,
        called: None,
        last_redirection: None,
        network_called: None,
        permitted: None,
        correlator: None,
        linked_call: None,
    })
}

impl Report {
    pub fn seen(mut self, monitor: &str, local: ConnectionState) -> Self {
        self.0.monitor = Some(monitor.into());
        self.0.local = Some(local);
        self
    }
    pub fn by(mut self, monitor: &str) -> Self {
        self.0.monitor = Some(monitor.into());
        self
    }
    pub fn from(mut self, number: &str) -> Self {
        self.0.calling = Some(party(number));
        self
    }
    pub fn calling(mut self, party: ReportedParty) -> Self {
        self.0.calling = Some(party);
        self
    }
    pub fn to(mut self, number: &str) -> Self {
        self.0.called = Some(party(number));
        self
    }
    pub fn via(mut self, number: &str) -> Self {
        self.0.last_redirection = Some(party(number));
        self
    }
    pub fn dialled(mut self, number: &str) -> Self {
        self.0.network_called = Some(party(number));
        self
    }
    pub fn cause(mut self, cause: Cause) -> Self {
        self.0.cause = cause;
        self
    }
    pub fn linked(mut self, call: &str) -> Self {
        self.0.linked_call = Some(call.into());
        self
    }
    pub fn permitted(mut self, permitted: ActionSet) -> Self {
        self.0.permitted = Some(permitted);
        self
    }
}

impl From<Report> for CallReport {
    fn from(report: Report) -> Self {
        report.0
    }
}

/// `Transferred` at `device`: both old calls there, and who received it.
pub fn transferred(primary: &str, secondary: Option<&str>, device: &str, to: &str, new: &str) -> Report {
    let secondary = secondary.map(|call| at(call, device));
    let old = secondary.clone().map(|old| ProviderConnection { device: to.into(), ..old });
    report(
        CallEvent::Transferred {
            secondary,
            to: Some(party(to)),
            moved: vec![
                MovedConnection {
                    new: at(new, "0612345678"),
                    old: Some(at(primary, "0612345678")),
                    endpoint: None,
                },
                MovedConnection { new: at(new, to), old, endpoint: Some(party(to)) },
            ],
        },
        primary,
        device,
    )
}

pub fn shown(
    call: &str,
    device: &str,
    state: ConnectionState,
    calling: &str,
    called: &str,
) -> SnapshotConnection {
    SnapshotConnection {
        connection: at(call, device),
        state,
        calling: Some(party(calling)),
        called: Some(party(called)),
        others: vec![],
        permitted: None,
    }
}
