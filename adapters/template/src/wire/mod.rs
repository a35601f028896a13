//! The wire: bytes to messages. It sees no core. Once a simulator speaks the protocol too, this becomes a crate of its
//! own (as `adapters/csta/wire`), so that both ends share it.

mod lines;

pub(crate) use lines::{LINE_MAX_BYTES, Lines};

/// What a PBX says in one line. Text is borrowed from the line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Message<'a> {
    /// `HELLO product`: the answer to ours.
    Hello(&'a str),
    /// `AT device [call state other]`: the answer to `LOOK`.
    At { device: &'a str, call: Option<Call<'a>> },
    /// `NOT device`: no such device.
    Not(&'a str),
    /// `RING`, `TALK`, `GONE`: an event.
    Event { state: State, call: &'a str, device: &'a str, other: Option<&'a str> },
    /// `OK number [call]`: an operation was done.
    Ok { number: u64, call: Option<&'a str> },
    /// `NO number words`: an operation was refused.
    No { number: u64, words: &'a str },
}

/// A device's call in a snapshot.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Call<'a> {
    pub(crate) id: &'a str,
    pub(crate) state: State,
    pub(crate) other: &'a str,
}

/// How a call is at a device.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum State {
    Ring,
    Talk,
    Gone,
}

impl State {
    fn of(word: &str) -> Option<Self> {
        Some(match word {
            "RING" => Self::Ring,
            "TALK" => Self::Talk,
            "GONE" => Self::Gone,
            _ => return None,
        })
    }
}

/// Reads one line.
///
/// # Errors
/// What is wrong with it. Not its text: that may hold a caller's number.
pub(crate) fn decode(line: &[u8]) -> Result<Message<'_>, String> {
    let line = std::str::from_utf8(line).map_err(|error| format!("a line that is not UTF-8: {error}"))?;
    let (word, rest) = line.split_once(' ').unwrap_or((line, ""));
    let words: Vec<&str> = rest.split(' ').filter(|word| !word.is_empty()).collect();
    let number = |text: &str| text.parse().map_err(|_| format!("{word} without the number of a request"));
    Ok(match (word, &words[..]) {
        ("HELLO", _) => Message::Hello(rest),
        ("AT", [device]) => Message::At { device, call: None },
        ("AT", [device, id, state, other]) => {
            let state = State::of(state).ok_or("AT with a state that is not RING, TALK or GONE")?;
            Message::At { device, call: Some(Call { id, state, other }) }
        }
        ("NOT", [device]) => Message::Not(device),
        ("OK", [asked, call @ ..]) => Message::Ok { number: number(asked)?, call: call.first().copied() },
        ("NO", [asked, ..]) => {
            Message::No { number: number(asked)?, words: rest.split_once(' ').map_or("", |(_, words)| words) }
        }
        (event, [call, device, other @ ..]) if State::of(event).is_some() && other.len() < 2 => {
            let state = State::of(event).unwrap_or(State::Gone);
            Message::Event { state, call, device, other: other.first().copied() }
        }
        ("AT" | "NOT" | "OK" | "NO" | "RING" | "TALK" | "GONE", _) => {
            return Err(format!("{word} with {} words after it", words.len()));
        }
        _ => return Err("a line that begins with no word of the protocol".into()),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_message_is_read() {
        let ring = Message::Event { state: State::Ring, call: "77", device: "2001", other: Some("020") };
        let busy = Call { id: "77", state: State::Talk, other: "020" };
        for (line, message) in [
            ("HELLO Bell 3", Message::Hello("Bell 3")),
            ("AT 2001", Message::At { device: "2001", call: None }),
            ("AT 2001 77 TALK 020", Message::At { device: "2001", call: Some(busy) }),
            ("NOT 2001", Message::Not("2001")),
            ("RING 77 2001 020", ring),
            ("OK 4 78", Message::Ok { number: 4, call: Some("78") }),
            ("NO 4 it is busy", Message::No { number: 4, words: "it is busy" }),
        ] {
            assert_eq!(decode(line.as_bytes()), Ok(message), "{line}");
        }
    }

    #[test]
    fn what_is_wrong_is_said_without_the_line_itself() {
        for (line, wrong) in [
            ("", "a line that begins with no word of the protocol"),
            ("RING 77", "RING with 1 words after it"),
            ("AT 2001 77 SLEEP 0201234567", "AT with a state that is not RING, TALK or GONE"),
            ("OK four", "OK without the number of a request"),
        ] {
            assert_eq!(decode(line.as_bytes()), Err(wrong.to_owned()), "{line}");
        }
        assert!(decode(b"RING \xff").is_err());
    }
}
