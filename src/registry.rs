//! The adapters that this build has. The only place that names them.

use crate::config::Provider;
use schakel_core::adapter::Adapter;
use schakel_core::model::ids::DeviceId;
use schakel_core::model::time::Millis;
use schakel_csta::{Csta, Dialect, SessionSettings, Settings, SettingsError};

/// The names that `adapter = …` may have.
const KNOWN: &str = "\"csta\"";

/// Whether a provider's adapter exists and takes its settings.
///
/// # Errors
/// The key in the provider's section, and what is wrong with it and how to mend it.
pub fn check(provider: &Provider) -> Result<(), (&'static str, String)> {
    match provider.adapter.as_str() {
        "csta" => {
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
        other => Err(("adapter", format!("there is no adapter \"{other}\"; known are: {KNOWN}"))),
    }
}

/// A provider's adapter.
///
/// # Errors
/// What is wrong and how to mend it.
pub fn adapter(provider: &Provider) -> Result<Box<dyn Adapter>, String> {
    check(provider).map_err(|(key, text)| format!("{key}: {text}"))?;
    let csta = &provider.csta;
    let mut devices = Vec::new();
    for group in &provider.devices {
        devices.extend(group.expand()?.iter().map(|number| DeviceId::from(number.as_str())));
    }
    let settings =
        Settings::named(&csta.dialect, csta.edition, devices).map_err(|error| error.to_string())?;
    let session = if csta.session { Some(session(provider)?) } else { None };
    Ok(Box::new(Csta::new(Settings {
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
    })))
}

/// What the CSTA adapter understands of a message or a stream of them.
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
