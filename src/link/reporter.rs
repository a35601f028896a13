//! What all links have in common: telling the engine what the adapter says, what becomes of the connection, and what was
//! asked in vain.

use super::LinkControl;
use schakel_core::adapter::{Adapter, Input, Observations, Output};
use schakel_core::command::{Refusal, RefusalCause};
use schakel_core::input::InputBody;
use schakel_core::model::ids::ProviderId;
use schakel_core::model::time::{Millis, Time};
use schakel_engine::clock::Clock;
use schakel_engine::{EngineHandle, EngineStopped, Order};
use std::time::Duration;
use tokio::sync::mpsc;

/// What the adapter has seen is copied at most so often: it holds whole messages.
const OBSERVE_EVERY: Millis = Millis::seconds(1);

/// Speaks to the engine for one link.
pub(super) struct Reporter {
    pub(super) provider: ProviderId,
    pub(super) engine: EngineHandle,
    pub(super) control: LinkControl,
    pub(super) clock: Clock,
    /// When the adapter was last asked what it has seen.
    observed: Time,
    /// Whether it has had something to see since then.
    unobserved: bool,
}

impl Reporter {
    pub(super) fn new(provider: ProviderId, engine: EngineHandle, control: LinkControl) -> Self {
        let clock = Clock::default();
        Self { provider, engine, control, clock, observed: Time::default(), unobserved: false }
    }

    /// A connection is being made, again after this reason.
    pub(super) async fn connecting(&self, reason: Option<String>) -> Result<(), EngineStopped> {
        let provider = self.provider.clone();
        self.engine
            .input(InputBody::LinkConnecting { provider, reason: reason.map(|text| text.into()) })
            .await
    }

    /// Tells the adapter and the engine that the connection is gone.
    pub(super) async fn lose<Unit>(
        &mut self,
        adapter: &mut dyn Adapter<Unit>,
        reason: &str,
    ) -> Result<(), EngineStopped>
    where
        Unit: ToOwned + ?Sized,
        Unit::Owned: std::fmt::Debug,
    {
        tracing::warn!(provider = ?self.provider, %reason, "link down");
        let mut outputs = Vec::new();
        adapter.handle(Input::Closed(reason), self.clock.now(), &mut outputs);
        self.control.observe(adapter.observations());
        for output in outputs {
            // Nothing can be sent any more; what is still to be told is told.
            if !matches!(output, Output::Transmit(_) | Output::Close(_) | Output::Fault(_))
                && let Some(body) = self.input_of(output)
            {
                self.engine.input(body).await?;
            }
        }
        let provider = self.provider.clone();
        self.engine.input(InputBody::LinkLost { provider, reason: reason.into() }).await
    }

    /// What an output of the adapter is to the engine; none for what is done here, and for what it does not need.
    pub(super) fn input_of<Unit: std::fmt::Debug>(&self, output: Output<Unit>) -> Option<InputBody> {
        let provider = self.provider.clone();
        Some(match output {
            Output::Ready(capabilities) => InputBody::LinkReady { provider, capabilities },
            Output::Snapshot(snapshot) => InputBody::Snapshot { provider, snapshot },
            Output::Resynced { without_snapshot } => InputBody::Resynced { provider, without_snapshot },
            Output::Report(report) => InputBody::Report { provider, report },
            Output::Reply { command, step, result } => InputBody::Reply { provider, command, step, result },
            Output::Typing(typing) => {
                self.engine.typing_of_visitor(provider, typing);
                return None;
            }
            // The reason may quote the message, and so a number or a name.
            Output::Fault(_) => {
                tracing::warn!(
                    ?provider,
                    "a message was refused; the provider's observations in the API have it, and why"
                );
                return None;
            }
            other => {
                tracing::error!(?other, "an output that this link does not know was left undone");
                return None;
            }
        })
    }

    /// Lets the operator see what the adapter has seen, at most once in a while.
    pub(super) fn look(&mut self, observations: impl FnOnce() -> Observations) {
        let now = self.clock.now();
        self.unobserved = now - self.observed < OBSERVE_EVERY;
        if !self.unobserved {
            self.observed = now;
            self.control.observe(observations());
        }
    }

    /// When there is to be looked again.
    pub(super) fn looks_at(&self) -> Option<Time> {
        self.unobserved.then(|| self.observed + OBSERVE_EVERY)
    }

    /// An order while there is no connection: a command is refused at once, so that nobody waits for its time limit.
    /// What was to be said in a conversation is said when there is one again.
    pub(super) async fn refuse(&self, order: Option<Order>) -> Result<(), EngineStopped> {
        let command = match order {
            Some(Order::Command(command)) => command,
            Some(Order::Converse(_) | Order::Typing { .. }) => return Ok(()),
            None => return Err(EngineStopped),
        };
        let refusal = Refusal::new(RefusalCause::LinkDown, "there is no link to the provider");
        self.engine
            .input(InputBody::Reply {
                provider: self.provider.clone(),
                command: command.command,
                step: command.step,
                result: Err(refusal),
            })
            .await
    }

    /// Waits for so long, or without an end, or until an operator asks for a connection; refuses orders meanwhile.
    pub(super) async fn rest(
        &self,
        pause: Option<Duration>,
        orders: &mut mpsc::Receiver<Order>,
    ) -> Result<(), EngineStopped> {
        let resting = async {
            match pause {
                Some(pause) => tokio::time::sleep(pause).await,
                None => std::future::pending().await,
            }
        };
        tokio::pin!(resting);
        loop {
            tokio::select! {
                () = &mut resting => return Ok(()),
                () = self.control.asked() => return Ok(()),
                order = orders.recv() => self.refuse(order).await?,
            }
        }
    }
}

/// Waits until a deadline; without one for ever.
pub(super) async fn until(deadline: Option<Time>, now: Time) {
    match deadline {
        Some(at) => tokio::time::sleep(Duration::from_millis((at - now).0)).await,
        None => std::future::pending().await,
    }
}
