//! Kinds of problems: a status, a stable type, a title in English and in Dutch.

use schakel_core::command;

/// Where the types of the problems live.
pub const TYPE_BASE: &str = "https://schakel.nl/problems/";

macro_rules! problem_kinds {
    ($($(#[$doc:meta])* $name:ident = $status:literal, $slug:literal, $title:literal, $dutch:literal;)*) => {
        /// A kind of problem: a status, a stable type, a title.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum ProblemKind {
            $($(#[$doc])* $name,)*
        }

        impl ProblemKind {
            /// All of them.
            pub const ALL: &'static [ProblemKind] = &[$(ProblemKind::$name,)*];

            /// The HTTP status.
            pub const fn status(self) -> u16 {
                match self { $(ProblemKind::$name => $status,)* }
            }

            /// The stable URI of the kind.
            pub const fn type_uri(self) -> &'static str {
                match self { $(ProblemKind::$name => concat!("https://schakel.nl/problems/", $slug),)* }
            }

            /// A short text, the same for every occurrence.
            pub const fn title(self) -> &'static str {
                match self { $(ProblemKind::$name => $title,)* }
            }

            /// The same in Dutch, for a screen.
            pub const fn dutch_title(self) -> &'static str {
                match self { $(ProblemKind::$name => $dutch,)* }
            }
        }
    };
}

