//! A daemon without wires: engine, journal and outbox on one thread, and a PBX that does as it is told.

use axum::Router;
use axum::body::Body;
use http::{Method, Request, StatusCode};
use http_body_util::BodyExt as _;
use schakel_api::{ApiSettings, ApiState, Parts, Providers};
use schakel_contract::requests::TokenRequest;
use schakel_contract::views::{OpeningHoursView, Scope};
use schakel_contract::{RouteGuide, Timestamp};
use schakel_core::adapter::{Done, Observations, Operation, RefusedMessage};
use schakel_core::command::{Refusal, RefusalCause};
use schakel_core::input::InputBody;
use schakel_core::model::action::ActionSet;
use schakel_core::model::call::{ConnectionState, Party};
use schakel_core::model::cause::Cause;
use schakel_core::model::device::DeviceKind;
use schakel_core::model::ids::{DeviceId, ProviderId};
use schakel_core::model::pii::Pii;
use schakel_core::model::provider::Capabilities;
use schakel_core::model::route::{RouteDecision, RouteSettings};
use schakel_core::model::time::{Millis, Time};
use schakel_core::report::{
    CallEvent, CallReport, EventReport, ProviderConnection, ReportedParty, RouteEvent,
};
use schakel_core::settings::{
    CannedText, ChatSettings, DeviceSettings, ProviderSettings, QueueSettings, Settings,
};
use schakel_engine::{Engine, EngineHandle, EngineSettings, Order};
use schakel_journal::{Options, Store};
use schakel_outbox::Outbox;
use schakel_outbox::mail::Mailer;
use schakel_register::number::{NumberPlan, PlanSettings};
use schakel_register::{Limits, Register};
use serde_json::{Value, json};
use std::cell::RefCell;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use tokio::sync::{mpsc, watch};
use tower::ServiceExt as _;

/// How the PBX answers.
#[derive(Debug, Clone)]
pub enum Pbx {
    /// It does what is asked, and says so.
    Obeys,
    /// It refuses with this cause.
    Refuses(RefusalCause),
    /// It says nothing.
    Silent,
}

pub struct House {
    pub app: ApiState,
    pub engine: EngineHandle,
    pub store: Store,
    pub router: Router,
    pub token: String,
    pub stop: watch::Sender<bool>,
    pub reconnected: Arc<AtomicUsize>,
    pbx: watch::Sender<Pbx>,
    _folder: tempfile::TempDir,
}

/// What came back.
#[derive(Debug)]
pub struct Reply {
    pub status: StatusCode,
    pub headers: http::HeaderMap,
    pub body: Value,
}

struct Links(Arc<AtomicUsize>);

/// The routeing device 7100 is Burgerzaken's, whose hours are over.
#[derive(Debug)]
struct Balie;

impl RouteGuide for Balie {
    fn department(&self, provider: &str, device: &str) -> Option<String> {
        ((provider, device) == ("pbx", "7100")).then(|| "Burgerzaken".into())
    }

    fn hours(&self, provider: &str, device: &str, at: Timestamp) -> Option<OpeningHoursView> {
        self.department(provider, device).and_then(|_| self.all_hours(at).pop())
    }

    fn all_hours(&self, at: Timestamp) -> Vec<OpeningHoursView> {
        let until = Some(Timestamp::from_millis(at.as_millis() + 1));
        vec![OpeningHoursView { name: "balie".into(), open: false, until }]
    }
}

impl Providers for Links {
    fn reconnect(&self, provider: &str) -> bool {
        self.0.fetch_add(usize::from(provider == "pbx"), Ordering::Relaxed);
        provider == "pbx"
    }

    fn observations(&self, provider: &str) -> Option<Observations> {
        let refused = RefusedMessage {
            at: Time(1_763_726_400_000),
            reason: "no end of <a>".into(),
            message: Pii::new(b"<a>\xff".to_vec()),
        };
        (provider == "pbx").then(|| Observations {
            counters: vec![("messages_refused", 1)],
            refused: vec![refused],
            unsupported: ActionSet::EMPTY,
        })
    }
}

