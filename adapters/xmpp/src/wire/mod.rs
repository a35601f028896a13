//! Reading and making stanzas. Knows nothing of the house; nothing here has a memory, and nothing fails on what a peer
//! sends: what cannot be read is not there.

pub(crate) mod message;
pub(crate) mod muc;
pub(crate) mod ns;

use std::borrow::Cow;

use xmpp_parsers::minidom::element::ElementBuilder;
use xmpp_parsers::minidom::rxml::{Namespace, NcName};
use xmpp_parsers::minidom::{Element, Node};

/// Setting attributes by their plain names.
pub(crate) trait Set: Sized {
    /// Sets an attribute; characters that XML has none for are left out.
    fn set(self, name: &str, value: &str) -> Self;
    /// Sets an attribute that is there.
    fn set_if(self, name: &str, value: Option<&str>) -> Self {
        match value {
            Some(value) => self.set(name, value),
            None => self,
        }
    }
    /// A child with words in it.
    fn child(self, name: &str, ns: &str, words: &str) -> Self;
}

impl Set for ElementBuilder {
    fn set(self, name: &str, value: &str) -> Self {
        match NcName::try_from(name) {
            Ok(name) => self.attr(name, clean(value).into_owned()),
            Err(_) => self,
        }
    }

    fn child(self, name: &str, ns: &str, words: &str) -> Self {
        self.append(text(name, ns, words))
    }
}

/// An element to be filled.
pub(crate) fn make(name: &str, ns: &str) -> ElementBuilder {
    Element::builder(name, ns)
}

/// An element without content.
pub(crate) fn bare(name: &str, ns: &str) -> Element {
    Element::bare(name, ns)
}

/// An element with words in it.
pub(crate) fn text(name: &str, ns: &str, words: &str) -> Element {
    make(name, ns).append(Node::Text(clean(words).into_owned())).build()
}

/// A stanza: `message`, `presence` or `iq`.
pub(crate) fn stanza(
    name: &str,
    from: Option<&str>,
    to: &str,
    kind: Option<&str>,
    id: &str,
) -> ElementBuilder {
    let made = make(name, ns::CLIENT).set_if("from", from).set_if("type", kind);
    let made = if to.is_empty() { made } else { made.set("to", to) };
    if id.is_empty() { made } else { made.set("id", id) }
}

/// An error in answer to a stanza (RFC 6120 section 8.3); none to one that is an error or an answer itself, or that
/// has no sender.
pub(crate) fn error(to: &Element, condition: &Condition, words: &str) -> Option<Element> {
    if matches!(to.attr("type"), Some("error" | "result")) {
        return None;
    }
    let mut detail =
        make("error", ns::CLIENT).set("type", condition.class).append(bare(condition.name, ns::STANZAS));
    if !words.is_empty() {
        detail = detail.child("text", ns::STANZAS, words);
    }
    let id = to.attr("id").unwrap_or_default();
    let made = stanza(to.name(), to.attr("to"), to.attr("from")?, Some("error"), id);
    Some(made.append(detail.build()).build())
}

/// What is wrong with a stanza, as RFC 6120 section 8.3.3 names it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Condition {
    /// The element.
    pub(crate) name: &'static str,
    /// `cancel`, `modify`, `wait` or `auth`.
    pub(crate) class: &'static str,
}

/// The words or form will not do.
pub(crate) const NOT_ACCEPTABLE: Condition = Condition { name: "not-acceptable", class: "modify" };
/// Too much, or too fast.
pub(crate) const POLICY_VIOLATION: Condition = Condition { name: "policy-violation", class: "wait" };
/// No room for more.
pub(crate) const RESOURCE_CONSTRAINT: Condition = Condition { name: "resource-constraint", class: "wait" };
/// Not for him.
pub(crate) const FORBIDDEN: Condition = Condition { name: "forbidden", class: "auth" };
/// Nobody of this name.
pub(crate) const ITEM_NOT_FOUND: Condition = Condition { name: "item-not-found", class: "cancel" };
/// Nothing that we do.
pub(crate) const SERVICE_UNAVAILABLE: Condition = Condition { name: "service-unavailable", class: "cancel" };
/// Not like this.
pub(crate) const BAD_REQUEST: Condition = Condition { name: "bad-request", class: "modify" };

