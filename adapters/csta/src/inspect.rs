//! What is understood of any CSTA message, for the administrator: a framed stream,
//! a bare document, several documents ended by NUL, or a SOAP envelope.

use std::borrow::Cow;
use std::collections::BTreeMap;

use schakel_core::model::call::ConnectionState;
use schakel_core::report::{
    CallEvent as Event, CallReport, MovedConnection, ProviderConnection, ReportedParty,
};
use schakel_csta_wire::{
    CallEvent, DecodeError, Decoded, Deframer, Edition, Encoder, MAX_FRAME_BYTES, Message, SecondOpinion,
    decode, documents, is_utf16, leaves, text_of,
};
use serde::Serialize;

use crate::device::normalise;
use crate::dialect::Dialect;
use crate::memory::Memory;
use crate::says::says;
use crate::translate::{OwnDevices, Translator};

/// What is understood of some bytes.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Inspection {
    /// Whether the bytes are framed (ECMA-323 Annex J).
    pub framed: bool,
    /// The messages, in their order.
    pub messages: Vec<Inspected>,
    /// Why the rest could not be cut into messages.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stream_problem: Option<String>,
}

impl Inspection {
    /// Whether there is a message, and every one is understood.
    pub fn all_understood(&self) -> bool {
        let understood = |message: &Inspected| message.verdict == Verdict::Understood;
        !self.messages.is_empty() && self.stream_problem.is_none() && self.messages.iter().all(understood)
    }
}

/// What became of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    /// It is a message that schakel knows.
    Understood,
    /// It is well-formed XML, and not a message that schakel knows.
    Declined,
    /// It cannot be read.
    Malformed,
}

/// One message.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Inspected {
    /// Where its frame or document begins, in bytes.
    pub offset: u64,
    /// Its invoke id, if it is framed; `9999` is an event.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub invoke: Option<String>,
    /// What became of it.
    pub verdict: Verdict,
    /// The local name of its root element.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    /// `call event`, `device event`, `request`, `response`, `error`, `session`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kind: Option<&'static str>,
    /// The edition that its namespace names.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub edition: Option<String>,
    /// Its namespace, as it stands there.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub namespace: Option<String>,
    /// Whether it came in a SOAP envelope.
    pub soap: bool,
    /// What a call event says, freed from CSTA.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub call: Option<Call>,
    /// What a message about routeing or about agents says, in words.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub says: Vec<String>,
    /// Everything that was understood, by path.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub understood: Vec<Field>,
    /// What stands in the message and is not used, by path.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub unused: Vec<String>,
    /// Why it was declined, could not be read or is of little use, and where.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub problem: Option<Problem>,
}

/// Something that was understood.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Field {
    /// Where, as `connection/callID`.
    pub path: String,
    /// The text.
    pub value: String,
    /// The number in it, where the text is a device id and not plain.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub number: Option<String>,
    /// The name in it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The call that it links to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub uid: Option<String>,
}

/// What is wrong.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Problem {
    /// In words.
    pub text: String,
    /// At which byte of the document.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub offset: Option<usize>,
    /// Inside which elements.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    /// What a general XML reader says, where the markup was refused.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub second_opinion: Option<String>,
}

/// A connection.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Connection {
    /// The PBX's call id.
    pub call: String,
    /// The device, normalised.
    pub device: String,
}

/// A party.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Party {
    /// The number.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub number: Option<String>,
    /// The name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Known to the PBX, withheld.
    pub restricted: bool,
}

/// Where a connection went in a transfer or conference.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Moved {
    /// Where it was.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub from: Option<Connection>,
    /// Where it is.
    pub to: Connection,
}

/// What a call event says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Call {
    /// In one line: what happened, who calls whom.
    pub summary: String,
    /// What happened, as `Delivered`.
    pub event: &'static str,
    /// The connection that changed.
    pub connection: Connection,
    /// The second old call of a transfer or conference.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub secondary: Option<Connection>,
    /// Where the call went: of a diversion, transfer or conference.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub to: Option<String>,
    /// Where each connection went.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub moved: Vec<Moved>,
    /// State at the monitored device.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub local_state: Option<&'static str>,
    /// The cause as schakel takes it.
    pub cause: &'static str,
    /// The cause as the PBX wrote it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cause_as_written: Option<String>,
    /// Who calls.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub calling: Option<Party>,
    /// Who is called.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub called: Option<Party>,
    /// Through whom it came last.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_redirection: Option<Party>,
    /// What was dialled in the network.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub network_called: Option<Party>,
    /// What may be done.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub permitted: Option<Vec<&'static str>>,
    /// Correlator data, as text where it is text.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub correlator: Option<String>,
    /// A call that this one goes on from.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub linked_call: Option<String>,
}

