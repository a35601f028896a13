//! What JKC's browser does by itself: it opens a contact session when a customer is on the line, and says that it is
//! there for as long as one is open.

use super::phone::{Habits, Seat, Shared, is_unanswered};
use crate::client::{Api, ApiError, Picture};
use reqwest::Method;
use schakel_contract::reply::CommandReply;
use schakel_contract::requests::{AgentName, SessionRequest};
use schakel_contract::views::{AgentView, ConnectionState, Direction, PurposeKind, SessionView};
use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use tokio::time::Instant;
use uuid::Uuid;

/// JKC says that it is there four times in each lease.
const BEATS: u32 = 4;

/// A clock that differs from the daemon's must make it neither storm nor sleep.
const PAUSE: std::ops::RangeInclusive<Duration> = Duration::from_millis(100)..=Duration::from_secs(15);

/// JKC's browser, for one agent.
pub(super) struct Browser {
    pub(super) api: Api,
    pub(super) seat: Seat,
    pub(super) habits: Habits,
    pub(super) shared: Arc<Shared>,
}

/// When to say again that the browser is there.
struct Beat {
    session: Uuid,
    at: Instant,
    pause: Duration,
}

impl Browser {
    /// Runs until it is dropped. Nothing that fails ends it: the next change or the next beat tries again.
    pub(super) async fn run(self) {
        let (mut changes, mut there) = (self.shared.changed.subscribe(), self.shared.browser.subscribe());
        let (mut beat, mut tried): (Option<Beat>, BTreeSet<Uuid>) = (None, BTreeSet::new());
        loop {
            changes.mark_unchanged();
            let here = *there.borrow_and_update();
            let contact = self.look(|picture| self.without_session(picture)).filter(|_| here);
            if let Some(contact) = contact.filter(|contact| tried.insert(*contact)) {
                // Refused where somebody was quicker, such as another tab: then there is a session all the same.
                if self.open(contact).await.is_err_and(|error| error.is_temporary()) {
                    tried.remove(&contact);
                    tokio::time::sleep(*PAUSE.start()).await;
                }
                continue;
            }
            let open = self.look(|picture| picture.agent(&self.seat.agent)?.session).filter(|_| here);
            beat = match (open, beat) {
                (Some(session), Some(beat)) if beat.session == session && beat.at > Instant::now() => {
                    Some(beat)
                }
                (Some(session), known) => Some(self.beat(session, known).await),
                (None, _) => None,
            };
            let due = async {
                match &beat {
                    Some(beat) => tokio::time::sleep_until(beat.at).await,
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

    /// Says that the browser is there, and when it will say so again.
    async fn beat(&self, session: Uuid, known: Option<Beat>) -> Beat {
        let id = session.to_string();
        let told = self.api.tell(&["sessions", &id, "heartbeat"]).await;
        let known = known.filter(|known| known.session == session).map(|known| known.pause);
        let pause = match (told, self.habits.heartbeat.or(known)) {
            (Ok(()), Some(pause)) => pause,
            (Ok(()), None) => self.quarter(&id).await.unwrap_or(*PAUSE.start() * BEATS),
            (Err(error), pause) => {
                if matches!(error, ApiError::Problem(_)) {
                    // It is open no more: what is now will be heard, or is asked for if the stream is away.
                    let agent = self.api.get::<AgentView<'static>>(&["agents", &self.seat.agent]).await;
                    agent.into_iter().for_each(|agent| self.shared.ledger().picture_mut().see_agent(&agent));
                }
                pause.unwrap_or(*PAUSE.start() * BEATS)
            }
        };
        Beat { session, at: Instant::now() + pause, pause }
    }

    /// A quarter of the lease, as it is right after a heartbeat.
    async fn quarter(&self, session: &str) -> Option<Duration> {
        let session: SessionView<'static> = self.api.get(&["sessions", session]).await.ok()?;
        self.shared.ledger().picture_mut().see_session(&session);
        let until = session.lease?.expires_at.as_millis();
        let now = SystemTime::now().duration_since(UNIX_EPOCH).ok()?;
        let left = Duration::from_millis(until).saturating_sub(now);
        Some((left / BEATS).clamp(*PAUSE.start(), *PAUSE.end()))
    }

    /// The contact of a customer who is on the line here, if the agent works on nothing and has not worked on him.
    fn without_session(&self, picture: &Picture) -> Option<Uuid> {
        if !self.habits.opens_sessions || picture.agent(&self.seat.agent)?.session.is_some() {
            return None;
        }
        let customers = picture.calls_at(&self.seat.device).filter(|(call, here)| {
            here.state == ConnectionState::Connected
                && !is_unanswered(call)
                && call.direction != Direction::Internal
                && call.purpose.kind == PurposeKind::Customer
        });
        let mut contacts = customers.map(|(call, _)| call.contact);
        let worked_on = |contact: &Uuid| {
            let mut sessions = picture.sessions_of(&self.seat.agent);
            sessions.any(|session| session.contact == Some(*contact))
        };
        contacts.find(|contact| !worked_on(contact))
    }

    async fn open(&self, contact: Uuid) -> Result<(), ApiError> {
        let agent = AgentName(self.seat.agent.clone());
        let request = SessionRequest { agent, contact: Some(contact), reference: None };
        let reply: CommandReply<'static> =
            self.api.command(Method::POST, &["sessions"], Some(&request)).await?;
        self.shared.ledger().picture_mut().see_reply(&reply);
        self.shared.changed.send_modify(|changes| *changes += 1);
        Ok(())
    }

    fn look<T>(&self, look: impl FnOnce(&Picture) -> Option<T>) -> Option<T> {
        look(self.shared.ledger().picture())
    }
}
