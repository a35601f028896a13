//! The chat channel in the configuration: its limits, queues, texts and canned texts.

use super::{Config, OpeningHours, Security};
use crate::serve::settings;
use schakel_core::settings::TextId;
use schakel_outbox::mail::QueueMail;
use serde::Deserialize;
use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

#[derive(Debug, Clone, PartialEq, Deserialize)]
#[allow(missing_docs, reason = "documented in config.example.toml")]
pub struct Chat {
    pub language: String,
    pub lease_seconds: u32,
    pub agent_grace_seconds: u32,
    pub keep_ended_seconds: u32,
    pub chats_max: u32,
    pub chats_a_visitor_max: u32,
    pub message_bytes_max: u32,
    pub messages_max: u32,
    pub messages_a_minute_max: u32,
    pub files_max: u32,
    pub file_bytes_max: u64,
    pub participants_max: u32,
    pub options_max: u32,
    pub queues: Vec<ChatQueue>,
    pub canned: Vec<Canned>,
    /// By language and by [`TextId::as_str`].
    pub texts: BTreeMap<String, BTreeMap<String, String>>,
}

/// A chat queue.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[allow(missing_docs, reason = "documented in config.example.toml")]
pub struct ChatQueue {
    pub name: String,
    pub title: String,
    pub opening_hours: String,
    pub offers: bool,
    pub priority: u8,
    pub chats_max: u16,
    pub offer_limit_seconds: u32,
    pub ignored_max: u16,
    pub cool_down_seconds: u32,
    pub wait_limit_seconds: u32,
    pub inactivity_seconds: u32,
    pub inactivity_warning_seconds: u32,
    pub visitor_grace_seconds: u32,
    pub wrap_limit_seconds: u32,
    pub when_busy: WhenBusy,
    pub typing_preview: bool,
    pub visitor_files: bool,
    pub offline_addresses: Vec<String>,
    pub offline_strict: bool,
    pub welcome: bool,
}

/// What a visitor is shown when agents are there but all are busy.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum WhenBusy {
    /// He may wait.
    Queue,
    /// Chat is not offered.
    Hide,
    /// The offline form.
    Offline,
}

/// A text that agents need often.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[allow(missing_docs, reason = "documented in config.example.toml")]
pub struct Canned {
    #[serde(default)]
    pub name: String,
    #[serde(default = "Canned::dutch")]
    pub language: String,
    #[serde(default)]
    pub title: String,
    #[serde(default)]
    pub text: String,
    #[serde(default)]
    pub at_once: bool,
    #[serde(default)]
    pub queues: Vec<String>,
}

impl Canned {
    fn dutch() -> String {
        "nl".into()
    }
}

/// Languages that visitors are spoken to in.
const LANGUAGES: [&str; 2] = ["nl", "en"];

/// Chats that one agent can have at once at most: his capacity is a hundred.
const AT_ONCE_MAX: u16 = 20;

/// Bytes of one message: more is a file.
const MESSAGE_BYTES_MAX: u32 = 65_536;

/// A text that is shown is a few sentences.
const TEXT_CHARACTERS_MAX: usize = 2_000;

/// What types cannot say of chats.
pub(super) fn check(config: &Config, say: &mut impl FnMut(&str, String)) {
    let chat = &config.chat;
    if !LANGUAGES.contains(&chat.language.as_str()) {
        say("chat.language", no_language(&chat.language));
    }
    for (key, value) in [
        ("lease_seconds", chat.lease_seconds),
        ("keep_ended_seconds", chat.keep_ended_seconds),
        ("chats_max", chat.chats_max),
        ("chats_a_visitor_max", chat.chats_a_visitor_max),
        ("message_bytes_max", chat.message_bytes_max),
        ("messages_max", chat.messages_max),
        ("messages_a_minute_max", chat.messages_a_minute_max),
        ("participants_max", chat.participants_max),
        ("options_max", chat.options_max),
    ] {
        if value == 0 {
            say(&format!("chat.{key}"), "must be at least 1".into());
        }
    }
    if chat.message_bytes_max > MESSAGE_BYTES_MAX {
        let text = format!("must be at most {MESSAGE_BYTES_MAX}: what is longer is a file");
        say("chat.message_bytes_max", text);
    }
    queues(&chat.queues, &config.opening_hours, say);
    mail(config, say);
    canned(chat, say);
    texts(&chat.texts, say);
}

