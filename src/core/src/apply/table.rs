//! The connection table: which event moves a connection where (ECMA-269 6.1.5, figure 6-15, and clause 17.2).

use crate::model::call::ConnectionState;
use crate::report::CallEvent;

/// What an event does to the connection that it is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Edge {
    /// An edge of the table.
    Moves(ConnectionState),
    /// It is so already, or was and has gone on since: a second monitor, a doubled event.
    Repeats,
    /// No edge of the table: the PBX is right all the same (rule 1).
    Unexpected(ConnectionState),
    /// The event is not about the state of its subject.
    Nothing,
}

/// The edge of `event` from a state. `own` says that the subject's own monitor tells it: only that one may take a
/// connection back to ringing, for another monitor's news may be older than what is known.
pub(super) fn edge(event: &CallEvent, from: ConnectionState, own: bool) -> Edge {
    use ConnectionState::{Alerting, Connected, Failed, Held, Initiated, Null, Queued};
    use Edge::{Moves, Nothing, Repeats, Unexpected};
    match (event, from) {
        (CallEvent::Initiated, Null) => Moves(Initiated),
        (CallEvent::Initiated, Initiated | Connected | Held) => Repeats,
        (CallEvent::Initiated, Alerting | Queued | Failed) => Unexpected(Initiated),

        (CallEvent::Originated, Null | Initiated) => Moves(Connected),
        (CallEvent::Originated, Connected | Held) => Repeats,
        (CallEvent::Originated, Alerting | Queued | Failed) => Unexpected(Connected),

        (CallEvent::Offered | CallEvent::Delivered, Null | Queued) => Moves(Alerting),
        (CallEvent::Offered | CallEvent::Delivered, Alerting) => Repeats,
        (CallEvent::Offered | CallEvent::Delivered, Connected | Held) if !own => Repeats,
        (CallEvent::Offered | CallEvent::Delivered, Initiated | Connected | Held | Failed) => {
            Unexpected(Alerting)
        }

        (CallEvent::Established, Null | Initiated | Alerting | Queued) => Moves(Connected),
        (CallEvent::Established, Connected) => Repeats,
        (CallEvent::Established, Held) if !own => Repeats,
        (CallEvent::Established, Held | Failed) => Unexpected(Connected),

        (CallEvent::Held, Connected) => Moves(Held),
        (CallEvent::Held, Held) => Repeats,
        (CallEvent::Held, Null | Initiated | Alerting | Queued | Failed) => Unexpected(Held),

        (CallEvent::Retrieved, Held) => Moves(Connected),
        (CallEvent::Retrieved, Connected) => Repeats,
        (CallEvent::Retrieved, Null | Initiated | Alerting | Queued | Failed) => Unexpected(Connected),

        (CallEvent::ConnectionCleared, Null) => Repeats,
        (CallEvent::ConnectionCleared, _) => Moves(Null),

        (CallEvent::Queued, Null | Alerting) => Moves(Queued),
        (CallEvent::Queued, Queued) => Repeats,
        (CallEvent::Queued, Initiated | Connected | Held | Failed) => Unexpected(Queued),

        (CallEvent::Diverted { .. }, Null) => Repeats,
        (CallEvent::Diverted { .. }, Alerting | Queued) => Moves(Null),
        (CallEvent::Diverted { .. }, Initiated | Connected | Held | Failed) => Unexpected(Null),

        (CallEvent::Failed, Failed) => Repeats,
        (CallEvent::Failed, _) => Moves(Failed),

        (
            CallEvent::NetworkReached
            | CallEvent::CallCleared
            | CallEvent::Transferred { .. }
            | CallEvent::Conferenced { .. }
            | CallEvent::Information,
            _,
        ) => Nothing,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ConnectionState::{Alerting, Connected, Failed, Held, Initiated, Null, Queued};

    /// The table as ECMA-269 draws it, one row an event, one column a state: the state that follows in capitals is an
    /// edge, in small letters it is believed and counted, a dot is a repetition.
    #[test]
    fn the_connection_table_is_as_drawn() {
        let columns = [Null, Initiated, Alerting, Connected, Held, Queued, Failed];
        let letters = ['N', 'I', 'A', 'C', 'H', 'Q', 'F'];
        let rows = [
            (CallEvent::Initiated, "I . i . . i i"),
            (CallEvent::Originated, "C C c . . c c"),
            (CallEvent::Offered, "A a . a a A a"),
            (CallEvent::Delivered, "A a . a a A a"),
            (CallEvent::Established, "C C C . c C c"),
            (CallEvent::Held, "h h h H . h h"),
            (CallEvent::Retrieved, "c c c . C c c"),
            (CallEvent::ConnectionCleared, ". N N N N N N"),
            (CallEvent::Queued, "Q q Q q q . q"),
            (CallEvent::Diverted { to: None }, ". n N n n N n"),
            (CallEvent::Failed, "F F F F F F ."),
        ];
        for (event, row) in rows {
            let drawn: Vec<String> = columns
                .iter()
                .map(|from| match edge(&event, *from, true) {
                    Edge::Moves(to) => letter(to, &columns, &letters).to_string(),
                    Edge::Unexpected(to) => letter(to, &columns, &letters).to_ascii_lowercase().to_string(),
                    Edge::Repeats => ".".to_owned(),
                    Edge::Nothing => "?".to_owned(),
                })
                .collect();
            assert_eq!(drawn.join(" "), row, "{event:?}");
        }
    }

    #[test]
    fn another_monitor_never_takes_a_connection_back_to_ringing() {
        for state in [Connected, Held] {
            assert_eq!(edge(&CallEvent::Delivered, state, false), Edge::Repeats);
        }
        assert_eq!(edge(&CallEvent::Established, Held, false), Edge::Repeats);
    }

    fn letter(state: ConnectionState, columns: &[ConnectionState], letters: &[char]) -> char {
        letters[columns.iter().position(|column| *column == state).unwrap()]
    }
}
