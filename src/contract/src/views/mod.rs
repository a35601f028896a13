//! Objects as they are shown.
//!
//! Each is made from the core's by borrowing: `CallView::of(&state, &call)`.

mod action;
mod agent;
mod audit;
mod availability;
mod call;
mod chat;
mod command;
mod contact;
mod device;
mod directory;
mod mail;
mod party;
mod provider;
mod queue;
mod recognition;
mod report;
mod route;
mod session;
mod snapshot;
mod stream;
mod token;
mod transfer;
mod webhook;

pub use action::{ActionName, ActionView, ReasonCode, ReasonView};
pub use agent::{AfterCallView, AgentStateView, AgentView, RegistrationView};
pub use audit::{AuditActorView, AuditRowView, ErasureView};
pub use availability::{
    AvailabilityReasonKind, AvailabilityReasonView, AvailabilitySource, AvailabilityState, AvailabilityView,
    CapacityView, ClaimKind, ClaimView, ProviderAgentStateName, ProviderAgentStateView, ReadinessView,
};
pub use call::{
    CallState, CallView, ConnectionState, ConnectionView, Direction, EndedView, PurposeKind, PurposeView,
};
pub use chat::{
    AgentChatView, AgentChatsView, AttachmentView, AttributeView, AuthorKind, AuthorView, BusyPolicy,
    CannedTextView, ChatActionName, ChatActionView, ChatEndedView, ChatFieldsView, ChatMessageView,
    ChatOfferView, ChatOverviewView, ChatQueueView, ChatRatingView, ChatReasonCode, ChatReasonView, ChatRole,
    ChatState, ChatView, ChoiceOptionView, ChoiceView, ChosenView, ContentView, EndReason,
    InternalMessageView, InternalTranscriptView, InviteeView, MessageDeliveryState, MessageDeliveryView,
    MessageReceiptView, OfferKind, OfferOutcome, OfflineMessageView, ParticipantView, PreferredAnswer,
    ProgramShow, PublicMessageView, PublicTranscriptView, QueueAvailabilityView, QueueFact, QueueFactView,
    QueueFactsView, RevokedBecause, ShownView, TextName, VisitAgentView, VisitAuthorView, VisitEndedView,
    VisitMessageView, VisitReceiptView, VisitState, VisitTypingView, VisitView, VisitorPresence,
    VisitorTypingView, VisitorView,
};
pub use command::{ActorView, CommandLinks, CommandState, CommandView};
pub(crate) use command::{agent_of_chat, allowed_now, is_visitors, refusal_of};
pub use contact::{ContactDetailView, ContactView};
pub use device::{DeviceKind, DeviceView, MonitorState, MonitorView};
pub use directory::{DirectoryEntryView, DirectoryHitView, EntryKind, ImportReportView, PresenceView};
pub use mail::{MailState, MailView};
pub use party::PartyView;
pub use provider::{
    CapabilitiesView, CounterView, LinkState, MonitorsView, ObservationsView, ProviderView,
    RefusedMessageView,
};
pub use queue::{
    AgentsByStateView, OpeningHoursView, QueueAgentView, QueueSummaryView, QueueView, QueuedCallerView,
    SituationView,
};
pub use recognition::{
    CustomerKind, CustomerNumberView, CustomerView, MatchKind, MatchRole, MatchView, NumberKind, NumberView,
    RecognitionStatus, RecognitionView,
};
pub use report::{
    DepartmentView, DurationView, Figure, FiguresView, GroupBy, ReportPeriodView, ReportRowView,
    ReportedContactView, RestView, ShareView, TelephonyReportView, TransferredView,
};
pub use route::{DecidedBy, RouteDecisionView, RouteState, RouteView};
pub use session::{DecisionView, LeaseView, SessionCause, SessionDecision, SessionState, SessionView};
pub use snapshot::SnapshotView;
pub use stream::{
    DeliveriesView, DeliveryState, DeliveryView, EventPage, OriginView, TimelineEntry, TimelineView,
};
pub use token::{CreatedToken, Scope, TokenView};
pub use transfer::{TransferKind, TransferState, TransferView};
pub use webhook::{
    AttemptView, CreatedSubscription, DeadLetterView, EndpointState, RedriveResult, SubscriptionView,
};

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A page of a collection.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Page<T> {
    /// The items, in the order of their ids.
    pub items: Vec<T>,
    /// Give this as `after` to get the next page; absent on the last one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub next: Option<String>,
}
