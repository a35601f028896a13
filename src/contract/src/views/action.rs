//! Actions with their reasons: what JKC makes its buttons from (T15).

use crate::mirror::mirror;
use schakel_core::apply;
use schakel_core::model::action::{Action, Reason};
use schakel_core::model::call::Call;
use schakel_core::model::ids::DeviceId;
use schakel_core::state::State;
use serde::{Deserialize, Serialize, Serializer};
use serde_json::value::RawValue;
use std::borrow::Cow;
use std::sync::LazyLock;
use utoipa::ToSchema;

mirror! {
    /// What can be asked; for a connection's action also the last part of its path.
    ActionName of Action, "kebab-case" {
        /// Take a ringing call.
        Answer,
        /// Put on hold.
        Hold,
        /// Take from hold.
        Retrieve,
        /// Leave the call.
        HangUp,
        /// Send tones.
        Dtmf,
        /// Send a ringing call elsewhere.
        Deflect,
        /// Take a call that rings at a colleague.
        PickUp,
        /// Call a colleague while the customer holds.
        Consult,
        /// Join the held and the active call.
        Conference,
        /// Swap the held and the active call.
        Alternate,
        /// Hand over after consultation.
        TransferWarm,
        /// Hand over straight away.
        TransferCold,
        /// Hand over now: the colleague is on the line.
        CompleteTransfer,
        /// Take the customer back.
        TakeBack,
        /// Start a call.
        Dial,
        /// Refuse calls at a device.
        SetDoNotDisturb,
        /// Forward the calls of a device.
        SetForwarding,
        /// Make an agent of the telephone system ready, not ready or in after-call work.
        SetAgentState,
        /// Say where a call goes.
        DecideRoute,
    }
}

mirror! {
    /// Why an action is not possible now.
    ReasonCode of Reason, "camelCase" {
        /// The telephone system cannot do it at all.
        NotSupported,
        /// The telephone system does not permit it now.
        NotPermitted,
        /// There is no link to the telephone system.
        LinkDown,
        /// The call is shown as it was last known.
        Stale,
        /// The call does not ring here.
        NotRinging,
        /// The call is not connected here.
        NotConnected,
        /// The call is not on hold here.
        NotHeld,
        /// The call is not at this device any more.
        NotHere,
        /// The call has ended.
        Ended,
        /// A second call at this device is needed.
        NoOtherCall,
        /// The colleague has not answered yet.
        ColleagueNotAnswered,
        /// A transfer is already under way.
        TransferUnderWay,
        /// No transfer is under way.
        NoTransfer,
        /// The transfer has ended.
        TransferEnded,
        /// It has been asked and is under way.
        UnderWay,
        /// Not a device of ours.
        NotOurs,
        /// The device is out of service.
        OutOfService,
        /// The agent is not registered at a device.
        NotRegistered,
    }
}

/// An action of a connection or a transfer: allowed, or the reason why not.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Action)]
pub struct ActionView {
    /// Which.
    pub action: ActionName,
    /// Whether it can be asked now.
    pub allowed: bool,
    /// Why not; absent when allowed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub reason: Option<ReasonView>,
}

/// A reason, for a program and for a screen.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Reason)]
pub struct ReasonView {
    /// For a program.
    pub code: ReasonCode,
    /// For a Dutch screen.
    pub nl: Cow<'static, str>,
    /// For an English screen.
    pub en: Cow<'static, str>,
}

impl From<Reason> for ReasonView {
    fn from(reason: Reason) -> Self {
        Self { code: reason.into(), nl: reason.dutch().into(), en: reason.english().into() }
    }
}

/// Each notification carries some thirty of these, and there are few different ones: each is written once, and copied.
impl Serialize for ActionView {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.written() {
            Some(json) => json.serialize(serializer),
            None => self.fields().serialize(serializer),
        }
    }
}

