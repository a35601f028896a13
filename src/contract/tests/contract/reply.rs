//! Answers to commands.

use crate::world::{COMMAND, state};
use schakel_contract::problem::Problem;
use schakel_contract::reply::{self, CommandReply};
use schakel_contract::views::{CommandState as Shown, SnapshotView};
use schakel_core::command::{CommandOutcome, CommandState, Refusal, RefusalCause};

#[test]
fn t05_a_command_under_way_is_202_and_a_finished_one_200_with_the_new_state() {
    let mut state = state();
    for (life, status, shown) in [
        (CommandState::Sent, 202, Shown::Sent),
        (
            CommandState::Done { at: crate::world::AT, outcome: CommandOutcome::Succeeded },
            200,
            Shown::Succeeded,
        ),
    ] {
        state.commands.get_mut(&COMMAND).unwrap().state = life;
        let mut body = Vec::new();
        assert_eq!(reply::render(&state, &state.commands[&COMMAND], &mut body), status);
        let reply: CommandReply<'_> = serde_json::from_slice(&body).unwrap();
        assert_eq!(reply.command.state, shown);
        assert_eq!(reply.call.unwrap().version, 3);
        assert_eq!(reply.command.links.this, format!("/v1/commands/{COMMAND}"));
    }
}

#[test]
fn a_refused_command_is_a_problem_with_the_status_of_its_cause() {
    let mut state = state();
    for cause in RefusalCause::ALL {
        let outcome = CommandOutcome::Refused(Refusal::new(*cause, "Because."));
        state.commands.get_mut(&COMMAND).unwrap().state =
            CommandState::Done { at: crate::world::AT, outcome };
        let mut body = Vec::new();
        let status = reply::render(&state, &state.commands[&COMMAND], &mut body);
        let problem: Problem<'_> = serde_json::from_slice(&body).unwrap();
        assert_eq!(problem.status, status);
        assert_eq!(problem.can_retry, Some(cause.can_retry()));
        assert_eq!(problem.command.unwrap().as_u128(), COMMAND.0);
        assert_eq!(problem.detail, "Because.");
    }
}

#[test]
fn a_snapshot_has_what_is_live_and_its_cursor() {
    let state = state();
    let snapshot = SnapshotView::of(&state, 42, schakel_contract::Timestamp::from_millis(1));
    assert_eq!(snapshot.cursor, "00000000000000000042");
    assert_eq!((snapshot.calls.len(), snapshot.contacts.len(), snapshot.transfers.len()), (1, 1, 1));
    assert_eq!((snapshot.commands.len(), snapshot.agents.len(), snapshot.providers.len()), (1, 1, 1));
}
