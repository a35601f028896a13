//! A transcript as one page of HTML, for a screen or for paper: no script, nothing from elsewhere, every text escaped.
//!
//! There are two, and the public one cannot take a private word: it is made of [`PublicMessage`]s and of a [`Head`], which
//! holds no more than the visitor may know.

use super::words::Line;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use schakel_core::model::chat::{
    Author, Chat, Choice, Content, EndReason, PrivateMessage, PublicMessage, Role,
};
use schakel_core::model::ids::{AgentId, ChatId, MessageId, OptionId, Str};
use schakel_core::model::time::Time;
use schakel_core::settings::Settings;
use schakel_reports::{Language, Rules, escaped};
use sha2::{Digest as _, Sha256};
use std::collections::BTreeMap;
use std::fmt::Write as _;

const STYLE: &str = "body{font:16px/1.5 system-ui,sans-serif;color:#1b1b1b;background:#fff;margin:2rem auto;\
max-width:48rem;padding:0 1rem}dl{display:grid;grid-template-columns:max-content 1fr;gap:.25rem 1rem}dt{font-weight:600}\
dd{margin:0;overflow-wrap:anywhere}ol{list-style:none;padding:0}.messages>li{border-left:.25rem solid #767676;margin:1rem 0;\
padding:.1rem .8rem;break-inside:avoid}.messages>li.visitor{border-color:#0b5cad}.messages>li.agent{border-color:#0b6e4f}\
.messages>li.private{border:.2rem dashed #8a3b00;background:#fff4e5;padding:.5rem .8rem}.head{margin:0}.text{margin:.2rem 0;\
white-space:pre-wrap;overflow-wrap:anywhere}.mark,.internal{font-weight:700;color:#8a3b00}time{color:#595959}\
@media print{body{margin:0;max-width:none;font-size:11pt}.messages>li.private{background:#fff}}";

/// How a page is made.
pub(crate) struct Look {
    /// The language of its headings.
    pub language: Language,
    /// The time zone of its moments.
    pub rules: Rules,
}

/// What the visitor may know of his chat.
pub(crate) struct Head {
    id: ChatId,
    queue: Str,
    visitor: Option<Str>,
    opened: Time,
    ended: Option<Time>,
    nicknames: BTreeMap<AgentId, Str>,
}

impl Head {
    /// Of a chat, with the settings' name of its queue.
    pub(crate) fn of(chat: &Chat, settings: &Settings) -> Self {
        let queue = settings.chat.queue(&chat.queue).map(|queue| queue.name.clone());
        let seen = chat.participants.iter().filter(|one| !matches!(one.role, Role::Observer(_)));
        Self {
            id: chat.id,
            queue: queue.unwrap_or_else(|| chat.queue.as_str().into()),
            visitor: chat.visitor.nickname.as_ref().map(|name| name.expose().clone()),
            opened: chat.opened,
            ended: chat.ended.as_ref().map(|ended| ended.at),
            nicknames: seen.map(|one| (one.agent.clone(), one.nickname.clone())).collect(),
        }
    }
}

/// The page for the visitor.
pub(crate) fn public(head: &Head, messages: &[PublicMessage], look: &Look) -> String {
    let mut page = Page::new(look, look.words().title);
    page.facts(head.facts(look));
    let choices = Choices::of(messages.iter().map(|message| (message.id, &message.content)));
    page.list(messages.is_empty(), |page| {
        for message in messages {
            page.public(head, message, &choices);
        }
    });
    page.end()
}

/// The page for agents: private words among the others, and marked as what they are.
pub(crate) fn internal(chat: &Chat, head: &Head, lines: &[Line], look: &Look) -> String {
    let words = look.words();
    let mut page = Page::new(look, words.title_internal);
    let _ = writeln!(page.html, "<p class=\"internal\" role=\"note\">{}</p>", words.internal);
    let mut facts = head.facts(look);
    facts.extend(internal_facts(chat, look));
    page.facts(facts);
    let contents = lines.iter().map(|line| match line {
        Line::Public(message, _) => (message.id, &message.content),
        Line::Private(message) => (message.id, message.words.for_agents()),
    });
    let choices = Choices::of(contents);
    page.list(lines.is_empty(), |page| {
        for line in lines {
            match line {
                Line::Public(message, _) => page.public(head, message, &choices),
                Line::Private(message) => page.private(head, message, &choices),
            }
        }
    });
    page.end()
}

