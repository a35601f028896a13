//! The state of one organisation.

use crate::command::CommandRecord;
use crate::model::agent::Agent;
use crate::model::call::Call;
use crate::model::chat::Chat;
use crate::model::contact::Contact;
use crate::model::device::Device;
use crate::model::ids::{
    AgentId, CallId, ChatId, ChatServiceId, CommandId, ContactId, DeviceId, OfferId, OrganisationId,
    ProviderCallId, ProviderChatId, ProviderId, QueueId, RouteId, SessionId, Str, TransferId,
};
use crate::model::provider::Provider;
use crate::model::route::Route;
use crate::model::session::Session;
use crate::model::time::Time;
use crate::model::transfer::Transfer;
use crate::settings::Settings;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet, VecDeque};

/// Everything that is known now. Only [`crate::apply`] changes it.
///
/// Invariants (checked by property tests):
/// * every id that an object names is there, or was forgotten together with what it belonged to;
/// * `by_provider_call` points to live calls, and to ended ones until they are forgotten;
/// * at most one transfer that is not terminal a call;
/// * every deadline in `deadlines` belongs to an object that is there.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct State {
    /// Whose state.
    pub organisation: OrganisationId,
    /// What the configuration says.
    pub settings: Settings,
    /// The providers.
    pub providers: BTreeMap<ProviderId, Provider>,
    /// Our devices, by provider and device.
    pub devices: BTreeMap<ProviderId, BTreeMap<DeviceId, Device>>,
    /// Live calls, and those that ended a short while ago.
    pub calls: BTreeMap<CallId, Call>,
    /// Their contacts.
    pub contacts: BTreeMap<ContactId, Contact>,
    /// Their transfers.
    pub transfers: BTreeMap<TransferId, Transfer>,
    /// Commands under way, and those that ended a short while ago.
    pub commands: BTreeMap<CommandId, CommandRecord>,
    /// Users who have registered.
    pub agents: BTreeMap<AgentId, Agent>,
    /// Contact sessions: open and parked ones, and those that were closed a short while ago.
    pub sessions: BTreeMap<SessionId, Session>,
    /// Routings under way, and those that ended a short while ago.
    pub routes: BTreeMap<RouteId, Route>,
    /// A PBX's id of a routeing dialogue to ours, while the dialogue goes on.
    pub by_dialogue: BTreeMap<ProviderId, BTreeMap<Str, RouteId>>,
    /// A provider's call id to ours. Several may lead to one call after a transfer.
    pub by_provider_call: BTreeMap<ProviderId, BTreeMap<ProviderCallId, CallId>>,
    /// Chats that are not over, and those that ended a short while ago.
    pub chats: BTreeMap<ChatId, Chat>,
    /// A provider's conversation to its live chat; to the one that ended last until that is forgotten, or another is
    /// opened: what became of its last words is still told.
    pub by_conversation: BTreeMap<ProviderId, BTreeMap<ProviderChatId, ChatId>>,
    /// Live chats in which an agent takes part, and offers that are out to him.
    pub of_agent: BTreeMap<AgentId, AgentChats>,
    /// Chats that wait in a queue, in the order in which they are served.
    pub waiting: BTreeMap<QueueId, BTreeSet<(Time, ChatId)>>,
    /// What of each chat provider has been read.
    pub archives: BTreeMap<ProviderId, ArchiveRead>,
    /// When to look again, and at what.
    pub deadlines: BTreeSet<(Time, Deadline)>,
    /// The moment of each deadline in `deadlines`, so that one can be moved or taken away.
    pub armed: BTreeMap<Deadline, Time>,
    /// What goes on at each device, ours or not: so that an event never searches all calls.
    pub at_device: BTreeMap<ProviderId, BTreeMap<DeviceId, AtDevice>>,
    /// Devices that are not configured any more but still have a live call.
    pub unconfigured: BTreeSet<(ProviderId, DeviceId)>,
    /// What did not fit, counted (rule 1).
    pub counters: Counters,
}

/// What goes on at one device. An entry without anything is taken away.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct AtDevice {
    /// Live calls in which the device takes part, oldest first.
    pub calls: Vec<CallId>,
    /// Commands under way, and those that succeeded while the event that they bring about has not come yet.
    pub commands: Vec<CommandId>,
    /// Transfers from this device that have not ended.
    pub transfers: Vec<TransferId>,
}

/// What an agent has of chats. An entry without anything is taken away.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct AgentChats {
    /// Live chats in which he takes part; those that he watches are not among them.
    pub chats: BTreeSet<ChatId>,
    /// Offers and invitations that are out to him.
    pub offers: BTreeMap<OfferId, ChatId>,
}

/// What has been read of a chat provider.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct ArchiveRead {
    /// The last entry of each archive, by whose it is. Bounded by [`ARCHIVES_KEPT`].
    pub positions: BTreeMap<Str, Str>,
    /// What was heard last, over all conversations, oldest first: a provider may tell again what belongs to a chat that
    /// has ended. FNV-1a of its keys, which have the names of visitors in them, and of its words. Bounded by
    /// [`HEARD_KEPT`].
    pub heard: VecDeque<u64>,
    /// The same, to look up.
    pub known: BTreeSet<u64>,
}

