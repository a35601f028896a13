//! Framing: bytes, cut anywhere, to lines.

/// No line of the protocol comes near it; a peer that sends a longer one speaks another protocol.
pub(crate) const LINE_MAX_BYTES: usize = 1024;

/// Takes bytes in, gives lines out.
#[derive(Debug, Default)]
pub(crate) struct Lines(Vec<u8>);

/// A line that does not end: there is no way back into step.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct TooLong;

impl Lines {
    /// More bytes.
    pub(crate) fn push(&mut self, bytes: &[u8]) {
        self.0.extend_from_slice(bytes);
    }

    /// The next whole line without its end; none until more bytes come.
    pub(crate) fn next_line(&mut self) -> Result<Option<Vec<u8>>, TooLong> {
        let end = self.0.iter().take(LINE_MAX_BYTES).position(|byte| *byte == b'\n');
        let Some(end) = end else {
            return if self.0.len() < LINE_MAX_BYTES { Ok(None) } else { Err(TooLong) };
        };
        let mut line: Vec<u8> = self.0.drain(..=end).collect();
        line.truncate(line.trim_ascii_end().len());
        Ok(Some(line))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_come_out_whole_with_either_end() {
        let mut lines = Lines::default();
        lines.push(b"RING 77 ");
        assert_eq!(lines.next_line(), Ok(None));
        lines.push(b"2001\r\nTALK 77 2001\nGO");
        assert_eq!(lines.next_line(), Ok(Some(b"RING 77 2001".to_vec())));
        assert_eq!(lines.next_line(), Ok(Some(b"TALK 77 2001".to_vec())));
        assert_eq!(lines.next_line(), Ok(None));
    }

    #[test]
    fn a_line_that_does_not_end_is_given_up() {
        let mut lines = Lines::default();
        lines.push(&[b'x'; LINE_MAX_BYTES - 1]);
        assert_eq!(lines.next_line(), Ok(None));
        lines.push(b"x");
        assert_eq!(lines.next_line(), Err(TooLong));
    }
}
