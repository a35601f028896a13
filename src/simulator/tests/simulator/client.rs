//! A CSTA client of a few lines, on the same codec but with nothing of the adapter in it.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::time::Duration;

use schakel_csta_wire::{
    ConnectionId, Deframer, DeviceId, Edition, Encoder, InvokeId, MAX_FRAME_BYTES, Message, MonitorObject,
    MonitorStart, Request, Response, decode, encode_frame, text_of,
};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

/// Nothing here takes longer, unless it never comes.
const PATIENCE: Duration = Duration::from_secs(10);

pub trait Stream: AsyncRead + AsyncWrite + Unpin + Send {}
impl<T: AsyncRead + AsyncWrite + Unpin + Send> Stream for T {}

pub struct Client {
    stream: Box<dyn Stream>,
    deframer: Deframer,
    encoder: Encoder,
    next_invoke: u16,
    /// Events that came while something else was waited for.
    events: VecDeque<String>,
}

impl Client {
    pub async fn connect(to: SocketAddr) -> Self {
        Self::speaking(to, Edition::Ed4).await
    }

    pub async fn speaking(to: SocketAddr, edition: Edition) -> Self {
        let stream = timeout(PATIENCE, TcpStream::connect(to)).await.expect("in time").expect("a server");
        stream.set_nodelay(true).expect("a socket");
        Self::over(Box::new(stream), edition)
    }

    pub fn over(stream: Box<dyn Stream>, edition: Edition) -> Self {
        Self {
            stream,
            deframer: Deframer::new(MAX_FRAME_BYTES),
            encoder: Encoder::new(edition),
            next_invoke: 0,
            events: VecDeque::new(),
        }
    }

    /// Connects and monitors these devices.
    pub async fn monitoring(to: SocketAddr, devices: &[&str]) -> Self {
        let mut client = Self::connect(to).await;
        for device in devices {
            client.monitor(device).await;
        }
        client
    }

    pub async fn monitor(&mut self, device: &str) -> String {
        self.asks(monitor(device)).await
    }

    pub async fn send(&mut self, message: Message<'_>) -> InvokeId {
        self.next_invoke += 1;
        let invoke = InvokeId::from_number(self.next_invoke);
        self.send_as(invoke, message).await;
        invoke
    }

    pub async fn send_as(&mut self, invoke: InvokeId, message: Message<'_>) {
        let body = self.encoder.to_vec(&message);
        self.send_raw(invoke, &body).await;
    }

    pub async fn send_raw(&mut self, invoke: InvokeId, body: &[u8]) {
        let mut frame = Vec::new();
        encode_frame(invoke, body, &mut frame).expect("a short message");
        self.send_bytes(&frame).await;
    }

    pub async fn send_bytes(&mut self, bytes: &[u8]) {
        self.stream.write_all(bytes).await.expect("a link");
        self.stream.flush().await.expect("a link");
    }

    /// The next frame; `None` when the link is over or broken.
    pub async fn frame(&mut self) -> Option<(InvokeId, Vec<u8>)> {
        loop {
            match self.deframer.next_frame() {
                Ok(Some(frame)) => return Some((frame.invoke, frame.body.to_vec())),
                Ok(None) => {}
                Err(_) => return None,
            }
            let mut bytes = [0; 4096];
            let read = timeout(PATIENCE, self.stream.read(&mut bytes)).await;
            match read.expect("something within ten seconds") {
                Ok(0) | Err(_) => return None,
                Ok(count) => self.deframer.push(&bytes[..count]),
            }
        }
    }

    /// Nothing comes for a while.
    pub async fn is_silent(&mut self, for_ms: u64) -> bool {
        timeout(Duration::from_millis(for_ms), self.frame()).await.is_err()
    }

    /// The next message whatever it is: its invoke id and what it says.
    pub async fn next(&mut self) -> (InvokeId, String) {
        let (invoke, body) = self.frame().await.expect("a link");
        (invoke, says(&body))
    }

    /// Asks and returns the answer; events in between are kept for [`Self::event`].
    pub async fn asks(&mut self, request: impl Into<Request<'_>>) -> String {
        let request: Request<'_> = request.into();
        let own = self.send(request.into()).await;
        self.answer_to(own).await
    }

    pub async fn answer_to(&mut self, own: InvokeId) -> String {
        loop {
            let (invoke, said) = self.next().await;
            if invoke == own {
                return said;
            }
            self.events.push_back(said);
        }
    }

    /// The next event.
    pub async fn event(&mut self) -> String {
        match self.events.pop_front() {
            Some(event) => event,
            None => self.next().await.1,
        }
    }

    /// So many events.
    pub async fn take(&mut self, count: usize) -> Vec<String> {
        let mut events = Vec::new();
        for _ in 0..count {
            events.push(self.event().await);
        }
        events
    }

    /// The link is over.
    pub async fn is_over(&mut self) -> bool {
        while let Some((_, body)) = self.frame().await {
            self.events.push_back(says(&body));
        }
        true
    }
}

pub fn monitor(device: &str) -> MonitorStart<'_> {
    MonitorStart { object: MonitorObject::Device(DeviceId::new(device)), monitor_type: None }
}

pub fn at<'a>(call: &'a str, device: &'a str) -> ConnectionId<'a> {
    ConnectionId::new(call, device)
}

/// What a message says, in a line: `Delivered 1@2001 alerting newCall`.
pub fn says(body: &[u8]) -> String {
    let Ok(text) = text_of(body) else { return "not text".to_owned() };
    let Ok(decoded) = decode(&text) else { return "not XML".to_owned() };
    match decoded.message {
        Message::Call(event) => {
            let mut words = vec![event.kind.root().trim_end_matches("Event").to_owned()];
            words.push(format!("{}@{}", event.connection.call, event.connection.device.value));
            words.extend(event.secondary.map(|c| format!("{}@{}", c.call, c.device.value)));
            words.extend(event.local_state.map(|state| state.to_string()));
            words.extend(event.cause.map(|cause| cause.to_string()));
            words.join(" ")
        }
        Message::Error(error) => format!("{}/{}", error.category.name(), error.value),
        Message::Response(Response::Call(response)) => {
            let connection = response.connection.expect("a connection");
            let root = response.service.root().trim_end_matches("Response");
            format!("{root} {}@{}", connection.call, connection.device.value)
        }
        message => message.root().to_owned(),
    }
}
