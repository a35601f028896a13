//! Committing sins.

use std::time::Duration;

use super::core::{Core, Later};
use super::link::LinkId;
use crate::sins::{Pending, Sin};
use crate::switch::{Command, ErrorCategory};

/// An order that makes no sense.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SinError {
    /// No such category of errors.
    #[error(
        "{0:?} is no category of CSTA errors; there are operation, stateIncompatibility, \
         systemResourceAvailibility, subscribedResourceAvailability, performanceManagement and unspecified"
    )]
    UnknownCategory(String),
}

impl Core {
    /// Commits a sin, or gets ready to.
    pub(crate) fn commit(&mut self, now: Duration, sin: &Sin) -> Result<(), SinError> {
        self.remark(now, 0, &format!("{sin:?}"));
        match sin {
            Sin::CutLink { during } => self.cut(now, during.map(|d| d.0)),
            Sin::StallLink { during } => {
                self.stalled = true;
                self.heal_after(now, during.map(|d| d.0));
            }
            Sin::Heal => {
                self.sins = Pending::default();
                self.dribble = None;
                self.style = self.csta.device_ids;
                self.order = self.csta.order;
                self.switch.reuse_call_ids(0);
                self.mend();
            }
            Sin::ReuseCallIds { count } => self.switch.reuse_call_ids(*count),
            Sin::DuplicateEvents { count } => self.sins.duplicate = *count,
            Sin::ReorderEvents { count } => self.sins.reorder = *count,
            Sin::LoseEvents { count } => self.sins.lose = *count,
            Sin::Order { order } => self.order = *order,
            Sin::AnswerLate { by, count } => self.sins.late = (*count > 0).then_some((*by, *count)),
            Sin::NotAnswer { count } => self.sins.not_answer = *count,
            Sin::WrongCause { cause, count } => {
                self.sins.wrong_cause = (*count > 0).then_some((*cause, *count));
            }
            Sin::Restart { keep_calls, during } => {
                if !keep_calls {
                    self.switch.restart();
                }
                self.cut(now, Some(during.map_or(Duration::ZERO, |d| d.0)));
            }
            Sin::DeviceIds { style } => self.style = *style,
            Sin::Dribble { largest, seed } => self.dribble = (*largest > 0).then_some((*largest, *seed)),
            Sin::AbortRouting => {
                // It is refused for no registration in particular, so it cannot fail.
                let _ = self.execute(now, &Command::RouteAbort(None));
            }
            Sin::LateRouteRequests { by, count } => {
                self.sins.late_route = (*count > 0).then_some((*by, *count));
            }
            Sin::LoseRouteEnds { count } => self.sins.lose_route_ends = *count,
            Sin::MalformedEvents { count } => self.sins.malformed = *count,
            Sin::Desync { how } => {
                let bytes = how.bytes();
                let links: Vec<LinkId> = self.links.keys().copied().collect();
                for link in links {
                    self.send(link, &bytes);
                }
            }
            Sin::RefuseMonitors { count } => self.sins.refuse_monitors = *count,
            Sin::Errors { category, value, count } => {
                let category = ErrorCategory::from_element(category)
                    .ok_or_else(|| SinError::UnknownCategory(category.clone()))?;
                self.sins.errors = (*count > 0).then(|| (category, value.clone(), *count));
            }
        }
        Ok(())
    }

    /// Every link breaks; for `during`, or until healed, no new one comes about.
    pub(crate) fn cut(&mut self, now: Duration, during: Option<Duration>) {
        let links: Vec<LinkId> = self.links.keys().copied().collect();
        for link in links {
            self.close_link(now, link, "cut");
        }
        self.refusing = during != Some(Duration::ZERO);
        self.heal_after(now, during);
    }

    fn heal_after(&mut self, now: Duration, during: Option<Duration>) {
        self.trouble += 1;
        if let Some(during) = during {
            self.do_later(now + during, Later::Heal(self.trouble));
        }
    }

    /// Links are possible again, and flow.
    pub(crate) const fn mend(&mut self) {
        self.trouble += 1;
        self.heal();
    }

    pub(super) const fn heal(&mut self) {
        self.refusing = false;
        self.stalled = false;
    }
}
