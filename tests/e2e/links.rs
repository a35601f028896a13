//! The ways to a PBX: we connect or it does, with TLS or without, in each dialect and edition.

use crate::harness::{House, on_runtime, pbx};
use crate::sins::a_whole_call;
use schakel::jkc::certificate;
use schakel_simulator::config::{SimulatorConfig, SpokenEdition, TlsConfig};
use tempfile::TempDir;

#[test]
fn p05_a_pbx_that_pushes_to_us() {
    on_runtime(async {
        let (ours, _) = crate::harness::free_ports();
        let mut config = pbx();
        config.csta.listen = None;
        config.csta.push_to = Some(ours.to_string());
        let folder = TempDir::new().unwrap();
        a_whole_call(House::at(folder, Some(ours), config, "mode = \"listen\"").await).await;
    });
}

#[test]
fn p05_tls_to_the_pbx_with_its_own_ca() {
    on_runtime(async {
        let folder = TempDir::new().unwrap();
        let files = certificate::make(folder.path(), &["pbx.voorbeeld.nl"]).unwrap();
        let mut config = pbx();
        config.csta.tls = Some(TlsConfig { certificate: files.certificate.clone(), key: files.key.clone() });
        let keys =
            format!("tls = true\ntls_name = \"pbx.voorbeeld.nl\"\ntls_ca_file = \"{}\"", files.ca.display());
        a_whole_call(House::at(folder, None, config, &keys).await).await;
    });
}

#[test]
fn t25_every_edition_that_is_spoken() {
    for (edition, spoken) in [(3, SpokenEdition::Ed3), (4, SpokenEdition::Ed4), (6, SpokenEdition::Ed6)] {
        on_runtime(async move {
            let mut config = pbx();
            config.csta.edition = spoken;
            let keys = format!("[providers.csta]\nedition = {edition}");
            a_whole_call(House::with(config, &keys).await).await;
        });
    }
}

#[test]
fn t25_switches_that_behave_as_openscape_voice_and_asterisk_csp_do() {
    for (name, dialect) in [("openscape", "openscape-voice"), ("asterisk-csp", "asterisk-csp")] {
        on_runtime(async move {
            let text = SimulatorConfig::built_in(name).unwrap();
            let mut config = SimulatorConfig::from_scenario(text).unwrap();
            config.steps.clear();
            config.csta.listen = Some(crate::harness::ANY);
            let keys = format!("[providers.csta]\ndialect = \"{dialect}\"");
            a_whole_call(House::with(config, &keys).await).await;
        });
    }
}
