//! Who goes next: one lane a contact, one request in flight a lane, order kept within it.
//!
//! ```text
//!            offer                next                    delivered
//!   (none) ────────► ready ──────────────────► flying ─────────────────► ready, or gone when empty
//!                      ▲                         │ fail, refuse
//!                      └──────── parked ◄────────┘
//!                         due
//! ```
//!
//! Pure: times are arguments (milliseconds of any one clock), nothing is sent here. A ticket stands for one request;
//! its items stay at the head of their lanes until it is handed back, so nothing is lost with a request.

use std::collections::{BTreeSet, HashMap, VecDeque};

/// The lanes of one subscription.
#[derive(Debug)]
pub(crate) struct Lanes<T> {
    lanes: HashMap<u128, Lane<T>>,
    /// Lanes that may go, in the order in which they became ready.
    ready: VecDeque<u128>,
    /// Lanes that wait, by the time until which.
    parked: BTreeSet<(u64, u128)>,
    /// Items in all lanes.
    len: usize,
    /// Items in lanes that may go.
    ready_len: usize,
}

#[derive(Debug)]
struct Lane<T> {
    items: VecDeque<T>,
    place: Place,
    /// Failures of the item at the head.
    failures: u32,
    /// Refusals of the item at the head, sent alone.
    refusals: u32,
    /// So many items go alone, since a batch with them was refused and nobody said because of which.
    alone: usize,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    Ready,
    Parked(u64),
    Flying,
}

/// One request: the first items of some lanes. To be handed back exactly once.
#[derive(Debug, PartialEq, Eq)]
#[must_use]
pub(crate) struct Ticket(Vec<(u128, usize)>);

/// What to do with an item after a failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fate {
    /// Try again at this time.
    Again(u64),
    /// Give it up; the lane goes on.
    Dead,
}

impl<T> Default for Lanes<T> {
    fn default() -> Self {
        Self { lanes: HashMap::new(), ready: VecDeque::new(), parked: BTreeSet::new(), len: 0, ready_len: 0 }
    }
}

impl<T> Lanes<T> {
    /// Puts an item at the end of its lane.
    pub(crate) fn offer(&mut self, lane: u128, item: T) {
        let ready = &mut self.ready;
        let entry = self.lanes.entry(lane).or_insert_with(|| {
            ready.push_back(lane);
            Lane { items: VecDeque::new(), place: Place::Ready, failures: 0, refusals: 0, alone: 0 }
        });
        entry.items.push_back(item);
        self.len += 1;
        self.ready_len += usize::from(entry.place == Place::Ready);
    }

    /// The next request: from the lanes that have waited longest, at most `items_max` items, and at most
    /// `bytes_max` by `size` unless the first one is larger. `None` when no lane may go.
    pub(crate) fn next(
        &mut self,
        now: u64,
        items_max: usize,
        bytes_max: usize,
        size: impl Fn(&T) -> usize,
    ) -> Option<Ticket> {
        self.wake(now);
        let (mut parts, mut items, mut bytes) = (Vec::new(), 0, 0);
        while items < items_max
            && let Some(key) = self.ready.front().copied()
        {
            let Some(lane) = self.lanes.get_mut(&key) else {
                self.ready.pop_front();
                continue;
            };
            if lane.alone > 0 && items > 0 {
                break;
            }
            let most = if lane.alone > 0 { 1 } else { items_max - items };
            let mut count = 0;
            for item in lane.items.iter().take(most) {
                let size = size(item);
                if items + count > 0 && bytes + size > bytes_max {
                    break;
                }
                bytes += size;
                count += 1;
            }
            if count == 0 {
                break;
            }
            self.ready.pop_front();
            self.ready_len -= lane.items.len();
            lane.place = Place::Flying;
            parts.push((key, count));
            items += count;
            if lane.alone > 0 || count < lane.items.len() {
                break;
            }
        }
        (!parts.is_empty()).then_some(Ticket(parts))
    }

    /// The items of a request, in order per lane.
    pub(crate) fn items<'a>(&'a self, ticket: &'a Ticket) -> impl Iterator<Item = &'a T> {
        ticket.0.iter().flat_map(|(key, count)| {
            self.lanes.get(key).into_iter().flat_map(|lane| lane.items.iter().take(*count))
        })
    }

    /// The request arrived: its items.
    pub(crate) fn delivered(&mut self, ticket: Ticket) -> Vec<T> {
        let mut done = Vec::with_capacity(ticket.0.iter().map(|(_, count)| count).sum());
        for (key, count) in ticket.0 {
            let Some(lane) = self.lanes.get_mut(&key) else { continue };
            for _ in 0..count {
                done.extend(lane.pop());
                self.len -= 1;
            }
            self.release(key, None);
        }
        done
    }

