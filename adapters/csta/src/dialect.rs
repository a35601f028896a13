//! What differs between products, as data: a constant a dialect.

use schakel_csta_wire::Edition;

/// One product's ways.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Dialect {
    /// The name in the configuration.
    pub name: &'static str,
    /// The edition that is written if the configuration names none.
    pub edition: Edition,
    /// Whether the namespace is declared in what we send.
    pub namespace: bool,
    /// The PBX greets with `SystemStatus`; we wait a moment for it before we send anything.
    pub greets_with_status: bool,
    /// Device ids carry `;uid=<call id>`: the call that a party was in before.
    pub links_by_uid: bool,
    /// No `Held` is told when a consultation holds the call.
    pub consultation_holds_silently: bool,
    /// `Retrieved` after `ReconnectCall` names the consultation's call instead of the retrieved one.
    pub reconnect_retrieves_consultation: bool,
}

/// As the standard has it.
pub const STANDARD: Dialect = Dialect {
    name: "standard",
    edition: Edition::Ed4,
    namespace: true,
    greets_with_status: false,
    links_by_uid: false,
    consultation_holds_silently: false,
    reconnect_retrieves_consultation: false,
};

/// OpenScape Voice (seen in captures of 2020 to 2023): ids `N<…>`, `SystemStatus` first, transfers linked by `uid`.
pub const OPENSCAPE_VOICE: Dialect =
    Dialect { name: "openscape-voice", greets_with_status: true, links_by_uid: true, ..STANDARD };

/// asterisk-csp, the Java server for Asterisk (seen running): no namespaces, ids nested in ids,
/// no `Held` on consultation, and the wrong call in `Retrieved` after a take-back.
pub const ASTERISK_CSP: Dialect = Dialect {
    name: "asterisk-csp",
    namespace: false,
    consultation_holds_silently: true,
    reconnect_retrieves_consultation: true,
    ..STANDARD
};

/// All of them.
pub const ALL: [&Dialect; 3] = [&STANDARD, &OPENSCAPE_VOICE, &ASTERISK_CSP];

impl Dialect {
    /// The dialect of this name.
    pub fn by_name(name: &str) -> Option<&'static Self> {
        ALL.into_iter().find(|dialect| dialect.name == name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_found_and_differ() {
        for dialect in ALL {
            assert_eq!(Dialect::by_name(dialect.name), Some(dialect));
        }
        assert_eq!(Dialect::by_name("avaya"), None);
    }
}
