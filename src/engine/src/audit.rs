//! What the audit log says of a command (BIO 8.15): who, what, to which object, with what result, from where, when.

use schakel_core::command::{Command, CommandOutcome, CommandRecord, CommandState, SessionChange};
use schakel_core::model::ids::{DeviceId, ProviderId};
use schakel_core::model::time::Time;
use schakel_journal::AuditEntry;
use std::borrow::Cow;

/// Stands for an identifier that looks like a telephone number: callers put all kinds of things in a path.
const WITHHELD: &str = "withheld";

/// Fewer digits than this are an extension: a place in the building, not a person.
const NUMBER_DIGITS_MIN: usize = 7;

/// The longest text of a caller's that a row holds.
const TEXT_MAX: usize = 128;

/// The row of a command that has its outcome.
pub(crate) fn of_command(record: &CommandRecord, at: Time) -> AuditEntry {
    let result = match &record.state {
        CommandState::Done { outcome: CommandOutcome::Refused(refusal), .. } => {
            format!("refused:{}", refusal.cause.as_str())
        }
        _ => "succeeded".to_owned(),
    };
    AuditEntry {
        at_ms: i64::try_from(at.0).unwrap_or(i64::MAX),
        token: record.by.token.to_string(),
        name: record.by.name.as_deref().map(str::to_owned),
        agent: record.by.agent.as_ref().map(|agent| identifier(agent.as_str()).into_owned()),
        action: action(&record.command),
        object: object(record),
        result,
        from: record.by.from.as_deref().map(str::to_owned),
    }
}

/// An identifier as a row may hold it: never a telephone number, never endless.
pub fn identifier(text: &str) -> Cow<'_, str> {
    let is_id = uuid::Uuid::try_parse(text).is_ok();
    let digits = text.bytes().filter(u8::is_ascii_digit).count();
    let letters = text.chars().filter(|each| each.is_alphabetic()).count();
    if !is_id && digits >= NUMBER_DIGITS_MIN && letters < digits {
        return WITHHELD.into();
    }
    match text.char_indices().nth(TEXT_MAX) {
        Some((end, _)) => text.get(..end).unwrap_or(WITHHELD).into(),
        None => text.into(),
    }
}

fn action(command: &Command) -> String {
    let (family, verb) = match command {
        Command::Register { .. } => ("agent", "register"),
        Command::Unregister { .. } => ("agent", "unregister"),
        Command::SetReadiness { .. } => ("agent", "set-readiness"),
        Command::OpenSession { .. } => ("session", "open"),
        Command::ChangeSession { change, .. } => (
            "session",
            match change {
                SessionChange::Park => "park",
                SessionChange::Resume => "resume",
                SessionChange::Close => "close",
                SessionChange::Decide { .. } => "decide",
            },
        ),
        Command::DecideRoute { .. } => ("route", "decide"),
        Command::CompleteTransfer { .. } => ("transfer", "complete"),
        Command::TakeBack { .. } => ("transfer", "take-back"),
        Command::SetDoNotDisturb { .. } => ("device", "set-do-not-disturb"),
        Command::SetForwarding { .. } => ("device", "set-forwarding"),
        Command::SetAgentState { .. } => ("agent", "set-agent-state"),
        Command::GetAgentState { .. } => ("agent", "get-agent-state"),
        other => ("call", other.action().map_or("other", |action| action.as_str())),
    };
    format!("{family}.{verb}")
}