fn queues(all: &[ChatQueue], hours: &[OpeningHours], say: &mut impl FnMut(&str, String)) {
    let mut names: BTreeMap<&str, usize> = BTreeMap::new();
    for (at, queue) in all.iter().enumerate() {
        let key = |name: &str| format!("chat.queues[{at}].{name}");
        if let Some(text) = no_name(&queue.name) {
            say(&key("name"), text.into());
        } else if let Some(first) = names.insert(&queue.name, at) {
            say(&key("name"), format!("\"{}\" is the name of chat.queues[{first}] too", queue.name));
        }
        let named = &queue.opening_hours;
        if !named.is_empty() && !hours.iter().any(|hours| hours.name == *named) {
            let text = format!("there is no [[opening_hours]] with the name \"{named}\"");
            say(&key("opening_hours"), text);
        }
        if queue.chats_max == 0 || queue.chats_max > AT_ONCE_MAX {
            say(&key("chats_max"), format!("must be from 1 to {AT_ONCE_MAX}: chats of one agent at once"));
        }
        for (name, value) in [
            ("offer_limit_seconds", queue.offer_limit_seconds),
            ("wait_limit_seconds", queue.wait_limit_seconds),
            ("wrap_limit_seconds", queue.wrap_limit_seconds),
        ] {
            if value == 0 {
                say(&key(name), "must be at least 1".into());
            }
        }
        if queue.inactivity_seconds > 0 && queue.inactivity_warning_seconds >= queue.inactivity_seconds {
            let text = "must be less than inactivity_seconds: the warning comes so long before the end";
            say(&key("inactivity_warning_seconds"), text.into());
        }
    }
}

/// The mail server, and who gets offline messages.
fn mail(config: &Config, say: &mut impl FnMut(&str, String)) {
    let mail = &config.mail;
    let settings = |from: &str, to: &[String]| {
        let queue = QueueMail { name: String::new(), to: to.to_vec() };
        let queues = BTreeMap::from([(String::new(), queue)]);
        settings::mail_server(mail, from.to_owned(), queues).check()
    };
    for (at, queue) in
        config.chat.queues.iter().enumerate().filter(|(_, queue)| !queue.offline_addresses.is_empty())
    {
        let key = format!("chat.queues[{at}].offline_addresses");
        if mail.host.is_empty() {
            say(&key, "nothing can be sent there without a mail server: set mail.host".into());
        }
        if let Err(text) = settings("x@voorbeeld.nl", &queue.offline_addresses) {
            say(&key, text);
        }
    }
    if mail.host.is_empty() {
        return;
    }
    if mail.from.trim().is_empty() {
        say("mail.from", "is missing: the sender's address, such as \"Chat <chat@voorbeeld.nl>\"".into());
    } else if let Err(text) = settings(&mail.from, &[]) {
        say("mail.from", text);
    }
    // RFC 8314, 3.3: what speaks the one on the port of the other waits until it gives up.
    for (port, wrong, right) in
        [(465, Security::Starttls, "direct-tls"), (587, Security::DirectTls, "starttls")]
    {
        if mail.port == port && mail.security == wrong {
            say(
                "mail.port",
                format!("{port} is the port of \"{right}\": set mail.security so, or another port"),
            );
        }
    }
    for (key, value) in [("mail.port", u32::from(mail.port)), ("mail.timeout_seconds", mail.timeout_seconds)]
    {
        if value == 0 {
            say(key, "must be at least 1".into());
        }
    }
    let local = mail.host == "localhost" || mail.host.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback());
    if mail.security == Security::None && !local {
        let text = "without TLS others can read along: \"starttls\" or \"direct-tls\", or a mail server on this machine";
        say("mail.security", text.into());
    }
    if !mail.user.is_empty()
        && let Err(text) = crate::registry::secret(&mail.password_file)
    {
        say("mail.password_file", text);
    }
    if !mail.ca_file.as_os_str().is_empty()
        && let Err(error) = crate::tls::client(&mail.ca_file, false)
    {
        say("mail.ca_file", error.to_string());
    }
}

