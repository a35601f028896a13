//! The softphone as a library: one agent at one device.

use super::channel::Channel;
use super::chat::Desk;
use super::heart::Browser;
use super::missing::Missing;
use super::typed::Typed;
use crate::client::{Api, ApiError, EventStream, Ledger, Order, Picture, StreamItem};
use reqwest::Method;
use schakel_contract::problem::RefusalView;
use schakel_contract::reply::CommandReply;
use schakel_contract::requests::{
    DestinationRequest, DialRequest, DtmfRequest, RegistrationRequest, TransferRequest,
};
use schakel_contract::views::{
    ActionName, AgentStateView, CallView, CommandState, ConnectionState, DirectoryHitView, SnapshotView,
    TransferKind,
};
use serde::Serialize;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::watch;
use uuid::Uuid;

/// A command that is still under way (202) has its outcome within the daemon's own limit (10 s by default).
const OUTCOME_LIMIT: Duration = Duration::from_secs(30);

/// Who sits where.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Seat {
    /// JKC's name of the user.
    pub agent: String,
    /// At which telephone system.
    pub provider: String,
    /// At which extension.
    pub device: String,
    /// The queues that he serves.
    pub queues: Vec<String>,
    /// The telephone system's own agent id, where it has agents.
    pub agent_id: Option<String>,
}

/// What JKC's browser does by itself for this agent.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Habits {
    /// Open a contact session when a customer is on the line.
    pub opens_sessions: bool,
    /// Say so often that the browser is there while a session is open; absent: a quarter of the lease.
    pub heartbeat: Option<Duration>,
}

/// What an agent asked did not happen.
#[derive(Debug, thiserror::Error)]
pub enum SoftphoneError {
    /// The API refused or is not there.
    #[error(transparent)]
    Api(#[from] ApiError),
    /// The command was accepted and refused later.
    #[error("refused: {}\n  allowed now: {}", .0.detail, names(&.0.allowed_actions))]
    Refused(Box<RefusalView<'static>>),
    /// There is nothing at this device to do that with.
    #[error("{0}")]
    Nothing(Missing),
    /// What was awaited did not come.
    #[error("{what} did not come within {within:?}; at {device} now: {now}")]
    NotSeen {
        /// What was awaited.
        what: String,
        /// How long.
        within: Duration,
        /// At which device.
        device: String,
        /// What is there instead.
        now: String,
    },
}

/// An agent's telephone. Dropping it stops the stream; [`Softphone::sign_off`] leaves the device.
#[derive(Debug)]
pub struct Softphone {
    api: Api,
    seat: Seat,
    shared: Arc<Shared>,
    /// The one that listens, and those that do what a browser does, with calls and with chats.
    tasks: [tokio::task::JoinHandle<()>; 3],
}

#[derive(Debug)]
pub(super) struct Shared {
    ledger: Mutex<Ledger>,
    link: Mutex<Link>,
    /// What the last search of the directory found.
    hits: Mutex<Vec<DirectoryHitView<'static>>>,
    /// The agent's chats on his screen.
    desk: Mutex<Desk>,
    /// Whether JKC's browser is there.
    pub(super) browser: watch::Sender<bool>,
    pub(super) changed: watch::Sender<u64>,
}

/// The connection with the event stream.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Link {
    /// It is being made.
    #[default]
    Connecting,
    /// Everything is heard.
    Up,
    /// It is lost for the moment, for this reason.
    Lost(String),
    /// The API refuses for good, for this reason.
    Refused(String),
}

impl Softphone {
    /// Seats the agent at the device, and follows what happens there.
    ///
    /// # Errors
    /// When the API is not there or refuses.
    pub async fn sign_on(api: Api, seat: Seat) -> Result<Self, SoftphoneError> {
        Self::sign_on_with(api, seat, Habits::default()).await
    }

