//! A visitor's connection to his XMPP server: TLS, login, a resource, and stream management that only counts
//! (XEP-0198): what his server has taken is known, a session is not resumed.

use futures_util::{SinkExt, StreamExt};
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, ServerName};
use rustls_platform_verifier::BuilderVerifierExt;
use sasl::common::{ChannelBinding, Credentials};
use std::borrow::Cow;
use std::collections::VecDeque;
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite, BufStream};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_xmpp::Stanza;
use tokio_xmpp::xmlstream::{
    FallibleStreamElement, ReadError, StreamHeader, Timeouts, XmlStream, XmppStreamElement, initiate_stream,
};
use xmpp_parsers::bind::{BindQuery, BindResponse};
use xmpp_parsers::iq::Iq;
use xmpp_parsers::jid::{FullJid, Jid};
use xmpp_parsers::stanza_error::{DefinedCondition, ErrorType, StanzaError};
use xmpp_parsers::{ns, ping, sasl as login, sm, starttls};

/// To connect, secure, log in and bind, in all.
const OPEN: Duration = Duration::from_secs(60);

/// After so much silence the server is asked whether it is there; so much more, and it is not.
const QUIET: Duration = Duration::from_secs(60);

/// Where visitors go.
#[derive(Debug, Clone)]
pub struct Server {
    /// `host:port`.
    pub address: String,
    /// The domain that is served there.
    pub domain: String,
    /// TLS by STARTTLS; without it words and password are readable on the way.
    pub tls: Option<Arc<rustls::ClientConfig>>,
}

/// As whom.
#[derive(Debug, Clone)]
pub enum Identity {
    /// An account.
    Account {
        /// Before the `@`.
        name: String,
        /// Its password.
        password: String,
    },
    /// Nobody: the server gives an address (RFC 4505).
    Anonymous,
}

/// Why there is no connection.
#[derive(Debug, thiserror::Error)]
pub enum ConnectionError {
    /// No connection, or it broke.
    #[error("the connection to the XMPP server: {0}")]
    Io(#[from] io::Error),
    /// The server does not do what is needed.
    #[error("the XMPP server: {0}")]
    Server(String),
    /// The login was refused.
    #[error("login: {0}; look at the account and its password")]
    Login(String),
    /// A certificate file cannot be used.
    #[error("TLS: {0}")]
    Tls(String),
}

/// What came.
#[derive(Debug)]
pub enum Heard {
    /// A stanza; requests are answered already.
    Stanza(Box<Stanza>),
    /// The server has taken all up to and with this one, in the numbers that [`Connection::send`] gave.
    Acknowledged(u64),
}

/// Bytes both ways, whatever they go over.
trait Wire: AsyncRead + AsyncWrite + Unpin + Send {}
impl<T: AsyncRead + AsyncWrite + Unpin + Send> Wire for T {}

type Stream = XmlStream<BufStream<Box<dyn Wire>>, FallibleStreamElement>;

/// A session.
pub struct Connection {
    stream: Stream,
    address: Jid,
    domain: String,
    /// The server counts (XEP-0198); otherwise a ping that comes back says the same.
    managed: bool,
    /// Stanzas that were sent since counting began.
    sent: u64,
    /// Stanzas of ours that the server has taken.
    taken: u64,
    /// Stanzas that we took.
    received: u32,
    /// What came before the session was complete.
    early: VecDeque<Stanza>,
    /// Answers that are still to be sent.
    answers: VecDeque<XmppStreamElement>,
}

impl Connection {
    /// Logs in, with this resource for an account.
    ///
    /// # Errors
    /// [`ConnectionError`].
    pub async fn open(server: &Server, identity: &Identity, resource: &str) -> Result<Self, ConnectionError> {
        match tokio::time::timeout(OPEN, Self::opened(server, identity, resource)).await {
            Ok(opened) => opened,
            Err(_) => Err(ConnectionError::Server(format!("no session within {} s", OPEN.as_secs()))),
        }
    }

    /// His full address.
    #[must_use]
    pub fn address(&self) -> &Jid {
        &self.address
    }

    /// Sends a stanza, and gives its number: numbers count up from 1.
    ///
    /// # Errors
    /// If the connection is gone.
    pub async fn send(&mut self, stanza: impl Into<Stanza>) -> Result<u64, ConnectionError> {
        let number = self.feed(stanza).await?;
        self.flush().await?;
        Ok(number)
    }

