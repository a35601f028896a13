//! Who did what is in a log that nobody changes unseen (BIO 8.15), and an erased customer is nowhere (GDPR article 17).

use crate::harness::{self, ANY, House, SOON, on_runtime};
use crate::process::Process;
use http::Method;
use schakel::client::ledger::Order;
use schakel::jkc::StandIn;
use schakel::jkc::verify::Secret;
use schakel_contract::event::Event;
use schakel_contract::requests::SubscriptionRequest;
use schakel_contract::views::{ActionName, CreatedSubscription, ErasureView};
use serde_json::{Value, json};
use std::path::Path;
use std::process::Output;
use tempfile::TempDir;

async fn schakel(arguments: &[&str], config: &Path) -> Output {
    let mut command = tokio::process::Command::new(env!("CARGO_BIN_EXE_schakel"));
    command.args(arguments).arg("--config").arg(config);
    tokio::time::timeout(SOON, command.output()).await.expect("it ends").unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// How often some text is in the files of a folder.
fn occurrences(folder: &Path, needle: &str) -> usize {
    let files = std::fs::read_dir(folder).unwrap().map(|each| std::fs::read(each.unwrap().path()).unwrap());
    files.map(|bytes| bytes.windows(needle.len()).filter(|window| *window == needle.as_bytes()).count()).sum()
}

#[test]
fn bio_8_15_who_did_what_is_in_a_log_that_is_not_changed_unseen() {
    on_runtime(async {
        let folder = TempDir::new().unwrap();
        let pbx = schakel_simulator::start(harness::pbx()).await.unwrap();
        let (api_address, admin) = harness::free_ports();
        let config = folder.path().join("schakel.toml");
        let (api, admin) = (api_address.to_string(), admin.to_string());
        let csta = pbx.csta_address().unwrap();
        std::fs::write(&config, harness::configuration(folder.path(), csta, &api, &admin, "")).unwrap();
        // The command line, before the daemon.
        let made = schakel(&["token", "create", "--name", "test", "--scope", "admin"], &config).await;
        assert!(made.status.success(), "{}", text(&made.stderr));
        let token = text(&made.stdout).lines().last().unwrap().to_owned();
        let mut process = Process::start(&config);
        let begin = process.says("the audit log goes on after this").await;
        process.says("schakel runs").await;
        // A command, a change and a look, from an address.
        let api = harness::api(api_address, &token);
        let seat = json!({ "provider": "pbx", "device": "2001" });
        api.command(Method::PUT, &["agents", "jan", "registration"], Some(&seat)).await.unwrap();
        let _: Value = api.send(Method::POST, &["providers", "pbx", "reconnect"], &json!({})).await.unwrap();
        let _: Value = api.get(&["snapshot"]).await.unwrap();
        let page: Value = api.get(&["audit"]).await.unwrap();
        let rows = page["items"].as_array().unwrap();
        let row = |action: &str| {
            rows.iter().find(|row| row["action"] == action).unwrap_or_else(|| panic!("{action}: {page}"))
        };
        assert_eq!(row("token.create")["actor"]["token"], "cli");
        let id = token.split_once('.').unwrap().0;
        for (action, object) in [("agent.register", "agents/jan"), ("provider.reconnect", "providers/pbx")] {
            let row = row(action);
            assert_eq!((&row["object"], &row["result"]), (&json!(object), &json!("succeeded")));
            assert_eq!((&row["actor"]["token"], &row["from"]), (&json!(id), &json!("127.0.0.1")));
        }
        // It is checked while the daemon runs, against what the daemon's log said when it began.
        let head = begin
            .split("head=")
            .nth(1)
            .unwrap()
            .split_whitespace()
            .next()
            .unwrap()
            .trim_matches('"')
            .to_owned();
        let checked = schakel(&["audit", "verify", "--head", &head], &config).await;
        assert!(checked.status.success(), "{}{}", text(&checked.stdout), text(&checked.stderr));
        assert!(text(&checked.stdout).contains("none was changed"), "{}", text(&checked.stdout));
        let shown = schakel(&["audit", "show", "--action", "agent."], &config).await;
        assert!(text(&shown.stdout).contains("agents/jan") && !text(&shown.stdout).contains("token.create"));
        let exported = schakel(&["audit", "export", "--token", "cli"], &config).await;
        let first: Value = serde_json::from_str(text(&exported.stdout).lines().next().unwrap()).unwrap();
        assert_eq!(first["action"], "token.create");
        process.signal("-TERM");
        assert!(tokio::time::timeout(SOON, process.child.wait()).await.unwrap().unwrap().success());
        // Somebody with rights on the file says it was another action.
        let journal = folder.path().join("journal.db");
        let mut bytes = std::fs::read(&journal).unwrap();
        let at = bytes.windows(18).position(|window| window == b"provider.reconnect").expect("it is there");
        bytes[at..at + 18].copy_from_slice(b"provider.reconnecT");
        std::fs::write(&journal, bytes).unwrap();
        let checked = schakel(&["audit", "verify"], &config).await;
        assert_eq!(checked.status.code(), Some(1), "{}", text(&checked.stdout));
        assert!(
            text(&checked.stderr).contains("its content is not what was written"),
            "{}",
            text(&checked.stderr)
        );
    });
}

#[test]
fn avg_who_may_not_see_numbers_is_told_everything_but_them() {
    on_runtime(async {
        let house = House::start().await;
        let screen = StandIn::start(ANY, None, Order::Whole).await.unwrap();
        let request =
            SubscriptionRequest { url: screen.url(), kinds: Vec::new(), batch: false, persons: false };
        let created: CreatedSubscription =
            house.api.send(Method::POST, &["webhooks"], &request).await.unwrap();
        screen.trust(Secret::parse(&created.secret).unwrap());
        let agent = house.agent("jan", "2001").await;
        let mark = house.mark();
        house.pbx.ring("0201234567", "2001").unwrap();
        agent.ringing(SOON).await.unwrap();
        let whole = house.told(mark, "call.ringing", Some("2001")).await;
        assert_eq!(whole.data.call.as_ref().unwrap().calling.number.as_deref(), Some("0201234567"));
        let rings = |event: &Event| {
            event.data.change == "call.ringing" && event.data.device.as_deref() == Some("2001")
        };
        let told = screen
            .event_after(0, "call.ringing", SOON, rings)
            .await
            .unwrap_or_else(|error| panic!("{error}"))
            .0;
        assert_eq!((told.id, &told.subject), (whole.id, &whole.subject));
        assert!(!serde_json::to_string(&told).unwrap().contains("201234567"), "{told:?}");
        agent.control(ActionName::Answer).await.unwrap();
        agent.connected(SOON).await.unwrap();
        house.pbx.hang_up("0201234567").unwrap();
        house.ends_clean().await;
    });
}

#[test]
fn avg_17_an_erased_customer_is_in_no_file_of_the_daemon() {
    on_runtime(async {
        let folder = TempDir::new().unwrap();
        let path = folder.path().to_owned();
        let house = House::at(folder, None, harness::pbx(), "").await;
        // A number that is off is told without the reference; it is his all the same.
        let numbers = json!([{ "number": "0655512345" }, { "number": "0688776655", "enabled": false }]);
        let known = json!({ "kind": "person", "name": "J. Vermeulen", "numbers": numbers });
        house.api.send::<Value>(Method::PUT, &["recognition", "customers", "K-1"], &known).await.unwrap();
        let agent = house.agent("jan", "2001").await;
        for caller in ["0655512345", "0688776655", "0201234567"] {
            let mark = house.mark();
            house.pbx.ring(caller, "2001").unwrap();
            agent.ringing(SOON).await.unwrap();
            agent.control(ActionName::Answer).await.unwrap();
            agent.connected(SOON).await.unwrap();
            house.pbx.hang_up(caller).unwrap();
            house.told(mark, "call.ended", None).await;
        }
        assert!(occurrences(&path, "55512345") > 0);
        let erased: ErasureView =
            house.api.send(Method::POST, &["erasures"], &json!({ "reference": "K-1" })).await.unwrap();
        assert!(erased.contacts == 2 && erased.recognised == 2 && erased.going_on == 0, "{erased:?}");
        assert!(erased.notifications > 2 && erased.inputs > 2, "{erased:?}");
        for personal in ["55512345", "88776655", "Vermeulen"] {
            assert_eq!(occurrences(&path, personal), 0, "{personal} is in a file");
        }
        assert!(occurrences(&path, "0201234567") > 0, "another caller's number is kept");
        house.ends_clean().await;
    });
}