/// `Content-Security-Policy` of a page: its own style, by its digest, and nothing else.
pub(crate) fn policy() -> String {
    format!("{}; frame-ancestors 'none'; sandbox", policy_within())
}

/// As much of it as a page can say of itself, for who opens it from a disk.
fn policy_within() -> String {
    let digest = STANDARD.encode(Sha256::digest(STYLE.as_bytes()));
    format!("default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'")
}

type Fact = (&'static str, String);

impl Head {
    fn facts(&self, look: &Look) -> Vec<Fact> {
        let words = look.words();
        let mut facts = vec![(words.number, self.id.to_string()), (words.queue, self.queue.to_string())];
        facts.push((words.visitor, self.visitor.as_deref().unwrap_or(words.unnamed).to_owned()));
        facts.push((words.opened, look.rules.shown(self.opened)));
        facts.extend(self.ended.map(|at| (words.ended, look.rules.shown(at))));
        facts
    }

    fn nickname(&self, agent: &AgentId) -> Option<&str> {
        self.nicknames.get(agent).map(|name| &**name)
    }
}

fn internal_facts(chat: &Chat, look: &Look) -> Vec<Fact> {
    let words = look.words();
    let mut facts = Vec::new();
    if let Some(ended) = &chat.ended {
        let by = ended.by.as_ref().map(|agent| format!(" ({agent})", agent = agent.as_str()));
        facts.push((words.reason, format!("{}{}", words.why(ended.reason), by.unwrap_or_default())));
    }
    for one in &chat.participants {
        let role = match &one.role {
            Role::Owner => words.owner.to_owned(),
            Role::Guest => words.guest.to_owned(),
            Role::Observer(purpose) => format!("{}: {purpose}", words.observer),
        };
        let until = one.left.map(|left| look.rules.shown(left)).unwrap_or_default();
        let joined = look.rules.shown(one.joined);
        let who = one.agent.as_str();
        facts.push((words.agent, format!("{who} ({}), {role}, {joined} – {until}", one.nickname)));
    }
    let fields = &chat.fields;
    let personal = |field: &Option<schakel_core::model::pii::Pii<Str>>| {
        field.as_ref().map(|text| text.expose().to_string())
    };
    for (name, value) in [
        (words.subject, personal(&fields.subject)),
        (words.category, fields.category.as_deref().map(str::to_owned)),
        (words.remarks, personal(&fields.remarks)),
        (words.email, personal(&fields.email)),
    ] {
        facts.extend(value.map(|value| (name, value)));
    }
    if let Some(rating) = &chat.rating {
        let why = rating.explanation.as_ref().map(|text| format!(": {}", text.expose()));
        facts.push((words.rating, format!("{}/5{}", rating.stars, why.unwrap_or_default())));
    }
    facts
}

/// What options are called, to say what was chosen.
struct Choices<'a>(BTreeMap<(MessageId, &'a OptionId), &'a str>);

impl<'a> Choices<'a> {
    fn of(contents: impl Iterator<Item = (MessageId, &'a Content)>) -> Self {
        let options = contents.flat_map(|(id, content)| {
            let options = content.choice.iter().flat_map(|choice| &choice.options);
            options.map(move |(option, text)| ((id, option), &**text.expose()))
        });
        Self(options.collect())
    }
}

struct Page<'a> {
    html: String,
    look: &'a Look,
}

impl<'a> Page<'a> {
    fn new(look: &'a Look, title: &str) -> Self {
        let html = format!(
            "<!doctype html>\n<html lang=\"{}\">\n<head>\n<meta charset=\"utf-8\">\n\
             <meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">\n\
             <meta http-equiv=\"Content-Security-Policy\" content=\"{}\">\n\
             <title>{title}</title>\n<style>{STYLE}</style>\n</head>\n<body>\n<main>\n<h1>{title}</h1>\n",
            look.words().code,
            policy_within(),
        );
        Self { html, look }
    }

