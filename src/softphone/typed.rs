//! What an agent types, in Dutch and English.

use super::chat_typed::{self, ChatTyped};
use crate::client::Language;
use schakel_contract::views::{ActionName, SessionDecision, TransferKind};

/// A line that was understood.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Typed {
    /// An action on a call here that needs nothing more.
    Control(ActionName),
    /// Start a call.
    Dial(String),
    /// Transfer the customer.
    Transfer(TransferKind, String),
    /// Complete the transfer.
    Complete,
    /// Take the customer back.
    TakeBack,
    /// Send tones.
    Dtmf(String),
    /// Deflect or consult.
    Send(ActionName, String),
    /// Take a colleague's ringing call.
    PickUp(Option<String>),
    /// The agent wants calls.
    Ready,
    /// The agent wants none, for this reason.
    NotReady(Option<String>),
    /// Open a contact session, with JKC's reference.
    Session(Option<String>),
    /// Park the open session.
    Park,
    /// Go on with the session that was parked last.
    Resume,
    /// Close the open session.
    Close,
    /// Keep or ignore the open session.
    Decide(SessionDecision),
    /// Search the directory.
    Search(String),
    /// JKC's browser is there, or has vanished.
    Browser(bool),
    /// Something about chats.
    Chat(ChatTyped),
    /// Show what the agent can take, and why not more.
    Availability,
    /// Show the calls.
    Calls,
    /// Show the buttons with their reasons.
    Actions,
    /// Show what can be typed.
    Help,
    /// End.
    Quit,
}

/// A line that was not understood: what is wrong, and how to mend it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{en}")]
pub struct NotUnderstood {
    /// In Dutch.
    pub nl: String,
    /// In English.
    pub en: String,
}

/// The words of each command, those that are shown first; what must follow them.
const WORDS: [(&str, &[&str], Needs); 31] = [
    ("answer", &["opnemen", "answer", "neem-op"], Needs::Nothing),
    ("hold", &["wacht", "hold", "in-de-wacht"], Needs::Nothing),
    ("retrieve", &["terug", "retrieve", "uit-de-wacht"], Needs::Nothing),
    ("hang-up", &["ophangen", "hangup", "hang-up", "neerleggen"], Needs::Nothing),
    ("dial", &["bel", "dial", "bellen", "call"], Needs::Number),
    ("transfer", &["doorverbinden", "transfer", "verbind-door"], Needs::KindAndNumber),
    ("warm", &["warm"], Needs::Number),
    ("cold", &["koud", "cold"], Needs::Number),
    ("complete", &["afronden", "complete", "verbind"], Needs::Nothing),
    ("take-back", &["terugpakken", "takeback", "take-back", "terugnemen"], Needs::Nothing),
    ("dtmf", &["tonen", "dtmf", "toon"], Needs::Digits),
    ("deflect", &["doorsturen", "deflect"], Needs::Number),
    ("pick-up", &["overnemen", "pickup", "pick-up"], Needs::MaybeNumber),
    ("consult", &["ruggespraak", "consult"], Needs::Number),
    ("conference", &["samenvoegen", "conference"], Needs::Nothing),
    ("alternate", &["wisselen", "alternate", "wissel"], Needs::Nothing),
    ("ready", &["gereed", "ready"], Needs::Nothing),
    ("not-ready", &["niet-gereed", "not-ready", "notready"], Needs::MaybeText),
    ("availability", &["beschikbaarheid", "availability", "status"], Needs::Nothing),
    ("session", &["sessie", "session"], Needs::MaybeText),
    ("park", &["parkeren", "park"], Needs::Nothing),
    ("resume", &["hervatten", "resume"], Needs::Nothing),
    ("close", &["sluiten", "close", "afsluiten"], Needs::Nothing),
    ("keep", &["bewaren", "keep"], Needs::Nothing),
    ("ignore", &["negeren", "ignore"], Needs::Nothing),
    ("search", &["zoek", "search", "zoeken"], Needs::Text),
    ("browser", &["browser"], Needs::GoneOrBack),
    ("calls", &["gesprekken", "calls"], Needs::Nothing),
    ("actions", &["knoppen", "actions", "buttons"], Needs::Nothing),
    ("help", &["hulp", "help", "?"], Needs::Nothing),
    ("quit", &["stop", "quit", "exit", "afmelden"], Needs::Nothing),
];

/// What the browser does when it vanishes.
const GONE: [&str; 2] = ["weg", "gone"];

/// And when it is there again.
const BACK: [&str; 2] = ["terug", "back"];

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Needs {
    Nothing,
    Number,
    MaybeNumber,
    Digits,
    KindAndNumber,
    Text,
    MaybeText,
    GoneOrBack,
}

