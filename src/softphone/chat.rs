//! The agent's chats: the channel, offers, words, colleagues, the end; and the short numbers by which he names them.

use super::missing::Missing;
use super::phone::{Shared, Softphone, SoftphoneError};
use crate::client::Picture;
use crate::client::picture::is_closed;
use reqwest::Method;
use schakel_contract::reply::CommandReply;
use schakel_contract::requests::AgentName;
use schakel_contract::requests::chat::{
    AgentChatRequest, AgentTypingRequest, ByAgentRequest, ChatFieldsRequest, ChatQueueName, InviteRequest,
    InviteeRequest, MessageAudience, MessageRequest,
};
use schakel_contract::views::{
    CannedTextView, ChatMessageView, ChatOfferView, ChatRole, ChatState, ChatView, OfferOutcome,
    VisitorTypingView,
};
use serde::Deserialize;
use std::collections::BTreeMap;
use std::time::Duration;
use uuid::Uuid;

/// A reply, or why not.
type Done = Result<CommandReply<'static>, SoftphoneError>;

/// What the API gives of a small collection.
#[derive(Deserialize)]
struct Items<T> {
    items: Vec<T>,
}

/// What the screen keeps of chats beside the picture.
#[derive(Debug, Default)]
pub(super) struct Desk {
    /// The chats that came here, in the order in which they came: the first is number 1.
    numbers: Vec<Uuid>,
    /// The one that is spoken in where no number is typed.
    current: Option<Uuid>,
    /// How many messages of each were seen.
    read: BTreeMap<Uuid, u64>,
    /// What each visitor is typing.
    pub(super) typing: BTreeMap<Uuid, VisitorTypingView<'static>>,
    /// The channel in which he wants to be.
    pub(super) channel: Option<AgentChatRequest>,
}

impl Desk {
    /// The short number of a chat; one that is new gets the next.
    fn number(&mut self, chat: Uuid) -> usize {
        if let Some(at) = self.numbers.iter().position(|known| *known == chat) {
            return at + 1;
        }
        self.numbers.push(chat);
        self.numbers.len()
    }
}

impl Softphone {
    /// The agent comes into the chat channel for these queues, or is back in it (C01, O02, W01).
    ///
    /// # Errors
    /// As [`Softphone::obey`].
    pub async fn chat_on(&self, queues: &[String]) -> Done {
        let queues = queues.iter().map(|queue| ChatQueueName(queue.clone())).collect();
        let request = AgentChatRequest { queues, nickname: None, chats_max: None };
        let reply =
            self.command(Method::PUT, &["agents", &self.seat().agent, "chat"], Some(&request)).await?;
        self.shared().desk().channel = Some(request);
        self.shared().stir();
        Ok(reply)
    }

    /// The agent leaves the chat channel; his chats go on.
    ///
    /// # Errors
    /// As [`Softphone::obey`].
    pub async fn chat_off(&self) -> Done {
        self.shared().desk().channel = None;
        self.command(Method::DELETE, &["agents", &self.seat().agent, "chat"], None::<&()>).await
    }

