//! What types cannot say: values that must fit together.

use super::{Config, Mode, OpeningHours, Problem, Provider, chat};
use crate::hours::Hours;
use crate::tls;
use schakel_register::number::NumberPlan;
use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};
use std::path::Path;

/// Ten minutes: a threshold above that would take abandoned calls out of the reports.
const SHORT_ABANDON_MAX: u32 = 600;

pub(super) fn check(config: &Config, problems: &mut Vec<Problem>) {
    let mut say = |key: &str, text: String| problems.push(Problem { line: None, key: key.into(), text });
    let organisation = &config.organisation;
    if organisation.id.is_empty() || !organisation.id.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
    {
        say("organisation.id", "must be letters, digits and dashes".into());
    }
    if organisation.oin.len() != 20 || !organisation.oin.bytes().all(|b| b.is_ascii_digit()) {
        say("organisation.oin", "must be the 20 digits of the organisation's OIN".into());
    }
    if organisation.system.is_empty()
        || !organisation.system.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
    {
        say("organisation.system", "must be letters, digits and dashes: it is part of a URN".into());
    }
    if config.journal.path.file_name().is_none() {
        say("journal.path", "must name a file, such as \"/var/lib/schakel/schakel.db\"".into());
    }
    register(config, &mut say);
    if let Err(error) = config.reports.rules() {
        say("reports.time_zone", error.to_string());
    }
    if config.reports.short_abandon_seconds > SHORT_ABANDON_MAX {
        let text = format!(
            "must be at most {SHORT_ABANDON_MAX}: who has waited longer did not give up at once. 0: everybody who gives up is an abandoned call"
        );
        say("reports.short_abandon_seconds", text);
    }
    if let Err(text) = crate::observe::filter(&config.log.level) {
        say("log.level", text);
    }
    api(config, &mut say);
    let webhooks = &config.webhooks;
    if u64::from(config.journal.retention_days) * 24 <= u64::from(webhooks.retry_for_hours) {
        say(
            "journal.retention_days",
            format!(
                "must be longer than webhooks.retry_for_hours ({} h): an undelivered notification would be removed while it is still tried",
                webhooks.retry_for_hours
            ),
        );
    }
    privacy(config, &mut say);
    for (key, value) in [
        ("privacy.audit_days", config.privacy.audit_days.into()),
        ("privacy.agents_days", config.privacy.agents_days.into()),
        ("privacy.facts_days", config.privacy.facts_days.into()),
        ("privacy.chats_days", config.privacy.chats_days.into()),
        ("journal.snapshot_every_inputs", config.journal.snapshot_every_inputs),
        ("api.body_bytes_max", config.api.body_bytes_max.into()),
        ("api.header_timeout_seconds", config.api.header_timeout_seconds.into()),
        ("api.answer_timeout_seconds", config.api.answer_timeout_seconds.into()),
        ("api.connections_max", config.api.connections_max.into()),
        ("api.requests_per_second_max", config.api.requests_per_second_max.into()),
        ("webhooks.request_timeout_seconds", webhooks.request_timeout_seconds.into()),
        ("webhooks.lanes_max", webhooks.lanes_max.into()),
        ("webhooks.batch_max", webhooks.batch_max.into()),
        ("calls.command_limit_seconds", config.calls.command_limit_seconds.into()),
        ("calls.stale_limit_seconds", config.calls.stale_limit_seconds.into()),
        ("sessions.lease_seconds", config.sessions.lease_seconds.into()),
        ("sessions.keep_parked_hours", config.sessions.keep_parked_hours.into()),
    ] {
        if value == 0 {
            say(key, "must be at least 1".into());
        }
    }
    for (at, host) in webhooks.allowed_hosts.iter().enumerate() {
        if host.is_empty() || host.contains(['/', '*', '@', ' ']) {
            let text =
                format!("\"{host}\" is not the name or the address of a host, such as \"jkc.voorbeeld.nl\"");
            say(&format!("webhooks.allowed_hosts[{at}]"), text);
        }
    }
    if file(&webhooks.ca_file, "webhooks.ca_file", &mut say)
        && let Err(error) = tls::client(&webhooks.ca_file, false)
    {
        say("webhooks.ca_file", error.to_string());
    }
    opening_hours(&config.opening_hours, &mut say);
    chat::check(config, &mut say);
    providers(config, &mut say);
    routes_by_hours(config, &mut say);
}

