//! What must be remembered of calls to speak of them again: how the PBX spells a
//! device in a call, and which call a linkage id was seen with. Bounded; the
//! oldest entries go first.

use std::collections::{BTreeMap, VecDeque};

use schakel_core::model::ids::{DeviceId, ProviderCallId, Str};

/// More connections than a PBX with 10,000 devices has at once.
const ENTRIES_MAX: usize = 20_000;

/// A map that forgets its oldest entries.
#[derive(Debug)]
struct Bounded<K, V> {
    entries: BTreeMap<K, V>,
    order: VecDeque<K>,
}

impl<K: Ord + Clone, V> Bounded<K, V> {
    fn new() -> Self {
        Self { entries: BTreeMap::new(), order: VecDeque::new() }
    }

    fn insert(&mut self, key: K, value: V) {
        if self.entries.insert(key.clone(), value).is_none() {
            self.order.push_back(key);
            if self.order.len() > ENTRIES_MAX
                && let Some(oldest) = self.order.pop_front()
            {
                self.entries.remove(&oldest);
            }
        }
    }
}

/// What is remembered of calls.
#[derive(Debug)]
pub(crate) struct Memory {
    spelling: Bounded<(Str, Str), Str>,
    device: Bounded<(Str, Str), DeviceId>,
    linkage: Bounded<Str, Str>,
}

impl Memory {
    pub(crate) fn new() -> Self {
        Self { spelling: Bounded::new(), device: Bounded::new(), linkage: Bounded::new() }
    }

    /// In `call`, the PBX calls `device` by the id `raw`.
    pub(crate) fn remember(&mut self, call: &Str, device: &DeviceId, raw: &str) {
        let key = (call.clone(), device.as_shared().clone());
        // Most PBXs use the plain number: nothing to keep, unless it was otherwise before.
        if raw == device.as_str() && !self.spelling.entries.contains_key(&key) {
            return;
        }
        let raw = Str::from(raw);
        self.spelling.insert(key, raw.clone());
        self.device.insert((call.clone(), raw), device.clone());
    }

    /// How the PBX spells `device` in `call`, where that is not its plain id.
    pub(crate) fn spelling(&self, call: &ProviderCallId, device: &DeviceId) -> Option<&str> {
        self.spelling.entries.get(&(call.as_shared().clone(), device.as_shared().clone())).map(|raw| &**raw)
    }

    /// The device that the PBX meant by `raw` in `call` before.
    pub(crate) fn device(&self, call: &Str, raw: &str) -> Option<&DeviceId> {
        if self.device.entries.is_empty() {
            return None;
        }
        self.device.entries.get(&(call.clone(), Str::from(raw)))
    }

    /// A global linkage id was seen with `call`; the other call that it was seen with before, if any.
    pub(crate) fn link(&mut self, global: &str, call: &Str) -> Option<Str> {
        let before = self.linkage.entries.get(global).filter(|before| *before != call).cloned();
        self.linkage.insert(Str::from(global), call.clone());
        before
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_spelling_is_kept_both_ways_and_a_plain_one_not_at_all() {
        let mut memory = Memory::new();
        let (call, device) = (Str::from("7"), DeviceId::from("2001"));
        memory.remember(&call, &device, "2001");
        assert_eq!(memory.spelling(&ProviderCallId::from(call.clone()), &device), None);
        memory.remember(&call, &device, "N<2001>");
        assert_eq!(memory.spelling(&ProviderCallId::from(call.clone()), &device), Some("N<2001>"));
        assert_eq!(memory.device(&call, "N<2001>"), Some(&device));
        memory.remember(&call, &device, "2001");
        assert_eq!(memory.spelling(&ProviderCallId::from(call), &device), Some("2001"));
    }

    #[test]
    fn the_oldest_is_forgotten_first() {
        let mut memory = Memory::new();
        for n in 0..=ENTRIES_MAX {
            memory.link(&n.to_string(), &Str::from("1"));
        }
        assert_eq!(memory.link("0", &Str::from("2")), None);
        assert_eq!(memory.link("5", &Str::from("2")), Some(Str::from("1")));
    }
}
