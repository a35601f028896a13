//! A switch at a table: say what happens, read what each telephone hears.

use std::time::Duration;

use schakel_simulator::switch::{
    Command, ConnectionId, EventKind, ExtensionConfig, Number, Outcome, QueueConfig, RouteSays, Switch,
    SwitchConfig, SwitchError, SwitchEvent,
};

/// A caller from outside.
pub const CUSTOMER: &str = "0201234567";

/// A switch and the time.
pub struct Table {
    pub switch: Switch,
    pub now: Duration,
}

/// 2001, 2002, 2003 and 2004, and queue 7000 with 2001 and 2002.
pub fn config() -> SwitchConfig {
    SwitchConfig {
        extensions: ["2001", "2002", "2003", "2004"].map(ExtensionConfig::new).to_vec(),
        queues: vec![QueueConfig::new("7000", ["2001", "2002"])],
        ..SwitchConfig::default()
    }
}

impl Table {
    pub fn new(config: SwitchConfig) -> Self {
        Self { switch: Switch::new(config).expect("a lawful switch"), now: Duration::ZERO }
    }

    pub fn plain() -> Self {
        Self::new(config())
    }

    /// Does it, or says why not.
    pub fn tries(&mut self, command: &Command) -> Result<(Outcome, Vec<String>), SwitchError> {
        let mut events = Vec::new();
        let outcome = self.switch.execute(self.now, command, &mut events);
        self.switch.audit().expect("a switch that agrees with itself");
        if outcome.is_err() {
            assert!(events.is_empty(), "a refusal tells nothing");
        }
        Ok((outcome?, told(&events)))
    }

    /// Does it and returns what the telephones heard.
    pub fn does(&mut self, command: &Command) -> Vec<String> {
        self.tries(command).expect("the switch does it").1
    }

    /// Makes a call and returns its connection; what was heard is left out.
    pub fn connection(&mut self, command: &Command) -> ConnectionId {
        let (outcome, _) = self.tries(command).expect("the switch does it");
        outcome.connection().expect("a connection").clone()
    }

    /// Lets time pass.
    pub fn waits(&mut self, seconds: u64) -> Vec<String> {
        self.now += Duration::from_secs(seconds);
        let mut events = Vec::new();
        self.switch.tick(self.now, &mut events);
        self.switch.audit().expect("a switch that agrees with itself");
        told(&events)
    }

    /// The customer calls and is answered at `to`; the call's id.
    pub fn customer_speaks_to(&mut self, to: &str) -> String {
        let call = self.connection(&rings(CUSTOMER, to)).call;
        self.does(&Command::Answer(at(call.as_str(), to)));
        call.as_str().to_owned()
    }

    /// As `customer_speaks_to`, and then `by` consults `to`, who answers; the two call ids.
    pub fn consulted(&mut self, by: &str, to: &str) -> (String, String) {
        let first = self.customer_speaks_to(by);
        let second = self.connection(&consults(&first, by, to)).call.as_str().to_owned();
        self.does(&Command::Answer(at(&second, to)));
        (first, second)
    }

    /// Nothing goes on any more.
    pub fn is_quiet(&self) {
        assert_eq!(self.switch.call_count(), 0);
        assert_eq!(self.switch.next_deadline(), None, "a timer is left behind");
    }
}

pub fn at(call: &str, device: &str) -> ConnectionId {
    ConnectionId::new(call, device)
}

pub fn rings(from: &str, to: &str) -> Command {
    Command::OutsideCall { from: Some(Number::from(from)), to: Number::from(to), correlator: None }
}

pub fn calls(from: &str, to: &str) -> Command {
    Command::MakeCall { from: from.into(), to: to.into(), prompt: false, correlator: None }
}

pub fn consults(call: &str, by: &str, to: &str) -> Command {
    Command::Consult { existing: at(call, by), to: to.into(), correlator: None }
}

/// One line a device that hears of an event: `2001 Delivered 1@2001 alerting newCall`; of a routeing dialogue the
/// registration stands in the place of the device: `(1) RouteRequest 2 1@7100`.
pub fn told(events: &[SwitchEvent]) -> Vec<String> {
    let line = |event: &SwitchEvent, device: &Number, local: Option<&str>| {
        let mut words = vec![device.as_str().to_owned(), event.kind.name().to_owned()];
        match &event.kind {
            EventKind::Transferred(joined) | EventKind::Conferenced(joined) => {
                words.push(joined.primary.to_string());
                words.extend(joined.secondary.iter().map(ToString::to_string));
                words.push(format!("to {}", joined.other));
                let parties = joined.parties.iter().map(|p| p.new.to_string());
                words.push(format!("[{}]", parties.collect::<Vec<_>>().join(" ")));
            }
            kind => words.extend(kind.connection().map(ToString::to_string)),
        }
        words.extend(local.map(str::to_owned));
        words.extend(event.cause.map(|cause| cause.name().to_owned()));
        words.join(" ")
    };
    events
        .iter()
        .flat_map(|event| {
            let router = match &event.kind {
                EventKind::Routeing(message) => {
                    let registration = message.registration;
                    let mut words = vec![format!("({registration})"), event.kind.name().to_owned()];
                    words.extend(route_words(&message.says));
                    Some(words.join(" "))
                }
                _ => None,
            };
            let devices =
                event.views.iter().map(move |view| line(event, &view.device, view.local.map(|l| l.name())));
            router.into_iter().chain(devices)
        })
        .collect()
}

fn route_words(says: &RouteSays) -> Vec<String> {
    match says {
        RouteSays::Request { route, connection, .. } => vec![route.to_string(), connection.to_string()],
        RouteSays::Again { route, .. } | RouteSays::End { route, wrong: None } => vec![route.to_string()],
        RouteSays::Used { route, to } => vec![route.to_string(), to.to_string()],
        RouteSays::End { route, wrong: Some(wrong) } => vec![route.to_string(), format!("{wrong:?}")],
        RouteSays::Abort => Vec::new(),
    }
}