fn opening_hours(all: &[OpeningHours], say: &mut impl FnMut(&str, String)) {
    let mut names: BTreeMap<&str, usize> = BTreeMap::new();
    for (at, hours) in all.iter().enumerate() {
        let key = |name: &str| format!("opening_hours[{at}].{name}");
        if hours.name.trim().is_empty() {
            say(&key("name"), "is missing: routeing devices name their hours by it".into());
        } else if let Some(first) = names.insert(&hours.name, at) {
            say(&key("name"), format!("\"{}\" is the name of opening_hours[{first}] too", hours.name));
        }
        for wrong in Hours::of(hours).err().into_iter().flatten() {
            say(&key(&wrong.key), wrong.text);
        }
    }
}

/// What routeing devices say of opening hours.
fn routes_by_hours(config: &Config, say: &mut impl FnMut(&str, String)) {
    let known = |name: &String| config.opening_hours.iter().any(|hours| hours.name == *name);
    for (at, provider) in config.providers.iter().enumerate() {
        for (index, route) in provider.routes.iter().enumerate().filter(|(_, route)| route.is_one()) {
            let key = |name: &str| format!("providers[{at}].routes[{index}].{name}");
            let (hours, closed) = (&route.opening_hours, &route.fallback_closed);
            if !hours.is_empty() && !known(hours) {
                say(
                    &key("opening_hours"),
                    format!("there is no [[opening_hours]] with the name \"{hours}\""),
                );
            }
            if closed.is_empty() {
                continue;
            }
            if hours.is_empty() {
                say(&key("fallback_closed"), "is never used: name opening_hours too".into());
            } else if let Some(text) = no_fallback(closed, route.device.trim()) {
                say(&key("fallback_closed"), text.into());
            }
        }
    }
}

/// Why a number cannot be the fallback of a routeing device.
fn no_fallback(number: &str, device: &str) -> Option<&'static str> {
    if number.chars().any(|each| each.is_whitespace() || each.is_control()) {
        return Some("must be a number without spaces, or empty");
    }
    (!number.is_empty() && number == device)
        .then_some("is the routeing device itself: calls would go in a circle")
}

fn register(config: &Config, say: &mut impl FnMut(&str, String)) {
    let register = &config.register;
    if register.path.file_name().is_none() {
        say("register.path", "must name a file, such as \"/var/lib/schakel/register.db\"".into());
    } else if config.register_path() == config.journal.path {
        say("register.path", "is journal.path too; the register is a file of its own".into());
    }
    for (key, value) in [
        ("register.numbers_max", register.numbers_max),
        ("register.entries_max", register.entries_max),
        ("register.import_bytes_max", register.import_bytes_max),
    ] {
        if value == 0 {
            say(key, "must be at least 1".into());
        }
    }
    for error in NumberPlan::new(&config.numbers.plan()).err().into_iter().flatten() {
        say(&format!("numbers.{}", error.key), error.text);
    }
}

fn privacy(config: &Config, say: &mut impl FnMut(&str, String)) {
    let (persons, webhooks) = (config.privacy.persons_days, &config.webhooks);
    if u64::from(persons) * 24 <= u64::from(webhooks.retry_for_hours) {
        let text = format!(
            "must be longer than webhooks.retry_for_hours ({} h): an undelivered notification would lose its number while it is still tried",
            webhooks.retry_for_hours
        );
        say("privacy.persons_days", text);
    }
    if persons > config.journal.retention_days {
        let text = format!(
            "must be at most journal.retention_days ({}): nothing is kept longer than that",
            config.journal.retention_days
        );
        say("privacy.persons_days", text);
    }
}