    /// As [`Softphone::sign_on`], with habits of JKC's browser.
    ///
    /// # Errors
    /// As [`Softphone::sign_on`].
    pub async fn sign_on_with(api: Api, seat: Seat, habits: Habits) -> Result<Self, SoftphoneError> {
        let snapshot: SnapshotView<'static> = api.get(&["snapshot"]).await?;
        let cursor = snapshot.cursor.clone();
        let mut ledger = Ledger::new(Order::FromFirstSeen);
        ledger.begin(Picture::of(snapshot).keeping_to(&seat.provider));
        let shared = Arc::new(Shared {
            ledger: Mutex::new(ledger),
            link: Mutex::default(),
            hits: Mutex::default(),
            desk: Mutex::default(),
            browser: watch::Sender::new(true),
            changed: watch::Sender::new(0),
        });
        let stream = EventStream::after(api.clone(), cursor);
        let browser = Browser { api: api.clone(), seat: seat.clone(), habits, shared: Arc::clone(&shared) };
        let channel = Channel { api: api.clone(), seat: seat.clone(), shared: Arc::clone(&shared) };
        let tasks = [
            tokio::spawn(follow(stream, api.clone(), Arc::clone(&shared))),
            tokio::spawn(browser.run()),
            tokio::spawn(channel.run()),
        ];
        let phone = Self { api, seat, shared, tasks };
        let registration = RegistrationRequest {
            provider: phone.seat.provider.clone(),
            device: phone.seat.device.clone(),
            agent_id: phone.seat.agent_id.clone(),
            queues: phone.seat.queues.clone(),
        };
        phone
            .command(Method::PUT, &["agents", &phone.seat.agent, "registration"], Some(&registration))
            .await?;
        Ok(phone)
    }

    /// The agent leaves the device.
    ///
    /// # Errors
    /// When the API is not there or refuses.
    pub async fn sign_off(self) -> Result<(), SoftphoneError> {
        self.leave().await
    }

    /// The agent leaves the device; what happens there is followed still.
    ///
    /// # Errors
    /// When the API is not there or refuses.
    pub async fn leave(&self) -> Result<(), SoftphoneError> {
        if self.shared.desk().channel.is_some() {
            self.chat_off().await?;
        }
        self.command(Method::DELETE, &["agents", &self.seat.agent, "registration"], None::<&()>)
            .await
            .map(drop)
    }

    /// Who sits where.
    pub const fn seat(&self) -> &Seat {
        &self.seat
    }

    /// JKC's browser vanishes, or is there again: without it nobody says that the agent is still at work.
    pub fn browser(&self, there: bool) {
        self.shared.browser.send_replace(there);
    }

    /// The connection with the event stream.
    pub fn link(&self) -> Link {
        self.shared.link.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Looks at what was heard.
    pub fn look<T>(&self, look: impl FnOnce(&Ledger) -> T) -> T {
        look(&self.shared.ledger())
    }

    /// Is told of everything that is heard.
    pub fn changes(&self) -> watch::Receiver<u64> {
        self.shared.changed.subscribe()
    }

    /// Waits until `probe` finds what it looks for. It is asked at once and after everything that is heard.
    ///
    /// # Errors
    /// When it has not found it in time, with what is at this device instead.
    pub async fn wait<T>(
        &self,
        what: impl Into<String>,
        within: Duration,
        mut probe: impl FnMut(&Picture) -> Option<T>,
    ) -> Result<T, SoftphoneError> {
        let mut changes = self.changes();
        let found = tokio::time::timeout(within, async {
            loop {
                changes.mark_unchanged();
                if let Some(found) = probe(self.shared.ledger().picture()) {
                    return Some(found);
                }
                if matches!(self.link(), Link::Refused(_)) {
                    return None;
                }
                changes.changed().await.ok()?;
            }
        });
        match found.await {
            Ok(Some(found)) => Ok(found),
            _ => Err(SoftphoneError::NotSeen {
                what: what.into(),
                within,
                device: self.seat.device.clone(),
                now: self.now(),
            }),
        }
    }

    /// Waits until a call rings here.
    ///
    /// # Errors
    /// When none does in time.
    pub async fn ringing(&self, within: Duration) -> Result<CallView<'static>, SoftphoneError> {
        self.at_state(ConnectionState::Alerting, "a ringing call", within).await
    }

