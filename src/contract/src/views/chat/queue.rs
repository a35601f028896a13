//! Chat queues, and what a visitor is shown of one: which text, and which facts made it so (C07 to C10, W01).

use crate::Timestamp;
use crate::mirror::mirror;
use schakel_core::apply::{self, QueueFacts};
use schakel_core::model::chat::Chat;
use schakel_core::model::ids::QueueId;
use schakel_core::settings::{self, CannedText, QueueSettings, TextId};
use schakel_core::state::State;
use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use utoipa::ToSchema;

mirror! {
    /// One of the organisation's texts, by its key in the configuration.
    TextName of TextId, "kebab-case" {
        /// C07: an agent is free.
        Available,
        /// C08: agents are there, but all are busy.
        Busy,
        /// C09: an agent is there, but does not react to the offer.
        Unresponsive,
        /// C10: nobody is there; a message can be left.
        Closed,
        /// C11: the agent has ended the chat.
        EndedByAgent,
        /// C12: after an offline message.
        OfflineReceived,
        /// As C10, where no message can be left either.
        ClosedWithoutForm,
        /// When the chat is opened.
        Welcome,
        /// Agents can read along while the visitor types.
        PreviewNotice,
        /// An agent joined.
        AgentJoined,
        /// An agent left.
        AgentLeft,
        /// The agent was lost; the visitor waits for another.
        Requeued,
        /// The visitor ended the chat.
        EndedByVisitor,
        /// It ends soon, for silence.
        InactivityWarning,
        /// It ended for silence.
        InactivityEnd,
        /// Something is wrong with the connection.
        ConnectionProblem,
        /// What the visitor sent was refused.
        Refused,
    }
}

mirror! {
    /// What a visitor is shown when agents are there but all are busy.
    BusyPolicy of settings::WhenBusy, "camelCase" {
        /// He may wait.
        Queue,
        /// Chat is not offered (O04).
        Hide,
        /// The offline form.
        Offline,
    }
}

/// A chat queue as it is now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = ChatQueue)]
pub struct ChatQueueView<'a> {
    /// Its name in the configuration.
    #[schema(examples("publiekszaken"))]
    pub id: Cow<'a, str>,
    /// What people call it.
    #[schema(examples("Publiekszaken"))]
    pub name: Cow<'a, str>,
    /// What follows for a visitor who comes now.
    pub facts: QueueFactsView,
    /// Chats that wait.
    pub waiting: u32,
    /// Since when the one waits that waits longest.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub waiting_since: Option<Timestamp>,
    /// Chats that go on with an agent.
    pub running: u32,
    /// The agents in the channel who have it in their profile.
    pub agents: Vec<Cow<'a, str>>,
    /// Chats are offered to agents one by one; otherwise they wait for who joins.
    pub offers: bool,
    /// A higher one is served before a lower one.
    pub priority: u8,
    /// Chats that one agent takes at once.
    pub chats_max: u16,
}

/// The facts from which the text for a visitor follows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = ChatQueueFacts)]
pub struct QueueFactsView {
    /// It is within its opening hours.
    pub open: bool,
    /// Agents in the channel who serve it.
    pub agents: u32,
    /// Those of them who have room for one more chat.
    pub free: u32,
    /// The visitor waits already: he is served after closing time yet.
    pub waits: bool,
    /// The last offer of this visitor's chat was ignored, and nobody has taken it since.
    pub ignored: bool,
    /// Messages can be left.
    pub offline: bool,
    /// What is shown when all are busy.
    pub when_busy: BusyPolicy,
}

