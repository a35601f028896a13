//! Who is there (RFC 6121): what we show of agents and queues, and what agents' own programs say.

use schakel_core::adapter::Output;
use schakel_core::model::chat::Presence;
use schakel_core::model::chat_service::Show;
use schakel_core::model::ids::{AgentId, Str};
use schakel_core::report::EventReport;
use schakel_core::report::chat::{ChatEvent, ChatReport};
use xmpp_parsers::jid::{BareJid, Jid};
use xmpp_parsers::minidom::Element;

use crate::own::{self, Place};
use crate::session::Xmpp;
use crate::wire::{self, Set, ns};

/// Programs of one agent that are known at a time.
const PROGRAMS_MAX: usize = 16;
/// Who may wait for news of our addresses: each news goes to all of them, and must not fill the connection.
const WATCHERS_MAX: usize = 1_000;
/// Bytes of a status text.
const STATUS_MAX_BYTES: usize = 200;

impl Xmpp {
    /// Takes a presence.
    pub(crate) fn presence(&mut self, stanza: &Element, from: Option<&Jid>) {
        let Some(from) = from else { return };
        let bare = from.to_bare();
        if self.link.rooms.contains_key(&bare) {
            return self.room_presence(stanza, from);
        }
        if self.link.private.contains_key(&bare) {
            return self.private_presence(stanza, from);
        }
        if self.own.is_ours(from) {
            return;
        }
        let to = stanza
            .attr("to")
            .and_then(|to| Jid::new(to).ok())
            .map_or_else(|| self.own.bare.clone(), Jid::into_bare);
        let kind = stanza.attr("type");
        match kind {
            Some("subscribe" | "probe" | "unsubscribe") => return self.watched(kind, from, &to),
            Some("subscribed" | "unsubscribed" | "error") => return,
            _ => {}
        }
        let gone = kind == Some("unavailable");
        if let Some(agent) = self.own.agents.get(&bare).cloned() {
            return self.agent_shown(stanza, &agent, from, gone);
        }
        // A visitor who sends us his presence: directed, or because we watch him.
        let chat = Place::Direct { visitor: bare, ours: to }.id();
        let his = self.conversations.get(&chat).filter(|one| one.told).and_then(|one| one.reply_to.as_ref());
        let other_program = his.is_some_and(|his| his.resource().is_some() && his != from);
        if !(gone && other_program) {
            self.tell_presence(&chat, if gone { Presence::Away } else { Presence::There });
        }
    }

    /// Somebody wants to know how an address of ours is.
    fn watched(&mut self, kind: Option<&str>, from: &Jid, to: &BareJid) {
        let (bare, ours) = (from.to_bare(), self.own.component.then(|| to.to_string()));
        let allowed = own::may_write(&self.settings, from) && self.is_address(to);
        let pair = (to.clone(), bare.clone());
        if kind == Some("unsubscribe") || !allowed {
            self.link.watchers.remove(&pair);
            if kind != Some("probe") {
                let no = wire::stanza("presence", ours.as_deref(), bare.as_str(), Some("unsubscribed"), "");
                self.transmit(no.build());
            }
            return;
        }
        if kind == Some("subscribe") {
            let yes = wire::stanza("presence", ours.as_deref(), bare.as_str(), Some("subscribed"), "");
            self.transmit(yes.build());
        }
        if self.own.component {
            let show = self.show_of(to);
            if self.link.watchers.len() < WATCHERS_MAX {
                self.link.watchers.insert(pair, show);
            }
            self.transmit(presence(ours.as_deref(), bare.as_str(), show));
        }
    }

    /// Whether there is somebody or something at an address of ours.
    fn is_address(&self, to: &BareJid) -> bool {
        let of_agent = |agent: &AgentId| self.own.of_agent(agent).as_ref() == Some(to);
        *to == self.own.bare
            || own::queue_of(&self.settings, &[to]).is_some()
            || self.agents.keys().any(of_agent)
    }

    /// How an address of ours is: an agent's as he is; a queue's as all of them together.
    fn show_of(&self, to: &BareJid) -> Show {
        let agent = self.agents.values().find(|one| self.own.of_agent(&one.agent).as_ref() == Some(to));
        agent.map_or_else(|| self.best(), |one| one.show)
    }

    fn best(&self) -> Show {
        // Their order is from eager to gone.
        self.agents.values().map(|one| one.show).min().unwrap_or(Show::ExtendedAway)
    }

