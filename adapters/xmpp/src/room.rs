//! Rooms that visitors and agents talk in (XEP-0045).

use std::collections::{BTreeMap, VecDeque};

use schakel_core::model::chat::{Presence, Visitor};
use schakel_core::model::ids::{AgentId, ProviderChatId, Str};
use schakel_core::model::pii::Pii;
use schakel_core::model::time::{Millis, Time};
use schakel_core::report::chat::ConversationEvent;
use xmpp_parsers::jid::{BareJid, Jid};
use xmpp_parsers::minidom::Element;

use crate::own::{self, Place};
use crate::seat::Seat;
use crate::session::{Question, Task, Xmpp};
use crate::wire::muc::{codes, entrance, exit};
use crate::wire::{self, ns};

/// After how many seconds a room is entered again that could not be, or that put us out without a reason: the first time,
/// the second, and so on.
const RETRIES: [u64; 8] = [1, 2, 5, 10, 30, 30, 30, 30];
/// How often it is tried before the conversation is given up.
const TRIES_MAX: u8 = 8;
/// Rooms that we left, whose last echoes are still understood.
const LEFT_MAX: usize = 1_000;
/// Occupants that are known of one room.
const OCCUPANTS_MAX: usize = 200;

/// A room that we are in, or want to be in.
#[derive(Debug)]
pub(crate) struct Room {
    pub(crate) chat: ProviderChatId,
    /// As whom we speak, in component shape.
    pub(crate) from: Option<String>,
    nick: String,
    pub(crate) password: Option<String>,
    state: RoomState,
    tries: u8,
    pub(crate) occupants: BTreeMap<String, Who>,
    /// Agents of ours with a place of their own, in component shape.
    pub(crate) seats: BTreeMap<AgentId, Seat>,
    next_ping: Time,
    /// Everybody sees everybody's address: then the room itself puts it on what it archives.
    names_all: bool,
    /// Its archive is being read; what is said meanwhile waits.
    pub(crate) reading: bool,
    /// Some did not fit: the archive is looked at once more.
    pub(crate) missed: bool,
    pub(crate) held: VecDeque<Element>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum RoomState {
    Entering { until: Time },
    In,
    Lost { retry: Time },
}

/// Who an occupant is. A nickname says nothing: anybody may choose one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Who {
    /// Ourselves, or an agent for whom we speak.
    Ours,
    /// An agent with a program of his own.
    Agent(AgentId),
    Visitor,
}

impl Room {
    pub(crate) fn is_in(&self) -> bool {
        self.state == RoomState::In
    }

    /// Whether what is said now has to wait for what was said before it. A service that has not found out that we were
    /// gone goes on as if we were still there: then we hear it before we have come in again.
    pub(crate) fn waits(&self) -> bool {
        self.reading || !self.is_in()
    }

    /// As whom we speak for an agent, where he has a place of his own.
    pub(crate) fn seat_of(&self, agent: &AgentId) -> Option<String> {
        self.seats.get(agent).filter(|seat| seat.taken).map(|seat| seat.from.clone())
    }

    /// Whether an occupant is we ourselves, or an agent for whom we speak.
    pub(crate) fn is_of_ours(&self, occupant: &Jid) -> bool {
        let Some(nick) = occupant.resource() else { return false };
        nick.as_str() == self.nick || self.seats.values().any(|seat| seat.taken && seat.nick == nick.as_str())
    }

    /// Who said what the archive tells, by the address that it tells. Where the room does not show addresses, the sender
    /// may have written it himself: then it makes nobody an agent who is not here as one.
    pub(crate) fn who_was(&self, nick: &str, of_real: Who) -> Option<Who> {
        let here = self.occupants.get(nick);
        let is_believed = self.names_all || of_real == Who::Visitor || here == Some(&of_real);
        if is_believed { Some(of_real) } else { here.cloned() }
    }

    /// We are not in it, and come back after a while.
    fn lose(&mut self, now: Time) {
        let wait = RETRIES
            .get(usize::from(self.tries.saturating_sub(1)))
            .or(RETRIES.last())
            .copied()
            .unwrap_or_default();
        self.state = RoomState::Lost { retry: now + Millis::seconds(wait) };
    }

    fn visitors(&self) -> usize {
        self.occupants.values().filter(|who| **who == Who::Visitor).count()
    }
}

