//! The whole set-up, and what every chapter needs: let somebody ring, wait for what JKC is told, hang up.

use super::daemon::Daemon;
use super::mail::MailServer;
use super::tally::Tally;
use super::teller::{Teller, Untrue, say};
use crate::client::screen::{self, Buttons};
use crate::client::{AccessArgs, Api, Order, Picture};
use crate::jkc::certificate::{self, CertificateFiles};
use crate::jkc::{Secret, StandIn};
use crate::softphone::{Habits, Seat, Softphone};
use reqwest::Method;
use schakel_contract::event::Event;
use schakel_contract::requests::{SubscriptionRequest, TokenRequest};
use schakel_contract::views::{CreatedSubscription, CreatedToken, LinkState, Scope};
use schakel_simulator::RunningSimulator;
use schakel_simulator::config::{CstaConfig, DeviceIdStyle, SimulatorConfig};
use schakel_simulator::switch::{
    AgentState, ExtensionConfig, Number, OutsideConfig, QueueConfig, RoutingPointConfig, SwitchConfig,
};
use std::cell::Cell;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::Path;
use std::time::{Duration, Instant};
use tempfile::TempDir;
use uuid::Uuid;

/// What takes milliseconds is given this long: a busy machine must not make the story untrue.
pub(super) const SOON: Duration = Duration::from_secs(15);

/// The name of the PBX in the configuration.
pub(super) const PROVIDER: &str = "pbx";

/// The queue of the front office.
pub(super) const QUEUE: &str = "7000";

/// Anna's agent id in the PBX.
pub(super) const ANNAS_ID: &str = "4001";

/// Where the municipality's own number arrives: the PBX asks JKC where each call goes.
pub(super) const POINT: &str = "7100";

/// The queue of chats.
pub(super) const CHAT_QUEUE: &str = "burgerzaken";

/// A queue of chats that is closed now.
pub(super) const CHAT_CLOSED: &str = "avondloket";

/// Somebody outside.
#[derive(Debug, Clone, Copy)]
pub(super) struct Outsider {
    pub(super) name: &'static str,
    pub(super) number: &'static str,
}

pub(super) const BAKERY: Outsider = Outsider { name: "Bakkerij De Korenaar", number: "0201234567" };
pub(super) const JANSEN: Outsider = Outsider { name: "Mw. Jansen", number: "0302345678" };
pub(super) const SMIT: Outsider = Outsider { name: "Dhr. Smit", number: "0703456789" };
pub(super) const GARAGE: Outsider = Outsider { name: "Garage Zuid", number: "0104567890" };
pub(super) const PETERS: Outsider = Outsider { name: "Fam. Peters", number: "0612345678" };
/// The PBX knows no name of him: only JKC does.
pub(super) const DE_VRIES: Outsider = Outsider { name: "J. de Vries", number: "0687654321" };
const OUTSIDERS: [Outsider; 5] = [BAKERY, JANSEN, SMIT, GARAGE, PETERS];

/// A call that rings, as JKC was told of it.
#[derive(Debug, Clone)]
pub(super) struct Ringing {
    pub(super) call: Uuid,
    pub(super) contact: Uuid,
    pub(super) event: Event,
}

/// Everything that takes part.
pub(super) struct Stage {
    pub(super) teller: Teller,
    pub(super) simulator: RunningSimulator,
    pub(super) daemon: Daemon,
    pub(super) jkc: StandIn,
    pub(super) api: Api,
    /// The API as the website has it, which may open chats for visitors and nothing else.
    pub(super) visitors: Api,
    /// Where messages are sent that visitors leave.
    pub(super) mail: MailServer,
    pub(super) url: String,
    pub(super) token: String,
    pub(super) files: CertificateFiles,
    pub(super) anna: Softphone,
    pub(super) bram: Softphone,
    pub(super) carla: Softphone,
    /// From the ring at the PBX to the pop-up at JKC.
    pub(super) rings: Vec<Duration>,
    /// What the story did.
    pub(super) tally: Tally,
    /// Whether a pop-up has been shown.
    popups: Cell<bool>,
    /// Last, so that it is removed when nobody uses it any more.
    folder: TempDir,
}

