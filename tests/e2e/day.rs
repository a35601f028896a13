//! A whole working day over real sockets, in virtual time: two agents of a queue, JKC's sessions, after-call work, a
//! lunch break, callers who give up, a browser that vanishes; and at the end the report of that day (T11, T14, T16–T24).

use crate::harness::{self, Dice, House, SOON, command, on_runtime, town_hall};
use crate::report;
use http::Method;
use schakel::softphone::Softphone;
use schakel_contract::event::Event;
use schakel_contract::reply::CommandReply;
use schakel_contract::views::{ActionName, AvailabilityState, SessionState};
use schakel_simulator::switch::AgentState as PbxState;
use serde_json::{Value, json};
use std::path::PathBuf;
use tempfile::TempDir;
use uuid::Uuid;

/// The customer of every call.
const CUSTOMERS: [&str; 4] = ["0201234567", "0302345678", "0703456789", "0612345678"];

/// JKC sends one every quarter of the lease.
const HEARTBEAT: u64 = 15;

/// From nine to five.
const DAY: u64 = 8 * 3600;

/// One agent with what he uses.
struct Desk {
    name: &'static str,
    device: &'static str,
    phone: Softphone,
}

/// What the day came to, as the test itself counts it.
#[derive(Debug, Default, PartialEq, Eq)]
struct Tally {
    received: u64,
    answered: u64,
    abandoned: u64,
}

struct Day {
    house: House,
    journal: PathBuf,
    desks: Vec<Desk>,
    dice: Dice,
    /// Seconds since nine.
    passed: u64,
    tally: Tally,
}

#[test]
fn t11_t14_t16_t17_to_t24_a_whole_working_day_in_virtual_time() {
    on_runtime(async {
        let dice = Dice::new();
        println!("seed {}; E2E_SEED repeats it", dice.seed());
        let mut day = Day::begin(dice).await;
        day.works_until(DAY / 2).await;
        day.lunch().await;
        day.works_until(DAY * 3 / 4).await;
        day.vanishes().await;
        day.works_until(DAY).await;
        day.goes_home().await;
    });
}

impl Day {
    async fn begin(dice: Dice) -> Self {
        let folder = TempDir::new().unwrap();
        let journal = folder.path().join("journal.db");
        let house = House::at(folder, None, town_hall(), "").await;
        let mut desks = Vec::new();
        for (name, device) in [("anna", "2001"), ("bram", "2002")] {
            let phone = house.agent(name, device).await;
            let seat = json!({"provider": "pbx", "device": device, "agentId": name, "queues": ["7000"]});
            command(&house.api, Method::PUT, &["agents", name, "registration"], &seat).await;
            desks.push(Desk { name, device, phone });
        }
        let day = Self { house, journal, desks, dice, passed: 0, tally: Tally::default() };
        for desk in &day.desks {
            day.pbx_has(desk, PbxState::Ready).await;
            day.is(desk.name, AvailabilityState::Available).await;
        }
        day
    }

    /// Time passes, everywhere.
    async fn pass(&mut self, seconds: u64) {
        self.passed += seconds;
        self.house.pass(seconds).await;
    }

    /// Time passes while JKC's browser shows a session.
    async fn pass_with(&mut self, session: Uuid, seconds: u64) {
        let mut left = seconds;
        while left > 0 {
            let step = left.min(HEARTBEAT);
            self.pass(step).await;
            left -= step;
            self.beats(session).await;
        }
    }

    async fn beats(&self, session: Uuid) {
        let path = ["sessions", &session.to_string(), "heartbeat"];
        self.house.api.tell(&path).await.unwrap();
    }

    async fn works_until(&mut self, end: u64) {
        while self.passed < end {
            let pause = 60 + self.dice.roll(15 * 60);
            self.pass(pause).await;
            match self.dice.roll(5) {
                0 => self.gives_up().await,
                _ => self.is_helped().await,
            }
        }
    }

