//! The standard's enumerations. Each keeps a word that it does not know (`Other`),
//! because products add their own and a call must not be lost for a word.

use std::borrow::Cow;
use std::fmt;

use crate::error::DecodeError;
use crate::pull::{Pull, Tag};
use crate::value::Value;
use crate::write::Writer;

/// Whether two words have the same letters, whatever their case and whatever stands between the letters.
fn same_letters(known: &str, word: &str) -> bool {
    fn only(text: &str) -> impl Iterator<Item = char> + '_ {
        text.chars().filter(|c| !matches!(c, ' ' | '_' | '-')).map(|c| c.to_ascii_lowercase())
    }
    only(known).eq(only(word))
}

macro_rules! words {
    ($(#[$meta:meta])* $name:ident { $( $(#[$vm:meta])* $variant:ident = $word:literal $(| $alias:literal)* ),* $(,)? }) => {
        $(#[$meta])*
        #[derive(Debug, Clone, PartialEq, Eq, Hash)]
        #[allow(missing_docs)]
        pub enum $name<'a> {
            $( $(#[$vm])* $variant, )*
            /// A word that the standard does not have, as it stood on the wire.
            Other(Cow<'a, str>),
        }

        impl<'a> $name<'a> {
            /// Every word that the standard has.
            pub const ALL: &'static [$name<'static>] = &[$($name::$variant),*];

            /// The word on the wire.
            pub fn as_str(&self) -> &str {
                match self {
                    $( Self::$variant => $word, )*
                    Self::Other(word) => word,
                }
            }

            /// Reads a word, also in another spelling (`NORMAL_CLEARING`, `Normal Clearing`); an unknown one is kept.
            pub fn from_word(word: Cow<'a, str>) -> Self {
                match &*word {
                    $( $word $(| $alias)* => Self::$variant, )*
                    $( other if [$word $(, $alias)*].iter().any(|known| same_letters(known, other)) => Self::$variant, )*
                    _ => Self::Other(word),
                }
            }

            /// The same without a borrow.
            pub fn into_owned(self) -> $name<'static> {
                match self {
                    $( Self::$variant => $name::$variant, )*
                    Self::Other(word) => $name::Other(Cow::Owned(word.into_owned())),
                }
            }
        }

        impl fmt::Display for $name<'_> {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.as_str())
            }
        }

        impl<'a> Value<'a> for $name<'a> {
            fn read(pull: &mut Pull<'a>, tag: &Tag<'a>) -> Result<Self, DecodeError> {
                Ok(Self::from_word(pull.text(tag)?))
            }
            fn write(&self, name: &str, writer: &mut Writer<'_>) {
                writer.text(name, self.as_str());
            }
        }
    };
}

words! {
    /// State of a connection (ECMA-323, LocalConnectionState). The words in use for `hold` and `fail` outside the standard are read too.
    LocalConnectionState {
        Null = "null" | "idle",
        Initiated = "initiated",
        Alerting = "alerting",
        Connected = "connected",
        Hold = "hold" | "held",
        Queued = "queued",
        Fail = "fail" | "failed",
    }
}

words! {
    /// State of an agent as reported (ECMA-323, AgentState).
    AgentState {
        AgentNotReady = "agentNotReady",
        AgentNull = "agentNull",
        AgentReady = "agentReady",
        AgentBusy = "agentBusy",
        AgentWorkingAfterCall = "agentWorkingAfterCall",
    }
}

words! {
    /// The state that an agent will be in after the current call (ECMA-323, PendingAgentState).
    PendingAgentState {
        AgentNotReady = "agentNotReady" | "notReady",
        AgentNull = "agentNull" | "null",
        AgentReady = "agentReady" | "ready",
        AgentWorkingAfterCall = "agentWorkingAfterCall",
    }
}

words! {
    /// The state asked for in `SetAgentState` (ECMA-323, ReqAgentState).
    RequestedAgentState {
        LoggedOn = "loggedOn",
        LoggedOff = "loggedOff",
        NotReady = "notReady",
        Ready = "ready",
        WorkingAfterCall = "workingAfterCall",
    }
}

