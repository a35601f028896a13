//! The daemon: journal, engine, links, outbox, API and admin listener in one current_thread runtime.

mod links;
mod maintenance;
mod opening;
pub(crate) mod settings;

pub use links::Controls;
pub(crate) use settings::source;

use crate::cli::{ConfigArgs, Failure};
use crate::config::Config;
use crate::hours::Guide;
use jiff::Timestamp;
use links::{Links, Sendable};
use schakel_api::{ApiState, Parts};
use schakel_core::adapter::Observations;
use schakel_core::input::InputBody;
use schakel_core::model::ids::OrganisationId;
use schakel_engine::{Engine, EngineHandle, EngineSettings};
use schakel_journal::Store;
use schakel_outbox::mail::Mailer;
use schakel_outbox::{Listener, Outbox, Withhold};
use schakel_register::Register;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;

/// How long the engine may take to write its last snapshot when the daemon stops: a full disk may keep it for ever.
const STOP: Duration = Duration::from_secs(5);

/// Answers of webhooks that may wait to be read: each is dealt with in well under a millisecond.
const ANSWERS_MAX: usize = 1024;

/// How long deliveries in flight may take to end when the daemon stops.
const DRAIN: Duration = Duration::from_secs(5);

/// Ways to break the daemon on purpose, so that a test can show that it would notice. Never from a configuration.
#[derive(Debug, Clone, Copy, Default)]
pub struct Sabotage {
    /// Act before the commit.
    pub act_before_commit: bool,
    /// Deliver without lanes: no order per contact.
    pub deliver_without_lanes: bool,
    /// Each commit takes so much longer, as on a slow disk.
    pub commit_takes: Duration,
}

/// A daemon that runs.
pub struct Daemon {
    /// Where the API listens.
    pub api: SocketAddr,
    /// Where the admin listener listens.
    pub admin: SocketAddr,
    engine: EngineHandle,
    engine_task: JoinHandle<()>,
    outbox: Outbox,
    mailer: Mailer,
    store: Store,
    links: Links,
    register: Register,
    guide: Guide,
    /// Who tells the core what changes with opening hours.
    opening: JoinHandle<()>,
    config: Config,
    stop: watch::Sender<bool>,
}

/// `schakel serve`: runs until SIGTERM or SIGINT; SIGHUP reads the configuration again.
///
/// # Errors
/// When the configuration is wrong, or something that it names cannot be had.
pub async fn run(args: ConfigArgs) -> Result<(), Failure> {
    let config = args.load()?;
    crate::observe::start(&config.log).map_err(Failure::Configuration)?;
    let mut terminate = signal(SignalKind::terminate()).map_err(Failure::failed)?;
    let mut interrupt = signal(SignalKind::interrupt()).map_err(Failure::failed)?;
    let mut hangup = signal(SignalKind::hangup()).map_err(Failure::failed)?;
    let mut daemon = Daemon::start(config, Sabotage::default()).await?;
    let watchdog = tokio::task::spawn_local(maintenance::watchdog(daemon.engine.clone()));
    loop {
        tokio::select! {
            _ = terminate.recv() => break,
            _ = interrupt.recv() => break,
            _ = hangup.recv() => daemon.reload(&args).await,
        }
    }
    watchdog.abort();
    maintenance::tell_systemd(&[sd_notify::NotifyState::Stopping]);
    daemon.stop().await;
    Ok(())
}

