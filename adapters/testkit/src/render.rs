//! Outputs as one line of text each, for transcripts. Numbers and names are shown: transcripts hold invented ones.

use schakel_core::adapter::{Done, Output};
use schakel_core::command::Refusal;
use schakel_core::model::action::{Action, ActionSet};
use schakel_core::model::agent::ProviderAgentState;
use schakel_core::model::call::{ConnectionState, Party};
use schakel_core::model::ids::DeviceId;
use schakel_core::model::provider::Capabilities;
use schakel_core::model::time::Millis;
use schakel_core::report::{
    CallEvent, CallReport, DeviceEvent, DeviceSnapshot, EventReport, MovedConnection, ProviderConnection,
    ReportedParty, RouteEvent,
};

/// One line for any output but `Transmit`.
pub fn render(output: &Output) -> String {
    match output {
        Output::Transmit(bytes) => format!("transmit {} bytes", bytes.len()),
        Output::Close(reason) => format!("close{} {}", if reason.fatal { " fatal" } else { "" }, reason.text),
        Output::Ready(capabilities) => ready(capabilities),
        Output::Snapshot(snapshot) => snapshot_line(snapshot),
        Output::Resynced { without_snapshot } => {
            let unseen: Vec<_> = without_snapshot.iter().map(|device| device.as_str()).collect();
            join("resynced", [("without", list(&unseen))])
        }
        Output::Report(EventReport::Call(report)) => call(report),
        Output::Report(EventReport::Device { device, event }) => {
            format!("device {} {}", device.as_str(), device_event(event))
        }
        Output::Report(EventReport::Agent { device, agent, state, queues }) => {
            agent_line(device.as_ref(), agent.as_deref(), state, queues)
        }
        Output::Report(EventReport::Route { dialogue, event }) => route(dialogue, event),
        Output::Reply { command, step, result } => reply(command.0, *step, result),
        Output::Fault(text) => format!("fault {text}"),
        other => format!("{other:?}"),
    }
}

fn ready(capabilities: &Capabilities) -> String {
    let all = capabilities.operations == ActionSet::all();
    let operations = if all { "everything".to_owned() } else { actions(capabilities.operations) };
    let lacks = [
        ("reconnect", capabilities.reconnect),
        ("single-step-transfer", capabilities.single_step_transfer),
        ("snapshot-device", capabilities.snapshot_device),
        ("agent-states", capabilities.agent_states),
        ("routeing", capabilities.routeing),
    ];
    let lacks: Vec<_> = lacks.into_iter().filter(|(_, has)| !has).map(|(name, _)| name).collect();
    let product = capabilities.product.as_deref().map(quoted);
    join("ready", [("can", Some(operations)), ("lacks", list(&lacks)), ("product", product)])
}

fn snapshot_line(snapshot: &DeviceSnapshot) -> String {
    let mut line = format!("snapshot {}", snapshot.device.as_str());
    if snapshot.connections.is_empty() {
        line.push_str(" idle");
    }
    for at in &snapshot.connections {
        let others: Vec<_> =
            at.others.iter().map(|(who, how)| format!("{} {}", party(who), state(*how))).collect();
        let head = format!(" [{} {}", connection(&at.connection), state(at.state));
        line.push_str(&join(
            &head,
            [
                ("calling", at.calling.as_ref().map(party)),
                ("called", at.called.as_ref().map(party)),
                ("with", (!others.is_empty()).then(|| others.join(" and "))),
                ("may", at.permitted.map(actions)),
            ],
        ));
        line.push(']');
    }
    line
}

fn call(report: &CallReport) -> String {
    let (name, more) = match &report.event {
        CallEvent::Diverted { to } => ("diverted", to.as_ref().map(|to| format!("to {}", to.as_str()))),
        CallEvent::Transferred { secondary, to, moved } => {
            ("transferred", merged(secondary, "to", to, moved))
        }
        CallEvent::Conferenced { secondary, added, moved } => {
            ("conferenced", merged(secondary, "added", added, moved))
        }
        CallEvent::Initiated => ("initiated", None),
        CallEvent::Originated => ("originated", None),
        CallEvent::NetworkReached => ("network-reached", None),
        CallEvent::Offered => ("offered", None),
        CallEvent::Delivered => ("delivered", None),
        CallEvent::Established => ("established", None),
        CallEvent::Held => ("held", None),
        CallEvent::Retrieved => ("retrieved", None),
        CallEvent::ConnectionCleared => ("connection-cleared", None),
        CallEvent::CallCleared => ("call-cleared", None),
        CallEvent::Queued => ("queued", None),
        CallEvent::Failed => ("failed", None),
        CallEvent::Information => ("information", None),
    };
    let head = match more {
        Some(more) => format!("{name} {} {more}", connection(&report.connection)),
        None => format!("{name} {}", connection(&report.connection)),
    };
    join(
        &head,
        [
            ("monitor", report.monitor.as_ref().map(|device| device.as_str().to_owned())),
            ("local", report.local.map(|local| state(local).to_owned())),
            ("cause", Some(report.cause.as_str().to_owned())),
            ("calling", report.calling.as_ref().map(party)),
            ("called", report.called.as_ref().map(party)),
            ("redirected-by", report.last_redirection.as_ref().map(party)),
            ("dialled", report.network_called.as_ref().map(party)),
            ("correlator", report.correlator.as_deref().map(quoted)),
            ("linked", report.linked_call.as_ref().map(|call| call.as_str().to_owned())),
            ("may", report.permitted.map(actions)),
        ],
    )
}

