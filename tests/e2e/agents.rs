//! An agent's work meets what goes wrong: the daemon dies, the link is lost, the telephone system restarts, two tabs
//! decide at once, somebody else sits down, and telephone systems that know less of agents (T02, T11, T14, T16).

use crate::harness::{self, ANY, House, SOON, command, free_ports, on_runtime, pbx_has, town_hall};
use crate::process::Process;
use http::Method;
use reqwest::{Response, StatusCode};
use schakel::client::ledger::Order;
use schakel::client::{Api, ApiError, Ledger};
use schakel::jkc::StandIn;
use schakel_contract::event::Event;
use schakel_contract::problem::{Problem, RefusalCause};
use schakel_contract::reply::CommandReply;
use schakel_contract::views::{
    AgentView, AvailabilityReasonKind as Reason, AvailabilityState as Is, CreatedToken, ProviderView,
    SessionCause, SessionState, SessionView,
};
use schakel_simulator::RunningSimulator;
use schakel_simulator::sins::Sin;
use schakel_simulator::switch::{AgentRequest, AgentState as PbxState, AgentSupport};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use tempfile::TempDir;
use uuid::Uuid;

const CUSTOMER: &str = "0201234567";
const SECOND: &str = "0302345678";

/// Sits down an agent of the queue.
pub async fn sits(api: &Api, agent: &str, device: &str) -> CommandReply<'static> {
    let seat = json!({"provider": "pbx", "device": device, "agentId": agent, "queues": ["7000"]});
    command(api, Method::PUT, &["agents", agent, "registration"], &seat).await
}

async fn wants(api: &Api, agent: &str, body: Value) {
    command(api, Method::PUT, &["agents", agent, "availability"], &body).await;
}

async fn opens(api: &Api, agent: &str, contact: Option<Uuid>) -> Uuid {
    let body = json!({"agent": agent, "contact": contact});
    command(api, Method::POST, &["sessions"], &body).await.session.unwrap().id
}

async fn changes(api: &Api, session: Uuid, change: &str) -> CommandReply<'static> {
    command(api, Method::POST, &["sessions", &session.to_string(), change], &json!({})).await
}

async fn session(api: &Api, id: Uuid) -> SessionView<'static> {
    api.get(&["sessions", &id.to_string()]).await.unwrap()
}

async fn agent(api: &Api, name: &str) -> AgentView<'static> {
    api.get(&["agents", name]).await.unwrap()
}

fn reasons(agent: &AgentView<'_>) -> Vec<Reason> {
    agent.availability.reasons.iter().map(|reason| reason.kind).collect()
}

async fn told(jkc: &StandIn, mark: usize, kind: &str, device: &str) -> Event {
    let fits = |event: &Event| event.data.change == kind && event.data.device.as_deref() == Some(device);
    jkc.event_after(mark, kind, SOON, fits).await.unwrap_or_else(|error| panic!("{error}")).0
}

/// How often JKC was told so, of this agent or in this session.
fn times(ledger: &Ledger, kind: &str, whose: &str) -> usize {
    let about = |event: &Event| {
        let agent = event.data.agent.as_ref().is_some_and(|agent| agent.id == whose);
        agent || event.data.session.as_ref().is_some_and(|session| session.agent == whose)
    };
    ledger.since(0).filter(|entry| entry.event.data.change == kind && about(&entry.event)).count()
}

/// A customer whom an agent at a device has helped: his session is open, and he works after the call.
async fn after_call_work(house: &House, name: &str, device: &str, to: &str) -> Uuid {
    let mark = house.mark();
    house.pbx.ring(CUSTOMER, to).unwrap();
    let ringing = told(&house.jkc, mark, "call.ringing", device).await;
    house.pbx.answer(device).unwrap();
    told(&house.jkc, mark, "call.answered", device).await;
    let session = opens(&house.api, name, ringing.data.contact.map(|contact| contact.id)).await;
    house.pbx.hang_up(CUSTOMER).unwrap();
    told(&house.jkc, mark, "agent.after-call-started", device).await;
    session
}

/// A daemon that can be killed, and what stands around it.
struct Mortal {
    pbx: RunningSimulator,
    jkc: StandIn,
    api: Api,
    folder: TempDir,
}

