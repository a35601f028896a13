//! The links of the configured providers: started, stopped and replaced as the configuration changes.

use crate::config::{Mode, Provider, Security, XmppMode};
use crate::link::xmpp::{FileOf, Identity, Pace, Transport, Uploads, XmppLink};
use crate::link::{Channel, Endpoint, Link, LinkControl, TlsClient, xmpp};
use crate::registry::{self, AnyAdapter};
use crate::tls::{self, TlsError};
use dashmap::DashMap;
use schakel_core::adapter::Adapter;
use schakel_core::model::ids::ProviderId;
use schakel_engine::EngineHandle;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio_rustls::TlsAcceptor;
use xmpp_parsers::minidom::Element;

/// Orders that may wait for a link: more than an office full of agents presses at once.
const ORDERS_MAX: usize = 1024;

/// A link that ends in good order has so long for it; what it waits for has limits of its own.
const GOODBYE_LIMIT: Duration = Duration::from_secs(8);

/// A link could not be set up.
#[derive(Debug, thiserror::Error)]
pub enum LinkError {
    /// A certificate, a key or a CA.
    #[error("provider {provider}: {error}")]
    Tls {
        /// Which provider.
        provider: String,
        /// What is wrong.
        error: TlsError,
    },
    /// The name to expect in the certificate is none.
    #[error(
        "provider {provider}: \"{name}\" is no host name; set tls_name to the name in the other side's certificate"
    )]
    Name {
        /// Which provider.
        provider: String,
        /// The name.
        name: String,
    },
    /// The port is not to be had.
    #[error(
        "provider {provider}: cannot listen on {address}: {error}; choose a free port, or stop what uses it"
    )]
    Listen {
        /// Which provider.
        provider: String,
        /// Where.
        address: String,
        /// What the system says.
        error: std::io::Error,
    },
    /// The adapter does not take its settings.
    #[error("provider {provider}: {detail}")]
    Adapter {
        /// Which provider.
        provider: String,
        /// What is wrong.
        detail: String,
    },
}

/// What others may ask of the links.
pub type Controls = Arc<DashMap<String, LinkControl>>;

struct Running {
    config: Provider,
    /// It ends by itself when it is told to, in good order.
    says_goodbye: bool,
    task: JoinHandle<()>,
}

/// A link that is not started yet: everything of it that can fail has not.
enum Prepared {
    Bytes(Channel, Box<dyn Adapter>),
    Stanzas(Box<Transport>, Pace, Box<dyn Adapter<Element>>, Box<Uploads>),
}

/// What files links may send.
#[derive(Clone)]
pub(crate) struct Sendable {
    /// Where a file is.
    pub(crate) file_of: FileOf,
    /// The largest.
    pub(crate) bytes_max: u64,
}

/// All links.
pub(crate) struct Links {
    engine: EngineHandle,
    sendable: Sendable,
    running: BTreeMap<String, Running>,
    controls: Controls,
}

impl Links {
    pub(crate) fn new(engine: EngineHandle, sendable: Sendable) -> Self {
        Self { engine, sendable, running: BTreeMap::new(), controls: Controls::default() }
    }

    pub(crate) fn controls(&self) -> Controls {
        self.controls.clone()
    }

    /// Makes the links be as configured. One whose section did not change is left alone. If any cannot be set up,
    /// nothing changes.
    pub(crate) async fn configure(&mut self, providers: &[Provider]) -> Result<(), LinkError> {
        let changed: Vec<&Provider> = providers
            .iter()
            .filter(|provider| {
                // The file with its secret may be another by now.
                let given_up =
                    self.controls.get(&provider.name).is_some_and(|control| control.has_given_up());
                given_up
                    || self.running.get(&provider.name).is_none_or(|running| running.config != **provider)
            })
            .collect();
        let mut released = Vec::new();
        let prepared = match self.prepare(&changed, &mut released).await {
            Ok(prepared) => prepared,
            Err(error) => {
                self.put_back(released).await;
                return Err(error);
            }
        };
        let gone: Vec<String> = self
            .running
            .keys()
            .filter(|name| !providers.iter().any(|provider| provider.name == **name))
            .cloned()
            .collect();
        for name in gone {
            self.stop(&name).await;
            // The engine has stopped: so do we.
            let _ = self.engine.set_link(name.as_str().into(), None).await;
        }
        for (provider, prepared) in prepared {
            self.stop(&provider.name).await;
            self.start(provider, prepared).await;
        }
        Ok(())
    }

