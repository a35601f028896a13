//! The laws that hold at every output, whatever rule is being tried.

use std::collections::{BTreeMap, BTreeSet};

use schakel_core::adapter::{Output, ProviderCommand};
use schakel_core::model::ids::{CommandId, DeviceId, Str};
use schakel_core::model::time::Time;
use schakel_core::report::{EventReport, RouteEvent};

use super::{Breach, ensure};

/// What has been seen of one adapter.
#[derive(Debug, Default)]
pub(super) struct Laws {
    /// Between `Opened` and `Closed` or `Close`.
    pub(super) open: bool,
    pub(super) ready: bool,
    pub(super) resynced: bool,
    /// Devices of which there was a snapshot.
    pub(super) shown: BTreeSet<DeviceId>,
    /// Routeing dialogues in which the provider has asked something.
    routes: BTreeSet<Str>,
    /// Commands without a reply, and until when they may be so.
    pub(super) unanswered: BTreeMap<(CommandId, u8), Time>,
}

impl Laws {
    pub(super) fn opened(&mut self) {
        *self = Self { open: true, ..Self::default() };
    }

    /// The connection is gone, and its commands with it: the core ends them.
    pub(super) fn closed(&mut self) {
        *self = Self::default();
    }

    pub(super) fn asked(&mut self, command: &ProviderCommand, now: Time) {
        self.unanswered.insert((command.command, command.step), now + command.limit);
    }

    /// Judges one output.
    pub(super) fn output(&mut self, output: &Output, now: Time) -> Result<(), Breach> {
        if !matches!(output, Output::Reply { .. }) {
            ensure(self.open, || format!("without an open connection: {output:?}"))?;
        }
        match output {
            Output::Ready(_) => {
                ensure(!self.ready, || "a second Ready on one connection".into())?;
                self.ready = true;
            }
            Output::Snapshot(snapshot) => {
                ensure(self.ready, || "a Snapshot before Ready".into())?;
                self.shown.insert(snapshot.device.clone());
            }
            Output::Report(EventReport::Route { dialogue, event }) => {
                ensure(self.ready, || "a Report before Ready".into())?;
                if let RouteEvent::Requested { .. } = **event {
                    self.routes.insert(dialogue.clone());
                }
                let asked = self.routes.contains(dialogue);
                ensure(asked, || format!("{event:?} of routeing {dialogue}, in which nothing was asked"))?;
            }
            Output::Report(_) => ensure(self.ready, || "a Report before Ready".into())?,
            Output::Resynced { without_snapshot } => {
                ensure(self.ready, || "Resynced before Ready".into())?;
                ensure(!self.resynced, || "a second Resynced on one connection".into())?;
                self.resynced = true;
                let both = without_snapshot.iter().find(|device| self.shown.contains(device));
                ensure(both.is_none(), || format!("{both:?} had a snapshot and is said to have none"))?;
            }
            Output::Reply { command, step, .. } => {
                let until = self.unanswered.remove(&(*command, *step)).ok_or_else(|| {
                    Breach(format!("a reply to command {}.{step}, which awaits none (any more)", command.0))
                })?;
                ensure(now <= until, || format!("command {} is answered after its limit", command.0))?;
            }
            Output::Close(_) => self.closed(),
            _ => {}
        }
        Ok(())
    }

    /// No command is left without an answer for longer than its limit.
    pub(super) fn nothing_overdue(&self, now: Time) -> Result<(), Breach> {
        let overdue = self.unanswered.iter().find(|(_, until)| **until <= now);
        ensure(overdue.is_none(), || format!("at {now:?} these are unanswered for too long: {overdue:?}"))
    }
}
