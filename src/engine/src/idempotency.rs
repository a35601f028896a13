//! Idempotency keys that were accepted a moment ago.
//!
//! The journal has all of them; but two requests with one key that arrive together both find nothing there. The
//! engine sees them one after the other, so it is here that the second meets the first.

use crate::handle::Idempotency;
use schakel_core::model::ids::CommandId;
use schakel_core::model::time::{Millis, Time};
use std::collections::{HashMap, VecDeque};

/// Longer than any request waits between its look into the journal and its turn in the queue.
const KEPT: Millis = Millis::seconds(60);

#[derive(Debug, Default)]
pub(crate) struct Recent {
    by_key: HashMap<(String, String), (CommandId, [u8; 32])>,
    by_age: VecDeque<(Time, (String, String))>,
}

/// What is known of a key.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Seen {
    Never,
    Same(CommandId),
    Other,
}

impl Recent {
    pub(crate) fn look(&self, idempotency: &Idempotency) -> Seen {
        match self.by_key.get(&key(idempotency)) {
            None => Seen::Never,
            Some((id, fingerprint)) if *fingerprint == idempotency.fingerprint => Seen::Same(*id),
            Some(_) => Seen::Other,
        }
    }

    pub(crate) fn remember(&mut self, idempotency: &Idempotency, id: CommandId, now: Time) {
        while let Some((at, _)) = self.by_age.front()
            && now - *at > KEPT
        {
            if let Some((_, old)) = self.by_age.pop_front() {
                self.by_key.remove(&old);
            }
        }
        self.by_key.insert(key(idempotency), (id, idempotency.fingerprint));
        self.by_age.push_back((now, key(idempotency)));
    }
}

fn key(idempotency: &Idempotency) -> (String, String) {
    (idempotency.scope.clone(), idempotency.key.clone())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_second_of_two_meets_the_first_until_it_is_old() {
        let mut recent = Recent::default();
        let asked = Idempotency { scope: "a".into(), key: "1".into(), fingerprint: [1; 32] };
        let other = Idempotency { fingerprint: [2; 32], ..asked.clone() };
        assert_eq!(recent.look(&asked), Seen::Never);
        recent.remember(&asked, CommandId(5), Time(0));
        assert_eq!(recent.look(&asked), Seen::Same(CommandId(5)));
        assert_eq!(recent.look(&other), Seen::Other);
        recent.remember(&Idempotency { key: "2".into(), ..asked.clone() }, CommandId(6), Time(60_001));
        assert_eq!(recent.look(&asked), Seen::Never);
    }
}
