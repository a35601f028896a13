//! What real PBXs do wrong, on demand.
//!
//! A sin with a `count` is committed so many times from now on, over all links together; a new order for the same
//! sin replaces the old one. Sins that are a way of being (names, dribble, order) last until they are changed.

use serde::{Deserialize, Serialize};

use crate::config::{DeviceIdStyle, Order};
pub use crate::csta::SinError;
use crate::duration::Span;
use crate::switch::{Cause, ErrorCategory};

/// A sin, as it is ordered over the control port (`{"sin": "duplicate-events", "count": 3}`) or in a scenario.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(tag = "sin", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Sin {
    /// Break every link; refuse new ones until `heal`, or for a while.
    CutLink {
        /// New links are possible again after so long; absent: when healed.
        #[serde(default, rename = "for")]
        during: Option<Span>,
    },
    /// Accept and keep links, but neither read nor write.
    StallLink {
        /// Until so long has passed; absent: until healed.
        #[serde(default, rename = "for")]
        during: Option<Span>,
    },
    /// The end of `cut-link`, `stall-link` and every other sin.
    Heal,
    /// The next calls get the id of the call that ended last.
    ReuseCallIds {
        /// So many calls.
        count: u32,
    },
    /// The next events are sent twice.
    DuplicateEvents {
        /// So many events.
        count: u32,
    },
    /// The next events are each sent after their successor (or after 100 ms, if none comes).
    ReorderEvents {
        /// So many events.
        count: u32,
    },
    /// The next events are lost.
    LoseEvents {
        /// So many events.
        count: u32,
    },
    /// What comes first, from now on.
    Order {
        /// The response or the events.
        order: Order,
    },
    /// The next responses come late.
    AnswerLate {
        /// So late.
        by: Span,
        /// So many responses.
        count: u32,
    },
    /// The next requests are carried out but not answered.
    NotAnswer {
        /// So many requests.
        count: u32,
    },
    /// The next call events carry this cause.
    WrongCause {
        /// The cause.
        cause: Cause,
        /// So many events.
        count: u32,
    },
    /// The PBX starts again: every link breaks.
    Restart {
        /// Its calls survive.
        #[serde(default, rename = "keep-calls", alias = "keep_calls")]
        keep_calls: bool,
        /// It is away for so long.
        #[serde(default, rename = "for")]
        during: Option<Span>,
    },
    /// How device ids look, from now on; `named` puts names of people, and so non-ASCII letters, into every event.
    DeviceIds {
        /// The style.
        style: DeviceIdStyle,
    },
    /// TCP delivers in crumbs, from now on.
    Dribble {
        /// The largest crumb in bytes; 0 ends it.
        largest: u16,
        /// Chooses the sizes.
        #[serde(default)]
        seed: u64,
    },
    /// The switch asks no more where calls shall go: every registration ends with `RouteRegisterAbort`, and what is
    /// open goes to the default destination.
    AbortRouting,
    /// The next `RouteRequest`s come late; the time to answer runs all the same.
    LateRouteRequests {
        /// So late.
        by: Span,
        /// So many requests.
        count: u32,
    },
    /// The next `RouteEnd`s are lost.
    LoseRouteEnds {
        /// So many.
        count: u32,
    },
    /// In place of the next events come messages that are no CSTA, in good framing.
    MalformedEvents {
        /// So many events.
        count: u32,
    },
    /// Bytes that are no frame are sent on every link.
    Desync {
        /// Which.
        how: Desync,
    },
    /// The next `MonitorStart`s are refused for want of a licence (`overallMonitorLimitExceeded`).
    RefuseMonitors {
        /// So many.
        count: u32,
    },
    /// The next requests other than session and status are refused.
    Errors {
        /// The category, as the element is named (`operation`, `stateIncompatibility` …).
        category: String,
        /// The value, such as `invalidConnectionID`.
        value: String,
        /// So many requests.
        count: u32,
    },
}

/// Ways to lose the beginning of a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Desync {
    /// Text where a header should be.
    Garbage,
    /// A header that says less than its own length.
    TooShort,
    /// The header of the SOAP framing of ECMA-323 Annex J.1.
    Soap,
    /// The length counts characters where bytes are meant, as one server does with non-ASCII names.
    CharactersNotBytes,
}