/// Whether a visitor can chat, what he is shown, and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = ChatAvailability)]
pub struct QueueAvailabilityView<'a> {
    /// The queue.
    #[schema(examples("publiekszaken"))]
    pub queue: Cow<'a, str>,
    /// What people call it.
    #[schema(examples("Publiekszaken"))]
    pub name: Cow<'a, str>,
    /// He can open a chat now.
    pub may_chat: bool,
    /// He can leave a message.
    pub may_leave_message: bool,
    /// What he is shown.
    #[schema(examples("We zijn beschikbaar! Kunnen we u ergens mee helpen?"))]
    pub text: Cow<'a, str>,
    /// Which of the texts that is.
    pub text_id: TextName,
    /// The facts.
    pub facts: QueueFactsView,
    /// Those of them that made it so, the decisive one last.
    pub because: Vec<QueueFactView>,
    /// That agents see what he types before he sends it, in words; absent where they do not (O11).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub preview_notice: Option<Cow<'a, str>>,
    /// He may send files.
    pub visitor_files: bool,
    /// The form for messages asks for exactly what the documents ask for.
    pub offline_strict: bool,
}

/// A fact that made a text what it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = ChatQueueFact)]
pub struct QueueFactView {
    /// Which.
    pub fact: QueueFact,
    /// For a Dutch screen.
    pub nl: Cow<'static, str>,
    /// For an English screen.
    pub en: Cow<'static, str>,
}

/// A fact of a queue, by the name of its property.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub enum QueueFact {
    /// Opening hours.
    Open,
    /// Agents in the channel.
    Agents,
    /// Room.
    Free,
    /// The visitor waits already.
    Waits,
    /// An ignored offer.
    Ignored,
    /// What is shown when all are busy.
    WhenBusy,
    /// Whether messages can be left.
    Offline,
}

/// A text that agents need often (W05). It can be changed before it is sent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = CannedText)]
pub struct CannedTextView<'a> {
    /// Its name in the configuration.
    #[schema(examples("groet"))]
    pub id: Cow<'a, str>,
    /// Its language.
    #[schema(examples("nl"))]
    pub language: Cow<'a, str>,
    /// What it is called.
    pub title: Cow<'a, str>,
    /// The words.
    pub text: Cow<'a, str>,
    /// It is sent at once when it is picked (O03).
    pub at_once: bool,
    /// Only for agents of these queues; empty for all.
    pub queues: Vec<Cow<'a, str>>,
}

impl<'a> ChatQueueView<'a> {
    /// A queue as it is shown; none where there is no such queue.
    pub fn of(state: &'a State, id: &QueueId) -> Option<Self> {
        Some(Self::with(state, state.settings.chat.queue(id)?))
    }

    /// All queues, in the order of the configuration.
    pub fn all(state: &'a State) -> Vec<Self> {
        state.settings.chat.queues.iter().map(|queue| Self::with(state, queue)).collect()
    }

    fn with(state: &'a State, queue: &'a QueueSettings) -> Self {
        let line = state.waiting.get(&queue.id);
        let running =
            |chat: &&Chat| chat.queue == queue.id && chat.state.is_live() && !chat.state.is_waiting();
        let serving = state
            .agents
            .values()
            .filter(|agent| agent.chat.as_ref().is_some_and(|service| service.queues.contains(&queue.id)));
        Self {
            id: Cow::Borrowed(queue.id.as_str()),
            name: Cow::Borrowed(&queue.name),
            facts: QueueFactsView::of(&facts_of(state, queue, None)),
            waiting: line.map_or(0, |line| count(line.len())),
            waiting_since: line.and_then(|line| line.first()).map(|(since, _)| (*since).into()),
            running: count(state.chats.values().filter(running).count()),
            agents: serving.map(|agent| Cow::Borrowed(agent.id.as_str())).collect(),
            offers: queue.offers,
            priority: queue.priority,
            chats_max: queue.chats_max,
        }
    }
}

impl<'a> QueueAvailabilityView<'a> {
    /// What a visitor who comes now is shown, in his language; none where there is no such queue.
    pub fn of(state: &'a State, queue: &QueueId, language: Option<&str>) -> Option<Self> {
        Some(Self::with(state, state.settings.chat.queue(queue)?, None, language))
    }