problem_kinds! {
    /// Invalid input; `errors` has all that is wrong.
    InvalidRequest = 400, "invalid-request", "The request is not valid", "De aanvraag is niet geldig";
    /// No token, or one that is unknown, expired or revoked.
    Unauthenticated = 401, "unauthenticated", "A valid access token is needed", "Een geldig toegangstoken is nodig";
    /// The token lacks a scope, or is bound to another agent.
    Forbidden = 403, "forbidden", "The access token does not allow this", "Het toegangstoken staat dit niet toe";
    /// No such path or object.
    NotFound = 404, "not-found", "Not found", "Niet gevonden";
    /// The path does not take this method.
    MethodNotAllowed = 405, "method-not-allowed", "The method is not allowed here", "Deze methode is hier niet toegestaan";
    /// None of the accepted media types can be given.
    NotAcceptable = 406, "not-acceptable", "None of the accepted media types can be given", "Geen van de gevraagde mediatypen kan worden gegeven";
    /// The request took too long to arrive.
    RequestTimeout = 408, "request-timeout", "The request took too long to arrive", "De aanvraag kwam te langzaam binnen";
    /// Another request with the same key is still running.
    StillRunning = 409, "still-running", "A request with this key is still running", "Een aanvraag met deze sleutel loopt nog";
    /// The object is not in a state that allows it.
    Conflict = 409, "conflict", "The state of the object does not allow this", "De toestand van het object staat dit niet toe";
    /// The cursor is older than what is kept.
    CursorGone = 410, "cursor-gone", "The cursor is older than what is kept", "De cursor is ouder dan wat wordt bewaard";
    /// It has ended and is not kept any more.
    Gone = 410, "gone", "It has ended and is not kept any more", "Het is beëindigd en wordt niet meer bewaard";
    /// The object has changed (`If-Match`).
    VersionMismatch = 412, "version-mismatch", "The object has changed meanwhile", "Het object is intussen veranderd";
    /// The body is larger than the limit.
    BodyTooLarge = 413, "body-too-large", "The body is too large", "De inhoud is te groot";
    /// The media type of the body cannot be read.
    UnsupportedMediaType = 415, "unsupported-media-type", "The media type of the body is not supported", "Het mediatype van de inhoud wordt niet ondersteund";
    /// The key was used before with another request.
    KeyReused = 422, "idempotency-key-reused", "The key was used before with another request", "De sleutel is eerder met een andere aanvraag gebruikt";
    /// Too many requests of this token.
    TooManyRequests = 429, "too-many-requests", "Too many requests", "Te veel aanvragen";
    /// A bug.
    Internal = 500, "internal", "Something went wrong inside schakel", "Er ging iets mis binnen schakel";
    /// Stopping, or more work than can be done.
    Unavailable = 503, "unavailable", "Schakel cannot do this now", "Schakel kan dit nu niet";

    /// The connection is not in a state that allows it.
    InvalidConnectionState = 409, "invalid-connection-state", "The call is not in a state that allows this", "De toestand van het gesprek staat dit niet toe";
    /// No such call.
    UnknownCall = 404, "unknown-call", "There is no such call", "Dit gesprek is er niet";
    /// No such device.
    UnknownDevice = 404, "unknown-device", "There is no such device here", "Dit toestel is er niet";
    /// No such transfer.
    UnknownTransfer = 404, "unknown-transfer", "There is no such transfer", "Deze doorverbinding is er niet";
    /// No such session.
    UnknownSession = 404, "unknown-session", "There is no such session", "Deze sessie is er niet";
    /// No such routing.
    UnknownRoute = 404, "unknown-route", "There is no such routing", "Deze routering is er niet";
    /// No such contact.
    UnknownContact = 404, "unknown-contact", "There is no such contact", "Dit contact is er niet";
    /// The session is not in a state that allows it.
    InvalidSessionState = 409, "invalid-session-state", "The session is not in a state that allows this", "De toestand van de sessie staat dit niet toe";
    /// The agent has another session open.
    SessionOpen = 409, "session-open", "The agent has another session open", "De medewerker heeft een andere sessie open";
    /// No such chat.
    UnknownChat = 404, "unknown-chat", "There is no such chat", "Deze chat is er niet";
    /// No such offer.
    UnknownOffer = 404, "unknown-offer", "There is no such offer", "Dit aanbod is er niet";
    /// No such chat queue.
    UnknownQueue = 404, "unknown-queue", "There is no such chat queue", "Deze chatwachtrij is er niet";
    /// The chat is not in a state that allows it.
    InvalidChatState = 409, "invalid-chat-state", "The chat is not in a state that allows this", "De toestand van de chat staat dit niet toe";
    /// The offer was answered, expired or taken away before.
    OfferClosed = 409, "offer-closed", "The offer is not open any more", "Het aanbod is niet meer open";
    /// The agent is not in the chat channel.
    NotInChannel = 409, "not-in-channel", "The agent is not in the chat channel", "De medewerker is niet in het chatkanaal";
    /// The agent does not take part in the chat.
    NotParticipant = 409, "not-participant", "The agent does not take part in the chat", "De medewerker neemt niet deel aan de chat";
    /// The last agent cannot leave a chat: invite another, or end it.
    LastAgent = 409, "last-agent", "The last agent cannot leave the chat", "De laatste medewerker kan de chat niet verlaten";
    /// One invitation at a time.
    InvitationOpen = 409, "invitation-open", "Another invitation is open", "Er is al een medewerker uitgenodigd";
    /// Whoever is asked for has no room for it, or cannot be reached.
    AgentNotAvailable = 409, "agent-not-available", "No agent is available for this", "Hiervoor is geen medewerker beschikbaar";
    /// Another message was sent under this id before.
    MessageConflict = 409, "message-conflict", "Another message was sent under this id", "Onder dit id is een ander bericht verstuurd";
    /// What was sent cannot be taken: empty, too large, of a kind that is not taken.
    InvalidContent = 422, "invalid-content", "What was sent cannot be taken", "Wat is verstuurd, kan niet worden aangenomen";
    /// Too much in too short a time.
    TooFast = 429, "too-fast", "Too much in too short a time", "Te veel in te korte tijd";
    /// It was decided otherwise before.
    AlreadyDecided = 409, "already-decided", "It was decided otherwise before", "Er is eerder anders besloten";
    /// No such provider.
    UnknownProvider = 404, "unknown-provider", "There is no such telephone system", "Deze centrale is er niet";
    /// The agent is registered nowhere.
    NotRegistered = 409, "not-registered", "The agent is not registered at a device", "De medewerker is niet aangemeld op een toestel";
    /// The destination is no number or cannot be reached.
    InvalidDestination = 422, "invalid-destination", "The destination cannot be called", "De bestemming kan niet worden gebeld";
    /// The provider cannot do it.
    NotSupported = 409, "not-supported", "This cannot be done here", "Dit kan hier niet";
    /// The provider does not permit it.
    NotPermitted = 409, "not-permitted", "The telephone system does not permit this now", "De centrale staat dit nu niet toe";
    /// The device is out of service.
    DeviceOutOfService = 409, "device-out-of-service", "The device is out of service", "Het toestel is buiten dienst";
    /// Something is busy.
    ResourceBusy = 409, "resource-busy", "The device or a line is busy", "Het toestel of een lijn is bezet";
    /// A limit of the provider is reached.
    LimitExceeded = 503, "limit-exceeded", "A limit is reached", "Een grens is bereikt";
    /// The link is down.
    LinkDown = 503, "link-down", "There is no link to the telephone system", "Er is geen verbinding met de centrale";
    /// No answer in time.
    Timeout = 504, "timeout", "The telephone system did not answer in time", "De centrale antwoordde niet op tijd";
    /// The other party has gone.
    PartyGone = 409, "party-gone", "The other party has gone", "De andere partij is weg";
    /// The provider refused for a reason of its own.
    ProviderRefused = 502, "provider-refused", "The telephone system refused", "De centrale weigerde";
    /// The daemon was restarted before an answer came.
    Interrupted = 503, "interrupted", "Schakel was restarted before an answer came", "Schakel is herstart voordat er antwoord kwam";
}

