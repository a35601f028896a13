//! The link to an XMPP server, as an account or as a component. The library reads and writes the stream; connecting,
//! logging in, stream management and what happens when they fail are here, because a daemon cannot live with what the
//! library's own client does then.
//!
//! ```text
//! open ─► fresh session ─► Remember · Named · Opened ─► stanzas ─► Received ─► inputs ─► durable ─► counted (h)
//!   ▲          ▲                                          │
//!   │          └ the server does not know it any more     ▼ cut
//!   └──── resumed: sent again what it may not have ◄── back-off   (the adapter and the engine notice nothing)
//! ```

mod connector;
mod pipe;
mod session;
#[cfg(test)]
mod tests;
mod unit;
mod upload;
mod wire;

pub use connector::{Identity, Security, Transport};
pub use upload::{FileOf, Uploads};

use super::backoff::{FIRST, LONGEST};
use super::reporter::{Reporter, until};
use super::{Backoff, Ended, LinkControl, Lost, Setback};
use connector::{Open, Start};
use schakel_core::adapter::{Adapter, CloseReason, Input, Output};
use schakel_core::apply;
use schakel_core::model::ids::ProviderId;
use schakel_core::model::time::Time;
use schakel_engine::{EngineHandle, EngineStopped, Order};
use session::{Pong, Session};
use std::time::Duration;
use tokio::sync::{mpsc, watch};
use tokio::time::Instant;
use tokio_xmpp::xmlstream::Timeouts;
use upload::{Upload, Uploaded};
use wire::{Heard, Wire};
use xmpp_parsers::minidom::Element;
use xmpp_parsers::ns;

/// Stanzas that wait for the disk: beyond this the server is made to wait as well.
const UNCOMMITTED_MAX: usize = 1_000;

/// What was not written before a cut is waited for so long before the session is resumed.
const SETTLE_LIMIT: Duration = Duration::from_secs(5);

/// How patient the link is. The default is what a server that others use too can bear.
#[derive(Debug, Clone)]
pub struct Pace {
    /// To connect, secure, log in and bind, in all.
    pub open: Duration,
    /// After so much silence the server is asked whether it is there.
    pub quiet: Duration,
    /// A server that then says nothing for so long is not.
    pub silent: Duration,
    /// The first pause after a loss.
    pub first_pause: Duration,
    /// The longest pause, and the one where only a change can help.
    pub longest_pause: Duration,
    /// Pauses begin anew after a connection has lasted so long.
    pub stable: Duration,
    /// The pause after another took our place.
    pub conflict: Duration,
    /// A cut that is mended within this, the engine does not notice; the server may forget the session earlier.
    pub resume_within: Duration,
    /// Tries with credentials that the server refuses. After them nothing more is tried, so that no account is locked.
    pub credential_tries: u32,
}

impl Default for Pace {
    fn default() -> Self {
        Self {
            open: Duration::from_secs(10),
            quiet: Duration::from_secs(30),
            silent: Duration::from_secs(15),
            first_pause: FIRST,
            longest_pause: LONGEST,
            stable: Duration::from_secs(60),
            conflict: Duration::from_secs(60),
            resume_within: Duration::from_secs(20),
            credential_tries: 3,
        }
    }
}

/// The link of one chat provider.
pub struct XmppLink {
    transport: Transport,
    pace: Pace,
    adapter: Box<dyn Adapter<Element>>,
    uploads: Uploads,
    orders: mpsc::Receiver<Order>,
    reporter: Reporter,
    stopping: watch::Receiver<bool>,
    backoff: Backoff,
    /// Tries in a row that ended with refused credentials.
    refused: u32,
    /// The session that the adapter is in, also while its connection is cut.
    session: Option<Session>,
    /// Since when it is cut.
    cut: Option<Instant>,
    outputs: Vec<Output<Element>>,
}

/// What came first.
enum Happened {
    Heard(Result<Heard, Lost>),
    Ordered(Option<Order>),
    Committed(bool),
    Uploaded(Uploaded),
    Due,
    Asked,
    Stopping,
}