    fn facts(&mut self, facts: Vec<Fact>) {
        self.html.push_str("<dl>\n");
        for (name, value) in facts {
            // Writing to a string cannot fail.
            let _ = writeln!(self.html, "<dt>{name}</dt><dd>{}</dd>", escaped(&value));
        }
        self.html.push_str("</dl>\n");
    }

    fn list(&mut self, is_empty: bool, fill: impl FnOnce(&mut Self)) {
        let words = self.look.words();
        let _ = writeln!(self.html, "<h2>{}</h2>", words.messages);
        if is_empty {
            let _ = writeln!(self.html, "<p>{}</p>", words.nothing);
            return;
        }
        self.html.push_str("<ol class=\"messages\">\n");
        fill(self);
        self.html.push_str("</ol>\n");
    }

    fn public(&mut self, head: &Head, message: &PublicMessage, choices: &Choices<'_>) {
        let words = self.look.words();
        let (class, who) = match &message.author {
            Author::Visitor => ("visitor", head.visitor.as_deref().unwrap_or(words.visitor)),
            Author::Agent(agent) => ("agent", head.nickname(agent).unwrap_or(words.agent)),
            Author::System(_) => ("system", words.system),
        };
        // A visitor may call himself as a colleague does, or as the system.
        let is_named = message.author == Author::Visitor && head.visitor.is_some();
        let corrects = message.corrects.map(|_| words.corrects);
        let marks = is_named.then_some(words.visitor).into_iter().chain(corrects);
        let marks = marks.chain(message.late.then_some(words.late)).collect();
        self.item(class, who, message.at, marks, &message.content, choices);
    }

    fn private(&mut self, head: &Head, message: &PrivateMessage, choices: &Choices<'_>) {
        let who = head.nickname(&message.author).unwrap_or(message.author.as_str());
        let marks = vec![self.look.words().private];
        self.item("private", who, message.at, marks, message.words.for_agents(), choices);
    }

    fn item(
        &mut self,
        class: &str,
        who: &str,
        at: Time,
        marks: Vec<&str>,
        content: &Content,
        choices: &Choices<'_>,
    ) {
        let words = self.look.words();
        let moment = schakel_contract::Timestamp::from(at);
        let _ = write!(
            self.html,
            "<li class=\"{class}\"><p class=\"head\"><strong><bdi>{}</bdi></strong> <time datetime=\"{moment}\">{}</time>",
            escaped(who),
            self.look.rules.shown(at),
        );
        for mark in marks {
            let _ = write!(self.html, " <span class=\"mark\">{mark}</span>");
        }
        self.html.push_str("</p>\n");
        if !content.text.expose().is_empty() {
            let _ = writeln!(self.html, "<p class=\"text\">{}</p>", escaped(content.text.expose()));
        }
        if let Some(chosen) = content.chosen.as_ref().and_then(|(id, option)| choices.0.get(&(*id, option))) {
            let _ = writeln!(self.html, "<p>{}: {}</p>", words.chosen, escaped(chosen));
        }
        if let Some(Choice { options }) = &content.choice {
            let _ = write!(self.html, "<p>{}:</p>\n<ul>\n", words.options);
            for (_, text) in options {
                let _ = writeln!(self.html, "<li>{}</li>", escaped(text.expose()));
            }
            self.html.push_str("</ul>\n");
        }
        if !content.files.is_empty() {
            let _ = write!(self.html, "<p>{}:</p>\n<ul>\n", words.files);
            for file in &content.files {
                let (name, media) = (escaped(file.name.expose()), escaped(&file.media_type));
                let _ = writeln!(self.html, "<li>{name} ({media}, {} kB)</li>", file.size.div_ceil(1000));
            }
            self.html.push_str("</ul>\n");
        }
        self.html.push_str("</li>\n");
    }

