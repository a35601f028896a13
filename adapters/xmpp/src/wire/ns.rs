//! The namespaces that are spoken, each with its document. Those that the library knows are its own constants.

pub(crate) use xmpp_parsers::ns::{
    CARBONS, CHATSTATES, DATA_FORMS, DELAY, DISCO_INFO, DISCO_ITEMS, DISPLAYED_MARKERS as MARKERS, EME,
    FORWARD, HTTP_UPLOAD, JABBER_CLIENT as CLIENT, LEGACY_OMEMO, MAM, MESSAGE_CORRECT, MUC, MUC_USER, NICK,
    OOB, PING, RECEIPTS, RSM, RTT, SID, VERSION, XMPP_STANZAS as STANZAS,
};

/// XEP-0045: affiliations and roles.
pub(crate) const MUC_ADMIN: &str = "http://jabber.org/protocol/muc#admin";
/// XEP-0045: making, configuring and destroying a room.
pub(crate) const MUC_OWNER: &str = "http://jabber.org/protocol/muc#owner";
/// XEP-0249: direct invitations.
pub(crate) const CONFERENCE: &str = "jabber:x:conference";
/// XEP-0334: hints for who stores messages.
pub(crate) const HINTS: &str = "urn:xmpp:hints";
/// XEP-0142: workgroup queues.
pub(crate) const WORKGROUP: &str = "http://jabber.org/protocol/workgroup";
/// What Openfire Fastpath adds to XEP-0142.
pub(crate) const FASTPATH: &str = "http://jivesoftware.com/protocol/workgroup";
