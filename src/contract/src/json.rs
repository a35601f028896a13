//! JSON as serde_json writes it, byte for byte, for views that are written thirty thousand times a second.
//!
//! The names of fields and variants are this crate's own and need no escaping; what others wrote is looked through
//! sixteen bytes at a time. What a view has no use for (maps, variants with content) is refused.

use serde::ser::{Impossible, Serialize, SerializeSeq, SerializeStruct, SerializeTuple, Serializer};
use std::fmt::Display;

/// The value cannot be written: it is none of what views are made of.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct NotWritten(String);

impl Display for NotWritten {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for NotWritten {}

impl serde::ser::Error for NotWritten {
    fn custom<T: Display>(what: T) -> Self {
        Self(what.to_string())
    }
}

/// Appends a view as JSON.
///
/// # Errors
/// When it has something that no view has; `out` may then have a part of it.
pub(crate) fn write(value: &impl Serialize, out: &mut Vec<u8>) -> Result<(), NotWritten> {
    value.serialize(Json::new(out))
}

/// How a [`serde_json::value::RawValue`] names itself to a serializer: its one field is JSON already. (A test compares
/// with what serde_json makes of it.)
const RAW: &str = "$serde_json::private::RawValue";

struct Json<'a> {
    out: &'a mut Vec<u8>,
    /// Texts are JSON already.
    raw: bool,
}

impl<'a> Json<'a> {
    #[inline]
    fn new(out: &'a mut Vec<u8>) -> Self {
        Self { out, raw: false }
    }

    fn word(self, word: &str) -> Result<(), NotWritten> {
        self.out.extend_from_slice(word.as_bytes());
        Ok(())
    }

    /// A text that is known to need no escaping.
    #[inline]
    fn plain(self, text: &str) -> Result<(), NotWritten> {
        self.out.reserve(text.len() + 2);
        self.out.push(b'"');
        self.out.extend_from_slice(text.as_bytes());
        self.out.push(b'"');
        Ok(())
    }
}

/// What views are not made of.
fn refused<T>(what: &str) -> Result<T, NotWritten> {
    Err(NotWritten(format!("a view has no {what}")))
}

impl<'a> Serializer for Json<'a> {
    type Ok = ();
    type Error = NotWritten;
    type SerializeSeq = Items<'a>;
    type SerializeTuple = Items<'a>;
    type SerializeTupleStruct = Impossible<(), NotWritten>;
    type SerializeTupleVariant = Impossible<(), NotWritten>;
    type SerializeMap = Impossible<(), NotWritten>;
    type SerializeStruct = Fields<'a>;
    type SerializeStructVariant = Impossible<(), NotWritten>;