words! {
    /// State of the PBX as a whole (ECMA-323, SystemStatusValue).
    SystemStatusValue {
        Disabled = "disabled",
        PartiallyDisabled = "partiallyDisabled",
        Enabled = "enabled",
        Initializing = "initializing",
        MessagesLost = "messagesLost" | "messageLost",
        Normal = "normal",
        OverloadImminent = "overloadImminent",
        OverloadReached = "overloadReached",
        OverloadRelieved = "overloadRelieved",
    }
}

words! {
    /// When calls are forwarded (ECMA-323, ForwardingType).
    ForwardingType {
        ForwardImmediate = "forwardImmediate",
        ForwardBusy = "forwardBusy",
        ForwardNoAns = "forwardNoAns",
        ForwardDND = "forwardDND",
        ForwardBusyInt = "forwardBusyInt",
        ForwardBusyExt = "forwardBusyExt",
        ForwardNoAnsInt = "forwardNoAnsInt",
        ForwardNoAnsExt = "forwardNoAnsExt",
        ForwardImmInt = "forwardImmInt",
        ForwardImmExt = "forwardImmExt",
        ForwardDNDInt = "forwardDNDInt",
        ForwardDNDExt = "forwardDNDExt",
    }
}

words! {
    /// Sort of device (ECMA-323, DeviceCategory). The standard's own word `other` is `Other("other")`.
    DeviceCategory {
        Acd = "acd",
        Group = "group",
        NetworkInterface = "networkInterface",
        Park = "park",
        RouteingDevice = "routeingDevice",
        Station = "station",
        VoiceUnit = "voiceUnit",
        GenericInteractiveVoice = "genericInteractiveVoice",
        ListenerInteractiveVoice = "listenerInteractiveVoice",
        DtmfInteractiveVoice = "dtmfInteractiveVoice",
        PromptInteractiveVoice = "promptInteractiveVoice",
        PromptQueueInteractiveVoice = "promptQueueInteractiveVoice",
        MessageInteractiveVoice = "messageInteractiveVoice",
        Conference = "conference",
    }
}

words! {
    /// Sort of device asked for in `GetSwitchingFunctionDevices` (ECMA-323, ReqDeviceCategory).
    RequestedDeviceCategory {
        Acd = "acd",
        GroupACD = "groupACD",
        GroupHunt = "groupHunt",
        GroupPick = "groupPick",
        GroupUser = "groupUser",
        GroupOther = "groupOther",
        NetworkInterface = "networkInterface",
        Park = "park",
        RouteingDevice = "routeingDevice",
        Station = "station",
        VoiceUnit = "voiceUnit",
        GenericIV = "genericIV",
        ListenerIV = "listenerIV",
        DtmfIV = "dtmfIV",
        PromptIV = "promptIV",
        PromptQueue = "promptQueue",
        MessageIV = "messageIV",
        Conference = "conference",
    }
}

words! {
    /// A snapshot's short form of several connection states (ECMA-323, SimpleCallState).
    SimpleCallState {
        CallNull = "callNull",
        CallPending = "callPending",
        CallOriginated = "callOriginated",
        CallDelivered = "callDelivered",
        CallDeliveredHeld = "callDeliveredHeld",
        CallReceived = "callReceived",
        CallEstablished = "callEstablished",
        CallEstablishedHeld = "callEstablishedHeld",
        CallReceivedOnHold = "callReceivedOnHold",
        CallEstablishedOnHold = "callEstablishedOnHold",
        CallQueued = "callQueued",
        CallQueuedHeld = "callQueuedHeld",
        CallFailed = "callFailed",
        CallFailedHeld = "callFailedHeld",
        CallBlocked = "callBlocked",
    }
}

words! {
    /// What a consultation call is meant for (ECMA-323, ConsultOptions).
    ConsultOptions {
        Unrestricted = "unrestricted",
        ConsultOnly = "consultOnly",
        TransferOnly = "transferOnly",
        ConferenceOnly = "conferenceOnly",
    }
}