/// Says what is understood of `bytes`. Never fails: what cannot be read is said so.
pub fn inspect(bytes: &[u8], dialect: &'static Dialect) -> Inspection {
    match bytes {
        _ if is_utf16(bytes) => inspect_documents(bytes, dialect),
        [0, b'<', ..] => inspect_documents(bytes, dialect),
        // The second one is framing for SOAP, which says so of itself.
        [0, _, ..] | [1, 0, ..] | [b'0', b'0', ..] => inspect_stream(bytes, dialect),
        _ => inspect_documents(bytes, dialect),
    }
}

fn inspect_stream(bytes: &[u8], dialect: &'static Dialect) -> Inspection {
    let mut inspection = Inspection { framed: true, messages: Vec::new(), stream_problem: None };
    let mut deframer = Deframer::new(MAX_FRAME_BYTES);
    deframer.push(bytes);
    loop {
        let offset = deframer.consumed();
        match deframer.next_frame() {
            Ok(Some(frame)) => {
                let mut message = inspect_document(frame.body, dialect);
                message.offset = offset;
                message.invoke = Some(frame.invoke.to_string());
                inspection.messages.push(message);
            }
            Ok(None) => break,
            Err(desync) => {
                inspection.stream_problem = Some(desync.to_string());
                break;
            }
        }
    }
    let rest = deframer.pending();
    if rest > 0 && inspection.stream_problem.is_none() {
        let text = format!("{rest} bytes at byte {} are no whole frame", deframer.consumed());
        inspection.stream_problem = Some(text);
    }
    inspection
}

fn inspect_documents(bytes: &[u8], dialect: &'static Dialect) -> Inspection {
    let mut inspection = Inspection { framed: false, messages: Vec::new(), stream_problem: None };
    let pieces: Vec<&[u8]> =
        if is_utf16(bytes) { vec![bytes] } else { bytes.split(|byte| *byte == 0).collect() };
    let mut offset = 0;
    for piece in pieces {
        inspect_piece(piece, offset, dialect, &mut inspection.messages);
        offset += piece.len() as u64 + 1;
    }
    if inspection.messages.is_empty() {
        inspection.stream_problem = Some("there is nothing in it".into());
    }
    inspection
}

/// One document or several, one after another, that begin at `offset`.
fn inspect_piece(bytes: &[u8], offset: u64, dialect: &'static Dialect, messages: &mut Vec<Inspected>) {
    match text_of(bytes) {
        Ok(Cow::Borrowed(text)) => inspect_texts(text, offset, dialect, messages),
        // They are not all in UTF-8: each may be in an encoding of its own.
        _ => {
            let mut rest = bytes;
            let mut offset = offset;
            while !rest.is_empty() {
                let at = next_prolog(rest).unwrap_or(rest.len());
                let (first, after) = rest.split_at_checked(at).unwrap_or((rest, b""));
                match text_of(first) {
                    Ok(text) => inspect_texts(&text, offset, dialect, messages),
                    Err(error) => messages.push(Inspected { offset, ..malformed(error) }),
                }
                offset += first.len() as u64;
                rest = after;
            }
        }
    }
}

fn inspect_texts(text: &str, offset: u64, dialect: &'static Dialect, messages: &mut Vec<Inspected>) {
    messages.extend(
        documents(text).into_iter().map(|(at, document)| Inspected {
            offset: offset + at as u64,
            ..inspect_text(document, dialect)
        }),
    );
}

/// Where the next XML prolog stands, if it is not here.
fn next_prolog(bytes: &[u8]) -> Option<usize> {
    bytes.windows(6).skip(1).position(|window| window == b"<?xml ").map(|at| at + 1)
}

fn inspect_document(bytes: &[u8], dialect: &'static Dialect) -> Inspected {
    match text_of(bytes) {
        Ok(text) => inspect_text(&text, dialect),
        Err(error) => malformed(error),
    }
}

fn inspect_text(text: &str, dialect: &'static Dialect) -> Inspected {
    match decode(text) {
        Ok(decoded) => inspect_decoded(&decoded, text, dialect),
        Err(error) => malformed(error),
    }
}