impl Mortal {
    async fn new() -> (Self, Process) {
        let folder = TempDir::new().unwrap();
        let pbx = schakel_simulator::start(town_hall()).await.unwrap();
        let (address, admin) = free_ports();
        let csta = pbx.csta_address().unwrap();
        let text = harness::configuration(folder.path(), csta, &address.to_string(), &admin.to_string(), "");
        std::fs::write(folder.path().join("schakel.toml"), text).unwrap();
        let token = harness::token(&folder.path().join("journal.db"));
        let api = harness::api(address, &token);
        let jkc = StandIn::start(ANY, None, Order::Whole).await.unwrap();
        let mortal = Self { pbx, jkc, api, folder };
        let daemon = mortal.start().await;
        harness::subscribe(&mortal.api, &mortal.jkc, false).await;
        (mortal, daemon)
    }

    /// Runs until its link is up.
    async fn start(&self) -> Process {
        let mut daemon = Process::start(&self.folder.path().join("schakel.toml"));
        daemon.says("schakel runs").await;
        let up = async {
            loop {
                let provider: ProviderView<'static> = self.api.get(&["providers", "pbx"]).await.unwrap();
                if provider.link == schakel_contract::views::LinkState::Up {
                    return;
                }
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(SOON, up).await.expect("the link comes up");
        daemon
    }
}

#[test]
fn t11_t16_p03_a_killed_daemon_forgets_neither_after_call_work_nor_the_question() {
    on_runtime(async {
        let (house, mut daemon) = Mortal::new().await;
        let (api, jkc) = (&house.api, &house.jkc);
        sits(api, "anna", "2001").await;
        sits(api, "bram", "2002").await;
        pbx_has(&house.pbx, "2002", Some(PbxState::Ready)).await;
        wants(api, "bram", json!({"ready": false, "reason": "lunch"})).await;
        pbx_has(&house.pbx, "2002", Some(PbxState::NotReady)).await;
        pbx_has(&house.pbx, "2001", Some(PbxState::Ready)).await;
        house.pbx.ring(CUSTOMER, "7000").unwrap();
        let ringing = told(jkc, 0, "call.ringing", "2001").await;
        house.pbx.answer("2001").unwrap();
        told(jkc, 0, "call.answered", "2001").await;
        let open = opens(api, "anna", ringing.data.contact.map(|contact| contact.id)).await;
        house.pbx.hang_up(CUSTOMER).unwrap();
        told(jkc, 0, "agent.after-call-started", "2001").await;
        pbx_has(&house.pbx, "2001", Some(PbxState::WorkingAfterCall)).await;
        house.pbx.ring(SECOND, "2001").unwrap();
        let asked = told(jkc, 0, "session.decision-asked", "2001").await;
        let call = asked.data.session.unwrap().decisions[0].call;
        let before = session(api, open).await;

        daemon.child.kill().await.unwrap();
        let mut daemon = house.start().await;
        let after = session(api, open).await;
        assert_eq!((after.state, &after.decisions), (SessionState::Open, &before.decisions));
        let (was, lease) = (before.lease.unwrap(), after.lease.unwrap());
        assert!(lease.expires_at > was.expires_at, "{lease:?}: no browser could be heard meanwhile");
        assert_eq!(lease.vanished_at, None);
        let anna = agent(api, "anna").await;
        assert_eq!((anna.after_call.unwrap().session, anna.session), (open, Some(open)));
        assert_eq!(reasons(&anna), [Reason::Call, Reason::AfterCall, Reason::Session]);
        assert_eq!(anna.registration.unwrap().device, "2001");
        let bram = agent(api, "bram").await;
        assert_eq!(bram.readiness.reason.as_deref(), Some("lunch"));
        assert_eq!(bram.registration.unwrap().device, "2002");
        pbx_has(&house.pbx, "2001", Some(PbxState::WorkingAfterCall)).await;
        pbx_has(&house.pbx, "2002", Some(PbxState::NotReady)).await;

        // The question is answered now, and she is free when the second customer has given up.
        let decision = json!({"call": call, "decision": "keep"});
        let path = ["sessions", &open.to_string(), "decisions"];
        let kept = command(api, Method::POST, &path, &decision).await.session.unwrap();
        assert_eq!((kept.state, kept.cause), (SessionState::Parked, SessionCause::Decided));
        told(jkc, 0, "agent.after-call-ended", "2001").await;
        house.pbx.hang_up(SECOND).unwrap();
        pbx_has(&house.pbx, "2001", Some(PbxState::Ready)).await;
        changes(api, open, "close").await;
        let last = sits(api, "anna", "2003").await.command.id;
        let done = |event: &Event| event.data.command.as_ref().is_some_and(|command| command.id == last);
        jkc.event_after(0, "the last command", SOON, done).await.unwrap_or_else(|error| panic!("{error}"));

        jkc.look(|ledger| {
            assert_eq!(ledger.violations(), [] as [String; 0]);
            let once = [
                "agent.after-call-started",
                "agent.after-call-ended",
                "session.decision-asked",
                "session.parked",
                "session.closed",
            ];
            for kind in once {
                assert_eq!(times(ledger, kind, "anna"), 1, "{kind}");
            }
            assert_eq!(times(ledger, "agent.registered", "bram"), 1);
        });
        daemon.child.kill().await.unwrap();
        house.pbx.stop().await;
    });
}

#[test]
fn t11_work_that_ends_while_the_link_is_down_frees_the_agent_when_it_is_back() {
    on_runtime(async {
        let house = House::with(town_hall(), "").await;
        sits(&house.api, "anna", "2001").await;
        pbx_has(&house.pbx, "2001", Some(PbxState::Ready)).await;
        let open = after_call_work(&house, "anna", "2001", "7000").await;
        pbx_has(&house.pbx, "2001", Some(PbxState::WorkingAfterCall)).await;
        let mark = house.mark();
        house.pbx.sin(&Sin::CutLink { during: None }).unwrap();
        let anna = house.is("anna", Is::Unreachable).await;
        assert_eq!(reasons(&anna), [Reason::LinkDown, Reason::AfterCall, Reason::Session]);
        changes(&house.api, open, "close").await;
        told(&house.jkc, mark, "agent.after-call-ended", "2001").await;
        assert_eq!(reasons(&agent(&house.api, "anna").await)[0], Reason::LinkDown);
        house.pbx.sin(&Sin::Heal).unwrap();
        house.is("anna", Is::Available).await;
        pbx_has(&house.pbx, "2001", Some(PbxState::Ready)).await;
        house.ends_clean().await;
    });
}

#[test]
fn t02_t14_who_was_logged_off_at_a_restarted_pbx_is_shown_so_and_is_logged_on_by_registering_again() {
    on_runtime(async {
        let house = House::with(town_hall(), "").await;
        sits(&house.api, "anna", "2001").await;
        pbx_has(&house.pbx, "2001", Some(PbxState::Ready)).await;
        let open = after_call_work(&house, "anna", "2001", "7000").await;
        pbx_has(&house.pbx, "2001", Some(PbxState::WorkingAfterCall)).await;
        house.pbx.sin(&Sin::Restart { keep_calls: false, during: None }).unwrap();
        house.pbx.sin(&Sin::CutLink { during: None }).unwrap();
        house.is("anna", Is::Unreachable).await;
        house.pbx.agent("2001", AgentRequest::LoggedOff, None, None).unwrap();
        house.pbx.sin(&Sin::Heal).unwrap();
        let anna = house.is("anna", Is::Offline).await;
        assert_eq!(reasons(&anna), [Reason::LoggedOff, Reason::AfterCall, Reason::Session]);
        assert!(!anna.availability.takes_calls);
        // Her work is kept, and goes on in the telephone system when she is back.
        sits(&house.api, "anna", "2001").await;
        house.is("anna", Is::AfterCall).await;
        pbx_has(&house.pbx, "2001", Some(PbxState::WorkingAfterCall)).await;
        changes(&house.api, open, "close").await;
        house.is("anna", Is::Available).await;
        pbx_has(&house.pbx, "2001", Some(PbxState::Ready)).await;
        house.ends_clean().await;
    });
}

/// A tab of JKC: what the client that the other tests use does by itself, it decides on its own.
pub struct Tab {
    http: reqwest::Client,
    base: String,
    token: String,
}

impl Tab {
    pub async fn of(house: &House) -> Self {
        let wanted = json!({"name": "tab", "scopes": ["admin"]});
        let token: CreatedToken = house.api.send(Method::POST, &["tokens"], &wanted).await.unwrap();
        let base = format!("http://{}/v1", house.daemon.api);
        Self { http: reqwest::Client::builder().no_proxy().build().unwrap(), base, token: token.secret }
    }

    pub async fn gets<T: DeserializeOwned>(&self, path: &str) -> T {
        let request = self.http.get(format!("{}/{path}", self.base)).bearer_auth(&self.token);
        let body = request.send().await.unwrap().bytes().await.unwrap();
        serde_json::from_slice(&body).unwrap_or_else(|error| panic!("{path}: {error}: {body:?}"))
    }

    async fn posts(&self, path: &str, headers: &[(&str, &str)], body: &Value) -> Response {
        let mut request = self.http.post(format!("{}/{path}", self.base)).bearer_auth(&self.token).json(body);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        request.send().await.unwrap()
    }
}

#[test]
fn t16_of_two_tabs_that_decide_differently_one_wins_and_the_other_is_told_what_was_decided() {
    on_runtime(async {
        let house = House::with(town_hall(), "").await;
        sits(&house.api, "anna", "2001").await;
        let open = opens(&house.api, "anna", None).await;
        let mark = house.mark();
        house.pbx.ring(CUSTOMER, "2001").unwrap();
        let asked = told(&house.jkc, mark, "session.decision-asked", "2001").await;
        let call = asked.data.session.unwrap().decisions[0].call;
        let (one, two) = (Tab::of(&house).await, Tab::of(&house).await);
        let path = format!("sessions/{open}/decisions");
        let (keep, ignore) =
            (json!({"call": call, "decision": "keep"}), json!({"call": call, "decision": "ignore"}));

        // Who acts on an old picture has decided nothing.
        let old = one.posts(&path, &[("if-match", "\"999\"")], &keep).await;
        assert_eq!(old.status(), StatusCode::PRECONDITION_FAILED);
        assert_eq!(session(&house.api, open).await.state, SessionState::Open);

        let headers = [("idempotency-key", "tab-one")];
        let (first, second) = tokio::join!(one.posts(&path, &headers, &keep), two.posts(&path, &[], &ignore));
        let won = if first.status() == StatusCode::OK { "keep" } else { "ignore" };
        let (taken, refused) = if won == "keep" { (first, second) } else { (second, first) };
        assert_eq!((taken.status(), refused.status()), (StatusCode::OK, StatusCode::CONFLICT));
        let problem: Problem<'static> = serde_json::from_slice(&refused.bytes().await.unwrap()).unwrap();
        assert!(problem.detail.contains(won), "{}", problem.detail);
        assert_eq!(problem.cause, Some(RefusalCause::AlreadyDecided));
        let kept = session(&house.api, open).await;
        let state = if won == "keep" { SessionState::Parked } else { SessionState::Closed };
        assert_eq!((kept.state, kept.cause), (state, SessionCause::Decided));

        // The same again under the same key is the same answer; another body under it is a mistake.
        let again = one.posts(&path, &headers, &keep).await;
        assert_eq!(again.status() == StatusCode::OK, won == "keep");
        let other = one.posts(&path, &headers, &ignore).await;
        assert_eq!(other.status(), StatusCode::UNPROCESSABLE_ENTITY);
        house.pbx.hang_up(CUSTOMER).unwrap();
        house.ends_clean().await;
    });
}

#[test]
fn t14_who_sits_down_at_an_extension_takes_it_over_and_the_work_of_before_is_kept() {
    on_runtime(async {
        let house = House::with(town_hall(), "").await;
        sits(&house.api, "anna", "2001").await;
        pbx_has(&house.pbx, "2001", Some(PbxState::Ready)).await;
        let open = after_call_work(&house, "anna", "2001", "7000").await;
        pbx_has(&house.pbx, "2001", Some(PbxState::WorkingAfterCall)).await;
        let mark = house.mark();
        sits(&house.api, "bram", "2001").await;
        let parked = house.told(mark, "session.parked", None).await.data.session.unwrap();
        assert_eq!((parked.id, parked.cause), (open, SessionCause::LoggedOff));
        house.told(mark, "agent.after-call-ended", None).await;
        let anna = house.is("anna", Is::Offline).await;
        assert_eq!((reasons(&anna), anna.registration), (vec![Reason::NotRegistered], None));
        house.is("bram", Is::Available).await;
        pbx_has(&house.pbx, "2001", Some(PbxState::Ready)).await;
        let state = house.pbx.state();
        let desk = state.switch.extensions.iter().find(|each| each.number.as_str() == "2001").unwrap();
        assert_eq!(&*desk.agent.as_ref().unwrap().id, "bram");
        // She goes on elsewhere, with the same work.
        sits(&house.api, "anna", "2002").await;
        changes(&house.api, open, "resume").await;
        house.is("anna", Is::InSession).await;
        changes(&house.api, open, "close").await;
        house.is("anna", Is::Available).await;
        house.ends_clean().await;
    });
}

#[test]
fn t02_t11_a_pbx_without_agent_states_has_schakels_own_after_call_work() {
    on_runtime(async {
        let mut config = town_hall();
        config.switch.behaviour.agents = AgentSupport::None;
        let house = House::with(config, "").await;
        sits(&house.api, "anna", "2001").await;
        house.is("anna", Is::Available).await;
        let open = after_call_work(&house, "anna", "2001", "2001").await;
        let anna = house.is("anna", Is::AfterCall).await;
        assert_eq!(reasons(&anna), [Reason::AfterCall, Reason::Session]);
        assert!(anna.provider_state.is_none(), "{:?}", anna.provider_state);
        changes(&house.api, open, "close").await;
        house.is("anna", Is::Available).await;
        wants(&house.api, "anna", json!({"ready": false, "reason": "pauze"})).await;
        assert_eq!(reasons(&house.is("anna", Is::NotReady).await), [Reason::NotReady]);
        house.ends_clean().await;
    });
}

#[test]
fn t02_t11_a_pbx_that_must_be_asked_is_asked() {
    on_runtime(async {
        let mut config = town_hall();
        config.switch.behaviour.agents = AgentSupport::Polled;
        let house = House::with(config, "[providers.csta]\nagent_poll_seconds = 1").await;
        sits(&house.api, "anna", "2001").await;
        house.is("anna", Is::Available).await;
        pbx_has(&house.pbx, "2001", Some(PbxState::Ready)).await;
        // She presses for a break at the telephone; nobody tells, until it is asked.
        house.pbx.agent("2001", AgentRequest::NotReady, None, None).unwrap();
        assert_eq!(reasons(&house.is("anna", Is::NotReady).await), [Reason::NotReady]);
        house.pbx.agent("2001", AgentRequest::Ready, None, None).unwrap();
        house.is("anna", Is::Available).await;
        let open = after_call_work(&house, "anna", "2001", "7000").await;
        house.is("anna", Is::AfterCall).await;
        pbx_has(&house.pbx, "2001", Some(PbxState::WorkingAfterCall)).await;
        changes(&house.api, open, "close").await;
        house.is("anna", Is::Available).await;
        pbx_has(&house.pbx, "2001", Some(PbxState::Ready)).await;
        house.ends_clean().await;
    });
}

#[test]
fn t02_who_has_no_agent_id_at_a_pbx_with_agents_takes_calls_all_the_same() {
    on_runtime(async {
        let house = House::with(town_hall(), "").await;
        let seat = json!({"provider": "pbx", "device": "2001"});
        command(&house.api, Method::PUT, &["agents", "jan", "registration"], &seat).await;
        // The telephone system has refused to log him on, and was asked what he is.
        let refused =
            |event: &Event| event.data.agent.as_ref().is_some_and(|jan| jan.provider_state.is_some());
        let open = after_call_work(&house, "jan", "2001", "2001").await;
        let jan = house.is("jan", Is::AfterCall).await;
        assert_eq!(reasons(&jan), [Reason::AfterCall, Reason::Session]);
        changes(&house.api, open, "close").await;
        house.jkc.event_after(0, "what the PBX says", SOON, refused).await.unwrap();
        house.is("jan", Is::Available).await;
        let seat = json!({"provider": "pbx", "device": "2001", "queues": ["", "x\u{0}y"]});
        let unnamed = house.api.command(Method::PUT, &["agents", "jan", "registration"], Some(&seat)).await;
        let Err(ApiError::Problem(problem)) = unnamed else { panic!("these are no queues") };
        assert_eq!(problem.status, 400, "{problem:?}");
        house.ends_clean().await;
    });
}
