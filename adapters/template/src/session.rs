//! The conversation with one PBX.
//!
//! ```text
//! Closed ─ Opened ─► Greeting ─ HELLO ─► Looking ─ AT or NOT for each device ─► Watching
//! ```

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use schakel_core::adapter::{
    Adapter, CloseReason, Done, Input, Observations, Operation, Output, ProviderCommand, RefusedMessage,
};
use schakel_core::command::{Refusal, RefusalCause};
use schakel_core::model::ids::{CommandId, DeviceId, Str};
use schakel_core::model::pii::Pii;
use schakel_core::model::time::{Millis, Time};

use crate::dialect::Dialect;
use crate::translate;
use crate::wire::{LINE_MAX_BYTES, Lines, Message, decode};

/// Commands without an answer: more than people press at once.
const UNANSWERED_MAX: usize = 1000;
/// Refused lines that are kept for the operator.
const REFUSED_KEPT_MAX: usize = 32;

/// Settings of one provider.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The product's ways.
    pub dialect: &'static Dialect,
    /// The devices to watch, as the PBX names them.
    pub devices: Vec<DeviceId>,
    /// How long the PBX may take to greet, and to show all devices.
    pub login_limit: Millis,
}

/// The adapter of one PBX.
#[derive(Debug)]
pub struct Template {
    settings: Settings,
    /// None without a connection: all that belongs to one is in it, so that nothing of an old one can stay.
    connection: Option<Connection>,
    lines_received: u64,
    lines_refused: u64,
    refused: VecDeque<RefusedMessage>,
}

/// What lasts as long as a connection.
#[derive(Debug)]
struct Connection {
    lines: Lines,
    phase: Phase,
    unanswered: BTreeMap<u64, Unanswered>,
    last_number: u64,
}

/// How far the conversation is.
#[derive(Debug)]
enum Phase {
    Greeting {
        until: Time,
    },
    /// Devices without an answer yet, and those that the PBX does not know.
    Looking {
        until: Time,
        unseen: BTreeSet<DeviceId>,
        unknown: Vec<DeviceId>,
    },
    Watching,
}

/// A command without an answer.
#[derive(Debug)]
struct Unanswered {
    command: CommandId,
    step: u8,
    /// The device of a dial: its answer names a new call.
    device: Option<DeviceId>,
    until: Time,
}

impl Template {
    /// An adapter that has no connection yet.
    pub fn new(settings: Settings) -> Self {
        let refused = VecDeque::new();
        Self { settings, connection: None, lines_received: 0, lines_refused: 0, refused }
    }

    fn open(&mut self, now: Time, output: &mut Vec<Output>) {
        self.connection = Some(Connection {
            lines: Lines::default(),
            phase: Phase::Greeting { until: now + self.settings.login_limit },
            unanswered: BTreeMap::new(),
            last_number: 0,
        });
        self.transmit("HELLO schakel", output);
    }

    fn close(&mut self, text: impl Into<Str>, output: &mut Vec<Output>) {
        self.connection = None;
        output.push(Output::Close(CloseReason { text: text.into(), fatal: false }));
    }

    fn received(&mut self, bytes: &[u8], now: Time, output: &mut Vec<Output>) {
        if let Some(connection) = &mut self.connection {
            connection.lines.push(bytes);
        }
        // Any line may end the connection.
        while let Some(connection) = &mut self.connection {
            match connection.lines.next_line() {
                Ok(Some(line)) => self.line(&line, now, output),
                Ok(None) => return,
                Err(_) => {
                    let text = format!("a line of more than {LINE_MAX_BYTES} bytes; is it the right port?");
                    return self.close(text, output);
                }
            }
        }
    }

    fn line(&mut self, line: &[u8], now: Time, output: &mut Vec<Output>) {
        self.lines_received += 1;
        match decode(line) {
            Ok(message) => self.message(message, now, output),
            Err(reason) => self.refuse(line, reason.into(), now, output),
        }
    }

    /// One bad line in a good stream: kept for inspection, and the connection lives on.
    fn refuse(&mut self, line: &[u8], reason: Str, now: Time, output: &mut Vec<Output>) {
        self.lines_refused += 1;
        if self.refused.len() >= REFUSED_KEPT_MAX {
            self.refused.pop_front();
        }
        let message = Pii::new(line.to_vec());
        self.refused.push_back(RefusedMessage { at: now, reason: reason.clone(), message });
        output.push(Output::Fault(reason));
    }

    fn message(&mut self, message: Message<'_>, now: Time, output: &mut Vec<Output>) {
        let Some(connection) = &mut self.connection else { return };
        match (message, &mut connection.phase) {
            (Message::Hello(product), Phase::Greeting { .. }) => self.greeted(product, now, output),
            (Message::At { device, call }, Phase::Looking { unseen, .. }) => {
                if unseen.remove(&DeviceId::from(device)) {
                    output.push(Output::Snapshot(translate::snapshot(device, call)));
                    self.resync(now, output);
                }
            }
            (Message::Not(device), Phase::Looking { unseen, unknown, .. }) => {
                unknown.extend(unseen.take(&DeviceId::from(device)));
                self.resync(now, output);
            }
            (Message::Event { state, call, device, other }, Phase::Looking { .. } | Phase::Watching) => {
                if self.settings.devices.iter().any(|ours| ours.as_str() == device) {
                    output.push(Output::Report(translate::event(state, call, device, other)));
                }
            }
            (Message::Ok { number, call }, _) => self.answered(number, Ok(call), output),
            (Message::No { number, words }, _) => self.answered(number, Err(words), output),
            // An answer that comes too late, or an event before the login.
            (Message::Hello(_) | Message::At { .. } | Message::Not(_) | Message::Event { .. }, _) => {}
        }
    }

