//! What an agent types about chats, in Dutch and English.
//!
//! A number in front of the words names the chat, as in `zeg 2: goedemiddag`; without one it is the chat that is spoken in.

use super::typed::NotUnderstood;
use crate::client::Language;

/// Something about chats that was understood; the number of the chat where one was typed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ChatTyped {
    /// Come into the channel for these queues.
    On(Vec<String>),
    /// Leave the channel.
    Off,
    /// Show what was said in a chat, and speak in it from now on.
    Choose(usize),
    /// Show the chats.
    List,
    /// Take an offer.
    Accept(Option<usize>),
    /// Decline it.
    Reject(Option<usize>),
    /// Take a waiting chat without an offer.
    Join(Option<usize>),
    /// Say something to all.
    Say(Option<usize>, String),
    /// Say something to the other agents only.
    Whisper(Option<usize>, String),
    /// Say a canned text; without a name: show them.
    Canned(Option<usize>, Option<String>),
    /// Tell the visitor that one types.
    Types(Option<usize>),
    /// Invite `@agent` or any of a queue; and leave when he joins.
    Invite(Option<usize>, String, bool),
    /// Take the invitation back.
    Withdraw(Option<usize>),
    /// Leave the chat.
    Leave(Option<usize>),
    /// Note something for JKC's record.
    Field(Option<usize>, Field, String),
    /// End the talking.
    End(Option<usize>),
    /// Keep the chat that has ended.
    Archive(Option<usize>),
}

/// What can be noted for JKC's record (O09).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Field {
    /// Subject.
    Subject,
    /// Category.
    Category,
    /// Remarks.
    Remarks,
    /// E-mail address.
    Email,
}

/// The words of each command, Dutch first; what follows them, for help.
pub(super) const WORDS: [(&str, &[&str], &str, &str); 16] = [
    ("chat", &["chat"], " aan WACHTRIJ… | uit | NUMMER", " on QUEUE… | off | NUMBER"),
    ("list", &["chats"], "", ""),
    ("accept", &["aannemen", "accept"], " [NUMMER]", " [NUMBER]"),
    ("reject", &["afwijzen", "reject"], " [NUMMER]", " [NUMBER]"),
    ("join", &["deelnemen", "join"], " [NUMMER]", " [NUMBER]"),
    ("say", &["zeg", "tell"], " [NUMMER:] TEKST", " [NUMBER:] TEXT"),
    ("whisper", &["fluister", "whisper"], " [NUMMER:] TEKST", " [NUMBER:] TEXT"),
    ("canned", &["standaard", "canned"], " [NUMMER:] [NAAM]", " [NUMBER:] [NAME]"),
    ("types", &["typen", "typing"], " [NUMMER]", " [NUMBER]"),
    ("invite", &["uitnodigen", "invite"], " [NUMMER:] @MEDEWERKER|WACHTRIJ", " [NUMBER:] @AGENT|QUEUE"),
    ("hand-over", &["overdragen", "handover"], " [NUMMER:] @MEDEWERKER|WACHTRIJ", " [NUMBER:] @AGENT|QUEUE"),
    ("withdraw", &["intrekken", "withdraw"], " [NUMMER]", " [NUMBER]"),
    ("leave", &["verlaten", "leave"], " [NUMMER]", " [NUMBER]"),
    (
        "field",
        &["veld", "field"],
        " [NUMMER:] onderwerp|categorie|opmerking|email TEKST",
        " [NUMBER:] subject|category|remarks|email TEXT",
    ),
    ("end", &["beëindigen", "end", "beeindigen"], " [NUMMER]", " [NUMBER]"),
    ("archive", &["archiveren", "archive"], " [NUMMER]", " [NUMBER]"),
];

/// The names of the fields, Dutch first.
const FIELDS: [(Field, [&str; 2]); 4] = [
    (Field::Subject, ["onderwerp", "subject"]),
    (Field::Category, ["categorie", "category"]),
    (Field::Remarks, ["opmerking", "remarks"]),
    (Field::Email, ["email", "e-mail"]),
];

/// Reads a line whose first word is about chats; none where it is about something else.
pub(super) fn parse(line: &str) -> Option<Result<ChatTyped, NotUnderstood>> {
    let line = line.trim();
    let (first, rest) = line.split_once(char::is_whitespace).unwrap_or((line, ""));
    let lower = first.to_lowercase();
    let (name, _, nl, en) = WORDS.iter().find(|(_, words, ..)| words.contains(&lower.as_str()))?;
    let read = meaning(name, rest.trim());
    Some(read.ok_or_else(|| NotUnderstood {
        nl: format!("zo: {first}{nl}"),
        en: format!("like this: {first}{en}"),
    }))
}

/// What can be typed about chats, a command a line.
pub(super) fn help(language: Language) -> Vec<String> {
    let line = |(_, words, nl, en): &(&str, &[&str], &str, &str)| {
        let (dutch, english) =
            (words.first().copied().unwrap_or(""), words.get(1).or(words.first()).copied().unwrap_or(""));
        let (first, other) = language.pick((dutch, english), (english, dutch));
        let shown = format!("  {first}{}", language.pick(nl, en));
        if first == other { shown } else { format!("{shown:<34}({other})") }
    };
    WORDS.iter().map(line).collect()
}

