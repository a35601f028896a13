//! The event stream (Server-Sent Events, WHATWG HTML 9.2), which goes on where it was after a lost connection.

use super::rest::{Api, ApiError};
use schakel_contract::event::{Event, STREAM_GAP};
use std::time::Duration;

/// A connection that failed is tried again after this, doubled up to [`PAUSE_MAX`].
const PAUSE_FIRST: Duration = Duration::from_millis(100);

/// A person who waits for his telephone should not wait longer.
const PAUSE_MAX: Duration = Duration::from_secs(2);

/// The largest message: a notification with its objects is a few kilobytes.
const MESSAGE_BYTES_MAX: usize = 1024 * 1024;

/// The stream says something at least this often (a comment), or the connection is dead.
const SILENCE_MAX: Duration = Duration::from_secs(60);

/// What comes out of the stream.
#[derive(Debug)]
pub enum StreamItem {
    /// A notification.
    Event(Box<Event>),
    /// The connection is there (again), and nothing was missed.
    Connected,
    /// The connection is lost; it is being made again.
    Lost(ApiError),
    /// What came after the cursor is not kept any more: read the snapshot and begin there.
    TooOld,
}

/// A stream of notifications after a cursor.
#[derive(Debug)]
pub struct EventStream {
    api: Api,
    cursor: String,
    response: Option<reqwest::Response>,
    parser: SseParser,
    ready: std::collections::VecDeque<SseMessage>,
    pause: Option<Duration>,
}

impl EventStream {
    /// The notifications after a cursor, such as a snapshot's. It connects at the first [`EventStream::next`].
    pub fn after(api: Api, cursor: impl Into<String>) -> Self {
        Self {
            api,
            cursor: cursor.into(),
            response: None,
            parser: SseParser::default(),
            ready: std::collections::VecDeque::new(),
            pause: None,
        }
    }

    /// The cursor of the last notification.
    pub fn cursor(&self) -> &str {
        &self.cursor
    }

    /// What comes next. May be dropped at any time without losing anything.
    ///
    /// # Errors
    /// When the API refuses for good: the token is wrong or may not read the stream.
    pub async fn next(&mut self) -> Result<StreamItem, ApiError> {
        loop {
            if let Some(message) = self.ready.pop_front() {
                if let Some(item) = self.take(message)? {
                    return Ok(item);
                }
                continue;
            }
            let Some(response) = &mut self.response else {
                return self.connect().await;
            };
            let lost = match tokio::time::timeout(SILENCE_MAX, response.chunk()).await {
                Ok(Ok(Some(chunk))) => match self.parser.push(&chunk) {
                    Ok(messages) => {
                        self.pause = None;
                        self.ready.extend(messages);
                        continue;
                    }
                    Err(detail) => detail,
                },
                Ok(Ok(None)) => "the stream ended".into(),
                Ok(Err(error)) => error.to_string(),
                Err(_) => format!("nothing was heard for {} s", SILENCE_MAX.as_secs()),
            };
            return Ok(StreamItem::Lost(self.lose(lost)));
        }
    }

    async fn connect(&mut self) -> Result<StreamItem, ApiError> {
        if let Some(pause) = self.pause {
            tokio::time::sleep(pause).await;
        }
        match self.api.open_stream(&self.cursor).await {
            Ok(response) => {
                self.response = Some(response);
                self.parser = SseParser::default();
                Ok(StreamItem::Connected)
            }
            Err(ApiError::Problem(problem)) if problem.status == 410 => {
                self.slow_down();
                Ok(StreamItem::TooOld)
            }
            Err(error) if error.is_temporary() => {
                self.slow_down();
                Ok(StreamItem::Lost(error))
            }
            Err(error) => Err(error),
        }
    }

    fn take(&mut self, message: SseMessage) -> Result<Option<StreamItem>, ApiError> {
        if message.data.is_empty() {
            return Ok(None);
        }
        let event: Event = serde_json::from_str(&message.data).map_err(|error| ApiError::Unexpected {
            url: format!("{}/events", self.api.base()),
            status: 200,
            detail: format!("a notification that cannot be read: {error}"),
        })?;
        if event.kind == STREAM_GAP {
            return Ok(Some(StreamItem::TooOld));
        }
        self.cursor = if message.id.is_empty() { event.sequence.to_string() } else { message.id };
        Ok(Some(StreamItem::Event(Box::new(event))))
    }

    fn lose(&mut self, detail: String) -> ApiError {
        self.response = None;
        self.slow_down();
        ApiError::Unreachable { url: format!("{}/events", self.api.base()), detail }
    }

