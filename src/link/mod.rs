//! Drives an adapter over a real channel. It moves bytes and time; it decides nothing.
//!
//! ```text
//! connect | accept ─► Opened ─► ┌ bytes ──► Received ┐
//!        ▲                      │ engine ─► Execute  ├─► outputs ─► bytes out, inputs for the engine
//!        │                      └ deadline ► Tick    ┘
//!        └── back-off ◄── Closed ◄── end of stream · write stalled · adapter says Close · reconnect asked
//! ```

mod backoff;
mod channel;

pub use channel::{Channel, Endpoint, TlsClient};

use backoff::Backoff;
use schakel_core::adapter::{Adapter, CloseReason, Input, Observations, Output, ProviderCommand};
use schakel_core::command::{Refusal, RefusalCause};
use schakel_core::input::InputBody;
use schakel_core::model::ids::ProviderId;
use schakel_core::model::time::{Millis, Time};
use schakel_engine::clock::Clock;
use schakel_engine::{EngineHandle, EngineStopped};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::sync::{Notify, mpsc};

/// One frame of CSTA is at most 65,535 bytes; a read takes what is there up to this.
const READ_BYTES: usize = 64 * 1024;

/// A peer that takes nothing for so long has stalled.
const WRITE_LIMIT: Duration = Duration::from_secs(10);

/// What the adapter has seen is copied at most so often: it holds whole messages.
const OBSERVE_EVERY: Millis = Millis::seconds(1);

/// What the rest of the house may look at and ask of a link.
#[derive(Clone, Default)]
pub struct LinkControl {
    reconnect: Arc<Notify>,
    observations: Arc<Mutex<Observations>>,
}

impl LinkControl {
    /// Drops the connection and makes a new one at once.
    pub fn reconnect(&self) {
        self.reconnect.notify_one();
    }

    /// What the adapter has seen, as of the last second or so.
    pub fn observations(&self) -> Observations {
        self.observations.lock().map(|seen| seen.clone()).unwrap_or_default()
    }

    fn observe(&self, observations: Observations) {
        if let Ok(mut seen) = self.observations.lock() {
            *seen = observations;
        }
    }
}

/// The link of one provider.
pub struct Link {
    provider: ProviderId,
    channel: Channel,
    adapter: Box<dyn Adapter>,
    engine: EngineHandle,
    commands: mpsc::Receiver<ProviderCommand>,
    control: LinkControl,
    clock: Clock,
    backoff: Backoff,
    /// The adapter's answer to an input; kept to reuse its room.
    outputs: Vec<Output>,
    /// When the adapter was last asked what it has seen.
    observed: Time,
    /// Whether it has had something to see since then.
    unobserved: bool,
}

/// Why a connection ended.
struct Lost {
    reason: String,
    fatal: bool,
    at_once: bool,
}

impl Lost {
    fn because(reason: impl Into<String>) -> Self {
        Self { reason: reason.into(), fatal: false, at_once: false }
    }
}

/// What ends a connection's loop.
enum Ended {
    Lost(Lost),
    EngineStopped,
}

impl From<EngineStopped> for Ended {
    fn from(_: EngineStopped) -> Self {
        Ended::EngineStopped
    }
}

impl Link {
    /// A link that is not running yet.
    pub fn new(
        provider: ProviderId,
        channel: Channel,
        adapter: Box<dyn Adapter>,
        engine: EngineHandle,
        commands: mpsc::Receiver<ProviderCommand>,
        control: LinkControl,
    ) -> Self {
        let backoff = Backoff::default();
        let clock = Clock::default();
        Self {
            provider,
            channel,
            adapter,
            engine,
            commands,
            control,
            clock,
            backoff,
            outputs: Vec::new(),
            observed: Time::default(),
            unobserved: false,
        }
    }

    /// Runs until the engine stops.
    pub async fn run(mut self) {
        let mut reason = None;
        loop {
            let ended = match self.open(reason.take()).await {
                Ok(stream) => self.connection(stream).await,
                Err(ended) => ended,
            };
            let Ended::Lost(lost) = ended else { return };
            reason = Some(lost.reason.clone());
            if self.lose(&lost).await.is_err() || self.rest(&lost).await.is_err() {
                return;
            }
        }
    }

