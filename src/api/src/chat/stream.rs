//! Streams of one chat: what the visitor types, for agents; what the visitor sees, for his program.
//!
//! A visitor's stream goes on from the public transcript: each message carries its `seq` as `id`, and `Last-Event-ID`
//! brings what came after it. What he is told beside, how far the chat is and that an agent types, is as it is now.

use super::words::PublicWords;
use super::{found, unknown};
use crate::problem::Failure;
use crate::route::Answer;
use crate::sse::{GREETING, HEARTBEAT, SILENCE, frame, stream_reply};
use crate::state::ApiState;
use crate::tokens::Access;
use bytes::Bytes;
use futures_util::stream;
use schakel_contract::problem::ProblemKind;
use schakel_contract::views::{Scope, VisitMessageView, VisitTypingView, VisitView, VisitorTypingView};
use schakel_core::model::chat::{Chat, ChatState, Way};
use schakel_core::model::ids::ChatId;
use schakel_core::state::State;
use schakel_engine::{EngineHandle, TypingTold, Typist};
use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::broadcast::error::RecvError;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, broadcast, watch};
use tokio::time::Instant;

/// A visitor's stream looks at most so often: in a busy house something happens every millisecond, of other chats.
const LOOK_EVERY: Duration = Duration::from_millis(50);

/// Messages read at once for a stream.
const STREAM_PAGE: usize = 32;

/// What ends every stream: the daemon stops, or the token is no good any more. And what keeps it open.
struct Tap {
    app: ApiState,
    access: Access,
    stopping: watch::Receiver<bool>,
    typings: broadcast::Receiver<TypingTold>,
    ready: VecDeque<Bytes>,
    /// When something must be sent, so that no proxy thinks that nobody is there.
    beat: Instant,
    _permit: OwnedSemaphorePermit,
}

impl Tap {
    fn open(app: ApiState, access: Access, places: &Arc<Semaphore>) -> Result<Self, Failure> {
        let permit = places.clone().try_acquire_owned().map_err(|_| {
            Failure::new(ProblemKind::Unavailable, "as many event streams are open as are allowed; close one")
        })?;
        Ok(Self {
            stopping: app.stopping.clone(),
            typings: app.engine.typings(),
            app,
            access,
            ready: VecDeque::from([GREETING]),
            beat: Instant::now() + HEARTBEAT,
            _permit: permit,
        })
    }

    fn next_ready(&mut self) -> Option<Bytes> {
        let frame = self.ready.pop_front()?;
        self.beat = Instant::now() + HEARTBEAT;
        Some(frame)
    }

    fn is_closed(&self) -> bool {
        *self.stopping.borrow() || !self.app.tokens.is_still_good(&self.access)
    }

    fn push(&mut self, id: Option<u64>, kind: &str, data: &impl serde::Serialize) {
        let id = id.map(|id| id.to_string());
        // Cannot fail: the contract's types have no keys that are not text.
        let payload = serde_json::to_vec(data).unwrap_or_default();
        self.ready.push_back(frame(id.as_deref(), kind, &payload));
    }
}

/// What the visitor of a chat types, for agents.
pub(crate) async fn follow_visitor(app: ApiState, access: Access, chat: ChatId) -> Answer {
    if !is_live(&app.engine, chat).await? {
        return Err(unknown());
    }
    let places = app.streams.clone();
    let follower = TypingFollower { tap: Tap::open(app, access, &places)?, chat };
    Ok(stream_reply(stream::unfold(follower, |mut follower| async move {
        let frame = follower.next().await?;
        Some((frame, follower))
    })))
}

async fn is_live(engine: &EngineHandle, chat: ChatId) -> Result<bool, Failure> {
    let look = move |state: &State| state.chats.get(&chat).is_some_and(|chat| chat.state.is_live());
    Ok(engine.read(look).await?)
}

struct TypingFollower {
    tap: Tap,
    chat: ChatId,
}

impl TypingFollower {
    async fn next(&mut self) -> Option<Bytes> {
        loop {
            if let Some(frame) = self.tap.next_ready() {
                return Some(frame);
            }
            if self.tap.is_closed() {
                return None;
            }
            tokio::select! {
                told = self.tap.typings.recv() => match told {
                    Ok(told) => self.hear(told),
                    // What was missed is out of date.
                    Err(RecvError::Lagged(_)) => {}
                    Err(RecvError::Closed) => return None,
                },
                _ = self.tap.stopping.changed() => return None,
                () = tokio::time::sleep_until(self.tap.beat) => {
                    if !is_live(&self.tap.app.engine, self.chat).await.unwrap_or(false) {
                        return None;
                    }
                    self.tap.ready.push_back(SILENCE);
                }
            }
        }
    }

    fn hear(&mut self, told: TypingTold) {
        let Typist::Visitor { text } = told.who else { return };
        if told.chat == self.chat {
            let text = text.filter(|_| self.tap.access.has(Scope::PersonsRead));
            let text = text.as_ref().map(|text| (&**text.expose()).into());
            self.tap.push(None, "typing", &VisitorTypingView { typing: told.typing, text });
        }
    }
}

