//! The real core with some telephone systems, driven by a list of deeds in the order of their times. Deadlines are
//! looked at when they come, as the engine does.

use schakel_core::adapter::Done;
use schakel_core::apply::apply;
use schakel_core::command::{Actor, Command};
use schakel_core::effect::Effect;
use schakel_core::fact::ContactFact;
use schakel_core::input::{Input, InputBody};
use schakel_core::model::action::ActionSet;
use schakel_core::model::call::Party;
use schakel_core::model::cause::Cause;
use schakel_core::model::device::DeviceKind;
use schakel_core::model::ids::{CallId, CommandId, ContactId, ProviderId, TransferId};
use schakel_core::model::provider::Capabilities;
use schakel_core::model::time::Time;
use schakel_core::report::{CallEvent, CallReport, EventReport, ProviderConnection, ReportedParty};
use schakel_core::settings::{DeviceSettings, ProviderSettings, Settings};
use schakel_core::state::State;
use schakel_reports::Rules;
use std::collections::BTreeMap;

/// The rules of a municipality that counts who gives up within five seconds apart.
pub fn rules() -> Rules {
    Rules::new("Europe/Amsterdam", 5, 5).unwrap()
}

/// Something that happens at a moment.
pub struct Deed {
    pub at: u64,
    pub what: Box<dyn FnOnce(&mut House)>,
}

/// One telephone system: telephones 2001, 2002 and 2003, and a queue.
#[derive(Debug, Clone)]
pub struct Lane {
    pub name: String,
    pub queue: String,
    /// Who sits at 2001 and at 2002, registered by JKC; nobody at 2003.
    pub agents: [Option<String>; 2],
}

pub struct House {
    pub state: State,
    pub facts: BTreeMap<ContactId, ContactFact>,
    now: u64,
    seed: u64,
    /// The step that was sent last of each command, and the last command.
    steps: BTreeMap<CommandId, u8>,
    last: CommandId,
}

impl House {
    pub fn new(lanes: &[Lane], at: u64) -> Self {
        let mut house = Self {
            state: State::new("gemeente".into()),
            facts: BTreeMap::new(),
            now: at,
            seed: at,
            steps: BTreeMap::new(),
            last: CommandId(0),
        };
        let device = |id: &str, kind| DeviceSettings { id: id.into(), kind, name: None };
        let providers = lanes.iter().map(|lane| ProviderSettings {
            id: lane.name.as_str().into(),
            devices: vec![
                device("2001", DeviceKind::Station),
                device("2002", DeviceKind::Station),
                device("2003", DeviceKind::Station),
                device(&lane.queue, DeviceKind::Queue),
            ],
        });
        let settings = Settings { providers: providers.collect(), ..Settings::default() };
        house.input(InputBody::Configured(Box::new(settings)));
        house.input(InputBody::Started);
        for lane in lanes {
            house.ready(&lane.name);
            for (agent, device) in lane.agents.iter().zip(["2001", "2002"]) {
                if let Some(agent) = agent {
                    house.command(Command::Register {
                        agent: agent.as_str().into(),
                        provider: lane.name.as_str().into(),
                        device: device.into(),
                        provider_agent: None,
                        queues: vec![],
                    });
                }
            }
        }
        house
    }

    /// Does all of it, in the order of time.
    pub fn play(&mut self, mut deeds: Vec<Deed>) {
        deeds.sort_by_key(|deed| deed.at);
        for deed in deeds {
            self.pass_to(deed.at);
            (deed.what)(self);
        }
        self.pass_to(self.now + 120_000);
    }

    fn pass_to(&mut self, at: u64) {
        while let Some(due) = self.state.next_deadline().filter(|due| due.0 <= at) {
            self.now = self.now.max(due.0);
            self.input(InputBody::Tick);
        }
        self.now = self.now.max(at);
    }

    pub fn input(&mut self, body: InputBody) {
        self.seed += 1;
        let mut effects = Vec::new();
        apply(&mut self.state, &Input { at: Time(self.now), seed: self.seed, body }, &mut effects);
        for effect in effects {
            match effect {
                Effect::Fact(fact) => drop(self.facts.insert(fact.contact, *fact)),
                Effect::Execute { command, .. } => drop(self.steps.insert(command.command, command.step)),
                _ => {}
            }
        }
    }

    pub fn ready(&mut self, provider: &str) {
        let provider = ProviderId::from(provider);
        let capabilities = Capabilities {
            operations: ActionSet::all(),
            reconnect: true,
            single_step_transfer: true,
            snapshot_device: true,
            ..Capabilities::default()
        };
        self.input(InputBody::LinkReady { provider: provider.clone(), capabilities });
        self.input(InputBody::Resynced { provider, without_snapshot: vec![] });
    }

    pub fn lose(&mut self, provider: &str) {
        self.input(InputBody::LinkLost { provider: provider.into(), reason: "cut".into() });
    }

    pub fn command(&mut self, command: Command) {
        let id = CommandId(u128::from(self.seed) << 64 | 1);
        self.last = id;
        self.input(InputBody::Command { id, command, by: Actor::named("test"), if_version: None });
    }

    /// The telephone system says yes to the last command.
    pub fn yes(&mut self, provider: &str, connection: Option<(&str, &str)>) {
        let step = self.steps.get(&self.last).copied().unwrap_or_default();
        let connection = connection.map(|(call, device)| at(call, device));
        let (command, result) = (self.last, Ok(Done { connection }));
        self.input(InputBody::Reply { provider: provider.into(), command, step, result });
    }

    pub fn report(&mut self, provider: &str, report: CallReport) {
        let report = EventReport::Call(Box::new(report));
        self.input(InputBody::Report { provider: provider.into(), report });
    }

    pub fn call(&self, provider: &str, named: &str) -> CallId {
        self.state.call_of(&provider.into(), &named.into()).expect("the call is known").id
    }

    pub fn transfer(&self, provider: &str, named: &str) -> TransferId {
        let call = self.state.call_of(&provider.into(), &named.into()).expect("the call is known");
        *self.state.contacts[&call.contact].transfers.last().expect("there is a transfer")
    }
}

pub fn at(call: &str, device: &str) -> ProviderConnection {
    ProviderConnection { call: call.into(), device: device.into() }
}

pub fn party(number: &str) -> ReportedParty {
    ReportedParty { device: Some(number.into()), party: Party::of_number(number) }
}

/// A report with caller and called where they are known.
pub fn report(
    event: CallEvent,
    call: &str,
    device: &str,
    from_to: Option<(&str, &str)>,
    cause: Cause,
) -> CallReport {
    CallReport {
        event,
        connection: at(call, device),
        monitor: None,
        local: None,
        cause,
        calling: from_to.map(|(from, _)| party(from)),
        called: from_to.map(|(_, to)| party(to)),
        last_redirection: None,
        network_called: None,
        permitted: None,
        correlator: None,
        linked_call: None,
    }
}
