//! The configuration in the terms of the rooms that it is for.

use super::Sabotage;
use crate::config::{Config, Kind, Provider, Sessions, Vanished};
use crate::hours::Guide;
use crate::tls::{self, TlsError};
use jiff::Timestamp;
use rustls::ServerConfig;
use schakel_api::ApiSettings;
use schakel_core::model::agent::Readiness;
use schakel_core::model::device::DeviceKind;
use schakel_core::model::pii::Pii;
use schakel_core::model::route::{RouteDecision, RouteSettings};
use schakel_core::model::time::Millis;
use schakel_core::settings::{DeviceSettings, ProviderSettings, SessionSettings, Settings};
use schakel_outbox::{Retry, Trust};
use schakel_register::Limits;
use schakel_register::number::NumberPlan;
use std::sync::Arc;
use std::time::Duration;

/// What the core keeps rules by, at a moment: some of it goes by opening hours.
pub(crate) fn core(config: &Config, guide: &Guide, now: Timestamp) -> Settings {
    let calls = &config.calls;
    let millis = |value: u32| Millis::seconds(value.into());
    Settings {
        providers: config.providers.iter().map(provider).collect(),
        command_limit: millis(calls.command_limit_seconds),
        ringing_expires: millis(calls.ringing_expires_seconds),
        stale_limit: millis(calls.stale_limit_seconds),
        keep_ended: millis(calls.keep_ended_seconds),
        held_return: millis(calls.held_return_seconds),
        answered_elsewhere: millis(calls.answered_elsewhere_seconds),
        adrift: millis(calls.adrift_seconds),
        sessions: sessions(&config.sessions),
        routes: routes(config, guide, now),
    }
}

fn sessions(sessions: &Sessions) -> SessionSettings {
    SessionSettings {
        lease: Millis::seconds(sessions.lease_seconds.into()),
        grace: Millis::seconds(sessions.grace_seconds.into()),
        vanished: match sessions.vanished {
            Vanished::NotReady => Readiness::NotReady(Some("vanished".into())),
            Vanished::Ready => Readiness::Ready,
        },
        keep_closed: Millis::seconds(sessions.keep_closed_seconds.into()),
        keep_parked: Millis::seconds(u64::from(sessions.keep_parked_hours) * 3600),
    }
}

fn provider(provider: &Provider) -> ProviderSettings {
    let devices = provider
        .devices
        .iter()
        .flat_map(|group| {
            let kind = match group.kind {
                Kind::Station => DeviceKind::Station,
                Kind::Queue => DeviceKind::Queue,
            };
            let name = group.name.as_deref().map(|name| Pii::new(name.into()));
            // Checked with the configuration: every group expands.
            group.expand().unwrap_or_default().into_iter().map(move |number| DeviceSettings {
                id: number.as_str().into(),
                kind,
                name: name.clone(),
            })
        })
        .collect();
    ProviderSettings { id: provider.name.as_str().into(), devices }
}

/// The routeing devices with their fallbacks of a moment.
pub(super) fn routes(config: &Config, guide: &Guide, now: Timestamp) -> Vec<RouteSettings> {
    let of = |provider: &Provider| {
        let known = provider.routes.iter().filter(|route| route.is_one());
        let of_provider = known.map(|route| RouteSettings {
            provider: provider.name.as_str().into(),
            device: route.device.trim().into(),
            limit: Millis(route.limit_milliseconds.into()),
            fallback: match guide.fallback(route, now) {
                number if number.is_empty() => RouteDecision::Default,
                number => RouteDecision::To(Pii::new(number.into())),
            },
        });
        of_provider.collect::<Vec<_>>()
    };
    config.providers.iter().flat_map(of).collect()
}

/// The numbering plan: the configuration's, with the telephones that are watched as extensions.
pub(crate) fn plan(config: &Config) -> NumberPlan {
    let devices: Vec<String> = config
        .providers
        .iter()
        .flat_map(|provider| &provider.devices)
        // Checked with the configuration: every group expands.
        .flat_map(|group| group.expand().unwrap_or_default())
        .collect();
    // Checked with the configuration: there is no mistake in it.
    let plan = NumberPlan::new(&config.numbers.plan()).unwrap_or_default();
    plan.with_devices(devices.iter().map(String::as_str))
}

/// The register's limits.
pub(crate) fn register(config: &Config) -> Limits {
    Limits { numbers_max: config.register.numbers_max, entries_max: config.register.entries_max }
}

/// The CloudEvents source.
pub(crate) fn source(config: &Config) -> String {
    format!("urn:nld:oin:{}:systeem:{}", config.organisation.oin, config.organisation.system)
}

/// The API's limits.
pub(crate) fn api(config: &Config) -> ApiSettings {
    let api = &config.api;
    ApiSettings {
        body_bytes_max: api.body_bytes_max as usize,
        header_timeout: seconds(api.header_timeout_seconds),
        connections_max: api.connections_max as usize,
        requests_per_second_max: api.requests_per_second_max,
        command_wait: seconds(api.command_wait_seconds),
        answer_timeout: seconds(api.answer_timeout_seconds),
        import_bytes_max: config.register.import_bytes_max,
        // Checked with the configuration: there is such a time zone.
        reports: config.reports.rules().unwrap_or_default(),
        ..ApiSettings::default()
    }
}

/// The API's certificate; none where it speaks plain HTTP on loopback.
pub(crate) fn api_tls(config: &Config) -> Result<Option<Arc<ServerConfig>>, TlsError> {
    let api = &config.api;
    if api.tls_certificate_file.as_os_str().is_empty() {
        return Ok(None);
    }
    tls::server(&api.tls_certificate_file, &api.tls_key_file).map(Some)
}

/// The outbox's rules.
pub(crate) fn outbox(config: &Config, sabotage: Sabotage) -> schakel_outbox::Settings {
    let webhooks = &config.webhooks;
    let trust = if webhooks.ca_file.as_os_str().is_empty() {
        Trust::Platform
    } else {
        Trust::CaFile(webhooks.ca_file.clone())
    };
    let defaults = schakel_outbox::Settings::default();
    schakel_outbox::Settings {
        allowed_hosts: webhooks.allowed_hosts.clone(),
        trust,
        allow_plain_http: webhooks.allow_insecure,
        allow_loopback: webhooks.allow_insecure,
        request_timeout: seconds(webhooks.request_timeout_seconds),
        retry: Retry {
            give_up_after: Duration::from_secs(u64::from(webhooks.retry_for_hours) * 3600),
            ..defaults.retry.clone()
        },
        lanes_max: webhooks.lanes_max as usize,
        batch_max: webhooks.batch_max as usize,
        without_lanes: sabotage.deliver_without_lanes,
        ..defaults
    }
}

fn seconds(value: u32) -> Duration {
    Duration::from_secs(value.into())
}
