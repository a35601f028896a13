//! Looks into archives (XEP-0313): what was said while we were away, and whether a message of ours arrived before the
//! connection was lost. Live messages wait meanwhile.

use schakel_core::adapter::{CloseReason, Output};
use schakel_core::model::ids::{MessageId, ProviderChatId, Str};
use schakel_core::model::pii::Pii;
use schakel_core::model::time::{Millis, Time};
use schakel_core::report::chat::ArchivePosition;
use xmpp_parsers::jid::{BareJid, Jid};
use xmpp_parsers::minidom::Element;

use crate::hear::Came;
use crate::own::{self, Place};
use crate::session::{Question, Task, Xmpp};
use crate::wire::{self, Set, message, ns};

/// Entries of one page.
const PAGE: &str = "100";
/// How often an archive that does not answer, or is busy, is asked for one page.
const TRIES_MAX: u8 = 4;
/// How long one that says that it is busy is left alone.
const BUSY: Millis = Millis::seconds(5);
/// What one says then (RFC 6120 section 8.3.3).
const BUSY_CONDITIONS: [&str; 4] =
    ["resource-constraint", "internal-server-error", "remote-server-timeout", "policy-violation"];
/// The server's clock may be so far from ours.
const CLOCKS_DIFFER: Millis = Millis::seconds(120);

/// One look into an archive, over all its pages.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Look {
    /// Whose: a room, or our account under the empty name.
    pub(crate) archive: Str,
    pub(crate) purpose: Purpose,
    /// Where it goes on.
    from: From,
    /// Only what was said with him.
    with: Option<BareJid>,
    entries: usize,
    last: Option<Str>,
    /// After which entry the page under way begins.
    page: Option<Str>,
    /// How often the page under way was asked for in vain.
    tries: u8,
}

impl Look {
    fn new(archive: Str, purpose: Purpose, from: From, with: Option<BareJid>) -> Self {
        Self { archive, purpose, from, with, entries: 0, last: None, page: None, tries: 0 }
    }
}

/// What one looks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// What was said while we were away.
    CatchUp,
    /// Whether our own messages of a conversation arrived.
    Ours(ProviderChatId),
}

/// Where a look begins.
#[derive(Debug, Clone, PartialEq, Eq)]
enum From {
    /// After this entry.
    After(Str),
    /// At this moment.
    Start(Time),
    /// At the end: only what its last entry is.
    Now,
}

impl Xmpp {
    /// Reads what was said to our account while we were away. Who never read it begins now.
    pub(crate) fn catch_up_account(&mut self) {
        let from = self.archives.get("").cloned().map_or(From::Now, From::After);
        self.look(Look::new("".into(), Purpose::CatchUp, from, None));
    }

    /// Reads what was said in a room while we were away; in one that we are new in, what was said just before.
    pub(crate) fn catch_up_room(&mut self, room: &BareJid) {
        let back = Time(self.now.0.saturating_sub(self.settings.times.look_back.0));
        let from = self.archives.get(room.as_str()).cloned().map_or(From::Start(back), From::After);
        self.look(Look::new(room.as_str().into(), Purpose::CatchUp, from, None));
    }

    /// A look at what was said in a room while we were away is of no use any more: we are away again.
    pub(crate) fn stop_catching_up(&mut self, archive: &str) {
        let is_it = |look: &Look| &*look.archive == archive && look.purpose == Purpose::CatchUp;
        self.link.looks.retain(|_, look| !is_it(look));
        self.link.asked.retain(|_, asked| match &asked.what {
            Question::RoomLater(room) => room.as_str() != archive,
            Question::ArchiveLater(look) => !is_it(look),
            _ => true,
        });
    }

    /// Looks whether our own messages of a conversation arrived since `since`.
    pub(crate) fn look_for_ours(&mut self, chat: &ProviderChatId, since: Time) {
        let Some(one) = self.conversations.get(chat) else { return };
        let (archive, with) = match (&one.place, &one.room) {
            (_, Some(room)) => (room.as_str().into(), None),
            (Place::Direct { visitor, .. }, None) => ("".into(), Some(visitor.clone())),
            _ => return,
        };
        let from = From::Start(Time(since.0.saturating_sub(CLOCKS_DIFFER.0)));
        self.look(Look::new(archive, Purpose::Ours(chat.clone()), from, with));
    }

