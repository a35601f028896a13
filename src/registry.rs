//! The adapters that this build has. The only place that names them.

use crate::config::Provider;
use schakel_core::adapter::Adapter;
use schakel_core::model::ids::DeviceId;
use schakel_core::model::time::Millis;
use schakel_csta::{Csta, Dialect, SessionSettings, Settings};

/// The names that `adapter = …` may have.
const KNOWN: &str = "\"csta\"";

/// Whether a provider's adapter exists and takes its settings.
///
/// # Errors
/// What is wrong and how to mend it.
pub fn check(provider: &Provider) -> Result<(), String> {
    match provider.adapter.as_str() {
        "csta" => {
            let csta = &provider.csta;
            if csta.outstanding_max == 0 {
                return Err("csta.outstanding_max must be at least 1".into());
            }
            if csta.session && csta.session_duration_seconds < 10 {
                return Err("csta.session_duration_seconds must be at least 10".into());
            }
            Settings::named(&csta.dialect, csta.edition, Vec::new())
                .map(drop)
                .map_err(|error| error.to_string())
        }
        other => Err(format!("there is no adapter \"{other}\"; known are: {KNOWN}")),
    }
}

/// A provider's adapter.
///
/// # Errors
/// What is wrong and how to mend it.
pub fn adapter(provider: &Provider) -> Result<Box<dyn Adapter>, String> {
    check(provider)?;
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
            .map_err(|error| format!("csta.session_password_file {}: {error}", file.display()))?
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