/// Archives of a provider whose last entry is kept, beside our own account's: each room that a visitor invites us to has
/// one. A room whose place is forgotten is read from a little before, and what was heard there is known by its keys.
pub const ARCHIVES_KEPT: usize = 20_000;

/// Keys that are kept of a provider beside those of live chats: more than a server sends again after a lost link.
pub const HEARD_KEPT: usize = 20_000;

/// What to look at when a deadline comes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Deadline {
    /// The provider has not answered.
    Command(CommandId),
    /// A finished command is forgotten.
    ForgetCommand(CommandId),
    /// A stale call is ended.
    StaleCall(CallId),
    /// An ended call is forgotten, and with the last call its contact and transfers.
    ForgetCall(CallId),
    /// A held customer whose transfer failed is taken back.
    HeldReturn(TransferId),
    /// Devices that still ring though the call is answered are told "answered elsewhere".
    AnsweredElsewhere(CallId),
    /// A session's lease or grace period runs out (rule 9).
    SessionLease(SessionId),
    /// A closed or long parked session is forgotten.
    ForgetSession(SessionId),
    /// JKC has not said where a call goes.
    Route(RouteId),
    /// An ended routing is forgotten.
    ForgetRoute(RouteId),
    /// A call without any device of ours, after it was diverted or transferred away, is ended here.
    Adrift(CallId),
    /// An offer or an invitation has not been answered.
    Offer(OfferId),
    /// Somebody may take a waiting chat again: a rejecter has cooled down.
    Distribute(ChatId),
    /// A visitor has waited long enough.
    ChatWait(ChatId),
    /// Nobody has said anything: the visitor is warned, then the chat ends.
    ChatSilence(ChatId),
    /// A visitor who went away has not come back.
    VisitorGrace(ChatId),
    /// An ended chat is archived.
    ChatWrap(ChatId),
    /// A chat that is over is forgotten, and with it its contact.
    ForgetChat(ChatId),
    /// The heartbeats of an agent in the chat channel, and the grace period after them.
    ChatLease(ChatServiceId),
}

/// Counters of what did not fit. A report without an edge is believed, and counted here.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Counters {
    /// Reports without an edge in the connection table.
    pub unexpected_reports: u64,
    /// Reports that told what was known already: a second monitor, a doubled event.
    pub repeated_reports: u64,
    /// Answers to no command under way.
    pub late_replies: u64,
    /// Call ids that the PBX gave to another call while the old one was believed alive.
    pub ids_reused: u64,
    /// Calls that only a snapshot showed.
    pub calls_reconstructed: u64,
    /// Reports about a provider that is not configured.
    pub unknown_providers: u64,
    /// Chat messages that were told again and dropped by their keys.
    pub repeated_messages: u64,
    /// What visitors sent and was refused: too fast, too large, too many.
    pub refused_messages: u64,
    /// Reports about conversations that are not known, or not any more.
    pub unknown_conversations: u64,
}

impl State {
    /// Nothing known yet.
    pub fn new(organisation: OrganisationId) -> Self {
        Self {
            organisation,
            settings: Settings::default(),
            providers: BTreeMap::new(),
            devices: BTreeMap::new(),
            calls: BTreeMap::new(),
            contacts: BTreeMap::new(),
            transfers: BTreeMap::new(),
            commands: BTreeMap::new(),
            agents: BTreeMap::new(),
            sessions: BTreeMap::new(),
            routes: BTreeMap::new(),
            by_dialogue: BTreeMap::new(),
            by_provider_call: BTreeMap::new(),
            chats: BTreeMap::new(),
            by_conversation: BTreeMap::new(),
            of_agent: BTreeMap::new(),
            waiting: BTreeMap::new(),
            archives: BTreeMap::new(),
            deadlines: BTreeSet::new(),
            armed: BTreeMap::new(),
            at_device: BTreeMap::new(),
            unconfigured: BTreeSet::new(),
            counters: Counters::default(),
        }
    }

    /// When an [`crate::input::InputBody::Tick`] is due, if nothing else happens before.
    pub fn next_deadline(&self) -> Option<Time> {
        self.deadlines.first().map(|(at, _)| *at)
    }

    /// A device of ours.
    pub fn device(&self, provider: &ProviderId, device: &DeviceId) -> Option<&Device> {
        self.devices.get(provider)?.get(device)
    }

    /// The call that a provider's id means now.
    pub fn call_of(&self, provider: &ProviderId, call: &ProviderCallId) -> Option<&Call> {
        self.calls.get(self.by_provider_call.get(provider)?.get(call)?)
    }

    /// The chat of a provider's conversation: the live one, or else the one that ended last.
    pub fn chat_of(&self, provider: &ProviderId, chat: &ProviderChatId) -> Option<&Chat> {
        self.chats.get(self.by_conversation.get(provider)?.get(chat)?)
    }
}
