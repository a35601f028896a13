//! Any message: decoding by root element, encoding for an edition.

use std::borrow::Cow;

use crate::edition::Edition;
use crate::error::{DecodeError, Problem, SecondOpinion};
use crate::event::{CallEvent, CallEventKind};
use crate::fault::{CstaError, ErrorCategory};
use crate::feature::{AgentEventKind, FeatureEvent};
use crate::pull::{Pull, Tag};
use crate::request::Request;
use crate::response::{CallService, EmptyResponse, Response};
use crate::session::Session;
use crate::value::Value;
use crate::write::Writer;

/// One CSTA message.
#[derive(Debug, Clone, PartialEq)]
#[allow(clippy::large_enum_variant)]
pub enum Message<'a> {
    /// An event about a call.
    Call(Box<CallEvent<'a>>),
    /// An event about a device or an agent.
    Feature(FeatureEvent<'a>),
    /// A request, of either side.
    Request(Request<'a>),
    /// A positive response.
    Response(Response<'a>),
    /// A negative response.
    Error(CstaError<'a>),
    /// A message of ECMA-354.
    Session(Session<'a>),
    /// Well-formed XML that is none of these.
    Declined(Declined<'a>),
}

/// Well-formed XML that is not a message known here; private and non-CSTA messages do occur in CSTA streams.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Declined<'a> {
    /// Local name of the root element.
    pub root: Cow<'a, str>,
}

impl Message<'_> {
    /// The local name of the root element.
    pub fn root(&self) -> &str {
        match self {
            Self::Call(event) => event.kind.root(),
            Self::Feature(event) => event.root(),
            Self::Request(request) => request.root(),
            Self::Response(response) => response.root(),
            Self::Error(_) => ERROR_ROOT,
            Self::Session(session) => session.root(),
            Self::Declined(declined) => &declined.root,
        }
    }
}

const ERROR_ROOT: &str = "CSTAErrorCode";

macro_rules! into_message {
    ($($ty:ident => $variant:ident),*) => {
        $(impl<'a> From<$ty<'a>> for Message<'a> {
            fn from(message: $ty<'a>) -> Self {
                Self::$variant(message)
            }
        })*
    };
}
into_message!(FeatureEvent => Feature, Request => Request, Response => Response, CstaError => Error, Session => Session);

impl<'a> From<CallEvent<'a>> for Message<'a> {
    fn from(event: CallEvent<'a>) -> Self {
        Self::Call(Box::new(event))
    }
}

/// A message and how it was dressed.
#[derive(Debug, Clone, PartialEq)]
pub struct Decoded<'a> {
    /// The message.
    pub message: Message<'a>,
    /// What its namespace names.
    pub edition: Edition,
    /// Its namespace as it stood there.
    pub namespace: Option<Cow<'a, str>>,
    /// Whether it came in a SOAP envelope.
    pub soap: bool,
}

/// Decodes one document.
///
/// Markup that is refused is read again by quick-xml, so that an operator has the
/// word of a reader that the whole world uses, and a fault of ours is seen as one.
///
/// # Errors
/// [`DecodeError`] if it is not well-formed XML within the limits. XML that is
/// not a known message is no error: see [`Message::Declined`].
pub fn decode(text: &str) -> Result<Decoded<'_>, DecodeError> {
    read_document(text).map_err(|error| match error.problem {
        Problem::Malformed(_) | Problem::WrongEndTag(_) | Problem::Truncated(_) => {
            DecodeError { second_opinion: second_opinion(text), ..error }
        }
        _ => error,
    })
}

/// None where there is text outside of any element: quick-xml leaves that to its caller.
fn second_opinion(text: &str) -> Option<SecondOpinion> {
    use quick_xml::events::Event;
    let mut reader = quick_xml::Reader::from_str(text);
    let mut open = 0_usize;
    loop {
        match reader.read_event() {
            Ok(Event::Start(_)) => open += 1,
            Ok(Event::End(_)) => open = open.saturating_sub(1),
            Ok(Event::Text(text)) if open == 0 && !text.trim_ascii().is_empty() => return None,
            Ok(Event::Eof) if open == 0 => return Some(SecondOpinion::Accepted),
            Ok(Event::Eof) => return Some(SecondOpinion::Refused(format!("{open} elements are not closed"))),
            Ok(_) => {}
            Err(error) => return Some(SecondOpinion::Refused(error.to_string())),
        }
    }
}

