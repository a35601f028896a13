//! From what came to digits: URIs unpacked, separators taken out, the words for "not shown" known.

use super::Digits;
use std::borrow::Cow;

/// What a text is.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Cleaned {
    /// The caller is not shown.
    Anonymous,
    /// Digits, behind a plus or not.
    Number { plus: bool, digits: Digits },
    /// Something else: a name, a code with `*` or `#`, more digits than a number has.
    Other,
}

/// What telephone systems and SIP (RFC 3323) write for a caller who is not shown, in lower case.
const HIDDEN: [&str; 16] = [
    "",
    "-",
    "anonymous",
    "anoniem",
    "restricted",
    "private",
    "prive",
    "privé",
    "unavailable",
    "not available",
    "unknown",
    "onbekend",
    "withheld",
    "hidden",
    "afgeschermd",
    "geheim",
];

/// Longer is no number and no URI of one.
const LENGTH_MAX: usize = 512;

/// Reads a text.
pub(super) fn clean(raw: &str) -> Cleaned {
    if raw.len() > LENGTH_MAX {
        return Cleaned::Other;
    }
    let (text, of_uri) = unpack(raw);
    let text = text.trim_matches(is_separator_or_quote);
    if HIDDEN.iter().any(|word| text.eq_ignore_ascii_case(word)) || text.eq("PRIVÉ") {
        return Cleaned::Anonymous;
    }
    let text = if of_uri { decoded(text) } else { Cow::Borrowed(text) };
    let (mut plus, mut digits) = (false, Digits::NONE);
    for each in text.chars() {
        match each {
            '+' if !plus && digits.length == 0 => plus = true,
            _ if is_separator(each) => {}
            _ if digits.push(each) => {}
            _ => return Cleaned::Other,
        }
    }
    if digits.length == 0 { Cleaned::Other } else { Cleaned::Number { plus, digits } }
}

/// The number in `tel:…;ext=1`, `sip:…@host`, `"Jan" <sip:…>`; and whether it was in a URI.
fn unpack(raw: &str) -> (&str, bool) {
    let bracketed = raw.find('<').and_then(|open| {
        let inner = &raw[open + 1..];
        inner.find('>').map(|close| &inner[..close])
    });
    let text = bracketed.unwrap_or(raw).trim();
    let Some((scheme, rest)) = text.split_once(':') else { return (text, false) };
    let rest = rest.trim_start_matches('/');
    if scheme.eq_ignore_ascii_case("tel") {
        return (before(rest, &[';', '?']), true);
    }
    if scheme.eq_ignore_ascii_case("sip") || scheme.eq_ignore_ascii_case("sips") {
        return match rest.split_once('@') {
            // A password after a colon is of RFC 3261 and of nobody.
            Some((user, _)) => (before(user, &[';', ':']), true),
            // Without a user it is a host, unless it can be nothing but a number.
            None => {
                let rest = before(rest, &[';', '?']);
                let is_number = rest.bytes().all(|each| each.is_ascii_digit() || each == b'+');
                (if is_number { rest } else { text }, true)
            }
        };
    }
    (text, false)
}

fn before<'a>(text: &'a str, ends: &[char]) -> &'a str {
    text.split(ends).next().unwrap_or(text)
}

/// Percent signs of a URI (RFC 3986), where what they stand for is ASCII.
fn decoded(text: &str) -> Cow<'_, str> {
    if !text.contains('%') {
        return Cow::Borrowed(text);
    }
    let mut parts = text.split('%');
    let mut out = parts.next().unwrap_or("").to_owned();
    for part in parts {
        let code = part.get(..2).and_then(|code| u8::from_str_radix(code, 16).ok()).filter(u8::is_ascii);
        match (code, part.get(2..)) {
            (Some(code), Some(rest)) => {
                out.push(char::from(code));
                out.push_str(rest);
            }
            _ => {
                out.push('%');
                out.push_str(part);
            }
        }
    }
    Cow::Owned(out)
}

/// What people and programs write between digits, marks of direction that a copied number carries among them.
fn is_separator(each: char) -> bool {
    each.is_whitespace()
        || matches!(each, '-' | '.' | '/' | '(' | ')' | '[' | ']' | '_' | '·')
        || matches!(each, '\u{2010}'..='\u{2015}' | '\u{2212}' | '\u{00ad}' | '\u{feff}')
        || matches!(each, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2069}')
}

/// A lone dash is a word for "not shown", so it stays.
fn is_separator_or_quote(each: char) -> bool {
    each == '"' || each == '\'' || (is_separator(each) && each != '-')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn number(text: &str) -> Option<(bool, String)> {
        match clean(text) {
            Cleaned::Number { plus, digits } => Some((plus, digits.as_str().to_owned())),
            _ => None,
        }
    }

    #[test]
    fn t10_uris_are_unpacked() {
        for (text, plus, digits) in [
            ("tel:+31-70-353-8000;ext=12", true, "31703538000"),
            ("sip:%2B31703538000@pbx.voorbeeld.nl;user=phone", true, "31703538000"),
            ("\"Jan de Vries\" <sips:0703538000;phone-context=+31@pbx>", false, "0703538000"),
            ("SIP:8123", false, "8123"),
            ("N<0703538000>;displayNumber", false, "0703538000"),
            ("\u{202a}+31 6 12345678\u{202c}", true, "31612345678"),
        ] {
            assert_eq!(number(text), Some((plus, digits.to_owned())), "{text}");
        }
    }

    #[test]
    fn what_is_no_number_is_no_number() {
        for text in ["sip:10.0.0.1", "sip:jansen@pbx", "*21*0612345678#", "31+70", "++31", "+", "0900CALLME"]
        {
            assert_eq!(clean(text), Cleaned::Other, "{text}");
        }
        assert_eq!(clean(&"1".repeat(Digits::MAX + 1)), Cleaned::Other);
        assert_eq!(clean(&"1 ".repeat(LENGTH_MAX)), Cleaned::Other);
    }

    #[test]
    fn t10_a_caller_who_is_not_shown_has_many_words() {
        for text in [
            "",
            "  ",
            "Anonymous",
            "sip:anonymous@anonymous.invalid",
            "\"Anonymous\"",
            "-",
            "PRIVÉ",
            "Onbekend",
        ] {
            assert_eq!(clean(text), Cleaned::Anonymous, "{text}");
        }
    }
}
