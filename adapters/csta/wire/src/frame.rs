//! Annex J.2 framing: CSTA XML over TCP without SOAP (ECMA-323 edition 5 and 6;
//! Annex G.2 in edition 3).
//!
//! ```text
//! 0-1  format indicator, 0x0000    2-3  length, big endian, header included
//! 4-7  invoke id, four ASCII digits     8-  the XML document
//! ```
//!
//! The length counts bytes. There is no way back into step after a wrong
//! header, so every error here is final for the connection.

use std::fmt;

/// Bytes of the header before each document.
pub const HEADER_BYTES: usize = 8;
/// The longest frame that the 16-bit length can name, header included.
pub const MAX_FRAME_BYTES: usize = u16::MAX as usize;

/// Consumed bytes are dropped from the buffer once they pass this mark, so that
/// a byte is moved at most once however many frames one read brings.
const COMPACT_ABOVE_BYTES: usize = 16 * 1024;

/// The four bytes that tie a response to its request; echoed exactly as received.
///
/// Usually `0001` to `9998`, but products start at `0000`, so nothing is demanded
/// of a received one.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct InvokeId(pub [u8; 4]);

impl InvokeId {
    /// The id that marks an event (`9999`), which is never answered.
    pub const EVENT: Self = Self(*b"9999");

    /// The id written as four decimal digits; `number` is taken modulo 10000.
    pub fn from_number(number: u16) -> Self {
        let n = number % 10_000;
        let digit = |divisor: u16| b'0' + u8::try_from(n / divisor % 10).unwrap_or(0);
        Self([digit(1000), digit(100), digit(10), digit(1)])
    }

    /// The number that the four digits spell; `None` if they are not digits.
    pub fn number(self) -> Option<u16> {
        self.0.iter().try_fold(0_u16, |n, b| b.is_ascii_digit().then(|| n * 10 + u16::from(b - b'0')))
    }

    /// Whether this is [`InvokeId::EVENT`].
    pub fn is_event(self) -> bool {
        self == Self::EVENT
    }
}

impl fmt::Display for InvokeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0.escape_ascii(), f)
    }
}

impl fmt::Debug for InvokeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "InvokeId({self})")
    }
}

/// One frame, borrowed from the [`Deframer`] until its next call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Frame<'a> {
    /// Which request this answers, or [`InvokeId::EVENT`].
    pub invoke: InvokeId,
    /// The document, without the header. Not yet checked to be XML.
    pub body: &'a [u8],
}

/// The stream is not (or no longer) in step; close the connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Desync {
    /// Annex J.1: the peer frames its messages for SOAP.
    #[error(
        "SOAP framing is not supported (format indicator {0:02x}{1:02x} at byte {2}); \
         set the PBX to CSTA XML over TCP without SOAP"
    )]
    Soap(u8, u8, u64),
    /// The first two bytes are no format indicator: an earlier length was wrong, or this is no CSTA XML.
    #[error(
        "out of step at byte {offset}: expected the format indicator 0000, found {found:02x?}; \
         the PBX counted a length wrongly (characters instead of bytes?) or speaks another protocol"
    )]
    Indicator {
        /// What stood there.
        found: [u8; 2],
        /// Where, counted from the start of the connection.
        offset: u64,
    },
    /// A length that cannot even hold the header.
    #[error("out of step at byte {offset}: a frame length of {length} is shorter than its own 8-byte header")]
    TooShort {
        /// The length in the header.
        length: usize,
        /// Where the frame begins, counted from the start of the connection.
        offset: u64,
    },
    /// More than the configured limit.
    #[error("a frame of {length} bytes at byte {offset} is over the limit of {limit} bytes")]
    TooLong {
        /// The length in the header.
        length: usize,
        /// The limit given to [`Deframer::new`].
        limit: usize,
        /// Where the frame begins, counted from the start of the connection.
        offset: u64,
    },
}

/// Cuts a stream of bytes into frames. Bytes may arrive cut anywhere.
#[derive(Debug, Clone)]
pub struct Deframer {
    buffer: Vec<u8>,
    /// Where the next frame begins in `buffer`.
    start: usize,
    /// Bytes dropped from the front of `buffer` so far.
    dropped: u64,
    limit: usize,
    failed: Option<Desync>,
}