impl XmppLink {
    /// A link that is not running yet.
    #[allow(clippy::too_many_arguments, reason = "each is one thing that a link is made of")]
    pub fn new(
        provider: ProviderId,
        transport: Transport,
        pace: Pace,
        adapter: Box<dyn Adapter<Element>>,
        uploads: Uploads,
        engine: EngineHandle,
        orders: mpsc::Receiver<Order>,
        control: LinkControl,
    ) -> Self {
        Self {
            backoff: Backoff::between(pace.first_pause, pace.longest_pause),
            stopping: control.stopping.subscribe(),
            reporter: Reporter::new(provider, engine, control),
            transport,
            pace,
            adapter,
            uploads,
            orders,
            refused: 0,
            session: None,
            cut: None,
            outputs: Vec::new(),
        }
    }

    /// Runs until the engine stops, or [`LinkControl::stop`] is called.
    pub async fn run(mut self) {
        let mut stopping = self.stopping.clone();
        let mut reason = None;
        loop {
            let opened = tokio::select! {
                opened = self.open(reason.take()) => opened,
                Ok(_) = stopping.wait_for(|stopping| *stopping) => return,
            };
            let ended = match opened {
                Ok(open) => self.connection(open).await,
                Err(ended) => ended,
            };
            let Ended::Lost(mut lost) = ended else { return };
            self.judge(&mut lost);
            reason = Some(lost.reason.clone());
            if self.lose(&lost).await.is_err() {
                return;
            }
            tokio::select! {
                rested = self.rest(&lost) => if rested.is_err() { return },
                Ok(_) = stopping.wait_for(|stopping| *stopping) => return,
            }
        }
    }

    /// A stream, with what it goes on from. Orders are served as far as they can be meanwhile.
    async fn open(&mut self, reason: Option<String>) -> Result<Open, Ended> {
        let mut resume = None;
        match &mut self.session {
            Some(session) => {
                session.settle(SETTLE_LIMIT).await;
                resume = session.resume();
            }
            None => self.reporter.connecting(reason).await?,
        }
        let timeouts = Timeouts { read_timeout: self.pace.quiet, response_timeout: self.pace.silent };
        let mut kept = Vec::new();
        let resuming = resume.is_some();
        let opened = {
            let (reporter, orders) = (&self.reporter, &mut self.orders);
            let opening = connector::open(&self.transport, timeouts, self.pace.open, resume);
            tokio::pin!(opening);
            loop {
                tokio::select! {
                    opened = &mut opening => break opened,
                    order = orders.recv() => match order {
                        // The session goes on in a moment, and nothing would say it again.
                        Some(order) if resuming => kept.push(order),
                        order => reporter.refuse(order).await?,
                    },
                }
            }
        };
        for order in kept {
            self.take(order, None).await?;
        }
        Ok(opened?)
    }

    async fn connection(&mut self, open: Open) -> Ended {
        let Open { mut wire, start } = open;
        let since = Instant::now();
        let ended = match self.begin(&mut wire, start).await {
            Ok(()) => loop {
                if let Err(ended) = self.turn(&mut wire).await {
                    break ended;
                }
            },
            Err(ended) => ended,
        };
        if since.elapsed() >= self.pace.stable {
            self.backoff.reset();
        }
        match &ended {
            Ended::Stopping => self.leave(wire).await,
            Ended::Lost(Lost { setback: Setback::AtOnce | Setback::Misconfigured, .. }) => wire.close().await,
            Ended::Lost(_) | Ended::EngineStopped => {}
        }
        ended
    }

    /// Ends the session: a server would otherwise keep it for who comes back, and show him as there (XEP-0198 section
    /// 1, RFC 6121 clause 4.5). It is told first what of its own is durable, so that it keeps the rest for the next one.
    async fn leave(&mut self, mut wire: Wire) {
        if let Some(session) = &mut self.session {
            session.settle(SETTLE_LIMIT).await;
            // A wire that takes nothing more is closed anyhow.
            let _ = session.answer().map(|answer| wire.send(answer));
        }
        wire.close().await;
        tracing::info!(provider = ?self.reporter.provider, "link closed");
    }

