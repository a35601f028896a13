//! What somebody types.

use std::io::BufRead;
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
