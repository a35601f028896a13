//! What the operator may look at: counters, and the last messages that were refused.

use std::collections::{BTreeMap, VecDeque};

use schakel_core::adapter::{Observations, RefusedMessage};
use schakel_core::model::action::{Action, ActionSet};
use schakel_core::model::ids::Str;
use schakel_core::model::pii::Pii;
use schakel_core::model::time::Time;

/// Bytes of a refused message that are kept: enough to see what is wrong with it.
const KEPT_BYTES: usize = 8 * 1024;

/// Counters and refused messages of one adapter; they outlive its connections.
#[derive(Debug)]
pub(crate) struct Observed {
    counters: BTreeMap<&'static str, u64>,
    refused: VecDeque<RefusedMessage>,
    refused_max: usize,
    unsupported: ActionSet,
}

impl Observed {
    pub(crate) fn new(refused_max: usize) -> Self {
        Self {
            counters: BTreeMap::new(),
            refused: VecDeque::new(),
            refused_max,
            unsupported: ActionSet::EMPTY,
        }
    }

    pub(crate) fn count(&mut self, name: &'static str) {
        self.add(name, 1);
    }

    pub(crate) fn add(&mut self, name: &'static str, number: u64) {
        *self.counters.entry(name).or_insert(0) += number;
    }

    pub(crate) fn refuse(&mut self, at: Time, reason: Str, message: &[u8]) {
        self.count("messages_refused");
        if self.refused_max == 0 {
            return;
        }
        while self.refused.len() >= self.refused_max {
            self.refused.pop_front();
        }
        let kept = message.get(..KEPT_BYTES).unwrap_or(message).to_vec();
        self.refused.push_back(RefusedMessage { at, reason, message: Pii::new(kept) });
    }

    pub(crate) fn unsupported(&mut self, action: Action) {
        self.unsupported = self.unsupported.with(action);
    }

    pub(crate) fn observations(&self) -> Observations {
        Observations {
            counters: self.counters.iter().map(|(name, number)| (*name, *number)).collect(),
            refused: self.refused.iter().cloned().collect(),
            unsupported: self.unsupported,
        }
    }
}
