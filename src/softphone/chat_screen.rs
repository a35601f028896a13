//! The agent's chats on his screen: offers with a bell, chats side by side, what is typed.

use super::chat_typed::{ChatTyped, Field};
use super::phone::{Softphone, SoftphoneError};
use crate::client::{Language, screen, talk};
use schakel_contract::event::Event;
use schakel_contract::reply::CommandReply;
use schakel_contract::requests::chat::{ChatFieldsRequest, MessageAudience};
use schakel_contract::views::ChatState;
use std::collections::BTreeMap;
use std::io::IsTerminal;
use uuid::Uuid;

impl Softphone {
    /// Does what an agent typed about chats; the words that only look do nothing here.
    ///
    /// # Errors
    /// As [`Softphone::obey`].
    pub async fn obey_chat(
        &self,
        typed: &ChatTyped,
    ) -> Result<Option<CommandReply<'static>>, SoftphoneError> {
        let reply = match typed {
            ChatTyped::On(queues) => self.chat_on(queues).await,
            ChatTyped::Off => self.chat_off().await,
            ChatTyped::Accept(number) => self.accept(*number).await,
            ChatTyped::Reject(number) => self.reject(*number).await,
            ChatTyped::Join(number) => self.join(*number).await,
            ChatTyped::Say(number, text) => self.say(*number, MessageAudience::Public, text).await,
            ChatTyped::Whisper(number, text) => self.say(*number, MessageAudience::Agents, text).await,
            ChatTyped::Canned(number, Some(name)) => self.say_canned(*number, name).await,
            ChatTyped::Invite(number, whom, leave) => self.invite(*number, whom, *leave).await,
            ChatTyped::Withdraw(number) => self.withdraw(*number).await,
            ChatTyped::Leave(number) => self.leave_chat(*number).await,
            ChatTyped::Field(number, field, text) => {
                let text = Some(text.clone());
                let change = |fields: &mut ChatFieldsRequest| match field {
                    Field::Subject => fields.subject = text,
                    Field::Category => fields.category = text,
                    Field::Remarks => fields.remarks = text,
                    Field::Email => fields.email = text,
                };
                self.set_fields(*number, change).await
            }
            ChatTyped::End(number) => self.end_chat(*number).await,
            ChatTyped::Archive(number) => self.archive(*number).await,
            ChatTyped::Types(number) => {
                self.types(*number, true).await?;
                return Ok(None);
            }
            ChatTyped::Choose(number) => {
                self.transcript(Some(*number)).await?;
                if let Some(chat) = self.numbered(*number) {
                    self.choose(chat);
                }
                return Ok(None);
            }
            ChatTyped::List | ChatTyped::Canned(_, None) => return Ok(None),
        };
        reply.map(Some)
    }
}

/// Does what was typed, and shows what it was asked to show.
pub(super) async fn obey(
    phone: &Softphone,
    language: Language,
    typed: &ChatTyped,
) -> Result<(), SoftphoneError> {
    match typed {
        ChatTyped::List => screen::show(list(phone, language)),
        ChatTyped::Canned(_, None) => {
            let texts = phone.canned().await?;
            if texts.is_empty() {
                screen::show(language.pick("geen standaardteksten", "no canned texts"));
            }
            for text in texts {
                screen::show(format_args!("  {}: {}", screen::clean(&text.id), talk::plain(&text.text)));
            }
        }
        ChatTyped::Choose(number) => {
            for message in phone.transcript(Some(*number)).await? {
                screen::show(format_args!("  {}", talk::words(language, &message)));
            }
            phone.obey_chat(typed).await?;
            screen::show(list(phone, language));
        }
        typed => drop(phone.obey_chat(typed).await?),
    }
    Ok(())
}

/// The chats side by side: number, the one that is spoken in, unread, visitor, who takes part.
pub(super) fn list(phone: &Softphone, language: Language) -> String {
    let current = phone.current();
    let lines: Vec<_> = phone
        .chats()
        .iter()
        .map(|(number, chat)| {
            let here = if current == Some(chat.id) { "→" } else { " " };
            let unread = match phone.unread(chat) {
                0 => String::new(),
                unread => format!(" ({unread} {})", language.pick("ongelezen", "unread")),
            };
            format!("{here} {number}) {}{unread}", talk::line(language, chat))
        })
        .collect();
    if lines.is_empty() { language.pick("geen chats", "no chats").to_owned() } else { lines.join("\n") }
}

/// Whether a notification about a chat is for this screen.
pub(super) fn concerns(phone: &Softphone, event: &Event) -> bool {
    let Some(chat) = event.data.chat.as_ref().filter(|_| event.data.change.starts_with("chat.")) else {
        return false;
    };
    let me = &phone.seat().agent;
    // How a message travels is not what an agent looks at.
    let asked = event.data.offer.as_ref().is_some_and(|offer| offer.agent == *me);
    event.data.change != "chat.delivery" && (asked || super::chat::is_ours(chat, me))
}

/// A line with the chat's number and what is unread of it; a bell and a pop-up for an offer.
pub(super) fn told(phone: &Softphone, language: Language, event: &Event) -> Option<String> {
    let chat = event.data.chat.as_ref()?;
    let number = phone.number_of(chat.id);
    let offer = event.data.offer.as_ref().filter(|offer| offer.agent == phone.seat().agent);
    let is_new = matches!(&*event.data.change, "chat.offered" | "chat.invited");
    if offer.is_some() && is_new {
        let popup = talk::offered(language, event, Some(number))?;
        let bell = if std::io::stdout().is_terminal() { "\x07" } else { "" };
        return Some(format!("{bell}{popup}"));
    }
    let here = phone.current() == Some(chat.id);
    if here {
        phone.read_up(chat.id);
    }
    let unread = if here { 0 } else { phone.unread(chat) };
    let mark = if unread > 0 { format!(" ({unread})") } else { String::new() };
    Some(format!("• {number}){mark} {}", screen::line(language, event)))
}

/// The buttons of the agent's chats.
pub(super) fn buttons(phone: &Softphone, language: Language) -> Vec<&'static str> {
    use schakel_contract::views::ChatActionName as Action;
    let mut buttons = Vec::new();
    if phone.offer(None).is_some() {
        buttons.extend([Action::Accept, Action::Reject]);
    }
    let current = phone.current();
    let chat = phone.chats().into_iter().map(|(_, chat)| chat).find(|chat| Some(chat.id) == current);
    if let Some(chat) = chat {
        let mine = chat.participant(&phone.seat().agent).map(|me| me.actions.clone()).unwrap_or_default();
        let all = mine.into_iter().filter(|each| each.allowed).map(|each| each.action);
        buttons.extend(all.filter(|action| !matches!(action, Action::Transfer)));
        if chat.state == ChatState::Wrapping {
            buttons.push(Action::Archive);
        }
    }
    buttons.into_iter().map(|button| talk::action(language, button)).collect()
}

/// What visitors type, as it was shown last: what has changed is shown again.
#[derive(Debug, Default)]
pub(super) struct Typings(BTreeMap<Uuid, String>);

impl Typings {
    /// The lines to show now.
    pub(super) fn changed(&mut self, phone: &Softphone, language: Language) -> Vec<String> {
        let mut lines = Vec::new();
        for (number, chat) in phone.chats() {
            let Some(typing) = phone.typing_in(chat.id) else { continue };
            let text = talk::typing(language, &typing);
            let last = self.0.insert(chat.id, text.clone());
            if last.as_ref() != Some(&text) && (typing.typing || last.is_some()) {
                lines.push(format!("  {number}) {} {text}", talk::visitor(language, &chat)));
            }
        }
        lines
    }
}