    /// The offer that waits for him: of this chat, or the oldest.
    pub fn offer(&self, number: Option<usize>) -> Option<ChatOfferView<'static>> {
        let chosen = number.and_then(|number| self.numbered(number));
        self.look(|ledger| {
            let offers = offers(ledger.picture(), &self.seat().agent);
            let mut offers = offers.filter(|offer| number.is_none() || Some(offer.chat) == chosen);
            offers.next().cloned()
        })
    }

    /// Waits until a chat is offered to him.
    ///
    /// # Errors
    /// When none is in time.
    pub async fn offered(&self, within: Duration) -> Result<ChatOfferView<'static>, SoftphoneError> {
        let agent = &self.seat().agent;
        self.wait("an offer of a chat", within, |picture| offers(picture, agent).next().cloned()).await
    }

    /// He takes the offer of this chat, or the oldest. The chat is spoken in from now on.
    ///
    /// # Errors
    /// As [`Softphone::obey`].
    pub async fn accept(&self, number: Option<usize>) -> Done {
        let offer = self.offer(number).ok_or(SoftphoneError::Nothing(Missing::Offer))?;
        let reply = self.answer_offer(&offer, "accept").await?;
        self.choose(offer.chat);
        Ok(reply)
    }

    /// He declines it: another gets it at once (W02).
    ///
    /// # Errors
    /// As [`Softphone::obey`].
    pub async fn reject(&self, number: Option<usize>) -> Done {
        let offer = self.offer(number).ok_or(SoftphoneError::Nothing(Missing::Offer))?;
        self.answer_offer(&offer, "reject").await
    }

    async fn answer_offer(&self, offer: &ChatOfferView<'_>, how: &str) -> Done {
        let (chat, id) = (offer.chat.to_string(), offer.id.to_string());
        self.command(Method::POST, &["chats", &chat, "offers", &id, how], Some(&self.me())).await
    }

    /// He joins a chat from the list, without an offer (O08).
    ///
    /// # Errors
    /// As [`Softphone::obey`].
    pub async fn join(&self, number: Option<usize>) -> Done {
        let chat = match number {
            Some(_) => self.chat_named(number)?,
            None => {
                let waiting = self.look(|ledger| {
                    let mut chats = ledger.picture().chats();
                    let waits = |chat: &&ChatView<'_>| {
                        matches!(chat.state, ChatState::Opened | ChatState::Queued | ChatState::Offered)
                    };
                    chats.find(waits).map(|chat| chat.id)
                });
                waiting.ok_or(SoftphoneError::Nothing(Missing::Chat))?
            }
        };
        let reply = self.of_chat(chat, "join", &self.me()).await?;
        self.choose(chat);
        Ok(reply)
    }

    /// He says something: to all, or to the other agents only (W08).
    ///
    /// # Errors
    /// As [`Softphone::obey`].
    pub async fn say(&self, number: Option<usize>, audience: MessageAudience, text: &str) -> Done {
        self.say_so(number, audience, text, None).await
    }

    /// He says a canned text, by its name (W05).
    ///
    /// # Errors
    /// As [`Softphone::obey`]; also when there is no such text.
    pub async fn say_canned(&self, number: Option<usize>, name: &str) -> Done {
        let texts = self.canned().await?;
        let text = texts.into_iter().find(|text| text.id == name);
        let text = text.ok_or(SoftphoneError::Nothing(Missing::Canned))?;
        self.say_so(number, MessageAudience::Public, &text.text, Some(name)).await
    }

    /// The canned texts.
    ///
    /// # Errors
    /// When the API is not there or refuses.
    pub async fn canned(&self) -> Result<Vec<CannedTextView<'static>>, SoftphoneError> {
        let all: Items<CannedTextView<'static>> = self.api().get(&["canned-texts"]).await?;
        Ok(all.items)
    }

    async fn say_so(
        &self,
        number: Option<usize>,
        audience: MessageAudience,
        text: &str,
        canned: Option<&str>,
    ) -> Done {
        let chat = self.chat_named(number)?;
        let request = MessageRequest {
            agent: AgentName(self.seat().agent.clone()),
            audience,
            text: text.to_owned(),
            files: Vec::new(),
            choice: None,
            canned: canned.map(str::to_owned),
        };
        let (id, message) = (chat.to_string(), Uuid::now_v7().to_string());
        let reply = self.command(Method::PUT, &["chats", &id, "messages", &message], Some(&request)).await?;
        self.read_up(chat);
        Ok(reply)
    }

    /// The visitor is told that the agent types, or does so no more.
    ///
    /// # Errors
    /// When the API is not there or refuses.
    pub async fn types(&self, number: Option<usize>, typing: bool) -> Result<(), SoftphoneError> {
        let chat = self.chat_named(number)?.to_string();
        let request = AgentTypingRequest { agent: AgentName(self.seat().agent.clone()), typing };
        Ok(self.api().tell_so(&["chats", &chat, "typing"], &request).await?)
    }

    /// He invites a colleague (`@bram`) or any of a queue; with `leave` he goes when the other has come (O20, O22, W07).
    ///
    /// # Errors
    /// As [`Softphone::obey`].
    pub async fn invite(&self, number: Option<usize>, whom: &str, leave: bool) -> Done {
        let to = match whom.strip_prefix('@') {
            Some(agent) => InviteeRequest::Agent(AgentName(agent.to_owned())),
            None => InviteeRequest::Queue(ChatQueueName(whom.to_owned())),
        };
        let agent = AgentName(self.seat().agent.clone());
        let request = InviteRequest { agent, to, leave_on_join: leave };
        self.of_chat(self.chat_named(number)?, "invite", &request).await
    }

    /// He takes the invitation back.
    ///
    /// # Errors
    /// As [`Softphone::obey`].
    pub async fn withdraw(&self, number: Option<usize>) -> Done {
        self.of_chat(self.chat_named(number)?, "withdraw", &self.me()).await
    }

    /// He leaves a chat; never the last (O21).
    ///
    /// # Errors
    /// As [`Softphone::obey`].
    pub async fn leave_chat(&self, number: Option<usize>) -> Done {
        self.of_chat(self.chat_named(number)?, "leave", &self.me()).await
    }

    /// He ends the talking (C05, W10).
    ///
    /// # Errors
    /// As [`Softphone::obey`].
    pub async fn end_chat(&self, number: Option<usize>) -> Done {
        self.of_chat(self.chat_named(number)?, "end", &self.me()).await
    }

    /// He notes something for JKC's record; what was noted before stays (O09).
    ///
    /// # Errors
    /// As [`Softphone::obey`].
    pub async fn set_fields(
        &self,
        number: Option<usize>,
        change: impl FnOnce(&mut ChatFieldsRequest),
    ) -> Done {
        let chat = self.chat_named(number)?;
        let known: ChatView<'static> = self.api().get(&["chats", &chat.to_string()]).await?;
        let owned = |text: Option<std::borrow::Cow<'static, str>>| text.map(std::borrow::Cow::into_owned);
        let fields = known.fields;
        let mut request = ChatFieldsRequest {
            subject: owned(fields.subject),
            category: owned(fields.category),
            remarks: owned(fields.remarks),
            email: owned(fields.email),
        };
        change(&mut request);
        self.command(Method::PUT, &["chats", &chat.to_string(), "fields"], Some(&request)).await
    }

    /// The chat that has ended is kept (C06).
    ///
    /// # Errors
    /// As [`Softphone::obey`].
    pub async fn archive(&self, number: Option<usize>) -> Done {
        let chat = self.chat_named(number)?.to_string();
        self.command(Method::POST, &["chats", &chat, "archive"], None::<&()>).await
    }

    /// What was said in a chat, private words too, in order.
    ///
    /// # Errors
    /// When the API is not there or refuses.
    pub async fn transcript(
        &self,
        number: Option<usize>,
    ) -> Result<Vec<ChatMessageView<'static>>, SoftphoneError> {
        let chat = self.chat_named(number)?;
        let all: Items<ChatMessageView<'static>> =
            self.api().get(&["chats", &chat.to_string(), "messages"]).await?;
        self.read_up(chat);
        Ok(all.items)
    }

    /// His chats with their short numbers: those in which he takes part, and those that are offered to him.
    pub fn chats(&self) -> Vec<(usize, ChatView<'static>)> {
        let ours: Vec<_> = self.look(|ledger| {
            let picture = ledger.picture();
            let agent = &self.seat().agent;
            picture.chats().filter(|chat| is_ours(chat, agent) && !is_closed(chat.state)).cloned().collect()
        });
        let mut desk = self.shared().desk();
        ours.into_iter().map(|chat| (desk.number(chat.id), chat)).collect()
    }

    /// The short number of a chat.
    pub fn number_of(&self, chat: Uuid) -> usize {
        self.shared().desk().number(chat)
    }

    /// The chat with a short number.
    pub fn numbered(&self, number: usize) -> Option<Uuid> {
        // Those that came while nobody looked get theirs now.
        drop(self.chats());
        self.shared().desk().numbers.get(number.checked_sub(1)?).copied()
    }

    /// The chat that is spoken in where no number is typed.
    pub fn current(&self) -> Option<Uuid> {
        let chats = self.chats();
        let goes_on = |id: &Uuid| chats.iter().any(|(_, chat)| chat.id == *id);
        let desk = self.shared().desk();
        desk.current.filter(goes_on).or_else(|| {
            let mut there = chats.iter().filter(|(_, chat)| takes_part(chat, &self.seat().agent));
            there.next().map(|(_, chat)| chat.id)
        })
    }

    /// Speaks in this chat from now on.
    pub fn choose(&self, chat: Uuid) {
        self.shared().desk().current = Some(chat);
        self.read_up(chat);
    }

    /// How many messages of a chat he has not seen.
    pub fn unread(&self, chat: &ChatView<'_>) -> u64 {
        let read = self.shared().desk().read.get(&chat.id).copied().unwrap_or_default();
        chat.messages.saturating_sub(read)
    }

    /// What a visitor is typing now.
    pub fn typing_in(&self, chat: Uuid) -> Option<VisitorTypingView<'static>> {
        self.shared().desk().typing.get(&chat).cloned()
    }

    /// Everything that was said in a chat is seen.
    pub fn read_up(&self, chat: Uuid) {
        let messages = self.look(|ledger| ledger.picture().chat(chat).map_or(0, |chat| chat.messages));
        let mut desk = self.shared().desk();
        let read = desk.read.entry(chat).or_default();
        *read = messages.max(*read);
    }

    /// The chat with this number; without one the chat that is spoken in.
    fn chat_named(&self, number: Option<usize>) -> Result<Uuid, SoftphoneError> {
        let chat = match number {
            Some(number) => self.numbered(number),
            None => self.current().or_else(|| self.shared().desk().current),
        };
        chat.ok_or(SoftphoneError::Nothing(Missing::Chat))
    }

    async fn of_chat(&self, chat: Uuid, what: &str, body: &impl serde::Serialize) -> Done {
        self.command(Method::POST, &["chats", &chat.to_string(), what], Some(body)).await
    }

    fn me(&self) -> ByAgentRequest {
        ByAgentRequest { agent: AgentName(self.seat().agent.clone()) }
    }
}