    async fn begin(&mut self, wire: &mut Wire, start: Start) -> Result<(), Ended> {
        self.refused = 0;
        self.cut = None;
        let provider = self.reporter.provider.clone();
        match start {
            Start::Resumed(count) => {
                tracing::info!(?provider, "link resumed");
                // What the adapter says to that goes with what is sent again.
                self.acknowledged(count, None).await?;
                let again = self.session.as_mut().map(Session::resumed).unwrap_or_default();
                for stanza in again {
                    wire.send(stanza)?;
                }
                self.ask(wire)
            }
            Start::Fresh { name, session, early, had } => {
                if self.session.is_some() {
                    if let Some(count) = had {
                        self.acknowledged(count, None).await?;
                    }
                    let lost = Lost::because("the server does not know the session any more");
                    self.forget(&lost.reason).await?;
                    self.reporter.connecting(Some(lost.reason)).await?;
                }
                tracing::info!(?provider, %name, managed = session.is_managed(), "link open");
                self.session = Some(*session);
                let asked = provider.clone();
                let memory = self.reporter.engine.read(move |state| apply::memory(state, &asked)).await?;
                self.handle(Input::Remember(&memory), Some(&mut *wire)).await?;
                self.handle(Input::Named(&name), Some(&mut *wire)).await?;
                self.handle(Input::Opened, Some(&mut *wire)).await?;
                for stanza in early {
                    self.handle(Input::Received(&stanza), Some(&mut *wire)).await?;
                }
                Ok(())
            }
        }
    }

    /// One thing that happens.
    async fn turn(&mut self, wire: &mut Wire) -> Result<(), Ended> {
        let Some(session) = &mut self.session else {
            return Err(Lost::because("there is no session").into());
        };
        let now = self.reporter.clock.now();
        let deadline = self.adapter.next_deadline().into_iter().chain(self.reporter.looks_at()).min();
        let reads = session.uncommitted() < UNCOMMITTED_MAX;
        let happened = tokio::select! {
            heard = wire.next(), if reads => Happened::Heard(heard),
            durable = session.committed() => Happened::Committed(durable),
            order = self.orders.recv() => Happened::Ordered(order),
            uploaded = self.uploads.ended() => Happened::Uploaded(uploaded),
            () = until(deadline, now) => Happened::Due,
            () = self.reporter.control.asked() => Happened::Asked,
            // An error: nobody is left who could say so, and so nobody does.
            Ok(_) = self.stopping.wait_for(|stopping| *stopping) => Happened::Stopping,
        };
        match happened {
            Happened::Heard(heard) => self.heard(heard?, wire).await,
            Happened::Committed(false) => Err(Ended::EngineStopped),
            Happened::Committed(true) => match self.session.as_mut().and_then(Session::caught_up) {
                Some(answer) => Ok(wire.send(answer)?),
                None => Ok(()),
            },
            Happened::Ordered(None) => Err(Ended::EngineStopped),
            Happened::Ordered(Some(order)) => self.take(order, Some(wire)).await,
            Happened::Uploaded((upload, result)) => {
                self.handle(Input::Uploaded { upload, result }, Some(wire)).await
            }
            Happened::Due => self.handle(Input::Tick, Some(wire)).await,
            Happened::Asked => Err(Lost::asked().into()),
            Happened::Stopping => Err(Ended::Stopping),
        }
    }

    async fn heard(&mut self, heard: Heard, wire: &mut Wire) -> Result<(), Ended> {
        match heard {
            Heard::Element(element) if element.ns() == ns::SM => self.managed(&element, wire).await,
            Heard::Element(element) if is_stanza(&element) => {
                match self.session.as_mut().map_or(Pong::Not, |session| session.pong(&element)) {
                    Pong::Not => self.handle(Input::Received(&element), Some(wire)).await,
                    Pong::Heard => Ok(()),
                    Pong::Acknowledged(count) => self.handle(Input::Acknowledged(count), Some(wire)).await,
                }
            }
            Heard::Element(element) => {
                tracing::debug!(name = element.name(), ns = %element.ns(), "what is no stanza was left");
                Ok(())
            }
            Heard::Refused(why) => {
                tracing::warn!(provider = ?self.reporter.provider, %why, "a stanza was not read");
                // Counted all the same, or the server would give it again and again.
                if let Some(session) = &mut self.session {
                    session.received(None);
                }
                Ok(())
            }
            Heard::Quiet => match self.session.as_mut() {
                Some(session) => Ok(wire.send(session.ask_anyhow())?),
                None => Ok(()),
            },
        }
    }

