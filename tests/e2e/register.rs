//! Recognition and directory as a municipality uses them: imported from the command line, told when the telephone rings,
//! searched for a colleague, a customer handed over to a department, and all of it in a backup.

use crate::harness::{self, House, SOON, on_runtime};
use crate::process::Process;
use http::Method;
use schakel_contract::views::{
    ActionName, AgentView, DirectoryHitView, MatchKind, MatchRole, RecognitionStatus, RecognitionView,
    TransferView,
};
use serde::Deserialize;
use serde_json::{Value, json};
use std::path::Path;
use std::process::Output;
use tempfile::TempDir;

#[derive(Deserialize)]
struct Hits {
    items: Vec<DirectoryHitView<'static>>,
}

/// Runs the program to its end, beside the daemon of the test.
async fn schakel(arguments: &[&str], url: &str, token: &str) -> Output {
    let mut command = tokio::process::Command::new(env!("CARGO_BIN_EXE_schakel"));
    command.args(arguments).env("SCHAKEL_URL", url).env("SCHAKEL_TOKEN", token);
    tokio::time::timeout(SOON, command.output()).await.expect("it ends").unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn written(folder: &TempDir, name: &str, content: &str) -> String {
    let path = folder.path().join(name);
    std::fs::write(&path, content).unwrap();
    path.to_str().unwrap().to_owned()
}

#[test]
fn t04_t10_who_calls_is_told_with_the_first_ring_and_switched_off_he_is_not() {
    on_runtime(async {
        let house = House::start().await;
        let jan = house.agent("jan", "2001").await;
        let on = json!({ "kind": "person", "name": "J. de Vries", "numbers": [{ "number": "020-1234567" }] });
        let path = ["recognition", "customers", "K-1"];
        house.api.send::<Value>(Method::PUT, &path, &on).await.unwrap();
        let shared = json!({ "kind": "organisation", "name": "Bakkerij", "numbers": [{ "number": "020-1234567", "representativeOf": "K-9" }] });
        house.api.send::<Value>(Method::PUT, &["recognition", "customers", "O-1"], &shared).await.unwrap();
        let mark = house.mark();
        house.pbx.ring("0201234567", "2001").unwrap();
        let ringing = house.told(mark, "call.ringing", Some("2001")).await;
        let recognition = ringing.data.contact.unwrap().recognition.unwrap();
        assert_eq!(recognition.status, RecognitionStatus::Several);
        let matches: Vec<_> =
            recognition.matches.iter().map(|each| (each.kind, each.reference.as_ref(), each.role)).collect();
        assert_eq!(
            matches,
            [
                (MatchKind::Person, "K-1", MatchRole::Customer),
                (MatchKind::Organisation, "O-1", MatchRole::Representative)
            ]
        );
        jan.ringing(SOON).await.unwrap();
        jan.control(ActionName::Answer).await.unwrap();
        let answered = house.told(mark, "call.answered", Some("2001")).await;
        assert_eq!(answered.data.contact.unwrap().recognition, Some(recognition));

        // While he speaks JKC switches it off: from now on nothing tells it.
        for customer in ["K-1", "O-1"] {
            house.api.delete(&["recognition", "customers", customer]).await.unwrap();
        }
        house.pbx.hang_up("0201234567").unwrap();
        let ended = house.told(mark, "call.ended", None).await;
        let after = ended.data.contact.unwrap().recognition.unwrap();
        assert_eq!((after.status, after.matches.len()), (RecognitionStatus::None, 0));
        house.ends_clean().await;
    });
}

#[test]
fn t13_t24_a_colleague_is_found_by_name_and_the_transfer_has_his_department() {
    on_runtime(async {
        let house = House::start().await;
        let jan = house.agent("jan", "2001").await;
        let anna = house.agent("anna", "2002").await;
        let entry = json!({ "kind": "person", "name": "Berg, Anna van den", "number": "2019", "agent": "anna",
            "department": "Burgerzaken" });
        house.api.send::<Value>(Method::PUT, &["directory", "entries", "m-1"], &entry).await.unwrap();
        let mark = house.mark();
        house.pbx.ring("0201234567", "2001").unwrap();
        jan.ringing(SOON).await.unwrap();
        jan.control(ActionName::Answer).await.unwrap();
        jan.connected(SOON).await.unwrap();
        let search = json!({ "text": "van den berg" });
        let found: Hits = house.api.send(Method::POST, &["directory", "search"], &search).await.unwrap();
        assert_eq!(found.items.len(), 1);
        let hit = &found.items[0];
        assert_eq!(hit.agent.as_deref(), Some("anna"), "where she sits now");
        let live: AgentView<'static> = house.api.get(&["agents", "anna"]).await.unwrap();
        assert_eq!(hit.availability, Some(live.availability), "as she is at this moment");
        assert!(!hit.device.as_ref().unwrap().in_call, "{hit:?}");
        let call = house.live_calls().await[0].id;
        let transfer =
            json!({ "call": call, "device": "2001", "to": { "entry": hit.entry.id }, "kind": "cold" });
        house.api.command(Method::POST, &["transfers"], Some(&transfer)).await.unwrap();
        anna.ringing(SOON).await.unwrap();
        anna.control(ActionName::Answer).await.unwrap();
        let done = house.told(mark, "transfer.completed", None).await;
        let id = done.data.transfer.unwrap().id;
        let transfer: TransferView<'static> = house.api.get(&["transfers", &id.to_string()]).await.unwrap();
        assert_eq!((transfer.to.as_ref(), transfer.to_device.as_deref()), ("2002", Some("2002")));
        let kept = move |state: &schakel_core::state::State| {
            state.transfers[&schakel_core::model::ids::TransferId(id.as_u128())].department.clone()
        };
        assert_eq!(house.daemon.engine().read(kept).await.unwrap().as_deref(), Some("Burgerzaken"));
        house.pbx.hang_up("0201234567").unwrap();
        house.ends_clean().await;
    });
}

#[test]
fn t10_t13_files_are_imported_from_the_command_line_and_come_back_from_a_backup() {
    on_runtime(async {
        let folder = TempDir::new().unwrap();
        let (api_address, admin) = harness::free_ports();
        let pbx = schakel_simulator::start(harness::pbx()).await.unwrap();
        let csta = pbx.csta_address().unwrap();
        let config =
            |at: &Path| harness::configuration(at, csta, &api_address.to_string(), &admin.to_string(), "");
        let file = written(&folder, "schakel.toml", &config(folder.path()));
        let token = harness::token(&folder.path().join("journal.db"));
        let daemon = daemon_of(&file).await;
        let url = format!("http://{api_address}");

        let numbers = written(
            &folder,
            "klanten.csv",
            "nummer;soort;referentie;naam\n06-12345678;persoon;K-1;J. de Vries\n",
        );
        let done = schakel(&["recognition", "import", &numbers], &url, &token).await;
        assert!(done.status.success(), "{}", text(&done.stderr));
        let people =
            written(&folder, "gids.jsonl", "{\"id\":\"m-1\",\"name\":\"José\",\"number\":\"8123\"}\n");
        let done = schakel(&["directory", "import", "--replace", &people], &url, &token).await;
        assert!(text(&done.stdout).contains("\"total\": 1"), "{}{}", text(&done.stdout), text(&done.stderr));
        let wrong =
            written(&folder, "fout.csv", "nummer;soort;referentie;naam\n112;persoon;K-1;x\n1;robot;K-2;y\n");
        let refused = schakel(&["recognition", "import", &wrong], &url, &token).await;
        let said = text(&refused.stderr);
        assert_eq!(refused.status.code(), Some(1), "{said}");
        assert!(said.contains("line 2: number") && said.contains("line 3: kind"), "{said}");
        let unnamed = schakel(&["directory", "import", "/dev/null"], &url, &token).await;
        assert_eq!(unnamed.status.code(), Some(2), "{}", text(&unnamed.stderr));
        let found = schakel(&["directory", "search", "jose"], &url, &token).await;
        assert!(text(&found.stdout).contains("m-1"), "{}", text(&found.stdout));

        let copy = folder.path().join("copy").to_str().unwrap().to_owned();
        let done = schakel(&["backup", "--config", &file, &copy], &url, &token).await;
        assert!(done.status.success(), "{}", text(&done.stderr));
        daemon.stop().await;
        let other = TempDir::new().unwrap();
        let file = written(&other, "schakel.toml", &config(other.path()));
        let done = schakel(&["restore", "--config", &file, &copy], &url, &token).await;
        assert!(done.status.success(), "{}", text(&done.stderr));
        let daemon = daemon_of(&file).await;
        let api = harness::api(daemon.api, &token);
        let whose = json!({ "number": "+31 6 12345678" });
        let found: RecognitionView<'static> =
            api.send(Method::POST, &["recognition", "search"], &whose).await.unwrap();
        assert_eq!(found.matches[0].name, "J. de Vries");
        daemon.stop().await;
        pbx.stop().await;
    });
}

#[test]
fn t10_what_was_answered_is_there_after_kill_9() {
    on_runtime(async {
        let folder = TempDir::new().unwrap();
        let (api_address, admin) = harness::free_ports();
        let pbx = schakel_simulator::start(harness::pbx()).await.unwrap();
        let (listen, admin) = (api_address.to_string(), admin.to_string());
        let text = harness::configuration(folder.path(), pbx.csta_address().unwrap(), &listen, &admin, "");
        let file = written(&folder, "schakel.toml", &text);
        let token = harness::token(&folder.path().join("journal.db"));
        let api = harness::api(api_address, &token);
        let mut process = Process::start(Path::new(&file));
        process.says("schakel runs").await;
        let body =
            json!({ "kind": "person", "name": "J. de Vries", "numbers": [{ "number": "0612345678" }] });
        api.send::<Value>(Method::PUT, &["recognition", "customers", "K-1"], &body).await.unwrap();
        process.child.kill().await.unwrap();
        let mut again = Process::start(Path::new(&file));
        again.says("schakel runs").await;
        let whose = json!({ "number": "06 12345678" });
        let found: RecognitionView<'static> =
            api.send(Method::POST, &["recognition", "search"], &whose).await.unwrap();
        assert_eq!(found.matches[0].reference, "K-1");
        again.child.kill().await.unwrap();
        pbx.stop().await;
    });
}

/// A daemon in this process, as the file says.
async fn daemon_of(file: &str) -> schakel::serve::Daemon {
    let config = schakel::config::Config::load(Some(Path::new(file)), &[]).unwrap();
    let daemon = schakel::serve::Daemon::start(config, schakel::serve::Sabotage::default()).await;
    daemon.unwrap_or_else(|error| panic!("{error:?}"))
}
