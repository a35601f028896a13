//! What happens at an agent's desk: sessions, readiness, and what his telephone system says of him.

use super::*;
use schakel_core::command::SessionChange;
use schakel_core::model::agent::{Agent, ProviderAgentState, Readiness, RequestedAgentState};
use schakel_core::model::availability::Availability;
use schakel_core::model::ids::SessionId;
use schakel_core::model::session::{Decision, Session};

/// A telephone system with agents of its own.
pub fn with_agents() -> Capabilities {
    Capabilities { agent_states: true, ..capabilities() }
}

/// A reason code.
pub fn reason(text: &str) -> Option<std::sync::Arc<str>> {
    Some(text.into())
}

impl World {
    /// As [`World::new`] at a telephone system with agents, who are all logged on and ready, and it says so.
    pub fn acd() -> Self {
        let mut world = Self::with(with_agents());
        for device in ["2001", "2002", "2003"] {
            world.obeys(device);
        }
        world.all_news();
        world.asked.clear();
        world
    }

    /// The telephone system does and tells whatever it is still asked about the agent at a device.
    pub fn obeys(&mut self, device: &str) {
        // A request leads to the next one: logged on, looked at, ready.
        while let Some((command, operation)) = self.asked_of(device) {
            if let Operation::SetAgentState { state, .. } = &operation {
                let state = match state {
                    RequestedAgentState::LoggedOn => ProviderAgentState::NotReady(None),
                    RequestedAgentState::LoggedOff => ProviderAgentState::LoggedOff,
                    RequestedAgentState::NotReady(reason) => ProviderAgentState::NotReady(reason.clone()),
                    RequestedAgentState::Ready => ProviderAgentState::Ready,
                    RequestedAgentState::WorkingAfterCall => ProviderAgentState::WorkingAfterCall,
                };
                self.says(device, state);
            }
            self.yes(command);
        }
    }

    /// The oldest request about the agent at a device that has no answer yet.
    pub fn asked_of(&self, device: &str) -> Option<(CommandId, Operation)> {
        let here = |operation: &Operation| match operation {
            Operation::SetAgentState { device: at, .. } | Operation::GetAgentState { device: at } => {
                at.as_str() == device
            }
            _ => false,
        };
        let open = |id: &CommandId| self.state.commands.contains_key(id) && self.outcome(*id).is_none();
        let mut asked = self.asked.iter();
        let found = asked.find(|(id, _, operation)| open(id) && here(operation));
        found.map(|(id, _, operation)| (*id, operation.clone()))
    }

    /// The states that were asked for at a device, in order.
    pub fn states_asked(&self, device: &str) -> Vec<RequestedAgentState> {
        let state = |operation: &Operation| match operation {
            Operation::SetAgentState { device: at, state, .. } if at.as_str() == device => {
                Some(state.clone())
            }
            _ => None,
        };
        self.asked.iter().filter_map(|(.., operation)| state(operation)).collect()
    }

    /// The telephone system says what the agent at a device is.
    pub fn says(&mut self, device: &str, state: ProviderAgentState) {
        let report = EventReport::Agent { device: Some(device.into()), agent: None, state, queues: vec![] };
        self.input(InputBody::Report { provider: pbx(), report });
    }

    pub fn register(&mut self, agent: &str, device: &str) -> CommandId {
        self.command(Command::Register {
            agent: agent.into(),
            provider: pbx(),
            device: device.into(),
            provider_agent: None,
            queues: vec![],
        })
    }

    pub fn leaves(&mut self, agent: &str) -> CommandId {
        self.command(Command::Unregister { agent: agent.into() })
    }

    pub fn readiness(&mut self, agent: &str, readiness: Readiness) -> CommandId {
        self.command(Command::SetReadiness { agent: agent.into(), readiness })
    }

    pub fn open(&mut self, agent: &str, contact: Option<ContactId>) -> CommandId {
        let reference = Some("zaak-1".into());
        self.command(Command::OpenSession { agent: agent.into(), contact, reference })
    }

    /// Opens a session that must open. Gives its id.
    pub fn opened(&mut self, agent: &str, contact: Option<ContactId>) -> SessionId {
        let command = self.open(agent, contact);
        assert!(self.succeeded(command), "{:?}", self.outcome(command));
        self.state.commands[&command].session.expect("it names its session")
    }

    pub fn change(&mut self, session: SessionId, change: SessionChange) -> CommandId {
        self.command(Command::ChangeSession { session, change })
    }

    pub fn park(&mut self, session: SessionId) -> CommandId {
        self.change(session, SessionChange::Park)
    }

    pub fn resume(&mut self, session: SessionId) -> CommandId {
        self.change(session, SessionChange::Resume)
    }

    pub fn close(&mut self, session: SessionId) -> CommandId {
        self.change(session, SessionChange::Close)
    }

    pub fn decide(&mut self, session: SessionId, call: CallId, decision: Decision) -> CommandId {
        self.change(session, SessionChange::Decide { call, decision })
    }

    pub fn beats(&mut self, session: SessionId) {
        self.input(InputBody::Heartbeat { session });
    }

    /// Time passes while the browser is there.
    pub fn works_for(&mut self, session: SessionId, span: Millis) {
        let step = Millis::seconds(15);
        for _ in 0..span.0 / step.0 {
            self.wait(step);
            self.beats(session);
        }
    }

    pub fn agent(&self, agent: &str) -> &Agent {
        &self.state.agents[&agent.into()]
    }

    pub fn availability(&self, agent: &str) -> &Availability {
        &self.agent(agent).availability
    }

    pub fn session(&self, id: SessionId) -> &Session {
        &self.state.sessions[&id]
    }

    /// 0612345678 has called 2001, was answered, and has hung up.
    pub fn talked(&mut self, call: &str) {
        self.talks(call);
        self.cleared(call, "0612345678");
    }
}