    /// What the visitor of a chat is shown while he waits; none where the chat's queue is not configured any more.
    pub fn of_chat(state: &'a State, chat: &Chat) -> Option<Self> {
        let queue = state.settings.chat.queue(&chat.queue)?;
        Some(Self::with(state, queue, Some(chat), chat.visitor.language.as_deref()))
    }

    fn with(state: &'a State, queue: &'a QueueSettings, chat: Option<&Chat>, language: Option<&str>) -> Self {
        let facts = facts_of(state, queue, chat);
        let text = apply::text_for(&facts);
        let words = |text| String::from(&*state.settings.chat.text(text, language));
        Self {
            queue: Cow::Borrowed(queue.id.as_str()),
            name: Cow::Borrowed(&queue.name),
            may_chat: !matches!(text, TextId::Closed | TextId::ClosedWithoutForm),
            may_leave_message: facts.offline,
            text: words(text).into(),
            text_id: text.into(),
            facts: QueueFactsView::of(&facts),
            because: because(&facts),
            preview_notice: queue.typing_preview.then(|| words(TextId::PreviewNotice).into()),
            visitor_files: queue.visitor_files,
            offline_strict: queue.offline_strict,
        }
    }
}

impl QueueFactsView {
    fn of(facts: &QueueFacts) -> Self {
        Self {
            open: facts.open,
            agents: facts.agents,
            free: facts.free,
            waits: facts.waits,
            ignored: facts.ignored,
            offline: facts.offline,
            when_busy: facts.when_busy.into(),
        }
    }
}

impl<'a> CannedTextView<'a> {
    /// A canned text as it is shown.
    pub fn of(canned: &'a CannedText) -> Self {
        Self {
            id: Cow::Borrowed(&canned.id),
            language: Cow::Borrowed(&canned.language),
            title: Cow::Borrowed(&canned.title),
            text: Cow::Borrowed(&canned.text),
            at_once: canned.at_once,
            queues: canned.queues.iter().map(|queue| Cow::Borrowed(queue.as_str())).collect(),
        }
    }

    /// Those for a queue and in a language, where one is asked for.
    pub fn all(state: &'a State, queue: Option<&QueueId>, language: Option<&str>) -> Vec<Self> {
        let for_queue = |canned: &CannedText| {
            queue.is_none_or(|queue| canned.queues.is_empty() || canned.queues.contains(queue))
        };
        let in_language = |canned: &CannedText| {
            language.is_none_or(|language| language.eq_ignore_ascii_case(&canned.language))
        };
        let all = state.settings.chat.canned.iter();
        all.filter(|canned| for_queue(canned) && in_language(canned)).map(Self::of).collect()
    }
}

fn facts_of(state: &State, queue: &QueueSettings, chat: Option<&Chat>) -> QueueFacts {
    // Cannot fail: the queue is one of the settings. A closed one is the safe answer.
    apply::queue_facts(state, &queue.id, chat).unwrap_or(QueueFacts {
        open: false,
        agents: 0,
        free: 0,
        waits: false,
        ignored: false,
        offline: queue.offline,
        when_busy: queue.when_busy,
    })
}

