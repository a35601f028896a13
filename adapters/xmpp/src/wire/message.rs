//! What a message says, beside who sent it.

use std::borrow::Cow;

use xmpp_parsers::minidom::Element;

use super::{clean, cut, language, moment, ns};

/// Links that are read of one message.
const LINKS_MAX: usize = 10;
/// Bytes of a link.
const LINK_MAX_BYTES: usize = 2_000;
/// Bytes of an id that a peer makes.
const ID_MAX_BYTES: usize = 256;
/// Edits that are read of one XEP-0301 element.
const EDITS_MAX: usize = 1_000;

/// The best body and its language. A body without a language of its own has that of the stanza; of several the one
/// without any comes first, then Dutch, then English, then whatever is there. `en` on the stanza alone is not believed.
pub(crate) fn body(message: &Element) -> Option<(String, Option<&str>)> {
    let of_stanza = language(message);
    let bodies: Vec<_> = message
        .children()
        .filter(|child| child.is("body", ns::CLIENT))
        .map(|child| (language(child).or(of_stanza), child))
        .collect();
    let of = |wanted: &str| {
        bodies.iter().find(|(tag, _)| {
            tag.unwrap_or_default().split('-').next().is_some_and(|tag| tag.eq_ignore_ascii_case(wanted))
        })
    };
    let (tag, body) = of("").or_else(|| of("nl")).or_else(|| of("en")).or(bodies.first())?;
    // Servers write `en` on stanzas of streams that said nothing: that is no language of his.
    let said = language(body).or(tag.filter(|tag| !tag.eq_ignore_ascii_case("en")));
    Some((body.text(), said))
}

/// Whether the words are for somebody else's key (OMEMO, or what XEP-0380 says): the body is an excuse at best.
pub(crate) fn is_encrypted(message: &Element) -> bool {
    message.has_child("encryption", ns::EME) || message.has_child("encrypted", ns::LEGACY_OMEMO)
}

/// The id that whoever has the archive `by` gave it (XEP-0359).
pub(crate) fn stanza_id<'a>(message: &'a Element, by: &str) -> Option<&'a str> {
    let of = |child: &&Element| child.is("stanza-id", ns::SID) && child.attr("by") == Some(by);
    message.children().find(of)?.attr("id").and_then(id)
}

/// The id that its sender gave it (XEP-0359).
pub(crate) fn origin_id(message: &Element) -> Option<&str> {
    message.get_child("origin-id", ns::SID)?.attr("id").and_then(id)
}

/// An id of bearable length.
pub(crate) fn id(text: &str) -> Option<&str> {
    (!text.is_empty() && text.len() <= ID_MAX_BYTES).then_some(text)
}

/// When it was said, where somebody kept it meanwhile (XEP-0203): milliseconds since 1970.
pub(crate) fn delay(message: &Element) -> Option<u64> {
    message.get_child("delay", ns::DELAY)?.attr("stamp").and_then(moment)
}

/// The addresses of files that come with it (XEP-0066): of the web, nothing else.
pub(crate) fn links(message: &Element) -> Vec<String> {
    let address = |child: &Element| {
        let url = child.get_child("url", ns::OOB)?.text();
        let good = (url.starts_with("https://") || url.starts_with("http://"))
            && url.len() <= LINK_MAX_BYTES
            && !url.contains(|letter: char| letter.is_whitespace() || letter.is_control());
        good.then_some(url)
    };
    message.children().filter(|child| child.is("x", ns::OOB)).filter_map(address).take(LINKS_MAX).collect()
}

/// The message that it takes the place of (XEP-0308).
pub(crate) fn replaces(message: &Element) -> Option<&str> {
    message.get_child("replace", ns::MESSAGE_CORRECT)?.attr("id").and_then(id)
}

/// What its sender calls himself (XEP-0172), at most so long.
pub(crate) fn nick(stanza: &Element) -> Option<String> {
    let nick = stanza.get_child("nick", ns::NICK)?.text();
    let nick = clean(nick.trim()).replace('\n', " ");
    let nick = cut(&nick, 64);
    (!nick.is_empty()).then(|| nick.to_owned())
}

/// The message that is in an envelope (XEP-0297), with the time on it. Only one deep: what is in an envelope is not
/// opened again.
pub(crate) fn forwarded(envelope: &Element) -> Option<(&Element, Option<u64>)> {
    let inside = envelope.get_child("forwarded", ns::FORWARD)?;
    Some((inside.get_child("message", ns::CLIENT)?, delay(inside)))
}

