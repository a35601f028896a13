//! Drives an adapter of bytes over a channel: the protocols that an adapter frames by itself.

use super::channel::{self, Channel};
use super::reporter::{Reporter, until};
use super::{Backoff, Ended, LinkControl, Lost, Setback};
use schakel_core::adapter::{Adapter, CloseReason, Input, Output};
use schakel_core::model::ids::ProviderId;
use schakel_engine::{EngineHandle, EngineStopped, Order};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::sync::mpsc;

/// One frame of CSTA is at most 65,535 bytes; a read takes what is there up to this.
const READ_BYTES: usize = 64 * 1024;

/// A peer that takes nothing for so long has stalled.
const WRITE_LIMIT: Duration = Duration::from_secs(10);

/// The link of one provider.
pub struct Link {
    channel: Channel,
    adapter: Box<dyn Adapter>,
    orders: mpsc::Receiver<Order>,
    reporter: Reporter,
    backoff: Backoff,
    /// The adapter's answer to an input; kept to reuse its room.
    outputs: Vec<Output>,
}

impl Link {
    /// A link that is not running yet.
    pub fn new(
        provider: ProviderId,
        channel: Channel,
        adapter: Box<dyn Adapter>,
        engine: EngineHandle,
        orders: mpsc::Receiver<Order>,
        control: LinkControl,
    ) -> Self {
        let reporter = Reporter::new(provider, engine, control);
        Self { channel, adapter, orders, reporter, backoff: Backoff::default(), outputs: Vec::new() }
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
        self.reporter.connecting(reason).await?;
        let (reporter, orders) = (&self.reporter, &mut self.orders);
        let opening = self.channel.open();
        tokio::pin!(opening);
        loop {
            tokio::select! {
                opened = &mut opening => {
                    return opened.map_err(|error| Ended::Lost(Lost::because(error.to_string())));
                }
                order = orders.recv() => reporter.refuse(order).await?,
            }
        }
    }

    async fn connection(&mut self, mut stream: channel::Stream) -> Ended {
        tracing::info!(provider = ?self.reporter.provider, peer = %stream.peer, "link open");
        let mut buffer = vec![0; READ_BYTES];
        let mut ended = self.handle(Input::Opened, &mut stream).await;
        while let Ok(()) = ended {
            let now = self.reporter.clock.now();
            let deadline = self.adapter.next_deadline().into_iter().chain(self.reporter.looks_at()).min();
            ended = tokio::select! {
                read = stream.io.read(&mut buffer) => match read {
                    Ok(0) => Err(Ended::Lost(Lost::because("the telephone system closed the connection"))),
                    Ok(count) => match buffer.get(..count) {
                        Some(bytes) => self.handle(Input::Received(bytes), &mut stream).await,
                        None => Ok(()),
                    },
                    Err(error) => Err(Ended::Lost(Lost::because(format!("the connection broke: {error}")))),
                },
                order = self.orders.recv() => match order {
                    Some(Order::Command(command)) => self.handle(Input::Execute(&command), &mut stream).await,
                    // No chats come over such a link.
                    Some(Order::Converse(_) | Order::Typing { .. }) => Ok(()),
                    None => Err(Ended::EngineStopped),
                },
                newer = self.channel.superseded(stream.peer) => Err(Ended::Lost(match newer {
                    Ok(()) => Lost { setback: Setback::AtOnce, ..Lost::because("the telephone system connected anew") },
                    Err(error) => Lost::because(error.to_string()),
                })),
                () = until(deadline, now) => self.handle(Input::Tick, &mut stream).await,
                () = self.reporter.control.asked() => Err(Ended::Lost(Lost::asked())),
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
        self.adapter.handle(input, self.reporter.clock.now(), &mut outputs);
        let mut closing = None;
        let mut unsent: Vec<u8> = Vec::new();
        for output in outputs.drain(..) {
            match output {
                // Several messages in one write: the answer to a command and the heartbeat need no packet each.
                Output::Transmit(bytes) if unsent.is_empty() => unsent = bytes,
                Output::Transmit(bytes) => unsent.extend_from_slice(&bytes),
                Output::Close(reason) => {
                    closing = Some(reason);
                    break;
                }
                other => {
                    if matches!(other, Output::Resynced { .. }) {
                        self.backoff.reset();
                    }
                    if let Some(body) = self.reporter.input_of(other) {
                        self.reporter.engine.input(body).await?;
                    }
                }
            }
        }
        self.outputs = outputs;
        self.reporter.look(|| self.adapter.observations());
        let sent = if unsent.is_empty() { Ok(()) } else { send(stream, &unsent).await };
        match closing {
            None => sent,
            // That is the reason, also when the other side has gone by now.
            Some(CloseReason { text, fatal }) => {
                let setback = if fatal { Setback::Misconfigured } else { Setback::Passing };
                Err(Ended::Lost(Lost { setback, ..Lost::because(text.to_string()) }))
            }
        }
    }

    /// Tells the adapter and the engine that the connection is gone.
    async fn lose(&mut self, lost: &Lost) -> Result<(), EngineStopped> {
        self.reporter.lose(&mut *self.adapter, &lost.reason).await
    }

    /// Waits before the next try; refuses commands meanwhile.
    async fn rest(&mut self, lost: &Lost) -> Result<(), EngineStopped> {
        if lost.setback == Setback::AtOnce {
            return Ok(());
        }
        let pause = self.backoff.next(lost.setback == Setback::Misconfigured, rand::random());
        self.reporter.rest(Some(pause), &mut self.orders).await
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
