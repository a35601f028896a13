//! Providers: telephone systems with their links.

use super::ActionName;
use crate::Timestamp;
use crate::mirror::mirror;
use schakel_core::adapter::{Observations, RefusedMessage};
use schakel_core::model::provider::{self, Capabilities, Provider};
use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use utoipa::ToSchema;

mirror! {
    /// A provider's link.
    LinkState of provider::LinkState, "camelCase" {
        /// No connection.
        Down,
        /// A connection is being made.
        Connecting,
        /// Connected; what was missed is being looked up.
        Resyncing,
        /// Everything that is known of it is current.
        Up,
    }
}

/// One telephone system.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Provider)]
pub struct ProviderView<'a> {
    /// Its name in the configuration.
    pub id: Cow<'a, str>,
    /// The link.
    pub link: LinkState,
    /// Since when the link is so.
    pub since: Timestamp,
    /// Why the link is down, and what the operator should do.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub reason: Option<Cow<'a, str>>,
    /// What it can do.
    pub capabilities: CapabilitiesView<'a>,
    /// Its monitors.
    pub monitors: MonitorsView,
}

/// What a provider can do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Capabilities)]
pub struct CapabilitiesView<'a> {
    /// What can be asked of it.
    pub operations: Vec<ActionName>,
    /// Maker and product, where it tells.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub product: Option<Cow<'a, str>>,
    /// Takes a customer back in one step.
    pub reconnect: bool,
    /// Transfers cold in one step.
    pub single_step_transfer: bool,
    /// Can be asked what a device is doing, so that a lost link is repaired at once.
    pub snapshot_device: bool,
    /// It carries chats.
    #[serde(default)]
    pub chat: bool,
}

/// Monitors of a provider.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Monitors)]
pub struct MonitorsView {
    /// Running.
    pub active: u32,
    /// Refused by the provider.
    pub refused: u32,
}

/// What a provider's link has seen since the daemon started, as of the last second.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Observations)]
pub struct ObservationsView<'a> {
    /// Figures, sorted by name.
    pub counters: Vec<CounterView<'a>>,
    /// The last messages that were refused, oldest first.
    pub refused: Vec<RefusedMessageView<'a>>,
    /// What the telephone system turned out not to support.
    pub unsupported: Vec<ActionName>,
}

/// A figure.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Counter)]
pub struct CounterView<'a> {
    /// What was counted, such as `messages_received`.
    pub name: Cow<'a, str>,
    /// How often.
    pub count: u64,
}

/// A message of a telephone system that could not be understood.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = RefusedMessage)]
pub struct RefusedMessageView<'a> {
    /// When it came.
    pub at: Timestamp,
    /// What is wrong with it, and where.
    pub reason: Cow<'a, str>,
    /// The message, cut to a bound; U+FFFD stands for what is no UTF-8. It may hold telephone numbers and names.
    #[schema(extensions(("x-personal" = json!(true))))]
    pub text: Cow<'a, str>,
}

impl<'a> ObservationsView<'a> {
    /// Observations as they are shown.
    pub fn of(observations: &'a Observations) -> Self {
        let counter =
            |(name, count): &(&'static str, u64)| CounterView { name: Cow::Borrowed(name), count: *count };
        let refused = |message: &'a RefusedMessage| RefusedMessageView {
            at: message.at.into(),
            reason: Cow::Borrowed(&message.reason),
            text: String::from_utf8_lossy(message.message.expose()),
        };
        Self {
            counters: observations.counters.iter().map(counter).collect(),
            refused: observations.refused.iter().map(refused).collect(),
            unsupported: observations.unsupported.iter().map(Into::into).collect(),
        }
    }
}

impl<'a> ProviderView<'a> {
    /// A provider as it is shown.
    pub fn of(provider: &'a Provider) -> Self {
        Self {
            id: Cow::Borrowed(provider.id.as_str()),
            link: provider.link.into(),
            since: provider.since.into(),
            reason: provider.reason.as_deref().map(Cow::Borrowed),
            capabilities: CapabilitiesView::of(&provider.capabilities),
            monitors: MonitorsView { active: provider.monitors_active, refused: provider.monitors_refused },
        }
    }
}

impl<'a> CapabilitiesView<'a> {
    fn of(capabilities: &'a Capabilities) -> Self {
        Self {
            operations: capabilities.operations.iter().map(Into::into).collect(),
            product: capabilities.product.as_deref().map(Cow::Borrowed),
            reconnect: capabilities.reconnect,
            single_step_transfer: capabilities.single_step_transfer,
            snapshot_device: capabilities.snapshot_device,
            chat: capabilities.chat,
        }
    }
}