words! {
    /// Whether the telephone waits for its user to lift the handset (ECMA-323, AutoOriginate).
    AutoOriginate {
        Prompt = "prompt",
        DoNotPrompt = "doNotPrompt",
    }
}

words! {
    /// How a party joins a conference (ECMA-323, ParticipationType).
    ParticipationType {
        Silent = "silent",
        Active = "active",
        None = "none",
    }
}

words! {
    /// How digits are sent (ECMA-323, DigitMode).
    DigitMode {
        RotaryPulse = "rotaryPulse",
        DTMF = "dTMF",
    }
}

words! {
    /// Why a route request is rejected (ECMA-323, RejectCause).
    RejectCause {
        BusyOverflow = "busyOverflow",
        QueueTimeOverflow = "queueTimeOverflow",
        CapacityOverflow = "capacityOverflow",
        CalendarOverflow = "calendarOverflow",
        UnknownOverflow = "unknownOverflow",
    }
}

words! {
    /// Why something happened (ECMA-323, EventCause; the words of edition 6, which has all of edition 3).
    EventCause {
        ACDBusy = "aCDBusy",
        ACDForward = "aCDForward",
        ACDSaturated = "aCDSaturated",
        Activation = "activation",
        ActiveParticipation = "activeParticipation",
        AlertTimeExpired = "alertTimeExpired",
        Alternate = "alternate",
        AutoWork = "autoWork",
        Babble = "babble",
        BadAttribute = "badAttribute",
        BadGrammar = "badGrammar",
        BadURI = "badURI",
        BadVoice = "badVoice",
        Blocked = "blocked",
        Busy = "busy",
        BusyOverflow = "busyOverflow",
        CalendarOverflow = "calendarOverflow",
        CallBack = "callBack",
        CallCancelled = "callCancelled",
        CallForward = "callForward",
        CallForwardImmediate = "callForwardImmediate",
        CallForwardBusy = "callForwardBusy",
        CallForwardNoAnswer = "callForwardNoAnswer",
        CallInterception = "callInterception",
        CallInterceptionBusy = "callInterceptionBusy",
        CallInterceptionForwarded = "callInterceptionForwarded",
        CallInterceptionNoAnswer = "callInterceptionNoAnswer",
        CallInterceptionResourcesNotAvailable = "callInterceptionResourcesNotAvailable",
        CallNotAnswered = "callNotAnswered",
        CallPickup = "callPickup",
        CampOn = "campOn",
        CampOnTrunks = "campOnTrunks",
        CapacityOverflow = "capacityOverflow",
        CharacterCountReached = "characterCountReached",
        Conference = "conference",
        Consultation = "consultation",
        DestDetected = "destDetected",
        DestNotObtainable = "destNotObtainable",
        DestOutOfOrder = "destOutOfOrder",
        Distributed = "distributed",
        DistributionDelay = "distributionDelay",
        DoNotDisturb = "doNotDisturb",
        DTMFDigitDetected = "dTMFDigitDetected",
        DuplicateDTMF = "duplicateDTMF",
        DurationExceeded = "durationExceeded",
        EarlyStop = "earlyStop",
        EmptyQueue = "emptyQueue",
        EndOfMessageDetected = "endOfMessageDetected",
        EnteringDistribution = "enteringDistribution",
        ForcedPause = "forcedPause",
        ForcedTransition = "forcedTransition",
        IncompatibleDestination = "incompatibleDestination",
        InterdigitTimeout = "interdigitTimeout",
        Intrude = "intrude",
        InvalidAccountCode = "invalidAccountCode",
        InvalidConnection = "invalidConnection",
        InvalidConnectionState = "invalidConnectionState",
        InvalidNumberFormat = "invalidNumberFormat",
        JoinCall = "joinCall",
        KeyOperation = "keyOperation",
        KeyOperationInUse = "keyOperationInUse",
        LawfulInterception = "lawfulInterception",
        Lockout = "lockout",
        Maintenance = "maintenance",
        MakeCall = "makeCall",
        MakeConnection = "makeConnection",
        MakePredictiveCall = "makePredictiveCall",
        MaxTimeout = "maxTimeout",
        MessageDurationExceeded = "messageDurationExceeded",
        MessageSizeExceeded = "messageSizeExceeded",
        MultipleAlerting = "multipleAlerting",
        MultipleQueuing = "multipleQueuing",
        NetworkCongestion = "networkCongestion",
        NetworkDialling = "networkDialling",
        NetworkNotObtainable = "networkNotObtainable",
        NetworkOutOfOrder = "networkOutOfOrder",
        NetworkSignal = "networkSignal",
        NewCall = "newCall",
        NextMessage = "nextMessage",
        NoAvailableAgents = "noAvailableAgents",
        Normal = "normal",
        NormalClearing = "normalClearing",
        NoAudioSaved = "noAudioSaved",
        NoQueue = "noQueue",
        NoRule = "noRule",
        NoSpeechDetected = "noSpeechDetected",
        NotAvailableBearerService = "notAvailableBearerService",
        NotSupportedBearerService = "notSupportedBearerService",
        NumberChanged = "numberChanged",
        NumberUnallocated = "numberUnallocated",
        OutOfGrammar = "outOfGrammar",
        Overflow = "overflow",
        Override = "override",
        Park = "park",
        PathReplacement = "pathReplacement",
        QueueCleared = "queueCleared",
        QueueTimeOverflow = "queueTimeOverflow",
        Recall = "recall",
        RecallBusy = "recallBusy",
        RecallForwarded = "recallForwarded",
        RecallNoAnswer = "recallNoAnswer",
        RecallResourcesNotAvailable = "recallResourcesNotAvailable",
        Redirected = "redirected",
        RemainsInQueue = "remainsInQueue",
        ReorderTone = "reorderTone",
        Reserved = "reserved",
        ResourcesNotAvailable = "resourcesNotAvailable",
        SelectedTrunkBusy = "selectedTrunkBusy",
        SilentParticipation = "silentParticipation",
        SingleStepConference = "singleStepConference",
        SingleStepTransfer = "singleStepTransfer",
        SpeechDetected = "speechDetected",
        Suspend = "suspend",
        SwitchingFunctionTerminated = "switchingFunctionTerminated",
        TerminationCharacterReceived = "terminationCharacterReceived",
        Timeout = "timeout",
        Transfer = "transfer",
        TrunksBusy = "trunksBusy",
        UnauthorisedBearerService = "unauthorisedBearerService",
        UnknownOverflow = "unknownOverflow",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_cause_is_read_back_as_itself() {
        assert_eq!(EventCause::ALL.len(), 120);
        for cause in EventCause::ALL {
            assert_eq!(&EventCause::from_word(Cow::Borrowed(cause.as_str())), cause);
        }
    }

    #[test]
    fn a_word_nobody_knows_is_kept() {
        assert_eq!(EventCause::from_word("ringing".into()).as_str(), "ringing");
        assert_eq!(DeviceCategory::from_word("other".into()).as_str(), "other");
    }

    #[test]
    fn words_in_use_beside_the_standard_are_read() {
        assert_eq!(LocalConnectionState::from_word("held".into()), LocalConnectionState::Hold);
        assert_eq!(SystemStatusValue::from_word("messageLost".into()), SystemStatusValue::MessagesLost);
    }

    #[test]
    fn words_are_read_in_any_case_and_cut_into_words() {
        for word in ["Normal Clearing", "NORMAL_CLEARING", "normal-clearing", "normalclearing"] {
            assert_eq!(EventCause::from_word(word.into()), EventCause::NormalClearing, "{word}");
        }
        assert_eq!(LocalConnectionState::from_word("HELD".into()), LocalConnectionState::Hold);
        assert_eq!(EventCause::from_word("DTMF digit detected".into()), EventCause::DTMFDigitDetected);
        assert_eq!(EventCause::from_word("_".into()), EventCause::Other("_".into()));
    }
}
