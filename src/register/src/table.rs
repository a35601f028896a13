//! The numbers that are switched on, in memory: a million with their names in some 70 MB.
//!
//! ```text
//! index (hash of the number → first entry) ─► entry { number, next of the same number, text } ─► text in an arena
//! ```
//!
//! A number costs 5 bytes of index and 16 of entry; a customer's text is kept once for all his numbers. A number that
//! is switched off is not in here at all, so nothing can tell it.

use hashbrown::HashTable;
use schakel_contract::E164;
use schakel_contract::views::CustomerKind;

/// No entry.
const NONE: u32 = u32::MAX;

/// Room of one piece of the arena: one is allocated at a time, so that growing copies nothing.
const CHUNK: usize = 1 << 20;

/// Bits of a place within a piece.
const CHUNK_BITS: u32 = 20;

/// Room for numbers that come one by one.
const SPARE: usize = 4_096;

/// More numbers than this take noticeably long to be put in a larger index.
const LARGE: usize = 50_000;

/// Where a text is: piece and place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct TextAt(u32);

#[derive(Debug, Clone, Copy)]
struct Entry {
    number: u64,
    next: u32,
    text: u32,
}

/// Who is behind a number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Known<'a> {
    /// Person or organisation.
    pub kind: CustomerKind,
    /// JKC's reference.
    pub reference: &'a str,
    /// The name.
    pub name: &'a str,
    /// Of a representative: the customer's reference; else empty.
    pub of: &'a str,
}

/// The table.
#[derive(Debug, Default)]
pub(crate) struct Table {
    index: HashTable<u32>,
    entries: Vec<Entry>,
    free: Vec<u32>,
    arena: Vec<Vec<u8>>,
    /// Bytes in the arena that nothing leads to any more.
    garbage: usize,
}

impl Table {
    /// An empty one with room for so many numbers, and for those that come.
    pub(crate) fn with_capacity(numbers: usize) -> Self {
        let numbers = numbers + numbers / 16 + SPARE;
        Self {
            index: HashTable::with_capacity(numbers),
            entries: Vec::with_capacity(numbers),
            ..Self::default()
        }
    }

    /// Keeps a text; `None` when the arena is full (4 GB) or the text is too long for it.
    pub(crate) fn text(&mut self, known: Known<'_>) -> Option<TextAt> {
        let parts = [known.reference, known.name, known.of];
        let mut head = [0_u8; HEAD];
        head[0] = known.kind as u8;
        for (at, part) in parts.iter().enumerate() {
            head[1 + at * 2..3 + at * 2].copy_from_slice(&u16::try_from(part.len()).ok()?.to_le_bytes());
        }
        let length = HEAD + parts.iter().map(|part| part.len()).sum::<usize>();
        if length > CHUNK {
            return None;
        }
        if self.arena.last().is_none_or(|chunk| chunk.len() + length > CHUNK) {
            self.arena.push(Vec::with_capacity(CHUNK));
        }
        let piece =
            u32::try_from(self.arena.len() - 1).ok().filter(|piece| *piece < 1 << (32 - CHUNK_BITS))?;
        let chunk = self.arena.last_mut()?;
        let at = piece << CHUNK_BITS | chunk.len() as u32;
        chunk.extend_from_slice(&head);
        for part in parts {
            chunk.extend_from_slice(part.as_bytes());
        }
        Some(TextAt(at))
    }

    /// Leads a number to a text.
    pub(crate) fn insert(&mut self, number: E164, text: TextAt) {
        let number = number.digits();
        let found = self.index.find_mut(hash(number), |at| of(&self.entries, *at) == Some(number));
        let next = found.as_ref().map_or(NONE, |at| **at);
        let entry = Entry { number, next, text: text.0 };
        let at = match self.free.pop() {
            Some(at) => {
                self.entries[at as usize] = entry;
                at
            }
            None => {
                self.entries.push(entry);
                (self.entries.len() - 1) as u32
            }
        };
        match found {
            Some(first) => *first = at,
            None => {
                let entries = &self.entries;
                self.index.insert_unique(hash(number), at, |at| hash(of(entries, *at).unwrap_or(0)));
            }
        }
    }

    /// A number does not lead to this customer any more.
    pub(crate) fn remove(&mut self, number: E164, reference: &str) {
        let number = number.digits();
        let Some(first) = self.find(number) else { return };
        let (mut kept, mut at, mut texts) = (Vec::new(), first, Vec::new());
        while let Some(entry) = self.entries.get(at as usize).copied() {
            if self.known(TextAt(entry.text)).is_some_and(|known| known.reference == reference) {
                self.free.push(at);
                texts.push(entry.text);
            } else {
                kept.push(at);
            }
            at = entry.next;
        }
        texts.sort_unstable();
        texts.dedup();
        for text in texts {
            self.garbage += self
                .known(TextAt(text))
                .map_or(0, |known| HEAD + known.reference.len() + known.name.len() + known.of.len());
        }
        for (place, at) in kept.iter().enumerate() {
            self.entries[*at as usize].next = kept.get(place + 1).copied().unwrap_or(NONE);
        }
        let entries = &self.entries;
        if let Ok(mut slot) = self.index.find_entry(hash(number), |at| of(entries, *at) == Some(number)) {
            match kept.first() {
                Some(first) => *slot.get_mut() = *first,
                None => drop(slot.remove()),
            }
        }
    }