    fn end(mut self) -> String {
        self.html.push_str("</main>\n</body>\n</html>\n");
        self.html
    }
}

/// The headings of a page.
struct Words {
    code: &'static str,
    title: &'static str,
    title_internal: &'static str,
    internal: &'static str,
    number: &'static str,
    queue: &'static str,
    visitor: &'static str,
    unnamed: &'static str,
    agent: &'static str,
    system: &'static str,
    opened: &'static str,
    ended: &'static str,
    reason: &'static str,
    reasons: [&'static str; 6],
    owner: &'static str,
    guest: &'static str,
    observer: &'static str,
    subject: &'static str,
    category: &'static str,
    remarks: &'static str,
    email: &'static str,
    rating: &'static str,
    messages: &'static str,
    nothing: &'static str,
    private: &'static str,
    corrects: &'static str,
    late: &'static str,
    chosen: &'static str,
    options: &'static str,
    files: &'static str,
}

const DUTCH: Words = Words {
    code: "nl",
    title: "Verslag van het chatgesprek",
    title_internal: "Intern verslag van het chatgesprek",
    internal: "Dit verslag bevat berichten die alleen voor medewerkers zijn. Geef het niet aan de bezoeker.",
    number: "Nummer",
    queue: "Wachtrij",
    visitor: "Bezoeker",
    unnamed: "Onbekend",
    agent: "Medewerker",
    system: "Systeem",
    opened: "Begonnen",
    ended: "Beëindigd",
    reason: "Reden van het einde",
    reasons: [
        "door een medewerker beëindigd",
        "door de bezoeker beëindigd",
        "er werd niets meer geschreven",
        "de bezoeker is weggegaan",
        "er was geen medewerker beschikbaar",
        "door de chatserver beëindigd",
    ],
    owner: "behandelaar",
    guest: "gast",
    observer: "kijkt ongezien mee",
    subject: "Onderwerp",
    category: "Categorie",
    remarks: "Opmerkingen",
    email: "E-mailadres",
    rating: "Beoordeling",
    messages: "Berichten",
    nothing: "Er is niets gezegd.",
    private: "Alleen voor medewerkers",
    corrects: "Verbetering van een eerder bericht",
    late: "Later ontvangen",
    chosen: "Gekozen",
    options: "Keuzes",
    files: "Bestanden",
};

const ENGLISH: Words = Words {
    code: "en",
    title: "Transcript of the chat",
    title_internal: "Internal transcript of the chat",
    internal: "This transcript has messages that are for colleagues only. Do not give it to the visitor.",
    number: "Number",
    queue: "Queue",
    visitor: "Visitor",
    unnamed: "Unknown",
    agent: "Colleague",
    system: "System",
    opened: "Began",
    ended: "Ended",
    reason: "Why it ended",
    reasons: [
        "ended by a colleague",
        "ended by the visitor",
        "nothing more was written",
        "the visitor went away",
        "no colleague was available",
        "ended by the chat server",
    ],
    owner: "owner",
    guest: "guest",
    observer: "watches unseen",
    subject: "Subject",
    category: "Category",
    remarks: "Remarks",
    email: "E-mail address",
    rating: "Rating",
    messages: "Messages",
    nothing: "Nothing was said.",
    private: "For colleagues only",
    corrects: "Corrects an earlier message",
    late: "Received later",
    chosen: "Chosen",
    options: "Options",
    files: "Files",
};

impl Look {
    fn words(&self) -> &'static Words {
        match self.language {
            Language::Dutch => &DUTCH,
            Language::English => &ENGLISH,
        }
    }
}

impl Words {
    fn why(&self, reason: EndReason) -> &'static str {
        let [agent, visitor, inactivity, gone, not_served, provider] = self.reasons;
        match reason {
            EndReason::Agent => agent,
            EndReason::Visitor => visitor,
            EndReason::Inactivity => inactivity,
            EndReason::VisitorGone => gone,
            EndReason::NotServed => not_served,
            EndReason::Provider => provider,
        }
    }
}