impl Shared {
    pub(super) fn stir(&self) {
        self.changed.send_modify(|changes| *changes += 1);
    }
}

/// The offers and invitations that wait for an agent, oldest first.
pub(super) fn offers<'a>(
    picture: &'a Picture,
    agent: &'a str,
) -> impl Iterator<Item = &'a ChatOfferView<'static>> {
    let open = picture.chats().filter(|chat| !is_closed(chat.state));
    let all = open.flat_map(|chat| [&chat.offer, &chat.invitation]).flatten();
    all.filter(move |offer| offer.agent == agent && offer.state == OfferOutcome::Pending)
}

/// Whether an agent takes part in a chat now; who watches does not.
pub(super) fn takes_part(chat: &ChatView<'_>, agent: &str) -> bool {
    let mut there = chat.participants.iter();
    there.any(|one| one.agent == agent && one.left_at.is_none() && one.role != ChatRole::Observer)
}

/// Whether a chat is on an agent's screen: he takes part, has done so till the end, or is asked.
pub(super) fn is_ours(chat: &ChatView<'_>, agent: &str) -> bool {
    let asked = [&chat.offer, &chat.invitation].into_iter().flatten();
    let asked = asked.into_iter().any(|offer| offer.agent == agent && offer.state == OfferOutcome::Pending);
    let was_there = chat.ended.is_some() && chat.participants.iter().any(|one| one.agent == agent);
    asked || takes_part(chat, agent) || was_there
}