    /// A caller who reaches an agent; and after-call work that lasts as long as the session.
    async fn is_helped(&mut self) {
        let mark = self.house.mark();
        let customer = CUSTOMERS[self.dice.roll(4) as usize];
        self.house.pbx.ring(customer, "7000").unwrap();
        let ringing = self.told_at_a_desk(mark, "call.ringing").await;
        let device = ringing.data.device.clone().unwrap();
        let at = self.desks.iter().position(|desk| desk.device == device).unwrap();
        let (name, contact) = (self.desks[at].name, ringing.data.contact.as_ref().unwrap().id);
        assert_eq!(ringing.data.contact.as_ref().unwrap().customer.number.as_deref(), Some(customer));
        self.is(name, AvailabilityState::OnCall).await;
        self.desks[at].phone.control(ActionName::Answer).await.unwrap();
        self.house.told(mark, "call.answered", Some(&device)).await;
        let session = self.opens(name, contact).await;
        let talk = 30 + self.dice.roll(300);
        self.pass_with(session, talk).await;
        self.house.pbx.hang_up(customer).unwrap();
        let told = self.house.told(mark, "agent.after-call-started", Some(&device)).await;
        assert_eq!(told.data.agent.unwrap().after_call.unwrap().session, session);
        self.pbx_has(&self.desks[at], PbxState::WorkingAfterCall).await;
        let writing = 20 + self.dice.roll(120);
        self.pass_with(session, writing).await;
        self.is(name, AvailabilityState::AfterCall).await;
        self.changes(session, "close").await;
        self.house.told(mark, "agent.after-call-ended", Some(&device)).await;
        self.is(name, AvailabilityState::Available).await;
        self.pbx_has(&self.desks[at], PbxState::Ready).await;
        self.tally.received += 1;
        self.tally.answered += 1;
    }

    /// A caller who waits while nobody is ready, and hangs up.
    async fn gives_up(&mut self) {
        let mark = self.house.mark();
        let names: Vec<_> = self.desks.iter().map(|desk| desk.name).collect();
        for name in &names {
            self.wants(name, false, Some("overleg")).await;
        }
        for desk in &self.desks {
            self.pbx_has(desk, PbxState::NotReady).await;
        }
        let customer = CUSTOMERS[self.dice.roll(4) as usize];
        self.house.pbx.ring(customer, "7000").unwrap();
        self.house.told(mark, "call.queued", Some("7000")).await;
        let patience = 10 + self.dice.roll(90);
        self.pass(patience).await;
        self.house.pbx.hang_up(customer).unwrap();
        let missed = self.house.told(mark, "call.missed", None).await;
        assert_eq!(missed.data.contact.unwrap().customer.number.as_deref(), Some(customer));
        for name in &names {
            self.wants(name, true, None).await;
        }
        for desk in &self.desks {
            self.pbx_has(desk, PbxState::Ready).await;
        }
        self.tally.received += 1;
        self.tally.abandoned += 1;
    }

    /// Anna says during after-call work that she goes for lunch: she is in it afterwards, not ready for the next call.
    async fn lunch(&mut self) {
        self.wants("bram", false, Some("overleg")).await;
        self.pbx_has(&self.desks[1], PbxState::NotReady).await;
        let mark = self.house.mark();
        self.house.pbx.ring(CUSTOMERS[0], "7000").unwrap();
        let ringing = self.told_at_a_desk(mark, "call.ringing").await;
        assert_eq!(ringing.data.device.as_deref(), Some("2001"), "Bram is not ready");
        self.desks[0].phone.control(ActionName::Answer).await.unwrap();
        self.house.told(mark, "call.answered", Some("2001")).await;
        let session = self.opens("anna", ringing.data.contact.unwrap().id).await;
        self.house.pbx.hang_up(CUSTOMERS[0]).unwrap();
        self.house.told(mark, "agent.after-call-started", Some("2001")).await;
        self.wants("anna", false, Some("lunch")).await;
        self.is("anna", AvailabilityState::AfterCall).await;
        self.changes(session, "close").await;
        self.is("anna", AvailabilityState::NotReady).await;
        self.pbx_has(&self.desks[0], PbxState::NotReady).await;
        self.pass(30 * 60).await;
        self.is("anna", AvailabilityState::NotReady).await;
        for name in ["anna", "bram"] {
            self.wants(name, true, None).await;
        }
        for desk in &self.desks {
            self.pbx_has(desk, PbxState::Ready).await;
        }
        self.tally.received += 1;
        self.tally.answered += 1;
    }