impl Xmpp {
    /// Whether a conversation's room has been entered and read.
    pub(crate) fn is_in_room(&self, chat: &ProviderChatId) -> bool {
        let room = self.conversations.get(chat).and_then(|one| one.room.as_ref());
        room.and_then(|room| self.link.rooms.get(room)).is_some_and(|room| !room.waits())
    }

    /// After a lost connection: all rooms of live conversations.
    pub(crate) fn enter_remembered_rooms(&mut self) {
        let rooms: Vec<_> = self
            .conversations
            .iter()
            .filter_map(|(chat, one)| Some((one.room.clone()?, chat.clone(), one.place.clone())))
            .collect();
        let of_none = |archive: &&Str| {
            !archive.is_empty() && !rooms.iter().any(|(room, ..)| room.as_str() == &***archive)
        };
        let over: Vec<_> = self.archives.keys().filter(of_none).cloned().collect();
        for archive in over {
            self.forget_archive(&archive);
        }
        for (room, chat, place) in rooms {
            let ours = match place {
                Place::Room { ours, .. } => ours,
                _ => self.own.bare.clone(),
            };
            self.link.tasks.insert(Task::Room(room.clone()));
            self.enter(&room, chat, ours, None);
        }
    }

    /// An invitation: by the room (XEP-0045 section 7.8), directly (XEP-0249), or in both ways at once, as servers send
    /// it. True where it was one.
    pub(crate) fn invitation(&mut self, stanza: &Element, from: &Jid) -> bool {
        let mediated =
            stanza.get_child("x", ns::MUC_USER).and_then(|x| Some((x, x.get_child("invite", ns::MUC_USER)?)));
        let direct = stanza.get_child("x", ns::CONFERENCE);
        let (room, inviter, password) = match (mediated, direct) {
            (Some((x, invite)), _) => {
                let inviter = invite.attr("from").and_then(|jid| Jid::new(jid).ok());
                let password = x.get_child("password", ns::MUC_USER).map(Element::text);
                (Some(from.to_bare()), inviter, password)
            }
            (None, Some(direct)) => {
                let room = direct.attr("jid").and_then(|jid| BareJid::new(jid).ok());
                (room, Some(from.clone()), direct.attr("password").map(str::to_owned))
            }
            (None, None) => return false,
        };
        let to =
            stanza.attr("to").map_or_else(|| Some(Jid::from(self.own.bare.clone())), |to| Jid::new(to).ok());
        let Some((room, to)) =
            room.filter(|room| room.node().is_some()).zip(to.filter(|to| self.own.is_ours(to)))
        else {
            self.refuse(stanza, "an invitation to no room, or not to us", Some(&wire::BAD_REQUEST));
            return true;
        };
        if self.link.is_room(&room) {
            self.observed.count("invitations_repeated");
            return true;
        }
        let service = room.domain().as_str();
        let known = self.settings.muc_service.as_deref().or(self.link.muc_service.as_deref());
        let is_known = known.is_some_and(|known| known.eq_ignore_ascii_case(service));
        let service_fits = is_known
            || (self.settings.muc_service.is_none()
                && own::may_write(&self.settings, &Jid::from(room.clone())));
        // Prosody names the inviter by his place in the room: then the room knows him, and we do not.
        let inviter = inviter.filter(|inviter| inviter.to_bare() != room);
        let inviter_fits = inviter.as_ref().is_none_or(|inviter| own::may_write(&self.settings, inviter));
        if !service_fits || !inviter_fits {
            self.refuse(
                stanza,
                "an invitation to a room, or of somebody, whose domain is not allowed",
                Some(&wire::FORBIDDEN),
            );
            return true;
        }
        if self.link.rooms.len() >= self.settings.limits.rooms_max || !self.has_room_for_one() {
            self.refuse(stanza, "too many rooms", Some(&wire::RESOURCE_CONSTRAINT));
            return true;
        }
        let ours = to.into_bare();
        let chat = match self.session_of_invitation(stanza, &room) {
            Some(chat) => chat,
            None => {
                let Some(queue) = own::queue_of(&self.settings, &[&ours, &room]) else {
                    self.refuse(
                        stanza,
                        "an invitation to an address that belongs to no queue",
                        Some(&wire::ITEM_NOT_FOUND),
                    );
                    return true;
                };
                let place = Place::Room { room: room.clone(), ours: ours.clone() };
                let chat = place.id();
                let one = crate::conversation::Conversation::new(place, Some(queue));
                self.conversations.insert(chat.clone(), one);
                chat
            }
        };
        if let Some(one) = self.conversations.get_mut(&chat) {
            one.room = Some(room.clone());
            one.heard = self.now;
            one.reply_to = one.reply_to.take().or(inviter);
        }
        self.enter(&room, chat, ours, password);
        true
    }