    /// As [`send`](Self::send), but it may wait for [`flush`](Self::flush).
    ///
    /// # Errors
    /// If the connection is gone.
    pub async fn feed(&mut self, stanza: impl Into<Stanza>) -> Result<u64, ConnectionError> {
        self.stream.feed(&XmppStreamElement::Stanza(stanza.into())).await?;
        self.sent += 1;
        Ok(self.sent)
    }

    /// Sends what waits.
    ///
    /// # Errors
    /// If the connection is gone.
    pub async fn flush(&mut self) -> Result<(), ConnectionError> {
        Ok(SinkExt::<&XmppStreamElement>::flush(&mut self.stream).await?)
    }

    /// Asks the server what it has taken.
    ///
    /// # Errors
    /// If the connection is gone.
    pub async fn ask(&mut self) -> Result<(), ConnectionError> {
        if self.managed {
            self.stream.send(&XmppStreamElement::SM(sm::Nonza::Req(sm::R))).await?;
            return Ok(());
        }
        let id = format!("{ASKED}{}", self.sent);
        let to = Jid::new(&self.domain).map_err(|error| ConnectionError::Server(error.to_string()))?;
        self.send(Iq::from_get(id, ping::Ping).with_to(to)).await.map(drop)
    }

    /// What comes next. May be dropped while it waits; nothing is lost.
    ///
    /// # Errors
    /// If the connection is gone.
    pub async fn next(&mut self) -> Result<Heard, ConnectionError> {
        if let Some(stanza) = self.early.pop_front() {
            return Ok(Heard::Stanza(Box::new(stanza)));
        }
        loop {
            while let Some(answer) = self.answers.front() {
                self.stream.feed(answer).await?;
                self.sent += u64::from(matches!(answer, XmppStreamElement::Stanza(_)));
                self.answers.pop_front();
            }
            self.flush().await?;
            match self.stream.next().await {
                Some(Ok(FallibleStreamElement::Ok(element))) => {
                    if let Some(heard) = self.heard(element)? {
                        return Ok(heard);
                    }
                }
                // What a stranger sent and the parser does not know is counted, and is no reason to go.
                Some(Ok(FallibleStreamElement::Err(error))) => {
                    tracing::debug!(%error, "something that cannot be read");
                    self.received = self.received.wrapping_add(1);
                }
                Some(Err(ReadError::ParseError(error))) => {
                    tracing::debug!(%error, "something that cannot be read");
                }
                Some(Err(ReadError::SoftTimeout)) => self.ask().await?,
                Some(Err(ReadError::HardError(error))) => return Err(error.into()),
                Some(Err(ReadError::StreamFooterReceived)) | None => return Err(closed()),
            }
        }
    }

    /// Ends the stream as a client that is closed does.
    pub async fn close(mut self) {
        // Who goes does not care whether that was heard.
        drop(tokio::time::timeout(Duration::from_secs(2), self.stream.shutdown()).await);
    }

    async fn opened(server: &Server, identity: &Identity, resource: &str) -> Result<Self, ConnectionError> {
        let header =
            || StreamHeader { to: Some(Cow::Borrowed(server.domain.as_str())), from: None, id: None };
        let begin = |wire: Box<dyn Wire>| {
            initiate_stream(BufStream::new(wire), ns::JABBER_CLIENT, header(), timeouts())
        };
        let opening = begin(Box::new(connect(&server.address).await?)).await?;
        let (mut features, mut stream) = opening.recv_features().await.map_err(refused)?;
        if let Some(config) = &server.tls {
            if !features.can_starttls() {
                return Err(ConnectionError::Server(
                    "it does not offer STARTTLS; --plain goes without".into(),
                ));
            }
            let wire = secure(stream, &server.domain, config).await?;
            (features, stream) = begin(wire).await?.recv_features().await.map_err(refused)?;
        }
        let stream = match identity {
            Identity::Account { name, password } => {
                // Over TLS PLAIN where it is offered: the thousands of rounds of SCRAM would be hundreds of visitors'
                // load on the processor that they share with what is tested.
                if server.tls.is_some() && features.sasl_mechanisms.contains("PLAIN") {
                    features.sasl_mechanisms.retain(|name| name == "PLAIN");
                }
                let credentials = Credentials::default()
                    .with_username(name.as_str())
                    .with_password(password.as_str())
                    .with_channel_binding(ChannelBinding::None);
                let logged_in = tokio_xmpp::client_login(stream, features.sasl_mechanisms, credentials).await;
                logged_in.map_err(|error| ConnectionError::Login(format!("{name}: {error}")))?
            }
            Identity::Anonymous => anonymous(stream).await?,
        };
        let (features, stream) =
            stream.send_header(header()).await?.recv_features().await.map_err(refused)?;
        let mut connection = Self::over(stream, Jid::from(nobody()?), &server.domain);
        connection.bind((!matches!(identity, Identity::Anonymous)).then(|| resource.to_owned())).await?;
        if features.stream_management.is_some() {
            connection.count().await?;
        }
        Ok(connection)
    }