thread_local! {
    static SETTINGS: RefCell<ApiSettings> = RefCell::default();
}

/// Runs a test in a house with other limits than the usual.
pub fn with_settings(settings: ApiSettings, test: impl AsyncFnOnce(House)) {
    SETTINGS.set(settings);
    in_house(test);
}

/// Runs a test in a house of its own: the link is up, jansen sits at 2001 and pieters at 2002.
pub fn in_house(test: impl AsyncFnOnce(House)) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    tokio::task::LocalSet::new().block_on(&runtime, async {
        let house = House::open(SETTINGS.take()).await;
        for (agent, device) in [("jansen", "2001"), ("pieters", "2002")] {
            let body = json!({ "provider": "pbx", "device": device });
            let reply = house.send("PUT", &format!("/agents/{agent}/registration"), Some(body)).await;
            assert_eq!(reply.status, 200, "{}", reply.body);
        }
        test(house).await;
    });
}

impl House {
    async fn open(settings: ApiSettings) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let (store, recovery) = Store::open(folder.path().join("journal"), Options::default()).unwrap();
        let register = Register::open(folder.path().join("register"), plan(), Limits::default()).unwrap();
        let mut engine = Engine::recover(store.clone(), recovery, engine_settings(&register)).unwrap();
        let outbox_settings = schakel_outbox::Settings {
            allowed_hosts: vec!["127.0.0.1".into(), "jkc.example.nl".into()],
            allow_plain_http: true,
            allow_loopback: true,
            withhold: schakel_outbox::Withhold::by(schakel_api::withholder().unwrap()),
            ..schakel_outbox::Settings::default()
        };
        let outbox = Outbox::start(store.clone(), outbox_settings).unwrap();
        let telling = outbox.clone();
        engine.guided_by(Arc::new(Balie));
        engine.on_committed(Box::new(move |told| telling.notify(told)));
        let decode = |bytes: &[u8]| schakel_engine::decode_offline(bytes).map_err(|error| error.to_string());
        let handle = engine.handle();
        let configured = InputBody::Configured(Box::new(core_settings()));
        tokio::task::spawn_local(engine.run(vec![InputBody::Started, configured]));
        let (commands_sender, commands) = mpsc::channel(16);
        handle.set_link(pbx(), Some(commands_sender)).await.unwrap();
        let (pbx_sender, pbx_state) = watch::channel(Pbx::Obeys);
        tokio::task::spawn_local(answer(handle.clone(), commands, pbx_state));
        let (stop, stopping) = watch::channel(false);
        let reconnected = Arc::new(AtomicUsize::new(0));
        let app = ApiState::new(Parts {
            engine: handle.clone(),
            store: store.clone(),
            outbox,
            mailer: Mailer::start(store.clone(), Arc::new(decode), None),
            register: register.clone(),
            providers: Arc::new(Links(reconnected.clone())),
            guide: Arc::new(Balie),
            settings,
            source: engine_settings(&register).source,
            stopping,
        })
        .unwrap();
        let router = schakel_api::router(app.clone());
        let mut house = Self {
            app,
            engine: handle,
            store,
            router,
            token: String::new(),
            stop,
            reconnected,
            pbx: pbx_sender,
            _folder: folder,
        };
        house.token = house.new_token(&[Scope::Admin], None).await;
        house.link_up().await;
        house
    }

    pub async fn link_up(&self) {
        let capabilities = Capabilities {
            operations: ActionSet::all(),
            reconnect: true,
            single_step_transfer: true,
            snapshot_device: true,
            ..Capabilities::default()
        };
        self.input(InputBody::LinkReady { provider: pbx(), capabilities }).await;
        self.input(InputBody::Resynced { provider: pbx(), without_snapshot: vec![] }).await;
    }

    pub async fn input(&self, body: InputBody) {
        self.engine.input(body).await.unwrap();
    }

    /// From now on what has ended is forgotten at once.
    pub async fn forget_at_once(&self) {
        let mut settings = Settings { keep_ended: Millis(0), ..core_settings() };
        settings.sessions.keep_closed = Millis(0);
        self.input(InputBody::Configured(Box::new(settings))).await;
    }

    /// From now on the PBX answers like this.
    pub fn pbx(&self, pbx: Pbx) {
        self.pbx.send_replace(pbx);
    }

    /// A new token: `<id>.<secret>`.
    pub async fn new_token(&self, scopes: &[Scope], agent: Option<&str>) -> String {
        let request = TokenRequest {
            name: "test".into(),
            scopes: scopes.to_vec(),
            agent: agent.map(str::to_owned),
            expires_at: None,
        };
        self.app.tokens().create(request).await.unwrap().secret
    }

    /// An outside caller rings at 2001; the call's id.
    pub async fn rings(&self) -> String {
        self.report(CallEvent::Delivered, "2001", ConnectionState::Alerting, Cause::NewCall).await;
        self.call_at("2001").await
    }

    /// An outside caller speaks at 2001; the call's id.
    pub async fn speaks(&self) -> String {
        let call = self.rings().await;
        self.report(CallEvent::Established, "2001", ConnectionState::Connected, Cause::Normal).await;
        call
    }

    pub async fn report(&self, event: CallEvent, device: &str, local: ConnectionState, cause: Cause) {
        let report = report(event, device, local, cause);
        self.input(InputBody::Report { provider: pbx(), report }).await;
    }

    /// A caller waits in the queue 7000.
    pub async fn queues(&self) {
        self.report(CallEvent::Queued, "7000", ConnectionState::Queued, Cause::EnteringDistribution).await;
    }

    /// The PBX asks where a call shall go; the routing's id.
    pub async fn asks(&self, dialogue: &str) -> String {
        let party = |number: &str| {
            Some(ReportedParty { device: Some(DeviceId::from(number)), party: Party::of_number(number) })
        };
        let event = RouteEvent::Requested {
            device: "7100".into(),
            call: Some(format!("routed-{dialogue}").as_str().into()),
            calling: party("0612345678"),
            current: party("7000"),
            limit: None,
            correlator: None,
        };
        let report = EventReport::Route { dialogue: dialogue.into(), event: Box::new(event) };
        self.input(InputBody::Report { provider: pbx(), report }).await;
        let routes = self.get("/routes?state=asked").await;
        routes.body["items"].as_array().unwrap().last().unwrap()["id"].as_str().unwrap().to_owned()
    }

    async fn call_at(&self, device: &str) -> String {
        let calls = self.get(&format!("/calls?device={device}")).await;
        calls.body["items"][0]["id"].as_str().unwrap().to_owned()
    }

    /// The settings of chats from now on.
    pub async fn chats(&self, change: impl FnOnce(&mut ChatSettings)) {
        let mut settings = core_settings();
        change(&mut settings.chat);
        self.input(InputBody::Configured(Box::new(settings))).await;
    }

    /// A user comes into the chat channel, for all queues.
    pub async fn chatting(&self, agent: &str) {
        let body = json!({ "queues": ["publiekszaken", "balie"], "nickname": format!("Medewerker {agent}") });
        let reply = self.send("PUT", &format!("/agents/{agent}/chat"), Some(body)).await;
        assert_eq!(reply.status, 200, "{}", reply.body);
    }

    /// A visitor opens a chat and says something: the chat's id.
    pub async fn visits(&self, queue: &str) -> String {
        let body = json!({ "queue": queue, "visitor": { "nickname": "Truus de Vries" } });
        let reply = self.post("/visits", Some(body)).await;
        assert_eq!(reply.status, 201, "{}", reply.body);
        let chat = reply.body["visit"]["id"].as_str().unwrap().to_owned();
        self.visitor_says(&chat, "Ik heb een vraag.").await;
        chat
    }

    pub async fn visitor_says(&self, chat: &str, text: &str) -> Reply {
        let path = format!("/visits/{chat}/messages/{}", uuid::Uuid::now_v7());
        let reply = self.send("PUT", &path, Some(json!({ "text": text }))).await;
        assert_eq!(reply.status, 200, "{}", reply.body);
        reply
    }

    /// An agent says something, to all or to the other agents.
    pub async fn agent_says(&self, chat: &str, agent: &str, audience: &str, text: &str) -> Reply {
        let path = format!("/chats/{chat}/messages/{}", uuid::Uuid::now_v7());
        let body = json!({ "agent": agent, "audience": audience, "text": text });
        let reply = self.send("PUT", &path, Some(body)).await;
        assert_eq!(reply.status, 200, "{}", reply.body);
        reply
    }

    /// A chat that goes on with jansen: its id.
    pub async fn chats_with_jansen(&self, queue: &str) -> String {
        self.chatting("jansen").await;
        let chat = self.visits(queue).await;
        let offer =
            self.get(&format!("/chats/{chat}")).await.body["offer"]["id"].as_str().unwrap().to_owned();
        let path = format!("/chats/{chat}/offers/{offer}/accept");
        let reply = self.post(&path, Some(json!({ "agent": "jansen" }))).await;
        assert_eq!(reply.status, 200, "{}", reply.body);
        chat
    }

    pub async fn get(&self, path: &str) -> Reply {
        self.send("GET", path, None).await
    }

    pub async fn post(&self, path: &str, body: Option<Value>) -> Reply {
        self.send("POST", path, body).await
    }

    pub async fn send(&self, method: &str, path: &str, body: Option<Value>) -> Reply {
        self.ask(method, path, body, &[]).await
    }

    /// As the house's token, unless the headers say otherwise.
    pub async fn ask(
        &self,
        method: &str,
        path: &str,
        body: Option<Value>,
        headers: &[(&str, &str)],
    ) -> Reply {
        let mut request = Request::builder().method(Method::from_bytes(method.as_bytes()).unwrap());
        request = request.uri(format!("/v1{path}"));
        if !headers.iter().any(|(name, _)| *name == "authorization") {
            request = request.header("authorization", format!("Bearer {}", self.token));
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let body = match body {
            Some(body) => {
                request = request.header("content-type", "application/json");
                Body::from(body.to_string())
            }
            None => Body::empty(),
        };
        self.raw(request.body(body).unwrap()).await
    }

    pub async fn raw(&self, request: Request<Body>) -> Reply {
        let response = self.router.clone().oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        let bytes = body.collect().await.unwrap().to_bytes();
        let body = serde_json::from_slice(&bytes).unwrap_or(Value::Null);
        Reply { status: parts.status, headers: parts.headers, body }
    }
}

