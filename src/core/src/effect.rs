//! What follows from an input.

use crate::adapter::ProviderCommand;
use crate::fact::ContactFact;
use crate::model::ids::{CommandId, ProviderId};
use crate::notification::Notification;

/// Something to be done after the input is journalled.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Effect {
    /// Tell JKC. Rendered right after the input it belongs to, so that it carries the object as it was then.
    Notify(Notification),
    /// Ask a provider.
    Execute {
        /// Which.
        provider: ProviderId,
        /// What.
        command: ProviderCommand,
    },
    /// A command has its outcome: whoever waits for it can be told.
    Completed(CommandId),
    /// A contact ended: what it came to, for the reports. Takes the place of an earlier one of the same contact.
    Fact(Box<ContactFact>),
}
