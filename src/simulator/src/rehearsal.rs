//! A scenario in virtual time: no sockets, no tasks, no waiting. A whole day takes milliseconds.
//!
//! An application is a function: it hears every event and says what it does after how long.
//!
//! ```
//! use schakel_simulator::config::SimulatorConfig;
//! use schakel_simulator::rehearsal::Rehearsal;
//! use schakel_simulator::scenario::ACD_DAY;
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let config = SimulatorConfig::from_scenario(ACD_DAY)?;
//! let mut day = Rehearsal::new(config.switch)?;
//! let mut rung = 0;
//! day.play(&config.steps, |_, event| {
//!     rung += usize::from(event.kind.name() == "Delivered");
//!     Vec::new()
//! })?;
//! assert!(rung > 0);
//! # Ok(())
//! # }
//! ```

use std::collections::BTreeMap;
use std::time::Duration;

use crate::deed::{Deed, DeedError};
use crate::scenario::{PATIENCE, Step};
use crate::sins::Sin;
use crate::switch::{
    Command, ConfigError, ConnectionId, Outcome, Switch, SwitchConfig, SwitchError, SwitchEvent,
};

/// What an application does, and how long after it has heard of something.
pub type Reaction = (Duration, Command);

/// A step of a scenario that was not possible.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("step {step} at {at:?}, {deed:?}: {error}")]
pub struct PlayError {
    /// Which, counted from 1.
    pub step: usize,
    /// When.
    pub at: Duration,
    /// What was to be done.
    pub deed: Box<Deed>,
    /// Why not.
    pub error: DeedError,
}

/// A switch and a clock that goes as fast as it is told.
pub struct Rehearsal {
    switch: Switch,
    now: Duration,
    /// What has happened and was not heard yet.
    events: Vec<SwitchEvent>,
    /// What the application is going to do.
    reactions: BTreeMap<(Duration, u64), Command>,
    next_reaction: u64,
    /// What the application wanted and the switch refused.
    refused: Vec<(Duration, Command, SwitchError)>,
}

impl Rehearsal {
    /// A switch as described, at time zero.
    ///
    /// # Errors
    /// When the description contradicts itself.
    pub fn new(config: SwitchConfig) -> Result<Self, ConfigError> {
        Ok(Self {
            switch: Switch::new(config)?,
            now: Duration::ZERO,
            events: Vec::new(),
            reactions: BTreeMap::new(),
            next_reaction: 0,
            refused: Vec::new(),
        })
    }

    /// The switch.
    #[must_use]
    pub const fn switch(&self) -> &Switch {
        &self.switch
    }

    /// The time since the start.
    #[must_use]
    pub const fn now(&self) -> Duration {
        self.now
    }

    /// What the application wanted and the switch refused, and when.
    #[must_use]
    pub fn refused(&self) -> &[(Duration, Command, SwitchError)] {
        &self.refused
    }

    /// Something happens at the switch now.
    ///
    /// # Errors
    /// When the switch refuses.
    pub fn execute(&mut self, command: &Command) -> Result<Outcome, SwitchError> {
        self.switch.execute(self.now, command, &mut self.events)
    }

    /// Someone does something now; the connection that came of it, if one did.
    ///
    /// # Errors
    /// When it is not possible now. Of the sins, those are possible that need no link.
    pub fn perform(&mut self, deed: &Deed) -> Result<Option<ConnectionId>, DeedError> {
        match deed {
            Deed::Sin { what: Sin::AbortRouting } => {
                self.execute(&Command::RouteAbort(None))?;
            }
            Deed::Sin { what: Sin::ReuseCallIds { count } } => self.switch.reuse_call_ids(*count),
            Deed::Sin { what: Sin::Restart { keep_calls: false, .. } } => self.switch.restart(),
            Deed::Sin { .. } => return Err(DeedError::NoLink),
            deed => {
                if let Some(command) = deed.command(&self.switch)? {
                    return Ok(self.execute(&command)?.connection().cloned());
                }
            }
        }
        Ok(None)
    }

    /// Lets time pass until `time`; everything that is due happens at its own moment.
    pub fn wait_until(
        &mut self,
        time: Duration,
        mut application: impl FnMut(Duration, &SwitchEvent) -> Vec<Reaction>,
    ) {
        self.tell(&mut application);
        while let Some(due) = self.next_deadline().filter(|due| *due <= time) {
            self.pass(due, &mut application);
        }
        self.now = self.now.max(time);
    }

    /// Does every step in its time. Afterwards the application goes on until it and the switch have nothing to do.
    ///
    /// # Errors
    /// When a step is not possible; the rest is left out.
    pub fn play(
        &mut self,
        steps: &[Step],
        mut application: impl FnMut(Duration, &SwitchEvent) -> Vec<Reaction>,
    ) -> Result<(), PlayError> {
        let began = self.now;
        let mut before = began;
        for (place, step) in steps.iter().enumerate() {
            let when = match (step.at, step.after) {
                (Some(at), _) => began + at.0,
                (None, Some(after)) => before + after.0,
                (None, None) => before,
            };
            self.wait_until(when, &mut application);
            before = when;
            let patience = self.now + step.within.unwrap_or(PATIENCE).0;
            while let Err(error) = self.perform(&step.deed) {
                let next = self.next_deadline().filter(|due| step.deed.is_expectation() && *due <= patience);
                let Some(next) = next else {
                    let (deed, at) = (Box::new(step.deed.clone()), self.now);
                    return Err(PlayError { step: place + 1, at, deed, error });
                };
                self.pass(next, &mut application);
            }
            self.tell(&mut application);
        }
        while let Some(due) = self.next_deadline() {
            self.pass(due, &mut application);
        }
        Ok(())
    }

    fn next_deadline(&self) -> Option<Duration> {
        let reaction = self.reactions.first_key_value().map(|(key, _)| key.0);
        self.switch.next_deadline().into_iter().chain(reaction).min()
    }

    /// It is `due` now: the switch does what is due, then the application.
    fn pass(&mut self, due: Duration, application: &mut impl FnMut(Duration, &SwitchEvent) -> Vec<Reaction>) {
        self.now = self.now.max(due);
        self.switch.tick(self.now, &mut self.events);
        self.tell(application);
        while let Some(entry) = self.reactions.first_entry().filter(|entry| entry.key().0 <= self.now) {
            let command = entry.remove();
            if let Err(error) = self.execute(&command) {
                self.refused.push((self.now, command, error));
            }
            self.tell(application);
        }
    }

    fn tell(&mut self, application: &mut impl FnMut(Duration, &SwitchEvent) -> Vec<Reaction>) {
        for event in std::mem::take(&mut self.events) {
            for (after, command) in application(self.now, &event) {
                self.reactions.insert((self.now + after, self.next_reaction), command);
                self.next_reaction += 1;
            }
        }
    }
}
