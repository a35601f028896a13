//! The bytes below an XML stream: buffered, measured, and mended where the parser or the stream's library would give up
//! over something that a stranger can send.

use crate::link::channel::Bytes;
use std::cell::Cell;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use tokio::io::{AsyncBufRead, AsyncRead, AsyncWrite, ReadBuf};

/// What is read at once.
const READ_BYTES: usize = 16 * 1024;

/// The parser takes a name or a value of at most 8,192 bytes, and an entity beside it; a longer one would end the stream,
/// and the server would deliver it again after each reconnect. It is cut instead.
const TOKEN_BYTES_MAX: usize = 8_000;

/// The longest reference: `&#x10FFFF;`.
const ENTITY_BYTES_MAX: usize = 12;

/// No known stanza goes deeper than a dozen. What is deeper is left out: for each level the parser looks through all
/// above it, and dropping an element goes down its own depth.
const DEPTH_MAX: usize = 64;

/// A connection below an XML stream.
pub(super) struct Pipe {
    io: Box<dyn Bytes>,
    buffer: Vec<u8>,
    /// What of the buffer is not consumed yet.
    at: usize,
    cutter: Cutter,
    /// What is written until the first flush does not leave: the header was sent already.
    swallows: bool,
    written: Cell<u64>,
}

impl Pipe {
    /// Over a connection.
    pub(super) fn new(io: Box<dyn Bytes>) -> Self {
        Self {
            io,
            buffer: Vec::new(),
            at: 0,
            cutter: Cutter::default(),
            swallows: false,
            written: Cell::new(0),
        }
    }

    /// The connection, and whether the peer has sent more than was read: before TLS that is an attack.
    pub(super) fn into_inner(self) -> (Box<dyn Bytes>, bool) {
        let more = self.at < self.buffer.len();
        (self.io, more)
    }

    /// Reads as if the peer had begun with `header`, and keeps the header that is written next from leaving. XEP-0114
    /// streams have a header that the library does not take.
    pub(super) fn begin_with(&mut self, header: &str) {
        let rest = self.buffer.split_off(self.at);
        self.buffer = header.as_bytes().to_vec();
        self.buffer.extend(rest);
        self.at = 0;
        self.cutter = Cutter { depth: 1, ..Cutter::default() };
        self.swallows = true;
    }

    /// Bytes that the connection has taken.
    pub(super) fn written(&self) -> u64 {
        self.written.get()
    }
}

impl AsyncBufRead for Pipe {
    fn poll_fill_buf(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<&[u8]>> {
        let this = self.get_mut();
        while this.at >= this.buffer.len() {
            let mut room = [0; READ_BYTES];
            let mut read = ReadBuf::new(&mut room);
            ready!(Pin::new(&mut this.io).poll_read(cx, &mut read))?;
            this.at = 0;
            this.buffer.clear();
            if read.filled().is_empty() {
                // To the parser it would be a mistake in what was sent, and that is never resumed.
                return Poll::Ready(Err(io::ErrorKind::UnexpectedEof.into()));
            }
            this.cutter.pass(read.filled(), &mut this.buffer);
        }
        Poll::Ready(Ok(this.buffer.get(this.at..).unwrap_or_default()))
    }

    fn consume(self: Pin<&mut Self>, count: usize) {
        let this = self.get_mut();
        this.at = (this.at + count).min(this.buffer.len());
    }
}

impl AsyncRead for Pipe {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        room: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let there = ready!(self.as_mut().poll_fill_buf(cx))?;
        let count = there.len().min(room.remaining());
        room.put_slice(there.get(..count).unwrap_or_default());
        self.consume(count);
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Pipe {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        if this.swallows {
            return Poll::Ready(Ok(bytes.len()));
        }
        let count = ready!(Pin::new(&mut this.io).poll_write(cx, bytes))?;
        this.written.set(this.written.get() + count as u64);
        Poll::Ready(Ok(count))
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        this.swallows = false;
        Pin::new(&mut this.io).poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().io).poll_shutdown(cx)
    }
}

