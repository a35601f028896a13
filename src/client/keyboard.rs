//! What somebody types, and that he wants it to end.

use std::io::BufRead;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::mpsc;

/// The lines of standard input. A thread of its own reads them, because a runtime that reads standard input cannot end
/// before the next line comes; the process may.
pub fn lines() -> mpsc::Receiver<String> {
    let (sender, receiver) = mpsc::channel(64);
    std::thread::spawn(move || {
        for line in std::io::stdin().lock().lines().map_while(Result::ok) {
            if sender.blocking_send(line).is_err() {
                return;
            }
        }
    });
    receiver
}

/// Waits until somebody wants the program to end: Ctrl-C, or SIGTERM as from `timeout` or a supervisor.
pub async fn interrupted() {
    let Ok(mut terminate) = signal(SignalKind::terminate()) else { return std::future::pending().await };
    tokio::select! {
        _ = terminate.recv() => {}
        pressed = tokio::signal::ctrl_c() => drop(pressed),
    }
}