impl Stage {
    /// Starts everybody.
    pub(super) async fn set(teller: Teller) -> Result<Self, Untrue> {
        let folder = tempfile::Builder::new().prefix("schakel-demo-").tempdir().map_err(|error| {
            set_up(format!("a temporary folder cannot be made: {error}; TMPDIR names another place"))
        })?;
        let files = certificate::make(folder.path(), &["localhost", "127.0.0.1"]).map_err(set_up)?;
        let simulator = schakel_simulator::start(pbx()).await.map_err(set_up)?;
        let csta = simulator.csta_address().ok_or_else(|| set_up("the simulator does not listen"))?;
        let tls = crate::tls::server(&files.certificate, &files.key).map_err(set_up)?;
        let jkc = StandIn::start(loopback(0), Some(tls), Order::Whole).await.map_err(set_up)?;

        let [api_port, admin_port] = free_ports().map_err(set_up)?;
        let (api_address, admin_address) = (loopback(api_port).to_string(), loopback(admin_port).to_string());
        let config = folder.path().join("schakel.toml");
        let mail = MailServer::start().await.map_err(set_up)?;
        let mut text = configuration(folder.path(), &files, &api_address, &admin_address, csta);
        text.push_str(&chat_configuration(mail.port()));
        std::fs::write(&config, text).map_err(set_up)?;
        let mut daemon = Daemon::new(config, folder.path().join("schakel.log"), &admin_address);
        let token = daemon.create_token().await?;
        daemon.start().await?;

        let url = format!("https://{api_address}");
        let access =
            AccessArgs { token: Some(token.clone()), ca_file: Some(files.ca.clone()), token_file: None };
        let api = Api::new(&url, &access)?;
        let website = TokenRequest {
            name: "website".into(),
            scopes: vec![Scope::ChatsVisit],
            agent: None,
            expires_at: None,
        };
        let website: CreatedToken = api.send(Method::POST, &["tokens"], &website).await?;
        let visitors = Api::new(&url, &AccessArgs { token: Some(website.secret), ..access })?;
        let request = SubscriptionRequest { url: jkc.url(), kinds: Vec::new(), batch: false, persons: true };
        let created: CreatedSubscription = api.send(Method::POST, &["webhooks"], &request).await?;
        jkc.trust(Secret::parse(&created.secret).map_err(set_up)?);
        let sign_on = async |agent: &str, device: &str| {
            let (agent, provider) = (agent.into(), PROVIDER.into());
            let seat = Seat { agent, provider, device: device.into(), ..Seat::default() };
            Softphone::sign_on(api.clone(), seat).await
        };
        let (anna, bram, carla) =
            (sign_on("anna", "2001").await?, sign_on("bram", "2002").await?, sign_on("carla", "2003").await?);
        let stage = Self {
            teller,
            simulator,
            daemon,
            jkc,
            api,
            visitors,
            mail,
            url,
            token,
            files,
            anna,
            bram,
            carla,
            rings: Vec::new(),
            tally: Tally::new(),
            popups: Cell::new(false),
            folder,
        };
        stage.anna.wait("the link to the PBX", SOON, link_is_up).await?;
        stage.introduce(csta);
        Ok(stage)
    }

