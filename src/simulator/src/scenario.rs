//! Scenario files: a switch and what happens on it, in TOML.
//!
//! ```toml
//! [[extensions]]
//! number = "2001"
//! name = "Jan de Vries"
//!
//! [[steps]]
//! at = "500ms"          # since the start; `after` counts from the step before
//! do = "ring"
//! from = "0201234567"
//! to = "2001"
//!
//! [[steps]]
//! do = "expect"
//! device = "2001"
//! state = "alerting"
//! within = "2s"         # an expectation may take so long to come true
//! ```
//!
//! Agents and routing:
//!
//! ```toml
//! [behaviour]
//! agents = "reported"             # or "polled" (no events), or "none" (no agents at all)
//! agents_move = true              # an agent who logs on elsewhere is logged off here; otherwise refused
//!
//! [[queues]]
//! number = "7000"
//! members = ["2001"]              # telephones; agents of other telephones log on to the queue
//! agents_only = true
//! distribution = "longest-idle"   # or "in-turn", "ring-all"
//! wrap_up = "30s"                 # after-call work; "until-ready"; nothing: none
//! unanswered = "not-ready"        # who lets it ring is not ready then; or "stay-ready"
//!
//! [[routing_points]]
//! number = "7100"
//! default_to = "7000"             # where calls go if the application says nothing, or nothing good
//! reply_timeout = "2s"
//! reroutes = 1                    # how often it is asked again for one call
//! events = "delivered"            # what monitors hear: or "offered", "nothing"
//! rejected = "default"            # what RouteReject does: or "given-back"
//!
//! [[steps]]
//! do = "agent"
//! device = "2001"
//! request = "loggedOn"            # then "ready", "notReady", "workingAfterCall", "loggedOff"
//! agent = "anna"
//! group = "7000"
//!
//! [[steps]]
//! do = "expect-agent"             # also "expect-waiting" with queue and calls
//! device = "2001"
//! state = "notReady"
//!
//! [[steps]]
//! do = "sin"
//! what = { sin = "abort-routing" }
//! ```

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use serde::Deserialize;
use tokio::time::{sleep_until, timeout_at};

use crate::config::{CstaConfig, SimulatorConfig};
use crate::csta::Hub;
use crate::deed::{Deed, DeedError};
use crate::duration::Span;
use crate::switch::{
    Behaviour, ExtensionConfig, Number, OutsideConfig, QueueConfig, RoutingPointConfig, SwitchConfig,
};

/// The scenario of the demo: a small town hall where nothing happens by itself.
pub const DEMO: &str = include_str!("../scenarios/demo.toml");

/// The same town hall on a switch that behaves as OpenScape Voice does.
pub const OPENSCAPE: &str = include_str!("../scenarios/openscape.toml");

/// A working day of a contact centre, from eight to five: agents, breaks, queues and a routing point.
pub const ACD_DAY: &str = include_str!("../scenarios/acd-day.toml");

/// Three telephones on a switch that behaves as asterisk-csp does.
pub const ASTERISK_CSP: &str = include_str!("../scenarios/asterisk-csp.toml");

/// An expectation has so long to come true, unless it says otherwise.
pub(crate) const PATIENCE: Span = Span::seconds(5);
/// A range of extensions has at most so many.
const MOST_IN_A_RANGE: u64 = 20_000;

/// Something that happens at a time.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Step {
    /// When, since the start.
    #[serde(default)]
    pub at: Option<Span>,
    /// When, since the step before.
    #[serde(default)]
    pub after: Option<Span>,
    /// How long an expectation may take to come true.
    #[serde(default)]
    pub within: Option<Span>,
    /// What.
    #[serde(flatten)]
    pub deed: Deed,
}

/// How a scenario goes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Progress {
    /// Steps are left.
    #[default]
    Running,
    /// All steps are done.
    Done,
    /// A step was not possible; the rest is left out.
    Failed(String),
}