fn read_document(text: &str) -> Result<Decoded<'_>, DecodeError> {
    let mut pull = Pull::new(text);
    let root = pull.root()?;
    let decoded =
        if root.name == "Envelope" { read_envelope(&mut pull, &root)? } else { read(&mut pull, &root, &[])? };
    pull.finish()?;
    Ok(decoded)
}

fn read<'a>(pull: &mut Pull<'a>, root: &Tag<'a>, around: &[Tag<'a>]) -> Result<Decoded<'a>, DecodeError> {
    let namespace =
        std::iter::once(root).chain(around.iter().rev()).find_map(|tag| tag.namespace(root.prefix));
    let edition = namespace.as_deref().map_or(Edition::None, Edition::of_namespace);
    let message = read_message(pull, root)?;
    Ok(Decoded { message, edition, namespace, soap: !around.is_empty() })
}

fn read_message<'a>(pull: &mut Pull<'a>, root: &Tag<'a>) -> Result<Message<'a>, DecodeError> {
    if let Some(kind) = CallEventKind::of_root(root.name) {
        return CallEvent::read(kind, pull, root).map(Message::Call);
    }
    if root.name == ERROR_ROOT {
        return CstaError::read(pull, root).map(Message::Error);
    }
    if root.name.eq_ignore_ascii_case("errorResponse") {
        return CstaError::read_of_vendor(pull, root).map(Message::Error);
    }
    if root.name.ends_with("Event") {
        if let Some(event) = FeatureEvent::read(pull, root)? {
            return Ok(event.into());
        }
    } else if let Some(session) = Session::read(pull, root)? {
        return Ok(session.into());
    } else if let Some(response) = Response::read(pull, root)? {
        return Ok(response.into());
    } else if let Some(request) = Request::read(pull, root)? {
        return Ok(request.into());
    }
    if let Some(name) = known_root(root.name) {
        return read_message(pull, &root.renamed(name));
    }
    pull.skip(root)?;
    Ok(Message::Declined(Declined { root: Cow::Borrowed(root.name) }))
}

/// The root element that is meant by another spelling: one product writes `SnapShotDeviceResponse`.
fn known_root(name: &str) -> Option<&'static str> {
    let known = CallEventKind::ALL.iter().map(|kind| kind.root());
    let known = known.chain(AgentEventKind::ALL.iter().map(|kind| kind.root()));
    let known = known.chain(FeatureEvent::ROOTS.iter().copied()).chain(Request::ROOTS.iter().copied());
    let known = known.chain(Response::ROOTS.iter().copied());
    let known = known.chain(EmptyResponse::ALL.iter().map(|response| response.root()));
    let known = known.chain(CallService::ALL.iter().map(|service| service.root())).chain([ERROR_ROOT]);
    known.into_iter().find(|known| known.eq_ignore_ascii_case(name) && *known != name)
}

/// The message inside `Body`, or inside `Fault/detail`.
fn read_envelope<'a>(pull: &mut Pull<'a>, envelope: &Tag<'a>) -> Result<Decoded<'a>, DecodeError> {
    let mut found = None;
    while let Some(part) = pull.child(envelope)? {
        if part.name == "Body" && found.is_none() {
            found = read_body(pull, &part, &[*envelope, part])?;
        } else {
            pull.skip(&part)?;
        }
    }
    let declined = || Message::Declined(Declined { root: Cow::Borrowed(envelope.name) });
    Ok(found.unwrap_or_else(|| Decoded {
        message: declined(),
        edition: Edition::Other,
        namespace: envelope.namespace(envelope.prefix),
        soap: true,
    }))
}