    fn over(stream: Stream, address: Jid, domain: &str) -> Self {
        Self {
            stream,
            address,
            domain: domain.to_owned(),
            managed: false,
            sent: 0,
            taken: 0,
            received: 0,
            early: VecDeque::new(),
            answers: VecDeque::new(),
        }
    }

    async fn bind(&mut self, resource: Option<String>) -> Result<(), ConnectionError> {
        let bind = Iq::from_set("bind", BindQuery::new(resource));
        self.stream.send(&XmppStreamElement::Stanza(bind.into())).await?;
        loop {
            match element(&mut self.stream).await? {
                XmppStreamElement::Stanza(Stanza::Iq(Iq::Result { id, payload: Some(payload), .. }))
                    if id == "bind" =>
                {
                    let bound = BindResponse::try_from(payload);
                    let bound = bound.map_err(|error| ConnectionError::Server(format!("bind: {error}")))?;
                    self.address = FullJid::from(bound).into();
                    return Ok(());
                }
                XmppStreamElement::Stanza(Stanza::Iq(Iq::Error { error, .. })) => {
                    return Err(ConnectionError::Server(format!("bind: {:?}", error.defined_condition)));
                }
                other => tracing::debug!(?other, "before the resource was bound"),
            }
        }
    }

    /// Counting begins with what is sent after this, and with what comes after its answer.
    async fn count(&mut self) -> Result<(), ConnectionError> {
        self.stream.send(&XmppStreamElement::SM(sm::Nonza::Enable(sm::Enable::new()))).await?;
        loop {
            match element(&mut self.stream).await? {
                XmppStreamElement::SM(sm::Nonza::Enabled(_)) => {
                    self.managed = true;
                    return Ok(());
                }
                XmppStreamElement::SM(sm::Nonza::Failed(_)) => return Ok(()),
                XmppStreamElement::Stanza(stanza) => self.early.push_back(stanza),
                _ => {}
            }
        }
    }

    fn heard(&mut self, element: XmppStreamElement) -> Result<Option<Heard>, ConnectionError> {
        match element {
            XmppStreamElement::Stanza(stanza) => {
                self.received = self.received.wrapping_add(1);
                Ok(self.stanza(stanza))
            }
            XmppStreamElement::SM(sm::Nonza::Req(_)) => {
                self.answers.push_back(XmppStreamElement::SM(sm::Nonza::Ack(sm::A::new(self.received))));
                Ok(None)
            }
            XmppStreamElement::SM(sm::Nonza::Ack(sm::A { h })) => {
                let more = u64::from(h.wrapping_sub(self.taken as u32));
                if self.taken + more > self.sent {
                    return Err(ConnectionError::Server(format!(
                        "it acknowledges {h} stanzas of {}",
                        self.sent
                    )));
                }
                self.taken += more;
                Ok(Some(Heard::Acknowledged(self.taken)))
            }
            XmppStreamElement::StreamError(error) => Err(ConnectionError::Server(error.to_string())),
            _ => Ok(None),
        }
    }

    /// Requests are answered, a ping of ours that came back is an acknowledgement.
    fn stanza(&mut self, stanza: Stanza) -> Option<Heard> {
        let Stanza::Iq(iq) = stanza else { return Some(Heard::Stanza(Box::new(stanza))) };
        if let Iq::Result { id, .. } | Iq::Error { id, .. } = &iq {
            let asked = id.strip_prefix(ASKED).and_then(|number| number.parse().ok());
            return Some(match asked {
                Some(number) => {
                    self.taken = self.taken.max(number);
                    Heard::Acknowledged(self.taken)
                }
                None => Heard::Stanza(Box::new(iq.into())),
            });
        }
        let (Iq::Get { from, to, id, payload } | Iq::Set { from, to, id, payload }) = iq else { return None };
        let mut answer = if payload.is("ping", ns::PING) {
            Iq::Result { from: to, to: None, id, payload: None }
        } else {
            let condition = DefinedCondition::ServiceUnavailable;
            let error = StanzaError::new(ErrorType::Cancel, condition, "en", "a visitor has none of that");
            Iq::Error { from: to, to: None, id, error, payload: None }
        };
        *answer.to_mut() = from;
        self.answers.push_back(XmppStreamElement::Stanza(answer.into()));
        None
    }
}

/// TLS that trusts what the machine trusts, or only this CA.
///
/// # Errors
/// If the file is none.
pub fn tls(ca_file: Option<&Path>) -> Result<Arc<rustls::ClientConfig>, ConnectionError> {
    let wrong = |error: &dyn std::fmt::Display| ConnectionError::Tls(error.to_string());
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let builder = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| wrong(&error))?;
    let Some(file) = ca_file else {
        let verified = builder.with_platform_verifier().map_err(|error| wrong(&error))?;
        return Ok(verified.with_no_client_auth().into());
    };
    let about = |error: &dyn std::fmt::Display| ConnectionError::Tls(format!("{}: {error}", file.display()));
    let mut roots = rustls::RootCertStore::empty();
    for certificate in CertificateDer::pem_file_iter(file).map_err(|error| about(&error))? {
        roots.add(certificate.map_err(|error| about(&error))?).map_err(|error| about(&error))?;
    }
    if roots.is_empty() {
        return Err(about(&"no certificate in it"));
    }
    Ok(builder.with_root_certificates(roots).with_no_client_auth().into())
}

