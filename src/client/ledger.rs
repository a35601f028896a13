//! What a receiver has received: each notification once, in order within its contact, and the picture that follows from it.

use super::Picture;
use schakel_contract::event::Event;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::Instant;
use uuid::Uuid;

/// So many notifications are kept to look back at.
const ENTRIES_MAX: usize = 100_000;

/// So many contacts are followed; the oldest are forgotten first.
const CONTACTS_MAX: usize = 100_000;

/// So many violations are kept in words; the rest are counted.
const VIOLATIONS_MAX: usize = 100;

/// What order is owed to this receiver.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Order {
    /// It has been subscribed to everything since before the first call: every contact begins at 1 and has no gap.
    Whole,
    /// It began in the middle: no gap after the first that it sees of a contact.
    #[default]
    FromFirstSeen,
    /// It asked for some kinds only: numbers rise.
    Rising,
}

/// A notification with the moment at which it arrived.
#[derive(Debug, Clone)]
pub struct Entry {
    /// The notification.
    pub event: Event,
    /// When it was received for the first time.
    pub at: Instant,
}

/// Counts of what was received.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    /// Requests with a signature that fits.
    pub verified: u64,
    /// Requests that were refused: signature, timestamp or shape.
    pub refused: u64,
    /// Requests that were turned away because this stand-in was told to misbehave.
    pub turned_away: u64,
    /// Notifications, each counted once.
    pub notifications: u64,
    /// Notifications that came again, as at-least-once delivery may.
    pub duplicates: u64,
    /// Breaches of order or of the envelope.
    pub violations: u64,
}

/// What was received.
#[derive(Debug, Default)]
pub struct Ledger {
    order: Order,
    entries: VecDeque<Entry>,
    /// How many entries were dropped before the first of `entries`.
    dropped: usize,
    seen: BTreeSet<Uuid>,
    contacts: BTreeMap<Uuid, Last>,
    picture: Picture,
    counts: Counts,
    violations: Vec<String>,
}

/// The last notification of a contact.
#[derive(Debug)]
struct Last {
    number: u64,
    sequence: String,
}

impl Ledger {
    /// Nothing received yet.
    pub fn new(order: Order) -> Self {
        Self { order, ..Self::default() }
    }

    /// Begins (again) with a picture from a snapshot: what comes next may begin in the middle of a contact.
    pub fn begin(&mut self, picture: Picture) {
        self.contacts.clear();
        self.picture = picture;
    }

    /// Takes in a verified notification. Gives whether it is new.
    pub fn receive(&mut self, event: Event, at: Instant) -> bool {
        if !self.seen.insert(event.id) {
            self.counts.duplicates += 1;
            return false;
        }
        self.counts.notifications += 1;
        self.check_envelope(&event);
        self.check_order(&event);
        self.picture.apply(&event);
        self.entries.push_back(Entry { event, at });
        if self.entries.len() > ENTRIES_MAX
            && let Some(oldest) = self.entries.pop_front()
        {
            self.dropped += 1;
            self.seen.remove(&oldest.event.id);
        }
        true
    }

    /// Counts a request.
    pub fn count(&mut self, count: impl FnOnce(&mut Counts)) {
        count(&mut self.counts);
    }

    /// The counts so far.
    pub const fn counts(&self) -> Counts {
        self.counts
    }

    /// The breaches of order, in words; the first hundred.
    pub fn violations(&self) -> &[String] {
        &self.violations
    }

    /// The calls, transfers and contacts as JKC has them now.
    pub const fn picture(&self) -> &Picture {
        &self.picture
    }

    /// The picture, to add what a reply said before the notification of it comes.
    pub const fn picture_mut(&mut self) -> &mut Picture {
        &mut self.picture
    }

    /// What was received from a mark on ([`Ledger::mark`]), oldest first.
    pub fn since(&self, mark: usize) -> impl DoubleEndedIterator<Item = &Entry> {
        self.entries.iter().skip(mark.saturating_sub(self.dropped))
    }

    /// The end of what was received so far.
    pub fn mark(&self) -> usize {
        self.dropped + self.entries.len()
    }

    /// The contacts that were heard of, each with the number of its last notification.
    pub fn contacts(&self) -> impl Iterator<Item = (Uuid, u64)> {
        self.contacts.iter().map(|(contact, last)| (*contact, last.number))
    }

    /// The number of a contact's last notification.
    pub fn last_number(&self, contact: Uuid) -> Option<u64> {
        self.contacts.get(&contact).map(|last| last.number)
    }