    /// The request failed: `fate` says for each item from the head (and the failures of the head, this one
    /// included) whether it is tried again, which parks its lane, or given up. What was given up.
    pub(crate) fn fail(&mut self, ticket: Ticket, mut fate: impl FnMut(&T, u32) -> Fate) -> Vec<T> {
        let mut dead = Vec::new();
        for (key, count) in ticket.0 {
            let Some(lane) = self.lanes.get_mut(&key) else { continue };
            let mut until = None;
            for _ in 0..count {
                lane.failures = lane.failures.saturating_add(1);
                let Some(item) = lane.items.front() else { break };
                match fate(item, lane.failures) {
                    Fate::Again(due) => {
                        until = Some(due);
                        break;
                    }
                    Fate::Dead => {
                        dead.extend(lane.pop());
                        self.len -= 1;
                    }
                }
            }
            self.release(key, until);
        }
        dead
    }

    /// The receiver refused the request. A single item is tried `refusals_max` times (`due` after each), then given up
    /// and answered. Items of a batch go alone from now on, to find the one that is meant.
    pub(crate) fn refuse(
        &mut self,
        ticket: Ticket,
        refusals_max: u32,
        mut due: impl FnMut(u32) -> u64,
    ) -> Option<T> {
        let single = matches!(ticket.0.as_slice(), [(_, 1)]);
        let mut dead = None;
        for (key, count) in ticket.0 {
            let Some(lane) = self.lanes.get_mut(&key) else { continue };
            let mut until = None;
            if !single {
                lane.alone = lane.alone.max(count);
            } else if lane.refusals + 1 >= refusals_max {
                dead = lane.pop();
                self.len -= 1;
            } else {
                lane.refusals += 1;
                lane.failures = lane.failures.saturating_add(1);
                until = Some(due(lane.failures));
            }
            self.release(key, until);
        }
        dead
    }

    /// Hands a request back as if it had never been made.
    pub(crate) fn put_back(&mut self, ticket: Ticket) {
        for (key, _) in ticket.0 {
            self.release(key, None);
        }
    }

    /// Lanes that wait may go at once: the endpoint is back.
    pub(crate) fn wake_all(&mut self) {
        self.wake(u64::MAX);
    }

    /// When the next lane that waits may go.
    pub(crate) fn next_due(&self) -> Option<u64> {
        self.parked.first().map(|(due, _)| *due)
    }

    /// Items in all lanes, those in flight included.
    pub(crate) fn len(&self) -> usize {
        self.len
    }

    /// Items in lanes that may go now.
    pub(crate) fn ready_len(&mut self, now: u64) -> usize {
        self.wake(now);
        self.ready_len
    }

    fn wake(&mut self, now: u64) {
        while let Some((due, key)) = self.parked.first().copied() {
            if due > now {
                return;
            }
            self.parked.pop_first();
            if let Some(lane) = self.lanes.get_mut(&key) {
                lane.place = Place::Ready;
                self.ready_len += lane.items.len();
                self.ready.push_back(key);
            }
        }
    }

    /// Ends a lane's flight: it is removed when empty, waits until a time, or goes to the end of those that may go.
    fn release(&mut self, key: u128, until: Option<u64>) {
        let Some(lane) = self.lanes.get_mut(&key) else { return };
        if lane.items.is_empty() {
            self.lanes.remove(&key);
        } else if let Some(due) = until {
            lane.place = Place::Parked(due);
            self.parked.insert((due, key));
        } else {
            lane.place = Place::Ready;
            self.ready_len += lane.items.len();
            self.ready.push_back(key);
        }
    }
}

