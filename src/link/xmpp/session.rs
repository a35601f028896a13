//! Stream management (XEP-0198): what the server has of ours, and what we have of the server's. Ours counts once it is
//! durable, so that the server gives again what a killed process had not written.

use std::collections::VecDeque;
use std::time::Duration;
use tokio::sync::oneshot;
use xmpp_parsers::minidom::Element;
use xmpp_parsers::minidom::rxml::xml_ncname;
use xmpp_parsers::ns;

/// Stanzas that a server may leave unacknowledged: more of them are a server that acknowledges nothing.
const UNACKNOWLEDGED_MAX: usize = 20_000;

/// A session with the server, over one connection or several.
pub(super) struct Session {
    management: Option<Management>,
    pings: Pings,
    /// Each stanza that arrived and is not counted yet, oldest first: what says that it is durable, if anything of it
    /// has to be.
    uncommitted: VecDeque<Option<oneshot::Receiver<()>>>,
}

/// What only a managed stream has.
struct Management {
    /// What the server knows the session by, where it can be resumed; and for how long.
    resume: Option<(String, Duration)>,
    /// Stanzas of the server's that are durable, modulo 2^32.
    handled: u32,
    /// The server has asked for more than was durable then.
    owed: bool,
    /// Ours that the server has, modulo 2^32.
    acknowledged: u32,
    /// Ours that it may not have, oldest first; none in the place of one that could not be sent.
    unacknowledged: VecDeque<Option<Element>>,
    /// Ours since the session began that are done with.
    done: u64,
    /// It was asked what it has, and has not answered.
    asked: bool,
    sent_since: bool,
}

/// Where the stream is not managed, the answer to a ping (XEP-0199) says that the server has what was sent before it.
struct Pings {
    /// Where they go to.
    domain: String,
    /// A component says who it is in each stanza, or the server ends the stream (XEP-0114 section 3).
    from: Option<String>,
    /// What their ids begin with; random, so that nobody else can answer them.
    prefix: String,
    /// Pings after what was sent; otherwise only to hear whether the server is there.
    confirm: bool,
    /// Ours since the session began.
    sent: u64,
    /// How many those were at the last ping that is not answered.
    asked: Option<u64>,
    /// How many those were at the last one that is.
    answered: u64,
}

/// What a stanza has to do with our pings.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Pong {
    /// Nothing.
    Not,
    /// It is one, or the answer to one.
    Heard,
    /// The server has so many of our stanzas since the session began.
    Acknowledged(u64),
}

/// What was acknowledged is nonsense.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("the server acknowledged more stanzas than were sent")]
pub(super) struct TooMany;

impl Session {
    /// Without stream management. `confirm`: the server is asked whether it has what was sent.
    pub(super) fn unmanaged(domain: &str, confirm: bool) -> Self {
        let prefix = format!("alive-{:016x}", rand::random::<u64>());
        let pings =
            Pings { domain: domain.into(), from: None, prefix, confirm, sent: 0, asked: None, answered: 0 };
        Self { management: None, pings, uncommitted: VecDeque::new() }
    }

    /// Of a component, which owns this domain: it pings itself, by way of the server.
    pub(super) fn of_component(domain: &str) -> Self {
        let mut session = Self::unmanaged(domain, false);
        session.pings.from = Some(domain.into());
        session
    }

    /// From the server's `<enabled/>`.
    pub(super) fn enabled(domain: &str, enabled: &Element) -> Self {
        let resumable = matches!(enabled.attr("resume"), Some("true" | "1"));
        let id = enabled.attr("id").filter(|_| resumable);
        let max =
            enabled.attr("max").and_then(|max| max.parse().ok()).map_or(Duration::MAX, Duration::from_secs);
        let management = Management {
            resume: id.map(|id| (id.to_owned(), max)),
            handled: 0,
            owed: false,
            acknowledged: 0,
            unacknowledged: VecDeque::new(),
            done: 0,
            asked: false,
            sent_since: false,
        };
        Self { management: Some(management), ..Self::unmanaged(domain, false) }
    }

    /// Whether stanzas are counted.
    pub(super) fn is_managed(&self) -> bool {
        self.management.is_some()
    }

    /// For how long the server keeps the session after a cut; none where it does not.
    pub(super) fn resumable(&self) -> Option<Duration> {
        Some(self.management.as_ref()?.resume.as_ref()?.1)
    }

    /// What to ask the server after a cut.
    pub(super) fn resume(&self) -> Option<Element> {
        let management = self.management.as_ref()?;
        let (id, _) = management.resume.as_ref()?;
        let handled = management.handled.to_string();
        Some(
            nonza("resume")
                .attr(xml_ncname!("h").to_owned(), handled)
                .attr(xml_ncname!("previd").to_owned(), id.as_str())
                .build(),
        )
    }

    /// The server goes on with the session: what it may not have, to be sent again.
    pub(super) fn resumed(&mut self) -> Vec<Element> {
        // What was not durable before the cut comes again.
        self.uncommitted.clear();
        let Some(management) = &mut self.management else { return Vec::new() };
        (management.asked, management.owed) = (false, false);
        management.sent_since = !management.unacknowledged.is_empty();
        management.unacknowledged.iter().flatten().cloned().collect()
    }