    /// A browser that vanishes in after-call work: its work is parked, its agent gets no calls, and comes back to both.
    async fn vanishes(&mut self) {
        self.wants("bram", false, Some("overleg")).await;
        self.pbx_has(&self.desks[1], PbxState::NotReady).await;
        let mark = self.house.mark();
        self.house.pbx.ring(CUSTOMERS[1], "7000").unwrap();
        let ringing = self.told_at_a_desk(mark, "call.ringing").await;
        self.desks[0].phone.control(ActionName::Answer).await.unwrap();
        self.house.told(mark, "call.answered", Some("2001")).await;
        let session = self.opens("anna", ringing.data.contact.unwrap().id).await;
        self.house.pbx.hang_up(CUSTOMERS[1]).unwrap();
        self.house.told(mark, "agent.after-call-started", Some("2001")).await;
        self.pass(59).await;
        self.is("anna", AvailabilityState::AfterCall).await;
        // The lease, and then the grace period.
        self.pass(60).await;
        self.is("anna", AvailabilityState::AfterCall).await;
        self.pass(2).await;
        let parked = self.house.told(mark, "session.parked", None).await;
        assert_eq!(parked.data.session.unwrap().id, session);
        self.is("anna", AvailabilityState::NotReady).await;
        self.pbx_has(&self.desks[0], PbxState::NotReady).await;
        let kept: Value = self.house.api.get(&["sessions", &session.to_string()]).await.unwrap();
        assert_eq!((&kept["state"], &kept["cause"]), (&json!("parked"), &json!("vanished")));
        let resumed = self.changes(session, "resume").await;
        assert_eq!(resumed.session.unwrap().state, SessionState::Open);
        self.changes(session, "close").await;
        for name in ["anna", "bram"] {
            self.wants(name, true, None).await;
        }
        for desk in &self.desks {
            self.pbx_has(desk, PbxState::Ready).await;
        }
        self.tally.received += 1;
        self.tally.answered += 1;
    }

    async fn goes_home(self) {
        let Self { house, journal, desks, tally, passed, .. } = self;
        for desk in desks {
            desk.phone.sign_off().await.unwrap();
            harness::pbx_has(&house.pbx, desk.device, None).await;
        }
        assert!(passed >= DAY);
        println!("{tally:?} in {} virtual hours", passed / 3600);
        let told = report::json(&journal, &report::EVERYTHING).await;
        let total = &told.total;
        let (answered, abandoned) = (total.answered.number, total.abandoned.number);
        let reported = Tally { received: total.received, answered, abandoned };
        assert_eq!(reported, tally, "the report tells another day than the one that was");
        // Whoever answered was registered by JKC, and the day is over.
        assert_eq!((total.duration.contacts, told.under_way), (answered, 0));
        house.ends_clean().await;
    }

    /// The next notification of a kind at one of the desks (the queue tells too).
    async fn told_at_a_desk(&self, mark: usize, kind: &str) -> Event {
        let at_a_desk = |event: &Event| {
            let device = event.data.device.as_deref();
            event.data.change == kind && self.desks.iter().any(|desk| device == Some(desk.device))
        };
        let told = self.house.jkc.event_after(mark, kind, SOON, at_a_desk).await;
        told.unwrap_or_else(|error| panic!("{error}")).0
    }

    async fn opens(&self, agent: &str, contact: Uuid) -> Uuid {
        let body = json!({"agent": agent, "contact": contact});
        command(&self.house.api, Method::POST, &["sessions"], &body).await.session.unwrap().id
    }

    async fn changes(&self, session: Uuid, change: &str) -> CommandReply<'static> {
        let path = ["sessions", &session.to_string(), change];
        self.house.api.command(Method::POST, &path, None::<&Value>).await.unwrap()
    }

    async fn wants(&self, agent: &str, ready: bool, reason: Option<&str>) {
        let body = match reason {
            Some(reason) => json!({"ready": ready, "reason": reason}),
            None => json!({"ready": ready}),
        };
        command(&self.house.api, Method::PUT, &["agents", agent, "availability"], &body).await;
    }

    async fn is(&self, agent: &str, state: AvailabilityState) {
        self.house.is(agent, state).await;
    }

    async fn pbx_has(&self, desk: &Desk, state: PbxState) {
        harness::pbx_has(&self.house.pbx, desk.device, Some(state)).await;
    }
}
