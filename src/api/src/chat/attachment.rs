//! Files that are said in a chat (W09): what they are, by their bytes; what they are called, without tricks.
//!
//! A sender's media type does not count, and neither does the name: a file is what its content says, and its name ends as
//! its content wants it. It is given out as something to save, never as something to show.

use http::HeaderValue;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};

/// The longest name, in characters: what file systems take, in bytes, with room for letters of four.
const NAME_MAX: usize = 60;

/// What is taken, by media type, with the endings of names that fit; the first is given where none of them is there.
const KINDS: [(&str, &[&str]); 6] = [
    ("text/plain", &["txt", "csv", "md", "log", "json"]),
    ("application/pdf", &["pdf"]),
    ("image/png", &["png"]),
    ("image/jpeg", &["jpg", "jpeg"]),
    ("image/gif", &["gif"]),
    ("image/webp", &["webp"]),
];

/// What is taken, in words.
pub(crate) const TAKEN: &str = "text (UTF-8), PDF, PNG, JPEG, GIF or WebP";

/// What is taken.
pub(crate) fn media_types() -> impl Iterator<Item = &'static str> {
    KINDS.iter().map(|(media, _)| *media)
}

/// What a file is, by its content; none for what is not taken.
pub(crate) fn media_type(bytes: &[u8]) -> Option<&'static str> {
    let seen = infer::get(bytes).map(|kind| kind.mime_type());
    let is_text = || !bytes.contains(&0) && std::str::from_utf8(bytes).is_ok();
    match seen {
        // A PDF may be text from end to end. No picture is: a text that begins with GIF or BM is a text.
        Some("application/pdf") => Some("application/pdf"),
        _ if is_text() => Some("text/plain"),
        Some(seen) => media_types().find(|media| *media == seen),
        None => None,
    }
}

/// The file's name in a `Content-Disposition` (RFC 6266): `filename*` goes before `filename`.
pub(crate) fn name_in(disposition: &str) -> Option<String> {
    let (mut plain, mut extended) = (None, None);
    for (name, value) in parameters(disposition) {
        match name.to_ascii_lowercase().as_str() {
            "filename" => plain = plain.or(Some(value)),
            "filename*" => extended = extended.or_else(|| decoded(&value)),
            _ => {}
        }
    }
    extended.or(plain)
}

/// The parameters after the type, quoted ones without their quotes.
fn parameters(disposition: &str) -> Vec<(String, String)> {
    let mut found = Vec::new();
    let mut rest = disposition.split_once(';').map_or("", |(_, rest)| rest);
    while let Some((name, after)) = rest.split_once('=') {
        let after = after.trim_start();
        let (value, next) = match after.strip_prefix('"') {
            Some(quoted) => quoted_text(quoted),
            None => {
                let (value, next) = after.split_once(';').unwrap_or((after, ""));
                (value.trim().to_owned(), next)
            }
        };
        found.push((name.trim_matches([' ', ';', '\t']).to_owned(), value));
        rest = next;
    }
    found
}

/// A quoted string until its end, and what follows it.
fn quoted_text(text: &str) -> (String, &str) {
    let (mut value, mut escaped) = (String::new(), false);
    for (at, each) in text.char_indices() {
        match each {
            '\\' if !escaped => escaped = true,
            '"' if !escaped => return (value, text.get(at + 1..).unwrap_or("")),
            _ => {
                // A path of Windows is not an escape: what follows is kept either way.
                if escaped && each != '"' && each != '\\' {
                    value.push('\\');
                }
                value.push(each);
                escaped = false;
            }
        }
    }
    (value, "")
}

/// RFC 8187: `UTF-8''na%C3%AFef.txt`.
fn decoded(value: &str) -> Option<String> {
    let mut parts = value.splitn(3, '\'');
    let (charset, _, text) = (parts.next()?, parts.next()?, parts.next()?);
    let is_utf_8 = charset.eq_ignore_ascii_case("utf-8");
    is_utf_8.then(|| percent_decode_str(text).decode_utf8().ok()).flatten().map(|text| text.into_owned())
}

/// A name that can be saved anywhere: no path, nothing invisible, and the ending of what it is.
pub(crate) fn cleaned(name: &str, media_type: &str) -> String {
    let last = name.rsplit(['/', '\\']).next().unwrap_or("");
    let shown = last.chars().filter(|each| !is_trick(*each)).map(|each| match each {
        ':' | '*' | '?' | '"' | '<' | '>' | '|' => '_',
        other => other,
    });
    let shown: String = shown.collect();
    let shown = shown.trim_matches([' ', '.']);
    let endings =
        KINDS.iter().find(|(media, _)| *media == media_type).map_or(&[][..], |(_, endings)| endings);
    let (stem, ending) = match shown.rsplit_once('.') {
        Some((stem, ending)) if endings.contains(&ending.to_ascii_lowercase().as_str()) => (stem, ending),
        // "rekening.exe" that is a PDF is rekening.exe.pdf.
        _ => (shown, endings.first().copied().unwrap_or("bin")),
    };
    let stem: String = stem.chars().take(NAME_MAX).collect();
    let stem = if stem.is_empty() { "bestand" } else { &stem };
    format!("{stem}.{ending}")
}

