//! From an address to a stream on which stanzas can be exchanged: TCP, TLS, authentication, and a resource with stream
//! management (RFC 6120, XEP-0198) or a component's handshake (XEP-0114).

use super::pipe::Pipe;
use super::session::{self, Session};
use super::unit::Unit;
use super::wire::{Heard, Wire, stream_error};
use crate::link::channel::{self, TlsClient};
use crate::link::{Lost, OpenError, Setback};
use sasl::common::{ChannelBinding, Credentials};
use std::collections::BTreeSet;
use std::io;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio_xmpp::error::AuthError;
use tokio_xmpp::xmlstream::{
    FallibleStreamElement, PendingFeaturesRecv, ReadError, RecvFeaturesError, StreamHeader, Timeouts,
    XmppStream as LoginStream, XmppStreamElement, initiate_stream,
};
use xmpp_parsers::component::Handshake;
use xmpp_parsers::minidom::Element;
use xmpp_parsers::minidom::rxml::xml_ncname;
use xmpp_parsers::stream_features::StreamFeatures;
use xmpp_parsers::{ns, starttls};

/// Stanzas that may arrive before the session is complete.
const EARLY_MAX: usize = 1_000;

/// A component's stream header has a handful of attributes.
const HEADER_BYTES_MAX: usize = 4_096;

/// The header that a component's stream is read as if it had.
const HEADER: &str = "<?xml version='1.0'?><stream:stream xmlns='jabber:client' \
                      xmlns:stream='http://etherx.jabber.org/streams' version='1.0'>";

/// How a server is reached, and as whom.
pub struct Transport {
    /// `host:port`; resolved anew at each try.
    pub address: String,
    /// What keeps others from reading along.
    pub security: Security,
    /// As whom.
    pub identity: Identity,
    /// Stream management, where the server has it (XEP-0198). Some servers say that they have it and do not.
    pub stream_management: bool,
}

/// What keeps others from reading along.
pub enum Security {
    /// TLS that the stream asks for (RFC 6120 clause 5).
    StartTls(TlsClient),
    /// TLS from the first byte (XEP-0368).
    DirectTls(TlsClient),
    /// Nothing: for a server on this machine, or where somebody said so in so many words.
    Plain,
}

/// As whom.
pub enum Identity {
    /// An account.
    Account {
        /// Its name, before the `@`.
        user: String,
        /// Its domain.
        domain: String,
        /// Its password.
        password: String,
        /// What the resource begins with; the rest is random, so that two never take it from one another.
        resource: String,
    },
    /// A component that owns a domain (XEP-0114).
    Component {
        /// The domain.
        domain: String,
        /// The secret that the server has for it.
        secret: String,
    },
}

impl Transport {
    /// Whether nothing hides what goes over it.
    pub fn is_plain(&self) -> bool {
        matches!(self.security, Security::Plain)
    }
}

impl Identity {
    /// The domain of the account, or of the component.
    pub(super) fn domain(&self) -> &str {
        match self {
            Identity::Account { domain, .. } | Identity::Component { domain, .. } => domain,
        }
    }
}

/// A stream on which stanzas can be exchanged.
pub(super) struct Open {
    pub(super) wire: Wire,
    pub(super) start: Start,
}

/// What it goes on from.
pub(super) enum Start {
    /// The session that was asked for, of which the server has so many of our stanzas.
    Resumed(u32),
    /// From nothing.
    Fresh {
        /// The full JID, or a component's domain.
        name: String,
        session: Box<Session>,
        /// What arrived meanwhile.
        early: Vec<Element>,
        /// So many of our stanzas the server had of the session that is no more, where it says so.
        had: Option<u32>,
    },
}

/// Connects, and resumes with `resume` where the server can.
///
/// # Errors
/// What is wrong, how to mend it, and what it means for the next try.
pub(super) async fn open(
    transport: &Transport,
    timeouts: Timeouts,
    limit: Duration,
    resume: Option<Element>,
) -> Result<Open, Lost> {
    let opening = async {
        match &transport.identity {
            Identity::Account { .. } => account(transport, timeouts, resume).await,
            Identity::Component { domain, secret } => component(transport, timeouts, domain, secret).await,
        }
    };
    match tokio::time::timeout(limit, opening).await {
        Ok(opened) => opened,
        Err(_) => Err(Lost::because(format!(
            "{}: no session within {} s; check the address, whether it wants TLS from the first byte (tls = \"direct\"), and the firewall",
            transport.address,
            limit.as_secs_f32()
        ))),
    }
}

