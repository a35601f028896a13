//! The protocol's words to the house's, and back. Nothing here has a memory.

use schakel_core::adapter::Operation;
use schakel_core::command::{Refusal, RefusalCause};
use schakel_core::model::action::{Action, ActionSet};
use schakel_core::model::call::{ConnectionState, Party};
use schakel_core::model::cause::Cause;
use schakel_core::model::ids::{DeviceId, ProviderCallId};
use schakel_core::model::provider::Capabilities;
use schakel_core::report::{
    CallEvent, CallReport, DeviceSnapshot, EventReport, ProviderConnection, ReportedParty, SnapshotConnection,
};

use crate::wire::{Call, State};

/// What the protocol can do. The core refuses the rest before it comes here.
pub(crate) fn capabilities(product: &str) -> Capabilities {
    Capabilities {
        operations: ActionSet::EMPTY.with(Action::Answer).with(Action::HangUp).with(Action::Dial),
        product: (!product.is_empty()).then(|| product.into()),
        chat: false,
        snapshot_device: true,
        ..Capabilities::default()
    }
}

/// A device's state, with its call if it has one.
pub(crate) fn snapshot(device: &str, call: Option<Call<'_>>) -> DeviceSnapshot {
    let live = call.filter(|call| call.state != State::Gone);
    let connection = |call: Call<'_>| SnapshotConnection {
        connection: connection(call.id, device),
        state: state(call.state),
        calling: (call.state == State::Ring).then(|| party(call.other)),
        called: None,
        others: vec![(party(call.other), ConnectionState::Connected)],
        permitted: None,
    };
    DeviceSnapshot { device: DeviceId::from(device), connections: live.map(connection).into_iter().collect() }
}

/// An event of a device that we watch.
pub(crate) fn event(told: State, call: &str, device: &str, other: Option<&str>) -> EventReport {
    let (event, cause) = match told {
        State::Ring => (CallEvent::Delivered, Cause::NewCall),
        State::Talk => (CallEvent::Established, Cause::Normal),
        State::Gone => (CallEvent::ConnectionCleared, Cause::NormalClearing),
    };
    EventReport::Call(Box::new(CallReport {
        event,
        connection: connection(call, device),
        monitor: Some(DeviceId::from(device)),
        local: Some(state(told)),
        cause,
        calling: other.filter(|_| told == State::Ring).map(party),
        called: None,
        last_redirection: None,
        network_called: None,
        permitted: None,
        correlator: None,
        linked_call: None,
    }))
}

/// An operation as the rest of a `DO` line.
///
/// # Errors
/// A refusal, where the protocol has no words for it.
pub(crate) fn request(operation: &Operation) -> Result<String, Refusal> {
    let (text, words) = match operation {
        Operation::Answer(at) => (format!("ANSWER {} {}", at.call.as_str(), at.device.as_str()), 3),
        Operation::Clear(at) => (format!("HANGUP {} {}", at.call.as_str(), at.device.as_str()), 3),
        Operation::MakeCall { device, destination, .. } => {
            (format!("DIAL {} {}", device.as_str(), destination.expose()), 3)
        }
        _ => return Err(Refusal::new(RefusalCause::NotSupported, "this telephone system cannot do that")),
    };
    // What a user types goes into a line: it must stay in its place there.
    let stays = text.split(' ').filter(|word| !word.is_empty()).count() == words
        && text.chars().all(|letter| letter == ' ' || letter.is_ascii_graphic());
    let wrong = "a number may not be empty, and may hold no blanks and no letters beyond ASCII";
    if stays { Ok(text) } else { Err(Refusal::new(RefusalCause::InvalidDestination, wrong)) }
}

/// A call at a device, by the PBX's ids.
pub(crate) fn connection(call: &str, device: &str) -> ProviderConnection {
    ProviderConnection { call: ProviderCallId::from(call), device: DeviceId::from(device) }
}

fn state(told: State) -> ConnectionState {
    match told {
        State::Ring => ConnectionState::Alerting,
        State::Talk => ConnectionState::Connected,
        State::Gone => ConnectionState::Null,
    }
}

fn party(number: &str) -> ReportedParty {
    ReportedParty { device: Some(DeviceId::from(number)), party: Party::of_number(number) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use schakel_core::model::pii::Pii;

    #[test]
    fn what_a_user_types_cannot_become_a_line_of_its_own() {
        let dial = |destination: &str| {
            let destination = Pii::new(destination.into());
            request(&Operation::MakeCall { device: DeviceId::from("2001"), destination, correlator: None })
        };
        assert_eq!(dial("0201234567"), Ok("DIAL 2001 0201234567".into()));
        for wrong in ["", " ", "020 1234567", "020\nDO 9 HANGUP 77 2001", "020\r", "０２０"] {
            let cause = dial(wrong).map_err(|refusal| refusal.cause);
            assert_eq!(cause, Err(RefusalCause::InvalidDestination), "{wrong:?}");
        }
    }
}
