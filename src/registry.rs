//! The adapters that this build has. The only place that names them.

use crate::config::{Mode, Provider, Security, XmppMode};
use schakel_core::adapter::{Adapter, Input, Memory, Output};
use schakel_core::model::ids::DeviceId;
use schakel_core::model::time::{Millis, Time};
use schakel_csta::{Csta, Dialect, SessionSettings, Settings, SettingsError};
use schakel_xmpp::Xmpp;
use std::net::IpAddr;
use std::path::Path;
use xmpp_parsers::minidom::Element;

/// The names that `adapter = …` may have.
const KNOWN: &str = "\"csta\", \"xmpp\"";

/// The largest stanza that the link reads at all.
const STANZA_BYTES_MAX: u32 = 1024 * 1024;

/// An adapter, by what it is fed with.
pub enum AnyAdapter {
    /// Bytes, which it frames by itself.
    Bytes(Box<dyn Adapter>),
    /// Stanzas of an XMPP stream.
    Stanzas(Box<dyn Adapter<Element>>),
}

/// Whether a provider's adapter exists and takes its settings: the keys in the provider's section, and what is wrong with
/// each and how to mend it.
pub fn check(provider: &Provider) -> Vec<(String, String)> {
    match provider.adapter.as_str() {
        "csta" => check_csta(provider).err().into_iter().map(|(key, text)| (key.to_owned(), text)).collect(),
        "xmpp" => check_xmpp(provider),
        other => {
            let text = format!("there is no adapter \"{other}\"; known are: {KNOWN}");
            vec![("adapter".into(), text)]
        }
    }
}

fn check_csta(provider: &Provider) -> Result<(), (&'static str, String)> {
    let csta = &provider.csta;
    for (key, value, least) in [
        ("csta.outstanding_max", csta.outstanding_max, 1),
        ("csta.request_limit_seconds", csta.request_limit_seconds, 1),
        ("csta.session_duration_seconds", csta.session_duration_seconds, 10),
    ] {
        if value < least {
            return Err((key, format!("must be at least {least}")));
        }
    }
    if csta.session {
        session(provider).map_err(|text| ("csta.session_password_file", text))?;
    }
    Settings::named(&csta.dialect, csta.edition, Vec::new()).map(drop).map_err(|error| {
        let key = match error {
            SettingsError::Dialect(_) => "csta.dialect",
            SettingsError::Edition(_) => "csta.edition",
        };
        (key, error.to_string())
    })
}

fn check_xmpp(provider: &Provider) -> Vec<(String, String)> {
    let xmpp = &provider.xmpp;
    let mut wrong: Vec<(&str, String)> = Vec::new();
    if provider.mode == Mode::Listen {
        wrong.push(("mode", "a chat server is connected to: set mode = \"connect\"".into()));
    }
    if provider.tls {
        wrong.push(("tls", "is for telephone systems; set xmpp.security for a chat server".into()));
    }
    let file = match xmpp.mode {
        XmppMode::Client => {
            if xmpp.jid.split_once('@').is_none_or(|(user, domain)| user.is_empty() || domain.is_empty()) {
                let text = format!("\"{}\" is no address such as \"chat@voorbeeld.nl\"", xmpp.jid);
                wrong.push(("xmpp.jid", text));
            }
            ("xmpp.password_file", &xmpp.password_file)
        }
        XmppMode::Component => {
            if xmpp.domain.is_empty() {
                let text = "is missing: which domain did the server give this component?";
                wrong.push(("xmpp.domain", text.into()));
            }
            if xmpp.security == Security::Starttls {
                let text =
                    "a component has no StartTLS: \"none\" for a server on this machine, or \"direct-tls\"";
                wrong.push(("xmpp.security", text.into()));
            }
            ("xmpp.secret_file", &xmpp.secret_file)
        }
    };
    if let Err(text) = secret(file.1) {
        wrong.push((file.0, text));
    }
    if xmpp.security == Security::None && !xmpp.allow_insecure && !is_loopback(&provider.address) {
        let tls = match xmpp.mode {
            XmppMode::Client => "\"starttls\" or \"direct-tls\"",
            XmppMode::Component => "\"direct-tls\"",
        };
        let text = format!(
            "without TLS others can read along: set {tls}, or allow_insecure = true where nobody else can listen"
        );
        wrong.push(("xmpp.security", text));
    }
    if xmpp.resource.trim().is_empty() {
        wrong.push(("xmpp.resource", "must not be empty".into()));
    }
    for (key, value) in [
        ("xmpp.conversations_max", xmpp.conversations_max),
        ("xmpp.rooms_max", xmpp.rooms_max),
        ("xmpp.burst_max", xmpp.burst_max),
        ("xmpp.ping_seconds", xmpp.ping_seconds),
    ] {
        if value == 0 {
            wrong.push((key, "must be at least 1".into()));
        }
    }
    if !(10_000..=STANZA_BYTES_MAX).contains(&xmpp.stanza_bytes_max) {
        // RFC 6120 clause 13.12.
        wrong.push(("xmpp.stanza_bytes_max", format!("must be from 10000 to {STANZA_BYTES_MAX}")));
    }
    let mut wrong: Vec<_> = wrong.into_iter().map(|(key, text)| (key.to_owned(), text)).collect();
    for (at, each) in xmpp.queues.iter().enumerate().filter(|(_, each)| each.address.trim().is_empty()) {
        let text = format!("is missing: which address is for the queue \"{}\"?", each.queue);
        wrong.push((format!("xmpp.queues[{at}].address"), text));
    }
    for (at, each) in xmpp.agents.iter().enumerate() {
        if each.agent.trim().is_empty() || each.jid.trim().is_empty() {
            wrong.push((format!("xmpp.agents[{at}]"), "must have an agent and his jid".into()));
        }
    }
    if wrong.is_empty()
        && let Err(error) = Xmpp::new(xmpp_settings(provider))
    {
        wrong.push(("xmpp".into(), error.to_string()));
    }
    wrong
}

