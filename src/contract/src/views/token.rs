//! Access tokens.

use crate::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

macro_rules! scopes {
    ($($(#[$doc:meta])* $name:ident = $text:tt,)*) => {
        /// What a token may do.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema)]
        pub enum Scope {
            $($(#[$doc])* #[serde(rename = $text)] $name,)*
        }

        impl Scope {
            /// All of them.
            pub const ALL: &'static [Scope] = &[$(Scope::$name,)*];

            /// The outward name.
            pub const fn as_str(self) -> &'static str {
                match self { $(Scope::$name => $text,)* }
            }
        }
    };
}

scopes! {
    /// See calls, transfers, contacts and commands.
    CallsRead = "calls:read",
    /// Act on calls.
    CallsControl = "calls:control",
    /// See chats and what is said in them.
    ChatsRead = "chats:read",
    /// Take part in chats.
    ChatsControl = "chats:control",
    /// Watch chats unseen, remove them, and see those that were removed.
    ChatsManage = "chats:manage",
    /// Open chats for visitors, and speak for them.
    ChatsVisit = "chats:visit",
    /// See agents and devices.
    AgentsRead = "agents:read",
    /// Register agents, set devices.
    AgentsWrite = "agents:write",
    /// Open, park, resume and close contact sessions, and decide on them.
    SessionsWrite = "sessions:write",
    /// Decide where a call goes.
    RoutesDecide = "routes:decide",
    /// See reports.
    ReportsRead = "reports:read",
    /// Search colleagues and departments.
    DirectoryRead = "directory:read",
    /// Import and change the directory.
    DirectoryWrite = "directory:write",
    /// See whose numbers are recognised.
    RecognitionRead = "recognition:read",
    /// Switch the recognition of numbers on and off.
    RecognitionWrite = "recognition:write",
    /// Numbers and names are shown.
    PersonsRead = "persons:read",
    /// Read the audit log.
    AuditRead = "audit:read",
    /// Erase what is known of a customer.
    PrivacyErase = "privacy:erase",
    /// Read the event stream and the snapshot.
    EventsRead = "events:read",
    /// Manage subscriptions.
    WebhooksManage = "webhooks:manage",
    /// See telephone systems.
    ProvidersRead = "providers:read",
    /// Reconnect telephone systems.
    ProvidersManage = "providers:manage",
    /// Everything, and tokens.
    Admin = "admin",
}

/// An access token, without its secret.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Token)]
pub struct TokenView {
    /// The part before the dot.
    pub id: String,
    /// What it is for.
    pub name: String,
    /// What it may do.
    pub scopes: Vec<Scope>,
    /// The one agent that it may act for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub agent: Option<String>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it ends.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub expires_at: Option<Timestamp>,
}

/// A new token with its secret, shown this once.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct CreatedToken {
    /// The token.
    #[serde(flatten)]
    pub token: TokenView,
    /// The whole bearer token, `<id>.<secret>`: it is not kept and cannot be shown again.
    pub secret: String,
}
