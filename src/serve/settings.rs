//! The configuration in the terms of the rooms that it is for.

use super::Sabotage;
use crate::config::{self, ChatQueue, Config, Kind, Mail, Provider, Sessions, Vanished};
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
use schakel_core::settings::{
    CannedText, ChatLimits, ChatSettings, DeviceSettings, ProviderSettings, QueueSettings, SessionSettings,
    Settings, TextId, WhenBusy,
};
use schakel_outbox::mail::{self, MailSettings, QueueMail};
use schakel_outbox::{Retry, Trust};
use schakel_register::Limits;
use schakel_register::number::NumberPlan;
use std::collections::BTreeMap;
use std::path::Path;
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
        chat: chat(config, guide, now),
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

/// The chat channel, with the queues that are open at a moment.
pub(super) fn chat(config: &Config, guide: &Guide, now: Timestamp) -> ChatSettings {
    let chat = &config.chat;
    let millis = |value: u32| Millis::seconds(value.into());
    let changed = |language: &String, name: &String, words: &String| {
        let text = TextId::from_key(name)?;
        // The usual words need not be in every state.
        (text.words(language) != Some(words.as_str()))
            .then(|| ((language.as_str().into(), text), words.as_str().into()))
    };
    ChatSettings {
        queues: chat.queues.iter().map(|queue| chat_queue(config, queue, guide, now)).collect(),
        texts: chat
            .texts
            .iter()
            .flat_map(|(language, texts)| {
                texts.iter().filter_map(move |(name, words)| changed(language, name, words))
            })
            .collect(),
        language: chat.language.as_str().into(),
        canned: chat.canned.iter().map(canned).collect(),
        lease: millis(chat.lease_seconds),
        agent_grace: millis(chat.agent_grace_seconds),
        keep_ended: millis(chat.keep_ended_seconds),
        limits: ChatLimits {
            chats_max: chat.chats_max,
            chats_a_visitor_max: chat.chats_a_visitor_max,
            message_bytes_max: chat.message_bytes_max,
            messages_max: chat.messages_max,
            messages_a_minute_max: chat.messages_a_minute_max,
            files_max: chat.files_max,
            file_bytes_max: chat.file_bytes_max,
            participants_max: chat.participants_max,
            options_max: chat.options_max,
        },
    }
}

fn chat_queue(config: &Config, queue: &ChatQueue, guide: &Guide, now: Timestamp) -> QueueSettings {
    let millis = |value: u32| Millis::seconds(value.into());
    let title = if queue.title.is_empty() { &queue.name } else { &queue.title };
    QueueSettings {
        id: queue.name.as_str().into(),
        name: title.as_str().into(),
        open: guide.is_open(&queue.opening_hours, now),
        offers: queue.offers,
        priority: queue.priority,
        chats_max: queue.chats_max,
        offer_limit: millis(queue.offer_limit_seconds),
        ignored_max: queue.ignored_max,
        cool_down: millis(queue.cool_down_seconds),
        wait_limit: millis(queue.wait_limit_seconds),
        inactivity: millis(queue.inactivity_seconds),
        inactivity_warning: millis(queue.inactivity_warning_seconds),
        visitor_grace: millis(queue.visitor_grace_seconds),
        wrap_limit: millis(queue.wrap_limit_seconds),
        when_busy: match queue.when_busy {
            config::WhenBusy::Queue => WhenBusy::Queue,
            config::WhenBusy::Hide => WhenBusy::Hide,
            config::WhenBusy::Offline => WhenBusy::Offline,
        },
        typing_preview: queue.typing_preview,
        visitor_files: queue.visitor_files,
        offline: !queue.offline_addresses.is_empty() && !config.mail.host.is_empty(),
        offline_strict: queue.offline_strict,
        welcome: queue.welcome,
    }
}

fn canned(canned: &config::Canned) -> CannedText {
    let title = if canned.title.is_empty() { &canned.name } else { &canned.title };
    CannedText {
        id: canned.name.as_str().into(),
        language: canned.language.as_str().into(),
        title: title.as_str().into(),
        text: canned.text.as_str().into(),
        at_once: canned.at_once,
        queues: canned.queues.iter().map(|queue| queue.as_str().into()).collect(),
    }
}

/// The mail server and who gets which queue's messages; none where there is no server.
pub(crate) fn mail(config: &Config) -> Option<MailSettings> {
    let mail = &config.mail;
    let queues = config.chat.queues.iter().filter(|queue| !queue.offline_addresses.is_empty());
    let queues = queues.map(|queue| {
        let name = if queue.title.is_empty() { &queue.name } else { &queue.title };
        (queue.name.clone(), QueueMail { name: name.clone(), to: queue.offline_addresses.clone() })
    });
    (!mail.host.is_empty()).then(|| mail_server(mail, mail.from.clone(), queues.collect()))
}

/// The mail server with a sender and the addresses of queues.
pub(crate) fn mail_server(mail: &Mail, from: String, queues: BTreeMap<String, QueueMail>) -> MailSettings {
    MailSettings {
        host: mail.host.clone(),
        port: mail.port,
        tls: match mail.security {
            config::Security::Starttls => mail::Tls::StartTls,
            config::Security::DirectTls => mail::Tls::Implicit,
            config::Security::None => mail::Tls::None,
        },
        trust: trust(&mail.ca_file),
        credentials: (!mail.user.is_empty()).then(|| mail::Credentials {
            user: mail.user.clone(),
            password_file: mail.password_file.clone(),
        }),
        hello: (!mail.hello.is_empty()).then(|| mail.hello.clone()),
        from,
        queues,
        timeout: seconds(mail.timeout_seconds),
        retry: MailSettings::usual_retry(),
    }
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
    let defaults = schakel_outbox::Settings::default();
    schakel_outbox::Settings {
        allowed_hosts: webhooks.allowed_hosts.clone(),
        trust: trust(&webhooks.ca_file),
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

fn trust(ca_file: &Path) -> Trust {
    if ca_file.as_os_str().is_empty() { Trust::Platform } else { Trust::CaFile(ca_file.to_owned()) }
}

fn seconds(value: u32) -> Duration {
    Duration::from_secs(value.into())
}
