//! What may be done at a device now (`servicesPermitted`, ECMA-323 `CallControlServices`).

use serde::{Serialize, Serializer};

use super::model::LocalState;

/// A set of call control services.
#[derive(Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct Services(u16);

impl Services {
    /// `alternateCall`.
    pub const ALTERNATE: Self = Self(1);
    /// `answerCall`.
    pub const ANSWER: Self = Self(1 << 1);
    /// `clearCall`.
    pub const CLEAR_CALL: Self = Self(1 << 2);
    /// `clearConnection`.
    pub const CLEAR_CONNECTION: Self = Self(1 << 3);
    /// `conferenceCall`.
    pub const CONFERENCE: Self = Self(1 << 4);
    /// `consultationCall`.
    pub const CONSULTATION: Self = Self(1 << 5);
    /// `deflectCall`.
    pub const DEFLECT: Self = Self(1 << 6);
    /// `holdCall`.
    pub const HOLD: Self = Self(1 << 7);
    /// `reconnectCall`.
    pub const RECONNECT: Self = Self(1 << 8);
    /// `retrieveCall`.
    pub const RETRIEVE: Self = Self(1 << 9);
    /// `singleStepConference`.
    pub const SINGLE_STEP_CONFERENCE: Self = Self(1 << 10);
    /// `singleStepTransfer`.
    pub const SINGLE_STEP_TRANSFER: Self = Self(1 << 11);
    /// `transferCall`.
    pub const TRANSFER: Self = Self(1 << 12);
    /// `generateDigits` (a call associated service).
    pub const DIGITS: Self = Self(1 << 13);

    /// Every service with its name in ECMA-323, in the standard's order; `generateDigits` last.
    pub const NAMES: [(Self, &'static str); 14] = [
        (Self::ALTERNATE, "alternateCall"),
        (Self::ANSWER, "answerCall"),
        (Self::CLEAR_CALL, "clearCall"),
        (Self::CLEAR_CONNECTION, "clearConnection"),
        (Self::CONFERENCE, "conferenceCall"),
        (Self::CONSULTATION, "consultationCall"),
        (Self::DEFLECT, "deflectCall"),
        (Self::HOLD, "holdCall"),
        (Self::RECONNECT, "reconnectCall"),
        (Self::RETRIEVE, "retrieveCall"),
        (Self::SINGLE_STEP_CONFERENCE, "singleStepConference"),
        (Self::SINGLE_STEP_TRANSFER, "singleStepTransfer"),
        (Self::TRANSFER, "transferCall"),
        (Self::DIGITS, "generateDigits"),
    ];

    /// Both sets together.
    #[must_use]
    pub const fn with(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Whether all of `other` is in the set.
    #[must_use]
    pub const fn has(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }

    /// The names of what is in the set.
    pub fn names(self) -> impl Iterator<Item = &'static str> {
        Self::NAMES.into_iter().filter(move |(service, _)| self.has(*service)).map(|(_, name)| name)
    }

    /// What a device may do with a connection in `state`, while `held` of its other calls are on hold and
    /// `active` of them are active.
    #[must_use]
    pub const fn of(state: LocalState, held: usize, active: usize) -> Self {
        match state {
            LocalState::Null => Self(0),
            LocalState::Initiated | LocalState::Fail => Self::CLEAR_CONNECTION,
            LocalState::Alerting => {
                let ringing = Self::CLEAR_CONNECTION.with(Self::DEFLECT);
                if active == 0 { ringing.with(Self::ANSWER) } else { ringing }
            }
            LocalState::Queued => Self::CLEAR_CONNECTION.with(Self::DEFLECT),
            LocalState::Hold => {
                let holding = Self::CLEAR_CONNECTION.with(Self::CLEAR_CALL);
                if active == 0 { holding.with(Self::RETRIEVE) } else { holding }
            }
            LocalState::Connected => {
                let speaking = Self::CLEAR_CALL
                    .with(Self::CLEAR_CONNECTION)
                    .with(Self::CONSULTATION)
                    .with(Self::HOLD)
                    .with(Self::SINGLE_STEP_CONFERENCE)
                    .with(Self::SINGLE_STEP_TRANSFER)
                    .with(Self::DIGITS);
                if held == 0 {
                    speaking
                } else {
                    speaking
                        .with(Self::ALTERNATE)
                        .with(Self::CONFERENCE)
                        .with(Self::RECONNECT)
                        .with(Self::TRANSFER)
                }
            }
        }
    }
}

impl std::fmt::Debug for Services {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_set().entries(self.names()).finish()
    }
}

impl Serialize for Services {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.names())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn t15_take_back_needs_a_held_call() {
        assert!(!Services::of(LocalState::Connected, 0, 0).has(Services::RECONNECT));
        assert!(Services::of(LocalState::Connected, 1, 0).has(Services::RECONNECT.with(Services::TRANSFER)));
    }

    #[test]
    fn t15_nothing_can_be_answered_while_speaking() {
        assert!(Services::of(LocalState::Alerting, 0, 0).has(Services::ANSWER));
        assert!(!Services::of(LocalState::Alerting, 0, 1).has(Services::ANSWER));
    }
}