fn merged(
    secondary: &Option<ProviderConnection>,
    word: &'static str,
    who: &Option<ReportedParty>,
    moved: &[MovedConnection],
) -> Option<String> {
    let mut text = join("", [("and", secondary.as_ref().map(connection)), (word, who.as_ref().map(party))]);
    for at in moved {
        let old = at.old.as_ref().map(connection).unwrap_or_default();
        text.push_str(&format!(" [{old}->{}]", connection(&at.new)));
    }
    Some(text.trim_start().to_owned())
}

fn device_event(event: &DeviceEvent) -> String {
    let switch = |on: &bool| if *on { "on" } else { "off" };
    match event {
        DeviceEvent::DoNotDisturb(on) => format!("do-not-disturb {}", switch(on)),
        DeviceEvent::Forwarding(on) => format!("forwarding {}", switch(on)),
        DeviceEvent::OutOfService(on) => format!("out-of-service {}", switch(on)),
        DeviceEvent::Monitored => "monitored".into(),
        DeviceEvent::MonitorRefused(words) => format!("monitor refused: {words}"),
        DeviceEvent::Named(name) => format!("named {}", quoted(name.expose())),
    }
}

fn agent_line(
    device: Option<&DeviceId>,
    agent: Option<&str>,
    state: &ProviderAgentState,
    queues: &[DeviceId],
) -> String {
    let (state, reason) = match state {
        ProviderAgentState::LoggedOff => ("logged-off", None),
        ProviderAgentState::NotReady(reason) => ("not-ready", reason.as_deref().map(quoted)),
        ProviderAgentState::Ready => ("ready", None),
        ProviderAgentState::Busy => ("busy", None),
        ProviderAgentState::WorkingAfterCall => ("working-after-call", None),
    };
    let queues: Vec<_> = queues.iter().map(|queue| queue.as_str()).collect();
    join(
        &format!("agent {} {state}", agent.unwrap_or("-")),
        [("because", reason), ("at", device.map(|at| at.as_str().to_owned())), ("queues", list(&queues))],
    )
}

fn route(dialogue: &str, event: &RouteEvent) -> String {
    let millis = |limit: &Option<Millis>| limit.map(|limit| format!("{}ms", limit.0));
    match event {
        RouteEvent::Requested { device, call, calling, current, limit, correlator } => join(
            &format!("route {dialogue} requested"),
            [
                ("at", Some(device.as_str().to_owned())),
                ("call", call.as_ref().map(|call| call.as_str().to_owned())),
                ("calling", calling.as_ref().map(party)),
                ("current", current.as_ref().map(party)),
                ("within", millis(limit)),
                ("correlator", correlator.as_deref().map(quoted)),
            ],
        ),
        RouteEvent::Again { limit } => {
            join(&format!("route {dialogue} requested again"), [("within", millis(limit))])
        }
        RouteEvent::Used(device) => join(
            &format!("route {dialogue} used"),
            [("to", device.as_ref().map(|device| device.as_str().to_owned()))],
        ),
        RouteEvent::Ended(error) => {
            join(&format!("route {dialogue} ended"), [("because", error.as_deref().map(quoted))])
        }
    }
}

fn reply(command: u128, step: u8, result: &Result<Done, Refusal>) -> String {
    let head = if step == 0 { format!("reply {command}") } else { format!("reply {command}.{step}") };
    match result {
        Ok(done) => join(&format!("{head} done"), [("connection", done.connection.as_ref().map(connection))]),
        Err(refusal) => format!("{head} refused {}: {}", refusal.cause.as_str(), refusal.detail),
    }
}

fn connection(at: &ProviderConnection) -> String {
    format!("{}@{}", at.call.as_str(), at.device.as_str())
}

fn party(who: &ReportedParty) -> String {
    let Party { number, name, restricted } = &who.party;
    let mut text = number.as_ref().map(|number| number.expose().to_string()).unwrap_or_default();
    if let Some(name) = name {
        text.push_str(&quoted(name.expose()));
    }
    if *restricted {
        text.push_str("restricted");
    }
    if text.is_empty() {
        text.push_str("unknown");
    }
    match &who.device {
        Some(device) if number.as_ref().is_none_or(|number| **number.expose() != *device.as_str()) => {
            format!("{text}({})", device.as_str())
        }
        _ => text,
    }
}

fn state(state: ConnectionState) -> &'static str {
    match state {
        ConnectionState::Null => "null",
        ConnectionState::Initiated => "initiated",
        ConnectionState::Alerting => "alerting",
        ConnectionState::Connected => "connected",
        ConnectionState::Held => "held",
        ConnectionState::Queued => "queued",
        ConnectionState::Failed => "failed",
    }
}

/// What may be done to a connection; what is asked of a device is left out.
fn actions(set: ActionSet) -> String {
    let of_device = [
        Action::Dial,
        Action::SetDoNotDisturb,
        Action::SetForwarding,
        Action::SetAgentState,
        Action::DecideRoute,
    ];
    let names: Vec<_> = set.iter().filter(|action| !of_device.contains(action)).map(Action::as_str).collect();
    if names.is_empty() { "nothing".to_owned() } else { names.join(",") }
}

fn quoted(text: &str) -> String {
    format!("\"{text}\"")
}

fn list(words: &[&str]) -> Option<String> {
    (!words.is_empty()).then(|| words.join(","))
}

fn join<const N: usize>(head: &str, parts: [(&str, Option<String>); N]) -> String {
    let mut line = head.to_owned();
    for (name, value) in parts {
        if let Some(value) = value {
            line.push_str(&format!(" {name} {value}"));
        }
    }
    line
}
