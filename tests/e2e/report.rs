//! `schakel report`: what happened over real sockets, as the command line tells it beside the daemon and from a backup
//! (T17 to T24).

use crate::harness::{House, SOON, on_runtime, pbx};
use http::Method;
use schakel_contract::views::{ActionName, TelephonyReportView};
use schakel_journal::{Options, Store};
use serde_json::json;
use std::path::Path;
use std::process::Output;
use tempfile::TempDir;
use tokio::process::Command;

/// All that is in a journal, so that midnight may pass while a test runs.
pub const EVERYTHING: [&str; 4] = ["--from", "2026-01-01T00:00:00Z", "--to", "2035-01-01T00:00:00Z"];

async fn report(journal: &Path, arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_schakel"));
    command.arg("report").arg("--journal").arg(journal).args(arguments);
    tokio::time::timeout(SOON, command.output()).await.unwrap().unwrap()
}

/// The report of a journal, by the program itself.
pub async fn json(journal: &Path, arguments: &[&str]) -> TelephonyReportView {
    let output = report(journal, &[&["--format", "json"], arguments].concat()).await;
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[test]
fn t17_to_t24_the_command_line_tells_what_happened_beside_the_daemon_and_from_a_backup() {
    on_runtime(async {
        let folder = TempDir::new().unwrap();
        let journal = folder.path().join("journal.db");
        let house = House::at(folder, None, pbx(), "").await;
        let (jan, zoe) = (house.agent("jan", "2001").await, house.agent("zoe", "2002").await);
        let before = json(&journal, &[]).await;

        // One customer is served and handed over to a department, one gives up.
        let mark = house.mark();
        house.pbx.ring("0201234567", "2001").unwrap();
        jan.ringing(SOON).await.unwrap();
        jan.control(ActionName::Answer).await.unwrap();
        let call = jan.connected(SOON).await.unwrap();
        let body = json!({
            "call": call.id, "device": "2001", "to": { "number": "2002" }, "kind": "warm", "department": "Burgerzaken" });
        house.api.command(Method::POST, &["transfers"], Some(&body)).await.unwrap();
        zoe.ringing(SOON).await.unwrap();
        zoe.control(ActionName::Answer).await.unwrap();
        house.told(mark, "transfer.consulting", None).await;
        let under_way = json(&journal, &["--period", "today"]).await;
        assert_eq!((under_way.under_way, under_way.complete), (1, false));
        jan.complete().await.unwrap();
        house.told(mark, "transfer.completed", None).await;
        house.pbx.hang_up("0201234567").unwrap();
        house.told(mark, "call.ended", Some("2002")).await;
        let mark = house.mark();
        house.pbx.ring("0301234567", "2001").unwrap();
        house.told(mark, "call.ringing", Some("2001")).await;
        house.pbx.hang_up("0301234567").unwrap();
        house.told(mark, "call.missed", None).await;

        let period = EVERYTHING;
        let all = json(&journal, &period).await;
        let total = &all.total;
        assert_eq!((total.received, total.answered.number, total.abandoned.number), (2, 1, 1));
        assert_eq!((total.transferred.contacts.number, total.transferred.warm), (1, 1));
        assert_eq!(total.departments[0].department.as_deref(), Some("Burgerzaken"));
        assert_eq!(total.departments[0].transfers.percentage, Some(100.0));
        assert_eq!(total.duration.contacts, 1);
        assert_eq!(total.contacts, before.total.contacts + 2);
        let by_agent = json(&journal, &[&period[..], &["--group-by", "agent"]].concat()).await;
        let agents: Vec<_> = by_agent.rows.iter().map(|row| row.key.as_deref()).collect();
        assert_eq!(agents, [Some("jan"), Some("zoe"), None]);

        let dutch = text(&report(&journal, &period).await.stdout);
        assert!(dutch.contains("Ontvangen") && dutch.contains("Burgerzaken"), "{dutch}");
        let english = text(&report(&journal, &[&period[..], &["--language", "en"]].concat()).await.stdout);
        assert!(english.contains("Received"), "{english}");
        let csv = text(&report(&journal, &[&period[..], &["--format", "csv"]].concat()).await.stdout);
        assert!(csv.starts_with("row,key,"), "{csv}");
        let page = text(&report(&journal, &[&period[..], &["--format", "html"]].concat()).await.stdout);
        assert!(page.starts_with("<!doctype html>"), "{page}");

        let copies = TempDir::new().unwrap();
        let copy = copies.path().join("copy.db");
        schakel_journal::backup(&journal, &copy).unwrap();
        assert_eq!(json(&copy, &period).await, all);
        let verified = report(&copy, &["--verify"]).await;
        assert!(verified.status.success(), "{}", text(&verified.stderr));
        assert!(text(&verified.stdout).starts_with("2 contacts"), "{}", text(&verified.stdout));
        // A fact that is not there any more is missed.
        let losing = std::thread::spawn({
            let copy = copy.clone();
            move || {
                let (store, _) = Store::open(&copy, Options::default()).unwrap();
                store.remove_facts(i64::MAX).wait().unwrap()
            }
        });
        assert_eq!(losing.join().unwrap(), 2);
        let verified = report(&copy, &["--verify"]).await;
        assert_eq!(verified.status.code(), Some(1));
        assert!(text(&verified.stderr).contains("2 are kept otherwise"), "{}", text(&verified.stderr));
        house.ends_clean().await;
    });
}

#[test]
fn a_period_that_is_none_is_told_with_how_to_write_it() {
    on_runtime(async {
        let folder = TempDir::new().unwrap();
        let journal = folder.path().join("journal.db");
        let none = report(&journal, &[]).await;
        assert_eq!(none.status.code(), Some(1), "there is no journal");
        let making = journal.clone();
        std::thread::spawn(move || drop(Store::open(making, Options::default()).unwrap())).join().unwrap();
        let wrong = report(&journal, &["--period", "vorige week"]).await;
        assert_eq!(wrong.status.code(), Some(2));
        assert!(text(&wrong.stderr).contains("2026-W43"), "{}", text(&wrong.stderr));
        let both = report(&journal, &["--from", "gisteren", "--to", "morgen"]).await;
        assert_eq!(text(&both.stderr).lines().count(), 2, "{}", text(&both.stderr));
        assert!(json(&journal, &["--period", "2026-10"]).await.complete);
    });
}