/// The ids of pings that ask what was taken.
const ASKED: &str = "taken-";

fn timeouts() -> Timeouts {
    Timeouts { read_timeout: QUIET, response_timeout: QUIET }
}

/// Who has no resource yet.
fn nobody() -> Result<FullJid, ConnectionError> {
    FullJid::new("nobody@localhost/none").map_err(|error| ConnectionError::Server(error.to_string()))
}

fn closed() -> ConnectionError {
    ConnectionError::Io(io::Error::new(io::ErrorKind::UnexpectedEof, "the server closed it"))
}

fn refused(error: impl std::fmt::Display) -> ConnectionError {
    ConnectionError::Server(error.to_string())
}

async fn connect(address: &str) -> Result<TcpStream, ConnectionError> {
    let socket = TcpStream::connect(address).await;
    let socket = socket
        .map_err(|error| ConnectionError::Io(io::Error::new(error.kind(), format!("{address}: {error}"))))?;
    // A message waits for no other one.
    socket.set_nodelay(true)?;
    Ok(socket)
}

/// The next thing of a stream that has no session yet.
async fn element(stream: &mut Stream) -> Result<XmppStreamElement, ConnectionError> {
    loop {
        match stream.next().await {
            Some(Ok(element)) => match element.into_read_error() {
                Ok(XmppStreamElement::StreamError(error)) => return Err(refused(error)),
                Ok(element) => return Ok(element),
                Err(error) => return Err(refused(error)),
            },
            Some(Err(ReadError::SoftTimeout)) => {}
            Some(Err(ReadError::HardError(error))) => return Err(error.into()),
            Some(Err(ReadError::ParseError(error))) => return Err(refused(error)),
            Some(Err(ReadError::StreamFooterReceived)) | None => return Err(closed()),
        }
    }
}

async fn secure(
    mut stream: Stream,
    domain: &str,
    config: &Arc<rustls::ClientConfig>,
) -> Result<Box<dyn Wire>, ConnectionError> {
    stream.send(&XmppStreamElement::Starttls(starttls::Nonza::Request(starttls::Request))).await?;
    match element(&mut stream).await? {
        XmppStreamElement::Starttls(starttls::Nonza::Proceed(_)) => {}
        _ => return Err(ConnectionError::Server("it refuses STARTTLS".into())),
    }
    let name = ServerName::try_from(domain.to_owned());
    let name = name.map_err(|error| ConnectionError::Tls(format!("{domain}: {error}")))?;
    let plain = stream.into_inner().into_inner();
    Ok(Box::new(TlsConnector::from(Arc::clone(config)).connect(name, plain).await?))
}

async fn anonymous(
    mut stream: Stream,
) -> Result<tokio_xmpp::xmlstream::InitiatingStream<BufStream<Box<dyn Wire>>>, ConnectionError> {
    let auth = login::Auth { mechanism: login::Mechanism::Anonymous, data: Vec::new() };
    stream.send(&XmppStreamElement::Sasl(login::Nonza::Auth(auth))).await?;
    match element(&mut stream).await? {
        XmppStreamElement::Sasl(login::Nonza::Success(_)) => Ok(stream.initiate_reset()),
        XmppStreamElement::Sasl(login::Nonza::Failure(failure)) => {
            Err(ConnectionError::Login(format!("anonymous: {:?}", failure.defined_condition)))
        }
        other => Err(ConnectionError::Login(format!("anonymous: {other:?}"))),
    }
}