/// What the visitor sees, for his program.
pub(crate) async fn follow_visit(app: ApiState, access: Access, visit: ChatId, after: u64) -> Answer {
    let places = app.visitor_streams.clone();
    let follower = VisitFollower {
        words: PublicWords::of(&app.store),
        cursor: app.engine.cursor(),
        tap: Tap::open(app, access, &places)?,
        visit,
        after,
        shown: Vec::new(),
        is_due: true,
        looked: Instant::now(),
        is_over: false,
    };
    Ok(stream_reply(stream::unfold(follower, |mut follower| async move {
        let frame = follower.next().await?;
        Some((frame, follower))
    })))
}

struct VisitFollower {
    tap: Tap,
    words: PublicWords,
    cursor: watch::Receiver<u64>,
    visit: ChatId,
    /// The last message that was sent.
    after: u64,
    /// How the visit was shown last: what changes for agents alone is no event, nor that something was said.
    shown: Vec<u8>,
    /// Something has happened since it was looked at.
    is_due: bool,
    looked: Instant,
    /// Nothing more will come.
    is_over: bool,
}

impl VisitFollower {
    async fn next(&mut self) -> Option<Bytes> {
        loop {
            if let Some(frame) = self.tap.next_ready() {
                return Some(frame);
            }
            if self.is_over || self.tap.is_closed() {
                return None;
            }
            if self.is_due {
                self.is_due = false;
                self.cursor.borrow_and_update();
                self.looked = Instant::now();
                if let Err(failure) = self.look().await {
                    tracing::warn!(detail = failure.detail(), "a visitor's stream ended");
                    return None;
                }
                continue;
            }
            tokio::select! {
                changed = self.cursor.changed() => {
                    changed.ok()?;
                    tokio::time::sleep_until(self.looked + LOOK_EVERY).await;
                    self.is_due = true;
                }
                told = self.tap.typings.recv() => match told {
                    Ok(told) => self.hear(told),
                    // What was missed is out of date.
                    Err(RecvError::Lagged(_)) => {}
                    Err(RecvError::Closed) => return None,
                },
                _ = self.tap.stopping.changed() => return None,
                () = tokio::time::sleep_until(self.tap.beat) => self.tap.ready.push_back(SILENCE),
            }
        }
    }

    async fn look(&mut self) -> Result<(), Failure> {
        let (id, after) = (self.visit, self.after);
        let look = move |state: &State| {
            let chat = state.chats.get(&id).filter(is_visit)?;
            Some((Shown::of(state, chat), chat.public_seq > after, chat.state.is_over()))
        };
        let (view, has_more, is_over) = match self.tap.app.engine.read(look).await? {
            Some(seen) => seen,
            None => {
                let chat = Some(found(&self.tap.app, id).await?);
                let chat = chat.filter(|chat| is_visit(&chat)).ok_or_else(unknown)?;
                let view = self.tap.app.engine.read(move |state: &State| Shown::of(state, &chat)).await?;
                (view, true, true)
            }
        };
        if has_more {
            self.read().await?;
        }
        // After the messages: whoever is told of the end has heard the last word.
        if view.without_words != self.shown {
            self.tap.ready.push_back(frame(None, "visit", &view.whole));
            self.shown = view.without_words;
        }
        self.is_over = is_over;
        Ok(())
    }

    async fn read(&mut self) -> Result<(), Failure> {
        loop {
            let page = self.words.after(self.visit, self.after, STREAM_PAGE).await?;
            let (id, messages) = (self.visit, page.lines);
            let Some(last) = messages.last().map(|(message, _)| message.seq) else { return Ok(()) };
            let chat = found(&self.tap.app, id).await?;
            for (message, _) in &messages {
                self.tap.push(Some(message.seq), "message", &VisitMessageView::of(message, &chat));
            }
            self.after = last;
            if !page.more {
                return Ok(());
            }
        }
    }

    fn hear(&mut self, told: TypingTold) {
        let Typist::Agent { nickname, .. } = told.who else { return };
        if told.chat == self.visit {
            let nickname = (&*nickname).into();
            self.tap.push(None, "typing", &VisitTypingView { nickname, typing: told.typing });
        }
    }
}

/// A visit as it is shown.
struct Shown {
    whole: Vec<u8>,
    without_words: Vec<u8>,
}

impl Shown {
    fn of(state: &State, chat: &Chat) -> Self {
        let view = VisitView::of(state, chat);
        // Cannot fail: the view has no keys that are not text.
        let whole = serde_json::to_vec(&view).unwrap_or_default();
        let without_words = serde_json::to_vec(&VisitView { last_seq: 0, ..view }).unwrap_or_default();
        Self { whole, without_words }
    }
}

/// Whether a chat is a visit: of a program on the REST API, and not taken out.
pub(super) fn is_visit(chat: &&Chat) -> bool {
    chat.way == Way::Api && chat.state != ChatState::Removed
}
