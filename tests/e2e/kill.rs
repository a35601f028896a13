//! The daemon is killed with SIGKILL, again and again, in the middle of calls.
//!
//! Promise: no *persisted* event is lost, none comes out of order within its contact, and nothing is told that is not
//! persisted. (SIGKILL says nothing about power loss: that rests on the journal's fsync, one a commit.)
//!
//! Two negative controls break the daemon on purpose and must be noticed: delivery without lanes, and acting before
//! the commit.

use crate::harness::{self, ANY, Dice, SOON};
use http::Method;
use schakel::client::Api;
use schakel::client::ledger::Order;
use schakel::config::Config;
use schakel::jkc::StandIn;
use schakel::jkc::server::Behaviour;
use schakel::serve::{Daemon, Sabotage};
use schakel_contract::views::SnapshotView;
use schakel_journal::{Options, Store};
use schakel_simulator::{RunningSimulator, Simulator};
use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;
use tempfile::TempDir;
use uuid::Uuid;

/// Kills of the good daemon.
const KILLS: u32 = 50;

/// A broken daemon must be noticed within so many.
const KILLS_OF_A_BROKEN_ONE: u32 = 50;

/// Nothing was told for so long: what was about to be told has been.
const QUIET: Duration = Duration::from_millis(300);

/// With this in its environment the test program is the daemon: `CONFIG|SABOTAGE`.
const CHILD: &str = "SCHAKEL_KILL_TEST_CHILD";

#[test]
fn p03_fifty_kills_lose_nothing_and_disorder_nothing() {
    let complaints = killed("", KILLS, "");
    assert!(complaints.is_empty(), "{complaints:#?}");
}

#[test]
fn p03_negative_control_delivery_without_lanes_is_noticed() {
    let complaints = killed("without-lanes", KILLS_OF_A_BROKEN_ONE, "order: ");
    assert!(complaints.iter().any(|text| text.starts_with("order: ")), "{complaints:#?}");
}

#[test]
fn p03_negative_control_acting_before_the_commit_is_noticed() {
    let complaints = killed("act-before-commit", KILLS_OF_A_BROKEN_ONE, "told but not persisted: ");
    assert!(complaints.iter().any(|text| text.starts_with("told but not persisted: ")), "{complaints:#?}");
}

/// The daemon's process. It does nothing in an ordinary run of the tests.
#[test]
fn child_process_of_the_kill_tests() {
    let Ok(order) = std::env::var(CHILD) else { return };
    // The configuration, what is wrong on purpose, and how many milliseconds a commit takes more, where it is said.
    let mut order = order.split('|');
    let (file, sabotage) = (order.next().unwrap(), order.next().unwrap());
    let sabotage = Sabotage {
        act_before_commit: sabotage == "act-before-commit",
        deliver_without_lanes: sabotage == "without-lanes",
        // A slow disk widens the moment that matters, for the good daemon as well.
        commit_takes: Duration::from_millis(order.next().map_or(4, |takes| takes.parse().unwrap())),
    };
    harness::on_runtime(async move {
        let config = Config::load(Some(Path::new(file)), &[]).unwrap();
        let _daemon = Daemon::start(config, sabotage).await.unwrap_or_else(|error| panic!("{error:?}"));
        std::future::pending::<()>().await;
    });
}

/// Kills a daemon `kills` times under load, or until there is a complaint that begins so; gives what is wrong.
fn killed(sabotage: &str, kills: u32, until: &str) -> Vec<String> {
    let mut complaints = Vec::new();
    harness::on_runtime(async {
        let mut yard = Yard::new(sabotage).await;
        println!("seed {}", yard.dice.seed());
        for kill in 0..kills {
            yard.life(kill).await;
            complaints = yard.complaints();
            if complaints.iter().any(|text| text.starts_with(until)) {
                break;
            }
        }
        if complaints.is_empty() {
            yard.rest().await;
            complaints = yard.complaints();
            complaints.extend(yard.undelivered());
            complaints.extend(yard.misremembered());
        }
    });
    complaints
}

/// Everything around the daemon that is killed.
struct Yard {
    pbx: RunningSimulator,
    jkc: StandIn,
    api: Api,
    api_address: SocketAddr,
    sabotage: String,
    folder: TempDir,
    dice: Dice,
    /// Commands that were answered with 200 or 202.
    accepted: BTreeSet<Uuid>,
}