async fn account(transport: &Transport, timeouts: Timeouts, resume: Option<Element>) -> Result<Open, Lost> {
    let Identity::Account { user, password, resource, .. } = &transport.identity else {
        return Err(Lost::because("only an account logs in"));
    };
    let (features, stream) = secured(transport, timeouts).await?;
    let stream =
        login(stream, features, user, password, !matches!(transport.security, Security::Plain)).await?;
    let pending = stream.send_header(header(transport)).await.map_err(broke)?;
    let (features, stream) = pending.recv_features::<Unit>().await.map_err(no_features)?;
    let mut wire = Wire::new(stream);
    let managed = transport.stream_management && features.stream_management.is_some();
    let mut had = None;
    if let Some(resume) = resume.filter(|_| managed) {
        wire.send(resume)?;
        let mut early = Vec::new();
        let answer = await_one(&mut wire, &mut early, |element| element.ns() == ns::SM).await?;
        let count = answer.attr("h").and_then(|count| count.parse().ok());
        match (answer.name(), count) {
            ("resumed", Some(count)) => return Ok(Open { wire, start: Start::Resumed(count) }),
            _ => had = count,
        }
    }
    let mut early = Vec::new();
    let name = bind(&mut wire, resource, &mut early).await?;
    let domain = transport.identity.domain();
    let mut session = Session::unmanaged(domain, true);
    if managed {
        wire.send(session::enable())?;
        let answer = await_one(&mut wire, &mut early, |element| element.ns() == ns::SM).await?;
        if answer.name() == "enabled" {
            session = Session::enabled(domain, &answer);
        } else {
            tracing::warn!("the server has stream management and does not give it; it is done without");
        }
    }
    Ok(Open { wire, start: Start::Fresh { name, session: Box::new(session), early, had } })
}

/// The stream up to the mechanisms of authentication.
async fn secured(
    transport: &Transport,
    timeouts: Timeouts,
) -> Result<(StreamFeatures, LoginStream<Pipe>), Lost> {
    let direct = match &transport.security {
        Security::DirectTls(tls) => Some(tls),
        Security::StartTls(_) | Security::Plain => None,
    };
    let io = channel::connect(&transport.address, direct).await.map_err(not_open)?.io;
    let (features, stream) = begin(Pipe::new(io), transport, timeouts).await?;
    let Security::StartTls(tls) = &transport.security else { return Ok((features, stream)) };
    if !features.can_starttls() {
        return Err(Lost::misconfigured(
            "the server offers no TLS here (StartTLS); switch it on there, or set tls = \"direct\" with the port that has TLS from the first byte",
        ));
    }
    let io = proceed(stream).await?;
    let io = channel::secure(io, tls, &transport.address).await.map_err(not_open)?;
    begin(Pipe::new(io), transport, timeouts).await
}

async fn begin(
    pipe: Pipe,
    transport: &Transport,
    timeouts: Timeouts,
) -> Result<(StreamFeatures, LoginStream<Pipe>), Lost> {
    let pending =
        initiate_stream(pipe, ns::JABBER_CLIENT, header(transport), timeouts).await.map_err(broke)?;
    pending.recv_features::<FallibleStreamElement>().await.map_err(no_features)
}

fn header(transport: &Transport) -> StreamHeader<'_> {
    StreamHeader { to: Some(transport.identity.domain().into()), from: None, id: None }
}

