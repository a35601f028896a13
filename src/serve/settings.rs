//! The configuration in the terms of the rooms that it is for.

use crate::config::{Config, Kind, Provider};
use schakel_core::model::device::DeviceKind;
use schakel_core::model::pii::Pii;
use schakel_core::model::time::Millis;
use schakel_core::settings::{DeviceSettings, ProviderSettings, Settings};

/// What the core keeps rules by.
pub(crate) fn core(config: &Config) -> Settings {
    let calls = &config.calls;
    let seconds = |value: u32| Millis::seconds(value.into());
    Settings {
        providers: config.providers.iter().map(provider).collect(),
        command_limit: seconds(calls.command_limit_seconds),
        ringing_expires: seconds(calls.ringing_expires_seconds),
        stale_limit: seconds(calls.stale_limit_seconds),
        keep_ended: seconds(calls.keep_ended_seconds),
        held_return: seconds(calls.held_return_seconds),
        answered_elsewhere: seconds(calls.answered_elsewhere_seconds),
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

/// The CloudEvents source.
pub(crate) fn source(config: &Config) -> String {
    format!("urn:nld:oin:{}:systeem:{}", config.organisation.oin, config.organisation.system)
}
