//! What people say to whom stays out of the log, at every level, also when something is wrong with it.

use crate::harness::{self, ANY, SOON, on_runtime};
use crate::process::Process;
use http::Method;
use schakel::client::ledger::Order;
use schakel::jkc::StandIn;
use schakel::jkc::server::Behaviour;
use schakel_contract::views::{ActionName, ObservationsView};
use schakel_simulator::sins::Sin;
use serde_json::{Value, json};
use std::net::SocketAddr;
use tempfile::TempDir;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;

/// Numbers and names of customers and colleagues, and what they key in.
const PRIVATE: [&str; 9] = [
    "0201234567",
    "0307654321",
    "0655512345",
    "31655512345",
    "Vermeulen",
    "Öztürk",
    "de Vries",
    "Publieksbalie",
    "98765#",
];

/// What a PBX may say wrongly with somebody's number or name in it.
const WRONG: [&str; 12] = [
    "<DeliveredEvent><callingDevice>0655512345 Vermeulen</DeliveredEvent>",
    "<Vermeulen0655512345/>",
    "<DeliveredEvent Vermeulen=0655512345>",
    "<!DOCTYPE x [<!ENTITY v \"Vermeulen 0655512345\">]><DeliveredEvent>&v;</DeliveredEvent>",
    "<DeliveredEvent>&Vermeulen;&#x0655512345;</DeliveredEvent>",
    "Vermeulen 0655512345",
    "<DeliveredEvent><monitorCrossRefID>0655512345</monitorCrossRefID><connection><callID>Vermeulen</callID></connection></DeliveredEvent>",
    "<DeliveredEvent><monitorCrossRefID>1</monitorCrossRefID><localConnectionInfo>Vermeulen</localConnectionInfo><cause>0655512345</cause></DeliveredEvent>",
    "<CSTAErrorCode><operation>Vermeulen0655512345</operation></CSTAErrorCode>",
    "<CSTAErrorCode><Vermeulen0655512345>x</Vermeulen0655512345></CSTAErrorCode>",
    "<MonitorStartResponse><monitorCrossRefID>0655512345</monitorCrossRefID></MonitorStartResponse>",
    "<SystemStatus><systemStatus>Vermeulen 0655512345</systemStatus></SystemStatus>",
];

#[test]
fn p07_no_number_and_no_name_reaches_the_log_at_any_level() {
    on_runtime(async {
        let folder = TempDir::new().unwrap();
        let pbx = schakel_simulator::start(harness::pbx()).await.unwrap();
        let ((api_address, admin), (rogue, _)) = (harness::free_ports(), harness::free_ports());
        let file = folder.path().join("schakel.toml");
        let csta = pbx.csta_address().unwrap();
        let text =
            harness::configuration(folder.path(), csta, &api_address.to_string(), &admin.to_string(), "");
        let more = format!(
            "[log]\nlevel = \"trace\"\n{text}\n[[providers]]\nname = \"rogue\"\nmode = \"listen\"\naddress = \"{rogue}\"\n"
        );
        std::fs::write(&file, more).unwrap();
        let token = harness::token(&folder.path().join("journal.db"));
        let mut process = Process::start(&file);
        process.says("schakel runs").await;
        let mut said = process.listen();
        pbx.until_monitored(1).await;
        let api = harness::api(api_address, &token);
        let jkc = StandIn::start(ANY, None, Order::Whole).await.unwrap();
        harness::subscribe(&api, &jkc, false).await;

        let named = json!({"sin": "device-ids", "style": "named"});
        pbx.sin(&serde_json::from_value::<Sin>(named).unwrap()).unwrap();
        let seat = schakel::softphone::Seat {
            agent: "agent-1".into(),
            provider: "pbx".into(),
            device: "2001".into(),
            ..Default::default()
        };
        let agent = schakel::softphone::Softphone::sign_on(api.clone(), seat).await.unwrap();
        pbx.ring("0201234567", "2001").unwrap();
        agent.ringing(SOON).await.unwrap();
        agent.control(ActionName::Answer).await.unwrap();
        agent.connected(SOON).await.unwrap();
        agent.dtmf("98765#").await.unwrap();
        agent.control(ActionName::Answer).await.expect_err("it is answered already");
        pbx.hang_up("0201234567").unwrap();
        jkc.behave(Behaviour { status: Some(500), ..Behaviour::default() });
        agent.dial("0307654321").await.unwrap();
        // Nothing of this is right, and all of it is answered.
        for (method, path, body) in [
            (
                Method::POST,
                ["agents", "agent-1", "calls"],
                json!({"destination": {"number": "0655512345 Vermeulen"}}),
            ),
            (
                Method::PUT,
                ["agents", "0655512345", "registration"],
                json!({"provider": "pbx", "device": "0655512345"}),
            ),
            (Method::POST, ["calls", "Vermeulen", "0655512345"], json!({"Vermeulen": "0655512345"})),
        ] {
            api.send::<Value>(method, &path, &body).await.expect_err("it is wrong");
        }
        pbx.sin(
            &serde_json::from_value::<Sin>(json!({"sin": "desync", "how": "characters-not-bytes"})).unwrap(),
        )
        .unwrap();

        let _rogue = speak(rogue).await;
        let all_seen = async {
            loop {
                let seen =
                    api.get::<ObservationsView<'static>>(&["providers", "rogue", "observations"]).await;
                if seen.is_ok_and(|seen| seen.refused.len() >= 5) {
                    return;
                }
            }
        };
        tokio::time::timeout(SOON, all_seen).await.expect("what is wrong is refused");
        process.signal("-TERM");
        assert!(tokio::time::timeout(SOON, process.child.wait()).await.unwrap().unwrap().success());
        let log = tokio::time::timeout(SOON, &mut said).await.unwrap().unwrap();
        for expected in ["a subscription was made", "a message was refused", "link down"] {
            assert!(log.contains(expected), "the log is the one that was meant: no {expected:?}");
        }
        let secret = token.split_once('.').unwrap().1;
        for private in PRIVATE.iter().chain([&secret]) {
            let line = log.lines().find(|line| line.contains(private));
            assert!(line.is_none(), "{private} is in the log: {line:?}");
        }
    });
}

/// A PBX that says everything wrongly: in good frames first, and at last in none.
async fn speak(rogue: SocketAddr) -> TcpStream {
    let mut link = TcpStream::connect(rogue).await.unwrap();
    for (at, text) in WRONG.iter().enumerate() {
        let length = u16::try_from(text.len() + 8).unwrap();
        link.write_all(&[0, 0]).await.unwrap();
        link.write_all(&length.to_be_bytes()).await.unwrap();
        link.write_all(format!("{at:04}").as_bytes()).await.unwrap();
        link.write_all(text.as_bytes()).await.unwrap();
    }
    link.write_all(b"Vermeulen 0655512345 0655512345 Vermeulen").await.unwrap();
    link
}