fn api(config: &Config, say: &mut impl FnMut(&str, String)) {
    let api = &config.api;
    let listen = address(&api.listen, "api.listen", say);
    let admin = address(&config.admin.listen, "admin.listen", say);
    if listen.is_some_and(|listen| listen.port() != 0 && Some(listen) == admin) {
        say("admin.listen", format!("{} is api.listen too; choose another port", api.listen));
    }
    let has_certificate = file(&api.tls_certificate_file, "api.tls_certificate_file", say);
    if file(&api.tls_key_file, "api.tls_key_file", say)
        && has_certificate
        && let Err(error) = tls::server(&api.tls_certificate_file, &api.tls_key_file)
    {
        say("api.tls_certificate_file", error.to_string());
    }
    let (certificate, key) =
        (!api.tls_certificate_file.as_os_str().is_empty(), !api.tls_key_file.as_os_str().is_empty());
    if certificate != key {
        say(
            "api.tls_key_file",
            "certificate and key belong together: set both tls_certificate_file and tls_key_file".into(),
        );
    }
    if !certificate && listen.is_some_and(|listen| !listen.ip().is_loopback()) {
        say("api.listen", "plain HTTP is accepted on loopback only: set tls_certificate_file and tls_key_file, or listen on 127.0.0.1".into());
    }
}

fn providers(config: &Config, say: &mut impl FnMut(&str, String)) {
    let mut names: BTreeMap<&str, usize> = BTreeMap::new();
    for (at, provider) in config.providers.iter().enumerate() {
        let key = |name: &str| format!("providers[{at}].{name}");
        if provider.name.is_empty() || !provider.name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
        {
            say(&key("name"), "must be letters, digits and dashes".into());
        }
        if let Some(first) = names.insert(&provider.name, at) {
            say(
                &key("name"),
                format!("\"{}\" is the name of providers[{first}] too; names must differ", provider.name),
            );
        }
        for (name, text) in crate::registry::check(provider) {
            say(&key(&name), text);
        }
        for (name, queue) in provider.queues() {
            if !config.chat.queues.iter().any(|known| known.name == *queue) {
                say(&key(&name), format!("there is no [[chat.queues]] with the name \"{queue}\""));
            }
        }
        match provider.mode {
            Mode::Connect => {
                let port = provider.address.rsplit_once(':').and_then(|(_, port)| port.parse::<u16>().ok());
                if port.is_none() {
                    say(
                        &key("address"),
                        format!(
                            "\"{}\" is not host:port, such as \"pbx.voorbeeld.nl:1040\"",
                            provider.address
                        ),
                    );
                }
            }
            Mode::Listen => {
                address(&provider.address, &key("address"), say);
                if provider.tls
                    && (provider.tls_certificate_file.as_os_str().is_empty()
                        || provider.tls_key_file.as_os_str().is_empty())
                {
                    say(&key("tls"), "listening with TLS needs tls_certificate_file and tls_key_file".into());
                }
            }
        }
        for (peer, text) in provider.allowed_peers.iter().enumerate() {
            if text.parse::<IpAddr>().is_err() {
                say(
                    &format!("providers[{at}].allowed_peers[{peer}]"),
                    format!("\"{text}\" is not an IP address"),
                );
            }
        }
        tls_of(provider, at, say);
        devices(provider, at, say);
        routes(provider, at, say);
    }
}