impl Needs {
    fn shown(self, language: Language) -> &'static str {
        match self {
            Needs::Nothing => "",
            Needs::Number => language.pick(" NUMMER", " NUMBER"),
            Needs::MaybeNumber => language.pick(" [NUMMER]", " [NUMBER]"),
            Needs::Digits => language.pick(" CIJFERS", " DIGITS"),
            Needs::KindAndNumber => language.pick(" warm|koud NUMMER", " warm|cold NUMBER"),
            Needs::Text => language.pick(" NAAM", " NAME"),
            Needs::MaybeText => language.pick(" [TEKST]", " [TEXT]"),
            Needs::GoneOrBack => language.pick(" weg|terug", " gone|back"),
        }
    }
}

impl std::str::FromStr for Typed {
    type Err = NotUnderstood;

    fn from_str(line: &str) -> Result<Self, NotUnderstood> {
        if let Some(chat) = chat_typed::parse(line) {
            return chat.map(Typed::Chat);
        }
        let mut words = line.split_whitespace();
        let Some(first) = words.next() else {
            return Err(NotUnderstood {
                nl: "er is niets getypt; `hulp` toont wat er kan".into(),
                en: "nothing was typed; `help` shows what can be".into(),
            });
        };
        let lower = first.to_lowercase();
        let Some((name, _, needs)) = WORDS.iter().find(|(_, words, _)| words.contains(&lower.as_str()))
        else {
            return Err(NotUnderstood {
                nl: format!("\"{first}\" is geen opdracht; `hulp` toont wat er kan"),
                en: format!("\"{first}\" is no command; `help` shows what can be typed"),
            });
        };
        let kind = if *needs == Needs::KindAndNumber { Some(kind_of(first, words.next())?) } else { None };
        // A number may be typed with spaces between, as people write it: 020 123 45 67.
        let between = if matches!(needs, Needs::Text | Needs::MaybeText) { " " } else { "" };
        let rest = words.collect::<Vec<_>>().join(between);
        let missing = match needs {
            Needs::Nothing | Needs::MaybeNumber | Needs::MaybeText => false,
            Needs::GoneOrBack => !GONE.contains(&rest.as_str()) && !BACK.contains(&rest.as_str()),
            _ => rest.is_empty(),
        };
        if missing {
            return Err(NotUnderstood {
                nl: format!("bij `{first}` hoort meer: {first}{}", needs.shown(Language::Nl)),
                en: format!("`{first}` needs more: {first}{}", needs.shown(Language::En)),
            });
        }
        if *needs == Needs::Nothing && !rest.is_empty() {
            return Err(NotUnderstood {
                nl: format!("`{first}` staat alleen; \"{rest}\" is te veel"),
                en: format!("`{first}` stands alone; \"{rest}\" is too much"),
            });
        }
        Ok(match (*name, kind) {
            ("answer", _) => Typed::Control(ActionName::Answer),
            ("hold", _) => Typed::Control(ActionName::Hold),
            ("retrieve", _) => Typed::Control(ActionName::Retrieve),
            ("hang-up", _) => Typed::Control(ActionName::HangUp),
            ("conference", _) => Typed::Control(ActionName::Conference),
            ("alternate", _) => Typed::Control(ActionName::Alternate),
            ("dial", _) => Typed::Dial(rest),
            ("transfer", Some(kind)) => Typed::Transfer(kind, rest),
            ("warm", _) => Typed::Transfer(TransferKind::Warm, rest),
            ("cold", _) => Typed::Transfer(TransferKind::Cold, rest),
            ("complete", _) => Typed::Complete,
            ("take-back", _) => Typed::TakeBack,
            ("dtmf", _) => Typed::Dtmf(rest),
            ("deflect", _) => Typed::Send(ActionName::Deflect, rest),
            ("consult", _) => Typed::Send(ActionName::Consult, rest),
            ("pick-up", _) => Typed::PickUp(Some(rest).filter(|device| !device.is_empty())),
            ("ready", _) => Typed::Ready,
            ("not-ready", _) => Typed::NotReady(Some(rest).filter(|reason| !reason.is_empty())),
            ("availability", _) => Typed::Availability,
            ("session", _) => Typed::Session(Some(rest).filter(|reference| !reference.is_empty())),
            ("park", _) => Typed::Park,
            ("resume", _) => Typed::Resume,
            ("close", _) => Typed::Close,
            ("keep", _) => Typed::Decide(SessionDecision::Keep),
            ("ignore", _) => Typed::Decide(SessionDecision::Ignore),
            ("search", _) => Typed::Search(rest),
            ("browser", _) => Typed::Browser(BACK.contains(&rest.as_str())),
            ("calls", _) => Typed::Calls,
            ("actions", _) => Typed::Actions,
            ("quit", _) => Typed::Quit,
            _ => Typed::Help,
        })
    }
}

