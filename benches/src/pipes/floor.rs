//! The floor: frames in, the same number of bytes out over plain sockets as schakel sends, nothing done between. What
//! no program can go below on this machine with this sink.

use super::{CONNECTIONS, PipeArgs, lanes};
use crate::Result;
use bytes::{Bytes, BytesMut};
use schakel_csta_wire::{Deframer, MAX_FRAME_BYTES};
use tokio::io::AsyncReadExt;
use tokio::net::TcpStream;

/// Runs until the PBX leaves.
///
/// # Errors
/// If an end is missing.
pub async fn run(args: PipeArgs) -> Result<()> {
    let lanes = lanes::open(&args, None, None).await?;
    let mut link = TcpStream::connect(args.from).await?;
    let mut deframer = Deframer::new(MAX_FRAME_BYTES);
    let mut chunk = vec![0; 64 * 1024];
    let mut number = 0_u64;
    loop {
        let read = link.read(&mut chunk).await?;
        if read == 0 {
            return Ok(());
        }
        deframer.push(&chunk[..read]);
        while let Some(frame) = deframer.next_frame().map_err(|error| error.to_string())? {
            // Events of a call are a multiple of the lanes apart or not at all in one lane: order is nobody's here.
            let lane = &lanes[number as usize % CONNECTIONS];
            lane.send((number, padded(frame.body, args.body_bytes)))?;
            number += 1;
        }
    }
}

fn padded(body: &[u8], bytes: usize) -> Bytes {
    let mut out = BytesMut::with_capacity(body.len().max(bytes));
    out.extend_from_slice(body);
    if out.len() < bytes {
        out.resize(bytes, b' ');
    }
    out.freeze()
}
