//! SIGKILL in the middle of a chat: what was answered is there, and transcript, input and notification are one thing.

use crate::house::{Running, on_one_thread, open, told, transcript};
use schakel_core::model::ids::ChatId;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Command, Stdio};

const CHILD: &str = "SCHAKEL_ENGINE_KILL_CHILD";

/// Messages that one visitor may send in a minute, less some: a chat has no more of them here.
const MESSAGES: u128 = 50;

/// Talks without end and says what was answered, until it is killed.
fn child(path: &str) {
    on_one_thread(async {
        let (store, recovery) = open(Path::new(path));
        let engine = Running::start(store, recovery).await;
        let mut out = std::io::stdout().lock();
        loop {
            let chat = engine.served("Jan").await;
            for id in 10..10 + MESSAGES {
                engine.visitor_says(chat, id, &format!("bericht {id}")).await;
                writeln!(out, "durable {} {id}", chat.0).expect("the parent listens");
            }
            let by = schakel_core::model::chat::Speaker::Visitor;
            engine.change(chat, schakel_core::command::chat::ChatChange::End { by }).await;
        }
    });
}

#[test]
fn o14_no_message_that_was_answered_is_lost_and_none_is_told_without_being_kept() {
    if let Ok(path) = std::env::var(CHILD) {
        return child(&path);
    }
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("journal.db");
    for round in 1..=4 {
        let mut process = Command::new(std::env::current_exe().unwrap())
            .args([
                "--exact",
                "kill::o14_no_message_that_was_answered_is_lost_and_none_is_told_without_being_kept",
            ])
            .arg("--nocapture")
            .env(CHILD, &path)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let lines = BufReader::new(process.stdout.take().unwrap()).lines();
        let (mut answered, mut killed, mut last) = (0, false, None);
        // After the kill, read on: what was said before it counts as well.
        for line in lines.map_while(Result::ok) {
            if let Some((chat, id)) = line.strip_prefix("durable ").and_then(|told| told.split_once(' ')) {
                last = Some((ChatId(chat.parse().unwrap()), id.to_owned()));
                answered += 1;
            }
            if answered >= round * 23 && !killed {
                process.kill().unwrap();
                killed = true;
            }
        }
        process.wait().unwrap();
        assert!(killed, "the child ended by itself after {answered}");
        let (chat, id) = last.expect("something was answered");
        on_one_thread(async {
            let (store, recovery) = open(&path);
            let kept = transcript(&store, chat).await;
            let word = format!("bericht {id}");
            assert!(kept.iter().any(|(_, text)| *text == word), "{word} was answered, and is not kept");
            let orders: Vec<_> = kept.iter().map(|(order, _)| *order).collect();
            assert_eq!(orders, (1..=kept.len() as u64).collect::<Vec<_>>(), "no gaps");
            // All chats of all rounds: told as often as kept.
            let contacts: Vec<u128> = {
                let page = store.reader().unwrap().notifications(0, 100_000, |_| true).unwrap();
                page.rows.iter().filter_map(|row| row.contact).collect()
            };
            let contacts: std::collections::BTreeSet<u128> = contacts.into_iter().collect();
            let chats = store.internal_chats().of_contacts(contacts.into_iter().collect()).await.unwrap();
            let mut rows = 0;
            for chat in chats {
                rows += transcript(&store, ChatId(chat)).await.len();
            }
            assert_eq!(rows, told(&store, "chat.message"), "one transaction");
            // The state that is replayed knows exactly what is kept, and goes on after it.
            let engine = Running::start(store.clone(), recovery).await;
            let known = engine.handle.read(move |state| state.chats[&chat].messages.len()).await.unwrap();
            assert_eq!(known, transcript(&store, chat).await.len());
            engine.kill().await;
        });
    }
}
