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
use crate::session::{Question, Task, Xmpp};
use crate::wire::muc::{codes, entrance, exit};
use crate::wire::{self, ns};

/// After how long a room is entered again that could not be.
const RETRY: Millis = Millis::seconds(30);
/// How often it is tried before the conversation is given up.
const TRIES_MAX: u8 = 5;
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
    password: Option<String>,
    state: RoomState,
    tries: u8,
    pub(crate) occupants: BTreeMap<String, Who>,
    /// Agents of ours with a place of their own, in component shape.
    seats: BTreeMap<AgentId, Seat>,
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

/// An agent's own place in a room.
#[derive(Debug)]
struct Seat {
    from: String,
    nick: String,
    taken: bool,
    tries: u8,
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

    fn visitors(&self) -> usize {
        self.occupants.values().filter(|who| **who == Who::Visitor).count()
    }
}

impl Xmpp {
    /// Whether a conversation's room has been entered and read.
    pub(crate) fn is_in_room(&self, chat: &ProviderChatId) -> bool {
        let room = self.conversations.get(chat).and_then(|one| one.room.as_ref());
        room.and_then(|room| self.link.rooms.get(room)).is_some_and(|room| room.is_in() && !room.reading)
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
        let presence = entrance(one.from.as_deref(), room, &one.nick, one.password.as_deref());
        if let Some(known) = self.conversations.get_mut(&one.chat) {
            known.say_again(self.settings.archive);
        }
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
        let retry = self.now + RETRY;
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
                    one.state = RoomState::Lost { retry };
                    return self.done(&Task::Room(room.clone()));
                }
                _ => {}
            }
        }
        self.room_over(room, &format!("the room cannot be entered: {condition} {words}"));
    }

    /// The room is of no use any more: its conversation is over.
    fn room_over(&mut self, room: &BareJid, why: &str) {
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
        (one.state, one.next_ping, one.tries, one.reading) = (RoomState::In, next_ping, 0, reads);
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
        let Some(one) = self.link.rooms.get_mut(room) else { return };
        one.reading = false;
        let (chat, held) = (one.chat.clone(), std::mem::take(&mut one.held));
        for stanza in held {
            if let Some(from) = stanza.attr("from").and_then(|from| Jid::new(from).ok()) {
                self.room_message(&stanza, &from);
            }
        }
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
        let retry = self.now + RETRY;
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
                _ if codes.contains(&332) || codes.contains(&333) => {
                    one.state = RoomState::Lost { retry };
                    return;
                }
                _ if codes.contains(&307) => "we were put out of the room",
                _ if codes.contains(&301) => "we were banned from the room",
                _ => "we are not in the room any more",
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

    /// Gives an agent a place in a room: one of his own where we are a component; else we speak for him.
    pub(crate) fn seat(&mut self, room: &BareJid, agent: &AgentId, nickname: &Str) {
        let Some(one) = self.link.rooms.get_mut(room) else { return };
        let address = self.own.component.then(|| self.own.of_agent(agent)).flatten();
        // An agent who is called as the queue is has no address of his own.
        let from = address
            .map(|address| format!("{address}/schakel"))
            .filter(|from| one.from.as_ref() != Some(from));
        let Some(from) = from else {
            if one.is_in() {
                let chat = one.chat.clone();
                self.tell(&chat, ConversationEvent::AgentJoined(agent.clone()), None);
            }
            return;
        };
        if !one.is_in() {
            // He is given one as soon as we are.
            return;
        }
        if let Some(seat) = one.seats.get(agent) {
            // The house asks again after a lost connection; while he is on his way in, he will be told of.
            if seat.taken {
                let chat = one.chat.clone();
                self.tell(&chat, ConversationEvent::AgentJoined(agent.clone()), None);
            }
            return;
        }
        let nick = own::occupant_name(nickname);
        let presence = entrance(Some(&from), room, &nick, one.password.as_deref());
        let seat = Seat { from, nick, taken: false, tries: 0 };
        one.seats.insert(agent.clone(), seat);
        self.transmit(presence);
    }

    fn seat_presence(&mut self, stanza: &Element, room: &BareJid, agent: &AgentId) {
        let Some(one) = self.link.rooms.get_mut(room) else { return };
        let chat = one.chat.clone();
        let Some(seat) = one.seats.get_mut(agent) else { return };
        let is_self = codes(stanza.get_child("x", ns::MUC_USER)).contains(&110);
        match stanza.attr("type") {
            None if is_self && !seat.taken => {
                seat.taken = true;
                // The room may have given him another (XEP-0045 section 7.2.3).
                let given = stanza.attr("from").and_then(|from| Jid::new(from).ok());
                if let Some(given) = given.as_ref().and_then(Jid::resource) {
                    seat.nick = given.as_str().to_owned();
                }
                let nick = seat.nick.clone();
                one.occupants.insert(nick, Who::Ours);
                self.tell(&chat, ConversationEvent::AgentJoined(agent.clone()), None);
            }
            Some("unavailable") if is_self => {
                one.seats.remove(agent);
                self.tell(&chat, ConversationEvent::AgentLeft(agent.clone()), None);
            }
            Some("error") if !seat.taken => {
                let (condition, _) = wire::error_of(stanza);
                seat.tries += 1;
                // Whoever has his nickname is somebody else.
                if let Some(who @ Who::Ours) = one.occupants.get_mut(&seat.nick) {
                    *who = Who::Visitor;
                }
                if condition == "conflict" && seat.tries < TRIES_MAX {
                    seat.nick = format!(
                        "{} ({})",
                        seat.nick.trim_end_matches(|c: char| " ()".contains(c) || c.is_ascii_digit()),
                        seat.tries + 1
                    );
                    let presence = entrance(Some(&seat.from), room, &seat.nick, one.password.as_deref());
                    return self.transmit(presence);
                }
                // We speak for him ourselves.
                one.seats.remove(agent);
                self.tell(&chat, ConversationEvent::AgentJoined(agent.clone()), None);
            }
            _ => {}
        }
    }

    /// Takes an agent's place away.
    pub(crate) fn unseat(&mut self, room: &BareJid, agent: &AgentId) {
        let seat = self.link.rooms.get_mut(room).and_then(|one| one.seats.remove(agent));
        if let Some(seat) = seat {
            self.transmit(exit(Some(&seat.from), room, &seat.nick));
        }
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
                    one.state = RoomState::Lost { retry: now + RETRY };
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

fn due(room: &Room) -> Time {
    match room.state {
        RoomState::Entering { until } => until,
        RoomState::Lost { retry } => retry,
        RoomState::In => room.next_ping,
    }
}
