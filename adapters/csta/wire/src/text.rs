//! From bytes to text: the encodings that CSTA peers use.

use std::borrow::Cow;

use crate::error::{DecodeError, Problem};

/// The bytes of a document as text: UTF-8 (a byte order mark and NUL bytes at
/// the end are dropped), UTF-16, or ISO-8859-1, ISO-8859-15 or Windows-1252 where
/// the prolog declares it.
///
/// What is valid UTF-8 is read as UTF-8 whatever the prolog says: libraries
/// declare UTF-16 of a text in memory and send it as UTF-8, and a server declares
/// ISO-8859-1 and passes on the names of others in UTF-8.
///
/// # Errors
/// [`Problem::NotInEncoding`] or [`Problem::UnsupportedEncoding`].
pub fn text_of(bytes: &[u8]) -> Result<Cow<'_, str>, DecodeError> {
    let fail =
        |offset, problem| Err(DecodeError { offset, path: String::new(), problem, second_opinion: None });
    if is_utf16(bytes) {
        return utf16(bytes)
            .map_or_else(|| fail(0, Problem::NotInEncoding("UTF-16")), |text| Ok(text.into()));
    }
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let end = bytes.iter().rposition(|b| *b != 0).map_or(0, |last| last + 1);
    let bytes = bytes.get(..end).unwrap_or_default();
    let utf8 = std::str::from_utf8(bytes);
    let declared = declared_encoding(bytes).map(|name| name.to_ascii_lowercase());
    match (declared.as_deref(), utf8) {
        (
            None
            | Some(
                "utf-8" | "utf8" | "us-ascii" | "ascii" | "utf-16" | "utf-16le" | "utf-16be" | "unicode"
                | "iso-8859-1" | "iso8859-1" | "iso_8859-1" | "latin1" | "latin-1" | "windows-1252"
                | "cp1252" | "iso-8859-15" | "iso8859-15" | "latin9" | "latin-9",
            ),
            Ok(text),
        ) => Ok(Cow::Borrowed(text)),
        (
            Some(
                "iso-8859-1" | "iso8859-1" | "iso_8859-1" | "latin1" | "latin-1" | "windows-1252" | "cp1252",
            ),
            _,
        ) => Ok(Cow::Owned(bytes.iter().map(|byte| windows_1252(*byte)).collect())),
        (Some("iso-8859-15" | "iso8859-15" | "latin9" | "latin-9"), _) => {
            Ok(Cow::Owned(bytes.iter().map(|byte| latin9(*byte)).collect()))
        }
        (
            None
            | Some("utf-8" | "utf8" | "us-ascii" | "ascii" | "utf-16" | "utf-16le" | "utf-16be" | "unicode"),
            Err(error),
        ) => fail(error.valid_up_to(), Problem::NotInEncoding("UTF-8")),
        (Some(other), _) => fail(0, Problem::UnsupportedEncoding(other.to_owned())),
    }
}

/// Whether a document is in UTF-16: by its byte order mark, or by the first `<` and what is beside it.
pub fn is_utf16(bytes: &[u8]) -> bool {
    matches!(bytes, [0xff, 0xfe, ..] | [0xfe, 0xff, ..] | [b'<', 0, _, 0, ..] | [0, b'<', 0, _, ..])
}

fn utf16(bytes: &[u8]) -> Option<String> {
    let big = matches!(bytes, [0xfe, 0xff, ..] | [0, ..]);
    let unit = |pair: &[u8]| match *pair {
        [a, b] if big => Some(u16::from_be_bytes([a, b])),
        [a, b] => Some(u16::from_le_bytes([a, b])),
        _ => None,
    };
    let units: Option<Vec<u16>> = bytes.chunks(2).map(unit).collect();
    let text = String::from_utf16(&units?).ok()?;
    Some(text.trim_start_matches('\u{feff}').trim_end_matches('\0').to_owned())
}

/// Windows-1252, which is what is meant where ISO-8859-1 is declared and its control characters occur.
fn windows_1252(byte: u8) -> char {
    const HIGH: [char; 32] = [
        '€', '\u{81}', '‚', 'ƒ', '„', '…', '†', '‡', 'ˆ', '‰', 'Š', '‹', 'Œ', '\u{8d}', 'Ž', '\u{8f}',
        '\u{90}', '‘', '’', '“', '”', '•', '–', '—', '˜', '™', 'š', '›', 'œ', '\u{9d}', 'ž', 'Ÿ',
    ];
    match byte {
        0x80..=0x9f => HIGH.get(usize::from(byte - 0x80)).copied().unwrap_or_default(),
        _ => char::from(byte),
    }
}