    /// XEP-0198 while the stream is open.
    async fn managed(&mut self, element: &Element, wire: &mut Wire) -> Result<(), Ended> {
        match element.name() {
            "r" => match self.session.as_mut().and_then(Session::answer) {
                Some(answer) => Ok(wire.send(answer)?),
                None => Ok(()),
            },
            "a" => match element.attr("h").and_then(|count| count.parse().ok()) {
                Some(count) => {
                    self.acknowledged(count, Some(&mut *wire)).await?;
                    self.ask(wire)
                }
                None => Ok(()),
            },
            _ => Ok(()),
        }
    }

    async fn acknowledged(&mut self, count: u32, wire: Option<&mut Wire>) -> Result<(), Ended> {
        let Some(session) = &mut self.session else { return Ok(()) };
        match session.acknowledged(count) {
            Ok(done) => self.handle(Input::Acknowledged(done), wire).await,
            Err(error) => Err(Lost { setback: Setback::Garbled, ..Lost::because(error.to_string()) }.into()),
        }
    }

    fn ask(&mut self, wire: &mut Wire) -> Result<(), Ended> {
        match self.session.as_mut().and_then(Session::ask) {
            Some(question) => Ok(wire.send(question)?),
            None => Ok(()),
        }
    }

    /// An order of the engine's. Without a wire what it leads to is sent when the session is resumed.
    async fn take(&mut self, order: Order, wire: Option<&mut Wire>) -> Result<(), Ended> {
        match &order {
            Order::Command(command) => self.handle(Input::Execute(command), wire).await,
            Order::Converse(operation) => self.handle(Input::Converse(operation), wire).await,
            Order::Typing { chat, nickname, typing } => {
                self.handle(Input::Typing { chat, nickname, typing: *typing }, wire).await
            }
        }
    }

    /// One input through the adapter, and what it wants done.
    async fn handle(&mut self, input: Input<'_, Element>, mut wire: Option<&mut Wire>) -> Result<(), Ended> {
        let received = matches!(input, Input::Received(_));
        let mut outputs = std::mem::take(&mut self.outputs);
        self.adapter.handle(input, self.reporter.clock.now(), &mut outputs);
        let mut bodies = Vec::new();
        let mut closing = None;
        for output in outputs.drain(..) {
            match output {
                Output::Transmit(stanza) => self.transmit(stanza, wire.as_deref_mut())?,
                Output::Close(reason) => {
                    closing = Some(reason);
                    break;
                }
                Output::Upload { upload, file, media_type, url, headers } => {
                    self.uploads.start(Upload { upload, file, media_type, url, headers });
                }
                other => bodies.extend(self.reporter.input_of(other)),
            }
        }
        self.outputs = outputs;
        let durable = if bodies.is_empty() { None } else { Some(self.reporter.engine.inputs(bodies).await?) };
        if let Some(session) = self.session.as_mut().filter(|_| received) {
            session.received(durable);
        }
        self.reporter.look(|| self.adapter.observations());
        if let Some(wire) = wire {
            self.ask(wire)?;
        }
        match closing {
            None => Ok(()),
            Some(CloseReason { text, fatal }) => {
                let setback = if fatal { Setback::Misconfigured } else { Setback::Garbled };
                Err(Lost { setback, ..Lost::because(text.to_string()) }.into())
            }
        }
    }