    fn serialize_bool(self, value: bool) -> Result<(), NotWritten> {
        self.word(if value { "true" } else { "false" })
    }
    fn serialize_i8(self, value: i8) -> Result<(), NotWritten> {
        self.serialize_i64(value.into())
    }
    fn serialize_i16(self, value: i16) -> Result<(), NotWritten> {
        self.serialize_i64(value.into())
    }
    fn serialize_i32(self, value: i32) -> Result<(), NotWritten> {
        self.serialize_i64(value.into())
    }
    fn serialize_i64(self, value: i64) -> Result<(), NotWritten> {
        if value < 0 {
            self.out.push(b'-');
        }
        self.serialize_u64(value.unsigned_abs())
    }
    fn serialize_u8(self, value: u8) -> Result<(), NotWritten> {
        self.serialize_u64(value.into())
    }
    fn serialize_u16(self, value: u16) -> Result<(), NotWritten> {
        self.serialize_u64(value.into())
    }
    fn serialize_u32(self, value: u32) -> Result<(), NotWritten> {
        self.serialize_u64(value.into())
    }
    fn serialize_u64(self, mut value: u64) -> Result<(), NotWritten> {
        let mut digits = [b'0'; 20];
        let mut first = digits.len();
        for (at, digit) in digits.iter_mut().enumerate().rev() {
            *digit += (value % 10) as u8;
            first = at;
            value /= 10;
            if value == 0 {
                break;
            }
        }
        self.out.extend_from_slice(digits.get(first..).unwrap_or_default());
        Ok(())
    }
    fn serialize_f32(self, _: f32) -> Result<(), NotWritten> {
        refused("fractions")
    }
    fn serialize_f64(self, _: f64) -> Result<(), NotWritten> {
        refused("fractions")
    }
    fn serialize_char(self, value: char) -> Result<(), NotWritten> {
        self.serialize_str(value.encode_utf8(&mut [0; 4]))
    }
    fn serialize_str(self, value: &str) -> Result<(), NotWritten> {
        if self.raw {
            return self.word(value);
        }
        if is_plain(value.as_bytes()) {
            return self.plain(value);
        }
        serde_json::to_writer(self.out, value).map_err(serde::ser::Error::custom)
    }
    fn serialize_bytes(self, _: &[u8]) -> Result<(), NotWritten> {
        refused("bytes")
    }
    fn serialize_none(self) -> Result<(), NotWritten> {
        self.word("null")
    }
    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<(), NotWritten> {
        value.serialize(self)
    }
    fn serialize_unit(self) -> Result<(), NotWritten> {
        self.word("null")
    }
    fn serialize_unit_struct(self, _: &'static str) -> Result<(), NotWritten> {
        self.word("null")
    }
    fn serialize_unit_variant(self, _: &'static str, _: u32, name: &'static str) -> Result<(), NotWritten> {
        self.plain(name)
    }
    fn serialize_newtype_struct<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        value: &T,
    ) -> Result<(), NotWritten> {
        value.serialize(self)
    }
    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        _: &T,
    ) -> Result<(), NotWritten> {
        refused("variants with content")
    }
    fn serialize_seq(self, _: Option<usize>) -> Result<Items<'a>, NotWritten> {
        self.out.push(b'[');
        Ok(Items { out: self.out, first: true })
    }
    fn serialize_tuple(self, length: usize) -> Result<Items<'a>, NotWritten> {
        self.serialize_seq(Some(length))
    }
    fn serialize_tuple_struct(
        self,
        _: &'static str,
        _: usize,
    ) -> Result<Self::SerializeTupleStruct, NotWritten> {
        refused("tuples with a name")
    }
    fn serialize_tuple_variant(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        _: usize,
    ) -> Result<Self::SerializeTupleVariant, NotWritten> {
        refused("variants with content")
    }
    fn serialize_map(self, _: Option<usize>) -> Result<Self::SerializeMap, NotWritten> {
        refused("maps")
    }
    #[inline]
    fn serialize_struct(self, name: &'static str, _: usize) -> Result<Fields<'a>, NotWritten> {
        let before = if name == RAW {
            Before::Raw
        } else {
            self.out.push(b'{');
            Before::First
        };
        Ok(Fields { out: self.out, before })
    }
    fn serialize_struct_variant(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        _: usize,
    ) -> Result<Self::SerializeStructVariant, NotWritten> {
        refused("variants with content")
    }
}

struct Items<'a> {
    out: &'a mut Vec<u8>,
    first: bool,
}

impl SerializeSeq for Items<'_> {
    type Ok = ();
    type Error = NotWritten;

    fn serialize_element<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), NotWritten> {
        if !std::mem::replace(&mut self.first, false) {
            self.out.push(b',');
        }
        value.serialize(Json::new(self.out))
    }

    fn end(self) -> Result<(), NotWritten> {
        self.out.push(b']');
        Ok(())
    }
}

impl SerializeTuple for Items<'_> {
    type Ok = ();
    type Error = NotWritten;

    fn serialize_element<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), NotWritten> {
        SerializeSeq::serialize_element(self, value)
    }

    fn end(self) -> Result<(), NotWritten> {
        SerializeSeq::end(self)
    }
}

/// What stands before the next field.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Before {
    /// The brace.
    First,
    /// Another field.
    Next,
    /// Nothing, and the field has no name: see [`RAW`].
    Raw,
}

