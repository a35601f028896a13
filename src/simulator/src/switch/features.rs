//! Settings of a telephone.

use super::command::Outcome;
use super::event::{EventKind, SwitchEvent, View};
use super::model::{Cause, Forwarding, Number};
use super::services::Services;
use super::{Extension, Switch, SwitchError};

impl Switch {
    pub(super) fn set_do_not_disturb(&mut self, device: &Number, on: bool) -> Result<Outcome, SwitchError> {
        self.extension_mut(device)?.do_not_disturb = on;
        self.tell(device, EventKind::DoNotDisturb { device: device.clone(), on });
        self.look_at_queues_of(device);
        Ok(Outcome::Done)
    }

    pub(super) fn set_forwarding(
        &mut self,
        device: &Number,
        kind: Forwarding,
        to: Option<&Number>,
    ) -> Result<Outcome, SwitchError> {
        if let Some(to) = to
            && (to == device || self.check_dialled(to).is_err())
        {
            return Err(SwitchError::InvalidForwardingDestination(to.clone()));
        }
        let forwarding = &mut self.extension_mut(device)?.forwarding;
        let before = match to {
            Some(to) => forwarding.insert(kind, to.clone()),
            None => forwarding.remove(&kind),
        };
        let active = to.is_some();
        self.tell(
            device,
            EventKind::Forwarding { device: device.clone(), kind, active, to: to.cloned().or(before) },
        );
        self.look_at_queues_of(device);
        Ok(Outcome::Done)
    }

    pub(super) fn set_out_of_service(&mut self, device: &Number, out: bool) -> Result<Outcome, SwitchError> {
        let extension = self.extension_mut(device)?;
        if extension.in_service != out {
            return Ok(Outcome::Done);
        }
        extension.in_service = !out;
        if out {
            for call in self.at.get(device).cloned().unwrap_or_default() {
                self.clear_leg(&call, device, Cause::DestOutOfOrder);
            }
            self.tell(device, EventKind::OutOfService { device: device.clone() });
        } else {
            self.tell(device, EventKind::BackInService { device: device.clone() });
            self.look_at_queues_of(device);
        }
        Ok(Outcome::Done)
    }

    pub(super) fn tell(&mut self, device: &Number, kind: EventKind) {
        let view = View { device: device.clone(), local: None, services: Services::default() };
        self.events.push(SwitchEvent { kind, call: None, cause: None, views: vec![view] });
    }

    pub(super) fn look_at_queues_of(&mut self, device: &Number) {
        self.freed.push(device.clone());
    }

    pub(super) fn extension_mut(&mut self, device: &Number) -> Result<&mut Extension, SwitchError> {
        self.check_extension(device)?;
        self.extensions.get_mut(device).ok_or_else(|| SwitchError::UnknownDevice(device.clone()))
    }
}