/// Cuts names and values that the parser would not take, and what is so deep that reading it takes the parser longer
/// than it took to send. It understands as much of XML as that needs: tags, and what stands in quotes within them.
#[derive(Debug, Default)]
struct Cutter {
    place: Place,
    /// Bytes of the name or value so far.
    token: usize,
    /// Bytes of a reference that is under way; 0 for none.
    entity: usize,
    /// Elements that are open.
    depth: usize,
    /// What the tag does to that.
    tag: Tag,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum Place {
    #[default]
    Text,
    /// After `<`, which is passed on when it is known what it begins.
    Begun,
    Tag,
    Quoted(u8),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum Tag {
    /// A declaration.
    #[default]
    Other,
    Start,
    /// A start that a slash has just made empty, unless something follows.
    Empty,
    End,
}

impl Cutter {
    fn pass(&mut self, bytes: &[u8], out: &mut Vec<u8>) {
        for &byte in bytes {
            if self.place == Place::Begun {
                self.begin(byte, out);
                continue;
            }
            let deep = self.depth > DEPTH_MAX;
            let ends = match (self.place, byte) {
                (Place::Text, b'<') => {
                    self.place = Place::Begun;
                    continue;
                }
                (Place::Text, _) => true,
                (Place::Tag, b'>') => {
                    self.place = Place::Text;
                    if matches!(self.tag, Tag::Empty | Tag::End) {
                        self.depth = self.depth.saturating_sub(1);
                    }
                    true
                }
                (Place::Tag, b'"' | b'\'') => {
                    self.place = Place::Quoted(byte);
                    true
                }
                (Place::Tag, b' ' | b'\t' | b'\r' | b'\n' | b'=' | b'/') => true,
                (Place::Quoted(quote), byte) if byte == quote => {
                    self.place = Place::Tag;
                    true
                }
                _ => false,
            };
            self.tag = match (self.tag, self.place, byte) {
                (Tag::Start, Place::Tag, b'/') => Tag::Empty,
                (Tag::Empty, Place::Tag, byte) if byte != b'/' => Tag::Start,
                (tag, ..) => tag,
            };
            if ends {
                (self.token, self.entity) = (0, 0);
            }
            if (ends || self.keeps(byte)) && !deep {
                out.push(byte);
            }
        }
    }

    /// The byte after `<` says what it is.
    fn begin(&mut self, byte: u8, out: &mut Vec<u8>) {
        self.place = Place::Tag;
        (self.token, self.entity) = (1, 0);
        self.tag = match byte {
            b'/' => Tag::End,
            b'?' | b'!' => Tag::Other,
            _ => Tag::Start,
        };
        if self.tag == Tag::Start {
            self.depth += 1;
        }
        if self.depth <= DEPTH_MAX {
            out.extend([b'<', byte]);
        }
    }

    /// Whether a byte of a name or value is passed on. It is cut between characters and never within a reference.
    fn keeps(&mut self, byte: u8) -> bool {
        let within = self.entity > 0 || byte & 0xC0 == 0x80;
        let cut = self.token >= TOKEN_BYTES_MAX;
        if cut && !within {
            // From here on everything goes, also what continues a character.
            self.token = usize::MAX;
        }
        if self.token == usize::MAX {
            return false;
        }
        self.token += 1;
        self.entity = match byte {
            b'&' => 1,
            b';' => 0,
            _ if self.entity > 0 && self.entity < ENTITY_BYTES_MAX => self.entity + 1,
            _ => 0,
        };
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cut(text: &str, pieces: usize) -> String {
        let mut cutter = Cutter::default();
        let mut out = Vec::new();
        for piece in text.as_bytes().chunks(pieces) {
            cutter.pass(piece, &mut out);
        }
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn what_the_parser_takes_is_left_as_it_is() {
        let text = "<a b='1>2' c=\"it's\"><d/>é&amp;\"</a>".repeat(400);
        for pieces in [1, 7, 100_000] {
            assert_eq!(cut(&text, pieces), text);
        }
    }

    #[test]
    fn a_value_that_would_end_the_stream_is_cut_between_characters_and_references() {
        for filling in ["x", "é", "€", "&amp;", "&#x10FFFF;"] {
            let value = filling.repeat(9_000);
            let short = cut(&format!("<a b='{value}' c='1'>{value}</a>"), 1000);
            assert!(short.ends_with(&format!("' c='1'>{value}</a>")), "{filling}: text is not cut");
            let (kept, _) = short.strip_prefix("<a b='").unwrap().split_once('\'').unwrap();
            assert!(kept.len() >= TOKEN_BYTES_MAX && kept.len() < TOKEN_BYTES_MAX + ENTITY_BYTES_MAX);
            assert_eq!(kept.len() % filling.len(), 0, "{filling}");
        }
        let name = "n".repeat(9_000);
        let element = cut(&format!("<{name}></{name}>"), 64);
        let (first, last) = element.split_once("></").unwrap();
        assert_eq!((first.len(), last.len()), (TOKEN_BYTES_MAX + 1, TOKEN_BYTES_MAX));
    }

    #[test]
    fn what_is_too_deep_is_left_out_and_what_follows_is_whole() {
        let nested = |depth: usize| format!("{}text{}", "<a b='/>'>".repeat(depth), "</a>".repeat(depth));
        assert_eq!(cut(&nested(DEPTH_MAX), 3), nested(DEPTH_MAX));
        let after = "<?xml version='1.0'?><m x='1'/><m><n/>t</m>";
        for deep in [DEPTH_MAX + 1, 100_000] {
            let expected = format!("{}{after}", nested(DEPTH_MAX).replace("text", ""));
            assert_eq!(cut(&format!("{}{after}", nested(deep)), 1000), expected);
        }
        let empty = format!("{}<e/>{}", "<a>".repeat(DEPTH_MAX), "</a>".repeat(DEPTH_MAX));
        assert_eq!(cut(&format!("{empty}{after}"), 7), format!("{}{after}", empty.replace("<e/>", "")));
    }
}