    /// Somebody outside calls a telephone: JKC shows the pop-up.
    pub(super) async fn ring(&mut self, who: Outsider, device: &str) -> Result<Ringing, Untrue> {
        let mark = self.mark();
        let Outsider { name, number } = who;
        say!(self, Pbx, "{name} ({number}) belt {device}", "{name} ({number}) calls {device}");
        let rang = Instant::now();
        self.calls(who, device)?;
        let (event, at) = self
            .jkc
            .event_after(mark, format!("the pop-up of {number} at {device}"), SOON, |event| {
                rings_at(event, device)
            })
            .await?;
        let after = at.saturating_duration_since(rang);
        self.rings.push(after);
        let millis = after.as_secs_f64() * 1000.0;
        say!(self, Jkc, "pop-up, {millis:.1} ms na het overgaan:", "pop-up, {millis:.1} ms after the ring:");
        self.popup(&event);
        self.teller.pause().await;
        let ringing = Ringing::of(event)?;
        let customer =
            ringing.event.data.contact.as_ref().and_then(|contact| contact.customer.number.as_deref());
        self.teller.check(customer == Some(number), || {
            format!("the pop-up names {number}; it names {customer:?}")
        })?;
        Ok(ringing)
    }

    /// The agent at a telephone is this to the PBX; it may take a moment.
    pub(super) async fn at_the_pbx(&self, device: &str, state: AgentState) -> Result<(), Untrue> {
        let there = |now: &schakel_simulator::SimulatorState| {
            let mut extensions = now.switch.extensions.iter();
            let here = extensions.find(|extension| extension.number.as_str() == device);
            here.and_then(|extension| extension.agent.as_ref()).map(|agent| agent.state)
        };
        let reached =
            tokio::time::timeout(SOON, self.simulator.until(|now| there(now) == Some(state))).await.is_ok();
        self.teller.check(reached, || {
            format!("the PBX's agent at {device} is {state:?}; it is {:?}", there(&self.simulator.state()))
        })
    }

    /// Anna signs on again, for a queue and with JKC's contact sessions.
    pub(super) async fn anna_begins_her_day(&mut self) -> Result<(), Untrue> {
        self.anna.leave().await?;
        let (queues, agent_id) = (vec![QUEUE.into()], Some(ANNAS_ID.into()));
        let seat = Seat { queues, agent_id, ..self.anna.seat().clone() };
        let habits = Habits { opens_sessions: true, heartbeat: None };
        self.anna = Softphone::sign_on_with(self.api.clone(), seat, habits).await?;
        Ok(())
    }

    /// Waits for a notification of any kind since a mark, and tells it.
    pub(super) async fn heard(
        &self,
        mark: usize,
        what: &str,
        fits: impl Fn(&Event) -> bool,
    ) -> Result<Event, Untrue> {
        let (event, _) = self.jkc.event_after(mark, what, SOON, fits).await?;
        self.teller
            .tell(super::teller::Who::Jkc, &format!("← {}", screen::line(self.teller.language, &event)));
        Ok(event)
    }

    /// Shows the pop-up of a notification.
    pub(super) fn popup(&self, event: &Event) {
        // Once with every button and its reason; after that a reader knows, and the active ones say enough.
        let buttons = if self.popups.replace(true) { Buttons::Active } else { Buttons::All };
        if let Some(popup) = screen::popup(self.teller.language, event, buttons) {
            popup.lines().for_each(|line| screen::show(format_args!("{:20}{line}", "")));
        }
    }

    /// Waits for a notification of a contact since a mark, and tells it.
    pub(super) async fn told(&self, mark: usize, contact: Uuid, change: &str) -> Result<Event, Untrue> {
        self.told_at(mark, contact, change, None).await
    }

    /// As [`Stage::told`], about a device.
    pub(super) async fn told_at(
        &self,
        mark: usize,
        contact: Uuid,
        change: &str,
        device: Option<&str>,
    ) -> Result<Event, Untrue> {
        let fits = |event: &Event| {
            let same = event.data.contact.as_ref().is_some_and(|known| known.id == contact);
            same && event.data.change == change
                && (device.is_none() || event.data.device.as_deref() == device)
        };
        let what = format!("{change} of contact {contact}");
        let (event, _) = self.jkc.event_after(mark, what, SOON, fits).await?;
        self.teller
            .tell(super::teller::Who::Jkc, &format!("← {}", screen::line(self.teller.language, &event)));
        Ok(event)
    }