/// A provider's adapter.
///
/// # Errors
/// What is wrong and how to mend it.
pub fn adapter(provider: &Provider) -> Result<AnyAdapter, String> {
    if let Some((key, text)) = check(provider).first() {
        return Err(format!("{key}: {text}"));
    }
    if provider.adapter == "xmpp" {
        let adapter = Xmpp::new(xmpp_settings(provider)).map_err(|error| error.to_string())?;
        return Ok(AnyAdapter::Stanzas(Box::new(adapter)));
    }
    let csta = &provider.csta;
    let mut devices = Vec::new();
    for group in &provider.devices {
        devices.extend(group.expand()?.iter().map(|number| DeviceId::from(number.as_str())));
    }
    let settings =
        Settings::named(&csta.dialect, csta.edition, devices).map_err(|error| error.to_string())?;
    let session = if csta.session { Some(session(provider)?) } else { None };
    let csta = Csta::new(Settings {
        session,
        system_register: csta.system_register,
        get_capabilities: csta.get_capabilities,
        heartbeat: Millis::seconds(csta.heartbeat_seconds.into()),
        request_limit: Millis::seconds(csta.request_limit_seconds.into()),
        outstanding_max: csta.outstanding_max as usize,
        refused_kept_max: csta.refused_kept_max as usize,
        routeing_devices: provider
            .routes
            .iter()
            .filter(|route| route.is_one())
            .map(|route| DeviceId::from(route.device.trim()))
            .collect(),
        route_reject: csta.route_reject,
        agent_poll: Millis::seconds(csta.agent_poll_seconds.into()),
        ..settings
    });
    Ok(AnyAdapter::Bytes(Box::new(csta)))
}

/// What an adapter understands of a message or a stream of them.
pub struct Inspection {
    /// As JSON, for a person.
    pub json: String,
    /// Whether there is a message and every one is understood.
    pub all_understood: bool,
}

/// Looks at bytes as the CSTA adapter would, in a dialect.
///
/// # Errors
/// When there is no such dialect: the ones that there are.
pub fn inspect_csta(bytes: &[u8], dialect: &str) -> Result<Inspection, String> {
    let dialect = Dialect::by_name(dialect).ok_or_else(|| {
        let known: Vec<_> = schakel_csta::dialect::ALL.iter().map(|dialect| dialect.name).collect();
        format!("there is no dialect \"{dialect}\"; known are: {}", known.join(", "))
    })?;
    let inspection = schakel_csta::inspect(bytes, dialect);
    let json = serde_json::to_string_pretty(&inspection).map_err(|error| error.to_string())?;
    Ok(Inspection { json, all_understood: inspection.all_understood() })
}

