//! What the tests of the adapter share: CSTA units as text, and adapters from a transcript's settings.
#![allow(dead_code, clippy::unwrap_used, clippy::panic)]

use std::path::PathBuf;

use schakel_core::model::ids::DeviceId;
use schakel_core::model::time::Millis;
use schakel_csta::{Csta, SessionSettings, Settings};
use schakel_csta_wire::{Deframer, InvokeId, MAX_FRAME_BYTES, encode_frame};
use schakel_testkit::{Keys, Wire};

/// The folders of transcripts.
pub const DIALECTS: [&str; 5] =
    ["standard-ed3", "standard-ed4", "standard-ed6", "openscape-voice", "asterisk-csp"];

pub fn fixtures() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../protocol-fixtures/csta")
}

/// `INVOKE XML`, as `9999 <HeldEvent>…</HeldEvent>`; what we send is shown without its prolog.
pub struct CstaWire(Deframer);

impl Default for CstaWire {
    fn default() -> Self {
        Self(Deframer::new(MAX_FRAME_BYTES))
    }
}

impl Wire for CstaWire {
    fn encode(&self, text: &str) -> Result<Vec<u8>, String> {
        let (invoke, xml) = text.split_once(' ').ok_or("a unit is written as: INVOKE XML")?;
        let invoke: [u8; 4] =
            invoke.as_bytes().try_into().map_err(|_| format!("{invoke:?} is no invoke id"))?;
        let mut frame = Vec::new();
        encode_frame(InvokeId(invoke), xml.as_bytes(), &mut frame).map_err(|error| error.to_string())?;
        Ok(frame)
    }

    fn decode(&mut self, bytes: &[u8]) -> Vec<String> {
        self.0.push(bytes);
        let mut units = Vec::new();
        while let Some(frame) = self.0.next_frame().unwrap() {
            let xml = std::str::from_utf8(frame.body).unwrap();
            let xml = xml.strip_prefix("<?xml version=\"1.0\" encoding=\"UTF-8\"?>").unwrap();
            units.push(format!("{} {xml}", frame.invoke));
        }
        units
    }
}

/// An adapter for `dialect= edition= devices=2001,2002 caps=yes session=USER:PASSWORD register=yes heartbeat=30
/// limit=10 outstanding=20 routes=7100 reject=yes poll=5`.
pub fn adapter(keys: &Keys) -> Result<Csta, String> {
    let key = |name: &str| keys.get(name).map(String::as_str);
    let number = |name: &str, default: u64| match key(name) {
        Some(text) => text.parse::<u64>().map_err(|error| format!("{name}: {error}")),
        None => Ok(default),
    };
    let devices =
        key("devices").unwrap_or("2001").split(',').filter(|d| !d.is_empty()).map(DeviceId::from).collect();
    let edition = u8::try_from(number("edition", 4)?).map_err(|error| error.to_string())?;
    let settings = Settings::named(key("dialect").unwrap_or("standard"), edition, devices);
    let settings = settings.map_err(|error| error.to_string())?;
    let session = key("session").map(|login| {
        let (user, password) = login.split_once(':').unwrap_or((login, ""));
        SessionSettings {
            user: user.into(),
            password: password.into(),
            login_namespace: key("login-namespace").unwrap_or_default().into(),
            duration_seconds: 180,
        }
    });
    Ok(Csta::new(Settings {
        session,
        get_capabilities: key("caps") == Some("yes"),
        system_register: key("register") == Some("yes"),
        heartbeat: Millis::seconds(number("heartbeat", 0)?),
        request_limit: Millis::seconds(number("limit", 10)?),
        routeing_devices: key("routes")
            .unwrap_or("")
            .split(',')
            .filter(|device| !device.is_empty())
            .map(DeviceId::from)
            .collect(),
        route_reject: key("reject") == Some("yes"),
        agent_poll: Millis::seconds(number("poll", 0)?),
        outstanding_max: usize::try_from(number("outstanding", 20)?).unwrap_or(20),
        ..settings
    }))
}
