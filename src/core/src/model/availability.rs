//! One availability for telephone and chat (T02, rule 8).
//!
//! It is a pure function of the state (`apply/availability.rs`); an [`super::agent::Agent`] keeps the last one, so that
//! a change is noticed and told.

use super::chat_service::Show;
use super::ids::{CallId, ChatId, OfferId, SessionId, Str};
use super::time::Time;
use serde::{Deserialize, Serialize};

/// All that an agent can take.
pub const CAPACITY: u16 = 100;

/// What an agent is to routing, insight and reporting.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Availability {
    /// In one word; the strongest of the reasons.
    pub state: AvailabilityState,
    /// Every reason, strongest first, in the order of [`Because`]; empty for an agent who is simply available.
    pub reasons: Vec<Because>,
    /// The capacity ledger: who has taken how much of [`CAPACITY`].
    pub ledger: Vec<Claim>,
    /// A new call may be offered.
    pub takes_calls: bool,
    /// A new chat may be offered, while the ledger has room for it.
    pub takes_chats: bool,
    /// Since when the state is so.
    pub since: Time,
}

/// Availability in one word, strongest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum AvailabilityState {
    /// Sits nowhere, or the PBX has logged him off.
    Offline,
    /// The telephone cannot be reached: link down, out of service.
    Unreachable,
    /// Rings, dials or speaks.
    OnCall,
    /// In after-call work.
    AfterCall,
    /// Does not want calls now: a break, do-not-disturb, forwarding.
    NotReady,
    /// Works in a contact session without a call.
    InSession,
    /// Chats.
    Chatting,
    /// Free.
    Available,
}

/// A reason why an agent is not simply available.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Because {
    /// JKC has not registered him at a device.
    NotRegistered,
    /// The PBX has logged the agent off.
    LoggedOff,
    /// The link to the PBX is down.
    LinkDown,
    /// The device is out of service.
    OutOfService,
    /// A call rings, is dialled, goes on or holds at his device.
    Call(CallId),
    /// After-call work for this session; none where the PBX says so by itself.
    AfterCall(Option<SessionId>),
    /// JKC set him not ready, with its reason code.
    NotReady(Option<Str>),
    /// The PBX says not ready, with its reason.
    ProviderNotReady(Option<Str>),
    /// The device refuses calls.
    DoNotDisturb,
    /// The device's calls are forwarded.
    Forwarded,
    /// A session is open.
    Session(SessionId),
    /// He takes part in a chat.
    Chat(ChatId),
    /// A chat is offered to him.
    Offer(OfferId),
    /// He ignored too many offers in a row: no chats until JKC says that he is back.
    ChatPaused,
    /// His chat program says that he is away or busy: no chats.
    ChatShown(Show),
    /// He is in the chat channel and sits at no telephone: no calls.
    NoTelephone,
}

/// A share of an agent's capacity that is taken.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Claim {
    /// By whom.
    pub by: Claimant,
    /// Of [`CAPACITY`].
    pub share: u16,
}

/// Who takes capacity.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Claimant {
    /// A call: all of it.
    Call(CallId),
    /// After-call work: all of it.
    AfterCall,
    /// An open session: all of it.
    Session(SessionId),
    /// A chat in which he takes part: a share.
    Chat(ChatId),
    /// A chat that is offered to him: a share, so that what is offered fits when he takes it.
    Offer(OfferId),
}

impl Availability {
    /// What is left of [`CAPACITY`]; several calls take all of it once.
    pub fn room(&self) -> u16 {
        let taken = self.ledger.iter().fold(0_u16, |taken, claim| taken.saturating_add(claim.share));
        CAPACITY.saturating_sub(taken)
    }
}
