//! The core and the contract alone: `bench-core EVENTS` applies so many events of ordinary calls to a state of 10,000
//! devices and 2,000 calls, and renders the notifications that follow.
//!
//! Callgrind counts the instructions of either part, exactly; divided by the number of events they are those of one:
//!
//! ```sh
//! valgrind --tool=callgrind --toggle-collect=bench_core::applied target/release/bench-core 18000
//! valgrind --tool=callgrind --toggle-collect=bench_core::rendered target/release/bench-core 18000
//! ```
//!
//! It prints how many notifications there were, their bytes, and a digest of them: a change that is to make nothing but
//! haste leaves all three as they are.
#![allow(clippy::expect_used, reason = "an error ends the benchmark")]

use schakel_contract::event::{EventMeta, render};
use schakel_contract::{NoGuide, NoRecognition};
use schakel_core::apply::apply;
use schakel_core::effect::Effect;
use schakel_core::input::{Input, InputBody};
use schakel_core::model::action::{Action, ActionSet};
use schakel_core::model::call::{ConnectionState, Party};
use schakel_core::model::cause::Cause;
use schakel_core::model::device::DeviceKind;
use schakel_core::model::ids::{DeviceId, ProviderId};
use schakel_core::model::provider::Capabilities;
use schakel_core::model::time::{Millis, Time};
use schakel_core::report::{CallEvent, CallReport, EventReport, ProviderConnection, ReportedParty};
use schakel_core::settings::{DeviceSettings, ProviderSettings, Settings};
use schakel_core::state::State;

/// Devices that are configured.
const DEVICES: usize = 10_000;
/// Devices that have a call, spread over all of them.
const CALLS: usize = 2_000;
/// Rings, answered, over.
const STEPS: usize = 3;
/// So much after each other, in milliseconds.
const STEP_MS: u64 = 1;
/// Ended calls are forgotten after this: the state reaches its full size early in the run.
const KEEP_ENDED: Millis = Millis(5_000);
const BEGIN: u64 = 1_790_000_000_000;
const SOURCE: &str = "urn:nld:oin:00000001823288444000:systeem:schakel";

fn main() {
    let events: usize =
        std::env::args().nth(1).and_then(|events| events.parse().ok()).expect("give a number of events");
    let mut state = State::new("benchmark".into());
    let provider = ProviderId::from("pbx");
    let mut effects = Vec::new();
    let begin = [
        InputBody::Started,
        InputBody::Configured(Box::new(settings(&provider))),
        InputBody::LinkConnecting { provider: provider.clone(), reason: None },
        InputBody::LinkReady { provider: provider.clone(), capabilities: capabilities() },
        InputBody::Resynced { provider: provider.clone(), without_snapshot: Vec::new() },
    ];
    for body in begin {
        apply(&mut state, &Input { at: Time(BEGIN), seed: 1, body }, &mut effects);
    }
    effects.clear();
    let (mut sequence, mut bytes, mut digest) = (0_u64, 0_usize, Digest::default());
    let mut payload = Vec::with_capacity(4096);
    for event in 0..events {
        let input = Input {
            at: Time(BEGIN + (event as u64 + 1) * STEP_MS),
            seed: event as u64,
            body: InputBody::Report { provider: provider.clone(), report: report(event) },
        };
        applied(&mut state, &input, &mut effects);
        for effect in effects.drain(..) {
            sequence += 1;
            let meta = EventMeta {
                source: SOURCE,
                sequence,
                recorded: input.at.into(),
                recognise: &NoRecognition,
                guide: &NoGuide,
            };
            payload.clear();
            rendered(&state, &effect, &meta, &mut payload);
            bytes += payload.len();
            digest.add(&payload);
        }
    }
    println!("notifications {sequence}, bytes {bytes}, digest {:016x}", digest.0);
}

#[inline(never)]
fn applied(state: &mut State, input: &Input, effects: &mut Vec<Effect>) {
    apply(state, input, effects);
}

#[inline(never)]
fn rendered(state: &State, effect: &Effect, meta: &EventMeta<'_>, payload: &mut Vec<u8>) {
    if let Effect::Notify(notification) = effect {
        render(state, notification, meta, payload);
    }
}

fn settings(provider: &ProviderId) -> Settings {
    let device = |at: usize| DeviceSettings { id: device(at), kind: DeviceKind::Station, name: None };
    Settings {
        providers: vec![ProviderSettings {
            id: provider.clone(),
            devices: (0..DEVICES).map(device).collect(),
        }],
        keep_ended: KEEP_ENDED,
        ..Settings::default()
    }
}

fn capabilities() -> Capabilities {
    Capabilities {
        operations: ActionSet::all(),
        reconnect: true,
        single_step_transfer: true,
        snapshot_device: true,
        ..Capabilities::default()
    }
}

fn device(at: usize) -> DeviceId {
    DeviceId::from(format!("{}", 20_000 + at).as_str())
}

/// All calls ring, then all are answered, then all end, and again at the same devices.
fn report(event: usize) -> EventReport {
    let (round, step, at) = (event / (CALLS * STEPS), event / CALLS % STEPS, event % CALLS);
    let call = 10_000_000 + round * CALLS + at;
    let device = device(at * (DEVICES / CALLS));
    let party =
        |number: &str| Some(ReportedParty { device: Some(number.into()), party: Party::of_number(number) });
    let (event, local, cause, permitted) = match step {
        0 => (CallEvent::Delivered, ConnectionState::Alerting, Cause::NewCall, RINGING),
        1 => (CallEvent::Established, ConnectionState::Connected, Cause::NewCall, CONNECTED),
        _ => (CallEvent::ConnectionCleared, ConnectionState::Null, Cause::NormalClearing, CONNECTED),
    };
    EventReport::Call(Box::new(CallReport {
        event,
        connection: ProviderConnection { call: call.to_string().as_str().into(), device: device.clone() },
        monitor: Some(device.clone()),
        local: Some(local),
        cause,
        calling: party(&format!("+316{call}")),
        called: party(device.as_str()),
        last_redirection: None,
        network_called: party("14020"),
        permitted: Some(permitted.iter().copied().collect()),
        correlator: Some("JKC:4f0d6b0a7a3c4c0e9f0f14a3c2f60b11".into()),
        linked_call: None,
    }))
}

/// What may be done with a call that rings.
const RINGING: &[Action] = &[Action::Answer, Action::HangUp, Action::Deflect, Action::PickUp];

/// What may be done in a conversation.
const CONNECTED: &[Action] =
    &[Action::HangUp, Action::Consult, Action::Hold, Action::TransferCold, Action::Dtmf];

/// FNV-1a.
struct Digest(u64);

impl Default for Digest {
    fn default() -> Self {
        Self(0xcbf2_9ce4_8422_2325)
    }
}

impl Digest {
    fn add(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = (self.0 ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3);
        }
    }
}