impl Daemon {
    /// Starts everything; returns once the API listens. Must run inside a `LocalSet`.
    ///
    /// # Errors
    /// When something that the configuration names cannot be had.
    pub async fn start(config: Config, sabotage: Sabotage) -> Result<Self, Failure> {
        let (store, recovery) = Store::open(&config.journal.path, schakel_journal::Options::default())
            .map_err(Failure::failed)?;
        // What cannot be had is known before a telephone system or JKC notices anything of us.
        let tls = settings::api_tls(&config).map_err(Failure::failed)?;
        let api_listener = listen(&config.api.listen, "api.listen").await?;
        let admin_listener = listen(&config.admin.listen, "admin.listen").await?;
        let subscriptions = schakel_api::subscriptions::load(&store).map_err(Failure::failed)?;
        let register =
            Register::open(config.register_path(), settings::plan(&config), settings::register(&config))
                .map_err(Failure::failed)?;
        let mut engine = Engine::recover(
            store.clone(),
            recovery,
            EngineSettings {
                organisation: OrganisationId::from(config.organisation.id.as_str()),
                source: settings::source(&config),
                snapshot_every: config.journal.snapshot_every_inputs,
                recognise: Arc::new(register.clone()),
                act_before_commit: sabotage.act_before_commit,
                commit_takes: sabotage.commit_takes,
            },
        )
        .map_err(Failure::failed)?;
        let guide = Guide::of(&config);
        engine.guided_by(Arc::new(guide.clone()));
        let (answers, heard) = mpsc::channel(ANSWERS_MAX);
        let listener = Some(Listener { kind: schakel_api::ANSWERED_KIND, answers });
        let outbox_settings = schakel_outbox::Settings {
            listener,
            withhold: Withhold::by(schakel_api::withholder().map_err(Failure::failed)?),
            ..settings::outbox(&config, sabotage)
        };
        let outbox = Outbox::start(store.clone(), outbox_settings).map_err(Failure::failed)?;
        outbox.set_subscriptions(
            subscriptions
                .iter()
                .map(|each| each.target())
                .collect::<Result<_, _>>()
                .map_err(Failure::failed)?,
        );
        engine.subscriptions(subscriptions.iter().map(|each| each.filter()).collect());
        let telling = outbox.clone();
        let decode = |bytes: &[u8]| schakel_engine::decode_offline(bytes).map_err(|error| error.to_string());
        let mailer = Mailer::start(store.clone(), Arc::new(decode), settings::mail(&config));
        let mailing = mailer.clone();
        engine.on_committed(Box::new(move |notifications| {
            telling.notify(notifications);
            mailing.notify(notifications);
        }));

        let handle = engine.handle();
        let now = Timestamp::now();
        let configured = InputBody::Configured(Box::new(settings::core(&config, &guide, now)));
        let engine_task = tokio::task::spawn_local(engine.run(vec![InputBody::Started, configured]));
        let files = store.clone();
        let mut links = Links::new(
            handle.clone(),
            Sendable {
                file_of: Arc::new(move |file| files.files().path(file.0)),
                bytes_max: config.chat.file_bytes_max,
            },
        );
        links.configure(&config.providers).await.map_err(Failure::failed)?;

        let (stop, stopping) = watch::channel(false);
        let app = ApiState::new(Parts {
            engine: handle.clone(),
            store: store.clone(),
            outbox: outbox.clone(),
            mailer: mailer.clone(),
            register: register.clone(),
            providers: Arc::new(OfLinks(links.controls())),
            guide: Arc::new(guide.clone()),
            settings: settings::api(&config),
            source: settings::source(&config),
            stopping: stopping.clone(),
        })
        .map_err(Failure::failed)?;
        let api = api_listener.local_addr().map_err(Failure::failed)?;
        let admin = admin_listener.local_addr().map_err(Failure::failed)?;
        tokio::task::spawn_local(schakel_api::serve(api_listener, tls, app.clone(), stopping.clone()));
        tokio::task::spawn_local(schakel_api::decide_by_answers(app.clone(), heard));
        tokio::task::spawn_local(schakel_api::serve_admin(admin_listener, app.clone(), stopping));
        let retention = Duration::from_secs(u64::from(config.journal.retention_days) * 24 * 3600);
        maintenance::tell_audit_head(&store, "the audit log goes on after this");
        let privacy = config.privacy.clone();
        tokio::task::spawn_local(maintenance::privacy(app, handle.clone(), store.clone(), privacy));
        tokio::task::spawn_local(maintenance::prune(store.clone(), retention));
        tokio::task::spawn_local(maintenance::tell_alarms(outbox.alarms()));
        tokio::task::spawn_local(maintenance::tell_mail_alarms(mailer.alarms()));
        let opening =
            tokio::task::spawn_local(opening::follow(handle.clone(), config.clone(), guide.clone()));
        tracing::info!(%api, %admin, providers = config.providers.len(), "schakel runs");
        maintenance::tell_systemd(&[sd_notify::NotifyState::Ready]);
        Ok(Self {
            api,
            admin,
            engine: handle,
            engine_task,
            outbox,
            mailer,
            store,
            links,
            register,
            guide,
            opening,
            config,
            stop,
        })
    }