impl Desync {
    /// The bytes.
    pub(crate) fn bytes(self) -> Vec<u8> {
        match self {
            Self::Garbage => b"HTTP/1.1 400 Bad Request\r\n\r\n".to_vec(),
            Self::TooShort => b"\0\0\0\x079999".to_vec(),
            Self::Soap => b"\0\x01\0\x209999<Envelope/>             ".to_vec(),
            Self::CharactersNotBytes => {
                let text = "<keepalive name=\"Zoë Öztürk, Café Crème, Überlingen\"/>";
                let length = u16::try_from(text.chars().count() + 8).unwrap_or(u16::MAX);
                let mut bytes = vec![0, 0];
                bytes.extend(length.to_be_bytes());
                bytes.extend(b"9999");
                bytes.extend(text.as_bytes());
                bytes
            }
        }
    }
}

/// What comes in place of an event.
pub(crate) const MALFORMED: [&[u8]; 5] = [
    b"<?xml version=\"1.0\"?><DeliveredEvent><monitorCrossRefID>1</monitorCrossRefID><connection><callID>",
    b"<DeliveredEvent><connection></DeliveredEvent></connection>",
    b"\xff\xfe\x00 this is not XML at all \x80\x81",
    b"<!DOCTYPE x [<!ENTITY a \"aaaaaaaaaa\">]><DeliveredEvent>&a;</DeliveredEvent>",
    b"",
];

/// The sins that are still to be committed.
#[derive(Clone, Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Pending {
    pub(crate) duplicate: u32,
    pub(crate) reorder: u32,
    pub(crate) lose: u32,
    pub(crate) malformed: u32,
    pub(crate) not_answer: u32,
    pub(crate) refuse_monitors: u32,
    pub(crate) lose_route_ends: u32,
    pub(crate) late_route: Option<(Span, u32)>,
    pub(crate) late: Option<(Span, u32)>,
    pub(crate) wrong_cause: Option<(Cause, u32)>,
    #[serde(skip)]
    pub(crate) errors: Option<(ErrorCategory, String, u32)>,
    /// How many malformed messages have been sent: the kinds take turns.
    #[serde(skip)]
    pub(crate) malformed_sent: usize,
}

impl Pending {
    /// Takes one of `count`; false if none is left.
    pub(crate) const fn take(count: &mut u32) -> bool {
        let due = *count > 0;
        *count = count.saturating_sub(1);
        due
    }

    /// Takes the value of one with a count.
    pub(crate) fn take_with<T: Clone>(sin: &mut Option<(T, u32)>) -> Option<T> {
        let (value, count) = sin.as_mut()?;
        let value = value.clone();
        *count = count.saturating_sub(1);
        if *count == 0 {
            *sin = None;
        }
        Some(value)
    }

    /// How late the next response is.
    pub(crate) fn take_late(&mut self) -> Option<std::time::Duration> {
        Self::take_with(&mut self.late).map(|by| by.0)
    }

    /// How late the next `RouteRequest` is.
    pub(crate) fn take_late_route(&mut self) -> Option<std::time::Duration> {
        Self::take_with(&mut self.late_route).map(|by| by.0)
    }

    pub(crate) fn take_error(&mut self) -> Option<(ErrorCategory, String)> {
        let (category, value, count) = self.errors.as_mut()?;
        let error = (*category, value.clone());
        *count = count.saturating_sub(1);
        if *count == 0 {
            self.errors = None;
        }
        Some(error)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sins_are_ordered_in_json() {
        let cut: Sin = serde_json::from_str(r#"{"sin":"cut-link","for":"2s"}"#).unwrap();
        assert_eq!(cut, Sin::CutLink { during: Some(Span::seconds(2)) });
        let wrong: Sin = serde_json::from_str(r#"{"sin":"wrong-cause","cause":"busy","count":2}"#).unwrap();
        assert_eq!(wrong, Sin::WrongCause { cause: Cause::Busy, count: 2 });
        assert!(serde_json::from_str::<Sin>(r#"{"sin":"cut-link","of":"2s"}"#).is_err());
    }

    #[test]
    fn a_counted_sin_ends() {
        let mut late = Some((Span::seconds(1), 2));
        assert!(Pending::take_with(&mut late).is_some());
        assert!(Pending::take_with(&mut late).is_some());
        assert_eq!(Pending::take_with(&mut late), None);
    }
}