impl Reply {
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    /// The kind of problem, the last part of its type.
    pub fn problem(&self) -> &str {
        assert_eq!(self.header("content-type"), "application/problem+json", "{}", self.body);
        assert_eq!(self.body["status"], self.status.as_u16());
        self.body["type"].as_str().unwrap().rsplit('/').next().unwrap()
    }
}

/// Whether an action is allowed at a device of a call as it is shown.
pub fn allows(call: &Value, device: &str, action: &str) -> bool {
    let connections = call["connections"].as_array().unwrap().iter().rev();
    let here = connections.into_iter().find(|each| each["device"] == device).unwrap();
    let actions = here["actions"].as_array().unwrap();
    actions.iter().find(|each| each["action"] == action).unwrap()["allowed"] == true
}

pub fn pbx() -> ProviderId {
    "pbx".into()
}

/// An outside line is 0; the numbers of 8000-8999 are the organisation's own.
fn plan() -> NumberPlan {
    let own = vec!["+31703538000-+31703538999 = 8000-8999".to_owned()];
    let plan = NumberPlan::new(&PlanSettings { own, ..PlanSettings::default() }).unwrap();
    plan.with_devices(["2001", "2002", "2003", "7000"].into_iter())
}

fn engine_settings(register: &Register) -> EngineSettings {
    EngineSettings {
        organisation: "voorbeeld".into(),
        source: "urn:nld:oin:00000001823288444000:systeem:schakel".into(),
        snapshot_every: 1_000_000,
        recognise: Arc::new(register.clone()),
        act_before_commit: false,
        commit_takes: std::time::Duration::ZERO,
    }
}

