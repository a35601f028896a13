//! A whole house for one test: everything on loopback, with ports of its own and a folder of its own.

use http::Method;
use schakel::client::ledger::Order;
use schakel::client::{AccessArgs, Api};
use schakel::config::Config;
use schakel::jkc::StandIn;
use schakel::jkc::verify::Secret;
use schakel::serve::{Daemon, Sabotage};
use schakel::softphone::{Seat, Softphone};
use schakel_api::tokens;
use schakel_contract::event::Event;
use schakel_contract::reply::CommandReply;
use schakel_contract::requests::{SubscriptionRequest, TokenRequest};
use schakel_contract::views::{
    AgentView, AvailabilityState, CallView, CreatedSubscription, Scope, SnapshotView,
};
use schakel_core::model::time::Millis;
use schakel_journal::{Options, Store};
use schakel_simulator::RunningSimulator;
use schakel_simulator::config::SimulatorConfig;
use schakel_simulator::switch::{AgentState as PbxState, AgentView as PbxAgent};
use serde_json::Value;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::Path;
use std::time::Duration;
use tempfile::TempDir;

/// Longer than anything here takes on a busy machine: only a failing test waits for it.
pub const SOON: Duration = Duration::from_secs(20);

/// Port 0 of loopback.
pub const ANY: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::LOCALHOST), 0);

/// A PBX, a daemon in this process, and JKC.
pub struct House {
    pub pbx: RunningSimulator,
    pub daemon: Daemon,
    pub jkc: StandIn,
    pub api: Api,
    /// Gone when the test is over.
    _folder: TempDir,
}

/// xorshift64*: a seed is enough to repeat a run's choices.
pub struct Dice(u64);

impl Dice {
    /// With the seed in `E2E_SEED`, or one of its own.
    pub fn new() -> Self {
        let wanted = std::env::var("E2E_SEED").ok().map(|text| text.parse::<u64>().unwrap());
        Self(wanted.unwrap_or_else(rand::random) | 1)
    }

    /// The seed, before the first roll.
    pub fn seed(&self) -> u64 {
        self.0
    }

    pub fn roll(&mut self, sides: u64) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33) % sides
    }

    pub fn one_of<'a, T: ?Sized>(&mut self, these: &[&'a T]) -> &'a T {
        these[self.roll(these.len() as u64) as usize]
    }
}

/// Runs a test on one thread, as the daemon does.
pub fn on_runtime(test: impl Future<Output = ()>) {
    schakel::tls::install();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(tokio::task::LocalSet::new().run_until(test));
}

/// The default simulator without its story.
pub fn pbx() -> SimulatorConfig {
    let mut config = SimulatorConfig::demo().unwrap();
    config.steps.clear();
    config.csta.listen = Some(ANY);
    config
}

/// A queue whose agents log on, and whose after-call work lasts until an agent is made ready.
pub fn town_hall() -> SimulatorConfig {
    let mut config = pbx();
    let queue = config.switch.queues.iter_mut().find(|queue| queue.number.as_str() == "7000").unwrap();
    queue.members = Vec::new();
    queue.agents_only = true;
    queue.wrap_up = None;
    config
}

/// A command that must succeed.
pub async fn command(api: &Api, method: Method, path: &[&str], body: &Value) -> CommandReply<'static> {
    api.command(method, path, Some(body)).await.unwrap_or_else(|error| panic!("{path:?}: {error}"))
}

/// Waits until the telephone system says this of the agent at a device; none: nobody is logged on.
pub async fn pbx_has(pbx: &RunningSimulator, device: &str, state: Option<PbxState>) {
    let is = |now: &schakel_simulator::SimulatorState| {
        let extension = now.switch.extensions.iter().find(|each| each.number.as_str() == device);
        extension.and_then(|extension| extension.agent.as_ref()).map(|agent: &PbxAgent| agent.state)
    };
    let waited = tokio::time::timeout(SOON, pbx.until(|now| is(now) == state)).await;
    assert!(waited.is_ok(), "at {device} the telephone system has {:?} and not {state:?}", is(&pbx.state()));
}

