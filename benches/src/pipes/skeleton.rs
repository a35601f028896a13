//! The bare skeleton: decode, one SQLite transaction for all that came meanwhile (fsync), sign, POST. No state, no
//! rules, no retries: what schakel's promises cost beside the work that cannot be left out.

use super::{CONNECTIONS, PipeArgs, lanes};
use crate::Result;
use bytes::Bytes;
use rusqlite::{Connection, params};
use schakel_csta_wire::{CallEvent, CallEventKind, Deframer, MAX_FRAME_BYTES, Message, decode, text_of};
use serde::Serialize;
use std::path::Path;
use std::sync::mpsc::{Receiver, channel};
use tokio::io::AsyncReadExt;
use tokio::net::TcpStream;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use uuid::Uuid;

/// Events in one transaction at most.
const GROUP: usize = 256;
const KEY: &[u8] = b"0123456789abcdef0123456789abcdef";

/// What goes to the thread that writes.
enum Write {
    Event { number: u64, lane: usize, raw: Vec<u8>, body: Bytes },
    Delivered(u64),
}

/// Runs until the PBX leaves.
///
/// # Errors
/// If an end is missing.
pub async fn run(args: PipeArgs) -> Result<()> {
    let folder = args.folder.clone().ok_or("the skeleton needs --folder")?;
    let (to_writer, from_loop) = channel::<Write>();
    let (durable, committed) = unbounded_channel();
    let (delivered, mut settled) = unbounded_channel();
    let connection = open(&folder.join("skeleton.db"))?;
    std::thread::Builder::new()
        .name("journal".to_owned())
        .spawn(move || write_all(connection, &from_loop, &durable))?;
    let lanes = lanes::open(&args, Some(KEY), Some(delivered)).await?;
    tokio::task::spawn_local(hand_out(committed, lanes));
    let settle = to_writer.clone();
    tokio::task::spawn_local(async move {
        while let Some(number) = settled.recv().await {
            let _ = settle.send(Write::Delivered(number));
        }
    });
    let mut link = TcpStream::connect(args.from).await?;
    let mut deframer = Deframer::new(MAX_FRAME_BYTES);
    let mut chunk = vec![0; 64 * 1024];
    let mut number = 0;
    loop {
        let read = link.read(&mut chunk).await?;
        if read == 0 {
            return Ok(());
        }
        deframer.push(&chunk[..read]);
        while let Some(frame) = deframer.next_frame().map_err(|error| error.to_string())? {
            let text = text_of(frame.body)?;
            let decoded = decode(&text)?;
            let Message::Call(event) = decoded.message else { continue };
            let lane =
                event.connection.call.bytes().fold(0, |sum, byte| sum * 31 + usize::from(byte)) % CONNECTIONS;
            let body = body(&event, number, args.body_bytes)?;
            to_writer.send(Write::Event { number, lane, raw: frame.body.to_vec(), body })?;
            number += 1;
        }
    }
}

async fn hand_out(
    mut committed: UnboundedReceiver<Vec<(u64, usize, Bytes)>>,
    lanes: Vec<UnboundedSender<lanes::Item>>,
) {
    while let Some(events) = committed.recv().await {
        for (number, lane, body) in events {
            let _ = lanes[lane].send((number, body));
        }
    }
}

fn open(path: &Path) -> Result<Connection> {
    let connection = Connection::open(path)?;
    connection.pragma_update(None, "journal_mode", "WAL")?;
    connection.pragma_update(None, "synchronous", "FULL")?;
    connection.pragma_update(None, "wal_autocheckpoint", 16_384)?;
    connection.execute_batch(
        "CREATE TABLE inputs (seq INTEGER PRIMARY KEY, bytes BLOB NOT NULL) STRICT;
         CREATE TABLE outbox (seq INTEGER PRIMARY KEY, body BLOB NOT NULL) STRICT;",
    )?;
    Ok(connection)
}

fn write_all(
    mut connection: Connection,
    queue: &Receiver<Write>,
    durable: &UnboundedSender<Vec<(u64, usize, Bytes)>>,
) {
    while let Ok(first) = queue.recv() {
        let group: Vec<Write> = std::iter::once(first).chain(queue.try_iter().take(GROUP - 1)).collect();
        let mut events = Vec::new();
        let transaction = connection.transaction().expect("one writer");
        for write in group {
            match write {
                Write::Event { number, lane, raw, body } => {
                    let mut input = transaction
                        .prepare_cached("INSERT INTO inputs VALUES (?1, ?2)")
                        .expect("a statement");
                    input.execute(params![number as i64, raw]).expect("a row");
                    let mut row = transaction
                        .prepare_cached("INSERT INTO outbox VALUES (?1, ?2)")
                        .expect("a statement");
                    row.execute(params![number as i64, &body[..]]).expect("a row");
                    events.push((number, lane, body));
                }
                Write::Delivered(number) => {
                    let mut gone =
                        transaction.prepare_cached("DELETE FROM outbox WHERE seq = ?1").expect("a statement");
                    gone.execute(params![number as i64]).expect("a deletion");
                }
            }
        }
        transaction.commit().expect("room on the disk");
        if durable.send(events).is_err() {
            return;
        }
    }
}

/// A CloudEvent as plain as it can be.
#[derive(Serialize)]
struct Envelope<'a> {
    specversion: &'a str,
    id: Uuid,
    source: &'a str,
    #[serde(rename = "type")]
    kind: &'a str,
    datacontenttype: &'a str,
    sequence: u64,
    data: Data<'a>,
}

#[derive(Serialize)]
struct Data<'a> {
    call: &'a str,
    device: &'a str,
    calling: Option<&'a str>,
    called: Option<&'a str>,
    cause: Option<&'a str>,
    /// Up to the size of schakel's own.
    rest: &'a str,
}

fn body(event: &CallEvent<'_>, number: u64, bytes: usize) -> Result<Bytes> {
    let envelope = Envelope {
        specversion: "1.0",
        id: Uuid::now_v7(),
        source: "urn:nld:oin:00000000000000000000:systeem:schakel",
        kind: match event.kind {
            CallEventKind::Delivered => "nl.schakel.call.ringing.v1",
            CallEventKind::Established => "nl.schakel.call.answered.v1",
            _ => "nl.schakel.call.ended.v1",
        },
        datacontenttype: "application/json",
        sequence: number,
        data: Data {
            call: &event.connection.call,
            device: &event.connection.device.value,
            calling: event.calling.as_ref().and_then(|device| device.value()),
            called: event.called.as_ref().and_then(|device| device.value()),
            cause: event.cause.as_ref().map(|cause| cause.as_str()),
            rest: "",
        },
    };
    let mut out = Vec::with_capacity(bytes.max(1024));
    serde_json::to_writer(&mut out, &envelope)?;
    // White space at the end is JSON too, and costs the skeleton nothing that the floor does not pay.
    if out.len() < bytes {
        out.resize(bytes, b' ');
    }
    Ok(out.into())
}