/// A scenario file that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ScenarioError {
    /// It is not such a file.
    #[error("the scenario cannot be read: {0}")]
    NotAScenario(#[from] toml::de::Error),
    /// An extension has no number, or two.
    #[error("extension {0}: give either number = \"2001\" or numbers = \"2010-2019\"")]
    NumberOrNumbers(usize),
    /// A range makes no sense.
    #[error(
        "{0:?} is no range of numbers; write the first and the last with a dash, as 2010-2019 (at most 20000)"
    )]
    NotARange(String),
    /// A step is timed twice.
    #[error("step {0}: give at (since the start) or after (since the step before), not both")]
    TimedTwice(usize),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(default)]
    csta: CstaConfig,
    #[serde(default)]
    control: Option<SocketAddr>,
    #[serde(default)]
    behaviour: Behaviour,
    #[serde(default)]
    extensions: Vec<Extensions>,
    #[serde(default)]
    queues: Vec<QueueConfig>,
    #[serde(default)]
    routing_points: Vec<RoutingPointConfig>,
    #[serde(default)]
    outside: Vec<OutsideConfig>,
    #[serde(default)]
    steps: Vec<Step>,
}

/// One extension or a range of them.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Extensions {
    number: Option<Number>,
    numbers: Option<String>,
    name: Option<Arc<str>>,
    #[serde(default)]
    call_waiting: bool,
    pickup_group: Option<Arc<str>>,
    agent: Option<Arc<str>>,
    answers_after: Option<Span>,
}

impl SimulatorConfig {
    /// Reads a scenario file.
    ///
    /// # Errors
    /// When it cannot be used, with line and column where TOML tells them.
    pub fn from_scenario(text: &str) -> Result<Self, ScenarioError> {
        let file: File = toml::from_str(text)?;
        let mut extensions = Vec::new();
        for (place, entry) in file.extensions.into_iter().enumerate() {
            expand(place + 1, entry, &mut extensions)?;
        }
        if let Some(place) = file.steps.iter().position(|step| step.at.is_some() && step.after.is_some()) {
            return Err(ScenarioError::TimedTwice(place + 1));
        }
        let File { queues, routing_points, outside, behaviour, .. } = file;
        Ok(Self {
            switch: SwitchConfig { extensions, queues, routing_points, outside, behaviour },
            csta: file.csta,
            control: file.control.or_else(|| Self::default().control),
            steps: file.steps,
        })
    }

    /// One of the scenarios that are built in: `demo`, `openscape`, `asterisk-csp`, `acd-day`.
    #[must_use]
    pub fn built_in(name: &str) -> Option<&'static str> {
        match name {
            "demo" => Some(DEMO),
            "openscape" => Some(OPENSCAPE),
            "asterisk-csp" => Some(ASTERISK_CSP),
            "acd-day" => Some(ACD_DAY),
            _ => None,
        }
    }

    /// The scenario of the demo.
    ///
    /// # Errors
    /// Never: a test reads it.
    pub fn demo() -> Result<Self, ScenarioError> {
        Self::from_scenario(DEMO)
    }
}

fn expand(place: usize, entry: Extensions, into: &mut Vec<ExtensionConfig>) -> Result<(), ScenarioError> {
    let numbers = match (entry.number, entry.numbers) {
        (Some(number), None) => vec![number],
        (None, Some(range)) => range_of(&range).ok_or(ScenarioError::NotARange(range))?,
        _ => return Err(ScenarioError::NumberOrNumbers(place)),
    };
    into.extend(numbers.into_iter().map(|number| ExtensionConfig {
        number,
        name: entry.name.clone(),
        call_waiting: entry.call_waiting,
        pickup_group: entry.pickup_group.clone(),
        agent: entry.agent.clone(),
        answers_after: entry.answers_after,
    }));
    Ok(())
}

/// `2010-2019`: every number from the first to the last, with its leading zeros.
fn range_of(range: &str) -> Option<Vec<Number>> {
    let (first, last) = range.split_once('-')?;
    let (first, last) = (first.trim(), last.trim());
    let width = first.len();
    let (first, last) = (first.parse::<u64>().ok()?, last.parse::<u64>().ok()?);
    if last < first || last - first >= MOST_IN_A_RANGE {
        return None;
    }
    Some((first..=last).map(|number| Number::from(format!("{number:0width$}"))).collect())
}

/// Does every step in its time; the first that is not possible ends it.
pub(crate) async fn run(hub: Arc<Hub>, steps: Vec<Step>) -> Progress {
    let began = tokio::time::Instant::now();
    let mut before = began;
    for (place, step) in steps.iter().enumerate() {
        let when = match (step.at, step.after) {
            (Some(at), _) => began + at.0,
            (None, Some(after)) => before + after.0,
            (None, None) => before,
        };
        sleep_until(when).await;
        before = when;
        if let Err(error) = perform(&hub, step).await {
            let failed = format!("step {}, {:?}: {error}", place + 1, step.deed);
            tracing::error!("{failed}");
            return Progress::Failed(failed);
        }
    }
    Progress::Done
}