impl Yard {
    async fn new(sabotage: &str) -> Self {
        let folder = TempDir::new().unwrap();
        let pbx = schakel_simulator::start(harness::pbx()).await.unwrap();
        let (api_address, admin) = harness::free_ports();
        let csta = pbx.csta_address().unwrap();
        let text =
            harness::configuration(folder.path(), csta, &api_address.to_string(), &admin.to_string(), "");
        std::fs::write(folder.path().join("schakel.toml"), text).unwrap();
        let token = harness::token(&folder.path().join("journal.db"));
        let api = harness::api(api_address, &token);
        let jkc = StandIn::start(ANY, None, Order::Whole).await.unwrap();
        // A receiver that takes its time, so that several requests are in flight whenever the daemon dies.
        jkc.behave(Behaviour { jitter: Duration::from_millis(12), ..Behaviour::default() });
        let mut yard = Self {
            pbx,
            jkc,
            api,
            api_address,
            sabotage: sabotage.into(),
            folder,
            dice: Dice::new(),
            accepted: BTreeSet::new(),
        };
        let mut daemon = yard.start().await;
        harness::subscribe(&yard.api, &yard.jkc, false).await;
        yard.kill(&mut daemon);
        yard
    }

    /// Starts the daemon and waits until its API answers.
    async fn start(&mut self) -> Child {
        let file = self.folder.path().join("schakel.toml");
        let child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "kill::child_process_of_the_kill_tests", "--nocapture"])
            .env(CHILD, format!("{}|{}", file.display(), self.sabotage))
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let answers = async {
            while tokio::net::TcpStream::connect(self.api_address).await.is_err() {
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(SOON, answers).await.expect("the daemon starts");
        child
    }

    fn kill(&mut self, daemon: &mut Child) {
        daemon.kill().unwrap();
        daemon.wait().unwrap();
    }

    /// One life: calls come and go, commands are given, and at some moment it is over.
    async fn life(&mut self, number: u32) {
        let mut daemon = self.start().await;
        let link = self.pbx.until_monitored(1);
        tokio::time::timeout(SOON, link).await.expect("the daemon finds the PBX");
        let steps = 5 + self.dice.roll(40);
        for step in 0..steps {
            self.happen(number, step);
            if self.dice.roll(6) == 0 {
                self.command().await;
            }
            // A notification more or less: the daemon has worked, and the moment of its death is anywhere.
            let mut changes = self.jkc.changes();
            let moved =
                tokio::time::timeout(Duration::from_millis(2 + self.dice.roll(20)), changes.changed());
            // That nothing was told in this time is as good a moment to go on.
            let _ = moved.await;
        }
        self.kill(&mut daemon);
        // Life goes on while nobody looks.
        for step in 0..self.dice.roll(4) {
            self.happen(number, 1000 + step);
        }
    }

    /// Something at the PBX; what is not possible now does not happen.
    fn happen(&mut self, life: u32, step: u64) {
        let pbx: Simulator = self.pbx.simulator();
        let device = ["2001", "2002", "2003", "2010", "2011"][self.dice.roll(5) as usize];
        let other = ["2012", "2013"][self.dice.roll(2) as usize];
        let from = format!("020{life:03}{step:04}");
        let _ = match self.dice.roll(10) {
            0..=3 => pbx.ring(&from, device).map(drop),
            4..=5 => pbx.answer(device),
            6 => pbx.hold(device),
            7 => pbx.consult(device, other).map(drop),
            8 => pbx.retrieve(device),
            _ => pbx.hang_up(device),
        };
    }

    /// A command, whatever comes of it; if it was accepted it must not be forgotten.
    async fn command(&mut self) {
        let device = ["2001", "2002", "2003"][self.dice.roll(3) as usize];
        let body = serde_json::json!({"provider": "pbx", "device": device});
        let agent = format!("agent-{device}");
        let path = ["agents", agent.as_str(), "registration"];
        if let Ok(reply) = self.api.command(Method::PUT, &path, Some(&body)).await {
            self.accepted.insert(reply.command.id);
        }
    }

    /// A last life in peace: all calls end, everything is delivered.
    async fn rest(&mut self) {
        let mut daemon = self.start().await;
        self.jkc.behave(Behaviour::default());
        let link = self.pbx.until_monitored(1);
        tokio::time::timeout(SOON, link).await.expect("the daemon finds the PBX");
        while let Some(call) = self.pbx.state().switch.calls.first().cloned() {
            let someone = call.connections.first().unwrap().device.to_string();
            self.pbx.hang_up(&someone).unwrap();
        }
        let quiet =
            |ledger: &schakel::client::Ledger| ledger.picture().live_calls().next().is_none().then_some(());
        let ended = self.jkc.wait("an end of all calls", SOON, quiet).await;
        let seat = serde_json::json!({"provider": "pbx", "device": "2019"});
        let path = ["agents", "the-last", "registration"];
        let last = self.api.command(Method::PUT, &path, Some(&seat)).await.unwrap().command.id;
        let told = |event: &schakel_contract::event::Event| {
            event.data.change == "command.completed"
                && event.data.command.as_ref().is_some_and(|c| c.id == last)
        };
        self.jkc.event_after(0, "the last command", SOON, told).await.unwrap();
        tokio::time::timeout(SOON, self.all_is_told()).await.expect("everything is told");
        self.kill(&mut daemon);
        ended.unwrap_or_else(|error| panic!("{error}"));
    }

    /// Waits until nothing is under way and JKC has everything: what follows from a registration (availability, what the
    /// PBX is to make of its agents) comes after the command's own outcome.
    async fn all_is_told(&self) {
        let mut changes = self.jkc.changes();
        loop {
            while tokio::time::timeout(QUIET, changes.changed()).await.is_ok() {}
            let now: SnapshotView = self.api.get(&["snapshot"]).await.unwrap();
            let told = self.jkc.look(|ledger| ledger.since(0).map(|e| e.event.sequence.clone()).max());
            if now.commands.is_empty() && told.is_some_and(|told| *told >= *now.cursor) {
                return;
            }
        }
    }

    /// What is wrong with what JKC was told so far. The daemon must be dead.
    fn complaints(&self) -> Vec<String> {
        let mut complaints: Vec<String> =
            self.jkc.look(|ledger| ledger.violations().iter().map(|text| format!("order: {text}")).collect());
        let persisted = self.persisted();
        let told: Vec<Uuid> = self.jkc.look(|ledger| ledger.since(0).map(|entry| entry.event.id).collect());
        complaints.extend(
            told.iter()
                .filter(|id| !persisted.contains(id))
                .map(|id| format!("told but not persisted: {id}")),
        );
        complaints
    }

    /// What was persisted, or accepted, and never came. After a rest only.
    fn undelivered(&self) -> Vec<String> {
        let (told, completed) = self.jkc.look(|ledger| {
            let told: BTreeSet<Uuid> = ledger.since(0).map(|entry| entry.event.id).collect();
            let completed: BTreeSet<Uuid> = ledger
                .since(0)
                .filter(|entry| entry.event.data.change == "command.completed")
                .filter_map(|entry| entry.event.data.command.as_ref().map(|command| command.id))
                .collect();
            (told, completed)
        });
        let lost = self
            .persisted()
            .into_iter()
            .filter(|id| !told.contains(id))
            .map(|id| format!("persisted but not told: {id}"));
        let forgotten = self
            .accepted
            .iter()
            .filter(|id| !completed.contains(id))
            .map(|id| format!("accepted but forgotten: {id}"));
        lost.chain(forgotten).collect()
    }

    /// Contacts whose facts are not what the journal's inputs come to. The daemon must be dead.
    fn misremembered(&self) -> Vec<String> {
        let journal = self.folder.path().join("journal.db");
        let verified = schakel_engine::verify_facts(&journal, &"voorbeeld".into()).unwrap();
        println!(
            "{} facts are compared with what the inputs after {} come to",
            verified.facts, verified.after
        );
        if verified.facts == 0 {
            return vec!["facts: there are none".into()];
        }
        verified.wrong.iter().map(|contact| format!("facts: of contact {contact} there is another")).collect()
    }

    /// The ids of the journal's notifications for JKC: those after the subscription was made.
    fn persisted(&self) -> BTreeSet<Uuid> {
        let (store, _) = Store::open(self.folder.path().join("journal.db"), Options::default()).unwrap();
        let first_told = self.jkc.look(|ledger| {
            ledger.since(0).filter_map(|entry| entry.event.sequence.parse::<u64>().ok()).min().unwrap_or(1)
        });
        let reader = store.reader().unwrap();
        let (mut ids, mut after) = (BTreeSet::new(), first_told - 1);
        loop {
            let page = reader.notifications(after, 1000, |_| true).unwrap();
            ids.extend(page.rows.iter().map(|row| Uuid::from_u128(row.id)));
            after = page.next;
            if !page.more {
                return ids;
            }
        }
    }
}
