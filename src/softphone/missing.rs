//! What an agent wanted to do something with, and is not there.

use crate::client::Language;

/// What is missing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Missing {
    /// A call here.
    Call,
    /// A call that rings at a colleague.
    ColleaguesCall,
    /// A transfer of this device.
    Transfer,
    /// A session that is open.
    OpenSession,
    /// A session that is parked.
    ParkedSession,
    /// A call that arrived while a session was open.
    Question,
    /// That hit in the last search.
    Hit,
    /// A chat: with that number, or any.
    Chat,
    /// A chat that is offered.
    Offer,
    /// A canned text of that name.
    Canned,
}

impl Missing {
    /// In words.
    pub fn text(self, language: Language) -> &'static str {
        let (nl, en) = match self {
            Missing::Call => ("er is geen gesprek op dit toestel", "there is no call at this device"),
            Missing::ColleaguesCall => {
                ("er gaat geen gesprek over bij een collega", "no call rings at a colleague")
            }
            Missing::Transfer => {
                ("er wordt hier niet doorverbonden", "no transfer is under way at this device")
            }
            Missing::OpenSession => ("er staat geen contactsessie open", "no session is open"),
            Missing::ParkedSession => ("er is geen contactsessie geparkeerd", "no session is parked"),
            Missing::Question => (
                "er kwam geen gesprek binnen terwijl een contactsessie openstond",
                "no call has arrived while a session was open",
            ),
            Missing::Chat => {
                ("er is geen zo'n chat; `chats` toont ze", "there is no such chat; `chats` shows them")
            }
            Missing::Offer => ("er wordt geen chat aangeboden", "no chat is offered"),
            Missing::Canned => (
                "die standaardtekst is er niet; `standaard` toont ze",
                "there is no such canned text; `canned` shows them",
            ),
            Missing::Hit => (
                "dat is niet gevonden; `zoek NAAM` zoekt, en nummert wat er is",
                "the last search has no such hit; `search NAME` searches, and numbers what there is",
            ),
        };
        language.pick(nl, en)
    }
}

impl std::fmt::Display for Missing {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.text(Language::En))
    }
}