    async fn open(&mut self, reason: Option<String>) -> Result<channel::Stream, Ended> {
        let provider = self.provider.clone();
        self.engine
            .input(InputBody::LinkConnecting { provider, reason: reason.map(|text| text.into()) })
            .await?;
        let (engine, provider, commands) = (&self.engine, &self.provider, &mut self.commands);
        let opening = self.channel.open();
        tokio::pin!(opening);
        loop {
            tokio::select! {
                opened = &mut opening => {
                    return opened.map_err(|error| Ended::Lost(Lost::because(error.to_string())));
                }
                command = commands.recv() => refuse(engine, provider, command).await?,
            }
        }
    }

    async fn connection(&mut self, mut stream: channel::Stream) -> Ended {
        tracing::info!(provider = ?self.provider, peer = %stream.peer, "link open");
        let mut buffer = vec![0; READ_BYTES];
        let mut ended = self.handle(Input::Opened, &mut stream).await;
        while let Ok(()) = ended {
            let now = self.clock.now();
            let observing = self.unobserved.then(|| self.observed + OBSERVE_EVERY);
            let deadline = self.adapter.next_deadline().into_iter().chain(observing).min();
            ended = tokio::select! {
                read = stream.io.read(&mut buffer) => match read {
                    Ok(0) => Err(Ended::Lost(Lost::because("the telephone system closed the connection"))),
                    Ok(count) => match buffer.get(..count) {
                        Some(bytes) => self.handle(Input::Received(bytes), &mut stream).await,
                        None => Ok(()),
                    },
                    Err(error) => Err(Ended::Lost(Lost::because(format!("the connection broke: {error}")))),
                },
                command = self.commands.recv() => match command {
                    Some(command) => self.handle(Input::Execute(&command), &mut stream).await,
                    None => Err(Ended::EngineStopped),
                },
                newer = self.channel.superseded(stream.peer) => Err(Ended::Lost(match newer {
                    Ok(()) => Lost { at_once: true, ..Lost::because("the telephone system connected anew") },
                    Err(error) => Lost::because(error.to_string()),
                })),
                () = until(deadline, now) => self.handle(Input::Tick, &mut stream).await,
                () = self.control.reconnect.notified() => Err(Ended::Lost(Lost {
                    at_once: true,
                    ..Lost::because("an operator asked for a new connection")
                })),
            };
        }
        match ended {
            Err(ended) => ended,
            Ok(()) => Ended::EngineStopped,
        }
    }

    /// One input through the adapter, and what it wants done.
    async fn handle(&mut self, input: Input<'_>, stream: &mut channel::Stream) -> Result<(), Ended> {
        let mut outputs = std::mem::take(&mut self.outputs);
        self.adapter.handle(input, self.clock.now(), &mut outputs);
        let mut closing = None;
        let mut unsent: Vec<u8> = Vec::new();
        for output in outputs.drain(..) {
            let body = match output {
                // Several messages in one write: the answer to a command and the heartbeat need no packet each.
                Output::Transmit(bytes) if unsent.is_empty() => {
                    unsent = bytes;
                    continue;
                }
                Output::Transmit(bytes) => {
                    unsent.extend_from_slice(&bytes);
                    continue;
                }
                Output::Close(reason) => {
                    closing = Some(reason);
                    break;
                }
                // The reason may quote the message, and so a number or a name.
                Output::Fault(_) => {
                    tracing::warn!(
                        provider = ?self.provider,
                        "a message was refused; the provider's observations in the API have it, and why"
                    );
                    continue;
                }
                other => match self.input_of(other) {
                    Some(body) => body,
                    None => continue,
                },
            };
            self.engine.input(body).await?;
        }
        self.outputs = outputs;
        let now = self.clock.now();
        self.unobserved = now - self.observed < OBSERVE_EVERY;
        if !self.unobserved {
            self.observed = now;
            self.control.observe(self.adapter.observations());
        }
        let sent = if unsent.is_empty() { Ok(()) } else { send(stream, &unsent).await };
        match closing {
            None => sent,
            // That is the reason, also when the other side has gone by now.
            Some(CloseReason { text, fatal }) => {
                Err(Ended::Lost(Lost { reason: text.to_string(), fatal, at_once: false }))
            }
        }
    }