fn object(record: &CommandRecord) -> Option<String> {
    match &record.command {
        Command::Register { agent, .. }
        | Command::Unregister { agent }
        | Command::SetReadiness { agent, .. }
        | Command::SetAgentState { agent, .. }
        | Command::GetAgentState { agent } => return Some(agents(agent.as_str())),
        Command::SetDoNotDisturb { provider, device, .. }
        | Command::SetForwarding { provider, device, .. } => return Some(devices(provider, device)),
        Command::OpenSession { agent, .. } if record.session.is_none() => {
            return Some(agents(agent.as_str()));
        }
        Command::Dial { agent, .. } if record.call.is_none() => return Some(agents(agent.as_str())),
        Command::ChangeSession { session, .. } => return Some(format!("sessions/{session}")),
        Command::DecideRoute { route, .. } => return Some(format!("routes/{route}")),
        _ => {}
    }
    if let Some(session) = &record.session {
        return Some(format!("sessions/{session}"));
    }
    let transfer = record.transfer.map(|transfer| format!("transfers/{transfer}"));
    transfer.or_else(|| record.call.map(|call| format!("calls/{call}")))
}

fn agents(name: &str) -> String {
    format!("agents/{}", identifier(name))
}

fn devices(provider: &ProviderId, device: &DeviceId) -> String {
    format!("providers/{}/devices/{}", identifier(provider.as_str()), identifier(device.as_str()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use schakel_core::command::{Actor, Control, Refusal, RefusalCause};
    use schakel_core::model::ids::{CallId, CommandId};
    use schakel_core::model::pii::Pii;

    fn record(command: Command, outcome: CommandOutcome) -> CommandRecord {
        CommandRecord {
            id: CommandId(1),
            command,
            by: Actor {
                token: "abc".into(),
                name: Some("JKC".into()),
                agent: Some("jansen".into()),
                from: Some("10.0.0.7".into()),
            },
            accepted: Time(1),
            state: CommandState::Done { at: Time(5), outcome },
            step: 0,
            device: None,
            call: Some(CallId(7)),
            transfer: None,
            session: None,
            route: None,
            deadline: Time(9),
        }
    }

    #[test]
    fn bio_8_15_a_command_is_told_by_who_what_which_result_from_where_when() {
        let control = Control::Deflect(Pii::new("0612345678".into()));
        let command = Command::Control { call: CallId(7), device: "2001".into(), control };
        let refusal = Refusal::new(RefusalCause::LinkDown, "no link to 0612345678");
        let row = of_command(&record(command, CommandOutcome::Refused(refusal)), Time(5));
        let expected = AuditEntry {
            at_ms: 5,
            token: "abc".into(),
            name: Some("JKC".into()),
            agent: Some("jansen".into()),
            action: "call.deflect".into(),
            object: Some(format!("calls/{}", CallId(7))),
            result: format!("refused:{}", RefusalCause::LinkDown.as_str()),
            from: Some("10.0.0.7".into()),
        };
        assert_eq!(row, expected);
    }

    #[test]
    fn bio_8_15_what_schakel_asks_by_itself_about_an_agent_is_told_of_that_agent() {
        let command = Command::GetAgentState { agent: "jansen".into() };
        let row =
            of_command(&CommandRecord { call: None, ..record(command, CommandOutcome::Succeeded) }, Time(5));
        assert_eq!(
            (row.action.as_str(), row.object.as_deref()),
            ("agent.get-agent-state", Some("agents/jansen"))
        );
    }

    #[test]
    fn bio_8_15_no_row_holds_a_telephone_number() {
        for number in ["0612345678", "+31612345678", "020-123 45 67", "sip:0612345678@pbx", "(020) 1234567"] {
            assert_eq!(identifier(number), WITHHELD, "{number}");
        }
        for id in
            ["jansen", "2001", "j.de.vries@gemeente.nl", "user-12345", "01890a5d-ac96-774b-bcce-b302099a8057"]
        {
            assert_eq!(identifier(id), id);
        }
        assert_eq!(identifier(&"é".repeat(500)).chars().count(), TEXT_MAX);
        let command =
            Command::SetDoNotDisturb { provider: "pbx".into(), device: "0612345678".into(), on: true };
        let row = of_command(&record(command, CommandOutcome::Succeeded), Time(5));
        assert_eq!(row.object.as_deref(), Some("providers/pbx/devices/withheld"));
        assert_eq!(row.result, "succeeded");
    }
}
