//! Coming into a room, going out of it, and what its presence says (XEP-0045).

use xmpp_parsers::jid::BareJid;
use xmpp_parsers::minidom::Element;

use super::{Set, make, ns, stanza};

/// Presence that enters a room, without its history: that comes from the archive.
pub(crate) fn entrance(from: Option<&str>, room: &BareJid, nick: &str, password: Option<&str>) -> Element {
    let history = make("history", ns::MUC).set("maxstanzas", "0").build();
    let mut x = make("x", ns::MUC).append(history);
    if let Some(password) = password {
        x = x.child("password", ns::MUC, password);
    }
    stanza("presence", from, &format!("{room}/{nick}"), None, "").append(x.build()).build()
}

/// Presence that leaves a room.
pub(crate) fn exit(from: Option<&str>, room: &BareJid, nick: &str) -> Element {
    stanza("presence", from, &format!("{room}/{nick}"), Some("unavailable"), "").build()
}

/// The status codes of a room's presence (XEP-0045 section 15.6).
pub(crate) fn codes(x: Option<&Element>) -> Vec<u16> {
    let statuses = x.into_iter().flat_map(Element::children).filter(|child| child.is("status", ns::MUC_USER));
    statuses.filter_map(|status| status.attr("code")?.parse().ok()).take(16).collect()
}