async fn perform(hub: &Hub, step: &Step) -> Result<(), DeedError> {
    let mut changes = hub.changes();
    let first = hub.change(|core, now| core.perform(now, &step.deed));
    let Err(mut error) = first else { return Ok(()) };
    if !step.deed.is_expectation() {
        return Err(error);
    }
    let patience: Duration = step.within.unwrap_or(PATIENCE).0;
    let deadline = tokio::time::Instant::now() + patience;
    while let Ok(Ok(())) = timeout_at(deadline, changes.changed()).await {
        match hub.quietly(|core| core.perform(Duration::ZERO, &step.deed)) {
            Ok(_) => return Ok(()),
            Err(again) => error = again,
        }
    }
    Err(error)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_demo_is_a_scenario() {
        let demo = SimulatorConfig::demo().unwrap();
        assert_eq!(demo.switch.extensions.len(), 13);
        crate::switch::Switch::new(demo.switch).unwrap();
    }

    #[test]
    fn every_built_in_scenario_is_one() {
        for name in ["demo", "openscape", "asterisk-csp", "acd-day"] {
            let config = SimulatorConfig::from_scenario(SimulatorConfig::built_in(name).unwrap()).unwrap();
            crate::switch::Switch::new(config.switch).unwrap();
        }
        assert_eq!(SimulatorConfig::built_in("none"), None);
    }

    #[test]
    fn steps_are_read() {
        let text = "[[steps]]\nat = \"500ms\"\ndo = \"ring\"\nfrom = \"0201234567\"\nto = \"2001\"\n\
                    [[steps]]\ndo = \"sin\"\nwhat = { sin = \"cut-link\", for = \"2s\" }\n\
                    [[steps]]\ndo = \"expect\"\ndevice = \"2001\"\nstate = \"alerting\"\nwithin = \"1s\"";
        let steps = SimulatorConfig::from_scenario(text).unwrap().steps;
        assert_eq!(steps.len(), 3);
        assert_eq!(steps[0].at, Some(Span::millis(500)));
        assert!(matches!(&steps[0].deed, Deed::Ring { to, .. } if to.as_str() == "2001"));
    }

    #[test]
    fn queues_and_routing_points_are_read() {
        let text = "[[queues]]\nnumber = \"7000\"\nmembers = []\nwrap_up = \"until-ready\"\n\
                    [[queues]]\nnumber = \"7001\"\nmembers = []\n\
                    [[routing_points]]\nnumber = \"7100\"\ndefault_to = \"7000\"\nevents = \"offered\"";
        let switch = SimulatorConfig::from_scenario(text).unwrap().switch;
        assert_eq!(switch.queues[0].wrap_up, None);
        assert_eq!(switch.queues[1].wrap_up, Some(Span::seconds(0)));
        assert_eq!(switch.routing_points[0].reply_timeout, Span::seconds(3));
        let written = serde_json::to_value(&switch).unwrap();
        assert_eq!(written["queues"][0]["wrap_up"], "until-ready");
        assert_eq!(serde_json::from_value::<SwitchConfig>(written).unwrap(), switch);
    }

    #[test]
    fn mistakes_are_named() {
        let cases = [
            ("[[queues]]\nnumber = \"7000\"\nmembers = []\nwrap_up = \"never\"", "no duration"),
            ("[[routing_points]]\nnumber = \"7100\"", "missing field `default_to`"),
            ("[[steps]]\ndo = \"ring\"", "missing field `to`"),
            ("[[steps]]\ndo = \"dance\"", "unknown variant `dance`"),
            ("[[steps]]\ndo = \"answer\"\ndevice = \"1\"\nwhom = \"2\"", "unknown field `whom`"),
            ("[[steps]]\ndo = \"answer\"\ndevice = \"1\"\nat = \"1s\"\nafter = \"1s\"", "not both"),
            ("[[extensions]]\nname = \"x\"", "numbers = \"2010-2019\""),
            ("[[extensions]]\nnumbers = \"19-10\"", "no range"),
            ("[behaviour]\nno_answer_after = \"soon\"", "no duration"),
            ("[[queue]]", "unknown field `queue`"),
        ];
        for (text, says) in cases {
            let error = SimulatorConfig::from_scenario(text).unwrap_err().to_string();
            assert!(error.contains(says), "{text}\n{error}");
        }
    }
}