    /// Asks for the next page.
    pub(crate) fn look(&mut self, mut look: Look) {
        look.page = match &look.from {
            From::After(id) => Some(id.clone()),
            _ => look.last.clone(),
        };
        self.link.last_number += 1;
        let query = format!("m{}", self.link.last_number);
        let field = |name: &str, value: &str| {
            wire::make("field", ns::DATA_FORMS).set("var", name).child("value", ns::DATA_FORMS, value).build()
        };
        let mut form =
            wire::make("x", ns::DATA_FORMS).set("type", "submit").append(field("FORM_TYPE", ns::MAM));
        let mut page = wire::make("set", ns::RSM);
        match &look.from {
            From::After(id) => page = page.child("max", ns::RSM, PAGE).child("after", ns::RSM, id),
            From::Start(at) => {
                form = form.append(field("start", &wire::stamp(at.0)));
                page = page.child("max", ns::RSM, PAGE);
            }
            From::Now => page = page.child("max", ns::RSM, "1").append(wire::bare("before", ns::RSM)),
        }
        if let (Some(last), From::Start(_)) = (&look.last, &look.from) {
            page = page.child("after", ns::RSM, last);
        }
        if let Some(with) = &look.with {
            form = form.append(field("with", with.as_str()));
        }
        let asks =
            wire::make("query", ns::MAM).set("queryid", &query).append(form.build()).append(page.build());
        let room = BareJid::new(&look.archive).ok().and_then(|room| self.link.rooms.get(&room));
        let from = room.and_then(|room| room.from.clone());
        let whom = look.archive.to_string();
        self.link.looks.insert(query.clone(), look);
        self.ask(&whom, from.as_deref(), "set", asks.build(), Question::Archive(query));
    }

    /// One entry of an archive. It is believed only where it was asked for, and only by whom.
    pub(crate) fn archive_result(&mut self, stanza: &Element, result: &Element, from: Option<&Jid>) {
        let query = result.attr("queryid").unwrap_or_default();
        let theirs = |look: &&mut Look| match from {
            None => look.archive.is_empty(),
            Some(from) if look.archive.is_empty() => from.as_str() == self.own.bare.as_str(),
            Some(from) => from.as_str() == &*look.archive,
        };
        let Some(look) = self.link.looks.get_mut(query).filter(theirs) else {
            return self.refuse(stanza, "an entry of an archive that was not asked for (XEP-0313)", None);
        };
        let Some(id) = result.attr("id").and_then(message::id) else { return };
        look.entries += 1;
        look.last = Some(id.into());
        let look = look.clone();
        let Some((inside, said)) = message::forwarded(result) else { return };
        if look.purpose != Purpose::CatchUp {
            return self.found_ours(inside);
        }
        if look.from == From::Now {
            return;
        }
        let read = ArchivePosition { archive: Pii::new(look.archive.clone()), id: id.into() };
        let came = Came { archived: Some((look.archive.clone(), id.into())), said: said.map(Time) };
        let sender = inside.attr("from").and_then(|from| Jid::new(from).ok());
        let Some(sender) = sender else { return };
        if !look.archive.is_empty() {
            return self.room_heard(inside, &sender, came, Some(read));
        }
        if self.own.is_ours(&sender) {
            return self.found_ours(inside);
        }
        if self.invitation(inside, &sender) {
            return;
        }
        let to = inside.attr("to").and_then(|to| Jid::new(to).ok());
        let to = to.map_or_else(|| self.own.bare.clone(), Jid::into_bare);
        let kind = inside.attr("type");
        let fits = to == self.own.bare && kind.is_none_or(|kind| kind == "chat" || kind == "normal");
        if fits && own::may_write(&self.settings, &sender) {
            self.direct(inside, sender, to, came, Some(read));
        }
    }

    /// A message in an archive: perhaps one of ours, which then has arrived.
    fn found_ours(&mut self, inside: &Element) {
        let ids = [message::origin_id(inside), inside.attr("id")];
        let Some(ours) = ids.into_iter().flatten().find_map(|id| id.parse::<MessageId>().ok()) else {
            return;
        };
        let jid = |name: &str| inside.attr(name).and_then(|jid| Jid::new(jid).ok());
        let Some(from) = jid("from") else { return };
        if let Some(room) = self.link.rooms.get(&from.to_bare()) {
            if room.is_of_ours(&from) {
                let chat = room.chat.clone();
                self.confirm(&chat, ours, None);
            }
        } else if self.own.is_ours(&from)
            && let Some(to) = jid("to")
        {
            let chat = Place::Direct { visitor: to.into_bare(), ours: from.into_bare() }.id();
            if self.conversations.contains_key(&chat) {
                self.confirm(&chat, ours, None);
            }
        }
    }

