//! SIGKILL in the middle of appending: what was acknowledged is there. (Power loss is another matter:
//! that is what the fsync a commit is for, and `strace -c` shows that it is made.)

use std::io::{BufRead, BufReader, Write};
use std::process::{Command, Stdio};

use schakel_journal::{Batch, Options, Store, check};

use crate::conformance::{batch, chats, pending};

const CHILD: &str = "SCHAKEL_JOURNAL_KILL_CHILD";

/// Appends without end and says what is durable, until it is killed.
fn child(path: &str) {
    let (store, recovery) = Store::open(path, Options::default()).expect("opens");
    let mut out = std::io::stdout().lock();
    let mut waiting = std::collections::VecDeque::new();
    for seq in recovery.last_input + 1.. {
        let said = Batch { chat: vec![chats::public(1, seq, seq, "x")], ..batch(seq, &[7]) };
        waiting.push_back((seq, store.append(said)));
        if waiting.len() == 64 {
            let (seq, answer) = waiting.pop_front().expect("64");
            answer.wait().expect("appended");
            writeln!(out, "durable {seq}").expect("the parent listens");
        }
    }
}

#[test]
fn what_was_acknowledged_survives_sigkill() {
    if let Ok(path) = std::env::var(CHILD) {
        return child(&path);
    }
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("journal.db");
    let mut acknowledged = 0;
    for round in 1..=8_u64 {
        let mut process = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "kill::what_was_acknowledged_survives_sigkill", "--nocapture"])
            .env(CHILD, &path)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let lines = BufReader::new(process.stdout.take().unwrap()).lines();
        let goal = acknowledged + round * 37;
        let mut killed = false;
        // After the kill, read on: what was said before it counts as well.
        for line in lines.map_while(Result::ok) {
            if let Some(seq) = line.strip_prefix("durable ") {
                acknowledged = seq.parse().unwrap();
            }
            if acknowledged >= goal && !killed {
                process.kill().unwrap();
                killed = true;
            }
        }
        process.wait().unwrap();
        assert!(killed, "the child ended by itself after {acknowledged}");
        check(&path).expect("sound");
        let (store, recovery) = Store::open(&path, Options::default()).expect("opens");
        assert!(recovery.last_input >= acknowledged, "{acknowledged} was durable, {}", recovery.last_input);
        assert_eq!(recovery.last_notification, recovery.last_input, "one transaction");
        let waiting = store.reader().unwrap().pending_count(7).unwrap();
        assert_eq!(waiting, recovery.last_notification, "one transaction");
        // O14: what was said is there exactly as far as its inputs and notifications are.
        let last = recovery.last_input;
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let end = runtime.block_on(store.public_chats().page(1, last - 1, 9)).unwrap();
        assert_eq!(end.rows.iter().map(|row| row.seq).collect::<Vec<_>>(), [last], "one transaction");
        assert_eq!(pending(&store, 7).first(), Some(&1));
        acknowledged = recovery.last_input;
    }
}