fn read_body<'a>(
    pull: &mut Pull<'a>,
    body: &Tag<'a>,
    around: &[Tag<'a>],
) -> Result<Option<Decoded<'a>>, DecodeError> {
    let mut found = None;
    let mut words = Cow::Borrowed("");
    while let Some(child) = pull.child(body)? {
        if found.is_some() {
            pull.skip(&child)?;
        } else if matches!(child.name, "Fault" | "detail" | "Detail") {
            found = read_body(pull, &child, around)?;
        } else if body.name == "Fault" && matches!(child.name, "faultstring" | "Reason") {
            words = pull.text(&child)?;
        } else if body.name == "Fault" {
            pull.skip(&child)?;
        } else {
            found = Some(read(pull, &child, around)?);
        }
    }
    // A fault is a refusal also where no `CSTAErrorCode` is in it.
    let is_error =
        found.as_ref().is_some_and(|found: &Decoded<'_>| matches!(found.message, Message::Error(_)));
    if body.name == "Fault" && !is_error {
        let error = CstaError::new(ErrorCategory::PrivateErrorCode, words);
        let message = Message::Error(error);
        found = Some(Decoded {
            message,
            edition: Edition::Other,
            namespace: body.namespace(body.prefix),
            soap: true,
        });
    }
    Ok(found)
}

/// Every element of a document that has no element inside itself: its path below
/// the root, as `connection/callID`, and its text. For showing a message whole.
///
/// # Errors
/// As [`decode`].
pub fn leaves(text: &str) -> Result<Vec<(String, String)>, DecodeError> {
    let mut pull = Pull::new(text);
    let root = pull.root()?;
    let mut found = Vec::new();
    pull.leaves(&root, "", &mut found)?;
    pull.finish()?;
    found.retain(|(path, _)| !path.is_empty());
    Ok(found)
}

/// Writes messages in the shapes and the namespace of one edition.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Encoder {
    edition: Edition,
    namespace: bool,
    prolog: bool,
}

impl Encoder {
    /// Writes for `edition`, with its namespace and an XML prolog.
    pub fn new(edition: Edition) -> Self {
        Self { edition, namespace: true, prolog: true }
    }

    /// Whether the namespace is declared; some servers want none.
    #[must_use]
    pub fn with_namespace(self, namespace: bool) -> Self {
        Self { namespace, ..self }
    }

    /// Whether the XML prolog is written.
    #[must_use]
    pub fn with_prolog(self, prolog: bool) -> Self {
        Self { prolog, ..self }
    }

    /// The edition that is written.
    pub fn edition(self) -> Edition {
        self.edition
    }

    /// Appends the document of `message` to `out`. A [`Declined`] is written as its empty root element.
    pub fn encode(self, message: &Message<'_>, out: &mut Vec<u8>) {
        let mut writer = Writer::new(out, self.edition);
        if self.prolog {
            writer.raw("<?xml version=\"1.0\" encoding=\"UTF-8\"?>");
        }
        let root = message.root();
        writer.raw("<");
        writer.raw(root);
        if self.namespace {
            let edition =
                if matches!(message, Message::Session(_)) { Edition::Session } else { self.edition };
            if let Some(namespace) = edition.namespace() {
                writer.raw(" xmlns=\"");
                writer.raw(namespace);
                writer.raw("\"");
            }
        }
        writer.raw(">");
        let before = writer.length();
        match message {
            Message::Call(event) => event.write_children(&mut writer),
            Message::Feature(event) => event.write_children(&mut writer),
            Message::Request(request) => request.write_children(&mut writer),
            Message::Response(response) => response.write_children(&mut writer),
            Message::Error(error) => error.write_choice(&mut writer),
            Message::Session(session) => session.write_children(&mut writer),
            Message::Declined(_) => {}
        }
        writer.close_or_shorten(root, before);
    }

    /// The document of `message`.
    pub fn to_vec(self, message: &Message<'_>) -> Vec<u8> {
        let mut out = Vec::with_capacity(1024);
        self.encode(message, &mut out);
        out
    }
}
