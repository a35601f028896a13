//! An open XML stream: reads elements and writes what is queued at the same time, so that neither waits for the other.

use super::pipe::Pipe;
use super::unit::Unit;
use crate::link::{Lost, Setback};
use futures_util::{Sink, Stream, StreamExt as _};
use std::collections::VecDeque;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::time::Instant;
use tokio_xmpp::xmlstream::{ReadError, XmlStream};
use xmpp_parsers::minidom::Element;
use xmpp_parsers::ns;

/// A peer that takes nothing for so long has stalled.
const WRITE_LIMIT: Duration = Duration::from_secs(10);

/// Elements that may wait to be written: a peer that takes them slower than they are made is of no use.
const OUTGOING_MAX: usize = 10_000;

/// The stream under a session.
pub(super) type XmppStream = XmlStream<Pipe, Unit>;

/// An open stream.
pub(super) struct Wire {
    stream: XmppStream,
    outgoing: VecDeque<Element>,
    unflushed: bool,
    /// Since when the peer takes nothing, and how much it had taken by then.
    stalled: Option<(Instant, u64)>,
}

/// What a stream says.
#[derive(Debug)]
pub(super) enum Heard {
    /// A child of the stream.
    Element(Element),
    /// One that nobody should hold was read over, and why.
    Refused(String),
    /// The peer has said nothing for a while: say something that it answers.
    Quiet,
}

impl Wire {
    pub(super) fn new(stream: XmppStream) -> Self {
        Self { stream, outgoing: VecDeque::new(), unflushed: false, stalled: None }
    }

    /// Queues an element; it leaves while the stream is read.
    pub(super) fn send(&mut self, element: Element) -> Result<(), Lost> {
        if self.outgoing.len() >= OUTGOING_MAX {
            return Err(Lost::because(format!("{OUTGOING_MAX} stanzas wait to be taken by the server")));
        }
        self.outgoing.push_back(element);
        Ok(())
    }

    /// Waits for the next element, and writes meanwhile. Cancel safe.
    pub(super) async fn next(&mut self) -> Result<Heard, Lost> {
        loop {
            let limit = self.stalled.map(|(since, _)| since + WRITE_LIMIT);
            let heard = std::future::poll_fn(|cx| self.poll(cx));
            let heard = match limit {
                None => heard.await,
                Some(limit) => match tokio::time::timeout_at(limit, heard).await {
                    Ok(heard) => heard,
                    Err(_) => {
                        self.look_whether_stalled()?;
                        continue;
                    }
                },
            };
            match heard? {
                Some(heard) => return Ok(heard),
                // Writing has begun to stall: with a limit from here on.
                None => continue,
            }
        }
    }

    /// Writes what is queued, says goodbye and closes, for as long as the peer is quick.
    pub(super) async fn close(mut self) {
        let closing = async {
            std::future::poll_fn(|cx| self.poll_write(cx)).await.map_err(|error| broke(&error))?;
            self.stream.shutdown().await.map_err(|error| Lost::because(error.to_string()))?;
            // A connection that is dropped with something unread is reset, and the peer may lose our goodbye.
            while let Some(Ok(_) | Err(ReadError::ParseError(_) | ReadError::SoftTimeout)) =
                self.stream.next().await
            {}
            Ok::<(), Lost>(())
        };
        // It is gone either way.
        let _ = tokio::time::timeout(Duration::from_secs(1), closing).await;
    }