/// A configuration for that simulator. `more` is added to the provider's section.
pub fn configuration(folder: &Path, csta: SocketAddr, api: &str, admin: &str, more: &str) -> String {
    format!(
        r#"
[journal]
path = "{}"
[api]
listen = "{api}"
[admin]
listen = "{admin}"
[webhooks]
allowed_hosts = ["127.0.0.1"]
allow_insecure = true
[calls]
keep_ended_seconds = 600
[[providers]]
name = "pbx"
address = "{csta}"
{more}
[[providers.devices]]
numbers = ["2001-2003", "2010-2019"]
[[providers.devices]]
numbers = ["7000"]
kind = "queue"
"#,
        folder.join("journal.db").display()
    )
}

/// A token for everything, put into the journal before the daemon has it.
pub fn token(journal: &Path) -> String {
    let making = || {
        let (store, _) = Store::open(journal, Options::default()).unwrap();
        let request =
            TokenRequest { name: "test".into(), scopes: vec![Scope::Admin], agent: None, expires_at: None };
        tokens::create_offline(&store, request).unwrap().secret
    };
    // It blocks, which a runtime's own thread must not.
    std::thread::scope(|scope| scope.spawn(making).join().unwrap())
}

/// The API with a token.
pub fn api(address: SocketAddr, token: &str) -> Api {
    let access = AccessArgs { token: Some(token.into()), ..AccessArgs::default() };
    Api::new(&format!("http://{address}"), &access).unwrap()
}

/// Subscribes JKC to everything.
pub async fn subscribe(api: &Api, jkc: &StandIn, batch: bool) {
    let request = SubscriptionRequest { url: jkc.url(), kinds: Vec::new(), batch, persons: true };
    let created: CreatedSubscription = api.send(Method::POST, &["webhooks"], &request).await.unwrap();
    jkc.trust(Secret::parse(&created.secret).unwrap());
}

/// Two ports that were free a moment ago.
pub fn free_ports() -> (SocketAddr, SocketAddr) {
    let (one, two) = (TcpListener::bind(ANY).unwrap(), TcpListener::bind(ANY).unwrap());
    (one.local_addr().unwrap(), two.local_addr().unwrap())
}

impl House {
    /// With the default simulator.
    pub async fn start() -> Self {
        Self::with(pbx(), "").await
    }

    /// With this simulator, and these keys in the provider's section.
    pub async fn with(simulator: SimulatorConfig, provider: &str) -> Self {
        let folder = TempDir::new().unwrap();
        Self::at(folder, None, simulator, provider).await
    }

    /// With files in a folder, and the address in the provider's section where it is not the simulator's.
    pub async fn at(
        folder: TempDir,
        address: Option<SocketAddr>,
        simulator: SimulatorConfig,
        provider: &str,
    ) -> Self {
        Self::furnished(folder, address, simulator, provider, |text| text).await
    }

    /// With the text of the configuration as it is left by `edit`.
    pub async fn furnished(
        folder: TempDir,
        address: Option<SocketAddr>,
        simulator: SimulatorConfig,
        provider: &str,
        edit: impl FnOnce(String) -> String,
    ) -> Self {
        let pbx = schakel_simulator::start(simulator).await.unwrap();
        let address = address.or(pbx.csta_address()).unwrap();
        let text = configuration(folder.path(), address, "127.0.0.1:0", "127.0.0.1:0", provider);
        let config = Config::parse("test", Some(&edit(text)), &[]).unwrap();
        let token = token(&config.journal.path);
        let daemon =
            Daemon::start(config, Sabotage::default()).await.unwrap_or_else(|error| panic!("{error:?}"));
        let api = api(daemon.api, &token);
        let jkc = StandIn::start(ANY, None, Order::Whole).await.unwrap();
        subscribe(&api, &jkc, false).await;
        pbx.until_monitored(1).await;
        let house = Self { pbx, daemon, jkc, api, _folder: folder };
        house.link_is_up().await;
        house.jkc_is_up_to_date().await;
        house
    }