fn latin9(byte: u8) -> char {
    match byte {
        0xa4 => '€',
        0xa6 => 'Š',
        0xa8 => 'š',
        0xb4 => 'Ž',
        0xb8 => 'ž',
        0xbc => 'Œ',
        0xbd => 'œ',
        0xbe => 'Ÿ',
        _ => char::from(byte),
    }
}

/// The value of `encoding` in the XML prolog.
fn declared_encoding(bytes: &[u8]) -> Option<&str> {
    // The usual prolog, or none.
    if bytes.starts_with(b"<?xml version=\"1.0\" encoding=\"UTF-8\"") || !bytes.starts_with(b"<?xml") {
        return None;
    }
    // A prolog is short; the limit keeps a document without `?>` from being scanned whole.
    let head = bytes.get(..bytes.len().min(200)).unwrap_or_default();
    let end = head.windows(2).position(|pair| pair == b"?>")?;
    let prolog = std::str::from_utf8(head.get(..end)?).ok()?;
    let (_, rest) = prolog.split_once("encoding")?;
    let rest = rest.trim_start().strip_prefix('=')?.trim_start();
    let quote = rest.chars().next().filter(|c| matches!(c, '"' | '\''))?;
    rest.get(1..)?.split(quote).next().map(str::trim)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn utf8_is_borrowed_and_latin1_is_converted() {
        assert!(matches!(text_of("<a>é</a>".as_bytes()), Ok(Cow::Borrowed("<a>é</a>"))));
        let latin1 = b"<?xml version='1.0' encoding=\"ISO-8859-1\"?><a>Jos\xe9</a>";
        assert!(text_of(latin1).unwrap().ends_with("<a>José</a>"));
        let ascii = b"<?xml version='1.0' encoding='iso-8859-1'?><a>1000</a>";
        assert!(matches!(text_of(ascii), Ok(Cow::Borrowed(_))));
    }

    #[test]
    fn names_come_out_whatever_the_prolog_says_of_them() {
        let prolog = |encoding: &str| format!("<?xml version='1.0' encoding='{encoding}'?>").into_bytes();
        let with = |encoding: &str, body: &[u8]| [prolog(encoding), body.to_vec()].concat();
        let read = |bytes: &[u8]| text_of(bytes).unwrap().rsplit("?>").next().unwrap().to_owned();
        assert_eq!(read(&with("utf-16", "<a>José</a>".as_bytes())), "<a>José</a>");
        assert_eq!(read(&with("ISO-8859-1", "<a>José</a>".as_bytes())), "<a>José</a>");
        assert_eq!(read(&with("windows-1252", b"<a>d\x92H\xe9 \x80</a>")), "<a>d’Hé €</a>");
        assert_eq!(read(&with("ISO-8859-15", b"<a>\xa4 \xbd</a>")), "<a>€ œ</a>");
        for (mark, order) in [(true, true), (true, false), (false, true), (false, false)] {
            let text = format!("{}<a>José 😀</a>", if mark { "\u{feff}" } else { "" });
            let bytes: Vec<u8> = text
                .encode_utf16()
                .flat_map(|unit| if order { unit.to_be_bytes() } else { unit.to_le_bytes() })
                .collect();
            assert!(is_utf16(&bytes));
            assert_eq!(text_of(&bytes).unwrap(), "<a>José 😀</a>");
            assert!(text_of(bytes.get(..bytes.len() - 1).unwrap()).is_err());
        }
    }

    #[test]
    fn invalid_utf8_is_refused_with_its_place() {
        let error = text_of(b"<a>Jos\xe9</a>").unwrap_err();
        assert_eq!((error.offset, error.problem), (6, Problem::NotInEncoding("UTF-8")));
    }

    #[test]
    fn an_encoding_nobody_uses_is_named_in_the_refusal() {
        let error = text_of(b"<?xml version='1.0' encoding='UTF-7'?><a/>").unwrap_err();
        assert_eq!(error.problem, Problem::UnsupportedEncoding("utf-7".into()));
    }

    #[test]
    fn a_byte_order_mark_and_trailing_nul_bytes_are_dropped() {
        assert_eq!(text_of(b"\xef\xbb\xbf<a/>\0\0").unwrap(), "<a/>");
        assert_eq!(text_of(b"\0\0").unwrap(), "");
    }
}