/// What can be typed, a command a line.
pub fn help(language: Language) -> String {
    let mut lines = Vec::new();
    for (_, words, needs) in WORDS {
        let (dutch, english) = (words.first().unwrap_or(&""), words.get(1).or(words.first()).unwrap_or(&""));
        let (first, other) = language.pick((dutch, english), (english, dutch));
        let shown = format!("  {first}{}", needs.shown(language));
        lines.push(if first == other { shown } else { format!("{shown:<34}({other})") });
    }
    lines.extend(chat_typed::help(language));
    lines.push(
        language
            .pick(
                "  in plaats van een nummer: @naam van een collega, 1) van wat gevonden is, entry:ID uit de gids, klant:REFERENTIE",
                "  instead of a number: @name of a colleague, 1) of what was found, entry:ID of the directory, customer:REFERENCE",
            )
            .into(),
    );
    lines.join("\n")
}

fn kind_of(command: &str, word: Option<&str>) -> Result<TransferKind, NotUnderstood> {
    match word {
        Some("warm") => Ok(TransferKind::Warm),
        Some("cold" | "koud") => Ok(TransferKind::Cold),
        _ => Err(NotUnderstood {
            nl: format!("bij `{command}` hoort warm of koud, en een nummer: {command} warm 2002"),
            en: format!("`{command}` needs warm or cold (koud), and a number: {command} warm 2002"),
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn typed(line: &str) -> Typed {
        line.parse().unwrap()
    }

    #[test]
    fn p04_dutch_and_english_mean_the_same() {
        for (nl, en) in [
            ("opnemen", "answer"),
            ("wacht", "hold"),
            ("terug", "retrieve"),
            ("ophangen", "hangup"),
            ("bel 020 123 45 67", "dial 0201234567"),
            ("doorverbinden warm 2002", "transfer warm 2002"),
            ("koud 2002", "transfer cold 2002"),
            ("afronden", "complete"),
            ("terugpakken", "takeback"),
            ("tonen 1 2#", "dtmf 12#"),
            ("doorsturen 2003", "deflect 2003"),
            ("overnemen", "pickup"),
            ("ruggespraak @bram", "consult @bram"),
            ("samenvoegen", "conference"),
            ("wisselen", "alternate"),
            ("gereed", "ready"),
            ("niet-gereed lange pauze", "not-ready lange pauze"),
            ("niet-gereed", "notready"),
            ("beschikbaarheid", "availability"),
            ("sessie K-1", "session K-1"),
            ("parkeren", "park"),
            ("hervatten", "resume"),
            ("sluiten", "close"),
            ("bewaren", "keep"),
            ("negeren", "ignore"),
            ("zoek jan de", "search jan de"),
            ("browser weg", "browser gone"),
            ("browser terug", "browser back"),
            ("bel 1)", "dial 1)"),
            ("gesprekken", "calls"),
            ("knoppen", "actions"),
            ("hulp", "help"),
            ("stop", "QUIT"),
        ] {
            assert_eq!(typed(nl), typed(en), "{nl} = {en}");
        }
        assert_eq!(typed("  warm  20 02 "), Typed::Transfer(TransferKind::Warm, "2002".into()));
        assert_eq!(typed("zoek  de   vries"), Typed::Search("de vries".into()));
        assert_eq!(typed("niet-gereed"), Typed::NotReady(None));
        assert_eq!(
            (typed("browser gone"), typed("browser back")),
            (Typed::Browser(false), Typed::Browser(true))
        );
        assert_eq!(typed("pick-up 2003"), Typed::PickUp(Some("2003".into())));
    }

    #[test]
    fn p04_what_is_not_understood_is_said_with_the_mend() {
        for (line, part) in [
            ("", "help"),
            ("answr", "\"answr\" is no command"),
            ("dial", "dial NUMBER"),
            ("transfer 2002", "transfer warm 2002"),
            ("transfer lauw 2002", "transfer warm 2002"),
            ("koud", "koud NUMBER"),
            ("hold 2002", "stands alone"),
            ("zoek", "zoek NAME"),
            ("browser", "browser gone|back"),
            ("browser even", "browser gone|back"),
        ] {
            let error = line.parse::<Typed>().unwrap_err();
            assert!(error.to_string().contains(part), "{line:?}: {error}");
            assert!(!error.nl.is_empty() && error.nl != error.en, "{error:?}");
        }
    }

    #[test]
    fn p04_no_word_means_two_things_and_help_names_every_command() {
        let mut all: Vec<&str> = WORDS.iter().flat_map(|(_, words, _)| words.iter().copied()).collect();
        all.extend(chat_typed::WORDS.iter().flat_map(|(_, words, ..)| words.iter().copied()));
        let count = all.len();
        all.sort_unstable();
        all.dedup();
        assert_eq!(all.len(), count);
        for language in [Language::Nl, Language::En] {
            let help = help(language);
            let of_chats = chat_typed::WORDS.iter().map(|(_, words, ..)| *words);
            for words in WORDS.iter().map(|(_, words, _)| *words).chain(of_chats) {
                assert!(help.contains(words[0]), "{} is missing:\n{help}", words[0]);
            }
        }
    }
}
