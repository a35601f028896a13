//! How the switch gives out call ids, and how it comes to give one out twice.

use serde::{Deserialize, Serialize};

use super::model::CallId;

/// How call ids look.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(tag = "style", rename_all = "kebab-case", deny_unknown_fields)]
pub enum CallIdStyle {
    /// Decimal numbers from `first` up to `last`, then again from `first`.
    Counter {
        /// The first one.
        #[serde(default = "one")]
        first: u32,
        /// The last one before it begins again.
        #[serde(default = "many")]
        last: u32,
    },
    /// 32 hexadecimal digits, as OpenScape Voice gives them.
    Hex32 {
        /// Changes the ids, not their look.
        #[serde(default)]
        seed: u64,
    },
}

const fn one() -> u32 {
    1
}

const fn many() -> u32 {
    i32::MAX as u32
}

impl Default for CallIdStyle {
    fn default() -> Self {
        Self::Counter { first: one(), last: many() }
    }
}

/// Gives out call ids.
#[derive(Clone, Debug)]
pub(super) struct CallIds {
    style: CallIdStyle,
    next: u64,
    last_freed: Option<CallId>,
    reuse: u32,
}

impl CallIds {
    pub(super) const fn new(style: CallIdStyle) -> Self {
        Self { style, next: 0, last_freed: None, reuse: 0 }
    }

    /// The next `count` calls get the id of the call that ended last, if it is free.
    pub(super) const fn reuse(&mut self, count: u32) {
        self.reuse = count;
    }

    /// Begins again, as after a cold start of the switch.
    pub(super) fn start_over(&mut self) {
        self.next = 0;
        self.last_freed = None;
    }

    pub(super) fn freed(&mut self, id: CallId) {
        self.last_freed = Some(id);
    }

    /// An id that `in_use` does not know.
    pub(super) fn allocate(&mut self, in_use: impl Fn(&CallId) -> bool) -> CallId {
        if self.reuse > 0
            && let Some(id) = self.last_freed.take()
            && !in_use(&id)
        {
            self.reuse -= 1;
            return id;
        }
        let range = self.range();
        for _ in 0..range.min(MOST_TRIES) {
            let id = self.compose(self.next % range);
            self.next = self.next.wrapping_add(1);
            if !in_use(&id) {
                return id;
            }
        }
        // Every id of a small range lives: leave the range rather than give one out twice.
        loop {
            let id = CallId::from((range + u64::from(u32::MAX) + self.next).to_string());
            self.next = self.next.wrapping_add(1);
            if !in_use(&id) {
                return id;
            }
        }
    }

    const fn range(&self) -> u64 {
        match self.style {
            CallIdStyle::Counter { first, last } => last.saturating_sub(first) as u64 + 1,
            CallIdStyle::Hex32 { .. } => u64::MAX,
        }
    }

    fn compose(&self, n: u64) -> CallId {
        match self.style {
            CallIdStyle::Counter { first, .. } => CallId::from((u64::from(first) + n).to_string()),
            CallIdStyle::Hex32 { seed } => {
                let low = mix(seed ^ n);
                let high = mix(seed.wrapping_add(n).rotate_left(17));
                CallId::from(format!("FF00{:012X}{low:016X}", high >> 16))
            }
        }
    }
}

/// So many ids in a row may be taken before the range counts as full.
const MOST_TRIES: u64 = 1 << 16;

/// Spreads a counter over 64 bits (the finaliser of SplitMix64): ids that look random and never repeat.
pub(crate) const fn mix(n: u64) -> u64 {
    let mut z = n.wrapping_add(0x9E37_79B9_7F4A_7C15);
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_counter_wraps_and_skips_calls_that_live() {
        let mut ids = CallIds::new(CallIdStyle::Counter { first: 1, last: 3 });
        let given: Vec<_> = (0..4).map(|_| ids.allocate(|_| false).to_string()).collect();
        assert_eq!(given, ["1", "2", "3", "1"]);
        assert_eq!(ids.allocate(|id| id.as_str() == "2").as_str(), "3");
        assert!(!["1", "2", "3"].contains(&ids.allocate(|id| id.as_str().len() == 1).as_str()));
    }

    #[test]
    fn hex_ids_have_32_digits_and_differ() {
        let mut ids = CallIds::new(CallIdStyle::Hex32 { seed: 7 });
        let (a, b) = (ids.allocate(|_| false), ids.allocate(|_| false));
        assert_eq!(a.as_str().len(), 32);
        assert!(a.as_str().starts_with("FF00"));
        assert_ne!(a, b);
    }

    #[test]
    fn an_id_is_reused_on_demand_only_when_it_is_free() {
        let mut ids = CallIds::new(CallIdStyle::default());
        let first = ids.allocate(|_| false);
        ids.freed(first.clone());
        ids.reuse(1);
        assert_eq!(ids.allocate(|_| false), first);
        ids.freed(first.clone());
        ids.reuse(1);
        assert_ne!(ids.allocate(|id| *id == first), first);
    }
}
