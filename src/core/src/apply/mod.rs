//! The only place where state changes.
//!
//! One file an aggregate: link, calls, transfers, agents, commands.

use crate::effect::Effect;
use crate::input::Input;
use crate::model::action::{Action, Reason};
use crate::model::call::Call;
use crate::model::ids::DeviceId;
use crate::state::State;

/// Takes what happened, changes the state, and pushes what follows. Deterministic; never fails.
pub fn apply(_state: &mut State, _input: &Input, _effects: &mut Vec<Effect>) {}

/// Every action at a device's connection of a call: allowed, or the reason why not (rule 6).
pub fn actions(_state: &State, _call: &Call, _device: &DeviceId) -> Vec<(Action, Result<(), Reason>)> {
    Vec::new()
}