struct Fields<'a> {
    out: &'a mut Vec<u8>,
    before: Before,
}

impl SerializeStruct for Fields<'_> {
    type Ok = ();
    type Error = NotWritten;

    // With the name known where it is written, copying it is a few moves.
    #[inline(always)]
    fn serialize_field<T: Serialize + ?Sized>(
        &mut self,
        name: &'static str,
        value: &T,
    ) -> Result<(), NotWritten> {
        let opening: &[u8] = match self.before {
            Before::First => b"\"",
            Before::Next => b",\"",
            Before::Raw => return value.serialize(Json { out: self.out, raw: true }),
        };
        self.before = Before::Next;
        self.out.reserve(name.len() + 4);
        self.out.extend_from_slice(opening);
        self.out.extend_from_slice(name.as_bytes());
        self.out.extend_from_slice(b"\":");
        value.serialize(Json::new(self.out))
    }

    fn end(self) -> Result<(), NotWritten> {
        if self.before != Before::Raw {
            self.out.push(b'}');
        }
        Ok(())
    }
}

/// Whether a text stands in JSON as it is: no control character, no quotation mark, no backslash. Sixteen bytes at
/// once, of which the compiler makes a few instructions; the last sixteen overlap with those before.
#[inline]
fn is_plain(text: &[u8]) -> bool {
    match (text.last_chunk::<16>(), text.first_chunk::<8>(), text.last_chunk::<8>()) {
        (Some(last), ..) => text.as_chunks::<16>().0.iter().all(all_plain) && all_plain(last),
        (None, Some(first), Some(last)) => all_plain(first) && all_plain(last),
        _ => text.iter().all(|byte| !is_escaped(*byte)),
    }
}

#[inline]
fn all_plain<const N: usize>(text: &[u8; N]) -> bool {
    !text.iter().fold(false, |any, byte| any | is_escaped(*byte))
}

#[inline]
const fn is_escaped(byte: u8) -> bool {
    (byte < b' ') | (byte == b'"') | (byte == b'\\')
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::value::to_raw_value;

    fn written(value: &impl Serialize) -> String {
        let mut out = Vec::new();
        write(value, &mut out).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn every_character_is_written_as_serde_json_does_at_every_place() {
        for length in [1, 2, 7, 8, 9, 15, 16, 17, 31] {
            for place in 0..length {
                for character in (0..=0x17f_u32).chain([0x2028, 0xfffd, 0x1f600]).filter_map(char::from_u32) {
                    let mut text = vec!['x'; length];
                    text[place] = character;
                    let text: String = text.into_iter().collect();
                    assert_eq!(written(&text), serde_json::to_string(&text).unwrap());
                }
            }
        }
        assert_eq!(written(&""), "\"\"");
    }

    #[test]
    fn numbers_words_and_lists_are_written_as_serde_json_does() {
        let numbers = [0, 1, 9, 10, 42, 99, 100, 1_790_000_000_000, u64::MAX - 1, u64::MAX];
        assert_eq!(written(&numbers), serde_json::to_string(&numbers).unwrap());
        let signed = [i64::MIN, -10, -1, 0, 7, i64::MAX];
        assert_eq!(written(&signed), serde_json::to_string(&signed).unwrap());
        let lists = (vec![None, Some(true), Some(false)], Vec::<u8>::new(), 'é', ());
        assert_eq!(written(&lists), serde_json::to_string(&lists).unwrap());
    }

    #[test]
    fn what_is_json_already_is_copied() {
        let ready = to_raw_value(&["a \"b\"", "c"]).unwrap();
        assert_eq!(written(&vec![&ready, &ready]), serde_json::to_string(&vec![&ready, &ready]).unwrap());
    }

    #[test]
    fn what_no_view_has_is_refused_by_name() {
        let map = std::collections::BTreeMap::from([("a", 1)]);
        assert_eq!(write(&map, &mut Vec::new()), refused("maps"));
        assert_eq!(write(&1.5, &mut Vec::new()), refused("fractions"));
    }
}