impl Deframer {
    /// `limit` bounds one frame in bytes, header included; at most [`MAX_FRAME_BYTES`].
    pub fn new(limit: usize) -> Self {
        let limit = limit.clamp(HEADER_BYTES, MAX_FRAME_BYTES);
        Self { buffer: Vec::new(), start: 0, dropped: 0, limit, failed: None }
    }

    /// Takes bytes as they came from the connection.
    pub fn push(&mut self, bytes: &[u8]) {
        if self.start == self.buffer.len() || self.start >= COMPACT_ABOVE_BYTES {
            self.buffer.drain(..self.start);
            self.dropped += self.start as u64;
            self.start = 0;
        }
        self.buffer.extend_from_slice(bytes);
    }

    /// The next whole frame, or `None` until more bytes have come.
    ///
    /// # Errors
    /// [`Desync`] once the stream is out of step, and the same again on every later call.
    pub fn next_frame(&mut self) -> Result<Option<Frame<'_>>, Desync> {
        if let Some(failed) = self.failed {
            return Err(failed);
        }
        let (invoke, begin, end) = match self.measure() {
            Ok(Some(found)) => found,
            Ok(None) => return Ok(None),
            Err(desync) => {
                self.failed = Some(desync);
                return Err(desync);
            }
        };
        self.start = end;
        Ok(self.buffer.get(begin..end).map(|body| Frame { invoke, body }))
    }

    /// Bytes held that do not make a whole frame yet.
    pub fn pending(&self) -> usize {
        self.buffer.len() - self.start
    }

    /// Bytes of this connection that whole frames have used up.
    pub fn consumed(&self) -> u64 {
        self.dropped + self.start as u64
    }

    /// Invoke id and the body's place in the buffer of the next frame, if it is complete.
    fn measure(&self) -> Result<Option<(InvokeId, usize, usize)>, Desync> {
        let offset = self.consumed();
        let waiting = self.buffer.get(self.start..).unwrap_or_default();
        // The indicator alone is enough to see a desynchronised stream.
        if let [a, b, ..] = *waiting {
            match [a, b] {
                // 0x3030: one client writes the indicator as ASCII "00".
                [0, 0] | [0x30, 0x30] => {}
                [0, 1] | [1, 0] => return Err(Desync::Soap(a, b, offset)),
                found => return Err(Desync::Indicator { found, offset }),
            }
        }
        let [_, _, high, low, i0, i1, i2, i3, ..] = *waiting else { return Ok(None) };
        let length = usize::from(u16::from_be_bytes([high, low]));
        if length < HEADER_BYTES {
            return Err(Desync::TooShort { length, offset });
        }
        if length > self.limit {
            return Err(Desync::TooLong { length, limit: self.limit, offset });
        }
        if waiting.len() < length {
            return Ok(None);
        }
        Ok(Some((InvokeId([i0, i1, i2, i3]), self.start + HEADER_BYTES, self.start + length)))
    }
}

/// The document does not fit into one frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "a document of {length} bytes does not fit into one frame (at most {MAX_FRAME_BYTES} bytes with its header)"
)]
pub struct FrameTooLong {
    /// Bytes of the document.
    pub length: usize,
}