fn core_settings() -> Settings {
    let station = |id: &str| DeviceSettings { id: id.into(), kind: DeviceKind::Station, name: None };
    let queue = DeviceSettings {
        id: "7000".into(),
        kind: DeviceKind::Queue,
        name: Some(Pii::new("Publieksbalie".into())),
    };
    let devices = vec![station("2001"), station("2002"), station("2003"), queue];
    let route = RouteSettings {
        provider: pbx(),
        device: "7100".into(),
        limit: Millis::seconds(10),
        fallback: RouteDecision::Default,
    };
    Settings {
        providers: vec![ProviderSettings { id: pbx(), devices }],
        routes: vec![route],
        chat: chat_settings(),
        ..Settings::default()
    }
}

/// Two queues: publiekszaken takes messages when nobody is there, balie takes visitors' files.
fn chat_settings() -> ChatSettings {
    let canned = |id: &str, queue: &[&str]| CannedText {
        id: id.into(),
        language: "nl".into(),
        title: "Groet".into(),
        text: "Goedemiddag, waarmee kan ik u helpen?".into(),
        at_once: false,
        queues: queue.iter().map(|queue| (*queue).into()).collect(),
    };
    let publiekszaken = QueueSettings {
        name: "Publiekszaken".into(),
        offline: true,
        typing_preview: false,
        ..QueueSettings::named("publiekszaken")
    };
    let balie = QueueSettings { visitor_files: true, ..QueueSettings::named("balie") };
    ChatSettings {
        queues: vec![publiekszaken, balie],
        canned: vec![canned("groet", &[]), canned("balie-groet", &["balie"])],
        ..ChatSettings::default()
    }
}

