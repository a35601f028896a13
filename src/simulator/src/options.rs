//! What `schakel simulate` takes from its command line, without a command line.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;

use crate::config::{SimulatorConfig, SpokenEdition};
use crate::scenario::{DEMO, ScenarioError};

/// Where the CSTA server listens unless told otherwise: the port of OpenScape Voice.
const CSTA_PORT: u16 = 1040;
/// Where the HTTP control listens unless told otherwise.
const CONTROL_PORT: u16 = 1041;

/// The choices of a person who starts a simulator by hand.
#[derive(Clone, Debug, Default)]
pub struct SimulateOptions {
    /// A scenario: the name of one that is built in (`demo`, `openscape`, `asterisk-csp`, `acd-day`) or a file.
    pub scenario: Option<String>,
    /// Where the CSTA server listens.
    pub listen: Option<SocketAddr>,
    /// Where the HTTP control listens.
    pub control: Option<SocketAddr>,
    /// A listener to connect to, as `host:port`.
    pub push_to: Option<String>,
    /// The edition to speak.
    pub edition: Option<SpokenEdition>,
}

/// Options that cannot be followed.
#[derive(Debug, thiserror::Error)]
pub enum OptionsError {
    /// The scenario file cannot be opened.
    #[error("{file}: {error}; built in are demo, openscape, asterisk-csp and acd-day", file = .file.display())]
    NoFile {
        /// The file.
        file: PathBuf,
        /// Why not.
        error: std::io::Error,
    },
    /// The scenario makes no sense.
    #[error("{name}: {error}")]
    Scenario {
        /// The file or built-in scenario.
        name: String,
        /// What is wrong.
        error: Box<ScenarioError>,
    },
}

impl SimulateOptions {
    /// What to start. Ports that neither the options nor the scenario fix are 1040 (CSTA) and 1041 (control).
    ///
    /// # Errors
    /// When the scenario cannot be read.
    pub fn config(&self) -> Result<SimulatorConfig, OptionsError> {
        let name = self.scenario.as_deref().unwrap_or("demo");
        let text = match (SimulatorConfig::built_in(name), &self.scenario) {
            (Some(text), _) => text.to_owned(),
            (None, None) => DEMO.to_owned(),
            (None, Some(file)) => std::fs::read_to_string(file)
                .map_err(|error| OptionsError::NoFile { file: PathBuf::from(file), error })?,
        };
        let mut config = SimulatorConfig::from_scenario(&text)
            .map_err(|error| OptionsError::Scenario { name: name.to_owned(), error: Box::new(error) })?;
        config.csta.listen = self.listen.or_else(|| fixed(config.csta.listen, CSTA_PORT));
        config.control = self.control.or_else(|| fixed(config.control, CONTROL_PORT));
        if self.push_to.is_some() {
            config.csta.push_to.clone_from(&self.push_to);
        }
        if let Some(edition) = self.edition {
            config.csta.edition = edition;
        }
        Ok(config)
    }
}

/// The address with a port that people can remember.
fn fixed(address: Option<SocketAddr>, port: u16) -> Option<SocketAddr> {
    address.map(|mut address| {
        if address == SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 0) {
            address.set_port(port);
        }
        address
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_options_it_is_the_demo_on_known_ports() {
        let config = SimulateOptions::default().config().unwrap();
        assert_eq!(config.csta.listen.map(|a| a.to_string()).as_deref(), Some("127.0.0.1:1040"));
        assert_eq!(config.control.map(|a| a.to_string()).as_deref(), Some("127.0.0.1:1041"));
        assert_eq!(config.switch.extensions.len(), 13);
    }

    #[test]
    fn options_win_from_the_scenario() {
        let listen = Some("127.0.0.1:0".parse().unwrap());
        let scenario = Some("openscape".to_owned());
        let options =
            SimulateOptions { scenario, listen, push_to: Some("pbx:1".into()), ..Default::default() };
        let config = options.config().unwrap();
        assert_eq!((config.csta.listen, config.csta.push_to.as_deref()), (listen, Some("pbx:1")));
    }

    #[test]
    fn a_file_that_is_not_there_is_named() {
        let options = SimulateOptions { scenario: Some("no/such.toml".into()), ..Default::default() };
        let error = options.config().unwrap_err().to_string();
        assert!(error.contains("no/such.toml") && error.contains("openscape"), "{error}");
    }
}