    /// Stops all links.
    pub(crate) async fn stop_all(&mut self) {
        let names: Vec<String> = self.running.keys().cloned().collect();
        // All at once, so that one whose server does not listen holds up no other.
        self.controls.iter().for_each(|control| control.stop());
        for name in names {
            self.stop(&name).await;
        }
    }

    /// Everything that can fail, before anything is changed. A port that an old link listens on can only be had once
    /// that has gone: what had to go is left in `released`.
    async fn prepare<'a>(
        &mut self,
        changed: &[&'a Provider],
        released: &mut Vec<Provider>,
    ) -> Result<Vec<(&'a Provider, Prepared)>, LinkError> {
        let mut prepared = Vec::new();
        for provider in changed {
            let adapter = adapter(provider)?;
            let listens = |running: &Running| running.config.mode == Mode::Listen;
            if self.running.get(&provider.name).is_some_and(listens) {
                released.extend(self.stop(&provider.name).await);
            }
            prepared.push((*provider, self.link_of(provider, adapter).await?));
        }
        Ok(prepared)
    }

    /// The links that had to go for others that cannot be.
    async fn put_back(&mut self, released: Vec<Provider>) {
        for provider in released {
            let prepared = match adapter(&provider) {
                Ok(adapter) => self.link_of(&provider, adapter).await,
                Err(error) => Err(error),
            };
            match prepared {
                Ok(prepared) => self.start(&provider, prepared).await,
                Err(error) => {
                    tracing::error!(provider = %provider.name, %error, "the link as it was cannot be had again");
                }
            }
        }
    }

    async fn link_of(&self, provider: &Provider, adapter: AnyAdapter) -> Result<Prepared, LinkError> {
        match adapter {
            AnyAdapter::Bytes(adapter) => Ok(Prepared::Bytes(channel(provider).await?, adapter)),
            AnyAdapter::Stanzas(adapter) => {
                let transport = transport(provider)?;
                let quiet = Duration::from_secs(provider.xmpp.ping_seconds.into());
                let pace = Pace { quiet, ..Pace::default() };
                let Sendable { file_of, bytes_max } = self.sendable.clone();
                // Files go over TLS also where the link itself has none.
                let trusted = tls::client(&provider.tls_ca_file, provider.tls_12)
                    .map_err(|error| LinkError::Tls { provider: provider.name.clone(), error })?;
                let uploads = Uploads::new(&trusted, transport.is_plain(), file_of, bytes_max)
                    .map_err(|detail| LinkError::Adapter { provider: provider.name.clone(), detail })?;
                Ok(Prepared::Stanzas(Box::new(transport), pace, adapter, Box::new(uploads)))
            }
        }
    }

    async fn start(&mut self, provider: &Provider, prepared: Prepared) {
        let (sender, orders) = mpsc::channel(ORDERS_MAX);
        let id = ProviderId::from(provider.name.as_str());
        let control = LinkControl::default();
        if self.engine.set_link(id.clone(), Some(sender)).await.is_err() {
            return;
        }
        self.controls.insert(provider.name.clone(), control.clone());
        let engine = self.engine.clone();
        let says_goodbye = matches!(prepared, Prepared::Stanzas(..));
        let task = match prepared {
            Prepared::Bytes(channel, adapter) => {
                tokio::task::spawn_local(Link::new(id, channel, adapter, engine, orders, control).run())
            }
            Prepared::Stanzas(transport, pace, adapter, uploads) => {
                let link = XmppLink::new(id, *transport, pace, adapter, *uploads, engine, orders, control);
                tokio::task::spawn_local(link.run())
            }
        };
        self.running.insert(provider.name.clone(), Running { config: provider.clone(), says_goodbye, task });
    }