    fn slow_down(&mut self) {
        self.pause = Some(self.pause.map_or(PAUSE_FIRST, |pause| (pause * 2).min(PAUSE_MAX)));
    }
}

/// A message of a stream that is no stream of notifications, such as what a visitor types.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SseMessage {
    /// Where a stream goes on after it; empty where it cannot.
    pub id: String,
    /// What kind of message it is.
    pub kind: String,
    /// What it says: JSON.
    pub data: String,
}

/// A stream of messages of other kinds; it ends when the connection does.
#[derive(Debug)]
pub struct Messages {
    response: reqwest::Response,
    parser: SseParser,
    ready: std::collections::VecDeque<SseMessage>,
}

impl Messages {
    pub(super) fn of(response: reqwest::Response) -> Self {
        Self { response, parser: SseParser::default(), ready: std::collections::VecDeque::new() }
    }

    /// What comes next; nothing when the stream has ended. May be dropped at any time without losing anything.
    pub async fn next(&mut self) -> Option<SseMessage> {
        loop {
            if let Some(message) = self.ready.pop_front() {
                return Some(message);
            }
            let chunk = tokio::time::timeout(SILENCE_MAX, self.response.chunk()).await.ok()?.ok()??;
            self.ready.extend(self.parser.push(&chunk).ok()?);
        }
    }
}

/// Cuts the bytes of a stream into messages, wherever TCP cut them.
#[derive(Debug, Default)]
struct SseParser {
    rest: Vec<u8>,
    message: SseMessage,
    has_data: bool,
}

impl SseParser {
    fn push(&mut self, bytes: &[u8]) -> Result<Vec<SseMessage>, String> {
        self.rest.extend_from_slice(bytes);
        if self.rest.len() + self.message.data.len() > MESSAGE_BYTES_MAX {
            return Err(format!("a message of more than {MESSAGE_BYTES_MAX} bytes"));
        }
        let Some(end) = self.rest.iter().rposition(|byte| *byte == b'\n') else {
            return Ok(Vec::new());
        };
        let whole: Vec<u8> = self.rest.drain(..=end).collect();
        let mut messages = Vec::new();
        for line in String::from_utf8_lossy(&whole).lines() {
            self.line(line, &mut messages);
        }
        Ok(messages)
    }

    fn line(&mut self, line: &str, messages: &mut Vec<SseMessage>) {
        if line.is_empty() {
            let message = std::mem::take(&mut self.message);
            if std::mem::take(&mut self.has_data) {
                messages.push(message);
            }
            return;
        }
        let (field, value) = line.split_once(':').unwrap_or((line, ""));
        let value = value.strip_prefix(' ').unwrap_or(value);
        match field {
            "id" => value.clone_into(&mut self.message.id),
            "event" => value.clone_into(&mut self.message.kind),
            "data" => {
                if self.has_data {
                    self.message.data.push('\n');
                }
                self.message.data.push_str(value);
                self.has_data = true;
            }
            // A comment (no field name) and `retry` say nothing that the data does not.
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = ": hello\n\nid: 07\nevent: nl.schakel.call.ringing.v1\ndata: {\"a\":\ndata: 1}\n\nretry: 5\n\nid:08\r\ndata:{}\r\n\r\n";

    fn expected() -> Vec<SseMessage> {
        vec![
            SseMessage {
                id: "07".into(),
                kind: "nl.schakel.call.ringing.v1".into(),
                data: "{\"a\":\n1}".into(),
            },
            SseMessage { id: "08".into(), data: "{}".into(), ..SseMessage::default() },
        ]
    }

    #[test]
    fn a_stream_is_read_the_same_wherever_it_is_cut() {
        for cut in 0..TEXT.len() {
            let mut parser = SseParser::default();
            let mut messages = parser.push(&TEXT.as_bytes()[..cut]).unwrap();
            messages.extend(parser.push(&TEXT.as_bytes()[cut..]).unwrap());
            assert_eq!(messages, expected(), "cut at {cut}");
        }
        let mut parser = SseParser::default();
        let each: Vec<_> = TEXT.bytes().flat_map(|byte| parser.push(&[byte]).unwrap()).collect();
        assert_eq!(each, expected(), "one byte at a time");
    }

    #[test]
    fn a_message_without_an_end_is_given_up() {
        let mut parser = SseParser::default();
        let chunk = vec![b'x'; MESSAGE_BYTES_MAX / 4];
        let refused = (0..5).filter(|_| parser.push(&chunk).is_err()).count();
        assert_eq!(refused, 1);
    }
}