    fn enter(&mut self, room: &BareJid, chat: ProviderChatId, ours: BareJid, password: Option<String>) {
        let from = self.own.component.then(|| format!("{ours}/schakel"));
        let nick = self.settings.nickname.to_string();
        let one = Room {
            chat,
            from,
            nick,
            password,
            state: RoomState::Lost { retry: self.now },
            tries: 0,
            occupants: BTreeMap::new(),
            seats: BTreeMap::new(),
            next_ping: self.now,
            names_all: false,
            reading: false,
            missed: false,
            held: VecDeque::new(),
        };
        self.link.left.remove(room);
        self.link.rooms.insert(room.clone(), one);
        self.enter_again(room);
    }

    fn enter_again(&mut self, room: &BareJid) {
        let until = self.now + self.settings.times.answer_limit;
        let Some(one) = self.link.rooms.get_mut(room) else { return };
        one.state = RoomState::Entering { until };
        one.tries = one.tries.saturating_add(1);
        one.occupants.clear();
        one.seats.clear();
        one.reading = false;
        let presence = entrance(one.from.as_deref(), room, &one.nick, one.password.as_deref());
        if let Some(known) = self.conversations.get_mut(&one.chat) {
            known.say_again(self.settings.archive);
        }
        self.stop_catching_up(room.as_str());
        self.transmit(presence);
    }

    /// Presence of a room that we are in, or want to be in.
    pub(crate) fn room_presence(&mut self, stanza: &Element, from: &Jid) {
        let room = from.to_bare();
        let Some(one) = self.link.rooms.get_mut(&room) else { return };
        let to = stanza.attr("to").unwrap_or_default();
        if let Some(agent) =
            one.seats.iter().find(|(_, seat)| seat.from == to).map(|(agent, _)| agent.clone())
        {
            return self.seat_presence(stanza, &room, &agent);
        }
        if one.from.as_deref().is_some_and(|ours| ours != to) {
            return;
        }
        let x = stanza.get_child("x", ns::MUC_USER);
        let codes = codes(x);
        let nick = from.resource().map(|nick| nick.as_str().to_owned());
        match (stanza.attr("type"), nick) {
            (Some("error"), _) => self.not_entered(stanza, &room),
            (Some("unavailable"), Some(nick)) => self.occupant_left(&room, &nick, x, &codes),
            (None, Some(nick)) => self.occupant_here(&room, nick, x, &codes),
            _ => {}
        }
    }

    fn not_entered(&mut self, stanza: &Element, room: &BareJid) {
        let (condition, words) = wire::error_of(stanza);
        let now = self.now;
        let Some(one) = self.link.rooms.get_mut(room) else { return };
        if one.is_in() {
            return;
        }
        if one.tries < TRIES_MAX {
            match condition.as_str() {
                "conflict" => {
                    one.nick.push('_');
                    return self.enter_again(room);
                }
                "remote-server-timeout"
                | "service-unavailable"
                | "internal-server-error"
                | "resource-constraint" => {
                    one.lose(now);
                    return self.done(&Task::Room(room.clone()));
                }
                _ => {}
            }
        }
        self.room_over(room, &format!("the room cannot be entered: {condition} {words}"));
    }

    /// The room is of no use any more: its conversation is over.
    fn room_over(&mut self, room: &BareJid, why: &str) {
        self.hear_held(room);
        let Some(one) = self.link.rooms.remove(room) else { return };
        self.forget_archive(room.as_str());
        self.end_private(&one.chat);
        let known = self.conversations.remove(&one.chat);
        if known.is_some_and(|known| known.told) {
            self.tell(&one.chat, ConversationEvent::EndedByProvider(why.trim().into()), None);
        }
        self.done(&Task::Room(room.clone()));
    }