fn malformed(error: DecodeError) -> Inspected {
    let second_opinion = error.second_opinion.map(|opinion| match opinion {
        SecondOpinion::Refused(words) => words,
        SecondOpinion::Accepted => "quick-xml finds nothing wrong with it: please report this message".into(),
    });
    Inspected {
        offset: 0,
        invoke: None,
        verdict: Verdict::Malformed,
        message: None,
        kind: None,
        edition: None,
        namespace: None,
        soap: false,
        call: None,
        says: Vec::new(),
        understood: Vec::new(),
        unused: Vec::new(),
        problem: Some(Problem {
            text: error.problem.to_string(),
            offset: Some(error.offset),
            path: (!error.path.is_empty()).then_some(error.path),
            second_opinion,
        }),
    }
}

fn inspect_decoded(decoded: &Decoded<'_>, text: &str, dialect: &'static Dialect) -> Inspected {
    let kind = match &decoded.message {
        Message::Call(_) => Some("call event"),
        Message::Feature(_) => Some("device event"),
        Message::Request(_) => Some("request"),
        Message::Response(_) => Some("response"),
        Message::Error(_) => Some("error"),
        Message::Session(_) => Some("session"),
        Message::Declined(_) => None,
    };
    let root = decoded.message.root().to_owned();
    let words = match &decoded.message {
        Message::Declined(_) => {
            Some(format!("<{root}> is not a message that schakel knows; it is passed over"))
        }
        Message::Call(event) if event.connection.call.is_empty() => {
            Some("it names no call: calls at the same device cannot be told apart".into())
        }
        _ => None,
    };
    let problem = words.map(|text| Problem { text, offset: None, path: None, second_opinion: None });
    let (understood, unused) = if kind.is_some() { used(decoded, text) } else { (Vec::new(), Vec::new()) };
    Inspected {
        offset: 0,
        invoke: None,
        verdict: if kind.is_some() { Verdict::Understood } else { Verdict::Declined },
        message: Some(root),
        kind,
        edition: Some(decoded.edition.to_string()),
        namespace: decoded.namespace.as_deref().map(str::to_owned),
        soap: decoded.soap,
        call: match &decoded.message {
            Message::Call(event) => call(event, text, dialect),
            _ => None,
        },
        says: says(&decoded.message),
        understood,
        unused,
        problem,
    }
}

/// What of a document is understood: what is written again of it. And what is not.
fn used(decoded: &Decoded<'_>, text: &str) -> (Vec<Field>, Vec<String>) {
    let edition = if decoded.edition == Edition::Ed3 { Edition::Ed3 } else { Edition::Ed6 };
    let again = Encoder::new(edition).with_prolog(false).to_vec(&decoded.message);
    let again = text_of(&again).ok().and_then(|again| leaves(&again).ok()).unwrap_or_default();
    let mut told: BTreeMap<String, Vec<&str>> = BTreeMap::new();
    for (path, value) in &again {
        told.entry(path.to_ascii_lowercase()).or_default().push(value);
    }
    let root = decoded.message.root();
    let is_used = |path: &str, value: &str| {
        // In an envelope, the path begins outside of the message.
        let path =
            path.split_once(&format!("{root}/")).filter(|_| decoded.soap).map_or(path, |(_, inside)| inside);
        let path = &*path.to_ascii_lowercase();
        let nested = || path.rsplit_once('/').and_then(|(outer, _)| told.get(outer));
        // Bare text where a choice should be is written again as a choice.
        let chosen = || {
            let inside = format!("{path}/");
            again
                .iter()
                .any(|(written, text)| written.to_ascii_lowercase().starts_with(&inside) && text == value)
        };
        // A flag that is off is not written again.
        value == "false"
            || matches!(&decoded.message, Message::Error(error) if error.value == value)
            || told.contains_key(path)
            || nested().is_some_and(|values| values.contains(&value))
            || chosen()
    };
    let mut unused: Vec<String> = Vec::new();
    for (path, value) in leaves(text).unwrap_or_default() {
        if !is_used(&path, &value) && !unused.contains(&path) {
            unused.push(path);
        }
    }
    // What is mandatory is written even where it was not there.
    let said = again.iter().filter(|(_, value)| !value.is_empty());
    (said.map(|(path, value)| field(path.clone(), value.clone())).collect(), unused)
}

