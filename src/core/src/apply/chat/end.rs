//! The end, silence, wrapping, archive, removal, rating (C05, C06, O09, O16, O18, O19, O24, W10).
//!
//! A chat that somebody answered is wrapped up: in the session of JKC that is about its contact, until that is closed; or
//! without one, for a while. Then it is archived by itself. Each step from the end on is written as the chat's record,
//! before it is told.

use super::content::{check_email, check_line, check_words, invalid};
use super::{Context, not_now, not_participant};
use crate::adapter::ChatOperation;
use crate::command::{Refusal, RefusalCause};
use crate::effect::{ChatWrite, Effect};
use crate::model::cause::Cause;
use crate::model::chat::{ChatState, EndReason, Ended, Fields, Rating, Revoked, Speaker, Way};
use crate::model::ids::{AgentId, ChatId, ContactId, SessionId, Str};
use crate::model::pii::Pii;
use crate::model::session::SessionState;
use crate::notification::Kind;
use crate::settings::TextId;
use crate::state::Deadline;

impl Context<'_> {
    /// Agent or visitor ends it. One that has ended is ended already.
    pub(super) fn end_by(&mut self, chat: ChatId, by: &Speaker) -> Result<(), Refusal> {
        let Some(known) = self.state.chats.get(&chat).filter(|chat| chat.state.is_live()) else {
            return Ok(());
        };
        match by {
            Speaker::Visitor => self.finish_chat(chat, EndReason::Visitor, None),
            Speaker::Agent(agent) if known.present().any(|one| one.agent == *agent) => {
                self.finish_chat(chat, EndReason::Agent, Some(agent));
            }
            Speaker::Agent(agent) => return Err(not_participant(agent)),
        }
        Ok(())
    }

    pub(super) fn ended_by_visitor(&mut self, chat: ChatId) {
        self.finish_chat(chat, EndReason::Visitor, None);
    }

    pub(super) fn ended_by_provider(&mut self, chat: ChatId) {
        self.finish_chat(chat, EndReason::Provider, None);
        if let Some(known) = self.state.chats.get_mut(&chat) {
            known.closing = false;
        }
    }

    /// The talking is over: told to the visitor, taken from everybody, and from here on wrapped up, or over.
    pub(super) fn finish_chat(&mut self, chat: ChatId, reason: EndReason, by: Option<&AgentId>) {
        let Some(known) = self.state.chats.get(&chat).filter(|chat| chat.state.is_live()) else { return };
        // A chat program would open the window again that its user has just closed.
        let by_page = known.way == Way::Api;
        match reason {
            EndReason::Agent => self.say_text(chat, TextId::EndedByAgent, None),
            EndReason::Visitor if by_page => self.say_text(chat, TextId::EndedByVisitor, None),
            EndReason::Inactivity => self.say_text(chat, TextId::InactivityEnd, None),
            EndReason::Visitor | EndReason::VisitorGone | EndReason::NotServed | EndReason::Provider => {}
        }
        self.revoke_offers(chat, Revoked::ChatEnded);
        self.dequeue(chat);
        for deadline in [
            Deadline::ChatWait(chat),
            Deadline::Distribute(chat),
            Deadline::ChatSilence(chat),
            Deadline::VisitorGrace(chat),
        ] {
            self.disarm(deadline);
        }
        let at = self.at;
        let Some(known) = self.state.chats.get_mut(&chat) else { return };
        let answered = known.answered.is_some() || reason == EndReason::Agent;
        known.state = match reason {
            _ if answered => ChatState::Wrapping,
            EndReason::NotServed => ChatState::Unserved,
            _ => ChatState::Abandoned,
        };
        known.since = at;
        known.ended = Some(Ended { at, reason, by: by.cloned() });
        known.closing = !by_page && reason != EndReason::Provider;
        known.recent.clear();
        let (contact, closing) = (known.contact, known.closing);
        let agents: Vec<AgentId> = known.present().map(|one| one.agent.clone()).collect();
        for agent in &agents {
            self.release_agent(chat, agent);
        }
        if closing {
            self.converse(chat, |chat| ChatOperation::End { chat });
        }
        if let Some(contact) = self.state.contacts.get_mut(&contact) {
            contact.ended = Some(at);
        }
        if answered {
            self.wrap_up(chat, contact);
        } else {
            self.forget_later(chat);
        }
        let cause = match reason {
            EndReason::Inactivity | EndReason::VisitorGone => Cause::Timeout,
            _ => Cause::Normal,
        };
        self.keep_and_tell(Kind::ChatEnded, chat, by, cause);
    }

    /// Nobody has said anything: the visitor is warned, then it ends.
    pub(crate) fn chat_silent(&mut self, chat: ChatId) {
        // What he has said since the link was lost is not known yet.
        if self.is_deaf(chat) {
            return self.begin_silence(chat);
        }
        let rules = self.rules(chat);
        let at = self.at;
        let Some(known) = self.state.chats.get_mut(&chat) else { return };
        if known.state == ChatState::Active && !known.warned && at < known.last_word + rules.inactivity {
            known.warned = true;
            let rest = known.last_word + rules.inactivity - at;
            self.say_text(chat, TextId::InactivityWarning, None);
            return self.arm(Deadline::ChatSilence(chat), rest);
        }
        self.concluding(|context| context.finish_chat(chat, EndReason::Inactivity, None));
    }

    /// Whatever was said before, silence begins now.
    pub(super) fn begin_silence(&mut self, chat: ChatId) {
        let at = self.at;
        if let Some(known) = self.state.chats.get_mut(&chat) {
            known.last_word = at;
            known.warned = false;
        }
        self.mind_silence(chat);
    }

    /// Silence counts from now: until the warning, and from there to the end. A visitor who has opened a chat and says
    /// nothing does not stay for ever, whatever is configured.
    pub(super) fn mind_silence(&mut self, chat: ChatId) {
        let rules = self.rules(chat);
        let Some(known) = self.state.chats.get(&chat) else { return };
        let after = match known.state {
            ChatState::Opened if rules.inactivity.0 == 0 => rules.wait_limit,
            ChatState::Opened => rules.inactivity,
            ChatState::Connecting | ChatState::Active if rules.inactivity.0 == 0 => return,
            ChatState::Connecting => rules.inactivity,
            ChatState::Active if rules.inactivity_warning < rules.inactivity => {
                crate::model::time::Millis(rules.inactivity.0 - rules.inactivity_warning.0)
            }
            ChatState::Active => rules.inactivity,
            _ => return,
        };
        self.arm(Deadline::ChatSilence(chat), after);
    }

    /// A session of JKC has been opened about a contact: chats of it that wait to be wrapped up are, in it.
    pub(crate) fn wraps_up(&mut self, session: SessionId, contact: ContactId) {
        let chats = self.state.contacts.get(&contact).map(|contact| contact.chats.clone());
        for chat in chats.unwrap_or_default() {
            let Some(known) = self.state.chats.get_mut(&chat) else { continue };
            if known.state == ChatState::Wrapping && known.session.is_none() {
                known.session = Some(session);
                self.disarm(Deadline::ChatWrap(chat));
                self.tell_chat(Kind::ChatUpdated, chat, None, Cause::Normal);
            }
        }
    }

    /// A session of JKC has been closed: chats that were wrapped up in it are archived, unless another is about them.
    pub(crate) fn wrapped_up(&mut self, session: SessionId) {
        let known = self.state.sessions.get(&session).filter(|known| known.state == SessionState::Closed);
        let Some(contact) = known.and_then(|known| known.contact) else { return };
        let chats = self.state.contacts.get(&contact).map(|contact| contact.chats.clone());
        for chat in chats.unwrap_or_default() {
            let other = self.session_about(contact);
            let Some(known) = self.state.chats.get_mut(&chat) else { continue };
            if known.state != ChatState::Wrapping || known.session != Some(session) {
                continue;
            }
            match other {
                Some(_) => known.session = other,
                None => self.archive_chat(chat, Cause::Normal),
            }
        }
    }

    /// Nobody wraps up a chat that has ended.
    pub(crate) fn wrap_overdue(&mut self, chat: ChatId) {
        self.concluding(|context| context.archive_chat(chat, Cause::Timeout));
    }

    pub(super) fn archive_asked(&mut self, chat: ChatId) -> Result<(), Refusal> {
        match self.state.chats.get(&chat).map(|chat| chat.state) {
            Some(ChatState::Wrapping) => self.archive_chat(chat, Cause::Normal),
            Some(ChatState::Archived) => {}
            Some(state) if state.is_live() => return Err(not_now("The chat goes on; end it first.")),
            _ => return Err(not_now("The chat was not answered, or was removed: it is kept as it is.")),
        }
        Ok(())
    }

    /// Taken out, softly: nothing is deleted here, and nobody but who manages chats sees it.
    pub(super) fn remove_chat(&mut self, chat: ChatId, purpose: &Str) -> Result<(), Refusal> {
        if purpose.trim().is_empty() {
            return Err(invalid("Removing a chat needs a purpose."));
        }
        check_line(purpose, "The purpose")?;
        let Some(known) = self.state.chats.get_mut(&chat) else { return Err(super::unknown_chat()) };
        if known.state.is_live() {
            return Err(not_now("The chat goes on; end it first."));
        }
        if known.state == ChatState::Removed {
            return Ok(());
        }
        known.state = ChatState::Removed;
        known.since = self.at;
        self.disarm(Deadline::ChatWrap(chat));
        self.forget_later(chat);
        self.keep_and_tell(Kind::ChatRemoved, chat, None, Cause::Normal);
        Ok(())
    }

    /// The visitor's opinion, once, after the end (O18).
    pub(super) fn rate(
        &mut self,
        chat: ChatId,
        stars: u8,
        explanation: Option<&Pii<Str>>,
    ) -> Result<(), Refusal> {
        let limits = self.state.settings.chat.limits;
        let at = self.at;
        let Some(known) = self.state.chats.get_mut(&chat) else { return Err(super::unknown_chat()) };
        if known.state.is_live() {
            return Err(not_now("The chat goes on; it can be rated when it has ended."));
        }
        if known.state == ChatState::Removed {
            return Err(not_now("The chat was removed."));
        }
        let explanation = explanation.filter(|text| !text.expose().trim().is_empty());
        if !(1..=5).contains(&stars) {
            return Err(invalid("A rating has 1 to 5 stars."));
        }
        if stars <= 2 && explanation.is_none() {
            return Err(invalid("One or two stars need an explanation."));
        }
        if let Some(explanation) = explanation {
            check_words(explanation.expose(), &limits, "The explanation")?;
        }
        if let Some(rating) = &known.rating {
            let same = rating.stars == stars && rating.explanation.as_ref() == explanation;
            let other = || Refusal::new(RefusalCause::AlreadyDecided, "The chat was rated before.");
            return if same { Ok(()) } else { Err(other()) };
        }
        known.rating = Some(Rating { stars, explanation: explanation.cloned(), at });
        self.keep_and_tell(Kind::ChatRated, chat, None, Cause::Normal);
        Ok(())
    }

    /// What the agent notes for JKC's record (O09); after the end too (O19).
    pub(super) fn set_fields(&mut self, chat: ChatId, fields: &Fields) -> Result<(), Refusal> {
        let limits = &self.state.settings.chat.limits;
        if let Some(subject) = &fields.subject {
            check_line(subject.expose(), "The subject")?;
        }
        if let Some(category) = &fields.category {
            check_line(category, "The category")?;
        }
        if let Some(remarks) = &fields.remarks {
            check_words(remarks.expose(), limits, "The remarks")?;
        }
        if let Some(email) = fields.email.as_ref().filter(|email| !email.expose().is_empty()) {
            check_email(email.expose())?;
        }
        let Some(known) = self.state.chats.get_mut(&chat) else { return Err(super::unknown_chat()) };
        if known.state == ChatState::Removed {
            return Err(not_now("The chat was removed."));
        }
        if known.fields == *fields {
            return Ok(());
        }
        known.fields = fields.clone();
        if known.state.is_live() {
            self.tell_chat(Kind::ChatUpdated, chat, None, Cause::Normal);
        } else {
            self.keep_and_tell(Kind::ChatUpdated, chat, None, Cause::Normal);
        }
        Ok(())
    }

    /// A visitor for whom nobody was there has gone on to speak: it belongs to what he said before, whose record is
    /// written again; and whoever holds the conversation may let it go again.
    pub(super) fn keep_again(&mut self, chat: ChatId) {
        self.keep_and_tell(Kind::ChatUpdated, chat, None, Cause::Normal);
        self.converse(chat, |chat| ChatOperation::End { chat });
    }

    /// A chat that is over is forgotten, and its contact with it.
    pub(crate) fn forget_chat(&mut self, chat: ChatId) {
        let Some(known) = self.state.chats.get(&chat) else { return };
        let at = known.at_provider().map(|(provider, chat)| (provider.clone(), chat.clone()));
        // The provider has not heard of its end, or of its last words: it hears of them as soon as its link is back.
        if let Some((provider, _)) = at.as_ref().filter(|_| known.closing || !known.outgoing.is_empty())
            && self.state.providers.contains_key(provider)
            && !self.is_link_up(provider)
        {
            return self.forget_later(chat);
        }
        let contact = known.contact;
        self.state.chats.remove(&chat);
        if let Some((provider, conversation)) = at {
            self.forget_conversation(&provider, &conversation, chat);
        }
        let Some(known) = self.state.contacts.get_mut(&contact) else { return };
        known.chats.retain(|other| *other != chat);
        if known.chats.is_empty() && known.calls.is_empty() {
            self.state.contacts.remove(&contact);
        }
    }

    /// A chat has ended that somebody answered: in JKC's session about its contact, or for a while without one.
    fn wrap_up(&mut self, chat: ChatId, contact: ContactId) {
        let session = self.session_about(contact);
        if let Some(known) = self.state.chats.get_mut(&chat) {
            known.session = session;
        }
        if session.is_none() {
            self.arm(Deadline::ChatWrap(chat), self.rules(chat).wrap_limit);
        }
    }

    /// The session in which somebody works, or will go on to work, on a contact; an open one before a parked one.
    fn session_about(&self, contact: ContactId) -> Option<SessionId> {
        let about = self.state.sessions.values().filter(|session| session.contact == Some(contact));
        let kept = about.filter(|session| session.state != SessionState::Closed);
        kept.min_by_key(|session| (!session.is_open(), session.id)).map(|session| session.id)
    }

    fn archive_chat(&mut self, chat: ChatId, cause: Cause) {
        let at = self.at;
        let Some(known) = self.state.chats.get_mut(&chat) else { return };
        if known.state != ChatState::Wrapping {
            return;
        }
        known.state = ChatState::Archived;
        known.since = at;
        self.disarm(Deadline::ChatWrap(chat));
        self.forget_later(chat);
        self.keep_and_tell(Kind::ChatArchived, chat, None, cause);
    }

    fn forget_later(&mut self, chat: ChatId) {
        self.arm(Deadline::ForgetChat(chat), self.state.settings.chat.keep_ended);
    }

    /// Writes the record of a chat that has ended, as it is told right after.
    fn keep_and_tell(&mut self, kind: Kind, chat: ChatId, agent: Option<&AgentId>, cause: Cause) {
        let Some(known) = self.state.chats.get(&chat) else { return };
        let mut record = known.clone();
        // What is told counts as a change.
        record.version += 1;
        // Words are in the transcript, and nowhere else.
        record.outgoing.clear();
        if self.state.contacts.get(&record.contact).is_some_and(|contact| contact.erased) {
            super::super::erase::hide_visitor(&mut record);
            super::super::erase::hide_messages(&mut record);
        }
        self.effects.push(Effect::Write(ChatWrite::Record(Box::new(record))));
        self.tell_chat(kind, chat, agent, cause);
    }
}
