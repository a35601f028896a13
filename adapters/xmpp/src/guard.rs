//! What is kept out, and what the operator sees of it.

use std::collections::{BTreeMap, VecDeque};

use schakel_core::adapter::{Observations, Output, RefusedMessage};
use schakel_core::model::pii::Pii;
use schakel_core::model::time::{Millis, Time};
use xmpp_parsers::jid::Jid;
use xmpp_parsers::minidom::Element;

use crate::session::Xmpp;
use crate::wire::{self, Condition};

/// The window in which a sender's stanzas are counted.
const WINDOW: Millis = Millis::seconds(10);
/// What a server kept for us comes all at once. Whoever says of his own words that they are old gains little.
const KEPT_TIMES: u32 = 20;
/// Senders that are counted at a time: beyond it all counting begins anew.
const SENDERS_MAX: usize = 20_000;
/// Bytes of a refused stanza that are kept.
const KEPT_BYTES: usize = 2_000;

/// Counters and the last refused stanzas.
#[derive(Debug, Default)]
pub(crate) struct Observed {
    counters: BTreeMap<&'static str, u64>,
    refused: VecDeque<RefusedMessage>,
}

impl Observed {
    /// One more.
    pub(crate) fn count(&mut self, what: &'static str) {
        *self.counters.entry(what).or_default() += 1;
    }

    /// For the operator.
    pub(crate) fn show(&self) -> Observations {
        Observations {
            counters: self.counters.iter().map(|(name, count)| (*name, *count)).collect(),
            refused: self.refused.iter().cloned().collect(),
            ..Observations::default()
        }
    }
}

/// How much each sender sent lately.
#[derive(Debug, Default)]
pub(crate) struct Senders(BTreeMap<String, (Time, u32)>);

/// Whether one more is taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Pace {
    /// It is.
    Fine,
    /// It is the first too much in this window: he is told.
    TooMuch,
    /// He has been told.
    Told,
}

impl Senders {
    pub(crate) fn pace(&mut self, sender: &str, burst: u32, now: Time) -> Pace {
        if self.0.len() >= SENDERS_MAX && !self.0.contains_key(sender) {
            self.0.retain(|_, (since, _)| now - *since < WINDOW);
            if self.0.len() >= SENDERS_MAX {
                self.0.clear();
            }
        }
        let (since, count) = self.0.entry(sender.to_owned()).or_insert((now, 0));
        if now - *since >= WINDOW {
            (*since, *count) = (now, 0);
        }
        *count = count.saturating_add(1);
        match (*count).cmp(&burst.saturating_add(1)) {
            std::cmp::Ordering::Less => Pace::Fine,
            std::cmp::Ordering::Equal => Pace::TooMuch,
            std::cmp::Ordering::Greater => Pace::Told,
        }
    }
}

impl Xmpp {
    /// Whether a stanza is taken at all: its size, its sender's pace. What we asked our own server for is not counted.
    pub(crate) fn is_bearable(&mut self, stanza: &Element, from: Option<&Jid>) -> bool {
        let limit = self.settings.limits.stanza_bytes;
        if wire::size(stanza, limit) > limit {
            let reason = format!("a stanza of more than {limit} bytes");
            self.refuse(stanza, &reason, Some(&wire::POLICY_VIOLATION));
            return false;
        }
        let Some(from) = from else { return true };
        let trusted =
            from.domain() == self.own.bare.domain() && from.node().is_none() || self.own.is_ours(from);
        if trusted || self.link.rooms.contains_key(&from.to_bare()) && from.resource().is_none() {
            return true;
        }
        // In a room each occupant is a sender; elsewhere all programs of one user are.
        let bare = from.to_bare();
        let sender = if self.link.is_room(&bare) { from.to_string() } else { bare.to_string() };
        let burst = self.settings.limits.burst;
        let kept = wire::message::delay(stanza).is_some();
        let (sender, burst) =
            if kept { (format!("kept {sender}"), burst.saturating_mul(KEPT_TIMES)) } else { (sender, burst) };
        match self.senders.pace(&sender, burst, self.now) {
            Pace::Fine => true,
            Pace::TooMuch => {
                self.refuse(stanza, "too many stanzas of one sender", Some(&wire::POLICY_VIOLATION));
                false
            }
            Pace::Told => {
                self.observed.count("flood_dropped");
                false
            }
        }
    }

    /// Keeps a bad stanza for inspection and tells its sender, where there is something to tell.
    pub(crate) fn refuse(&mut self, stanza: &Element, reason: &str, condition: Option<&Condition>) {
        self.observed.count("messages_refused");
        if self.observed.refused.len() >= self.settings.limits.refused_kept_max {
            self.observed.refused.pop_front();
        }
        if self.settings.limits.refused_kept_max > 0 {
            let kept =
                RefusedMessage { at: self.now, reason: reason.into(), message: Pii::new(sketch(stanza)) };
            self.observed.refused.push_back(kept);
        }
        self.out.push(Output::Fault(reason.into()));
        // Who says something in a room is not told by the room what we think of it.
        let told =
            condition.filter(|_| stanza.attr("type") != Some("groupchat") && stanza.name() != "presence");
        if let Some(answer) = told.and_then(|condition| wire::error(stanza, condition, reason)) {
            self.transmit(answer);
        }
    }
}

/// What a stanza looks like, without following it to depths and lengths that its sender chose.
fn sketch(stanza: &Element) -> Vec<u8> {
    let mut text = String::new();
    let mut left = vec![stanza];
    while let Some(element) = left.pop() {
        text.push('<');
        text.push_str(element.name());
        text.push_str(&format!(" xmlns='{}'", wire::cut(&element.ns(), 200)));
        for ((_, name), value) in element.attrs().iter() {
            text.push_str(&format!(" {name}='{}'", wire::cut(value, 200)));
        }
        text.push('>');
        text.push_str(wire::cut(element.texts().next().unwrap_or_default(), 500));
        if text.len() > KEPT_BYTES {
            break;
        }
        left.extend(element.children());
    }
    wire::cut(&text, KEPT_BYTES).as_bytes().to_vec()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_sends_too_much_is_told_once_and_others_do_not_notice() {
        let mut senders = Senders::default();
        let paces: Vec<_> = (0..4).map(|_| senders.pace("v@x", 2, Time(0))).collect();
        assert_eq!(paces, [Pace::Fine, Pace::Fine, Pace::TooMuch, Pace::Told]);
        assert_eq!(senders.pace("w@x", 2, Time(0)), Pace::Fine);
        assert_eq!(senders.pace("v@x", 2, Time(10_000)), Pace::Fine);
        for number in 0..=SENDERS_MAX {
            senders.pace(&number.to_string(), 2, Time(10_000));
        }
        assert!(senders.0.len() <= SENDERS_MAX);
    }
}
