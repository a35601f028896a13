//! What a customer's contact came to, kept for the reports (T17 to T24).
//!
//! A fact is made when a contact ends, and made anew, under the same contact, if it goes on and ends again. It holds
//! what every figure needs and nothing personal of a customer: no telephone number, no name, no reference. The agent
//! is a user of JKC; [`ContactFact::anonymise`] takes him out and leaves every count as it is.
//!
//! Facts outlive releases: they are read for years. A field is only ever added together with a new format number
//! where they are stored, and the enums in them only grow at their ends (a cause is stored by its name).

use crate::model::call::Direction;
use crate::model::cause::Cause;
use crate::model::device::DeviceKind;
use crate::model::ids::{AgentId, ContactId, DeviceId, ProviderId, Str};
use crate::model::time::{Millis, Time};
use crate::model::transfer::{TransferKind, TransferState};
use serde::{Deserialize, Serialize};

/// One contact of a customer, from its beginning to its end.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ContactFact {
    /// Which.
    pub contact: ContactId,
    /// The PBX of its first call.
    pub provider: ProviderId,
    /// Which way its first call went.
    pub direction: Direction,
    /// When it began here. The contact belongs to the day and hour of this moment, whenever it ended.
    pub received: Time,
    /// When its last call ended.
    pub ended: Time,
    /// The device of ours that was called first: a service number, a queue, an extension.
    pub dialled: Option<DeviceId>,
    /// The first queue in which it waited or through which it came.
    pub queue: Option<DeviceId>,
    /// How many digits the caller's number has, where he showed one: a colleague's extension that is not watched is
    /// told from a customer by that. Never the number.
    pub caller_digits: Option<u8>,
    /// It was begun by a dial command of JKC (T23).
    pub from_jkc: bool,
    /// Its appearances at devices of ours, oldest first. Consultations are not among them.
    pub legs: Vec<LegFact>,
    /// The tries to hand the customer over, oldest first.
    pub transfers: Vec<TransferFact>,
    /// Nobody of ours had the customer when it ended: it had been sent to a destination that we do not see, or
    /// somebody outside had answered it.
    pub away: bool,
    /// It could not be completed, and why.
    #[serde(with = "maybe_cause_by_name")]
    pub failed: Option<Cause>,
    /// Why it ended.
    #[serde(with = "cause_by_name")]
    pub cause: Cause,
    /// It went up in another contact, after a conference or a transfer made at the telephones.
    pub merged: Option<Merged>,
    /// Something of it was concluded from a snapshot or a deadline rather than seen to happen.
    pub reconstructed: bool,
}

/// One appearance of a contact at a device of ours.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LegFact {
    /// Where.
    pub device: DeviceId,
    /// Telephone or queue.
    pub kind: DeviceKind,
    /// The device that began the contact, by dialling.
    pub dialled: bool,
    /// The agent who sat there when it rang or dialled; none also after anonymising.
    pub agent: Option<AgentId>,
    /// An agent sat there whom JKC had registered: stays when the agent is taken out.
    pub through_jkc: bool,
    /// When it rang, queued or went off hook there; for the receiver of a transfer, when he got the customer.
    pub arrived: Time,
    /// When the customer and this device first had each other; none where they never had. A queue that plays music
    /// has answered too, but nobody sits there.
    pub answered: Option<Time>,
    /// When it left.
    pub left: Time,
    /// How long this device held the customer, of the time between answer and leaving.
    pub held: Millis,
    /// Why it left.
    #[serde(with = "cause_by_name")]
    pub cause: Cause,
}

/// One try to hand the customer over.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TransferFact {
    /// Warm or cold.
    pub kind: TransferKind,
    /// What came of it; terminal unless the contact's end left it open.
    pub state: TransferState,
    /// From which device of ours.
    pub device: DeviceId,
    /// By which agent; none also after anonymising.
    pub agent: Option<AgentId>,
    /// An agent sat there whom JKC had registered.
    pub through_jkc: bool,
    /// The device of ours that received it; none where it went outside.
    pub to_device: Option<DeviceId>,
    /// The department that was chosen for it (T24).
    pub department: Option<Str>,
    /// Made at the telephone itself rather than by a command of JKC.
    pub by_hand: bool,
    /// When it began.
    pub started: Time,
    /// When it ended.
    pub ended: Option<Time>,
}

/// The contact that another went up in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Merged {
    /// Which.
    pub into: ContactId,
    /// It has the same outside caller: a second leg of one customer, not a second customer.
    pub same_caller: bool,
}

impl ContactFact {
    /// Takes the agents out. Every count and duration stays as it is.
    pub fn anonymise(&mut self) {
        for leg in &mut self.legs {
            leg.agent = None;
        }
        for transfer in &mut self.transfers {
            transfer.agent = None;
        }
    }
}

impl LegFact {
    /// Whether a person of ours had the customer here.
    pub fn spoke(&self) -> bool {
        self.kind == DeviceKind::Station && self.answered.is_some()
    }
}

/// A cause as ECMA-323's name, so that a new one in the middle of the list changes nothing that is stored.
mod cause_by_name {
    use crate::model::cause::Cause;
    use crate::model::ids::Str;
    use serde::{Deserialize, Deserializer, Serializer};

    pub(super) fn serialize<S: Serializer>(cause: &Cause, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(cause.as_str())
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Cause, D::Error> {
        // A name that is not known any more is still a cause.
        Str::deserialize(deserializer).map(|name| Cause::from_name(&name).unwrap_or(Cause::Other))
    }
}

/// As [`cause_by_name`]; none is the empty text.
mod maybe_cause_by_name {
    use crate::model::cause::Cause;
    use crate::model::ids::Str;
    use serde::{Deserialize, Deserializer, Serializer};

    pub(super) fn serialize<S: Serializer>(cause: &Option<Cause>, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(cause.map_or("", Cause::as_str))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Cause>, D::Error> {
        let name = Str::deserialize(deserializer)?;
        Ok((!name.is_empty()).then(|| Cause::from_name(&name).unwrap_or(Cause::Other)))
    }
}
