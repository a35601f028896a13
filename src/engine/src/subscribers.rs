//! Which subscriptions a notification goes to.

use crate::handle::SubscriptionFilter;
use schakel_core::notification::Kind;
use std::collections::HashMap;
use std::sync::Arc;

/// The subscriptions, with the answer a kind remembered: there are few kinds and many notifications.
#[derive(Debug, Default)]
pub(crate) struct Subscribers {
    filters: Vec<SubscriptionFilter>,
    by_kind: HashMap<Kind, Arc<[u128]>>,
}

impl Subscribers {
    /// The subscriptions from now on.
    pub(crate) fn set(&mut self, filters: Vec<SubscriptionFilter>) {
        self.filters = filters;
        self.by_kind.clear();
    }

    /// The subscriptions that want a kind.
    pub(crate) fn of(&mut self, kind: Kind) -> Arc<[u128]> {
        let filters = &self.filters;
        self.by_kind
            .entry(kind)
            .or_insert_with(|| {
                filters.iter().filter(|filter| wants(filter, kind)).map(|filter| filter.id).collect()
            })
            .clone()
    }
}

fn wants(filter: &SubscriptionFilter, kind: Kind) -> bool {
    let name = kind.as_str();
    filter.kinds.is_empty()
        || filter.kinds.iter().any(|wanted| match wanted.strip_suffix('.') {
            Some(_) => name.starts_with(wanted.as_str()),
            None => wanted == name || wanted == kind.event_type(),
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn filter(kinds: &[&str]) -> SubscriptionFilter {
        SubscriptionFilter { id: 7, kinds: kinds.iter().map(ToString::to_string).collect() }
    }

    #[test]
    fn a_filter_names_a_kind_a_type_or_a_family() {
        for (kinds, wanted) in [
            (&[][..], true),
            (&["call.ringing"], true),
            (&["nl.schakel.call.ringing.v1"], true),
            (&["call."], true),
            (&["call.ended", "transfer."], false),
        ] {
            assert_eq!(wants(&filter(kinds), Kind::CallRinging), wanted, "{kinds:?}");
        }
    }

    #[test]
    fn a_new_list_replaces_what_was_remembered() {
        let mut subscribers = Subscribers::default();
        assert!(subscribers.of(Kind::CallHeld).is_empty());
        subscribers.set(vec![filter(&["call."])]);
        assert_eq!(*subscribers.of(Kind::CallHeld), [7]);
    }
}