    /// Waits until a call is connected here: answered by us, or dialled by us and answered by the other.
    ///
    /// # Errors
    /// When none is in time.
    pub async fn connected(&self, within: Duration) -> Result<CallView<'static>, SoftphoneError> {
        self.at_state(ConnectionState::Connected, "a connected call", within).await
    }

    /// Asks the API what is at this device now, with the actions of this moment.
    ///
    /// # Errors
    /// When the API is not there or refuses.
    pub async fn refresh(&self) -> Result<AgentStateView<'static>, SoftphoneError> {
        let state: AgentStateView<'static> = self.api.get(&["agents", &self.seat.agent, "state"]).await?;
        {
            let mut ledger = self.shared.ledger();
            let picture = ledger.picture_mut();
            picture.see_agent(&state.agent);
            state.calls.iter().for_each(|call| picture.see_call(call));
        }
        Ok(state)
    }

    /// Does what an agent typed; the words that only look (`calls`, `help` …) do nothing here.
    ///
    /// # Errors
    /// When the API is not there or refuses, or when there is nothing to do it with.
    pub async fn obey(&self, typed: &Typed) -> Result<Option<CommandReply<'static>>, SoftphoneError> {
        let reply = match typed {
            Typed::Control(action) => self.control(*action).await,
            Typed::Dial(to) => self.dial(to).await,
            Typed::Transfer(kind, to) => self.transfer(*kind, to).await,
            Typed::Complete => self.complete().await,
            Typed::TakeBack => self.take_back().await,
            Typed::Dtmf(digits) => self.dtmf(digits).await,
            Typed::Send(action, to) => self.send(*action, to).await,
            Typed::PickUp(device) => self.pick_up(device.as_deref()).await,
            Typed::Ready => self.set_ready(true, None).await,
            Typed::NotReady(reason) => self.set_ready(false, reason.as_deref()).await,
            Typed::Session(reference) => self.open_session(reference.as_deref()).await,
            Typed::Park => self.park().await,
            Typed::Resume => self.resume().await,
            Typed::Close => self.close().await,
            Typed::Decide(decision) => self.decide(*decision).await,
            Typed::Chat(chat) => return self.obey_chat(chat).await,
            Typed::Search(text) => return self.search(text).await.map(|_| None),
            Typed::Browser(there) => {
                self.browser(*there);
                return Ok(None);
            }
            Typed::Availability | Typed::Calls | Typed::Actions | Typed::Help | Typed::Quit => {
                return Ok(None);
            }
        };
        reply.map(Some)
    }

    /// Answer, hold, retrieve, hang up, conference or alternate: at the call for which it is allowed.
    ///
    /// # Errors
    /// As [`Softphone::obey`].
    pub async fn control(&self, action: ActionName) -> Result<CommandReply<'static>, SoftphoneError> {
        let call = self.call_for(action).await?;
        self.at(call, action, None::<&()>).await
    }

    /// Starts a call.
    ///
    /// # Errors
    /// As [`Softphone::obey`].
    pub async fn dial(&self, to: &str) -> Result<CommandReply<'static>, SoftphoneError> {
        let request = DialRequest { destination: self.destination(to)?, reference: None };
        self.command(Method::POST, &["agents", &self.seat.agent, "calls"], Some(&request)).await
    }

    /// Transfers the call that can be transferred.
    ///
    /// # Errors
    /// As [`Softphone::obey`].
    pub async fn transfer(
        &self,
        kind: TransferKind,
        to: &str,
    ) -> Result<CommandReply<'static>, SoftphoneError> {
        let action = match kind {
            TransferKind::Warm => ActionName::TransferWarm,
            TransferKind::Cold => ActionName::TransferCold,
        };
        let call = self.call_for(action).await?;
        let (device, to) = (self.seat.device.clone(), self.destination(to)?);
        let request = TransferRequest { call, device, to, kind, department: None };
        self.command(Method::POST, &["transfers"], Some(&request)).await
    }

    /// The colleague takes over now.
    ///
    /// # Errors
    /// As [`Softphone::obey`].
    pub async fn complete(&self) -> Result<CommandReply<'static>, SoftphoneError> {
        self.of_transfer("complete").await
    }

    /// Takes the customer back.
    ///
    /// # Errors
    /// As [`Softphone::obey`].
    pub async fn take_back(&self) -> Result<CommandReply<'static>, SoftphoneError> {
        self.of_transfer("take-back").await
    }

    /// Sends tones.
    ///
    /// # Errors
    /// As [`Softphone::obey`].
    pub async fn dtmf(&self, digits: &str) -> Result<CommandReply<'static>, SoftphoneError> {
        let call = self.call_for(ActionName::Dtmf).await?;
        self.at(call, ActionName::Dtmf, Some(&DtmfRequest { digits: digits.into() })).await
    }

    /// Deflects the ringing call, or consults somebody about the active one.
    ///
    /// # Errors
    /// As [`Softphone::obey`].
    pub async fn send(&self, action: ActionName, to: &str) -> Result<CommandReply<'static>, SoftphoneError> {
        let call = self.call_for(action).await?;
        self.at(call, action, Some(&DestinationRequest { destination: self.destination(to)? })).await
    }

    /// Takes a call that rings at a colleague; of this device, where one is named.
    ///
    /// # Errors
    /// As [`Softphone::obey`].
    pub async fn pick_up(&self, device: Option<&str>) -> Result<CommandReply<'static>, SoftphoneError> {
        let elsewhere =
            |at: &str, ours: bool| ours && at != self.seat.device && device.is_none_or(|wanted| wanted == at);
        let call = self.look(|ledger| {
            let rings = |call: &&CallView<'static>| {
                let mut here = call.connections.iter();
                here.any(|each| each.state == ConnectionState::Alerting && elsewhere(&each.device, each.ours))
            };
            ledger.picture().live_calls().find(rings).map(|call| call.id)
        });
        let call = call.ok_or(SoftphoneError::Nothing(Missing::ColleaguesCall))?;
        self.at(call, ActionName::PickUp, None::<&()>).await
    }

    async fn at_state(
        &self,
        state: ConnectionState,
        what: &str,
        within: Duration,
    ) -> Result<CallView<'static>, SoftphoneError> {
        self.wait(what, within, |picture| {
            let mut here = picture.calls_at(&self.seat.device);
            here.find(|(call, here)| here.state == state && !is_unanswered(call))
                .map(|(call, _)| call.clone())
        })
        .await
    }

    /// The call here for which an action is allowed, the newest first; else the newest, so that the API says why not.
    async fn call_for(&self, action: ActionName) -> Result<Uuid, SoftphoneError> {
        let device = &self.seat.device;
        let state = self.refresh().await?;
        let here = || state.calls.iter().rev().filter_map(|call| Some((call, call.connection(device)?)));
        let allowed = here().filter(|(_, here)| here.allows(action));
        // A hang-up means the call that one speaks on, not the one that waits.
        let best = allowed.min_by_key(|(_, here)| match here.state {
            ConnectionState::Connected => 0,
            ConnectionState::Initiated | ConnectionState::Alerting => 1,
            _ => 2,
        });
        let chosen = best.or_else(|| here().next()).map(|(call, _)| call.id);
        chosen.ok_or(SoftphoneError::Nothing(Missing::Call))
    }

    async fn at(
        &self,
        call: Uuid,
        action: ActionName,
        body: Option<&impl Serialize>,
    ) -> Result<CommandReply<'static>, SoftphoneError> {
        let (call, action) = (call.to_string(), crate::client::rest::name_of(action));
        let path = ["calls", &call, "connections", &self.seat.device, &action];
        self.command(Method::POST, &path, body).await
    }

    /// Completes or takes back what is under way; else the last one, so that a second take-back is as good as the first.
    async fn of_transfer(&self, what: &str) -> Result<CommandReply<'static>, SoftphoneError> {
        let transfer = self.look(|ledger| {
            let (picture, device) = (ledger.picture(), &self.seat.device);
            let last = || picture.transfers_of(device).next_back();
            picture.transfer_under_way(device).or_else(last).map(|transfer| transfer.id.to_string())
        });
        let transfer = transfer.ok_or(SoftphoneError::Nothing(Missing::Transfer))?;
        self.command(Method::POST, &["transfers", &transfer, what], None::<&()>).await
    }

    pub(super) const fn api(&self) -> &Api {
        &self.api
    }

    pub(super) fn shared(&self) -> &Shared {
        &self.shared
    }

    /// What the last search of the directory found.
    pub fn hits(&self) -> Vec<DirectoryHitView<'static>> {
        self.shared.hits.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(super) fn keep_hits(&self, hits: Vec<DirectoryHitView<'static>>) {
        *self.shared.hits.lock().unwrap_or_else(PoisonError::into_inner) = hits;
    }

    /// Gives a command and waits for its one outcome.
    pub(super) async fn command(
        &self,
        method: Method,
        path: &[&str],
        body: Option<&impl Serialize>,
    ) -> Result<CommandReply<'static>, SoftphoneError> {
        let mut reply = self.api.command(method, path, body).await?;
        self.shared.ledger().picture_mut().see_reply(&reply);
        if !reply.command.state.is_terminal() {
            let id = reply.command.id;
            let outcome = |picture: &Picture| {
                picture.command(id).filter(|command| command.state.is_terminal()).cloned()
            };
            self.wait(format!("the outcome of {}", reply.command.kind), OUTCOME_LIMIT, outcome).await?;
            reply = self.api.get(&["commands", &id.to_string()]).await?;
            self.shared.ledger().picture_mut().see_reply(&reply);
        }
        self.shared.changed.send_modify(|changes| *changes += 1);
        match &reply.command.refusal {
            Some(refusal) if reply.command.state == CommandState::Refused => {
                Err(SoftphoneError::Refused(Box::new(refusal.clone())))
            }
            _ => Ok(reply),
        }
    }

    fn now(&self) -> String {
        if let Link::Lost(why) | Link::Refused(why) = self.link() {
            return format!("no event stream ({why})");
        }
        self.look(|ledger| {
            let states: Vec<_> = ledger
                .picture()
                .calls_at(&self.seat.device)
                .map(|(call, here)| format!("{:?} ({:?})", here.state, call.state).to_lowercase())
                .collect();
            if states.is_empty() { "no calls".into() } else { states.join(", ") }
        })
    }
}

