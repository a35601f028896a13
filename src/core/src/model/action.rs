//! Actions are data: what may be done now, and if not, why not (T15, rule 6).

use serde::{Deserialize, Serialize};

macro_rules! actions {
    ($($(#[$doc:meta])* $name:ident = $text:literal,)*) => {
        /// What JKC can ask to be done to a connection.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        pub enum Action {
            $($(#[$doc])* $name,)*
        }

        impl Action {
            /// All of them, in the order in which they are shown.
            pub const ALL: &'static [Action] = &[$(Action::$name,)*];

            /// The outward name, as in the REST path.
            pub const fn as_str(self) -> &'static str {
                match self { $(Action::$name => $text,)* }
            }
        }
    };
}

actions! {
    /// Take a ringing call.
    Answer = "answer",
    /// Put on hold.
    Hold = "hold",
    /// Take from hold.
    Retrieve = "retrieve",
    /// Leave the call.
    HangUp = "hang-up",
    /// Send tones.
    Dtmf = "dtmf",
    /// Send a ringing call elsewhere.
    Deflect = "deflect",
    /// Take a call that rings at a colleague.
    PickUp = "pick-up",
    /// Call a colleague while the customer holds.
    Consult = "consult",
    /// Join the held and the active call.
    Conference = "conference",
    /// Swap the held and the active call.
    Alternate = "alternate",
    /// Hand over after consultation.
    TransferWarm = "transfer-warm",
    /// Hand over straight away.
    TransferCold = "transfer-cold",
    /// Hand over now: the colleague is on the line.
    CompleteTransfer = "complete-transfer",
    /// Take the customer back.
    TakeBack = "take-back",
    /// Start a call. Of a device, not of a connection.
    Dial = "dial",
    /// Refuse calls at a device.
    SetDoNotDisturb = "set-do-not-disturb",
    /// Forward the calls of a device.
    SetForwarding = "set-forwarding",
    /// Make an agent ready, not ready or in after-call work.
    SetAgentState = "set-agent-state",
    /// Say where a call goes.
    DecideRoute = "decide-route",
}

impl Action {
    /// Those that are done to a connection rather than to a device, in the order in which they are shown.
    pub const OF_CONNECTION: &'static [Action] = Action::ALL.split_at(Action::Dial as usize).0;
}

/// A set of actions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ActionSet(u32);

impl ActionSet {
    /// Nothing.
    pub const EMPTY: ActionSet = ActionSet(0);

    /// Everything.
    pub fn all() -> Self {
        Action::ALL.iter().copied().collect()
    }

    /// With one more.
    #[must_use]
    pub const fn with(self, action: Action) -> Self {
        Self(self.0 | 1 << action as u32)
    }

    /// Without one.
    #[must_use]
    pub const fn without(self, action: Action) -> Self {
        Self(self.0 & !(1 << action as u32))
    }

    /// Whether it holds an action.
    pub const fn contains(self, action: Action) -> bool {
        self.0 & 1 << action as u32 != 0
    }

    /// What it holds.
    pub fn iter(self) -> impl Iterator<Item = Action> {
        Action::ALL.iter().copied().filter(move |action| self.contains(*action))
    }
}

impl FromIterator<Action> for ActionSet {
    fn from_iter<I: IntoIterator<Item = Action>>(actions: I) -> Self {
        actions.into_iter().fold(Self::EMPTY, Self::with)
    }
}

macro_rules! reasons {
    ($($(#[$doc:meta])* $name:ident = $dutch:literal, $english:literal;)*) => {
        /// Why an action is not possible now.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        pub enum Reason {
            $($(#[$doc])* $name,)*
        }

        impl Reason {
            /// All of them.
            pub const ALL: &'static [Reason] = &[$(Reason::$name,)*];

            /// For a Dutch screen.
            pub const fn dutch(self) -> &'static str {
                match self { $(Reason::$name => $dutch,)* }
            }

            /// For an English screen.
            pub const fn english(self) -> &'static str {
                match self { $(Reason::$name => $english,)* }
            }
        }
    };
}

reasons! {
    /// The provider cannot do it at all.
    NotSupported = "De telefooncentrale kan dit niet.", "The telephone system cannot do this.";
    /// The provider does not permit it now (servicesPermitted).
    NotPermitted = "De telefooncentrale staat dit nu niet toe.", "The telephone system does not permit this now.";
    /// The link is down.
    LinkDown = "Er is geen verbinding met de telefooncentrale.", "There is no link to the telephone system.";
    /// The call is shown as it was last known.
    Stale = "De toestand van dit gesprek is onzeker: de verbinding met de telefooncentrale was weg.", "The state of this call is uncertain: the link to the telephone system was lost.";
    /// The call does not ring here.
    NotRinging = "Het gesprek gaat hier niet over.", "The call does not ring here.";
    /// The call is not connected here.
    NotConnected = "Het gesprek is hier niet verbonden.", "The call is not connected here.";
    /// The call is not on hold here.
    NotHeld = "Het gesprek staat hier niet in de wacht.", "The call is not on hold here.";
    /// The call is not at this device any more.
    NotHere = "Het gesprek is niet (meer) op dit toestel.", "The call is not at this device (any more).";
    /// The call has ended.
    Ended = "Het gesprek is beëindigd.", "The call has ended.";
    /// Another call of this device is needed, or one too many is there.
    NoOtherCall = "Er is geen tweede gesprek op dit toestel.", "There is no second call at this device.";
    /// The colleague has not answered yet.
    ColleagueNotAnswered = "De collega heeft nog niet opgenomen.", "The colleague has not answered yet.";
    /// A transfer of this call is already under way.
    TransferUnderWay = "Dit gesprek wordt al doorverbonden.", "This call is already being transferred.";
    /// No transfer of this call is under way.
    NoTransfer = "Dit gesprek wordt niet doorverbonden.", "This call is not being transferred.";
    /// The transfer has ended.
    TransferEnded = "Het doorverbinden is al afgerond.", "The transfer has already ended.";
    /// The same was asked and is not answered yet.
    UnderWay = "Dit is al gevraagd en wordt uitgevoerd.", "This has been asked already and is under way.";
    /// Not a device of ours.
    NotOurs = "Dit toestel wordt niet door schakel bediend.", "This device is not served by schakel.";
    /// The device is out of service.
    OutOfService = "Het toestel is buiten dienst.", "The device is out of service.";
    /// The agent sits nowhere.
    NotRegistered = "De medewerker is niet aangemeld op een toestel.", "The agent is not registered at a device.";
}