    /// A stanza of ours is to be sent; `false` when the server acknowledges nothing any more.
    pub(super) fn sends(&mut self, stanza: Option<&Element>) -> bool {
        self.pings.sent += 1;
        let Some(management) = &mut self.management else { return true };
        management.unacknowledged.push_back(stanza.cloned());
        management.sent_since = true;
        management.unacknowledged.len() <= UNACKNOWLEDGED_MAX
    }

    /// What to ask after something was sent; none while an answer is awaited.
    pub(super) fn ask(&mut self) -> Option<Element> {
        let pings = &self.pings;
        let wanted = match &self.management {
            Some(management) => management.sent_since && !management.asked,
            None => pings.confirm && pings.asked.is_none() && pings.sent > pings.answered,
        };
        wanted.then(|| self.ask_anyhow())
    }

    /// The same, to hear whether the server is there.
    pub(super) fn ask_anyhow(&mut self) -> Element {
        if let Some(management) = &mut self.management {
            management.asked = true;
            management.sent_since = false;
            return nonza("r").build();
        }
        let pings = &mut self.pings;
        pings.asked = Some(pings.sent);
        let id = format!("{}-{}", pings.prefix, pings.sent);
        let from = pings.from.clone();
        Element::builder("iq", ns::DEFAULT_NS)
            .attr(xml_ncname!("from").to_owned(), from)
            .attr(xml_ncname!("type").to_owned(), "get")
            .attr(xml_ncname!("id").to_owned(), id)
            .attr(xml_ncname!("to").to_owned(), pings.domain.as_str())
            .append(Element::builder("ping", ns::PING))
            .build()
    }

    /// Whether a stanza answers a ping of ours, or is one that came back: a component's own domain is all that it
    /// surely knows.
    pub(super) fn pong(&mut self, stanza: &Element) -> Pong {
        let pings = &mut self.pings;
        let id = stanza.attr("id").filter(|_| stanza.name() == "iq");
        let Some(count) = id.and_then(|id| id.strip_prefix(pings.prefix.as_str())) else { return Pong::Not };
        let count = count.strip_prefix('-').and_then(|count| count.parse().ok());
        if !pings.confirm || count != pings.asked {
            return Pong::Heard;
        }
        pings.answered = pings.asked.take().unwrap_or(pings.answered);
        Pong::Acknowledged(pings.answered)
    }

    /// The server has taken so many of ours in all; gives how many that makes since the session began.
    pub(super) fn acknowledged(&mut self, count: u32) -> Result<u64, TooMany> {
        let Some(management) = &mut self.management else { return Err(TooMany) };
        let mut more = count.wrapping_sub(management.acknowledged);
        let waiting = management.unacknowledged.iter().filter(|stanza| stanza.is_some()).count();
        if more as usize > waiting {
            return Err(TooMany);
        }
        management.acknowledged = count;
        management.asked = false;
        while let Some(first) = management.unacknowledged.front() {
            if first.is_some() && more == 0 {
                break;
            }
            more -= u32::from(first.is_some());
            management.unacknowledged.pop_front();
            management.done += 1;
        }
        Ok(management.done)
    }

    /// A stanza of the server's arrived; `durable` says when what it led to is.
    pub(super) fn received(&mut self, durable: Option<oneshot::Receiver<()>>) {
        if self.management.is_some() {
            self.uncommitted.push_back(durable);
            self.count_ready();
        }
    }

    /// Waits until the oldest stanza that is not counted is durable; for ever when there is none. `false`: it will not
    /// be, because the engine has stopped. Cancel safe.
    pub(super) async fn committed(&mut self) -> bool {
        match self.uncommitted.front_mut() {
            Some(Some(durable)) => {
                if durable.await.is_err() {
                    return false;
                }
                if let Some(first) = self.uncommitted.front_mut() {
                    *first = None;
                }
            }
            Some(None) => {}
            None => std::future::pending().await,
        }
        self.count_ready();
        true
    }

    /// Waits for all of them, for at most so long. What is not durable by then comes again.
    pub(super) async fn settle(&mut self, limit: Duration) {
        let settling = async { while !self.uncommitted.is_empty() && self.committed().await {} };
        // Late: it comes again, and the core knows it by its key.
        let _ = tokio::time::timeout(limit, settling).await;
    }

    /// The answer to the server's `<r/>`: what is durable now. What follows is told by [`Session::caught_up`].
    pub(super) fn answer(&mut self) -> Option<Element> {
        let waiting = !self.uncommitted.is_empty();
        let management = self.management.as_mut()?;
        management.owed = waiting;
        Some(nonza("a").attr(xml_ncname!("h").to_owned(), management.handled.to_string()).build())
    }

    /// Tells the server of its own accord, once all is durable that it has asked for too early.
    pub(super) fn caught_up(&mut self) -> Option<Element> {
        let owed =
            self.uncommitted.is_empty() && self.management.as_ref().is_some_and(|management| management.owed);
        if owed { self.answer() } else { None }
    }