/// The files of a link with TLS, tried as the link would use them.
fn tls_of(provider: &Provider, at: usize, say: &mut impl FnMut(&str, String)) {
    let key = |name: &str| format!("providers[{at}].{name}");
    let ca = file(&provider.tls_ca_file, &key("tls_ca_file"), say);
    let certificate = file(&provider.tls_certificate_file, &key("tls_certificate_file"), say);
    let private = file(&provider.tls_key_file, &key("tls_key_file"), say);
    // Files go to a chat server over TLS, also where the link has none.
    let trusts = provider.secured() || provider.adapter == "xmpp";
    if ca
        && trusts
        && provider.mode == Mode::Connect
        && let Err(error) = tls::client(&provider.tls_ca_file, provider.tls_12)
    {
        say(&key("tls_ca_file"), error.to_string());
    }
    if !provider.secured() {
        return;
    }
    match provider.mode {
        Mode::Connect => {
            // Without a domain, xmpp.jid or xmpp.domain is what is wrong.
            if let Err(name) = provider.expected_name()
                && (provider.adapter != "xmpp" || !name.is_empty())
            {
                let text =
                    format!("\"{name}\" is no host name; give the name in the other side's certificate");
                say(&key("tls_name"), text);
            }
        }
        Mode::Listen => {
            let (chain, private_key) = (&provider.tls_certificate_file, &provider.tls_key_file);
            if certificate
                && private
                && let Err(error) = tls::link_server(chain, private_key, provider.tls_12)
            {
                say(&key("tls_certificate_file"), error.to_string());
            }
        }
    }
}

fn devices(provider: &Provider, at: usize, say: &mut impl FnMut(&str, String)) {
    let mut seen: BTreeMap<String, usize> = BTreeMap::new();
    for (group, devices) in provider.devices.iter().enumerate() {
        let key = format!("providers[{at}].devices[{group}].numbers");
        match devices.expand() {
            Err(text) => say(&key, text),
            Ok(numbers) => {
                for number in numbers {
                    if let Some(first) = seen.insert(number.clone(), group)
                        && first != group
                    {
                        say(&key, format!("{number} is in devices[{first}] too"));
                    }
                }
            }
        }
    }
}

/// A caller hears nothing for longer than this would be a mistake rather than a limit.
const ROUTE_LIMIT_MAX: u32 = 60_000;

/// A department is told with every call that is routed, and chosen in the directory: it is a name.
const DEPARTMENT_MAX: usize = 256;

fn routes(provider: &Provider, at: usize, say: &mut impl FnMut(&str, String)) {
    let mut seen: BTreeMap<&str, usize> = BTreeMap::new();
    for (index, route) in provider.routes.iter().enumerate() {
        let key = |name: &str| format!("providers[{at}].routes[{index}].{name}");
        let says = [&route.fallback, &route.fallback_closed, &route.opening_hours, &route.department];
        if !route.is_one() && says.iter().any(|text| !text.is_empty()) {
            say(&key("device"), "is missing: which routeing device is this about?".into());
        }
        if route.department.chars().count() > DEPARTMENT_MAX {
            say(&key("department"), format!("must be at most {DEPARTMENT_MAX} characters"));
        }
    }
    for (index, route) in provider.routes.iter().enumerate().filter(|(_, route)| route.is_one()) {
        let key = |name: &str| format!("providers[{at}].routes[{index}].{name}");
        if let Some(first) = seen.insert(route.device.trim(), index) {
            say(&key("device"), format!("{} is in routes[{first}] too", route.device));
        }
        if route.limit_milliseconds == 0 || route.limit_milliseconds > ROUTE_LIMIT_MAX {
            say(&key("limit_milliseconds"), format!("must be from 1 to {ROUTE_LIMIT_MAX}"));
        }
        if let Some(text) = no_fallback(&route.fallback, route.device.trim()) {
            say(&key("fallback"), text.into());
        }
    }
}

fn address(text: &str, key: &str, say: &mut impl FnMut(&str, String)) -> Option<SocketAddr> {
    let parsed = text.parse().ok();
    if parsed.is_none() {
        say(key, format!("\"{text}\" is not an address with a port, such as \"127.0.0.1:8443\""));
    }
    parsed
}

/// Whether there is a file to look into.
fn file(path: &Path, key: &str, say: &mut impl FnMut(&str, String)) -> bool {
    if path.as_os_str().is_empty() {
        return false;
    }
    let opened = std::fs::File::open(path);
    if let Err(error) = &opened {
        say(key, format!("{} cannot be read: {error}", path.display()));
    }
    opened.is_ok()
}
