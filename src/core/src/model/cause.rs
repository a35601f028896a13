//! Why something happened (ECMA-269 EventCause, reduced to what a call's story needs).

use serde::{Deserialize, Serialize};

macro_rules! causes {
    ($($(#[$doc:meta])* $name:ident = $text:literal,)*) => {
        /// Why a call or a connection changed. The names are those of ECMA-323's `EventCause`.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
        #[non_exhaustive]
        pub enum Cause {
            $($(#[$doc])* $name,)*
        }

        impl Cause {
            /// All of them, in the order of declaration.
            pub const ALL: &'static [Cause] = &[$(Cause::$name,)*];

            /// The outward name, ECMA-323's spelling.
            pub const fn as_str(self) -> &'static str {
                match self { $(Cause::$name => $text,)* }
            }
        }
    };
}

causes! {
    /// Nothing special, or nothing said.
    #[default]
    Normal = "normal",
    /// A new call.
    NewCall = "newCall",
    /// Hung up in the ordinary way.
    NormalClearing = "normalClearing",
    /// The caller gave up before an answer.
    CallCancelled = "callCancelled",
    /// The called party was busy.
    Busy = "busy",
    /// Nobody answered.
    NoAnswer = "callNotAnswered",
    /// The called device does not exist or cannot be reached.
    DestinationNotObtainable = "destNotObtainable",
    /// The number is not one.
    InvalidNumber = "incompatibleDestination",
    /// The called device refuses calls.
    DoNotDisturb = "doNotDisturb",
    /// Forwarded at once.
    ForwardImmediate = "callForwardImmediate",
    /// Forwarded because busy.
    ForwardBusy = "callForwardBusy",
    /// Forwarded because not answered.
    ForwardNoAnswer = "callForwardNoAnswer",
    /// Forwarded, no reason given.
    Forward = "callForward",
    /// Redirected by hand.
    Redirected = "redirected",
    /// A consultation.
    Consultation = "consultation",
    /// A transfer.
    Transfer = "transfer",
    /// A transfer without consultation.
    SingleStepTransfer = "singleStepTransfer",
    /// A conference.
    Conference = "conference",
    /// A conference without consultation.
    SingleStepConference = "singleStepConference",
    /// Swapped with another call.
    Alternate = "alternate",
    /// Picked up by another device.
    CallPickup = "callPickup",
    /// Came back to where it was.
    Recall = "recall",
    /// Came back because nobody answered.
    RecallNoAnswer = "recallNoAnswer",
    /// Came back because the other was busy.
    RecallBusy = "recallBusy",
    /// Came back after a forward.
    RecallForwarded = "recallForwarded",
    /// Entered a queue's distribution.
    EnteringDistribution = "enteringDistribution",
    /// Distributed by a queue.
    Distributed = "distributed",
    /// Waits: no agent available.
    NoAvailableAgents = "noAvailableAgents",
    /// Spilled over to another destination.
    Overflow = "overflow",
    /// A queue's time ran out.
    QueueTimeOverflow = "queueTimeOverflow",
    /// Answered on another device of the same group or person.
    AnsweredElsewhere = "answeredElsewhere",
    /// The device dials.
    MakeCall = "makeCall",
    /// Put on hold by key or command.
    KeyOperation = "keyOperation",
    /// No line or channel free.
    TrunksBusy = "trunksBusy",
    /// The network is congested.
    NetworkCongestion = "networkCongestion",
    /// The network is out of order.
    NetworkOutOfOrder = "networkOutOfOrder",
    /// The resource is not available.
    ResourcesNotAvailable = "resourcesNotAvailable",
    /// The device is out of service.
    OutOfService = "outOfService",
    /// Blocked by the PBX.
    Blocked = "blocked",
    /// Parked.
    Park = "park",
    /// The link to the PBX was lost and this is what was found afterwards.
    LinkRestored = "linkRestored",
    /// The PBX gave the id of a call that was believed alive to another call.
    IdReused = "idReused",
    /// A stale call reached its last deadline.
    StaleExpired = "staleExpired",
    /// The time limit passed.
    Timeout = "timeout",
    /// The PBX named a cause that the adapter does not know.
    Other = "other",
    /// Another user took the place.
    TakenOver = "takenOver",
    /// The user logged off.
    LoggedOff = "loggedOff",
}

impl Cause {
    /// The cause of an outward name.
    pub fn from_name(name: &str) -> Option<Cause> {
        Self::ALL.iter().copied().find(|cause| cause.as_str() == name)
    }
}