    /// What belongs to no contact comes in one order: when JKC has the last of it, it has what was told of the start.
    async fn jkc_is_up_to_date(&self) {
        let seat = serde_json::json!({"provider": "pbx", "device": "2019"});
        let path = ["agents", "the-first", "registration"];
        let last = self.api.command(Method::PUT, &path, Some(&seat)).await.unwrap().command.id;
        let told = |event: &Event| event.data.command.as_ref().is_some_and(|command| command.id == last);
        self.jkc
            .event_after(0, "the first command", SOON, told)
            .await
            .unwrap_or_else(|error| panic!("{error}"));
    }

    /// An agent's softphone at a device.
    pub async fn agent(&self, name: &str, device: &str) -> Softphone {
        let (agent, provider) = (name.into(), "pbx".into());
        let seat = Seat { agent, provider, device: device.into(), ..Seat::default() };
        Softphone::sign_on(self.api.clone(), seat).await.unwrap()
    }

    /// The next notification of a kind after a mark, at a device where one is named.
    pub async fn told(&self, mark: usize, kind: &str, device: Option<&str>) -> Event {
        let what = format!("{kind} at {device:?}");
        let fits = |event: &Event| {
            event.data.change == kind
                && device.is_none_or(|device| event.data.device.as_deref() == Some(device))
        };
        self.jkc.event_after(mark, what, SOON, fits).await.unwrap_or_else(|error| panic!("{error}")).0
    }

    /// Waits until schakel says this of an agent; everything is told, so JKC's picture is enough.
    pub async fn is(&self, agent: &str, state: AvailabilityState) -> AgentView<'static> {
        let mut cursor = self.daemon.engine().cursor();
        let until = tokio::time::Instant::now() + SOON;
        loop {
            cursor.mark_unchanged();
            let now: AgentView<'static> = self.api.get(&["agents", agent]).await.unwrap();
            if now.availability.state == state {
                return now;
            }
            let waited = tokio::time::timeout_at(until, cursor.changed()).await;
            assert!(waited.is_ok(), "{agent} is {:?} and not {state:?}", now.availability);
        }
    }

    /// Time passes, everywhere.
    pub async fn pass(&self, seconds: u64) {
        self.pbx.advance(Duration::from_secs(seconds));
        self.daemon.engine().advance(Millis::seconds(seconds)).await.unwrap();
    }

    /// Where JKC's notifications stand.
    pub fn mark(&self) -> usize {
        self.jkc.look(|ledger| ledger.mark())
    }

    /// Everything that is live.
    pub async fn snapshot(&self) -> SnapshotView<'static> {
        self.api.get(&["snapshot"]).await.unwrap()
    }

    /// The live calls.
    pub async fn live_calls(&self) -> Vec<CallView<'static>> {
        self.snapshot().await.calls.into_iter().filter(|call| call.ended.is_none()).collect()
    }

    /// Waits until the link is up.
    pub async fn link_is_up(&self) {
        let mut cursor = self.daemon.engine().cursor();
        loop {
            cursor.mark_unchanged();
            let up = |state: &schakel_core::state::State| {
                state.providers.values().all(|p| p.link == schakel_core::model::provider::LinkState::Up)
            };
            if self.daemon.engine().read(up).await.unwrap() {
                return;
            }
            tokio::time::timeout(SOON, cursor.changed()).await.expect("the link comes up").unwrap();
        }
    }

    /// Nothing is wrong with what JKC was told, and the daemon and the PBX have the same live calls: none.
    pub async fn ends_clean(self) {
        let quiet =
            |ledger: &schakel::client::Ledger| ledger.picture().live_calls().next().is_none().then_some(());
        self.jkc.wait("an end of all calls", SOON, quiet).await.unwrap_or_else(|error| panic!("{error}"));
        assert!(self.live_calls().await.is_empty(), "a ghost call: {:?}", self.live_calls().await);
        assert!(
            self.pbx.state().switch.calls.is_empty(),
            "the PBX still has {:?}",
            self.pbx.state().switch.calls
        );
        let (counts, violations) = self.jkc.look(|ledger| (ledger.counts(), ledger.violations().to_vec()));
        assert_eq!(counts.refused, 0, "signatures or envelopes were refused");
        assert!(violations.is_empty(), "{violations:?}");
        self.daemon.stop().await;
        self.pbx.stop().await;
    }
}