    /// The end of a page, an error, or nothing in time.
    pub(crate) fn archive_answered(&mut self, query: &str, answer: Option<&Element>) {
        let Some(mut look) = self.link.looks.remove(query) else { return };
        let Some(answer) = answer else {
            self.observed.count("archives_unanswered");
            return self.look_again(look, Millis::seconds(0));
        };
        if answer.attr("type") == Some("error") {
            let (condition, _) = wire::error_of(answer);
            if BUSY_CONDITIONS.contains(&condition.as_str()) {
                self.observed.count("archives_busy");
                return self.look_again(look, BUSY);
            }
            if condition == "item-not-found" && matches!(look.from, From::After(_)) {
                // The archive has forgotten the place up to which it was read.
                self.observed.count("archive_places_lost");
                look.from = From::Start(Time(self.now.0.saturating_sub(self.settings.times.look_back.0)));
                look.last = None;
                return self.look(look);
            }
            self.observed.count("archives_refused");
            return self.looked(look);
        }
        let fin = answer.get_child("fin", ns::MAM);
        let complete = fin.is_none_or(|fin| matches!(fin.attr("complete"), Some("true" | "1")));
        let last =
            fin.and_then(|fin| fin.get_child("set", ns::RSM)?.get_child("last", ns::RSM)).map(Element::text);
        let is_empty = last.is_none() && (look.last.is_none() || look.last == look.page);
        if is_empty && !complete && look.from != From::Now && look.tries + 1 < TRIES_MAX {
            // There is more, and it gives nothing: ejabberd answers so when its database does not.
            self.observed.count("archives_empty");
            return self.look_again(look, BUSY);
        }
        let last: Option<Str> = last.as_deref().and_then(message::id).map(Into::into).or(look.last.clone());
        let stands = last == look.page;
        if complete || last.is_none() || stands || look.from == From::Now {
            look.last = last;
            return self.looked(look);
        }
        if look.entries >= self.settings.limits.archive_entries_max {
            if look.purpose != Purpose::CatchUp {
                self.observed.count("archives_cut");
                look.last = last;
                return self.looked(look);
            }
            // What was said while we were away is read to its end, page by page: live messages would pass over the rest.
            self.observed.count("archives_long");
            look.entries = 0;
        }
        if let (From::After(_), Some(last)) = (&look.from, &last) {
            look.from = From::After(last.clone());
        }
        (look.last, look.tries) = (last, 0);
        self.look(look);
    }

    /// Asks for a page again. What is not read now is passed over by the next live message: an account's archive that
    /// stays silent ends the connection, and the next one begins where this one did.
    fn look_again(&mut self, mut look: Look, pause: Millis) {
        look.tries += 1;
        if look.tries < TRIES_MAX {
            return self.wait(pause, Question::ArchiveLater(Box::new(look)));
        }
        if look.purpose == Purpose::CatchUp && look.archive.is_empty() {
            let text = "the archive of the account does not answer (XEP-0313), and what was said meanwhile would be lost; \
                        mend it, or set archive = false if the server has none";
            self.out.push(Output::Close(CloseReason { text: text.into(), fatal: false }));
            return self.close();
        }
        if look.purpose == Purpose::CatchUp {
            let fault = "the archive of a room does not answer (XEP-0313): what was said there meanwhile may be missing";
            self.out.push(Output::Fault(fault.into()));
        }
        self.looked(look);
    }

    fn looked(&mut self, look: Look) {
        if let Purpose::Ours(chat) = &look.purpose {
            return self.looked_for_ours(chat);
        }
        if let Some(last) = &look.last {
            self.tell_read(&look.archive, last);
        }
        if look.archive.is_empty() {
            self.done(&Task::Account);
        } else if let Ok(room) = BareJid::new(&look.archive) {
            self.room_read(&room);
        }
    }
}