    /// What we show after connecting: ourselves, and that we want to know of the agents' own programs.
    pub(crate) fn show_all(&mut self) {
        if !self.own.component {
            let best = self.best();
            self.transmit(presence(
                None,
                "",
                if best == Show::Unavailable { Show::ExtendedAway } else { best },
            ));
        }
        let ours = self.own.component.then(|| self.own.bare.to_string());
        let programs: Vec<_> = self.own.agents.keys().cloned().collect();
        for jid in programs {
            for kind in ["subscribe", "probe"] {
                // The server probes for an account by itself.
                if kind == "subscribe" || self.own.component {
                    let asks = wire::stanza("presence", ours.as_deref(), jid.as_str(), Some(kind), "");
                    self.transmit(asks.build());
                }
            }
        }
        self.show_workgroups();
    }

    /// An agent is something else than before.
    pub(crate) fn show(&mut self) {
        if !self.own.component {
            let best = self.best();
            self.transmit(presence(
                None,
                "",
                if best == Show::Unavailable { Show::ExtendedAway } else { best },
            ));
        } else {
            self.tell_watchers();
        }
        self.show_workgroups();
    }

    /// Tells who waits for it what is news of our addresses.
    fn tell_watchers(&mut self) {
        let mut watchers = std::mem::take(&mut self.link.watchers);
        // They are in the order of our addresses.
        let mut last: Option<(&BareJid, Show)> = None;
        for ((ours, watcher), told) in &mut watchers {
            let show = match last {
                Some((before, show)) if before == ours => show,
                _ => self.show_of(ours),
            };
            last = Some((ours, show));
            if std::mem::replace(told, show) != show {
                self.transmit(presence(Some(ours.as_str()), watcher.as_str(), show));
            }
        }
        self.link.watchers = watchers;
    }

    /// What one of an agent's own programs says: the best of all of them counts.
    fn agent_shown(&mut self, stanza: &Element, agent: &AgentId, from: &Jid, gone: bool) {
        let of = |name: &str| stanza.get_child(name, ns::CLIENT).map(Element::text);
        let show = match of("show").as_deref() {
            Some("chat") => Show::Chat,
            Some("away") => Show::Away,
            Some("xa") => Show::ExtendedAway,
            Some("dnd") => Show::DoNotDisturb,
            _ => Show::Available,
        };
        let status = of("status").filter(|text| !text.trim().is_empty());
        let status: Option<Str> = status.map(|text| wire::cut(&wire::clean(&text), STATUS_MAX_BYTES).into());
        let negative = of("priority")
            .and_then(|text| text.trim().parse::<i16>().ok())
            .is_some_and(|priority| priority < 0);
        let programs = self.link.shown.entry(agent.clone()).or_default();
        let best = |programs: &std::collections::BTreeMap<String, (Show, Option<Str>)>| {
            programs.values().min_by_key(|(show, _)| *show).cloned()
        };
        let before = best(programs);
        let program = from.resource().map(|resource| resource.as_str().to_owned()).unwrap_or_default();
        // One that cannot be written to (RFC 6121 section 8.5.2.1.1) does not make its user reachable.
        if gone || negative {
            programs.remove(&program);
        } else if programs.len() < PROGRAMS_MAX || programs.contains_key(&program) {
            programs.insert(program, (show, status));
        }
        let after = best(programs);
        if before != after || (gone && before.is_none()) {
            let (show, status) = after.unwrap_or((Show::Unavailable, None));
            let event = ChatEvent::AgentShown { agent: agent.clone(), show, status };
            let report = ChatReport { event: Some(event), read: None };
            self.out.push(Output::Report(EventReport::Chat(Box::new(report))));
        }
    }
}

/// A presence of ours.
pub(crate) fn presence(from: Option<&str>, to: &str, show: Show) -> Element {
    let kind = (show == Show::Unavailable).then_some("unavailable");
    let made = wire::stanza("presence", from, to, kind, "");
    match show_word(show) {
        Some(word) => made.child("show", ns::CLIENT, word).build(),
        None => made.build(),
    }
}

/// The word for it, where it has one.
pub(crate) fn show_word(show: Show) -> Option<&'static str> {
    match show {
        Show::Chat => Some("chat"),
        Show::Away => Some("away"),
        Show::ExtendedAway => Some("xa"),
        Show::DoNotDisturb => Some("dnd"),
        Show::Available | Show::Unavailable => None,
    }
}
