//! What JKC's browser does by itself in the chat channel: it says that the agent is there, and follows what visitors type.

use super::chat::takes_part;
use super::phone::{Seat, Shared};
use crate::client::{Api, ApiError};
use reqwest::Method;
use schakel_contract::reply::CommandReply;
use schakel_contract::views::{AgentChatView, ChatState, VisitorTypingView};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use tokio::time::Instant;
use uuid::Uuid;

/// JKC says that the agent is there four times in each lease.
const BEATS: u32 = 4;

/// A clock that differs from the daemon's must make it neither storm nor sleep.
const PAUSE: std::ops::RangeInclusive<Duration> = Duration::from_millis(100)..=Duration::from_secs(15);

/// A stream of what is typed that broke is opened again after this.
const AGAIN: Duration = Duration::from_secs(1);

/// JKC's browser in the chat channel, for one agent.
pub(super) struct Channel {
    pub(super) api: Api,
    pub(super) seat: Seat,
    pub(super) shared: Arc<Shared>,
}

/// Ends what it holds when it is dropped.
struct Follower(tokio::task::JoinHandle<()>);

impl Drop for Follower {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl Channel {
    /// Runs until it is dropped. Nothing that fails ends it.
    pub(super) async fn run(self) {
        let (mut changes, mut there) = (self.shared.changed.subscribe(), self.shared.browser.subscribe());
        let mut followers: BTreeMap<Uuid, Follower> = BTreeMap::new();
        let mut beat: Option<Instant> = None;
        loop {
            changes.mark_unchanged();
            let here = *there.borrow_and_update();
            let talking = if here { self.talking() } else { Vec::new() };
            followers.retain(|chat, _| talking.contains(chat));
            for chat in talking {
                let follow =
                    || Follower(tokio::spawn(types(self.api.clone(), chat, Arc::clone(&self.shared))));
                followers.entry(chat).or_insert_with(follow);
            }
            let wanted = here && self.shared.desk().channel.is_some();
            beat = match beat {
                _ if !wanted => None,
                Some(at) if at > Instant::now() => Some(at),
                _ => Some(Instant::now() + self.beat().await),
            };
            let due = async {
                match beat {
                    Some(at) => tokio::time::sleep_until(at).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                () = due => {}
                changed = changes.changed() => if changed.is_err() { return },
                changed = there.changed() => if changed.is_err() { return },
            }
        }
    }

    /// The chats in which the agent talks.
    fn talking(&self) -> Vec<Uuid> {
        let ledger = self.shared.ledger();
        let active = ledger.picture().chats().filter(|chat| chat.state == ChatState::Active);
        active.filter(|chat| takes_part(chat, &self.seat.agent)).map(|chat| chat.id).collect()
    }

    /// Says that he is there, or comes into the channel again when he was lost; when it is to be said again.
    async fn beat(&self) -> Duration {
        let agent = &self.seat.agent;
        match self.api.tell(&["agents", agent, "chat", "heartbeat"]).await {
            Ok(()) => self.quarter().await.unwrap_or(*PAUSE.start() * BEATS),
            Err(ApiError::Problem(_)) => {
                let Some(request) = self.shared.desk().channel.clone() else { return *PAUSE.end() };
                let again = self.api.command(Method::PUT, &["agents", agent, "chat"], Some(&request)).await;
                if let Ok(reply) = again {
                    let reply: CommandReply<'static> = reply;
                    self.shared.ledger().picture_mut().see_reply(&reply);
                    self.shared.stir();
                }
                *PAUSE.start() * BEATS
            }
            Err(_) => *PAUSE.start() * BEATS,
        }
    }

    /// A quarter of the lease, as it is right after a heartbeat.
    async fn quarter(&self) -> Option<Duration> {
        let chat: AgentChatView<'static> = self.api.get(&["agents", &self.seat.agent, "chat"]).await.ok()?;
        let until = Duration::from_millis(chat.lease_expires_at.as_millis());
        let left = until.saturating_sub(SystemTime::now().duration_since(UNIX_EPOCH).ok()?);
        Some((left / BEATS).clamp(*PAUSE.start(), *PAUSE.end()))
    }
}

/// Follows what the visitor of a chat types, until the chat is over.
async fn types(api: Api, chat: Uuid, shared: Arc<Shared>) {
    let id = chat.to_string();
    loop {
        match api.follow(&["chats", &id, "typing"]).await {
            Ok(mut stream) => {
                while let Some(message) = stream.next().await {
                    let typing = serde_json::from_str::<VisitorTypingView<'static>>(&message.data);
                    let Ok(typing) = typing else { continue };
                    shared.desk().typing.insert(chat, typing);
                    shared.stir();
                }
            }
            Err(error) if error.is_temporary() => {}
            Err(_) => return,
        }
        shared.desk().typing.remove(&chat);
        tokio::time::sleep(AGAIN).await;
    }
}