impl From<command::RefusalCause> for ProblemKind {
    fn from(cause: command::RefusalCause) -> Self {
        use command::RefusalCause as Cause;
        match cause {
            Cause::InvalidConnectionState => Self::InvalidConnectionState,
            Cause::UnknownCall => Self::UnknownCall,
            Cause::UnknownDevice => Self::UnknownDevice,
            Cause::UnknownTransfer => Self::UnknownTransfer,
            Cause::UnknownSession => Self::UnknownSession,
            Cause::UnknownRoute => Self::UnknownRoute,
            Cause::UnknownContact => Self::UnknownContact,
            Cause::InvalidSessionState => Self::InvalidSessionState,
            Cause::SessionOpen => Self::SessionOpen,
            Cause::UnknownChat => Self::UnknownChat,
            Cause::UnknownOffer => Self::UnknownOffer,
            Cause::UnknownQueue => Self::UnknownQueue,
            Cause::InvalidChatState => Self::InvalidChatState,
            Cause::OfferClosed => Self::OfferClosed,
            Cause::NotInChannel => Self::NotInChannel,
            Cause::NotParticipant => Self::NotParticipant,
            Cause::LastAgent => Self::LastAgent,
            Cause::InvitationOpen => Self::InvitationOpen,
            Cause::AgentNotAvailable => Self::AgentNotAvailable,
            Cause::MessageConflict => Self::MessageConflict,
            Cause::InvalidContent => Self::InvalidContent,
            Cause::TooFast => Self::TooFast,
            Cause::AlreadyDecided => Self::AlreadyDecided,
            Cause::UnknownProvider => Self::UnknownProvider,
            Cause::NotRegistered => Self::NotRegistered,
            Cause::InvalidDestination => Self::InvalidDestination,
            Cause::NotSupported => Self::NotSupported,
            Cause::NotPermitted => Self::NotPermitted,
            Cause::DeviceOutOfService => Self::DeviceOutOfService,
            Cause::ResourceBusy => Self::ResourceBusy,
            Cause::LimitExceeded => Self::LimitExceeded,
            Cause::LinkDown => Self::LinkDown,
            Cause::Timeout => Self::Timeout,
            Cause::VersionMismatch => Self::VersionMismatch,
            Cause::PartyGone => Self::PartyGone,
            Cause::ProviderRefused => Self::ProviderRefused,
            Cause::Interrupted => Self::Interrupted,
        }
    }
}
