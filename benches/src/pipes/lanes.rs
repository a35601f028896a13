//! Connections to the sink, each with a queue of its own: what is in one queue goes in order, one request at a time.

use super::{CONNECTIONS, PipeArgs};
use crate::{Result, tls};
use base64::Engine as _;
use bytes::Bytes;
use hmac::{Hmac, KeyInit as _, Mac as _};
use rustls::pki_types::ServerName;
use sha2::Sha256;
use std::time::{SystemTime, UNIX_EPOCH};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio_rustls::TlsConnector;

/// One event on its way: a number for whoever must know that it arrived, and its body.
pub type Item = (u64, Bytes);

/// Opens the lanes. `delivered` is told what has arrived. Requests are signed with `key`, if there is one.
///
/// # Errors
/// If the sink cannot be reached.
pub async fn open(
    args: &PipeArgs,
    key: Option<&'static [u8]>,
    delivered: Option<UnboundedSender<u64>>,
) -> Result<Vec<UnboundedSender<Item>>> {
    let connector = args.ca_file.as_deref().map(tls::client).transpose()?.map(TlsConnector::from);
    let mut lanes = Vec::new();
    for _ in 0..CONNECTIONS {
        let stream = TcpStream::connect(args.to).await?;
        stream.set_nodelay(true)?;
        let (sender, receiver) = unbounded_channel();
        let lane = Lane {
            receiver,
            batch: args.batch,
            key,
            delivered: delivered.clone(),
            host: args.to.to_string(),
        };
        match &connector {
            Some(connector) => {
                let name = ServerName::try_from("localhost")?;
                let stream = connector.connect(name, stream).await?;
                tokio::task::spawn_local(lane.run(stream));
            }
            None => {
                tokio::task::spawn_local(lane.run(stream));
            }
        }
        lanes.push(sender);
    }
    Ok(lanes)
}

struct Lane {
    receiver: UnboundedReceiver<Item>,
    batch: usize,
    key: Option<&'static [u8]>,
    delivered: Option<UnboundedSender<u64>>,
    host: String,
}

impl Lane {
    async fn run(mut self, mut stream: impl AsyncRead + AsyncWrite + Unpin) {
        let (mut items, mut request, mut body) = (Vec::new(), Vec::new(), Vec::new());
        let mut answer = [0; 512];
        while self.receiver.recv_many(&mut items, self.batch).await > 0 {
            body.clear();
            join(&items, self.batch > 1 && self.key.is_some(), &mut body);
            request.clear();
            self.head(items[0].0, &body, &mut request);
            request.extend_from_slice(&body);
            stream.write_all(&request).await.expect("the sink takes it");
            stream.flush().await.expect("the sink takes it");
            let read = stream.read(&mut answer).await.expect("the sink answers");
            assert!(answer[..read].starts_with(b"HTTP/1.1 204"), "the sink answers 204");
            if let Some(delivered) = &self.delivered {
                items.iter().for_each(|(number, _)| delivered.send(*number).expect("the store listens"));
            }
            items.clear();
        }
    }

    fn head(&self, number: u64, body: &[u8], out: &mut Vec<u8>) {
        use std::io::Write as _;
        let kind = if self.batch > 1 {
            "application/cloudevents-batch+json"
        } else {
            "application/cloudevents+json"
        };
        write!(out, "POST /hook HTTP/1.1\r\nhost: {}\r\ncontent-type: {kind}\r\n", self.host)
            .expect("memory");
        if let Some(key) = self.key {
            let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970").as_secs();
            let id = format!("msg_{number:026}");
            let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("any length");
            mac.update(format!("{id}.{now}.").as_bytes());
            mac.update(body);
            let signature = base64::engine::general_purpose::STANDARD.encode(mac.finalize().into_bytes());
            write!(
                out,
                "webhook-id: {id}\r\nwebhook-timestamp: {now}\r\nwebhook-signature: v1,{signature}\r\n"
            )
            .expect("memory");
        }
        write!(out, "content-length: {}\r\n\r\n", body.len()).expect("memory");
    }
}

fn join(items: &[Item], as_array: bool, body: &mut Vec<u8>) {
    if !as_array {
        items.iter().for_each(|(_, item)| body.extend_from_slice(item));
        return;
    }
    body.push(b'[');
    for (at, (_, item)) in items.iter().enumerate() {
        if at > 0 {
            body.push(b',');
        }
        body.extend_from_slice(item);
    }
    body.push(b']');
}