/// Control characters, and those that are not seen but turn what is seen round.
fn is_trick(each: char) -> bool {
    each.is_control()
        || matches!(each, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
}

/// What RFC 8187 lets stand as it is.
const EXTENDED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// The header that has a file saved under its name, whatever the browser thinks of it.
pub(crate) fn disposition(name: &str) -> HeaderValue {
    let plain: String = name
        .chars()
        .map(|each| {
            if each.is_ascii_graphic() && !matches!(each, '"' | '\\' | '%') || each == ' ' {
                each
            } else {
                '_'
            }
        })
        .collect();
    let text =
        format!("attachment; filename=\"{plain}\"; filename*=UTF-8''{}", utf8_percent_encode(name, EXTENDED));
    // Cannot fail: all of it is printable ASCII.
    HeaderValue::from_str(&text).unwrap_or(HeaderValue::from_static("attachment"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn w09_a_file_is_what_its_bytes_say() {
        for (bytes, expected) in [
            (&b"Geachte heer, \xc3\xa9\xc3\xa9n vraag."[..], Some("text/plain")),
            (b"GIFT: a text that begins as a picture does", Some("text/plain")),
            (b"<html><script>alert(1)</script>", Some("text/plain")),
            (b"%PDF-1.7\n1 0 obj\n", Some("application/pdf")),
            (b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", Some("image/png")),
            (b"\xff\xd8\xff\xe0\0\x10JFIF\0", Some("image/jpeg")),
            (b"GIF89a\x01\0\x01\0\x80", Some("image/gif")),
            (b"RIFF\x24\0\0\0WEBPVP8 ", Some("image/webp")),
            (b"MZ\x90\0\x03\0\0\0", None),
            (b"PK\x03\x04\x14\0\0\0", None),
            (b"\x7fELF\x02\x01\x01\0", None),
            (b"text with a \0 in it", None),
            (b"not \xff utf-8", None),
        ] {
            assert_eq!(media_type(bytes), expected, "{}", String::from_utf8_lossy(bytes));
        }
    }

    #[test]
    fn w09_a_name_is_no_path_hides_nothing_and_ends_as_its_content_wants() {
        for (name, media, expected) in [
            ("brief.pdf", "application/pdf", "brief.pdf"),
            ("BRIEF.PDF", "application/pdf", "BRIEF.PDF"),
            ("../../etc/passwd", "text/plain", "passwd.txt"),
            ("C:\\Users\\x\\notitie.md", "text/plain", "notitie.md"),
            ("rekening.exe", "application/pdf", "rekening.exe.pdf"),
            ("pagina.html", "text/plain", "pagina.html.txt"),
            ("foto\u{202e}gnp.exe", "image/png", "fotognp.exe.png"),
            ("a\r\nb\0c.png", "image/png", "abc.png"),
            ("  ..  ", "image/gif", "bestand.gif"),
            (".pdf", "application/pdf", "pdf.pdf"),
            ("wat? <dit>.txt", "text/plain", "wat_ _dit_.txt"),
        ] {
            assert_eq!(cleaned(name, media), expected, "{name:?}");
        }
        assert!(cleaned(&"é".repeat(500), "image/png").len() <= 255);
    }

    #[test]
    fn w09_names_travel_in_a_content_disposition() {
        for (header, expected) in [
            ("attachment; filename=\"een brief.pdf\"", Some("een brief.pdf")),
            ("attachment; filename=brief.pdf; size=3", Some("brief.pdf")),
            ("attachment; filename=\"x\\\"y.pdf\"", Some("x\"y.pdf")),
            ("attachment; filename=\"C:\\tmp\\a.txt\"", Some("C:\\tmp\\a.txt")),
            ("attachment; filename=a.txt; filename*=UTF-8''na%C3%AFef%20.txt", Some("naïef .txt")),
            ("attachment; filename=a.txt; filename*=ISO-8859-1''na%EFef.txt", Some("a.txt")),
            ("attachment; filename=\"open", Some("open")),
            ("inline", None),
        ] {
            assert_eq!(name_in(header).as_deref(), expected, "{header}");
        }
        let header = disposition("één \"brief\" 100%.pdf");
        let expected = "attachment; filename=\"__n _brief_ 100_.pdf\"; \
                        filename*=UTF-8''%C3%A9%C3%A9n%20%22brief%22%20100%25.pdf";
        assert_eq!(header.to_str().unwrap(), expected);
        assert_eq!(name_in(expected).unwrap(), "één \"brief\" 100%.pdf");
    }
}