/// Looks at stanzas, one after another, as the XMPP adapter would as a component.
///
/// # Errors
/// When it is no XML: where and what.
pub fn inspect_xmpp(bytes: &[u8]) -> Result<Inspection, String> {
    let text = std::str::from_utf8(bytes).map_err(|error| format!("it is not UTF-8: {error}"))?;
    let text = text.trim_start_matches('\u{feff}').trim();
    let text = match text.strip_prefix("<?xml") {
        Some(rest) => rest.split_once("?>").map_or(rest, |(_, stanzas)| stanzas),
        None => text,
    };
    let stream: Element = format!("<inspected xmlns='jabber:client'>{text}</inspected>")
        .parse()
        .map_err(|error| format!("it is no XML: {error}; give stanzas, without the stream around them"))?;
    let settings = schakel_xmpp::Settings {
        default_queue: Some("inspected".into()),
        archive: false,
        limits: schakel_xmpp::Limits {
            refused_kept_max: stream.children().count(),
            ..schakel_xmpp::Limits::default()
        },
        ..schakel_xmpp::Settings::component("inspected.invalid")
    };
    let mut adapter = Xmpp::new(settings).map_err(|error| error.to_string())?;
    let mut outputs = Vec::new();
    adapter.handle(Input::Remember(&Memory::default()), Time::default(), &mut outputs);
    adapter.handle(Input::Opened, Time::default(), &mut outputs);
    let mut all_understood = stream.children().next().is_some();
    let mut verdicts = Vec::new();
    for (at, stanza) in stream.children().enumerate() {
        outputs.clear();
        let refused = adapter.observations().refused.len();
        // A second apart, as they would come.
        adapter.handle(Input::Received(stanza), Time(1_000 * (at as u64 + 1)), &mut outputs);
        let declined = adapter.observations().refused.get(refused).map(|refused| refused.reason.to_string());
        let answers = outputs.iter().filter_map(|output| match output {
            Output::Transmit(answer) => Some(String::from(answer)),
            _ => None,
        });
        let reports: Vec<_> = outputs
            .iter()
            .filter_map(|output| match output {
                Output::Report(report) => Some(report),
                _ => None,
            })
            .collect();
        let typing = outputs.iter().any(|output| matches!(output, Output::Typing(_)));
        all_understood &= declined.is_none();
        verdicts.push(serde_json::json!({
            "stanza": stanza.name(),
            "id": stanza.attr("id"),
            "declined": declined,
            "reports": reports,
            "typing": typing,
            "answers": answers.collect::<Vec<_>>(),
        }));
    }
    let json = serde_json::to_string_pretty(&verdicts).map_err(|error| error.to_string())?;
    Ok(Inspection { json, all_understood })
}

/// A secret from its file.
///
/// # Errors
/// What is wrong and how to mend it.
pub(crate) fn secret(file: &Path) -> Result<String, String> {
    if file.as_os_str().is_empty() {
        return Err("is missing: name the file that has the secret and nothing else".into());
    }
    let text = std::fs::read_to_string(file)
        .map_err(|error| format!("{} cannot be read: {error}", file.display()))?;
    match text.trim_end_matches(['\r', '\n']) {
        "" => Err(format!("{} is empty", file.display())),
        secret => Ok(secret.to_owned()),
    }
}

/// Whether what is said to an address stays on this machine.
fn is_loopback(address: &str) -> bool {
    let host = address.rsplit_once(':').map_or(address, |(host, _)| host).trim_matches(['[', ']']);
    host == "localhost" || host.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback())
}

fn xmpp_settings(provider: &Provider) -> schakel_xmpp::Settings {
    let xmpp = &provider.xmpp;
    let settings = match xmpp.mode {
        XmppMode::Client => schakel_xmpp::Settings::client(&xmpp.jid),
        XmppMode::Component => schakel_xmpp::Settings::component(&xmpp.domain),
    };
    let optional = |text: &String| (!text.is_empty()).then(|| text.as_str().into());
    let list = |texts: &[String]| texts.iter().map(|text| text.as_str().into()).collect();
    let queues = xmpp.queues.iter().map(|each| (each.address.as_str().into(), each.queue.as_str().into()));
    let agents = xmpp.agents.iter().map(|each| (each.agent.as_str().into(), each.jid.as_str().into()));
    schakel_xmpp::Settings {
        queues: queues.collect(),
        default_queue: (!xmpp.default_queue.is_empty()).then(|| xmpp.default_queue.as_str().into()),
        nickname: xmpp.nickname.as_str().into(),
        muc_service: optional(&xmpp.muc_service),
        archive: xmpp.archive,
        agents: agents.collect(),
        upload: xmpp.upload,
        upload_service: optional(&xmpp.upload_service),
        allowed_domains: list(&xmpp.allowed_domains),
        workgroups: list(&xmpp.workgroups),
        real_time_text: xmpp.real_time_text,
        limits: schakel_xmpp::Limits {
            stanza_bytes: xmpp.stanza_bytes_max as usize,
            burst: xmpp.burst_max,
            conversations_max: xmpp.conversations_max as usize,
            rooms_max: xmpp.rooms_max as usize,
            ..settings.limits.clone()
        },
        ..settings
    }
}