impl<T> Lane<T> {
    fn pop(&mut self) -> Option<T> {
        self.failures = 0;
        self.refusals = 0;
        self.alone = self.alone.saturating_sub(1);
        self.items.pop_front()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;

    fn one(lanes: &mut Lanes<u32>, now: u64) -> Option<(Ticket, Vec<u32>)> {
        let ticket = lanes.next(now, 1, usize::MAX, |_| 1)?;
        let items = lanes.items(&ticket).copied().collect();
        Some((ticket, items))
    }

    fn batch(lanes: &mut Lanes<u32>, items: usize, bytes: usize) -> (Ticket, Vec<u32>) {
        let ticket = lanes.next(0, items, bytes, |_| 1).expect("something may go");
        let items = lanes.items(&ticket).copied().collect();
        (ticket, items)
    }

    #[test]
    fn a_contact_waits_for_its_own_and_not_for_others() {
        let mut lanes = Lanes::default();
        for (lane, item) in [(1, 10), (1, 11), (2, 20)] {
            lanes.offer(lane, item);
        }
        let (first, items) = one(&mut lanes, 0).unwrap();
        assert_eq!(items, [10]);
        let (second, items) = one(&mut lanes, 0).unwrap();
        assert_eq!(items, [20]);
        assert!(one(&mut lanes, 0).is_none());
        assert!(lanes.fail(second, |_, failures| Fate::Again(u64::from(failures) * 100)).is_empty());
        assert_eq!((lanes.next_due(), lanes.len()), (Some(100), 3));
        assert_eq!(lanes.delivered(first), [10]);
        assert_eq!(one(&mut lanes, 99).unwrap().1, [11]);
        assert!(one(&mut lanes, 99).is_none());
        assert_eq!(one(&mut lanes, 100).unwrap().1, [20]);
    }

    #[test]
    fn a_refused_one_is_given_up_after_three_tries_and_the_lane_goes_on() {
        let mut lanes = Lanes::default();
        lanes.offer(1, 10);
        lanes.offer(1, 11);
        for (now, expected) in [(0, None), (5, None), (10, Some(10))] {
            let (ticket, items) = one(&mut lanes, now).unwrap();
            assert_eq!(items, [10]);
            assert_eq!(lanes.refuse(ticket, 3, |failures| u64::from(failures) * 5), expected);
        }
        assert_eq!(one(&mut lanes, 10).unwrap().1, [11]);
    }

    #[test]
    fn an_old_one_is_given_up_and_the_next_one_waits() {
        let mut lanes = Lanes::default();
        (0..3).for_each(|item| lanes.offer(1, item));
        let (ticket, items) = batch(&mut lanes, 3, 9);
        assert_eq!(items, [0, 1, 2]);
        let dead = lanes.fail(ticket, |item, _| if *item < 2 { Fate::Dead } else { Fate::Again(50) });
        assert_eq!((dead, lanes.next_due(), lanes.len()), (vec![0, 1], Some(50), 1));
    }

    #[test]
    fn a_batch_holds_several_contacts_and_keeps_their_order() {
        let mut lanes = Lanes::default();
        for (lane, item) in [(1, 10), (2, 20), (1, 11), (3, 30), (2, 21), (2, 22)] {
            lanes.offer(lane, item);
        }
        let (first, items) = batch(&mut lanes, 4, 100);
        assert_eq!(items, [10, 11, 20, 21]);
        let (second, items) = batch(&mut lanes, 4, 100);
        assert_eq!(items, [30], "22 has to wait for its contact");
        lanes.delivered(first);
        lanes.delivered(second);
        assert_eq!(batch(&mut lanes, 4, 100).1, [22]);
    }

    #[test]
    fn a_batch_has_a_size_but_one_item_always_fits() {
        let mut lanes = Lanes::default();
        (0..4).for_each(|item| lanes.offer(item.into(), item));
        assert_eq!(batch(&mut lanes, 10, 2).1, [0, 1]);
        assert_eq!(batch(&mut lanes, 10, 0).1, [2]);
    }

    #[test]
    fn the_culprit_of_a_refused_batch_is_found_alone() {
        let mut lanes = Lanes::default();
        for (lane, item) in [(1, 10), (1, 11), (2, 20)] {
            lanes.offer(lane, item);
        }
        let (mut ticket, _) = batch(&mut lanes, 10, 100);
        let (mut sent, mut dead) = (Vec::new(), Vec::new());
        loop {
            let items: Vec<u32> = lanes.items(&ticket).copied().collect();
            if items.contains(&11) {
                dead.extend(lanes.refuse(ticket, 3, |_| 0));
            } else {
                lanes.delivered(ticket);
            }
            sent.push(items);
            match lanes.next(0, 10, 100, |_| 1) {
                Some(next) => ticket = next,
                None => break,
            }
        }
        let expected: [&[u32]; 6] = [&[10, 11, 20], &[10], &[20], &[11], &[11], &[11]];
        assert_eq!((sent, dead), (expected.map(<[u32]>::to_vec).to_vec(), vec![11]));
    }

    #[derive(Debug, Clone)]
    enum Step {
        Offer(u8),
        Send(usize),
        Deliver(usize),
        Fail(usize, u8),
        Refuse(usize),
        PutBack(usize),
        Pass(u8),
        WakeAll,
    }

    fn step() -> impl Strategy<Value = Step> {
        prop_oneof![
            6 => (0..5_u8).prop_map(Step::Offer),
            6 => (1..8_usize).prop_map(Step::Send),
            4 => any::<usize>().prop_map(Step::Deliver),
            3 => (any::<usize>(), any::<u8>()).prop_map(|(which, n)| Step::Fail(which, n)),
            2 => any::<usize>().prop_map(Step::Refuse),
            1 => any::<usize>().prop_map(Step::PutBack),
            2 => any::<u8>().prop_map(Step::Pass),
            1 => Just(Step::WakeAll),
        ]
    }

    /// Lanes beside what is known from outside: which contacts are in flight, what each one still expects.
    #[derive(Default)]
    struct World {
        lanes: Lanes<(u128, u32)>,
        now: u64,
        offered: BTreeMap<u128, u32>,
        settled: BTreeMap<u128, u32>,
        flying: Vec<(Ticket, Vec<(u128, u32)>)>,
    }

    impl World {
        fn send(&mut self, items_max: usize) -> bool {
            let Some(ticket) = self.lanes.next(self.now, items_max, usize::MAX, |_| 1) else { return false };
            let items: Vec<_> = self.lanes.items(&ticket).copied().collect();
            assert!(!items.is_empty() && items.len() <= items_max);
            let mut next = self.settled.clone();
            for (lane, item) in &items {
                let others = self.flying.iter().flat_map(|(_, items)| items);
                assert!(others.into_iter().all(|(other, _)| other != lane), "two in flight for {lane}");
                let next = next.entry(*lane).or_default();
                assert_eq!(item, next, "order of {lane}");
                *next += 1;
            }
            self.flying.push((ticket, items));
            true
        }

        fn settle(&mut self, items: impl IntoIterator<Item = (u128, u32)>) {
            for (lane, item) in items {
                let next = self.settled.entry(lane).or_default();
                assert_eq!(item, *next, "settled out of order");
                *next += 1;
            }
        }

        fn take(&mut self, which: usize) -> Option<(Ticket, Vec<(u128, u32)>)> {
            (!self.flying.is_empty()).then(|| self.flying.swap_remove(which % self.flying.len()))
        }

        fn run(&mut self, step: &Step) {
            match *step {
                Step::Offer(lane) => {
                    let next = self.offered.entry(lane.into()).or_default();
                    self.lanes.offer(lane.into(), (lane.into(), *next));
                    *next += 1;
                }
                Step::Send(items_max) => _ = self.send(items_max),
                Step::Deliver(which) => {
                    if let Some((ticket, items)) = self.take(which) {
                        let done = self.lanes.delivered(ticket);
                        assert_eq!(done, items);
                        self.settle(done);
                    }
                }
                Step::Fail(which, n) => {
                    if let Some((ticket, _)) = self.take(which) {
                        let due = self.now + u64::from(n);
                        let dead = self
                            .lanes
                            .fail(ticket, |_, _| if n % 5 == 0 { Fate::Dead } else { Fate::Again(due) });
                        self.settle(dead);
                    }
                }
                Step::Refuse(which) => {
                    if let Some((ticket, _)) = self.take(which) {
                        let now = self.now;
                        let dead = self.lanes.refuse(ticket, 3, |failures| now + u64::from(failures));
                        self.settle(dead);
                    }
                }
                Step::PutBack(which) => {
                    if let Some((ticket, _)) = self.take(which) {
                        self.lanes.put_back(ticket);
                    }
                }
                Step::Pass(time) => self.now += u64::from(time),
                Step::WakeAll => self.lanes.wake_all(),
            }
            let open: u32 = self.offered.values().sum::<u32>() - self.settled.values().sum::<u32>();
            assert_eq!(self.lanes.len(), open as usize);
            assert!(self.lanes.ready_len(self.now) <= self.lanes.len());
        }
    }

    proptest! {
        /// Architecture, section 6: strictly in order per contact, parallel across contacts, nothing lost.
        #[test]
        fn one_in_flight_a_contact_in_order_and_nothing_lost(
            steps in proptest::collection::vec(step(), 0..200)
        ) {
            let mut world = World::default();
            steps.iter().for_each(|step| world.run(step));
            // Then the receiver is well again: everything that was not given up arrives.
            world.lanes.wake_all();
            loop {
                while world.send(3) {}
                if world.flying.is_empty() {
                    break;
                }
                world.run(&Step::Deliver(0));
            }
            prop_assert_eq!(&world.offered, &world.settled);
            prop_assert_eq!(world.lanes.len(), 0);
            prop_assert_eq!(world.lanes.ready_len(world.now), 0);
            prop_assert!(world.lanes.lanes.is_empty() && world.lanes.ready.is_empty());
        }
    }
}