    /// The engine, for whoever runs the daemon in his own process.
    pub fn engine(&self) -> &EngineHandle {
        &self.engine
    }

    /// Reads the configuration again: as a whole, or not at all.
    async fn reload(&mut self, args: &ConfigArgs) {
        let config = match args.load() {
            Ok(config) => config,
            Err(error) => {
                return tracing::error!("the configuration is wrong; the old one stays in force:\n{error}");
            }
        };
        let needs_restart = |config: &Config| {
            (
                config.organisation.clone(),
                config.journal.clone(),
                config.privacy.clone(),
                config.api.clone(),
                config.admin.clone(),
                config.webhooks.clone(),
                config.register.clone(),
                config.reports.clone(),
                config.log.format,
            )
        };
        if needs_restart(&config) != needs_restart(&self.config) {
            tracing::warn!(
                "[organisation], [journal], [privacy], [api], [admin], [webhooks], [register], [reports] and log.format are read at start-up only: restart for their changes"
            );
        }
        let plan = settings::plan(&config);
        // The last thing that can fail, and it changes all links or none: nothing after it can.
        if let Err(error) = self.links.configure(&config.providers).await {
            return tracing::error!("the old configuration stays in force: {error}");
        }
        self.register.set_plan(plan).await;
        self.guide.set(&config);
        self.mailer.set(settings::mail(&config));
        let configured = settings::core(&config, &self.guide, Timestamp::now());
        let configured = InputBody::Configured(Box::new(configured));
        if self.engine.input(configured).await.is_ok() {
            crate::observe::set_level(&config.log.level);
            self.config = Config {
                providers: config.providers,
                numbers: config.numbers,
                calls: config.calls,
                sessions: config.sessions,
                opening_hours: config.opening_hours,
                chat: config.chat,
                mail: config.mail,
                log: config.log,
                ..self.config.clone()
            };
            self.opening.abort();
            let follow = opening::follow(self.engine.clone(), self.config.clone(), self.guide.clone());
            self.opening = tokio::task::spawn_local(follow);
            tracing::info!("the configuration is read again");
        }
    }

    /// Stops in order: the links, the API, the engine with a last snapshot, the deliveries in flight.
    pub async fn stop(mut self) {
        self.links.stop_all().await;
        // Nobody listens any more: then nobody has to be told.
        let _ = self.stop.send(true);
        match tokio::time::timeout(STOP, self.engine.stop()).await {
            Ok(Ok(())) => {
                if let Err(error) = self.engine_task.await {
                    tracing::error!(%error, "the engine ended badly");
                }
            }
            // It has stopped already.
            Ok(Err(_)) => {}
            // Nothing that was promised is lost: what is not in the journal was told to nobody.
            Err(_) => tracing::error!(
                "the journal takes nothing, so the last snapshot is not written; the next start reads more of the journal"
            ),
        }
        maintenance::tell_audit_head(&self.store, "the audit log ends here");
        if !self.mailer.drain(DRAIN).await {
            tracing::info!("a mail was still under way; it goes on after the next start");
        }
        let left = self.outbox.drain(DRAIN).await;
        if left > 0 {
            tracing::info!(left, "deliveries were still under way; they go on after the next start");
        }
    }
}

/// What the API may ask of the links.
struct OfLinks(Controls);

impl schakel_api::Providers for OfLinks {
    fn reconnect(&self, provider: &str) -> bool {
        self.0.get(provider).is_some_and(|control| {
            control.reconnect();
            true
        })
    }

    fn observations(&self, provider: &str) -> Option<Observations> {
        self.0.get(provider).map(|control| control.observations())
    }
}

async fn listen(address: &str, key: &str) -> Result<TcpListener, Failure> {
    TcpListener::bind(address).await.map_err(|error| {
        Failure::Failed(format!(
            "{key}: cannot listen on {address}: {error}; choose a free port, or stop what uses it"
        ))
    })
}