    /// Somebody outside calls a telephone, a queue or a routing point.
    pub(super) fn calls(&self, who: Outsider, to: &str) -> Result<(), Untrue> {
        self.tally.received();
        self.simulator.ring(who.number, to).map(drop).map_err(simulator)
    }

    /// A party outside, or at a telephone, hangs up.
    pub(super) fn hangs_up(&self, who: Outsider) -> Result<(), Untrue> {
        let name = who.name;
        say!(self, Pbx, "{name} hangt op", "{name} hangs up");
        self.simulator.hang_up(who.number).map_err(simulator)
    }

    /// Waits until JKC knows that every call of a contact is over.
    pub(super) async fn over(&self, mark: usize, contact: Uuid) -> Result<(), Untrue> {
        let over = |picture: &Picture| picture.live_calls().all(|call| call.contact != contact);
        let ended = self.jkc.wait(format!("the end of contact {contact}"), SOON, |ledger| {
            let told = ledger.since(mark).rev().find(|entry| is_end(&entry.event, contact))?;
            over(ledger.picture()).then(|| told.event.clone())
        });
        let event = ended.await?;
        self.teller
            .tell(super::teller::Who::Jkc, &format!("← {}", screen::line(self.teller.language, &event)));
        Ok(())
    }

    /// The end of what JKC has received so far.
    pub(super) fn mark(&self) -> usize {
        self.jkc.look(crate::client::Ledger::mark)
    }

    /// The call of a contact at a device, as JKC has it now.
    pub(super) fn call_at(&self, contact: Uuid, device: &str) -> Option<Uuid> {
        self.jkc.look(|ledger| {
            let mut here = ledger.picture().calls_at(device);
            here.find(|(call, _)| call.contact == contact).map(|(call, _)| call.id)
        })
    }

    /// Ends everybody, and removes the folder.
    pub(super) async fn strike(mut self) {
        // The journal goes with the folder, so there is nothing to end in order; a failure is a daemon that is gone.
        drop(self.daemon.kill().await);
        self.simulator.stop().await;
        drop(self.jkc);
        // What cannot be removed is the system's to clean up: it is a temporary folder.
        drop(self.folder.close());
    }

    fn introduce(&self, csta: SocketAddr) {
        let (url, jkc) = (&self.url, self.jkc.url());
        let process = self.daemon.id().unwrap_or_default();
        say!(
            self,
            Pbx,
            "gesimuleerde telefooncentrale, CSTA XML op {csta}: toestellen 2001 Anna, 2002 Bram, 2003 Carla",
            "simulated telephone system, CSTA XML at {csta}: extensions 2001 Anna, 2002 Bram, 2003 Carla"
        );
        say!(
            self,
            Schakel,
            "draait als proces {process}, API op {url}, journaal in SQLite",
            "runs as process {process}, API at {url}, journal in SQLite"
        );
        say!(
            self,
            Jkc,
            "nagebootst, ontvangt ondertekende webhooks op {jkc}",
            "a stand-in, receives signed webhooks at {jkc}"
        );
    }
}

impl Ringing {
    /// Reads what a ringing notification is about.
    pub(super) fn of(event: Event) -> Result<Self, Untrue> {
        let call = event.data.call.as_ref().map(|call| (call.id, call.contact));
        let (call, contact) =
            call.ok_or_else(|| Untrue::Statement("a ringing notification carries its call".into()))?;
        Ok(Self { call, contact, event })
    }
}

/// Whether a notification says that a call rings at a device.
pub(super) fn rings_at(event: &Event, device: &str) -> bool {
    event.data.change == "call.ringing" && event.data.device.as_deref() == Some(device)
}

/// The link to the PBX is up, and everything is known.
fn link_is_up(picture: &Picture) -> Option<()> {
    picture.provider(PROVIDER).filter(|provider| provider.link == LinkState::Up).map(drop)
}

/// The simulator refused.
pub(super) fn simulator(error: impl std::fmt::Display) -> Untrue {
    Untrue::Simulator(error.to_string())
}

