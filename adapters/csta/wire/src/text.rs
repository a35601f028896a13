//! From bytes to text: the encodings that CSTA peers use.

use std::borrow::Cow;

use crate::error::{DecodeError, Problem};

/// The bytes of a document as text: UTF-8 (a byte order mark and NUL bytes at
/// the end are dropped), or ISO-8859-1/Windows-1252 where the prolog declares it.
///
/// # Errors
/// [`Problem::NotInEncoding`] or [`Problem::UnsupportedEncoding`].
pub fn text_of(bytes: &[u8]) -> Result<Cow<'_, str>, DecodeError> {
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let end = bytes.iter().rposition(|b| *b != 0).map_or(0, |last| last + 1);
    let bytes = bytes.get(..end).unwrap_or_default();
    let declared = declared_encoding(bytes);
    let fail =
        |offset, problem| Err(DecodeError { offset, path: String::new(), problem, second_opinion: None });
    match declared.map(|name| name.to_ascii_lowercase()).as_deref() {
        None | Some("utf-8" | "utf8" | "us-ascii" | "ascii") => match std::str::from_utf8(bytes) {
            Ok(text) => Ok(Cow::Borrowed(text)),
            Err(error) => fail(error.valid_up_to(), Problem::NotInEncoding("UTF-8")),
        },
        Some(
            "iso-8859-1" | "iso8859-1" | "iso_8859-1" | "latin1" | "latin-1" | "windows-1252" | "cp1252",
        ) => {
            // Numbers and states are ASCII: most documents that declare Latin-1 need no copy.
            match std::str::from_utf8(bytes) {
                Ok(text) if text.is_ascii() => Ok(Cow::Borrowed(text)),
                _ => Ok(Cow::Owned(bytes.iter().map(|b| char::from(*b)).collect())),
            }
        }
        Some(other) => fail(0, Problem::UnsupportedEncoding(other.to_owned())),
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