    fn transmit(&mut self, stanza: Element, wire: Option<&mut Wire>) -> Result<(), Lost> {
        // What XML cannot carry would end the stream for all.
        let sendable = stanza.write_to(&mut std::io::sink()).is_ok();
        if !sendable {
            tracing::error!(provider = ?self.reporter.provider, "a stanza that is no XML was not sent");
        }
        let Some(session) = &mut self.session else { return Ok(()) };
        if !session.sends(Some(&stanza).filter(|_| sendable)) {
            return Err(Lost {
                setback: Setback::Garbled,
                ..Lost::because("the server acknowledges nothing of what it is sent")
            });
        }
        match wire.filter(|_| sendable) {
            Some(wire) => wire.send(stanza),
            None => Ok(()),
        }
    }

    /// Counts what the server refused.
    fn judge(&mut self, lost: &mut Lost) {
        if lost.setback != Setback::Credentials {
            return;
        }
        self.refused += 1;
        if self.refused >= self.pace.credential_tries {
            lost.reason = format!(
                "{}. Nothing more is tried after {} refusals, so that the account is not locked: mend it, then reload the configuration or ask for a reconnect",
                lost.reason, self.refused
            );
            tracing::error!(provider = ?self.reporter.provider, reason = %lost.reason, "chat provider stopped");
        }
    }

    /// Keeps the session for a while where the server does too; else tells the adapter and the engine that it is over.
    async fn lose(&mut self, lost: &Lost) -> Result<(), EngineStopped> {
        let now = Instant::now();
        let resumable = self.session.as_ref().and_then(Session::resumable);
        if let Some(kept) = resumable.filter(|_| lost.setback == Setback::Passing) {
            let cut = *self.cut.get_or_insert(now);
            if now - cut < kept.min(self.pace.resume_within) {
                tracing::warn!(provider = ?self.reporter.provider, reason = %lost.reason, "link cut; to be resumed");
                return Ok(());
            }
        }
        self.forget(&lost.reason).await
    }

    /// The session is over.
    async fn forget(&mut self, reason: &str) -> Result<(), EngineStopped> {
        self.session = None;
        self.cut = None;
        self.uploads.forget();
        self.reporter.lose(&mut *self.adapter, reason).await
    }

    /// Waits before the next try.
    async fn rest(&mut self, lost: &Lost) -> Result<(), EngineStopped> {
        let pause = match lost.setback {
            Setback::AtOnce => return Ok(()),
            Setback::Credentials if self.refused >= self.pace.credential_tries => {
                self.reporter.control.give_up(true);
                self.reporter.rest(None, &mut self.orders).await?;
                self.reporter.control.give_up(false);
                self.refused = 0;
                return Ok(());
            }
            Setback::Conflict => {
                let longer = self.backoff.next(false, rand::random());
                tracing::error!(provider = ?self.reporter.provider, reason = %lost.reason, "another took our place");
                self.pace.conflict + longer
            }
            Setback::Misconfigured => self.backoff.next(true, rand::random()),
            Setback::Passing | Setback::Garbled | Setback::Credentials => {
                self.backoff.next(false, rand::random())
            }
        };
        if self.session.is_none() {
            return self.reporter.rest(Some(pause), &mut self.orders).await;
        }
        self.rest_in_session(pause).await
    }

    /// The same while the session is to be resumed: what is ordered is done in it.
    async fn rest_in_session(&mut self, pause: Duration) -> Result<(), EngineStopped> {
        let until_then = Instant::now() + pause;
        loop {
            let now = self.reporter.clock.now();
            let deadline: Option<Time> = self.adapter.next_deadline();
            let done = tokio::select! {
                () = tokio::time::sleep_until(until_then) => return Ok(()),
                () = self.reporter.control.asked() => return Ok(()),
                order = self.orders.recv() => match order {
                    Some(order) => self.take(order, None).await,
                    None => return Err(EngineStopped),
                },
                () = until(deadline, now) => self.handle(Input::Tick, None).await,
            };
            match done {
                Ok(()) => {}
                Err(Ended::EngineStopped | Ended::Stopping) => return Err(EngineStopped),
                Err(Ended::Lost(lost)) => return self.forget(&lost.reason).await,
            }
        }
    }
}

fn is_stanza(element: &Element) -> bool {
    element.ns() == ns::DEFAULT_NS && matches!(element.name(), "message" | "presence" | "iq")
}