fn field(path: String, value: String) -> Field {
    let last = path.rsplit('/').next().unwrap_or_default();
    let is_device = matches!(
        last,
        "deviceIdentifier"
            | "deviceID"
            | "numberDialed"
            | "device"
            | "deviceObject"
            | "callingDevice"
            | "snapshotObject"
            | "calledDirectoryNumber"
            | "consultedDevice"
            | "transferredTo"
            | "newDestination"
            | "requestingDevice"
            | "forwardDN"
            | "forwardTo"
            | "deviceToJoin"
            | "routeSelected"
    );
    let named = normalise(&value);
    let (number, name, uid) = if is_device && named.id != value {
        (
            Some(named.id.clone().into_owned()),
            named.name.as_deref().map(str::to_owned),
            named.uid.map(str::to_owned),
        )
    } else {
        (None, None, None)
    };
    Field { path, value, number, name, uid }
}

fn call(event: &CallEvent<'_>, text: &str, dialect: &'static Dialect) -> Option<Call> {
    let cause_as_written = || {
        let leaves = leaves(text).unwrap_or_default();
        let written = leaves.into_iter().find(|(path, _)| path == "cause" || path.ends_with("Event/cause"));
        written.map(|(_, word)| word)
    };
    let own = OwnDevices::default();
    let mut memory = Memory::new();
    let report = Translator { dialect, own: &own, memory: &mut memory }.call(event, None)?;
    let (secondary, to, moved) = match &report.event {
        Event::Diverted { to } => (None, to.as_ref().map(|to| to.as_str().to_owned()), &[][..]),
        Event::Transferred { secondary, to, moved } | Event::Conferenced { secondary, added: to, moved } => {
            (secondary.as_ref().map(connection), to.as_ref().and_then(|to| party(to).number), &moved[..])
        }
        _ => (None, None, &[][..]),
    };
    let name = event.kind.root().trim_end_matches("Event");
    Some(Call {
        summary: summary(name, &report, to.as_deref()),
        event: name,
        connection: connection(&report.connection),
        secondary,
        to,
        moved: moved.iter().map(moved_one).collect(),
        local_state: report.local.map(state),
        cause: report.cause.as_str(),
        cause_as_written: event.cause.is_some().then(cause_as_written).flatten(),
        calling: report.calling.as_ref().map(party),
        called: report.called.as_ref().map(party),
        last_redirection: report.last_redirection.as_ref().map(party),
        network_called: report.network_called.as_ref().map(party),
        permitted: event.services.map(|services| services.iter().map(|service| service.name()).collect()),
        correlator: report.correlator.as_deref().map(str::to_owned),
        linked_call: report.linked_call.as_ref().map(|call| call.as_str().to_owned()),
    })
}

fn summary(name: &str, report: &CallReport, to: Option<&str>) -> String {
    let mut text = name.to_owned();
    for (word, id) in
        [(" at", report.connection.device.as_str()), (" in call", report.connection.call.as_str())]
    {
        if !id.is_empty() {
            text.push_str(&format!("{word} {id}"));
        }
    }
    let who = |party: &ReportedParty| self::party(party).number.unwrap_or_else(|| "somebody unknown".into());
    match (&report.calling, &report.called) {
        (Some(calling), Some(called)) => text.push_str(&format!(": {} calls {}", who(calling), who(called))),
        (Some(calling), None) => text.push_str(&format!(": {} calls", who(calling))),
        (None, Some(called)) => text.push_str(&format!(": {} is called", who(called))),
        (None, None) => {}
    }
    if let Some(to) = to {
        text.push_str(&format!(", to {to}"));
    }
    if let Some(local) = report.local {
        text.push_str(&format!(", here {}", state(local)));
    }
    text.push_str(&format!(", cause {}", report.cause.as_str()));
    text
}

fn connection(at: &ProviderConnection) -> Connection {
    Connection { call: at.call.as_str().to_owned(), device: at.device.as_str().to_owned() }
}

fn moved_one(moved: &MovedConnection) -> Moved {
    Moved { from: moved.old.as_ref().map(connection), to: connection(&moved.new) }
}

fn party(party: &ReportedParty) -> Party {
    let shown =
        |text: &schakel_core::model::pii::Pii<schakel_core::model::ids::Str>| text.expose().to_string();
    Party {
        number: party.party.number.as_ref().map(shown),
        name: party.party.name.as_ref().map(shown),
        restricted: party.party.restricted,
    }
}

fn state(state: ConnectionState) -> &'static str {
    match state {
        ConnectionState::Null => "null",
        ConnectionState::Initiated => "initiated",
        ConnectionState::Alerting => "alerting",
        ConnectionState::Connected => "connected",
        ConnectionState::Held => "hold",
        ConnectionState::Queued => "queued",
        ConnectionState::Failed => "fail",
    }
}