/// Appends one frame to `out`.
///
/// # Errors
/// [`FrameTooLong`] if header and document exceed [`MAX_FRAME_BYTES`]; `out` is then untouched.
pub fn encode_frame(invoke: InvokeId, xml: &[u8], out: &mut Vec<u8>) -> Result<(), FrameTooLong> {
    let length = u16::try_from(HEADER_BYTES + xml.len()).map_err(|_| FrameTooLong { length: xml.len() })?;
    out.reserve(usize::from(length));
    out.extend_from_slice(&[0, 0]);
    out.extend_from_slice(&length.to_be_bytes());
    out.extend_from_slice(&invoke.0);
    out.extend_from_slice(xml);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn frames(bytes: &[u8], cut: usize) -> Result<Vec<(InvokeId, Vec<u8>)>, Desync> {
        let mut deframer = Deframer::new(MAX_FRAME_BYTES);
        let mut found = Vec::new();
        for piece in bytes.chunks(cut.max(1)) {
            deframer.push(piece);
            while let Some(frame) = deframer.next_frame()? {
                found.push((frame.invoke, frame.body.to_vec()));
            }
        }
        Ok(found)
    }

    #[test]
    fn a_published_header_is_understood() {
        // OpenScape Voice: 00 00 03 eb "9999" with 995 bytes after it.
        let mut bytes = vec![0, 0, 0x03, 0xeb];
        bytes.extend_from_slice(b"9999");
        bytes.extend(std::iter::repeat_n(b'x', 995));
        let found = frames(&bytes, 7).unwrap();
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].0, InvokeId::EVENT);
        assert_eq!(found[0].1.len(), 995);
    }

    #[test]
    fn an_indicator_in_ascii_is_accepted() {
        assert_eq!(frames(b"00\x00\x090001x", 1).unwrap(), vec![(InvokeId(*b"0001"), b"x".to_vec())]);
    }

    #[test]
    fn soap_framing_says_so() {
        for bytes in [&[0_u8, 1, 0, 9][..], &[1, 0, 0, 9]] {
            let error = frames(bytes, 1).unwrap_err();
            assert!(error.to_string().contains("SOAP framing is not supported"), "{error}");
        }
    }

    #[test]
    fn a_frame_counted_in_characters_throws_the_stream_out_of_step_once_and_for_all() {
        let mut deframer = Deframer::new(MAX_FRAME_BYTES);
        // The body is two bytes long, the length counts its one character.
        deframer.push("\0\0\0\u{9}0001é\0\0\0\u{9}0002x".as_bytes());
        assert!(deframer.next_frame().unwrap().is_some());
        let error = deframer.next_frame().unwrap_err();
        assert!(matches!(error, Desync::Indicator { offset: 9, .. }), "{error:?}");
        assert_eq!(deframer.next_frame().unwrap_err(), error);
    }

    #[test]
    fn too_short_and_too_long_are_told_apart() {
        assert!(matches!(frames(b"\0\0\0\x070001", 8), Err(Desync::TooShort { length: 7, .. })));
        let mut deframer = Deframer::new(100);
        deframer.push(b"\0\0\0\x650001");
        assert!(matches!(deframer.next_frame(), Err(Desync::TooLong { length: 101, limit: 100, .. })));
    }

    #[test]
    fn a_document_that_fits_no_frame_is_refused_and_nothing_is_written() {
        let mut out = Vec::new();
        assert!(encode_frame(InvokeId::EVENT, &vec![b'x'; 65_528], &mut out).is_err());
        assert!(out.is_empty());
        assert!(encode_frame(InvokeId::EVENT, &vec![b'x'; 65_527], &mut out).is_ok());
    }

    #[test]
    fn invoke_ids_are_four_digits_and_echo_anything() {
        assert_eq!(InvokeId::from_number(7), InvokeId(*b"0007"));
        assert_eq!(InvokeId::from_number(9998).number(), Some(9998));
        assert_eq!(InvokeId(*b"ab\x001").number(), None);
        assert_eq!(InvokeId(*b"ab\x001").to_string(), "ab\\x001");
    }

    proptest! {
        #[test]
        fn frames_come_out_as_they_went_in_wherever_they_are_cut(
            bodies in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..300), 0..12),
            cut in 1_usize..400,
        ) {
            let mut bytes = Vec::new();
            for (n, body) in bodies.iter().enumerate() {
                encode_frame(InvokeId::from_number(n as u16), body, &mut bytes).unwrap();
            }
            let found = frames(&bytes, cut).unwrap();
            prop_assert_eq!(found.iter().map(|f| f.1.clone()).collect::<Vec<_>>(), bodies);
        }

        #[test]
        fn random_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..600), cut in 1_usize..40) {
            let _ = frames(&bytes, cut);
        }
    }
}
