//! Starting, holding and stopping a simulator.

use std::io;
use std::net::SocketAddr;
use std::ops::Deref;
use std::sync::Arc;

use serde::Serialize;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio_util::task::TaskTracker;

use crate::config::SimulatorConfig;
use crate::control;
use crate::csta::{Core, Hub, LogEntry, ServerState, accept, push, tell_time, tls_acceptor};
use crate::deed::{Deed, DeedError};
use crate::scenario::{self, Progress};
use crate::sins::{Sin, SinError};
use crate::switch::{
    AgentRequest, CallId, Command, ConfigError, Number, Outcome, Switch, SwitchError, SwitchState,
};

/// A simulator that could not be started.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The switch cannot be as described.
    #[error(transparent)]
    Switch(#[from] ConfigError),
    /// An address is not free, or not ours.
    #[error("cannot listen on {address} for {what}: {error}")]
    Listen {
        /// What for.
        what: &'static str,
        /// Where.
        address: SocketAddr,
        /// Why not.
        error: io::Error,
    },
    /// The certificate or key is of no use.
    #[error("TLS: {0}")]
    Tls(io::Error),
}

/// Everything, as a person would want to see it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct SimulatorState {
    /// The switch.
    #[serde(flatten)]
    pub switch: SwitchState,
    /// The CSTA server.
    pub server: ServerState,
}

/// A handle on a simulator in this process: everything that the HTTP control can do, without HTTP.
#[derive(Clone)]
pub struct Simulator {
    hub: Arc<Hub>,
}

/// A simulator that runs. Dropping it stops it.
pub struct RunningSimulator {
    simulator: Simulator,
    csta: Option<SocketAddr>,
    control: Option<SocketAddr>,
    tasks: TaskTracker,
    progress: watch::Receiver<Progress>,
}

/// Starts a simulator on the current tokio runtime.
///
/// # Errors
/// When the switch cannot be as described, or an address is not free.
pub async fn start(config: SimulatorConfig) -> Result<RunningSimulator, StartError> {
    let SimulatorConfig { switch, csta, control, steps } = config;
    let switch = Switch::new(switch)?;
    let tls = csta.tls.as_ref().map(tls_acceptor).transpose().map_err(StartError::Tls)?;
    let csta_listener = bind(csta.listen, "CSTA").await?;
    let control_listener = bind(control, "the HTTP control").await?;
    let address = |listener: &Option<TcpListener>| listener.as_ref().and_then(|l| l.local_addr().ok());
    let (csta_address, control_address) = (address(&csta_listener), address(&control_listener));
    let push_to = csta.push_to.clone();

    let hub = Arc::new(Hub::new(Core::new(switch, csta)));
    let simulator = Simulator { hub: Arc::clone(&hub) };
    let tasks = TaskTracker::new();
    tasks.spawn(tell_time(Arc::clone(&hub)));
    if let Some(listener) = csta_listener {
        tasks.spawn(accept(Arc::clone(&hub), listener, tls, tasks.clone()));
    }
    if let Some(to) = push_to {
        tasks.spawn(push(Arc::clone(&hub), to));
    }
    if let Some(listener) = control_listener {
        tasks.spawn(control::serve(simulator.clone(), listener, hub.stop.clone()));
    }
    let (told, progress) = watch::channel(Progress::Running);
    let stop = hub.stop.clone();
    tasks.spawn(async move {
        let progress = tokio::select! {
            () = stop.cancelled() => return,
            progress = scenario::run(hub, steps) => progress,
        };
        told.send_replace(progress);
    });
    tasks.close();
    Ok(RunningSimulator { simulator, csta: csta_address, control: control_address, tasks, progress })
}

async fn bind(address: Option<SocketAddr>, what: &'static str) -> Result<Option<TcpListener>, StartError> {
    let Some(address) = address else { return Ok(None) };
    match TcpListener::bind(address).await {
        Ok(listener) => Ok(Some(listener)),
        Err(error) => Err(StartError::Listen { what, address, error }),
    }
}

