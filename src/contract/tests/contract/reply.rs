//! Answers to commands.

use crate::world::{COMMAND, SESSION, state};
use schakel_contract::problem::Problem;
use schakel_contract::reply::{self, CommandReply};
use schakel_contract::requests::{Destination, DialString, RouteAnswer, RouteDecisionRequest, True};
use schakel_contract::views::{CommandState as Shown, SnapshotView};
use schakel_core::command::{Command, CommandOutcome, CommandState, Refusal, RefusalCause, SessionChange};

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
fn t11_the_reply_to_a_session_command_has_the_session_and_its_agent() {
    let mut state = state();
    let record = state.commands.get_mut(&COMMAND).unwrap();
    record.command = Command::ChangeSession { session: SESSION, change: SessionChange::Park };
    (record.call, record.session) = (None, Some(SESSION));
    record.state = CommandState::Done { at: crate::world::AT, outcome: CommandOutcome::Succeeded };
    let mut body = Vec::new();
    assert_eq!(reply::render(&state, &state.commands[&COMMAND], &mut body), 200);
    let reply: CommandReply<'_> = serde_json::from_slice(&body).unwrap();
    assert_eq!(reply.command.kind, "park-session");
    assert_eq!(reply.session.unwrap().id.as_u128(), SESSION.0);
    assert_eq!(reply.agent.unwrap().id, "jansen");
    assert_eq!(reply.command.links.session, Some(format!("/v1/sessions/{SESSION}")));
}

#[test]
fn t01_what_a_webhook_may_answer_is_a_destination_or_the_default() {
    for (text, expected) in [
        (r#"{"decision":{"default":true}}"#, Some(RouteDecisionRequest::Default(True))),
        ("{}", None),
        (r#"{"decision":null,"other":1}"#, None),
    ] {
        let answer: RouteAnswer = serde_json::from_str(text).unwrap();
        assert_eq!(answer.decision, expected, "{text}");
    }
    let to: RouteAnswer = serde_json::from_str(r#"{"decision":{"destination":{"number":"2002"}}}"#).unwrap();
    let number = Destination::Number(DialString("2002".into()));
    assert_eq!(to.decision, Some(RouteDecisionRequest::Destination(number)));
    for wrong in [r#"{"decision":{"default":false}}"#, r#"{"decision":{"to":"2002"}}"#, r#"{"decision":7}"#] {
        assert!(serde_json::from_str::<RouteAnswer>(wrong).is_err(), "{wrong}");
    }
}

#[test]
fn a_snapshot_has_what_is_live_and_its_cursor() {
    let state = state();
    let snapshot = SnapshotView::of(
        &state,
        42,
        schakel_contract::Timestamp::from_millis(1),
        &schakel_contract::NoRecognition,
    );
    assert_eq!(snapshot.cursor, "00000000000000000042");
    assert_eq!((snapshot.calls.len(), snapshot.contacts.len(), snapshot.transfers.len()), (2, 1, 1));
    assert_eq!((snapshot.sessions.len(), snapshot.routes.len(), snapshot.queues.len()), (1, 1, 1));
    assert_eq!((snapshot.commands.len(), snapshot.agents.len(), snapshot.providers.len()), (1, 1, 1));
}