/// The condition of an error stanza, and its words if it has some.
pub(crate) fn error_of(stanza: &Element) -> (String, String) {
    let Some(error) = stanza.get_child("error", ns::CLIENT) else {
        return ("undefined".into(), String::new());
    };
    let of_standard = |child: &&Element| child.has_ns(ns::STANZAS) && child.name() != "text";
    let name = error.children().find(of_standard).map_or("undefined-condition", Element::name);
    let words = error.get_child("text", ns::STANZAS).map(Element::text).unwrap_or_default();
    (cut(name, 64).to_owned(), cut(&clean(&words), 200).to_owned())
}

/// The language that is declared at an element itself.
pub(crate) fn language(element: &Element) -> Option<&str> {
    element.attr_ns(&Namespace::XML, "lang").filter(|tag| {
        !tag.is_empty()
            && tag.len() <= 35
            && tag.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
    })
}

/// The text without what XML 1.0 cannot carry, other control characters, and carriage returns.
pub(crate) fn clean(text: &str) -> Cow<'_, str> {
    let stays = |letter: char| {
        matches!(letter, '\n' | '\t') || !(letter.is_control() || matches!(letter, '\u{fffe}' | '\u{ffff}'))
    };
    if text.chars().all(stays) { text.into() } else { text.chars().filter(|letter| stays(*letter)).collect() }
}

/// At most so many bytes, whole characters.
pub(crate) fn cut(text: &str, bytes: usize) -> &str {
    text.get(..text.floor_char_boundary(bytes)).unwrap_or(text)
}

/// A moment, in milliseconds since 1970, as XEP-0082 writes it.
pub(crate) fn stamp(at: u64) -> String {
    let millis = i64::try_from(at).unwrap_or(i64::MAX);
    jiff::Timestamp::from_millisecond(millis).map(|at| at.to_string()).unwrap_or_default()
}

/// A moment that XEP-0082 writes, in milliseconds since 1970.
pub(crate) fn moment(text: &str) -> Option<u64> {
    let at: jiff::Timestamp = text.parse().ok()?;
    u64::try_from(at.as_millisecond()).ok()
}

/// About how many bytes an element has when written; stops counting beyond `limit`. Without recursion: a peer decides
/// how deep it is.
pub(crate) fn size(element: &Element, limit: usize) -> usize {
    let mut left = vec![element];
    let mut bytes = 0;
    while let Some(element) = left.pop() {
        bytes += 2 * element.name().len() + 5 + element.ns().len();
        bytes += element.attrs().iter().map(|((_, name), value)| name.len() + value.len() + 4).sum::<usize>();
        bytes += element.texts().map(str::len).sum::<usize>();
        if bytes > limit {
            return bytes;
        }
        left.extend(element.children());
    }
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_read_back_and_control_characters_go() {
        let at = 1_790_000_000_123;
        assert_eq!(moment(&stamp(at)), Some(at));
        assert_eq!(moment("2002-09-10T23:41:07Z"), Some(1_031_701_267_000));
        assert_eq!(moment("yesterday"), None);
        assert_eq!(clean("a\u{0}\u{1b}[31m\tb\r\n\u{85}\u{ffff}c"), "a[31m\tb\nc");
        assert_eq!(cut("aé", 2), "a");
    }

    #[test]
    fn an_error_is_never_answered_by_an_error() {
        let error_of_his = stanza("message", Some("v@x"), "us@y", Some("error"), "1").build();
        assert_eq!(error(&error_of_his, &FORBIDDEN, ""), None);
        let answer = stanza("iq", Some("v@x"), "us@y", Some("result"), "1").build();
        assert_eq!(error(&answer, &FORBIDDEN, ""), None);
        let asked = stanza("iq", Some("v@x"), "us@y", Some("get"), "1").build();
        let told = error(&asked, &SERVICE_UNAVAILABLE, "no").map(|told| error_of(&told));
        assert_eq!(told, Some(("service-unavailable".into(), "no".into())));
    }
}