    /// Everybody behind a number, the newest first, until `each` says that it is enough.
    pub(crate) fn look_up<'a>(&'a self, number: E164, mut each: impl FnMut(Known<'a>) -> bool) {
        let mut at = self.find(number.digits()).unwrap_or(NONE);
        while let Some(entry) = self.entries.get(at as usize) {
            if self.known(TextAt(entry.text)).is_some_and(|known| !each(known)) {
                return;
            }
            at = entry.next;
        }
    }

    /// Numbers that lead somewhere; one that leads to two customers counts twice.
    pub(crate) fn len(&self) -> usize {
        self.entries.len() - self.free.len()
    }

    /// Whether the table is better made anew, beside the one that is looked up in: so much of the text is dead, or the
    /// next numbers would make a large index grow, which takes a tenth of a second that an event would wait.
    pub(crate) fn is_worn(&self) -> bool {
        let is_full = self.len() > LARGE && self.index.len() + SPARE / 4 > self.index.capacity();
        is_full || self.garbage > 4 * CHUNK && self.garbage > self.arena.len() * CHUNK / 2
    }

    /// Bytes that it has asked of the allocator.
    pub(crate) fn bytes(&self) -> usize {
        let arena: usize = self.arena.iter().map(Vec::capacity).sum();
        self.index.allocation_size()
            + self.entries.capacity() * size_of::<Entry>()
            + self.free.capacity() * 4
            + arena
    }

    fn find(&self, number: u64) -> Option<u32> {
        self.index.find(hash(number), |at| of(&self.entries, *at) == Some(number)).copied()
    }

    fn known(&self, text: TextAt) -> Option<Known<'_>> {
        let chunk = self.arena.get((text.0 >> CHUNK_BITS) as usize)?;
        let record = chunk.get((text.0 & (CHUNK as u32 - 1)) as usize..)?;
        let (head, mut rest) = record.split_first_chunk::<HEAD>()?;
        let mut part = |at: usize| {
            let length = u16::from_le_bytes([head[at], head[at + 1]]).into();
            let (part, after) = rest.split_at_checked(length)?;
            rest = after;
            std::str::from_utf8(part).ok()
        };
        let kind = if head[0] == CustomerKind::Person as u8 {
            CustomerKind::Person
        } else {
            CustomerKind::Organisation
        };
        Some(Known { kind, reference: part(1)?, name: part(3)?, of: part(5)? })
    }
}

/// Kind, and the lengths of three texts.
const HEAD: usize = 7;

fn of(entries: &[Entry], at: u32) -> Option<u64> {
    entries.get(at as usize).map(|entry| entry.number)
}

/// The finaliser of SplitMix64: numbers differ in their last digits, and the index uses the first bits.
fn hash(number: u64) -> u64 {
    let mut mixed = number.wrapping_add(0x9e37_79b9_7f4a_7c15);
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeSet;

    fn number(last: u64) -> E164 {
        E164::from_digits(31_600_000_000 + last).unwrap()
    }

    fn person<'a>(reference: &'a str, name: &'a str) -> Known<'a> {
        Known { kind: CustomerKind::Person, reference, name, of: "" }
    }

    fn references(table: &Table, number: E164) -> BTreeSet<String> {
        let mut found = BTreeSet::new();
        table.look_up(number, |known| found.insert(known.reference.to_owned()));
        found
    }

    #[test]
    fn t10_a_household_shares_a_number() {
        let mut table = Table::default();
        for reference in ["a", "b", "c"] {
            let text = table.text(person(reference, "de Vries")).unwrap();
            table.insert(number(1), text);
        }
        assert_eq!(references(&table, number(1)).len(), 3);
        table.remove(number(1), "b");
        assert_eq!(references(&table, number(1)), BTreeSet::from(["a".to_owned(), "c".to_owned()]));
        assert_eq!(references(&table, number(2)), BTreeSet::new());
        let mut told = 0;
        table.look_up(number(1), |_| {
            told += 1;
            false
        });
        assert_eq!(told, 1, "it stops when it is enough");
    }

    #[test]
    fn a_large_one_is_made_anew_before_its_index_grows() {
        let mut table = Table::with_capacity(LARGE);
        let text = table.text(person("K-1", "naam")).unwrap();
        let room = table.index.capacity();
        let mut last = 0;
        while !table.is_worn() {
            last += 1;
            table.insert(number(last), text);
        }
        assert!(last as usize > LARGE, "it has room for what comes");
        assert_eq!(table.index.capacity(), room, "and says so while it has");
        assert!(!Table::with_capacity(table.len()).is_worn());
    }

    proptest! {
        /// Against a set of pairs, over any order of changes.
        #[test]
        fn t10_it_knows_what_a_set_knows(changes in proptest::collection::vec((any::<bool>(), 0_u64..6, 0_u8..5), 0..80)) {
            let (mut table, mut model) = (Table::default(), BTreeSet::new());
            for (put, last, reference) in changes {
                let reference = format!("K{reference}");
                // As the register does it: what was there of the customer goes first.
                table.remove(number(last), &reference);
                model.remove(&(last, reference.clone()));
                if put {
                    let text = table.text(person(&reference, "naam")).unwrap();
                    table.insert(number(last), text);
                    model.insert((last, reference));
                }
                for last in 0..6 {
                    let expected: BTreeSet<_> = model.iter().filter(|(at, _)| *at == last).map(|(_, name)| name.clone()).collect();
                    prop_assert_eq!(references(&table, number(last)), expected);
                }
                prop_assert_eq!(table.len(), model.len());
            }
        }
    }
}