fn set_up(error: impl std::fmt::Display) -> Untrue {
    Untrue::SetUp(error.to_string())
}

fn is_end(event: &Event, contact: Uuid) -> bool {
    let same = event.data.contact.as_ref().is_some_and(|known| known.id == contact);
    same && matches!(&*event.data.change, "call.ended" | "call.missed" | "call.failed")
}

fn pbx() -> SimulatorConfig {
    let extensions = [("2001", "Anna"), ("2002", "Bram"), ("2003", "Carla")];
    SimulatorConfig {
        // As large PBXs do: every device id carries the name that belongs to it.
        csta: CstaConfig { device_ids: DeviceIdStyle::Named, ..CstaConfig::default() },
        switch: SwitchConfig {
            extensions: extensions.map(|(number, name)| ExtensionConfig::new(number).named(name)).into(),
            outside: OUTSIDERS
                .map(|outsider| OutsideConfig {
                    number: Number::from(outsider.number),
                    name: Some(outsider.name.into()),
                    answers_after: None,
                    busy: false,
                })
                .into(),
            // As contact centres set their PBX: after-call work lasts until the agent, or schakel for him, says ready.
            queues: vec![QueueConfig {
                name: Some("Burgerzaken".into()),
                agents_only: true,
                wrap_up: None,
                ..QueueConfig::new(QUEUE, [] as [&str; 0])
            }],
            routing_points: vec![RoutingPointConfig::new(POINT, QUEUE)],
            ..SwitchConfig::default()
        },
        ..SimulatorConfig::default()
    }
}

fn loopback(port: u16) -> SocketAddr {
    SocketAddr::from((Ipv4Addr::LOCALHOST, port))
}

/// Two ports that nobody listens at now; both are held at once, so that they differ.
fn free_ports() -> std::io::Result<[u16; 2]> {
    let (first, second) = (TcpListener::bind(loopback(0))?, TcpListener::bind(loopback(0))?);
    Ok([first.local_addr()?.port(), second.local_addr()?.port()])
}

fn configuration(
    folder: &Path,
    files: &CertificateFiles,
    api: &str,
    admin: &str,
    csta: SocketAddr,
) -> String {
    let quoted = |path: &Path| toml::Value::String(path.display().to_string()).to_string();
    let (journal, ca) = (quoted(&folder.join("schakel.db")), quoted(&files.ca));
    let (certificate, key) = (quoted(&files.certificate), quoted(&files.key));
    format!(
        r#"[journal]
path = {journal}

[api]
listen = "{api}"
tls_certificate_file = {certificate}
tls_key_file = {key}

[admin]
listen = "{admin}"

[webhooks]
allowed_hosts = ["127.0.0.1"]
ca_file = {ca}
# The stand-in for JKC listens on this machine.
allow_insecure = true

[sessions]
# So short that a browser that vanishes is missed within the story.
lease_seconds = 1
grace_seconds = 1

[[providers]]
name = "{PROVIDER}"
adapter = "csta"
address = "{csta}"

[providers.csta]
dialect = "standard"
edition = 4

[[providers.devices]]
numbers = ["2001-2003"]

[[providers.devices]]
numbers = ["{QUEUE}"]
kind = "queue"
name = "Burgerzaken"

[[providers.routes]]
device = "{POINT}"
limit_milliseconds = 1500
fallback = "2002"
"#
    )
}

/// Offers are as short as they may be, so that one can be let go by within the story.
fn chat_configuration(mail: u16) -> String {
    format!(
        r#"
[[opening_hours]]
name = "nooit"
weekly = []

[[chat.queues]]
name = "{CHAT_QUEUE}"
title = "Burgerzaken"
offer_limit_seconds = 5

[[chat.queues]]
name = "{CHAT_CLOSED}"
title = "Avondloket"
opening_hours = "nooit"
offline_addresses = ["chat@voorbeeld.nl"]

[mail]
host = "localhost"
port = {mail}
security = "none"
from = "Chat <chat@voorbeeld.nl>"
"#
    )
}
