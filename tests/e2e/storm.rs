//! A busy day of fifty agents in virtual time, with links that drop, a telephone system that says things twice, browsers
//! that vanish and JKC's commands as they come. Then all hang up: nobody may be left on a call or in after-call work, no
//! caller in a queue, and the report of the day must add up (T02, T11, T17 to T20, rules 8 and 9).
//!
//! The seed is printed; `E2E_SEED` repeats its choices (the moments at which they fall are the machine's).

use crate::agents::{Tab, sits};
use crate::harness::{Dice, House, on_runtime, pbx_has, town_hall};
use http::Method;
use schakel::client::ApiError;
use schakel_contract::reply::CommandReply;
use schakel_contract::views::{
    AvailabilityState as Is, Page, QueueView, SessionState, SessionView, TelephonyReportView,
};
use schakel_simulator::duration::Span;
use schakel_simulator::sins::Sin;
use schakel_simulator::switch::{AgentState as PbxState, ExtensionConfig, LocalState};
use serde_json::{Value, json};
use tempfile::TempDir;
use uuid::Uuid;

const AGENTS: u64 = 50;
const CALLS: u64 = 200;

/// Seconds after which a call that nothing confirms is over: the default of `calls.stale_limit_seconds`.
const STALE_LIMIT: u64 = 1800;

/// Nobody's day ends by itself, however the dice fall.
const STEPS_MAX: u64 = 20 * CALLS;

struct Storm {
    house: House,
    dice: Dice,
    /// Callers who may be there still.
    callers: Vec<String>,
    sessions: Vec<Uuid>,
    rung: u64,
    /// So often the link was cut.
    cuts: u64,
}

#[test]
fn t11_t17_after_a_stormy_day_of_fifty_agents_nobody_is_stuck_and_the_report_adds_up() {
    on_runtime(async {
        let dice = Dice::new();
        println!("seed {}; E2E_SEED repeats it", dice.seed());
        let mut config = town_hall();
        config.switch.extensions = (0..AGENTS).map(|n| ExtensionConfig::new(device(n).as_str())).collect();
        config.switch.extensions.push(ExtensionConfig::new("2099"));
        let watched = "numbers = [\"2001-2003\", \"2010-2019\"]";
        let edit = |text: String| text.replace(watched, "numbers = [\"2001-2099\"]");
        config.switch.extensions.push(ExtensionConfig::new("2098"));
        let house = House::furnished(TempDir::new().unwrap(), None, config, "", edit).await;
        for n in 0..AGENTS {
            sits(&house.api, &device(n), &device(n)).await;
        }
        for n in 0..AGENTS {
            pbx_has(&house.pbx, &device(n), Some(PbxState::Ready)).await;
        }
        let mut storm = Storm { house, dice, callers: Vec::new(), sessions: Vec::new(), rung: 0, cuts: 0 };
        for _ in 0..STEPS_MAX {
            if storm.rung >= CALLS {
                break;
            }
            storm.step().await;
        }
        storm.calms_down().await;
    });
}

/// The extension of an agent, who is called as it is.
fn device(n: u64) -> String {
    (2001 + n).to_string()
}

impl Storm {
    async fn step(&mut self) {
        match self.dice.roll(24) {
            0..=6 => {
                let caller = format!("020{:07}", self.rung);
                if self.house.pbx.ring(&caller, "7000").is_ok() {
                    self.rung += 1;
                    self.callers.push(caller);
                }
            }
            7..=12 => self.answers(),
            13..=15 => self.opens().await,
            16..=18 => self.hangs_up(),
            19..=20 => self.changes().await,
            21 => {
                let agent = device(self.dice.roll(AGENTS));
                let body = json!({"ready": self.dice.roll(3) > 0});
                self.asks(Method::PUT, &["agents", &agent, "availability"], &body).await;
            }
            22 => self.house.pbx.sin(&Sin::DuplicateEvents { count: 20 }).unwrap(),
            _ if self.dice.roll(3) == 0 => {
                self.cuts += 1;
                self.house.pbx.sin(&Sin::CutLink { during: Some(Span::seconds(5)) }).unwrap();
            }
            // Sooner or later somebody sees that it is up again.
            _ => {
                self.house.pbx.sin(&Sin::Heal).unwrap();
                self.house.link_is_up().await;
            }
        }
        let seconds = 1 + self.dice.roll(15);
        self.house.pass(seconds).await;
    }

    /// An agent whose telephone rings picks it up.
    fn answers(&mut self) {
        let state = self.house.pbx.state();
        let legs = state.switch.calls.iter().flat_map(|call| &call.connections);
        let ringing: Vec<_> =
            legs.filter(|leg| leg.state == LocalState::Alerting).map(|leg| leg.device.to_string()).collect();
        if let Some(device) = ringing.get(self.dice.roll(ringing.len().max(1) as u64) as usize) {
            // Nothing but the answer ends the ringing here, so it can be answered.
            self.house.pbx.answer(device).unwrap();
        }
    }