/// The chat state that it tells (XEP-0085).
pub(crate) fn chat_state(message: &Element) -> Option<&str> {
    message.children().find(|child| child.has_ns(ns::CHATSTATES)).map(Element::name)
}

/// What a receipt or marker is about (XEP-0184, XEP-0333): the id, and whether it was looked at.
pub(crate) fn receipt(message: &Element) -> Option<(&str, bool)> {
    if let Some(received) = message.get_child("received", ns::RECEIPTS) {
        return Some((received.attr("id").and_then(id)?, false));
    }
    let marker = message.children().find(|child| child.has_ns(ns::MARKERS) && child.name() != "markable")?;
    let seen = matches!(marker.name(), "displayed" | "acknowledged");
    Some((marker.attr("id").and_then(id)?, seen))
}

/// Applies what is being typed (XEP-0301 section 4.2) to what is known of it. None: it is not known any more, or an
/// edit of a text whose beginning was not heard, which cannot be followed until the next `new` or `reset`.
pub(crate) fn edit(typed: &mut Option<String>, rtt: &Element, bytes_max: usize) {
    match rtt.attr("event") {
        Some("new" | "reset" | "init") => *typed = Some(String::new()),
        Some("cancel") => return *typed = None,
        _ => {}
    }
    let Some(text) = typed else { return };
    let mut letters: Vec<char> = text.chars().collect();
    for action in rtt.children().filter(|child| child.has_ns(ns::RTT)).take(EDITS_MAX) {
        let number = |name: &str| action.attr(name).and_then(|value| value.parse::<usize>().ok());
        let at = number("p").unwrap_or(letters.len()).min(letters.len());
        match action.name() {
            "t" => {
                let words = action.text();
                letters.splice(at..at, clean(&words).chars().collect::<Vec<_>>());
            }
            "e" => {
                let from = at.saturating_sub(number("n").unwrap_or(1));
                letters.drain(from..at);
            }
            // Waiting is for who wants to see it come letter by letter.
            _ => {}
        }
        if letters.len() > bytes_max {
            return *typed = None;
        }
    }
    *text = letters.into_iter().collect();
    if text.len() > bytes_max {
        *typed = None;
    }
}

/// Words for the house: without control characters.
pub(crate) fn words(text: &str) -> Cow<'_, str> {
    clean(text)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn parsed(text: &str) -> Element {
        text.parse().unwrap()
    }

    #[test]
    fn the_language_of_a_body_is_inherited() {
        let message = parsed("<message xmlns='jabber:client' xml:lang='en'><body>hello</body></message>");
        assert_eq!(body(&message), Some(("hello".into(), None)), "a server's default");
        let message = parsed("<message xmlns='jabber:client'><body xml:lang='en'>hello</body></message>");
        assert_eq!(body(&message), Some(("hello".into(), Some("en"))));
        let message = parsed("<message xmlns='jabber:client' xml:lang='de'><body>hallo</body></message>");
        assert_eq!(body(&message), Some(("hallo".into(), Some("de"))));
        let message = parsed(
            "<message xmlns='jabber:client' xml:lang='fr'><body>bonjour</body><body xml:lang='nl-BE'>dag</body></message>",
        );
        assert_eq!(body(&message), Some(("dag".into(), Some("nl-BE"))));
        assert_eq!(body(&parsed("<message xmlns='jabber:client'/>")), None);
    }

    #[test]
    fn o11_what_is_typed_is_followed() {
        let mut typed = None;
        let mut type_in = |inside: &str, event: &str| {
            let rtt = format!("<rtt xmlns='urn:xmpp:rtt:0' seq='1' {event}>{inside}</rtt>");
            edit(&mut typed, &parsed(&rtt), 20);
            typed.clone()
        };
        assert_eq!(type_in("<t>lost</t>", ""), None, "its beginning was not heard");
        // XEP-0301 section 4.2.3.
        assert_eq!(type_in("<t>HELLO</t>", "event='new'").as_deref(), Some("HELLO"));
        assert_eq!(type_in("<e/><e/><w n='100'/><t>P</t>", "").as_deref(), Some("HELP"));
        assert_eq!(type_in("<e p='1' n='99'/><t p='0'>é</t>", "").as_deref(), Some("éELP"));
        assert_eq!(type_in("<t p='99'>!</t>", "").as_deref(), Some("éELP!"));
        assert_eq!(type_in("<t>012345678901234567890</t>", ""), None, "too long");
        assert_eq!(type_in("<t>x</t>", "event='reset'").as_deref(), Some("x"));
        assert_eq!(type_in("", "event='cancel'"), None);
    }
}