/// The PBX: one answer to each command, and the event that belongs to it.
async fn answer(engine: EngineHandle, mut orders: mpsc::Receiver<Order>, pbx_state: watch::Receiver<Pbx>) {
    while let Some(order) = orders.recv().await {
        let Order::Command(command) = order else { continue };
        let result = match pbx_state.borrow().clone() {
            Pbx::Silent => continue,
            Pbx::Refuses(cause) => Err(Refusal::new(cause, "The telephone system says no.")),
            Pbx::Obeys => Ok(Done { connection: None }),
        };
        let event = if result.is_ok() { event_of(&command.operation) } else { None };
        let reply =
            InputBody::Reply { provider: pbx(), command: command.command, step: command.step, result };
        for body in event.into_iter().chain([reply]) {
            if engine.input(body).await.is_err() {
                return;
            }
        }
    }
}

fn event_of(operation: &Operation) -> Option<InputBody> {
    let (event, local, device) = match operation {
        Operation::Answer(at) => (CallEvent::Established, ConnectionState::Connected, &at.device),
        Operation::Hold(at) => (CallEvent::Held, ConnectionState::Held, &at.device),
        Operation::Retrieve(at) => (CallEvent::Retrieved, ConnectionState::Connected, &at.device),
        Operation::Clear(at) => (CallEvent::ConnectionCleared, ConnectionState::Null, &at.device),
        _ => return None,
    };
    let report = report(event, device.as_str(), local, Cause::Normal);
    Some(InputBody::Report { provider: pbx(), report })
}

fn report(event: CallEvent, device: &str, local: ConnectionState, cause: Cause) -> EventReport {
    let party = |number: &str| {
        Some(ReportedParty { device: Some(DeviceId::from(number)), party: Party::of_number(number) })
    };
    EventReport::Call(Box::new(CallReport {
        event,
        connection: ProviderConnection { call: "c1".into(), device: device.into() },
        monitor: Some(device.into()),
        local: Some(local),
        cause,
        calling: party("0201234567"),
        called: party("2001"),
        last_redirection: None,
        network_called: None,
        permitted: None,
        correlator: None,
        linked_call: None,
    }))
}