impl Drop for Softphone {
    fn drop(&mut self) {
        self.tasks.iter().for_each(tokio::task::JoinHandle::abort);
    }
}

impl Shared {
    pub(super) fn ledger(&self) -> MutexGuard<'_, Ledger> {
        self.ledger.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn desk(&self) -> MutexGuard<'_, Desk> {
        self.desk.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn set_link(&self, link: Link) {
        *self.link.lock().unwrap_or_else(PoisonError::into_inner) = link;
        self.changed.send_modify(|changes| *changes += 1);
    }
}

/// A call that we dialled and nobody has answered: our own side is connected to the ringing tone.
pub(super) fn is_unanswered(call: &CallView<'_>) -> bool {
    call.state == schakel_contract::views::CallState::Dialling
}

fn names(actions: &[ActionName]) -> String {
    let names: Vec<_> = actions.iter().map(|action| crate::client::rest::name_of(*action)).collect();
    if names.is_empty() { "nothing".into() } else { names.join(", ") }
}

async fn follow(mut stream: EventStream, api: Api, shared: Arc<Shared>) {
    loop {
        match stream.next().await {
            Ok(StreamItem::Event(event)) => {
                shared.ledger().receive(*event, std::time::Instant::now());
                shared.changed.send_modify(|changes| *changes += 1);
            }
            Ok(StreamItem::Connected) => shared.set_link(Link::Up),
            Ok(StreamItem::Lost(error)) => shared.set_link(Link::Lost(error.to_string())),
            Ok(StreamItem::TooOld) => match api.get::<SnapshotView<'static>>(&["snapshot"]).await {
                Ok(snapshot) => {
                    stream = EventStream::after(api.clone(), snapshot.cursor.clone());
                    let mut ledger = shared.ledger();
                    let picture = ledger.picture().renewed(snapshot);
                    ledger.begin(picture);
                }
                // The stream pauses before it tries again, and comes back here if it is still too old.
                Err(error) => shared.set_link(Link::Lost(error.to_string())),
            },
            Err(error) => return shared.set_link(Link::Refused(error.to_string())),
        }
    }
}