    fn hangs_up(&mut self) {
        if !self.callers.is_empty() {
            let caller = self.callers.swap_remove(self.dice.roll(self.callers.len() as u64) as usize);
            // Who waited too long has been sent away before.
            let _ = self.house.pbx.hang_up(&caller);
        }
    }

    /// JKC opens the work on a call that is at somebody's desk, as it knows it.
    async fn opens(&mut self) {
        let dice = &mut self.dice;
        let found = self.house.jkc.look(|ledger| {
            let calls = ledger.picture().live_calls();
            let at = calls.flat_map(|call| call.connections.iter().map(move |at| (call.contact, at)));
            let ours: Vec<_> = at.filter(|(_, at)| at.device != "7000" && at.ours).collect();
            let (contact, at) = ours.get(dice.roll(ours.len().max(1) as u64) as usize)?;
            Some((*contact, at.device.to_string()))
        });
        let Some((contact, agent)) = found else { return };
        let body = json!({"agent": agent, "contact": contact});
        let reply = self.asks(Method::POST, &["sessions"], &body).await;
        self.sessions.extend(reply.and_then(|reply| reply.session).map(|session| session.id));
    }

    async fn changes(&mut self) {
        if self.sessions.is_empty() {
            return;
        }
        let session = self.sessions[self.dice.roll(self.sessions.len() as u64) as usize].to_string();
        let change = self.dice.one_of(&["close", "close", "park", "resume"]);
        self.asks(Method::POST, &["sessions", &session, change], &json!({})).await;
    }

    /// A command that may well come at a wrong moment.
    async fn asks(&self, method: Method, path: &[&str], body: &Value) -> Option<CommandReply<'static>> {
        match self.house.api.command(method, path, Some(body)).await {
            Ok(reply) => Some(reply),
            Err(ApiError::Problem(problem)) => {
                assert!(matches!(problem.status, 404 | 409 | 503), "{path:?}: {problem:?}");
                None
            }
            Err(error) => panic!("{path:?}: {error}"),
        }
    }

    async fn calms_down(self) {
        let house = &self.house;
        house.pbx.sin(&Sin::Heal).unwrap();
        house.link_is_up().await;
        while let Some(call) = house.pbx.state().switch.calls.first().cloned() {
            let deed = json!({"do": "end-call", "call": call.id});
            house.pbx.perform(&serde_json::from_value(deed).unwrap()).unwrap();
        }
        let tab = Tab::of(house).await;
        for state in ["open", "parked"] {
            let page: Page<SessionView<'static>> =
                tab.gets(&format!("sessions?state={state}&pageSize=1000")).await;
            for session in page.items {
                let path = ["sessions", &session.id.to_string(), "close"];
                let closed = self.asks(Method::POST, &path, &json!({})).await.unwrap();
                assert_eq!(closed.session.unwrap().state, SessionState::Closed);
            }
        }
        for n in 0..AGENTS {
            let path = ["agents", &device(n), "availability"];
            self.asks(Method::PUT, &path, &json!({"ready": true})).await.unwrap();
        }
        for n in 0..AGENTS {
            let agent = house.is(&device(n), Is::Available).await;
            assert!(agent.after_call.is_none() && agent.session.is_none(), "{agent:?}");
            pbx_has(&house.pbx, &device(n), Some(PbxState::Ready)).await;
        }
        // A queue with more callers than fit one message of this telephone system has no snapshot: who hung up while the
        // link was down is uncertain there, and gone at the last deadline (rule 2).
        self.house.pass(STALE_LIMIT).await;
        let queues: Page<QueueView<'static>> = tab.gets("queues").await;
        assert!(!queues.items.is_empty());
        assert!(queues.items.iter().all(|queue| queue.summary.waiting == 0), "{queues:?}");
        let period = "from=2026-01-01&to=2035-01-01";
        let report: TelephonyReportView = tab.gets(&format!("reports/telephony?{period}")).await;
        let (total, rest) = (&report.total, report.total.rest);
        let others = rest.short_abandoned
            + rest.overflowed
            + rest.answered_elsewhere
            + rest.not_completed
            + rest.unknown;
        assert_eq!(total.received, total.answered.number + total.abandoned.number + others, "{total:?}");
        assert_eq!(report.under_way, 0);
        // What came and went while the link was down was seen by nobody.
        assert!(total.received <= self.rung && total.received > 0, "{} of {}", total.received, self.rung);
        assert!(self.cuts > 0 || total.received == self.rung, "{} of {}", total.received, self.rung);
        println!("{} of {} calls, {} cuts: {total:?}", total.received, self.rung, self.cuts);
        self.house.ends_clean().await;
    }
}