    fn check_envelope(&mut self, event: &Event) {
        let expected = format!("nl.schakel.{}.v1", event.data.change);
        if event.specversion != "1.0" {
            self.violation(format!("{}: specversion is {:?}, not 1.0", event.id, event.specversion));
        }
        if event.kind != expected {
            self.violation(format!("{}: the type is {:?}, its data says {expected:?}", event.id, event.kind));
        }
        let (contact, named) = (&event.data.contact, event.contactseq.is_some());
        if let Some(contact) = contact.as_ref().filter(|_| named)
            && (event.subject != format!("contacts/{}", contact.id)
                || event.partitionkey != contact.id.to_string())
        {
            self.violation(format!(
                "{}: subject and partition are not those of contact {}",
                event.id, contact.id
            ));
        }
    }

    fn check_order(&mut self, event: &Event) {
        let Some(number) = event.contactseq else { return };
        let Ok(contact) = event.partitionkey.parse::<Uuid>() else {
            let text = format!("{}: the partition {:?} is no contact", event.id, event.partitionkey);
            return self.violation(text);
        };
        let last = self.contacts.get(&contact);
        let expected = match (last, self.order) {
            (None, Order::Whole) => Some(1),
            (None, _) => None,
            (Some(last), Order::Rising) if number > last.number => None,
            (Some(last), _) => Some(last.number + 1),
        };
        let mut found = Vec::new();
        if let Some(expected) = expected.filter(|expected| *expected != number) {
            found.push(format!(
                "contact {contact}: {} has number {number} where {expected} was due",
                event.kind
            ));
        }
        // Twenty digits: the order of text is the order of the stream.
        if let Some(last) = last.filter(|last| *last.sequence >= *event.sequence) {
            found
                .push(format!("contact {contact}: sequence {} came after {}", event.sequence, last.sequence));
        }
        for text in found {
            self.violation(text);
        }
        let last = Last { number, sequence: event.sequence.to_string() };
        self.contacts.insert(contact, last);
        if self.contacts.len() > CONTACTS_MAX {
            // Ids are time-ordered.
            self.contacts.pop_first();
        }
    }

    fn violation(&mut self, text: String) {
        self.counts.violations += 1;
        if self.violations.len() < VIOLATIONS_MAX {
            self.violations.push(text);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::client::screen::tests::ringing;

    fn numbered(number: u64) -> Event {
        let mut event = ringing();
        event.id = Uuid::from_u128(event.id.as_u128() + u128::from(number));
        event.contactseq = Some(number);
        event.sequence = format!("{:020}", 100 + number).into();
        event
    }

    fn after(order: Order, numbers: &[u64]) -> Ledger {
        let mut ledger = Ledger::new(order);
        for number in numbers {
            ledger.receive(numbered(*number), Instant::now());
        }
        ledger
    }

    #[test]
    fn numbers_without_a_gap_are_in_order() {
        let ledger = after(Order::Whole, &[1, 2, 3]);
        assert_eq!(ledger.violations(), [] as [String; 0]);
        assert_eq!(ledger.counts().notifications, 3);
        let contact = ringing().partitionkey.parse().unwrap();
        assert_eq!(ledger.last_number(contact), Some(3));
    }

    #[test]
    fn a_gap_a_swap_and_a_late_beginning_are_counted() {
        assert_eq!(after(Order::Whole, &[1, 3]).counts().violations, 1, "a gap");
        assert!(after(Order::Whole, &[1, 3]).violations()[0].contains("number 3 where 2 was due"));
        // 2 before 1: the beginning, the number and the place in the stream are wrong.
        assert_eq!(after(Order::Whole, &[2, 1]).counts().violations, 3, "a swap");
        assert_eq!(after(Order::Whole, &[5]).counts().violations, 1, "a beginning that was missed");
        assert_eq!(after(Order::FromFirstSeen, &[5, 6]).counts().violations, 0);
        assert_eq!(after(Order::FromFirstSeen, &[5, 7]).counts().violations, 1);
        assert_eq!(after(Order::Rising, &[5, 9]).counts().violations, 0);
        assert_eq!(after(Order::Rising, &[9, 5]).counts().violations, 2);
    }

    #[test]
    fn what_comes_again_is_taken_once() {
        let ledger = after(Order::Whole, &[1, 1, 2, 1]);
        let counts = ledger.counts();
        assert_eq!((counts.notifications, counts.duplicates, counts.violations), (2, 2, 0));
        assert_eq!(ledger.since(1).count(), 1);
    }

    #[test]
    fn an_envelope_that_contradicts_itself_is_counted() {
        let mut event = numbered(1);
        event.kind = "nl.schakel.call.ended.v1".into();
        let mut ledger = Ledger::new(Order::Whole);
        ledger.receive(event, Instant::now());
        assert_eq!(ledger.counts().violations, 1);
        let mut event = numbered(2);
        event.subject = "contacts/other".into();
        ledger.receive(event, Instant::now());
        assert_eq!(ledger.counts().violations, 2);
    }
}
