//! The call load: complete calls (rings, answered, over) that go round many devices, as frames that were encoded
//! before, so that making them costs the sender next to nothing.

use crate::messages::{self, Parties};
use crate::meter::STEPS;
use schakel_csta_wire::{InvokeId, encode_frame};

/// Stands for the call's number until it is patched in; the caller's number is `06` and the same digits.
const CALL: &str = "CCCCCCCC";
const CALLER: &str = "06NNNNNNNN";
/// Digits of a call's number.
const DIGITS: usize = 8;
/// How a mobile number begins before its 6, as it is dialled and as it is normalised.
const PREFIXES: [&[u8]; 3] = [b"0", b"+31", b"0031"];
/// What stands before the PBX's id of a call in its own messages, and in what the bare pipes make of them.
const ID_MARKS: [&[u8]; 2] = [b"<callID>", b"\"call\":\""];
/// The first call's number, so that all have the same length.
const FIRST: u64 = 10_000_000;

/// The frame of one event, and where the call's number goes.
#[derive(Debug)]
struct Template {
    frame: Vec<u8>,
    places: Vec<usize>,
}

impl Template {
    fn new(device: &str, step: usize) -> Self {
        let monitor = monitor_of(device);
        let of = Parties { monitor: &monitor, call: CALL, device, caller: CALLER };
        let message = match step {
            0 => messages::delivered(of),
            1 => messages::established(of),
            _ => messages::cleared(of),
        };
        let mut frame = Vec::new();
        encode_frame(InvokeId::EVENT, &messages::xml(&message), &mut frame)
            .expect("an event fits in a frame");
        let mut places: Vec<usize> = memchr::memmem::find_iter(&frame, CALL).collect();
        places.extend(memchr::memmem::find_iter(&frame, CALLER).map(|at| at + CALLER.len() - DIGITS));
        Self { frame, places }
    }
}

/// The reference under which a device is monitored.
#[must_use]
pub fn monitor_of(device: &str) -> String {
    format!("1{device}")
}

/// The number of a call as its id on the wire.
#[must_use]
pub fn call_id(call: u64) -> String {
    (FIRST + call).to_string()
}

/// The caller's telephone number.
#[must_use]
pub fn caller_of(call: u64) -> String {
    format!("06{}", FIRST + call)
}

/// Hands out the events of calls, device after device: all ring, then all are answered, then all end.
#[derive(Debug)]
pub struct Calls {
    templates: Vec<[Template; STEPS]>,
    at: usize,
    step: usize,
    /// The call at the first device in this round.
    first: u64,
}

/// One event that was appended.
#[derive(Debug, Clone, Copy)]
pub struct Sent {
    /// The call.
    pub call: u64,
    /// Which event of it.
    pub step: usize,
}

impl Calls {
    /// Calls at these devices.
    #[must_use]
    pub fn new(devices: &[String]) -> Self {
        let all = |device: &String| std::array::from_fn(|step| Template::new(device, step));
        Self { templates: devices.iter().map(all).collect(), at: 0, step: 0, first: 0 }
    }

    /// Appends the frame of the next event.
    pub fn next(&mut self, out: &mut Vec<u8>) -> Sent {
        let call = self.first + self.at as u64;
        let step = self.step;
        let template = &self.templates[self.at][step];
        let begin = out.len();
        out.extend_from_slice(&template.frame);
        let mut digits = [0_u8; DIGITS];
        let mut rest = FIRST + call;
        for digit in digits.iter_mut().rev() {
            *digit = b'0' + (rest % 10) as u8;
            rest /= 10;
        }
        for place in &template.places {
            out[begin + place..begin + place + DIGITS].copy_from_slice(&digits);
        }
        self.at += 1;
        if self.at == self.templates.len() {
            self.at = 0;
            self.step = (self.step + 1) % STEPS;
            if self.step == 0 {
                self.first += self.templates.len() as u64;
            }
        }
        Sent { call, step }
    }

    /// Whether every call that began is over.
    #[must_use]
    pub fn between_rounds(&self) -> bool {
        self.at == 0 && self.step == 0
    }

    /// Mean size of a frame.
    #[must_use]
    pub fn mean_bytes(&self) -> usize {
        let all = || self.templates.iter().flatten().map(|template| template.frame.len());
        all().sum::<usize>() / all().count().max(1)
    }
}

/// The call that a notification (or in the floor the event itself) is about: by the caller's number in it, or by the
/// PBX's own id where there is no caller, as in `ConnectionCleared`.
#[must_use]
pub fn call_in(text: &[u8]) -> Option<u64> {
    let by_caller = memchr::memchr_iter(b'6', text).find_map(|at| {
        let before = PREFIXES.iter().find_map(|prefix| text[..at].strip_suffix(*prefix))?;
        matches!(before.last(), Some(b'"' | b'>')).then(|| number_at(text, at + 1)).flatten()
    });
    by_caller.or_else(|| {
        ID_MARKS.iter().find_map(|mark| number_at(text, memchr::memmem::find(text, mark)? + mark.len()))
    })
}

/// A number of exactly so many digits as a call has.
fn number_at(text: &[u8], at: usize) -> Option<u64> {
    let digits = text.get(at..at + DIGITS)?;
    if !digits.iter().all(u8::is_ascii_digit) || text.get(at + DIGITS).is_some_and(u8::is_ascii_digit) {
        return None;
    }
    let number = digits.iter().fold(0_u64, |sum, digit| sum * 10 + u64::from(digit - b'0'));
    number.checked_sub(FIRST)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_call_is_found_again_in_what_is_made_of_it() {
        let mut calls = Calls::new(&["2001".to_owned(), "2002".to_owned()]);
        let mut out = Vec::new();
        let seen: Vec<(u64, usize, Option<u64>)> = (0..8)
            .map(|_| {
                out.clear();
                let sent = calls.next(&mut out);
                (sent.call, sent.step, call_in(&out))
            })
            .collect();
        let expected = [(0, 0), (1, 0), (0, 1), (1, 1), (0, 2), (1, 2), (2, 0), (3, 0)];
        assert_eq!(seen, expected.map(|(call, step)| (call, step, Some(call))));
        assert_eq!(call_in(br#"{"number":"+31610000007"}"#), Some(7));
        assert_eq!(call_in(br#"{"number":"0201234567"}"#), None);
    }
}
