//! What the audit log says of a command (BIO 8.15): who, what, to which object, with what result, from where, when.

use schakel_core::command::chat::{ChatChange, ChatCommand};
use schakel_core::command::{Actor, Command, CommandOutcome, CommandRecord, CommandState, SessionChange};
use schakel_core::model::ids::{ChatId, DeviceId, ProviderId};
use schakel_core::model::time::Time;
use schakel_journal::AuditEntry;
use std::borrow::Cow;

/// Stands for an identifier that looks like a telephone number: callers put all kinds of things in a path.
const WITHHELD: &str = "withheld";

/// The result of what was done.
const SUCCEEDED: &str = "succeeded";

/// Fewer digits than this are an extension: a place in the building, not a person.
const NUMBER_DIGITS_MIN: usize = 7;

/// The longest text of a caller's that a row holds.
const TEXT_MAX: usize = 128;

/// The row of a command that has its outcome; none for what is said in a chat, and whether the visitor is there: that is
/// in the transcript and the timeline, and is not done to anybody.
pub(crate) fn of_command(record: &CommandRecord, at: Time) -> Option<AuditEntry> {
    if let Command::Chat(ChatCommand::Change { change, .. }) = &record.command
        && matches!(change, ChatChange::Say { .. } | ChatChange::SetPresence(_))
    {
        return None;
    }
    let mut result = match &record.state {
        CommandState::Done { outcome: CommandOutcome::Refused(refusal), .. } => {
            format!("refused:{}", refusal.cause.as_str())
        }
        _ => SUCCEEDED.to_owned(),
    };
    if let Some(purpose) = purpose(&record.command) {
        result.push_str(&for_purpose(purpose));
    }
    Some(entry(&record.by, action(&record.command), object(record), result, at))
}

/// The row of somebody who read what agents said among themselves in a chat.
pub fn transcript_read(by: &Actor, chat: ChatId, purpose: Option<&str>, at: Time) -> AuditEntry {
    let result = format!("{SUCCEEDED}{}", purpose.map(for_purpose).unwrap_or_default());
    entry(by, "chat.read-internal".into(), Some(chats(chat)), result, at)
}

fn entry(by: &Actor, action: String, object: Option<String>, result: String, at: Time) -> AuditEntry {
    AuditEntry {
        at_ms: i64::try_from(at.0).unwrap_or(i64::MAX),
        token: by.token.to_string(),
        name: by.name.as_deref().map(str::to_owned),
        agent: by.agent.as_ref().map(|agent| identifier(agent.as_str()).into_owned()),
        action,
        object,
        result,
        from: by.from.as_deref().map(str::to_owned),
    }
}

/// For which purpose somebody watches a chat unseen (O23) or takes it out (O19).
fn purpose(command: &Command) -> Option<&str> {
    match command {
        Command::Chat(ChatCommand::Change {
            change: ChatChange::Observe { purpose, .. } | ChatChange::Remove { purpose },
            ..
        }) => Some(purpose),
        _ => None,
    }
}

fn for_purpose(purpose: &str) -> String {
    format!("; purpose: {}", identifier(purpose))
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
        Command::Chat(command) => return format!("chat.{}", chat_verb(command)),
        other => ("call", other.action().map_or("other", |action| action.as_str())),
    };
    format!("{family}.{verb}")
}

fn chat_verb(command: &ChatCommand) -> &'static str {
    match command {
        ChatCommand::Start { .. } => "start",
        ChatCommand::Stop { .. } => "stop",
        ChatCommand::Open { .. } => "open",
        ChatCommand::LeaveMessage(_) => "leave-message",
        ChatCommand::Change { change, .. } => match change {
            ChatChange::Accept { .. } => "accept",
            ChatChange::Reject { .. } => "reject",
            ChatChange::Join { .. } => "join",
            ChatChange::Observe { .. } => "observe",
            ChatChange::Say { .. } => "say",
            ChatChange::Invite { .. } => "invite",
            ChatChange::Withdraw { .. } => "withdraw",
            ChatChange::Leave { .. } => "leave",
            ChatChange::SetFields(_) => "set-fields",
            ChatChange::SetPresence(_) => "set-presence",
            ChatChange::End { .. } => "end",
            ChatChange::Archive => "archive",
            ChatChange::Remove { .. } => "remove",
            ChatChange::Rate { .. } => "rate",
        },
    }
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
        Command::Chat(ChatCommand::Start { agent, .. } | ChatCommand::Stop { agent }) => {
            return Some(agents(agent.as_str()));
        }
        Command::Chat(ChatCommand::Change { chat, .. }) => return Some(chats(*chat)),
        Command::Chat(ChatCommand::LeaveMessage(_)) => {
            return record.offline.map(|message| format!("offline-messages/{message}"));
        }
        Command::Chat(ChatCommand::Open { .. }) => return record.chat.map(chats),
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

fn chats(chat: ChatId) -> String {
    format!("chats/{chat}")
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
            chat: None,
            offer: None,
            offline: None,
            deadline: Time(9),
        }
    }

    #[test]
    fn bio_8_15_a_command_is_told_by_who_what_which_result_from_where_when() {
        let control = Control::Deflect(Pii::new("0612345678".into()));
        let command = Command::Control { call: CallId(7), device: "2001".into(), control };
        let refusal = Refusal::new(RefusalCause::LinkDown, "no link to 0612345678");
        let row = of_command(&record(command, CommandOutcome::Refused(refusal)), Time(5)).unwrap();
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
            of_command(&CommandRecord { call: None, ..record(command, CommandOutcome::Succeeded) }, Time(5))
                .unwrap();
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
        let row = of_command(&record(command, CommandOutcome::Succeeded), Time(5)).unwrap();
        assert_eq!(row.object.as_deref(), Some("providers/pbx/devices/withheld"));
        assert_eq!(row.result, "succeeded");
    }

    fn of_chat(change: ChatChange) -> Option<AuditEntry> {
        let command = Command::Chat(ChatCommand::Change { chat: ChatId(3), change });
        of_command(&record(command, CommandOutcome::Succeeded), Time(5))
    }

    #[test]
    fn o23_o19_who_watches_a_chat_or_takes_it_out_says_for_what() {
        let change =
            ChatChange::Observe { agent: "jansen".into(), purpose: "training of a colleague".into() };
        let row = of_chat(change).unwrap();
        assert_eq!((row.action.as_str(), row.object), ("chat.observe", Some(format!("chats/{}", ChatId(3)))));
        assert_eq!(row.result, "succeeded; purpose: training of a colleague");
        let row = of_chat(ChatChange::Remove { purpose: "0612345678".into() }).unwrap();
        assert_eq!(
            (row.action.as_str(), row.result.as_str()),
            ("chat.remove", "succeeded; purpose: withheld")
        );
        let by = Actor { token: "abc".into(), name: None, agent: None, from: None };
        let row = transcript_read(&by, ChatId(3), Some("complaint"), Time(5));
        assert_eq!(row.action, "chat.read-internal");
        assert_eq!(row.result, "succeeded; purpose: complaint");
    }

    #[test]
    fn what_is_said_in_a_chat_is_in_its_transcript_and_not_here() {
        let presence = schakel_core::model::chat::Presence::Away;
        assert_eq!(of_chat(ChatChange::SetPresence(presence)), None);
        assert!(of_chat(ChatChange::Archive).is_some());
    }
}
