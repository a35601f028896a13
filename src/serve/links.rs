//! The links of the configured providers: started, stopped and replaced as the configuration changes.

use crate::config::{Mode, Provider};
use crate::link::{Channel, Endpoint, Link, LinkControl, TlsClient};
use crate::registry;
use crate::tls::{self, TlsError};
use dashmap::DashMap;
use schakel_core::adapter::Adapter;
use schakel_core::model::ids::ProviderId;
use schakel_engine::EngineHandle;
use std::collections::BTreeMap;
use std::sync::Arc;
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio_rustls::TlsAcceptor;

/// Commands that may wait for a link: more than an office full of agents presses at once.
const COMMANDS_MAX: usize = 1024;

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
        "provider {provider}: \"{name}\" is no host name; set tls_name to the name in the telephone system's certificate"
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
    task: JoinHandle<()>,
}

/// All links.
pub(crate) struct Links {
    engine: EngineHandle,
    running: BTreeMap<String, Running>,
    controls: Controls,
}

impl Links {
    pub(crate) fn new(engine: EngineHandle) -> Self {
        Self { engine, running: BTreeMap::new(), controls: Controls::default() }
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
                self.running.get(&provider.name).is_none_or(|running| running.config != **provider)
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
        for (provider, channel, adapter) in prepared {
            self.stop(&provider.name).await;
            self.start(provider, channel, adapter).await;
        }
        Ok(())
    }

    /// Stops all links.
    pub(crate) async fn stop_all(&mut self) {
        let names: Vec<String> = self.running.keys().cloned().collect();
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
    ) -> Result<Vec<(&'a Provider, Channel, Box<dyn Adapter>)>, LinkError> {
        let mut prepared = Vec::new();
        for provider in changed {
            let adapter = adapter(provider)?;
            let listens = |running: &Running| running.config.mode == Mode::Listen;
            if self.running.get(&provider.name).is_some_and(listens) {
                released.extend(self.stop(&provider.name).await);
            }
            prepared.push((*provider, channel(provider).await?, adapter));
        }
        Ok(prepared)
    }

    /// The links that had to go for others that cannot be.
    async fn put_back(&mut self, released: Vec<Provider>) {
        for provider in released {
            match (channel(&provider).await, adapter(&provider)) {
                (Ok(channel), Ok(adapter)) => self.start(&provider, channel, adapter).await,
                (Err(error), _) | (_, Err(error)) => {
                    tracing::error!(provider = %provider.name, %error, "the link as it was cannot be had again");
                }
            }
        }
    }

    async fn start(&mut self, provider: &Provider, channel: Channel, adapter: Box<dyn Adapter>) {
        let (sender, commands) = mpsc::channel(COMMANDS_MAX);
        let id = ProviderId::from(provider.name.as_str());
        let control = LinkControl::default();
        if self.engine.set_link(id.clone(), Some(sender)).await.is_err() {
            return;
        }
        self.controls.insert(provider.name.clone(), control.clone());
        let link = Link::new(id, channel, adapter, self.engine.clone(), commands, control);
        let task = tokio::task::spawn_local(link.run());
        self.running.insert(provider.name.clone(), Running { config: provider.clone(), task });
    }

    /// Stops a link; gives what it was. Its port is free afterwards.
    async fn stop(&mut self, name: &str) -> Option<Provider> {
        self.controls.remove(name);
        let running = self.running.remove(name)?;
        running.task.abort();
        // It ends as aborted, or has ended by itself.
        let _ = running.task.await;
        Some(running.config)
    }
}

fn adapter(provider: &Provider) -> Result<Box<dyn Adapter>, LinkError> {
    registry::adapter(provider)
        .map_err(|detail| LinkError::Adapter { provider: provider.name.clone(), detail })
}

async fn channel(provider: &Provider) -> Result<Channel, LinkError> {
    let failed = |error| LinkError::Tls { provider: provider.name.clone(), error };
    let endpoint = match provider.mode {
        Mode::Connect => {
            let tls = if provider.tls {
                let config = tls::client(&provider.tls_ca_file, provider.tls_12).map_err(failed)?;
                let name = provider
                    .expected_name()
                    .map_err(|name| LinkError::Name { provider: provider.name.clone(), name })?;
                Some(TlsClient { config, name })
            } else {
                None
            };
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
