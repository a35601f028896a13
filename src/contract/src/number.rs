//! Telephone numbers in E.164.

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::borrow::Cow;
use std::fmt;
use utoipa::openapi::extensions::ExtensionsBuilder;
use utoipa::openapi::{ObjectBuilder, RefOr, Schema, Type};
use utoipa::{PartialSchema, ToSchema};

/// A number as ITU-T E.164 writes it: `+`, a country code and the rest, 7 to 15 digits together.
///
/// It is personal data: `Debug` hides it, as `Pii` does. `Display` writes it out, for the wire and the screen.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct E164(u64);

/// The text is not a number in E.164.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NotE164;

/// The most digits, and the plus.
const LENGTH: usize = 16;

/// No country has shorter ones (services such as +3114070 and +3118 12 among them).
const LEAST: u64 = 1_000_000;

impl E164 {
    /// The number with these digits, the country code first; none when there are fewer than 7 or more than 15.
    pub const fn from_digits(digits: u64) -> Option<Self> {
        if digits < LEAST || digits > 999_999_999_999_999 { None } else { Some(Self(digits)) }
    }

    /// Its digits, as one number.
    pub const fn digits(self) -> u64 {
        self.0
    }

    /// Written by hand into room on the stack: every notification carries one.
    fn write(self, room: &mut [u8; LENGTH]) -> &str {
        let mut at = LENGTH;
        let mut rest = self.0;
        while rest > 0 && at > 1 {
            at -= 1;
            room[at] = b'0' + (rest % 10) as u8;
            rest /= 10;
        }
        at -= 1;
        room[at] = b'+';
        // Cannot fail: digits and a plus.
        std::str::from_utf8(&room[at..]).unwrap_or_default()
    }
}

impl fmt::Debug for E164 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[personal]")
    }
}

impl fmt::Display for E164 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.write(&mut [0; LENGTH]))
    }
}

impl std::str::FromStr for E164 {
    type Err = NotE164;
    fn from_str(text: &str) -> Result<Self, NotE164> {
        let digits = text.strip_prefix('+').ok_or(NotE164)?;
        if digits.len() > 15 || digits.starts_with('0') || !digits.bytes().all(|each| each.is_ascii_digit()) {
            return Err(NotE164);
        }
        digits.parse().ok().and_then(Self::from_digits).ok_or(NotE164)
    }
}

impl fmt::Display for NotE164 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("not a number in E.164: expected a plus and 7 to 15 digits, such as +31201234567")
    }
}

impl std::error::Error for NotE164 {}

impl Serialize for E164 {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.write(&mut [0; LENGTH]))
    }
}

impl<'de> Deserialize<'de> for E164 {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = Cow::<str>::deserialize(deserializer)?;
        text.parse().map_err(D::Error::custom)
    }
}

impl ToSchema for E164 {
    fn name() -> Cow<'static, str> {
        "E164".into()
    }
}

impl PartialSchema for E164 {
    fn schema() -> RefOr<Schema> {
        ObjectBuilder::new()
            .schema_type(Type::String)
            .pattern(Some("^\\+[1-9][0-9]{6,14}$"))
            .description(Some("A telephone number in E.164."))
            .examples(["+31201234567"])
            .extensions(Some(ExtensionsBuilder::new().add("x-personal", true).build()))
            .into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn t10_a_number_is_written_and_read_the_same() {
        for text in ["+31201234567", "+3114070", "+999999999999999", "+1000000"] {
            let number: E164 = text.parse().unwrap();
            assert_eq!(number.to_string(), text);
            assert_eq!(serde_json::to_string(&number).unwrap(), format!("\"{text}\""));
            assert_eq!(serde_json::from_str::<E164>(&format!("\"{text}\"")).unwrap(), number);
        }
    }

    #[test]
    fn what_is_no_number_is_refused() {
        for text in
            ["", "+", "31201234567", "+0201234567", "+1234567890123456", "+123456", "+31 20", "+3120x", "+-5"]
        {
            assert!(text.parse::<E164>().is_err(), "{text}");
        }
    }

    #[test]
    fn debug_never_shows_the_number() {
        assert_eq!(format!("{:?}", E164(31_201_234_567)), "[personal]");
    }
}
