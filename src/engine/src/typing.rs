//! Who types (O11): told to who listens at this moment, and forgotten. Never an input, never kept.

use crate::order::{Links, Order};
use schakel_core::adapter::Typing;
use schakel_core::model::chat::{Chat, Role, Way};
use schakel_core::model::ids::{AgentId, ChatId, ProviderId, Str};
use schakel_core::model::pii::Pii;
use schakel_core::state::State;
use tokio::sync::{broadcast, oneshot};

/// How many are kept for a listener who is slow: what he misses is out of date.
pub(crate) const TYPINGS_MAX: usize = 256;

/// Somebody types in a chat, or does so no more.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TypingTold {
    /// In which.
    pub chat: ChatId,
    /// Who.
    pub who: Typist,
    /// Whether he still does.
    pub typing: bool,
}

/// Who types. What a visitor has in his field is for agents; a visitor is told of agents only.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Typist {
    /// The visitor.
    Visitor {
        /// What is in his field, where his program says and the queue allows it.
        text: Option<Pii<Str>>,
    },
    /// An agent who takes part; never one who watches unseen (O23).
    Agent {
        /// Who.
        agent: AgentId,
        /// What the visitor sees him called.
        nickname: Str,
    },
}

/// Why typing was not passed on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TypingError {
    /// The daemon is stopping.
    #[error("the engine has stopped")]
    Stopped,
    /// There is no such chat, or nobody can talk in it any more.
    #[error("there is no such live chat")]
    UnknownChat,
    /// The agent does not take part in it.
    #[error("the agent does not take part in this chat")]
    NotTakingPart,
}

/// What is asked of the engine.
pub(crate) enum TypingAsk {
    /// A visitor at a chat provider.
    AtProvider(ProviderId, Typing),
    /// A visitor on the REST API.
    Visit { chat: ChatId, typing: bool, text: Option<Pii<Str>>, answer: Answer },
    /// An agent.
    Agent { chat: ChatId, agent: AgentId, typing: bool, answer: Answer },
}

pub(crate) type Answer = oneshot::Sender<Result<(), TypingError>>;

/// Tells who listens, and an agent's typing to the visitor's provider.
pub(crate) fn pass_on(ask: TypingAsk, state: &State, links: &Links, hub: &broadcast::Sender<TypingTold>) {
    // That nobody listens, or that who asked has gone, is no fault: it is forgotten.
    match ask {
        TypingAsk::AtProvider(provider, Typing { chat, typing, text }) => {
            if let Some(chat) = state.chat_of(&provider, &chat).filter(|chat| chat.state.is_live()) {
                let _ = hub.send(of_visitor(state, chat, typing, text));
            }
        }
        TypingAsk::Visit { chat, typing, text, answer } => {
            let told = live(state, chat).and_then(|chat| match chat.way {
                Way::Api => Ok(of_visitor(state, chat, typing, text)),
                Way::Provider(..) => Err(TypingError::UnknownChat),
            });
            let _ = answer.send(told.map(|told| drop(hub.send(told))));
        }
        TypingAsk::Agent { chat, agent, typing, answer } => {
            let told = live(state, chat).and_then(|chat| Ok((chat, of_agent(chat, agent, typing)?)));
            let _ = answer.send(told.map(|(chat, (nickname, told))| {
                if let Some((provider, conversation)) = chat.at_provider() {
                    let order = Order::Typing { chat: conversation.clone(), nickname, typing };
                    // A link that is down or behind: by then it would be out of date.
                    let _ = links.order(provider, order);
                }
                let _ = hub.send(told);
            }));
        }
    }
}

fn live(state: &State, chat: ChatId) -> Result<&Chat, TypingError> {
    state.chats.get(&chat).filter(|chat| chat.state.is_live()).ok_or(TypingError::UnknownChat)
}

fn of_visitor(state: &State, chat: &Chat, typing: bool, text: Option<Pii<Str>>) -> TypingTold {
    let settings = &state.settings.chat;
    let preview = settings.queue(&chat.queue).is_some_and(|queue| queue.typing_preview);
    // What could not be sent as a message need not be seen before.
    let fits = |text: &Pii<Str>| text.expose().len() <= settings.limits.message_bytes_max as usize;
    let text = text.filter(|text| preview && fits(text));
    TypingTold { chat: chat.id, who: Typist::Visitor { text }, typing }
}

fn of_agent(chat: &Chat, agent: AgentId, typing: bool) -> Result<(Str, TypingTold), TypingError> {
    let participant = chat.participant(&agent).filter(|one| !matches!(one.role, Role::Observer(_)));
    let nickname = participant.ok_or(TypingError::NotTakingPart)?.nickname.clone();
    let who = Typist::Agent { agent, nickname: nickname.clone() };
    Ok((nickname, TypingTold { chat: chat.id, who, typing }))
}