    /// Stanzas that wait to be durable.
    pub(super) fn uncommitted(&self) -> usize {
        self.uncommitted.len()
    }

    fn count_ready(&mut self) {
        while let Some(None) = self.uncommitted.front() {
            self.uncommitted.pop_front();
            if let Some(management) = &mut self.management {
                management.handled = management.handled.wrapping_add(1);
            }
        }
    }
}

/// `<enable/>`.
pub(super) fn enable() -> Element {
    nonza("enable").attr(xml_ncname!("resume").to_owned(), "true").build()
}

fn nonza(name: &'static str) -> xmpp_parsers::minidom::ElementBuilder {
    Element::builder(name, ns::SM)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn session() -> Session {
        let enabled = "<enabled xmlns='urn:xmpp:sm:3' id='s1' resume='true' max='300'/>";
        Session::enabled("chat.test", &enabled.parse().unwrap())
    }

    fn stanza(id: &str) -> Element {
        Element::builder("message", ns::DEFAULT_NS).attr(xml_ncname!("id").to_owned(), id).build()
    }

    fn h(element: Option<Element>) -> Option<String> {
        element.and_then(|element| element.attr("h").map(str::to_owned))
    }

    #[tokio::test]
    async fn only_what_is_durable_is_counted_and_in_order() {
        let mut session = session();
        let (first, durable_1) = oneshot::channel();
        let (second, durable_2) = oneshot::channel();
        session.received(None);
        session.received(Some(durable_1));
        session.received(Some(durable_2));
        session.received(None);
        assert_eq!(h(session.answer()).as_deref(), Some("1"));
        second.send(()).unwrap();
        assert!(tokio::time::timeout(Duration::from_millis(10), session.committed()).await.is_err());
        assert_eq!((h(session.answer()).as_deref(), h(session.caught_up())), (Some("1"), None));
        first.send(()).unwrap();
        assert!(session.committed().await);
        assert!(session.committed().await);
        assert_eq!(h(session.caught_up()).as_deref(), Some("4"));
        assert_eq!(h(session.caught_up()), None, "told once");
    }

    #[test]
    fn what_is_acknowledged_is_counted_with_what_could_not_be_sent() {
        let mut session = session();
        for stanza in [Some(stanza("1")), None, Some(stanza("2")), Some(stanza("3"))] {
            assert!(session.sends(stanza.as_ref()));
        }
        assert!(session.ask().is_some_and(|ask| ask.is("r", ns::SM)));
        assert!(session.ask().is_none(), "one question at a time");
        assert_eq!(session.acknowledged(4), Err(TooMany));
        assert_eq!(session.acknowledged(1), Ok(2));
        assert!(session.ask().is_none(), "nothing was sent since");
        let again: Vec<_> =
            session.resumed().iter().map(|stanza| stanza.attr("id").unwrap().to_owned()).collect();
        assert_eq!(again, ["2", "3"]);
        assert!(session.ask().is_some());
        assert_eq!(session.acknowledged(3), Ok(4));
        assert!(session.resumed().is_empty());
    }

    #[test]
    fn without_management_the_answer_to_a_ping_says_what_the_server_has() {
        let mut session = Session::unmanaged("chat.test", true);
        assert!(session.ask().is_none() && session.resume().is_none());
        assert!(session.sends(Some(&stanza("1"))));
        let ping = session.ask().unwrap();
        assert!(session.sends(Some(&stanza("2"))));
        assert!(session.ask().is_none(), "one question at a time");
        let mut answer = stanza("x");
        assert_eq!(session.pong(&answer), Pong::Not);
        answer = Element::builder("iq", ns::DEFAULT_NS)
            .attr(xml_ncname!("id").to_owned(), ping.attr("id").unwrap())
            .build();
        assert_eq!(session.pong(&answer), Pong::Acknowledged(1));
        assert_eq!(session.pong(&answer), Pong::Heard, "once");
        assert!(session.ask().is_some());
        let mut silent = Session::unmanaged("chat.test", false);
        assert!(silent.sends(Some(&stanza("1"))));
        assert!(silent.ask().is_none());
        let ping = silent.ask_anyhow();
        assert_eq!((ping.attr("from"), ping.attr("to")), (None, Some("chat.test")));
        assert_eq!(silent.pong(&ping), Pong::Heard);
    }

    #[test]
    fn a_component_says_who_it_is_when_it_pings() {
        let mut component = Session::of_component("cti.chat.test");
        let ping = component.ask_anyhow();
        assert_eq!((ping.attr("from"), ping.attr("to")), (Some("cti.chat.test"), Some("cti.chat.test")));
        assert_eq!(component.pong(&ping), Pong::Heard, "the server sends it round");
    }

    #[test]
    fn counts_go_round_at_their_end() {
        let mut session = session();
        session.management.as_mut().unwrap().acknowledged = u32::MAX;
        session.management.as_mut().unwrap().handled = u32::MAX;
        assert!(session.sends(Some(&stanza("1"))));
        assert_eq!(session.acknowledged(0), Ok(1));
        session.received(None);
        assert_eq!(h(session.resume()).as_deref(), Some("0"));
    }
}
