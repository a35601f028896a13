//! The least HTTP client that can talk to a daemon on loopback: one request at a time over a kept connection.

use crate::Result;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

/// A connection that is kept.
#[derive(Debug)]
pub struct Client {
    stream: TcpStream,
    authority: String,
    token: String,
    buffer: Vec<u8>,
}

/// What was answered.
#[derive(Debug)]
pub struct Answer {
    /// The status.
    pub status: u16,
    /// The body as text.
    pub body: String,
}

impl Client {
    /// Connects; `token` is the bearer token, or empty.
    ///
    /// # Errors
    /// If nobody listens.
    pub fn connect(to: SocketAddr, token: &str) -> Result<Self> {
        let stream = TcpStream::connect(to)?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(Duration::from_secs(60)))?;
        Ok(Self { stream, authority: to.to_string(), token: token.to_owned(), buffer: Vec::new() })
    }

    /// One request and its answer. `headers` are whole lines with their ends.
    ///
    /// # Errors
    /// If the connection breaks or the answer is not HTTP with a length.
    pub fn send(&mut self, method: &str, path: &str, headers: &str, body: &str) -> Result<Answer> {
        let mut request = format!("{method} {path} HTTP/1.1\r\nhost: {}\r\n{headers}", self.authority);
        if !self.token.is_empty() {
            request.push_str(&format!("authorization: Bearer {}\r\n", self.token));
        }
        if !body.is_empty() {
            request.push_str("content-type: application/json\r\n");
        }
        request.push_str(&format!("content-length: {}\r\n\r\n{body}", body.len()));
        self.stream.write_all(request.as_bytes())?;
        self.buffer.clear();
        let mut chunk = [0; 16 * 1024];
        loop {
            if let Some(answer) = parse(&self.buffer)? {
                return Ok(answer);
            }
            let read = self.stream.read(&mut chunk)?;
            if read == 0 {
                return Err(format!("{method} {path}: the connection was closed").into());
            }
            self.buffer.extend_from_slice(&chunk[..read]);
        }
    }
}

fn parse(buffer: &[u8]) -> Result<Option<Answer>> {
    let mut headers = [httparse::EMPTY_HEADER; 64];
    let mut response = httparse::Response::new(&mut headers);
    let httparse::Status::Complete(head) = response.parse(buffer)? else { return Ok(None) };
    let status = response.code.unwrap_or(0);
    let named = |name: &str| {
        response
            .headers
            .iter()
            .find(|header| header.name.eq_ignore_ascii_case(name))
            .and_then(|header| std::str::from_utf8(header.value).ok())
    };
    let length = match named("content-length") {
        Some(length) => length.parse()?,
        None if status == 204 => 0,
        None => return Err(format!("an answer ({status}) without a length").into()),
    };
    let Some(body) = buffer.get(head..head + length) else { return Ok(None) };
    Ok(Some(Answer { status, body: String::from_utf8_lossy(body).into_owned() }))
}