/// Asks for TLS; gives the connection on which it begins.
async fn proceed(mut stream: LoginStream<Pipe>) -> Result<Box<dyn channel::Bytes>, Lost> {
    use futures_util::{SinkExt, StreamExt};
    let request = XmppStreamElement::Starttls(starttls::Nonza::Request(starttls::Request));
    stream.send(&request).await.map_err(broke)?;
    loop {
        match stream.next().await.map(|read| read.and_then(FallibleStreamElement::into_read_error)) {
            Some(Ok(XmppStreamElement::Starttls(starttls::Nonza::Proceed(_)))) => {
                let (io, more) = stream.into_inner().into_inner();
                // What was said before TLS and is read after it could be anybody's (CVE-2011-0411).
                return if more {
                    Err(Lost::because("the server spoke between StartTLS and TLS"))
                } else {
                    Ok(io)
                };
            }
            Some(Err(ReadError::SoftTimeout)) => {}
            other => return Err(Lost::because(format!("the server does not begin TLS: {other:?}"))),
        }
    }
}

/// SASL. The channel is not bound: servers and libraries do not agree on how, and say so only by failing.
async fn login(
    stream: LoginStream<Pipe>,
    features: StreamFeatures,
    user: &str,
    password: &str,
    encrypted: bool,
) -> Result<tokio_xmpp::xmlstream::InitiatingStream<Pipe>, Lost> {
    let taken: &[&str] = if encrypted {
        &["SCRAM-SHA-256", "SCRAM-SHA-1", "PLAIN"]
    } else {
        &["SCRAM-SHA-256", "SCRAM-SHA-1"]
    };
    let offered = features.sasl_mechanisms;
    let common: BTreeSet<String> =
        offered.iter().filter(|name| taken.contains(&name.as_str())).cloned().collect();
    if common.is_empty() {
        let offered: Vec<String> = offered.into_iter().collect();
        return Err(Lost::misconfigured(format!(
            "the server offers no way to log in that is taken here: it offers {}; taken are {}",
            if offered.is_empty() { "none".into() } else { offered.join(", ") },
            taken.join(", ")
        )));
    }
    let credentials = Credentials::default()
        .with_username(user)
        .with_password(password)
        .with_channel_binding(ChannelBinding::None);
    tokio_xmpp::client_login(stream, common, credentials).await.map_err(not_in)
}

fn not_in(error: tokio_xmpp::Error) -> Lost {
    use xmpp_parsers::sasl::DefinedCondition;
    let condition = match &error {
        tokio_xmpp::Error::Auth(AuthError::Fail(condition)) => condition,
        // The server's proof is wrong: it does not know the password, whoever it is.
        tokio_xmpp::Error::Auth(_) => {
            return Lost { setback: Setback::Credentials, ..Lost::because(format!("{error}")) };
        }
        _ => return Lost::because(format!("logging in failed: {error}")),
    };
    match condition {
        DefinedCondition::TemporaryAuthFailure => {
            Lost::because("the server cannot check passwords at the moment")
        }
        _ => Lost {
            setback: Setback::Credentials,
            ..Lost::because(format!(
                "the server refused the login ({condition:?}); check jid, and that password_file has this account's password"
            ))
        },
    }
}

/// RFC 6120 clause 7.
async fn bind(wire: &mut Wire, resource: &str, early: &mut Vec<Element>) -> Result<String, Lost> {
    let id = format!("bind-{:08x}", rand::random::<u32>());
    let resource = format!("{resource}-{:08x}", rand::random::<u32>());
    let resource = Element::builder("resource", ns::BIND).append(resource);
    let bind = Element::builder("bind", ns::BIND).append(resource);
    wire.send(
        Element::builder("iq", ns::DEFAULT_NS)
            .attr(xml_ncname!("type").to_owned(), "set")
            .attr(xml_ncname!("id").to_owned(), id.as_str())
            .append(bind)
            .build(),
    )?;
    let ours = |element: &Element| element.name() == "iq" && element.attr("id") == Some(id.as_str());
    let answer = await_one(wire, early, ours).await?;
    let jid = answer.get_child("bind", ns::BIND).and_then(|bind| bind.get_child("jid", ns::BIND));
    match jid {
        Some(jid) if answer.attr("type") == Some("result") => Ok(jid.text()),
        _ => {
            let error = answer.get_child("error", ns::DEFAULT_NS).and_then(|error| error.children().next());
            let condition = error.map_or("no reason", Element::name);
            Err(Lost::because(format!(
                "the server gives this account no resource ({condition}); check how many sessions it may have"
            )))
        }
    }
}