    fn input_of(&mut self, output: Output) -> Option<InputBody> {
        let provider = self.provider.clone();
        Some(match output {
            Output::Ready(capabilities) => InputBody::LinkReady { provider, capabilities },
            Output::Snapshot(snapshot) => InputBody::Snapshot { provider, snapshot },
            Output::Resynced { without_snapshot } => {
                self.backoff.reset();
                InputBody::Resynced { provider, without_snapshot }
            }
            Output::Report(report) => InputBody::Report { provider, report },
            Output::Reply { command, step, result } => InputBody::Reply { provider, command, step, result },
            other => {
                tracing::error!(?other, "an output that this release does not know was left undone");
                return None;
            }
        })
    }

    /// Tells the adapter and the engine that the connection is gone.
    async fn lose(&mut self, lost: &Lost) -> Result<(), EngineStopped> {
        tracing::warn!(provider = ?self.provider, reason = %lost.reason, "link down");
        let mut outputs = Vec::new();
        self.adapter.handle(Input::Closed(&lost.reason), self.clock.now(), &mut outputs);
        self.control.observe(self.adapter.observations());
        for output in outputs {
            // Nothing can be sent any more; what is still to be told is told.
            if !matches!(output, Output::Transmit(_) | Output::Close(_) | Output::Fault(_))
                && let Some(body) = self.input_of(output)
            {
                self.engine.input(body).await?;
            }
        }
        let provider = self.provider.clone();
        self.engine.input(InputBody::LinkLost { provider, reason: lost.reason.as_str().into() }).await
    }

    /// Waits before the next try; refuses commands meanwhile.
    async fn rest(&mut self, lost: &Lost) -> Result<(), EngineStopped> {
        if lost.at_once {
            return Ok(());
        }
        let pause = self.backoff.next(lost.fatal, rand::random());
        let resting = tokio::time::sleep(pause);
        tokio::pin!(resting);
        loop {
            tokio::select! {
                () = &mut resting => return Ok(()),
                () = self.control.reconnect.notified() => return Ok(()),
                command = self.commands.recv() => refuse(&self.engine, &self.provider, command).await?,
            }
        }
    }
}

async fn send(stream: &mut channel::Stream, bytes: &[u8]) -> Result<(), Ended> {
    let sending = async {
        stream.io.write_all(bytes).await?;
        stream.io.flush().await
    };
    match tokio::time::timeout(WRITE_LIMIT, sending).await {
        Ok(Ok(())) => Ok(()),
        Ok(Err(error)) => Err(Ended::Lost(Lost::because(format!("the connection broke: {error}")))),
        Err(_) => Err(Ended::Lost(Lost::because(format!(
            "the telephone system took nothing for {} s",
            WRITE_LIMIT.as_secs()
        )))),
    }
}

/// A command while there is no connection: refused at once, so that nobody waits for its time limit.
async fn refuse(
    engine: &EngineHandle,
    provider: &ProviderId,
    command: Option<ProviderCommand>,
) -> Result<(), EngineStopped> {
    let Some(command) = command else { return Err(EngineStopped) };
    let refusal = Refusal::new(RefusalCause::LinkDown, "there is no link to the telephone system");
    engine
        .input(InputBody::Reply {
            provider: provider.clone(),
            command: command.command,
            step: command.step,
            result: Err(refusal),
        })
        .await
}

async fn until(deadline: Option<Time>, now: Time) {
    match deadline {
        Some(at) => tokio::time::sleep(Duration::from_millis((at - now).0)).await,
        None => std::future::pending().await,
    }
}