    fn occupant_here(&mut self, room: &BareJid, nick: String, x: Option<&Element>, codes: &[u16]) {
        let real =
            x.and_then(|x| x.get_child("item", ns::MUC_USER)?.attr("jid")).and_then(|jid| Jid::new(jid).ok());
        let agent = real.and_then(|jid| self.own.agents.get(&jid.to_bare()).cloned());
        let trusted = self.is_trusted(room);
        let agent = agent.filter(|_| trusted);
        let Some(one) = self.link.rooms.get_mut(room) else { return };
        if codes.contains(&110) {
            one.nick = nick;
            one.names_all = trusted && codes.contains(&100);
            if codes.contains(&201) {
                // We made it just now: the room that we were to enter is gone.
                let leave = exit(one.from.as_deref(), room, &one.nick);
                self.transmit(leave);
                return self.room_over(room, "the room is not there any more");
            }
            if !one.is_in() {
                self.entered(room);
            }
            return;
        }
        let ours = one.seats.values().any(|seat| seat.nick == nick);
        let who = if ours { Who::Ours } else { agent.map_or(Who::Visitor, Who::Agent) };
        if one.occupants.len() >= OCCUPANTS_MAX && !one.occupants.contains_key(&nick) {
            return self.observed.count("occupants_ignored");
        }
        let is_visitor = who == Who::Visitor;
        one.occupants.insert(nick, who);
        if is_visitor {
            let chat = one.chat.clone();
            self.tell_presence(&chat, Presence::There);
        }
    }

    fn entered(&mut self, room: &BareJid) {
        let next_ping = self.now + self.settings.times.self_ping;
        let reads = self.settings.archive;
        let Some(one) = self.link.rooms.get_mut(room) else { return };
        (one.state, one.next_ping, one.reading) = (RoomState::In, next_ping, reads);
        let chat = one.chat.clone();
        let visitor =
            one.occupants.iter().find(|(_, who)| **who == Who::Visitor).map(|(nick, _)| nick.clone());
        let Some(known) = self.conversations.get_mut(&chat) else { return };
        let address = known.reply_to.as_ref().map(|jid| Pii::new(jid.to_string().into()));
        let agents: Vec<_> = known.agents.iter().map(|(agent, name)| (agent.clone(), name.clone())).collect();
        if !std::mem::replace(&mut known.told, true)
            && let Some(queue) = known.queue.clone()
        {
            let nickname = visitor.map(|nick| Pii::new(wire::clean(&nick).into()));
            let visitor = Visitor { nickname, address, ..Visitor::default() };
            self.tell(&chat, ConversationEvent::Opened { queue, visitor }, None);
        }
        if reads && self.archives.contains_key(room.as_str()) {
            // What was said just before we came in may not be in the archive yet: ejabberd shows it first.
            self.wait(self.settings.times.archived_within, Question::RoomLater(room.clone()));
        } else if reads {
            self.catch_up_room(room);
        } else {
            self.room_read(room);
        }
        for (agent, nickname) in agents {
            self.seat(room, &agent, &nickname);
        }
    }

    /// A room's archive has been read: what waited is heard, and said.
    pub(crate) fn room_read(&mut self, room: &BareJid) {
        let Some(one) = self.link.rooms.get_mut(room).filter(|one| one.is_in()) else { return };
        one.reading = false;
        let chat = one.chat.clone();
        self.hear_held(room);
        if let Some(one) = self.link.rooms.get_mut(room)
            && std::mem::take(&mut one.missed)
        {
            one.reading = true;
            return self.catch_up_room(room);
        }
        self.done(&Task::Room(room.clone()));
        let waiting = self.conversations.get(&chat).and_then(|known| {
            let looks = known.doubt == crate::conversation::Doubt::Looking;
            known.outbox.front().filter(|_| looks).map(|first| first.spoken.message().at)
        });
        match waiting {
            Some(since) => self.look_for_ours(&chat, since),
            None => self.pump(&chat),
        }
    }