/// XEP-0114.
async fn component(
    transport: &Transport,
    timeouts: Timeouts,
    domain: &str,
    secret: &str,
) -> Result<Open, Lost> {
    let tls = match &transport.security {
        Security::DirectTls(tls) => Some(tls),
        Security::StartTls(_) | Security::Plain => None,
    };
    let io = channel::connect(&transport.address, tls).await.map_err(not_open)?.io;
    let mut pipe = Pipe::new(io);
    let id = component_header(&mut pipe, domain).await?;
    pipe.begin_with(HEADER);
    let pending: PendingFeaturesRecv<Pipe> =
        initiate_stream(pipe, ns::JABBER_CLIENT, StreamHeader::default(), timeouts).await.map_err(broke)?;
    let mut wire = Wire::new(pending.skip_features::<Unit>());
    let digest = Handshake::from_stream_id_and_password(id, secret).data.unwrap_or_default();
    let digest: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
    wire.send(Element::builder("handshake", ns::DEFAULT_NS).append(digest).build())?;
    let mut early = Vec::new();
    await_one(&mut wire, &mut early, |element| element.name() == "handshake").await?;
    let session = Box::new(Session::of_component(domain));
    Ok(Open { wire, start: Start::Fresh { name: domain.to_owned(), session, early, had: None } })
}

/// Sends a component's stream header and reads the server's; gives the id of the stream.
async fn component_header(pipe: &mut Pipe, domain: &str) -> Result<String, Lost> {
    let ours = Element::builder("stream", ns::STREAM).attr(xml_ncname!("to").to_owned(), domain).build();
    let to = ours.attr("to").map(escape).unwrap_or_default();
    let header = format!(
        "<?xml version='1.0'?><stream:stream xmlns='{}' xmlns:stream='{}' to='{to}'>",
        ns::COMPONENT_ACCEPT,
        ns::STREAM
    );
    pipe.write_all(header.as_bytes()).await.map_err(broke)?;
    pipe.flush().await.map_err(broke)?;
    let mut text = Vec::new();
    while text.len() < HEADER_BYTES_MAX {
        let byte = pipe.read_u8().await.map_err(broke)?;
        text.push(byte);
        if byte == b'>' && !text.ends_with(b"?>") {
            break;
        }
    }
    let text = String::from_utf8_lossy(&text);
    let garbled = || Lost::misconfigured(format!("no component is served here: {text:.200}; check address"));
    let (_, tag) = text.rsplit_once('<').ok_or_else(garbled)?;
    let tag = tag.strip_suffix('>').ok_or_else(garbled)?;
    let element: Element = format!("<{}/>", tag.trim_end_matches('/')).parse().map_err(|_| garbled())?;
    if !element.is("stream", ns::STREAM) {
        return Err(garbled());
    }
    element.attr("id").map(str::to_owned).ok_or_else(|| {
        Lost::misconfigured(
            "the server gives the stream no id; check that address is its port for components",
        )
    })
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('\'', "&apos;")
}

/// The first element that is meant; stanzas before it are kept for later.
async fn await_one(
    wire: &mut Wire,
    early: &mut Vec<Element>,
    meant: impl Fn(&Element) -> bool,
) -> Result<Element, Lost> {
    loop {
        match wire.next().await? {
            Heard::Element(element) if meant(&element) => return Ok(element),
            Heard::Element(element) if early.len() < EARLY_MAX => early.push(element),
            Heard::Element(_) => return Err(Lost::because("the server sends stanzas and answers nothing")),
            Heard::Refused(why) => tracing::warn!(why, "the server sent what was refused"),
            Heard::Quiet => {}
        }
    }
}

fn not_open(error: OpenError) -> Lost {
    let untrusted =
        matches!(&error, OpenError::Tls { error, .. } if error.kind() == io::ErrorKind::InvalidData);
    let lost = Lost::because(error.to_string());
    if untrusted { Lost { setback: Setback::Misconfigured, ..lost } } else { lost }
}

fn no_features(error: RecvFeaturesError) -> Lost {
    match error {
        RecvFeaturesError::Io(error) => broke(error),
        RecvFeaturesError::StreamError(error) => stream_error(&Element::from(error.0)),
    }
}

fn broke(error: io::Error) -> Lost {
    Lost::because(format!("the connection broke while it was opened: {error}"))
}