fn canned(chat: &Chat, say: &mut impl FnMut(&str, String)) {
    let mut names = BTreeSet::new();
    for (at, canned) in chat.canned.iter().enumerate() {
        let key = |name: &str| format!("chat.canned[{at}].{name}");
        if let Some(text) = no_name(&canned.name) {
            say(&key("name"), text.into());
        } else if !names.insert((&canned.name, &canned.language)) {
            let text = format!("\"{}\" is there twice for the language {}", canned.name, canned.language);
            say(&key("name"), text);
        }
        if !LANGUAGES.contains(&canned.language.as_str()) {
            say(&key("language"), no_language(&canned.language));
        }
        if canned.text.trim().is_empty() {
            say(&key("text"), "is missing: what is the agent to say?".into());
        } else if canned.text.len() > chat.message_bytes_max as usize {
            say(&key("text"), "is longer than chat.message_bytes_max".into());
        }
        for (index, queue) in canned.queues.iter().enumerate() {
            if !chat.queues.iter().any(|known| known.name == *queue) {
                let text = format!("there is no [[chat.queues]] with the name \"{queue}\"");
                say(&key(&format!("queues[{index}]")), text);
            }
        }
    }
}

fn texts(all: &BTreeMap<String, BTreeMap<String, String>>, say: &mut impl FnMut(&str, String)) {
    for (language, texts) in all {
        for (name, text) in texts {
            let key = format!("chat.texts.{language}.{name}");
            if TextId::from_key(name).is_none() {
                let known: Vec<&str> = TextId::ALL.iter().map(|text| text.as_str()).collect();
                say(&key, format!("there is no such text; known are: {}", known.join(", ")));
            } else if text.trim().is_empty() {
                say(&key, "is empty; leave the key out for the usual words".into());
            } else if text.chars().count() > TEXT_CHARACTERS_MAX {
                say(&key, format!("must be at most {TEXT_CHARACTERS_MAX} characters"));
            }
        }
    }
}

fn no_language(language: &str) -> String {
    format!("\"{language}\" is no language that is known here: {}", LANGUAGES.join(" or "))
}