/// An action's JSON as it is always written, at [`place`].
static WRITTEN: LazyLock<Vec<Option<Box<RawValue>>>> = LazyLock::new(|| {
    let reasons = || [Ok(())].into_iter().chain(Reason::ALL.iter().map(|reason| Err(*reason)));
    let all =
        Action::ALL.iter().flat_map(|action| reasons().map(|allowed| ActionView::of((*action, allowed))));
    all.map(|view| serde_json::value::to_raw_value(&view.fields()).ok()).collect()
});

/// Actions and reasons have the order of the core's, so their place follows from their number.
fn place(action: ActionName, reason: Option<ReasonCode>) -> usize {
    action as usize * (Reason::ALL.len() + 1) + reason.map_or(0, |code| code as usize + 1)
}

/// [`ActionView`], to be written field by field.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Fields<'a> {
    action: ActionName,
    allowed: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'a ReasonView>,
}

impl ActionView {
    fn fields(&self) -> Fields<'_> {
        Fields { action: self.action, allowed: self.allowed, reason: self.reason.as_ref() }
    }

    /// None where the texts are somebody else's: a receiver of another version's notification.
    fn written(&self) -> Option<&'static RawValue> {
        let ours = match &self.reason {
            None => self.allowed,
            Some(reason) => {
                !self.allowed && matches!((&reason.nl, &reason.en), (Cow::Borrowed(_), Cow::Borrowed(_)))
            }
        };
        let at = place(self.action, self.reason.as_ref().map(|reason| reason.code));
        if ours { WRITTEN.get(at)?.as_deref() } else { None }
    }

    fn of((action, allowed): (Action, Result<(), Reason>)) -> Self {
        Self { action: action.into(), allowed: allowed.is_ok(), reason: allowed.err().map(ReasonView::from) }
    }

    /// Every action at a device's connection of a call.
    pub fn of_connection(state: &State, call: &Call, device: &DeviceId) -> Vec<Self> {
        apply::actions(state, call, device).map(Self::of).collect()
    }

    /// The two actions of a transfer that is under way.
    pub fn of_transfer(state: &State, call: &Call, device: &DeviceId) -> Vec<Self> {
        let actions = apply::actions(state, call, device);
        let own = |action: Action| matches!(action, Action::CompleteTransfer | Action::TakeBack);
        actions.filter(|(action, _)| own(*action)).map(Self::of).collect()
    }

    /// What is allowed now, of what belongs to a connection.
    pub fn allowed(state: &State, call: &Call, device: &DeviceId) -> Vec<ActionName> {
        let actions = apply::actions(state, call, device);
        actions.filter(|(_, allowed)| allowed.is_ok()).map(|(action, _)| action.into()).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn t15_an_action_is_spelt_as_in_the_core() {
        for action in Action::ALL {
            let text = serde_json::to_string(&ActionName::from(*action)).unwrap();
            assert_eq!(text, format!("\"{}\"", action.as_str()));
        }
    }

    #[test]
    fn t15_what_is_written_once_is_what_would_be_written_each_time() {
        for action in Action::ALL {
            for allowed in [Ok(())].into_iter().chain(Reason::ALL.iter().map(|reason| Err(*reason))) {
                let view = ActionView::of((*action, allowed));
                let json = serde_json::to_string(&view.fields()).unwrap();
                assert_eq!(view.written().unwrap().get(), json);
                let received: ActionView = serde_json::from_str(&json).unwrap();
                assert_eq!(received, view);
                assert_eq!(serde_json::to_string(&received).unwrap(), json);
            }
        }
    }

    #[test]
    fn t15_a_refused_action_says_why_in_dutch_and_english() {
        let view = ActionView::of((Action::Answer, Err(Reason::NotRinging)));
        let json = serde_json::to_string(&view).unwrap();
        assert_eq!(
            json,
            r#"{"action":"answer","allowed":false,"reason":{"code":"notRinging","nl":"Het gesprek gaat hier niet over.","en":"The call does not ring here."}}"#
        );
    }
}
