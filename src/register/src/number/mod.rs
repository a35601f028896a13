//! Telephone numbers: what somebody dialled or a telephone system told, and which number that is.
//!
//! ```
//! use schakel_contract::views::NumberKind;
//! use schakel_register::number::{NumberPlan, PlanSettings};
//!
//! let plan = NumberPlan::new(&PlanSettings { area_code: "070".into(), ..PlanSettings::default() }).unwrap();
//! let number = plan.normalise("0031 (0)70 - 353 80 00");
//! assert_eq!(number.kind, NumberKind::Geographic);
//! assert_eq!(number.e164.unwrap().to_string(), "+31703538000");
//! assert_eq!(number.display(), "070 353 8000");
//! ```
//!
//! Pure: text in, number out; nothing fails and nothing panics, whatever the text.

mod clean;
mod dutch;
mod plan;

pub use plan::{NumberPlan, PlanError, PlanSettings};

use schakel_contract::E164;
use schakel_contract::views::NumberKind;
use std::fmt;

/// A number, read with the organisation's numbering plan.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Normalised<'a> {
    /// As it came.
    pub raw: &'a str,
    /// What kind of number it is.
    pub kind: NumberKind,
    /// In E.164, where it has such a form: an extension has one when a block of numbers of the organisation leads to
    /// it, 112 never has.
    pub e164: Option<E164>,
    /// The extension, for one of the organisation.
    pub extension: Option<Digits>,
}

impl Normalised<'_> {
    /// For a person: `070 353 8000`, `06 1234 5678`, `14 070`, `+3225551234`, `8123`. Empty for an anonymous one.
    pub fn display(&self) -> String {
        match (self.kind, self.extension, self.e164) {
            (NumberKind::Anonymous, ..) => String::new(),
            (NumberKind::Extension, Some(extension), _) => extension.as_str().to_owned(),
            (NumberKind::Emergency, ..) => dutch::EMERGENCY.to_owned(),
            (NumberKind::International, _, Some(e164)) => e164.to_string(),
            (_, _, Some(e164)) => dutch::display(e164),
            _ => self.raw.trim().to_owned(),
        }
    }
}

impl fmt::Debug for Normalised<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Normalised({:?}, [personal])", self.kind)
    }
}

/// Digits without room of their own on the heap: a number is read for every notification.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Digits {
    bytes: [u8; Self::MAX],
    length: u8,
}

impl Digits {
    /// The most that are kept. An E.164 number has 15; before it stand an outside line's digit and `00`.
    pub const MAX: usize = 22;

    const NONE: Self = Self { bytes: [0; Self::MAX], length: 0 };

    /// The digits of a text that is nothing else.
    pub fn of(text: &str) -> Option<Self> {
        let mut digits = Self::NONE;
        text.chars().all(|each| digits.push(each)).then_some(digits)
    }

    /// As text.
    pub fn as_str(&self) -> &str {
        // Cannot fail: only digits are pushed.
        std::str::from_utf8(&self.bytes[..usize::from(self.length)]).unwrap_or_default()
    }

    /// Whether there was room, and it is a digit.
    fn push(&mut self, digit: char) -> bool {
        let room = self.bytes.get_mut(usize::from(self.length));
        match (room, u8::try_from(digit)) {
            (Some(room), Ok(byte)) if byte.is_ascii_digit() => {
                *room = byte;
                self.length += 1;
                true
            }
            _ => false,
        }
    }
}

impl fmt::Debug for Digits {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[personal]")
    }
}