    fn occupant_left(&mut self, room: &BareJid, nick: &str, x: Option<&Element>, codes: &[u16]) {
        let now = self.now;
        let destroyed = x.is_some_and(|x| x.has_child("destroy", ns::MUC_USER));
        let Some(one) = self.link.rooms.get_mut(room) else { return };
        if nick == one.nick || codes.contains(&110) {
            let why = match codes {
                _ if destroyed => "the room was destroyed",
                _ if codes.contains(&303) => {
                    let item = x.and_then(|x| x.get_child("item", ns::MUC_USER)?.attr("nick"));
                    one.nick = item.unwrap_or(nick).to_owned();
                    return;
                }
                _ if is_for_good(codes) => "we were put out of the room",
                _ if one.tries < TRIES_MAX => return one.lose(now),
                _ => "the room puts us out again and again",
            };
            return self.room_over(room, why);
        }
        if one.occupants.remove(nick) != Some(Who::Visitor) || one.visitors() > 0 || codes.contains(&303) {
            return;
        }
        let chat = one.chat.clone();
        // 333: his connection broke. Who leaves by himself, or is put out, has gone.
        let presence = if codes.contains(&333) { Presence::Away } else { Presence::Gone };
        self.tell_presence(&chat, presence);
    }

    /// Whether a room is believed when it says who is in it: it is of our server, or of the service that was set or that
    /// our server named.
    pub(crate) fn is_trusted(&self, room: &BareJid) -> bool {
        let service = room.domain().as_str();
        let known = self.link.muc_service.as_deref();
        self.own.is_near(service) || known.is_some_and(|known| known.eq_ignore_ascii_case(service))
    }

    /// Leaves a room, with all who are ours.
    pub(crate) fn leave_room(&mut self, room: &BareJid) {
        let Some(one) = self.link.rooms.remove(room) else { return };
        self.forget_archive(room.as_str());
        if self.link.left.len() >= LEFT_MAX {
            self.link.left.pop_first();
        }
        self.link.left.insert(room.clone(), one.chat.clone());
        for seat in one.seats.values() {
            self.transmit(exit(Some(&seat.from), room, &seat.nick));
        }
        self.transmit(exit(one.from.as_deref(), room, &one.nick));
        self.done(&Task::Room(room.clone()));
    }

    /// Whether we are still in a room, as it answered (XEP-0410 section 3).
    pub(crate) fn room_answered(&mut self, room: &BareJid, answer: Option<&Element>) {
        let error = answer.filter(|answer| answer.attr("type") == Some("error")).map(wire::error_of);
        if error.is_some_and(|(condition, _)| condition == "not-acceptable")
            && self.link.rooms.get(room).is_some_and(Room::is_in)
        {
            self.observed.count("rooms_lost");
            self.enter_again(room);
        } else if answer.is_some()
            && let Some(one) = self.link.rooms.get_mut(room)
        {
            one.tries = 0;
        }
    }

    /// What is due of the rooms.
    pub(crate) fn tick_rooms(&mut self) {
        let now = self.now;
        let due: Vec<_> =
            self.link.rooms.iter().filter(|(_, one)| due(one) <= now).map(|(room, _)| room.clone()).collect();
        for room in due {
            let Some(one) = self.link.rooms.get_mut(&room) else { continue };
            match one.state {
                RoomState::Entering { .. } if one.tries >= TRIES_MAX => {
                    self.room_over(&room, "the room does not answer")
                }
                RoomState::Entering { .. } => {
                    one.lose(now);
                    self.done(&Task::Room(room));
                }
                RoomState::Lost { .. } => self.enter_again(&room),
                RoomState::In => {
                    one.next_ping = now + self.settings.times.self_ping;
                    let (whom, from) = (format!("{room}/{}", one.nick), one.from.clone());
                    let ping = wire::bare("ping", ns::PING);
                    self.ask(&whom, from.as_deref(), "get", ping, Question::InRoom(room));
                }
            }
        }
    }

    /// When something of the rooms is due.
    pub(crate) fn room_deadlines(&self) -> impl Iterator<Item = Time> {
        self.link.rooms.values().map(due)
    }
}

/// Whether who is put out of a room with these codes was put out on purpose. Not where the service went down (332), the
/// connection broke (333), or no reason is told: ejabberd puts out whose connection was away for a moment, because what it
/// could not give him came back as an error, also when he is in the room again by then.
pub(crate) fn is_for_good(codes: &[u16]) -> bool {
    let in_passing = codes.iter().any(|code| [332, 333].contains(code));
    !in_passing && codes.iter().any(|code| [301, 307, 321, 322].contains(code))
}

fn due(room: &Room) -> Time {
    match room.state {
        RoomState::Entering { until } => until,
        RoomState::Lost { retry } => retry,
        RoomState::In => room.next_ping,
    }
}