/// The facts in the order in which they are looked at, up to the one that decides.
fn because(facts: &QueueFacts) -> Vec<QueueFactView> {
    use settings::WhenBusy;
    let mut all = Vec::new();
    let mut say = |fact, nl: &str, en: &str| {
        all.push(QueueFactView { fact, nl: nl.to_owned().into(), en: en.to_owned().into() });
    };
    match facts.open {
        true => say(QueueFact::Open, "Het chatkanaal is open.", "The chat channel is open."),
        false => say(QueueFact::Open, "Het chatkanaal is gesloten.", "The chat channel is closed."),
    }
    if !facts.open && facts.waits {
        say(QueueFact::Waits, "De bezoeker wacht al.", "The visitor waits already.");
    }
    let is_open = facts.open || facts.waits;
    let mut may_chat = is_open && facts.agents > 0;
    if is_open {
        say(
            QueueFact::Agents,
            &format!("Medewerkers in het chatkanaal: {}.", facts.agents),
            &format!("Agents in the chat channel: {}.", facts.agents),
        );
    }
    if may_chat && facts.ignored {
        say(
            QueueFact::Ignored,
            "Op het laatste aanbod is niet gereageerd.",
            "The last offer was not answered.",
        );
    } else if may_chat {
        say(
            QueueFact::Free,
            &format!("Medewerkers met ruimte voor nog een chat: {}.", facts.free),
            &format!("Agents with room for one more chat: {}.", facts.free),
        );
        if facts.free == 0 && facts.waits {
            say(QueueFact::Waits, "De bezoeker wacht al.", "The visitor waits already.");
        } else if facts.free == 0 {
            may_chat = facts.when_busy == WhenBusy::Queue;
            let (nl, en) = match facts.when_busy {
                WhenBusy::Queue => ("De bezoeker mag wachten.", "The visitor may wait."),
                WhenBusy::Hide => ("Chat wordt dan niet aangeboden.", "Chat is not offered then."),
                WhenBusy::Offline => ("Dan wordt om een bericht gevraagd.", "A message is asked for then."),
            };
            say(QueueFact::WhenBusy, nl, en);
        }
    }
    match facts.offline {
        _ if may_chat => {}
        true => say(QueueFact::Offline, "Er kan een bericht worden achtergelaten.", "A message can be left."),
        false => {
            say(QueueFact::Offline, "Er kan geen bericht worden achtergelaten.", "No message can be left.");
        }
    }
    all
}

fn count(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn c13_a_text_is_spelt_as_in_the_configuration() {
        for text in TextId::ALL {
            let spelt = serde_json::to_string(&TextName::from(*text)).unwrap();
            assert_eq!(spelt, format!("\"{}\"", text.as_str()));
        }
    }

    #[test]
    fn c07_to_c10_the_facts_are_told_up_to_the_one_that_decides() {
        use QueueFact::{Agents, Free, Ignored, Offline, Open, Waits, WhenBusy};
        use settings::WhenBusy::{Hide, Queue};
        // In the order of the facts: open, agents, free, waits, ignored.
        let facts = |(open, agents, free, waits, ignored), when_busy| QueueFacts {
            open,
            agents,
            free,
            waits,
            ignored,
            offline: true,
            when_busy,
        };
        for (facts, text, expected) in [
            (facts((false, 2, 1, false, false), Queue), TextId::Closed, vec![Open, Offline]),
            (facts((false, 2, 1, true, false), Queue), TextId::Available, vec![Open, Waits, Agents, Free]),
            (facts((true, 0, 0, false, false), Queue), TextId::Closed, vec![Open, Agents, Offline]),
            (facts((true, 2, 1, false, false), Queue), TextId::Available, vec![Open, Agents, Free]),
            (facts((true, 2, 1, true, true), Queue), TextId::Unresponsive, vec![Open, Agents, Ignored]),
            (facts((true, 2, 0, false, false), Queue), TextId::Busy, vec![Open, Agents, Free, WhenBusy]),
            (facts((true, 2, 0, true, false), Hide), TextId::Busy, vec![Open, Agents, Free, Waits]),
            (
                facts((true, 2, 0, false, false), Hide),
                TextId::Closed,
                vec![Open, Agents, Free, WhenBusy, Offline],
            ),
        ] {
            assert_eq!(apply::text_for(&facts), text, "{facts:?}");
            let told = because(&facts);
            assert_eq!(told.iter().map(|each| each.fact).collect::<Vec<_>>(), expected, "{facts:?}");
            for each in told {
                assert!(each.nl.ends_with('.') && each.en.ends_with('.') && each.nl != each.en, "{each:?}");
            }
        }
    }
}