fn meaning(name: &str, rest: &str) -> Option<ChatTyped> {
    let chosen = || if rest.is_empty() { Some(None) } else { rest.parse().ok().map(Some) };
    let worded = || {
        let (number, text) = numbered(rest);
        Some((number, text.to_owned())).filter(|(_, text)| !text.is_empty())
    };
    Some(match name {
        "chat" => return channel(rest),
        "list" => ChatTyped::List,
        "accept" => ChatTyped::Accept(chosen()?),
        "reject" => ChatTyped::Reject(chosen()?),
        "join" => ChatTyped::Join(chosen()?),
        "types" => ChatTyped::Types(chosen()?),
        "withdraw" => ChatTyped::Withdraw(chosen()?),
        "leave" => ChatTyped::Leave(chosen()?),
        "end" => ChatTyped::End(chosen()?),
        "archive" => ChatTyped::Archive(chosen()?),
        "say" => worded().map(|(number, text)| ChatTyped::Say(number, text))?,
        "whisper" => worded().map(|(number, text)| ChatTyped::Whisper(number, text))?,
        "invite" => worded().map(|(number, whom)| ChatTyped::Invite(number, whom, false))?,
        "hand-over" => worded().map(|(number, whom)| ChatTyped::Invite(number, whom, true))?,
        "canned" => {
            let (number, text) = numbered(rest);
            ChatTyped::Canned(number, Some(text.to_owned()).filter(|text| !text.is_empty()))
        }
        _ => {
            let (number, text) = numbered(rest);
            let (field, text) = text.split_once(char::is_whitespace)?;
            let field = FIELDS.iter().find(|(_, names)| names.contains(&field))?.0;
            ChatTyped::Field(number, field, text.trim().to_owned())
        }
    })
}

fn channel(rest: &str) -> Option<ChatTyped> {
    let (word, queues) = rest.split_once(char::is_whitespace).unwrap_or((rest, ""));
    let queues: Vec<String> =
        queues.split([' ', ',']).filter(|queue| !queue.is_empty()).map(str::to_owned).collect();
    match word {
        "aan" | "on" if !queues.is_empty() => Some(ChatTyped::On(queues)),
        "uit" | "off" if queues.is_empty() => Some(ChatTyped::Off),
        number if queues.is_empty() => number.parse().ok().map(ChatTyped::Choose),
        _ => None,
    }
}

/// The chat in front of the words, as in `2: goedemiddag`.
fn numbered(text: &str) -> (Option<usize>, &str) {
    let split = text.split_once(':').and_then(|(number, rest)| Some((number.parse().ok()?, rest.trim())));
    split.map_or((None, text), |(number, rest)| (Some(number), rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn typed(line: &str) -> ChatTyped {
        parse(line).unwrap().unwrap()
    }

    #[test]
    fn p04_dutch_and_english_mean_the_same() {
        for (nl, en) in [
            ("chat aan burgerzaken, balie", "chat on burgerzaken balie"),
            ("chat uit", "chat off"),
            ("chat 2", "CHAT 2"),
            ("aannemen", "accept"),
            ("afwijzen 2", "reject 2"),
            ("deelnemen", "join"),
            ("zeg 2: dag", "tell 2: dag"),
            ("fluister let op", "whisper let op"),
            ("standaard moment", "canned moment"),
            ("standaard", "canned"),
            ("typen", "typing"),
            ("uitnodigen @bram", "invite @bram"),
            ("overdragen balie", "handover balie"),
            ("intrekken", "withdraw"),
            ("verlaten", "leave"),
            ("veld onderwerp Paspoort kwijt", "field subject Paspoort kwijt"),
            ("beëindigen", "end"),
            ("archiveren 3", "archive 3"),
        ] {
            assert_eq!(typed(nl), typed(en), "{nl} = {en}");
        }
        assert_eq!(typed("zeg om 9:30 open"), ChatTyped::Say(None, "om 9:30 open".into()));
        assert_eq!(typed("zeg 2: om 9:30 open"), ChatTyped::Say(Some(2), "om 9:30 open".into()));
        assert_eq!(typed("overdragen 1: @bram"), ChatTyped::Invite(Some(1), "@bram".into(), true));
        assert_eq!(parse("ophangen"), None);
    }

    #[test]
    fn p04_what_is_not_understood_is_said_with_the_mend() {
        for (line, part) in [
            ("chat", "chat on QUEUE"),
            ("chat on", "on QUEUE"),
            ("chat off balie", "on QUEUE"),
            ("zeg", "zeg [NUMBER:] TEXT"),
            ("zeg 2:", "zeg [NUMBER:] TEXT"),
            ("accept all", "accept [NUMBER]"),
            ("field colour red", "subject|category"),
        ] {
            let error = parse(line).unwrap().unwrap_err();
            assert!(error.en.contains(part) && error.nl != error.en, "{line}: {error:?}");
        }
    }
}
