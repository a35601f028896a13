//! The daemon as a process: signals, reload, and what it prints.

use crate::harness::{self, SOON, on_runtime};
use schakel_contract::views::{Page, ProviderView};
use std::path::Path;
use std::process::Stdio;
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt, BufReader, Lines};
use tokio::process::{Child, ChildStderr, Command};
use tokio::task::JoinHandle;

/// `schakel serve` as a process of its own.
pub struct Process {
    pub child: Child,
    log: Option<Lines<BufReader<ChildStderr>>>,
}

impl Process {
    pub fn start(config: &Path) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_schakel"));
        command.args(["serve", "--config"]).arg(config);
        Self::spawn(command)
    }

    /// With a command line of its own.
    pub fn spawn(mut command: Command) -> Self {
        let mut child = command.stderr(Stdio::piped()).kill_on_drop(true).spawn().unwrap();
        let log = BufReader::new(child.stderr.take().unwrap()).lines();
        Self { child, log: Some(log) }
    }

    /// Reads the log up to a line with this text.
    pub async fn says(&mut self, text: &str) -> String {
        let log = self.log.as_mut().unwrap();
        let reading = async {
            loop {
                let line = log.next_line().await.unwrap().unwrap_or_else(|| panic!("no line with {text:?}"));
                if line.contains(text) {
                    return line;
                }
            }
        };
        tokio::time::timeout(SOON, reading).await.unwrap_or_else(|_| panic!("no line with {text:?}"))
    }

    /// Everything that it logs from now on, once it has ended.
    pub fn listen(&mut self) -> JoinHandle<String> {
        let mut log = self.log.take().unwrap();
        tokio::task::spawn_local(async move {
            let mut all = String::new();
            while let Some(line) = log.next_line().await.unwrap() {
                all.push_str(&line);
                all.push('\n');
            }
            all
        })
    }

    pub fn signal(&self, name: &str) {
        let id = self.child.id().unwrap().to_string();
        assert!(std::process::Command::new("kill").args([name, &id]).status().unwrap().success());
    }
}

#[test]
fn p05_a_reload_is_whole_or_not_at_all_and_drops_no_link_that_did_not_change() {
    on_runtime(async {
        let folder = TempDir::new().unwrap();
        let (one, two) = (
            schakel_simulator::start(harness::pbx()).await.unwrap(),
            schakel_simulator::start(harness::pbx()).await.unwrap(),
        );
        let (api_address, admin) = harness::free_ports();
        let file = folder.path().join("schakel.toml");
        let csta = one.csta_address().unwrap();
        let text =
            harness::configuration(folder.path(), csta, &api_address.to_string(), &admin.to_string(), "");
        std::fs::write(&file, &text).unwrap();
        let token = harness::token(&folder.path().join("journal.db"));
        let mut process = Process::start(&file);
        process.says("schakel runs").await;
        one.until_monitored(1).await;
        let api = harness::api(api_address, &token);
        let providers = async || -> Vec<ProviderView<'static>> {
            api.get::<Page<ProviderView<'static>>>(&["providers"]).await.unwrap().items
        };

        std::fs::write(&file, format!("{text}\nbalie = 1\n")).unwrap();
        process.signal("-HUP");
        process.says("the old one stays in force").await;
        process.says("balie").await;
        assert_eq!(providers().await.len(), 1);

        let more = format!(
            "{text}\n[[providers]]\nname = \"two\"\naddress = \"{}\"\n[[providers.devices]]\nnumbers = [\"2001\"]\n",
            two.csta_address().unwrap()
        );
        std::fs::write(&file, more).unwrap();
        process.signal("-HUP");
        process.says("the configuration is read again").await;
        two.until_monitored(1).await;
        assert_eq!(providers().await.len(), 2);
        let links = one.server_state().links;
        assert_eq!(links.len(), 1, "the first link was not made anew: {links:?}");

        process.signal("-TERM");
        let status = tokio::time::timeout(SOON, process.child.wait()).await.unwrap().unwrap();
        assert!(status.success(), "{status}");
    });
}

#[test]
fn p05_a_wrong_configuration_ends_with_2_and_a_journal_in_use_with_1() {
    on_runtime(async {
        let folder = TempDir::new().unwrap();
        let file = folder.path().join("schakel.toml");
        std::fs::write(&file, "[api]\nlisen = \"x\"\n").unwrap();
        let mut process = Process::start(&file);
        process.says("did you mean `listen`?").await;
        assert_eq!(process.child.wait().await.unwrap().code(), Some(2));

        let ports = (harness::free_ports(), harness::free_ports());
        let nowhere = ports.1.0;
        let config = |(api, admin): (std::net::SocketAddr, std::net::SocketAddr)| {
            harness::configuration(folder.path(), nowhere, &api.to_string(), &admin.to_string(), "")
        };
        std::fs::write(&file, config(ports.0)).unwrap();
        let mut first = Process::start(&file);
        first.says("schakel runs").await;
        first.says("link down").await;
        let mut second = Process::start(&file);
        second.says("in use by another process").await;
        assert_eq!(second.child.wait().await.unwrap().code(), Some(1));
    });
}

#[test]
fn p05_a_listening_link_is_changed_or_left_and_the_log_can_be_made_to_say_more() {
    on_runtime(async {
        let folder = TempDir::new().unwrap();
        let file = folder.path().join("schakel.toml");
        let ((api, admin), (ours, taken)) = (harness::free_ports(), harness::free_ports());
        let config = |level: &str, peers: &str, more: &str| {
            let keys = format!("mode = \"listen\"\nallowed_peers = [{peers}]");
            let text =
                harness::configuration(folder.path(), ours, &api.to_string(), &admin.to_string(), &keys);
            std::fs::write(&file, format!("[log]\nlevel = \"{level}\"\n{text}{more}")).unwrap();
        };
        config("error", "", "");
        let mut process = Process::start(&file);
        let answers = async {
            while tokio::net::TcpStream::connect(api).await.is_err() {
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(SOON, answers).await.expect("the daemon starts");

        // The line itself is of level info: it is there because the level changed.
        config("info", "", "");
        process.signal("-HUP");
        process.says("the configuration is read again").await;
        let _pbx = tokio::net::TcpStream::connect(ours).await.unwrap();
        process.says("link open").await;

        config("info", "\"127.0.0.1\"", "");
        process.signal("-HUP");
        process.says("the configuration is read again").await;
        let _pbx = tokio::net::TcpStream::connect(ours).await.unwrap();
        process.says("link open").await;

        let _other = std::net::TcpListener::bind(taken).unwrap();
        let second = format!("\n[[providers]]\nname = \"two\"\nmode = \"listen\"\naddress = \"{taken}\"\n");
        config("info", "", &second);
        process.signal("-HUP");
        process.says("the old configuration stays in force").await;
        let _pbx = tokio::net::TcpStream::connect(ours).await.unwrap();
        process.says("link open").await;
        process.signal("-INT");
        assert!(tokio::time::timeout(SOON, process.child.wait()).await.unwrap().unwrap().success());
    });
}