impl RunningSimulator {
    /// Where the CSTA server listens.
    #[must_use]
    pub const fn csta_address(&self) -> Option<SocketAddr> {
        self.csta
    }

    /// Where the HTTP control listens.
    #[must_use]
    pub const fn control_address(&self) -> Option<SocketAddr> {
        self.control
    }

    /// A handle that can be given away.
    #[must_use]
    pub fn simulator(&self) -> Simulator {
        self.simulator.clone()
    }

    /// Waits until the scenario is over.
    pub async fn scenario(&self) -> Progress {
        let mut progress = self.progress.clone();
        let over = progress.wait_for(|progress| *progress != Progress::Running).await;
        over.map_or(Progress::Running, |progress| progress.clone())
    }

    /// Breaks every link and ends every task.
    pub async fn stop(self) {
        self.simulator.hub.stop.cancel();
        self.tasks.wait().await;
    }
}

impl Drop for RunningSimulator {
    fn drop(&mut self) {
        self.simulator.hub.stop.cancel();
    }
}

impl Deref for RunningSimulator {
    type Target = Simulator;

    fn deref(&self) -> &Simulator {
        &self.simulator
    }
}

impl Simulator {
    /// Something happens at the switch.
    ///
    /// # Errors
    /// When the switch refuses.
    pub fn execute(&self, command: &Command) -> Result<Outcome, SwitchError> {
        self.hub.change(|core, now| core.execute(now, command))
    }

    /// Someone does something; the call that came of it, if one did.
    ///
    /// # Errors
    /// When it is not possible now.
    pub fn perform(&self, deed: &Deed) -> Result<Option<CallId>, DeedError> {
        let connection = self.hub.change(|core, now| core.perform(now, deed))?;
        Ok(connection.map(|connection| connection.call))
    }

    /// The PBX misbehaves.
    ///
    /// # Errors
    /// When the order makes no sense.
    pub fn sin(&self, sin: &Sin) -> Result<(), SinError> {
        self.hub.change(|core, now| core.commit(now, sin))
    }

    /// Lets time pass at once, for tests that live through hours: what is due within the span is done now.
    pub fn advance(&self, span: std::time::Duration) {
        self.hub.advance(span);
    }

    /// Everything.
    #[must_use]
    pub fn state(&self) -> SimulatorState {
        self.hub.look(|core| SimulatorState { switch: core.switch().state(), server: core.server_state() })
    }

    /// The last messages.
    #[must_use]
    pub fn log(&self) -> Vec<LogEntry> {
        self.hub.look(Core::log_entries)
    }

    /// Whether the number is an extension, a queue or a routing point.
    #[must_use]
    pub fn is_device(&self, number: &Number) -> bool {
        self.hub.look(|core| core.switch().is_device(number))
    }

    /// Waits until something is true.
    pub async fn until(&self, mut is_true: impl FnMut(&SimulatorState) -> bool) {
        let mut changes = self.hub.changes();
        while !is_true(&self.state()) {
            if changes.changed().await.is_err() {
                return;
            }
        }
    }

    /// Waits until something is true of the CSTA server; cheap also on a large switch.
    pub async fn until_server(&self, mut is_true: impl FnMut(&ServerState) -> bool) {
        let mut changes = self.hub.changes();
        while !is_true(&self.server_state()) {
            if changes.changed().await.is_err() {
                return;
            }
        }
    }

    /// The CSTA server.
    #[must_use]
    pub fn server_state(&self) -> ServerState {
        self.hub.look(Core::server_state)
    }

    /// Waits until `clients` have a monitor.
    pub async fn until_monitored(&self, clients: usize) {
        let monitoring = |server: &ServerState| server.links.iter().filter(|link| link.monitors > 0).count();
        self.until_server(|server| monitoring(server) >= clients).await;
    }

    /// Waits until an application is asked where calls to this routing point shall go.
    pub async fn until_routed(&self, point: &str) {
        let asks = |point: &Number| self.hub.look(|core| core.switch().is_asking(point));
        let point = Number::from(point);
        let mut changes = self.hub.changes();
        while !asks(&point) {
            if changes.changed().await.is_err() {
                return;
            }
        }
    }

