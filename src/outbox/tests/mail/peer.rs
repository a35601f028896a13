//! A mail server that does what a test says, one thing a connection.

use std::collections::VecDeque;
use std::sync::Arc;

use base64::Engine as _;
use tokio::io::{AsyncBufReadExt as _, AsyncRead, AsyncWrite, AsyncWriteExt as _, BufReader};
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tokio_rustls::TlsAcceptor;

/// What the server does with one connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Does {
    /// Takes the mail.
    Takes,
    /// Answers this to the recipient.
    AnswersRecipient(&'static str),
    /// Answers this to the whole message.
    AnswersMessage(&'static str),
    /// Takes the message and is gone before it says so.
    LosesAfterData,
    /// Is gone before it says anything.
    Loses,
}

/// What happened at the server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Seen {
    /// Somebody connected.
    Connected,
    /// Somebody said who he is: user and password.
    LoggedIn(String, String),
    /// A message was given over: from, to, and its text.
    Message(String, Vec<String>, String),
}

/// A server on this machine.
pub struct Peer {
    pub port: u16,
    pub seen: mpsc::UnboundedReceiver<Seen>,
}

impl Peer {
    /// Does these things, one a connection; the last one again and again. With a password it wants to know who it is.
    pub async fn start(does: &[Does], password: Option<&'static str>, tls: Option<TlsAcceptor>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let (told, seen) = mpsc::unbounded_channel();
        let mut does: VecDeque<Does> = does.iter().copied().collect();
        tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                let now = if does.len() > 1 { does.pop_front() } else { does.front().copied() };
                let now = now.expect("something to do");
                let told = told.clone();
                // The test may be over.
                let _ = told.send(Seen::Connected);
                match &tls {
                    // A handshake that fails is the other side's business.
                    Some(tls) => {
                        if let Ok(stream) = tls.clone().accept(stream).await {
                            serve(stream, now, password, told).await;
                        }
                    }
                    None => serve(stream, now, password, told).await,
                }
            }
        });
        Self { port, seen }
    }

    /// The next message that was given over; what happened before it is passed over.
    pub async fn message(&mut self) -> (String, Vec<String>, String) {
        loop {
            if let Seen::Message(from, to, text) = self.seen.recv().await.expect("the server runs") {
                return (from, to, text);
            }
        }
    }

    /// How many connected that nobody has looked at yet.
    pub fn connections(&mut self) -> usize {
        let mut count = 0;
        while let Ok(seen) = self.seen.try_recv() {
            count += usize::from(seen == Seen::Connected);
        }
        count
    }
}

/// Speaks with one client until either is gone.
async fn serve(
    stream: impl AsyncRead + AsyncWrite + Unpin,
    does: Does,
    password: Option<&'static str>,
    told: mpsc::UnboundedSender<Seen>,
) {
    // A client that is gone ends the talk.
    let _ = talk(stream, does, password, told).await;
}

async fn talk(
    stream: impl AsyncRead + AsyncWrite + Unpin,
    does: Does,
    password: Option<&'static str>,
    told: mpsc::UnboundedSender<Seen>,
) -> std::io::Result<()> {
    let mut stream = BufReader::new(stream);
    if does == Does::Loses {
        return Ok(());
    }
    stream.write_all(b"220 peer.example ESMTP\r\n").await?;
    let (mut from, mut to) = (String::new(), Vec::new());
    loop {
        let mut line = String::new();
        if stream.read_line(&mut line).await? == 0 {
            return Ok(());
        }
        let line = line.trim_end();
        let answer = match line.split_once(' ').map_or(line, |(verb, _)| verb) {
            "EHLO" if password.is_some() => "250-peer.example\r\n250 AUTH PLAIN",
            "EHLO" => "250 peer.example",
            "AUTH" => {
                let (user, given) = login(line);
                let right = Some(given.as_str()) == password;
                let _ = told.send(Seen::LoggedIn(user, given));
                if right { "235 welcome" } else { "535 5.7.8 wrong password" }
            }
            "MAIL" => {
                from = line.to_owned();
                "250 ok"
            }
            "RCPT" => {
                to.push(line.to_owned());
                if let Does::AnswersRecipient(answer) = does { answer } else { "250 ok" }
            }
            "DATA" => {
                stream.write_all(b"354 go on\r\n").await?;
                let text = message(&mut stream).await?;
                let _ = told.send(Seen::Message(from.clone(), std::mem::take(&mut to), text));
                match does {
                    Does::LosesAfterData => return Ok(()),
                    Does::AnswersMessage(answer) => answer,
                    _ => "250 taken",
                }
            }
            "QUIT" => {
                stream.write_all(b"221 bye\r\n").await?;
                return Ok(());
            }
            _ => "250 ok",
        };
        stream.write_all(format!("{answer}\r\n").as_bytes()).await?;
    }
}

async fn message(stream: &mut (impl tokio::io::AsyncBufRead + Unpin)) -> std::io::Result<String> {
    let mut text = String::new();
    while !text.ends_with("\r\n.\r\n") {
        if stream.read_line(&mut text).await? == 0 {
            return Err(std::io::ErrorKind::UnexpectedEof.into());
        }
    }
    Ok(text)
}

/// User and password of `AUTH PLAIN <base64>` (RFC 4616).
fn login(line: &str) -> (String, String) {
    let encoded = line.rsplit(' ').next().unwrap();
    let plain = base64::engine::general_purpose::STANDARD.decode(encoded).unwrap();
    let parts: Vec<_> = plain.split(|byte| *byte == 0).map(|part| String::from_utf8_lossy(part)).collect();
    (parts[1].to_string(), parts[2].to_string())
}

/// TLS with a certificate for `localhost` by an authority of one's own; its PEM.
pub fn tls() -> (TlsAcceptor, Vec<u8>) {
    let rcgen::CertifiedKey { cert, signing_key } =
        rcgen::generate_simple_self_signed(vec!["localhost".into()]).unwrap();
    let key = rustls_pki_types::PrivatePkcs8KeyDer::from(signing_key.serialize_der());
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![cert.der().clone()], key.into())
        .unwrap();
    (TlsAcceptor::from(Arc::new(config)), cert.pem().into_bytes())
}