fn no_name(name: &str) -> Option<&'static str> {
    if name.is_empty() {
        return Some("is missing: what do programs name it by?");
    }
    let good = name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_');
    (!good).then_some("must be letters, digits, dashes and underscores: programs name it")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problems(text: &str) -> Vec<String> {
        match Config::parse("t.toml", Some(text), &[]) {
            Ok(_) => Vec::new(),
            Err(error) => error.to_string().lines().map(str::to_owned).collect(),
        }
    }

    #[test]
    fn c07_to_c12_the_example_shows_the_words_that_are_built_in() {
        let config = Config::parse("defaults", None, &[]).unwrap();
        for language in ["nl", "en"] {
            let texts = &config.chat.texts[language];
            assert_eq!(texts.len(), TextId::ALL.len(), "{language}");
            for text in TextId::ALL {
                let shown = texts.get(text.as_str()).map(String::as_str);
                assert_eq!(shown, text.words(language), "{language}: {}", text.as_str());
            }
        }
    }

    #[test]
    fn c13_a_text_is_changed_by_itself_and_an_unknown_one_is_told_with_those_that_are() {
        let text = "[chat.texts.nl]\nclosed = \"Wij zijn er morgen weer.\"\n";
        let config = Config::parse("t", Some(text), &[]).unwrap();
        let texts = &config.chat.texts["nl"];
        assert_eq!(texts["closed"], "Wij zijn er morgen weer.");
        assert_eq!(texts["busy"], TextId::Busy.dutch());
        let found = problems("[chat.texts.nl]\nafternoon = \"x\"\n");
        assert!(found.len() == 1 && found[0].starts_with("t.toml:2: chat.texts.nl.afternoon: "), "{found:?}");
        assert!(found[0].contains("ended-by-agent"), "{found:?}");
    }

    #[test]
    fn w01_queues_have_the_documents_limits_and_are_checked_with_what_names_them() {
        let hours = "[[opening_hours]]\nname = \"balie\"\nweekly = [\"mo-fr 08:30-17:00\"]\n";
        let queue = |text: &str| format!("{hours}[[chat.queues]]\nname = \"bz\"\n{text}\n");
        let config = Config::parse("t", Some(&queue("chats_max = 2")), &[]).unwrap();
        let only = &config.chat.queues[0];
        assert_eq!((only.chats_max, only.offer_limit_seconds, only.wait_limit_seconds), (2, 30, 240));
        assert!((only.title.is_empty(), only.opening_hours.is_empty()) == (true, true));
        assert!(Config::parse("t", Some(hours), &[]).unwrap().chat.queues.is_empty());
        for (text, key) in [
            ("opening_hours = \"bali\"", "chat.queues[0].opening_hours"),
            ("chats_max = 0", "chat.queues[0].chats_max"),
            ("chats_max = 21", "chat.queues[0].chats_max"),
            ("offer_limit_seconds = 0", "chat.queues[0].offer_limit_seconds"),
            ("inactivity_seconds = 60", "chat.queues[0].inactivity_warning_seconds"),
            ("when_busy = \"wait\"", "chat.queues[0].when_busy"),
            ("chat_max = 1", "chat.queues[0].chat_max"),
            ("[[chat.queues]]\nname = \"bz\"", "chat.queues[1].name"),
            ("[[chat.queues]]\nchats_max = 1", "chat.queues[1].name"),
            ("[[chat.canned]]\nname = \"x\"\ntext = \"x\"\nqueues = [\"zb\"]", "chat.canned[0].queues[0]"),
            ("[[chat.canned]]\nname = \"x\"", "chat.canned[0].text"),
            ("[[chat.canned]]\nname = \"x\"\ntext = \"x\"\nlanguage = \"fr\"", "chat.canned[0].language"),
            ("[[chat.canned]]\ntext = \"x\"", "chat.canned[0].name"),
        ] {
            let found = problems(&queue(text));
            assert!(found.len() == 1 && found[0].contains(&format!(": {key}: ")), "{key}: {found:?}");
        }
    }

    #[test]
    fn c15_offline_messages_need_a_mail_server_and_addresses_that_are_some() {
        let queue = "[[chat.queues]]\nname = \"bz\"\noffline_addresses = [\"bz@voorbeeld.nl\"]\n";
        let server = "[mail]\nhost = \"127.0.0.1\"\nsecurity = \"none\"\nfrom = \"chat@voorbeeld.nl\"\n";
        assert!(problems(&format!("{queue}{server}")).is_empty());
        for (text, key) in [
            (queue.to_owned(), "chat.queues[0].offline_addresses"),
            (format!("{server}{queue}").replace("bz@", "bz@@"), "chat.queues[0].offline_addresses"),
            (server.replace("chat@", ""), "mail.from"),
            (server.replace("127.0.0.1", "mail.voorbeeld.nl"), "mail.security"),
            (format!("{server}user = \"x\"\n"), "mail.password_file"),
            (format!("{server}port = 0\n"), "mail.port"),
            (server.replace("\"none\"", "\"starttls\"\nport = 465"), "mail.port"),
            (server.replace("\"none\"", "\"direct-tls\""), "mail.port"),
            (server.replace("from = \"chat@voorbeeld.nl\"", ""), "mail.from"),
        ] {
            let found = problems(&text);
            assert!(found.len() == 1 && found[0].contains(&format!(": {key}: ")), "{key}: {found:?}");
        }
    }

    #[test]
    fn p05_a_key_with_a_word_too_few_is_known_and_a_language_is_no_misspelling_of_another() {
        let found =
            problems("[[chat.queues]]\nname = \"bz\"\noffer_seconds = 3\n[chat.texts.de]\nbusy = \"x\"\n");
        let keys = [
            "t.toml:3: chat.queues[0].offer_seconds: unknown key; did you mean `offer_limit_seconds`?",
            "t.toml:4: chat.texts.de: unknown key; known here: en, nl",
        ];
        assert_eq!(found, keys);
    }

    #[test]
    fn p05_limits_of_chats_are_checked_all_at_once() {
        let found = problems("[chat]\nlanguage = \"fy\"\nlease_seconds = 0\nmessage_bytes_max = 70000\n");
        assert_eq!(found.len(), 3, "{found:?}");
        for (line, key) in [(2, "chat.language"), (3, "chat.lease_seconds"), (4, "chat.message_bytes_max")] {
            assert!(
                found.iter().any(|each| each.starts_with(&format!("t.toml:{line}: {key}: "))),
                "{found:?}"
            );
        }
    }
}