    /// An agent logs on (then `agent` is needed) or off, or changes state.
    ///
    /// # Errors
    /// When the switch refuses.
    pub fn agent(
        &self,
        device: &str,
        request: AgentRequest,
        agent: Option<&str>,
        group: Option<&str>,
    ) -> Result<(), DeedError> {
        let (agent, group) = (agent.map(Arc::from), group.map(Number::from));
        let deed = Deed::Agent { device: device.into(), request, agent, group, reason: None };
        self.perform(&deed).map(drop)
    }

    /// Someone outside calls in.
    ///
    /// # Errors
    /// When `to` is no device.
    pub fn ring(&self, from: &str, to: &str) -> Result<CallId, DeedError> {
        let command =
            Command::OutsideCall { from: Some(Number::from(from)), to: Number::from(to), correlator: None };
        let outcome = self.execute(&command)?;
        outcome
            .connection()
            .map(|c| c.call.clone())
            .ok_or(DeedError::NoSuchCall { device: Number::from(to), wanted: "new" })
    }

    /// Someone at a telephone calls.
    ///
    /// # Errors
    /// When the switch refuses.
    pub fn call(&self, device: &str, to: &str) -> Result<Option<CallId>, DeedError> {
        self.perform(&Deed::Call { device: device.into(), to: to.into(), prompt: false })
    }

    /// A ringing telephone, here or outside, is picked up.
    ///
    /// # Errors
    /// When nothing rings there.
    pub fn answer(&self, device: &str) -> Result<(), DeedError> {
        self.perform(&Deed::Answer { device: device.into() }).map(drop)
    }

    /// The call is put on hold.
    ///
    /// # Errors
    /// When there is no active call.
    pub fn hold(&self, device: &str) -> Result<(), DeedError> {
        self.perform(&Deed::Hold { device: device.into() }).map(drop)
    }

    /// The held call is taken back.
    ///
    /// # Errors
    /// When there is none.
    pub fn retrieve(&self, device: &str) -> Result<(), DeedError> {
        self.perform(&Deed::Retrieve { device: device.into() }).map(drop)
    }

    /// A party, here or outside, hangs up.
    ///
    /// # Errors
    /// When it is in no call.
    pub fn hang_up(&self, device: &str) -> Result<(), DeedError> {
        self.perform(&Deed::HangUp { device: device.into() }).map(drop)
    }

    /// The call is put on hold and a colleague called.
    ///
    /// # Errors
    /// When there is no active call.
    pub fn consult(&self, device: &str, to: &str) -> Result<Option<CallId>, DeedError> {
        self.perform(&Deed::Consult { device: device.into(), to: to.into() })
    }

    /// Held and active call are connected with each other (the end of a warm transfer).
    ///
    /// # Errors
    /// When there are no two calls.
    pub fn transfer(&self, device: &str) -> Result<(), DeedError> {
        self.perform(&Deed::Transfer { device: device.into() }).map(drop)
    }

    /// The consultation is ended, the held call taken back.
    ///
    /// # Errors
    /// When there are no two calls.
    pub fn take_back(&self, device: &str) -> Result<(), DeedError> {
        self.perform(&Deed::TakeBack { device: device.into() }).map(drop)
    }

    /// The call is given away without asking.
    ///
    /// # Errors
    /// When there is no active call.
    pub fn cold_transfer(&self, device: &str, to: &str) -> Result<(), DeedError> {
        self.perform(&Deed::ColdTransfer { device: device.into(), to: to.into() }).map(drop)
    }

    /// Breaks every link and refuses new ones until mended; the switch goes on meanwhile.
    pub fn cut(&self) {
        self.hub.change(|core, now| core.cut(now, None));
    }

    /// Accepts links again.
    pub fn mend(&self) {
        self.hub.change(|core, _| core.mend());
    }
}