    fn look_whether_stalled(&mut self) -> Result<(), Lost> {
        let written = self.stream.get_stream().written();
        match &mut self.stalled {
            Some((_, before)) if *before == written => {
                Err(Lost::because(format!("the server took nothing for {} s", WRITE_LIMIT.as_secs())))
            }
            stalled => {
                *stalled = Some((Instant::now(), written));
                Ok(())
            }
        }
    }

    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Result<Option<Heard>, Lost>> {
        match self.poll_write(cx) {
            Poll::Ready(Ok(())) => self.stalled = None,
            Poll::Ready(Err(error)) => return Poll::Ready(Err(broke(&error))),
            Poll::Pending if self.stalled.is_none() => {
                self.stalled = Some((Instant::now(), self.stream.get_stream().written()));
                return Poll::Ready(Ok(None));
            }
            Poll::Pending => {}
        }
        let Poll::Ready(read) = Pin::new(&mut self.stream).poll_next(cx) else { return Poll::Pending };
        Poll::Ready(understand(read).map(Some))
    }

    fn poll_write(&mut self, cx: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        while let Some(element) = self.outgoing.front() {
            let ready = Sink::<&Element>::poll_ready(Pin::new(&mut self.stream), cx)?;
            if ready.is_pending() {
                return Poll::Pending;
            }
            Sink::<&Element>::start_send(Pin::new(&mut self.stream), element)?;
            self.outgoing.pop_front();
            self.unflushed = true;
        }
        if self.unflushed {
            if Sink::<&Element>::poll_flush(Pin::new(&mut self.stream), cx)?.is_pending() {
                return Poll::Pending;
            }
            self.unflushed = false;
        }
        Poll::Ready(Ok(()))
    }
}

fn understand(read: Option<Result<Unit, ReadError>>) -> Result<Heard, Lost> {
    match read {
        Some(Ok(Unit::Element(element))) if element.is("error", ns::STREAM) => Err(stream_error(&element)),
        Some(Ok(Unit::Element(element))) => Ok(Heard::Element(element)),
        Some(Ok(Unit::Refused(why))) => Ok(Heard::Refused(why.into())),
        Some(Err(ReadError::ParseError(error))) => Ok(Heard::Refused(error.to_string())),
        Some(Err(ReadError::SoftTimeout)) => Ok(Heard::Quiet),
        Some(Err(ReadError::HardError(error))) => Err(broke(&error)),
        Some(Err(ReadError::StreamFooterReceived)) | None => {
            Err(Lost::because("the server closed the connection"))
        }
    }
}

fn broke(error: &std::io::Error) -> Lost {
    match error.kind() {
        std::io::ErrorKind::TimedOut => Lost::because("the server says nothing any more"),
        std::io::ErrorKind::UnexpectedEof => Lost::because("the server closed the connection"),
        std::io::ErrorKind::InvalidData => Lost {
            setback: Setback::Garbled,
            ..Lost::because(format!("the server sent what is no XMPP: {error}"))
        },
        _ => Lost::because(format!("the connection broke: {error}")),
    }
}

/// Why the peer ends the stream (RFC 6120 clause 4.9.3), and what that means for the next try.
pub(super) fn stream_error(element: &Element) -> Lost {
    let condition = element.children().find(|child| child.ns() == ns::XMPP_STREAMS && child.name() != "text");
    let condition = condition.map_or("undefined-condition", |child| child.name());
    let text = element.get_child("text", ns::XMPP_STREAMS).map(|text| format!(": {}", text.text()));
    let text = text.unwrap_or_default();
    let (setback, hint) = match condition {
        "conflict" => (
            Setback::Conflict,
            "; another program uses this address: end it, or give each its own account or domain",
        ),
        "not-authorized" => (
            Setback::Credentials,
            "; the server does not take the secret: make it the same in the server's configuration and in secret_file",
        ),
        "improper-addressing" => (
            Setback::Passing,
            "; a stanza of ours had an address that the server does not take: report this with the log",
        ),
        "host-unknown" | "host-gone" => (
            Setback::Misconfigured,
            "; the server does not serve this domain: check jid or domain, and the server's configuration",
        ),
        "policy-violation" | "resource-constraint" => (Setback::Misconfigured, "; check the server's limits"),
        _ => (Setback::Passing, ""),
    };
    Lost { setback, ..Lost::because(format!("the server ended the connection ({condition}{text}){hint}")) }
}
