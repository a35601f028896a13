//! The daemon as a process of its own: started, awaited, killed without warning, started again.

use super::teller::Untrue;
use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;
use tokio::process::{Child, Command};

/// A daemon starts in milliseconds; a debug build on a busy machine may need seconds.
const READY_LIMIT: Duration = Duration::from_secs(30);

/// Between two questions whether it is ready: what starts another process can only be asked.
const ASK_AGAIN: Duration = Duration::from_millis(20);

/// So many lines of its log are shown when something went wrong.
const LAST_WORDS: usize = 15;

/// The daemon.
#[derive(Debug)]
pub(super) struct Daemon {
    config: PathBuf,
    log: PathBuf,
    ready: String,
    http: reqwest::Client,
    child: Option<Child>,
}

impl Daemon {
    /// A daemon that is to run with a configuration, and is asked at `admin` (address and port) whether it is ready.
    pub(super) fn new(config: PathBuf, log: PathBuf, admin: &str) -> Self {
        let http = reqwest::Client::new();
        Self { config, log, ready: format!("http://{admin}/readyz"), http, child: None }
    }

    /// Makes an access token in the journal of the daemon, which must not run.
    pub(super) async fn create_token(&self) -> Result<String, Untrue> {
        let printed = self.ask(&["token", "create", "--name", "demo", "--scope", "admin"]).await?;
        let token = printed.split_whitespace().last().map(str::to_owned);
        token.ok_or_else(|| Untrue::SetUp("`schakel token create` made no token".into()))
    }

    /// Runs another command of this program with the daemon's configuration. Gives what it printed.
    pub(super) async fn ask(&self, words: &[&str]) -> Result<String, Untrue> {
        let name = words.first().copied().unwrap_or_default();
        let mut command = self.command(words)?;
        let done = command.stdin(Stdio::null()).output().await.map_err(|error| failed(name, &error))?;
        let printed = String::from_utf8_lossy(&done.stdout).into_owned();
        if done.status.success() {
            return Ok(printed);
        }
        let said = String::from_utf8_lossy(&done.stderr);
        Err(Untrue::SetUp(format!("`schakel {name}` failed: {printed}{said}")))
    }

    /// Starts it, and waits until it is ready.
    pub(super) async fn start(&mut self) -> Result<(), Untrue> {
        let log = || {
            let mut options = std::fs::OpenOptions::new();
            options.create(true).append(true).open(&self.log).map_err(|error| failed("its log file", &error))
        };
        let mut command = self.command(&["serve"])?;
        command.stdin(Stdio::null()).stdout(log()?).stderr(log()?).kill_on_drop(true);
        self.child = Some(command.spawn().map_err(|error| failed("serve", &error))?);
        let ready = tokio::time::timeout(READY_LIMIT, async {
            while !self.is_ready().await {
                if let Some(Ok(Some(status))) = self.child.as_mut().map(Child::try_wait) {
                    return Err(Untrue::SetUp(format!(
                        "`schakel serve` ended with {status}\n{}",
                        self.last_words()
                    )));
                }
                tokio::time::sleep(ASK_AGAIN).await;
            }
            Ok(())
        });
        ready.await.unwrap_or_else(|_| {
            let limit = READY_LIMIT.as_secs();
            Err(Untrue::SetUp(format!(
                "`schakel serve` was not ready within {limit} s\n{}",
                self.last_words()
            )))
        })
    }

    /// SIGKILL: it cannot see it coming, and cannot save anything.
    pub(super) async fn kill(&mut self) -> Result<(), Untrue> {
        let Some(mut child) = self.child.take() else { return Ok(()) };
        child.kill().await.map_err(|error| failed("kill", &error))
    }

    /// Its process id.
    pub(super) fn id(&self) -> Option<u32> {
        self.child.as_ref().and_then(Child::id)
    }

    /// The last lines of its log.
    pub(super) fn last_words(&self) -> String {
        let text = std::fs::read_to_string(&self.log).unwrap_or_default();
        let lines: Vec<&str> = text.lines().collect();
        let last = lines.get(lines.len().saturating_sub(LAST_WORDS)..).unwrap_or_default();
        if last.is_empty() {
            String::new()
        } else {
            format!("The daemon's last words:\n  {}", last.join("\n  "))
        }
    }

    fn command(&self, words: &[&str]) -> Result<Command, Untrue> {
        let mut command = itself()?;
        command.args(words).arg("--config").arg(&self.config);
        // What is set for another daemon must not change this one.
        for (name, _) in
            std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("SCHAKEL_"))
        {
            command.env_remove(name);
        }
        Ok(command)
    }

    async fn is_ready(&self) -> bool {
        let asked = self.http.get(&self.ready).timeout(Duration::from_secs(2)).send().await;
        asked.is_ok_and(|response| response.status().is_success())
    }
}

/// This very program, also when its file was replaced by a newer one meanwhile.
#[cfg(target_os = "linux")]
fn itself() -> Result<Command, Untrue> {
    let mut command = Command::new("/proc/self/exe");
    command.arg0("schakel");
    Ok(command)
}

/// This very program.
#[cfg(not(target_os = "linux"))]
fn itself() -> Result<Command, Untrue> {
    std::env::current_exe().map(Command::new).map_err(|error| failed("this program itself", &error))
}

fn failed(what: &str, error: &std::io::Error) -> Untrue {
    Untrue::SetUp(format!("{what}: {error}"))
}