    fn greeted(&mut self, product: &str, now: Time, output: &mut Vec<Output>) {
        let Some(connection) = &mut self.connection else { return };
        let unseen: BTreeSet<_> = self.settings.devices.iter().cloned().collect();
        let looks: Vec<_> = unseen.iter().map(|device| format!("LOOK {}", device.as_str())).collect();
        let until = now + self.settings.login_limit;
        connection.phase = Phase::Looking { until, unseen, unknown: Vec::new() };
        output.push(Output::Ready(translate::capabilities(product)));
        looks.iter().for_each(|look| self.transmit(look, output));
        self.resync(now, output);
    }

    /// Ends the looking once all devices are seen, or their time is over.
    fn resync(&mut self, now: Time, output: &mut Vec<Output>) {
        let Some(connection) = &mut self.connection else { return };
        let Phase::Looking { until, unseen, unknown } = &mut connection.phase else { return };
        if unseen.is_empty() || *until <= now {
            let mut without_snapshot = std::mem::take(unknown);
            without_snapshot.append(&mut std::mem::take(unseen).into_iter().collect());
            connection.phase = Phase::Watching;
            output.push(Output::Resynced { without_snapshot });
        }
    }

    fn execute(&mut self, command: &ProviderCommand, now: Time, output: &mut Vec<Output>) {
        match self.ask(command, now) {
            Ok(line) => self.transmit(&line, output),
            Err(refusal) => reply(command.command, command.step, Err(refusal), output),
        }
    }

    /// Notes a command; the line that asks for it.
    fn ask(&mut self, command: &ProviderCommand, now: Time) -> Result<String, Refusal> {
        let ready = |connection: &&mut Connection| !matches!(connection.phase, Phase::Greeting { .. });
        let Some(connection) = self.connection.as_mut().filter(ready) else {
            let words = "the link to the telephone system is not ready yet";
            return Err(Refusal::new(RefusalCause::LinkDown, words));
        };
        if connection.unanswered.len() >= UNANSWERED_MAX {
            let words = format!("the telephone system has not answered {UNANSWERED_MAX} commands");
            return Err(Refusal::new(RefusalCause::LimitExceeded, words));
        }
        let request = translate::request(&command.operation)?;
        connection.last_number += 1;
        let device = match &command.operation {
            Operation::MakeCall { device, .. } => Some(device.clone()),
            _ => None,
        };
        let ProviderCommand { command, step, limit, .. } = *command;
        let unanswered = Unanswered { command, step, device, until: now + limit };
        connection.unanswered.insert(connection.last_number, unanswered);
        Ok(format!("DO {} {request}", connection.last_number))
    }

    fn answered(&mut self, number: u64, result: Result<Option<&str>, &str>, output: &mut Vec<Output>) {
        let asked = self.connection.as_mut().and_then(|connection| connection.unanswered.remove(&number));
        // None: it has timed out before.
        let Some(Unanswered { command, step, device, .. }) = asked else { return };
        let done = |call: Option<&str>| Done {
            connection: call.zip(device).map(|(call, device)| translate::connection(call, device.as_str())),
        };
        let refused = |words: &str| Refusal::new(RefusalCause::ProviderRefused, words);
        reply(command, step, result.map(done).map_err(refused), output);
    }

    fn tick(&mut self, now: Time, output: &mut Vec<Output>) {
        let Some(connection) = &mut self.connection else { return };
        if matches!(connection.phase, Phase::Greeting { until } if until <= now) {
            return self.close("the telephone system did not greet; is it the right port?", output);
        }
        let late = connection.unanswered.extract_if(.., |_, asked| asked.until <= now);
        for (_, Unanswered { command, step, .. }) in late {
            let words = "the telephone system did not answer in time";
            reply(command, step, Err(Refusal::new(RefusalCause::Timeout, words)), output);
        }
        self.resync(now, output);
    }

    fn transmit(&self, line: &str, output: &mut Vec<Output>) {
        output.push(Output::Transmit([line, self.settings.dialect.line_end].concat().into_bytes()));
    }
}

fn reply(command: CommandId, step: u8, result: Result<Done, Refusal>, output: &mut Vec<Output>) {
    output.push(Output::Reply { command, step, result });
}

impl Adapter for Template {
    fn handle(&mut self, input: Input<'_>, now: Time, output: &mut Vec<Output>) {
        match input {
            Input::Opened => self.open(now, output),
            Input::Received(bytes) => self.received(bytes, now, output),
            Input::Closed(_) => self.connection = None,
            Input::Execute(command) => self.execute(command, now, output),
            Input::Tick => self.tick(now, output),
            // The seam may grow by what this protocol has no use for.
            _ => {}
        }
    }

    fn next_deadline(&self) -> Option<Time> {
        let connection = self.connection.as_ref()?;
        let phase = match connection.phase {
            Phase::Greeting { until } | Phase::Looking { until, .. } => Some(until),
            Phase::Watching => None,
        };
        connection.unanswered.values().map(|asked| asked.until).chain(phase).min()
    }

    fn observations(&self) -> Observations {
        Observations {
            counters: vec![
                ("messages_received", self.lines_received),
                ("messages_refused", self.lines_refused),
            ],
            refused: self.refused.iter().cloned().collect(),
            ..Observations::default()
        }
    }
}