    /// Stops a link; gives what it was. Its port is free afterwards.
    async fn stop(&mut self, name: &str) -> Option<Provider> {
        let control = self.controls.remove(name);
        let mut running = self.running.remove(name)?;
        if let Some((_, control)) = control.filter(|_| running.says_goodbye) {
            control.stop();
            // A server that does not listen is left without it.
            let _ = tokio::time::timeout(GOODBYE_LIMIT, &mut running.task).await;
        }
        running.task.abort();
        // It ends as aborted, or has ended by itself.
        let _ = running.task.await;
        Some(running.config)
    }
}

fn adapter(provider: &Provider) -> Result<AnyAdapter, LinkError> {
    registry::adapter(provider)
        .map_err(|detail| LinkError::Adapter { provider: provider.name.clone(), detail })
}

async fn channel(provider: &Provider) -> Result<Channel, LinkError> {
    let failed = |error| LinkError::Tls { provider: provider.name.clone(), error };
    let endpoint = match provider.mode {
        Mode::Connect => {
            let tls = if provider.tls { Some(tls_client(provider)?) } else { None };
            Endpoint::Connect { address: provider.address.clone(), tls }
        }
        Mode::Listen => {
            let tls = if provider.tls {
                let config =
                    tls::link_server(&provider.tls_certificate_file, &provider.tls_key_file, provider.tls_12)
                        .map_err(failed)?;
                Some(TlsAcceptor::from(config))
            } else {
                None
            };
            let listener = TcpListener::bind(&provider.address).await.map_err(|error| LinkError::Listen {
                provider: provider.name.clone(),
                address: provider.address.clone(),
                error,
            })?;
            // Checked with the configuration: each is an address.
            let allowed = provider.allowed_peers.iter().filter_map(|peer| peer.parse().ok()).collect();
            Endpoint::Listen { listener, tls, allowed }
        }
    };
    Ok(Channel::new(endpoint))
}

fn tls_client(provider: &Provider) -> Result<TlsClient, LinkError> {
    let config = tls::client(&provider.tls_ca_file, provider.tls_12)
        .map_err(|error| LinkError::Tls { provider: provider.name.clone(), error })?;
    let name =
        provider.expected_name().map_err(|name| LinkError::Name { provider: provider.name.clone(), name })?;
    Ok(TlsClient { config, name })
}

/// How a chat server is reached.
fn transport(provider: &Provider) -> Result<Transport, LinkError> {
    let settings = &provider.xmpp;
    let secret = |file| {
        registry::secret(file)
            .map_err(|detail| LinkError::Adapter { provider: provider.name.clone(), detail })
    };
    let identity = match settings.mode {
        XmppMode::Client => {
            let (user, domain) = settings.jid.split_once('@').unwrap_or_default();
            Identity::Account {
                user: user.into(),
                domain: domain.into(),
                password: secret(&settings.password_file)?,
                resource: settings.resource.clone(),
            }
        }
        XmppMode::Component => {
            Identity::Component { domain: settings.domain.clone(), secret: secret(&settings.secret_file)? }
        }
    };
    let security = match settings.security {
        Security::Starttls => xmpp::Security::StartTls(tls_client(provider)?),
        Security::DirectTls => xmpp::Security::DirectTls(tls_client(provider)?),
        Security::None => xmpp::Security::Plain,
    };
    let stream_management = settings.stream_management;
    Ok(Transport { address: provider.address.clone(), security, identity, stream_management })
}