fn session(provider: &Provider) -> Result<SessionSettings, String> {
    let csta = &provider.csta;
    let file = &csta.session_password_file;
    let password = if file.as_os_str().is_empty() {
        String::new()
    } else {
        std::fs::read_to_string(file)
            .map_err(|error| format!("{} cannot be read: {error}", file.display()))?
            .trim_end_matches(['\r', '\n'])
            .to_owned()
    };
    Ok(SessionSettings {
        user: csta.session_user.clone(),
        password,
        login_namespace: csta.session_namespace.clone(),
        duration_seconds: csta.session_duration_seconds,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Config;

    /// What is wrong with a chat server's section, with a password where it is looked for.
    fn wrong(text: &str) -> Vec<String> {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("secret");
        std::fs::write(&file, "geheim\n").unwrap();
        let text = format!(
            "[[chat.queues]]\nname = \"bz\"\n[[providers]]\nname = \"chat\"\nadapter = \"xmpp\"\n{}\n",
            text.replace("SECRET", file.to_str().unwrap())
        );
        match Config::parse("t", Some(&text), &[]) {
            Ok(config) => {
                assert!(matches!(adapter(&config.providers[0]), Ok(AnyAdapter::Stanzas(_))));
                Vec::new()
            }
            Err(error) => error.problems.into_iter().map(|problem| problem.key).collect(),
        }
    }

    #[test]
    fn stanzas_are_inspected_one_by_one() {
        let message = "<message from='v@chat.test/x' to='publiek@inspected.invalid' id='1' type='chat'><body>Hallo</body></message>";
        let seen = inspect_xmpp(format!("<?xml version='1.0'?>\n{message}").as_bytes()).unwrap();
        assert!(seen.all_understood && seen.json.contains("Hallo"), "{}", seen.json);
        assert!(!inspect_xmpp(b"").unwrap().all_understood, "nothing is nothing understood");
        assert!(inspect_xmpp(b"<message").is_err());
    }

    #[test]
    fn p05_a_chat_server_is_checked_as_a_whole() {
        let client = "[providers.xmpp]\njid = \"bot@chat.test\"\npassword_file = \"SECRET\"\n";
        let component =
            "[providers.xmpp]\nmode = \"component\"\ndomain = \"cti.chat.test\"\nsecret_file = \"SECRET\"\n";
        let none = "security = \"none\"\n";
        let queues = "queues = [{ address = \"bz\", queue = \"bz\" }]\nagents = [{ agent = \"jan\", jid = \"jan@chat.test\" }]\n";
        assert!(wrong(&format!("{client}{queues}")).is_empty());
        assert!(wrong(&format!("{component}{none}{queues}")).is_empty());
        for (text, keys) in [
            ("[providers.xmpp]\n".to_owned(), vec!["xmpp.jid", "xmpp.password_file"]),
            (component.to_owned(), vec!["xmpp.security"]),
            (format!("mode = \"listen\"\naddress = \"127.0.0.1:1\"\n{client}"), vec!["mode"]),
            (format!("tls = true\n{client}"), vec!["tls"]),
            (format!("address = \"chat.test:5222\"\n{client}{none}"), vec!["xmpp.security"]),
            (
                format!("{client}queues = [{{ address = \"x\", queue = \"zb\" }}]\n"),
                vec!["xmpp.queues[0].queue"],
            ),
            (format!("{client}queues = [{{ queue = \"bz\" }}]\n"), vec!["xmpp.queues[0].address"]),
            (format!("{client}default_queue = \"zb\"\n"), vec!["xmpp.default_queue"]),
            (format!("{client}agents = [{{ agent = \"jan\" }}]\n"), vec!["xmpp.agents[0]"]),
            (
                format!("{client}stanza_bytes_max = 1\nburst_max = 0\nping_seconds = 0\n"),
                vec!["xmpp.burst_max", "xmpp.ping_seconds", "xmpp.stanza_bytes_max"],
            ),
            (format!("{client}resorce = \"x\"\n"), vec!["xmpp.resorce"]),
        ] {
            let mut found = wrong(&text);
            found.sort_unstable();
            let mut keys: Vec<String> = keys.iter().map(|key| format!("providers[0].{key}")).collect();
            keys.sort_unstable();
            assert_eq!(found, keys, "{text}");
        }
        let insecure = format!("address = \"chat.test:5222\"\n{client}{none}allow_insecure = true\n");
        assert!(wrong(&insecure).is_empty(), "in so many words");
    }
}
