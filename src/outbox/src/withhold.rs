//! What a receiver does not get: numbers and names, where its subscription is without persons, or where a customer was
//! erased after the notification was made.
//!
//! What is personal in a notification the outbox does not know; whoever starts it says how to take that out.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::fmt;
use std::sync::{Arc, PoisonError, RwLock};

use schakel_journal::Notification;

use crate::settings::Subscription;

/// Gives a notification's JSON without numbers and names.
type Take = Arc<dyn Fn(&[u8]) -> Vec<u8> + Send + Sync>;

/// Takes personal data out of notifications. Clones share the contacts that were erased.
#[derive(Clone)]
pub struct Withhold {
    take: Take,
    erased: Arc<RwLock<BTreeSet<u128>>>,
}

impl Withhold {
    /// By this function.
    pub fn by(take: Take) -> Self {
        Self { take, erased: Arc::default() }
    }

    /// Of these contacts everything personal is taken out from now on, also of what waits in memory. After a restart
    /// the journal has no more of it.
    pub fn erase(&self, contacts: impl IntoIterator<Item = u128>) {
        self.erased.write().unwrap_or_else(PoisonError::into_inner).extend(contacts);
    }

    /// The payload for a subscription.
    pub(crate) fn payload<'a>(
        &self,
        notification: &'a Notification,
        subscription: &Subscription,
    ) -> Cow<'a, [u8]> {
        let is_erased = || {
            let erased = self.erased.read().unwrap_or_else(PoisonError::into_inner);
            notification.contact.is_some_and(|contact| erased.contains(&contact))
        };
        if !subscription.persons || is_erased() {
            return Cow::Owned((self.take)(&notification.payload));
        }
        Cow::Borrowed(&notification.payload)
    }
}

/// Takes out everything: whoever says nothing else shows nobody to those who may not see.
impl Default for Withhold {
    fn default() -> Self {
        Self::by(Arc::new(|_| b"{}".to_vec()))
    }
}

impl fmt::Debug for Withhold {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Withhold").finish_non_exhaustive()
    }
}
