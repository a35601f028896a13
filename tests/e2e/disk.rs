//! A disk that is full: the house waits, says so, answers, can be stopped, and goes on when there is room.

use crate::harness::{self, SOON, on_runtime};
use crate::process::Process;
use schakel_contract::views::{CallView, Page};
use std::net::SocketAddr;
use tempfile::TempDir;
use tokio::process::Command;

/// A limit on the size of files stands for the disk. The shell sets it, because only a process itself may.
const SMALL: &str = r#"trap '' XFSZ; ulimit -S -f 600; exec "$0" serve --config "$1""#;

async fn is_ready(admin: SocketAddr) -> bool {
    let reply = reqwest::get(format!("http://{admin}/readyz")).await.unwrap();
    reply.status().is_success()
}

fn room(process: &Process, limit: &str) {
    let pid = process.child.id().unwrap().to_string();
    let done = std::process::Command::new("prlimit").args(["--pid", &pid, limit]).status().unwrap();
    assert!(done.success());
}

#[test]
fn p03_a_full_disk_stops_the_house_visibly_and_for_as_long_as_it_is_full() {
    on_runtime(async {
        let folder = TempDir::new().unwrap();
        let pbx = schakel_simulator::start(harness::pbx()).await.unwrap();
        let (api_address, admin) = harness::free_ports();
        let file = folder.path().join("schakel.toml");
        let csta = pbx.csta_address().unwrap();
        let text =
            harness::configuration(folder.path(), csta, &api_address.to_string(), &admin.to_string(), "");
        std::fs::write(&file, text.replace("[admin]", "answer_timeout_seconds = 1\n[admin]")).unwrap();
        let api = harness::api(api_address, &harness::token(&folder.path().join("journal.db")));
        let mut command = Command::new("sh");
        command.args(["-c", SMALL, env!("CARGO_BIN_EXE_schakel")]).arg(&file);
        let mut process = Process::spawn(command);
        process.says("schakel runs").await;
        pbx.until_monitored(1).await;

        let filling = async {
            let mut number = 0;
            while is_ready(admin).await {
                for _ in 0..20 {
                    number += 1;
                    let from = format!("020{number:07}");
                    pbx.ring(&from, "2001").unwrap();
                    pbx.hang_up(&from).unwrap();
                }
            }
        };
        tokio::time::timeout(SOON, filling).await.expect("the disk becomes full");
        process.says("the journal takes nothing").await;
        let calls = async || api.get::<Page<CallView<'static>>>(&["calls"]).await;
        let refused = calls().await.expect_err("nothing can be said while nothing is durable");
        assert_eq!(refused.problem().map(|problem| problem.status), Some(503), "{refused}");

        room(&process, "--fsize=unlimited:unlimited");
        process.says("the journal takes what is offered again").await;
        pbx.ring("0207654321", "2002").unwrap();
        let found = async {
            loop {
                let page = calls().await.unwrap();
                let is_it = |call: &CallView<'_>| call.calling.number.as_deref() == Some("0207654321");
                if page.items.iter().any(is_it) || page.next.is_some() {
                    return;
                }
            }
        };
        tokio::time::timeout(SOON, found).await.expect("the call that rings is there");

        room(&process, "--fsize=1");
        pbx.hang_up("0207654321").unwrap();
        process.says("the journal takes nothing").await;
        process.signal("-TERM");
        let status = tokio::time::timeout(SOON, process.child.wait()).await.expect("it can be stopped");
        assert!(status.unwrap().success());
    });
}
