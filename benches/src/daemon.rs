//! Starting `schakel serve` as an operator does: a configuration file, a token, a subscription over REST.

use crate::Result;
use crate::http::Client;
use crate::process::Process;
use std::fmt::Write as _;
use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

/// What differs from the default configuration.
#[derive(Debug, Clone)]
pub struct Setting {
    /// The binary.
    pub binary: PathBuf,
    /// The PBX, if there is one.
    pub pbx: Option<SocketAddr>,
    /// Devices, as ranges of numbers.
    pub numbers: Vec<String>,
    /// The authority of the sink's certificate.
    pub ca_file: Option<PathBuf>,
    /// Before the binary: valgrind and its arguments, say.
    pub under: Vec<String>,
    /// Further lines of configuration by section, such as `("calls", "keep_ended_seconds = 1")`.
    pub extra: Vec<(&'static str, String)>,
    /// How long it may take to be ready.
    pub patience: Duration,
}

impl Setting {
    /// A daemon for this PBX and these devices.
    #[must_use]
    pub fn new(binary: &Path, pbx: Option<SocketAddr>, numbers: &[String]) -> Self {
        Self {
            binary: binary.to_owned(),
            pbx,
            numbers: numbers.to_vec(),
            ca_file: None,
            under: Vec::new(),
            // Ended calls stay in the live picture for ten minutes by default. At ten thousand calls a second that
            // would be six million of them, which no PBX has; what is measured is the pipe.
            extra: vec![("calls", "keep_ended_seconds = 1".to_owned())],
            patience: Duration::from_secs(20),
        }
    }
}

/// A running daemon.
#[derive(Debug)]
pub struct Daemon {
    /// Its process.
    pub process: Process,
    /// Its REST API.
    pub api: SocketAddr,
    /// Its admin listener.
    pub admin: SocketAddr,
    /// A token that may do all.
    pub token: String,
    /// From the start of the process until it was ready.
    pub started_in: Duration,
    folder: PathBuf,
}

impl Daemon {
    /// Writes the configuration into `folder`, makes a token, starts the daemon and waits until it is ready. A
    /// journal that is in the folder already is gone on with.
    ///
    /// # Errors
    /// If it does not get ready; with the end of its log.
    pub fn start(setting: &Setting, folder: &Path) -> Result<Self> {
        let [api, admin] = free_ports()?;
        let config = folder.join("schakel.toml");
        std::fs::write(&config, configuration(setting, folder, api, admin))?;
        let made = Command::new(&setting.binary)
            .args(["token", "create", "--name", "bench", "--scope", "admin", "--config"])
            .arg(&config)
            .output()?;
        if !made.status.success() {
            return Err(format!("no token: {}", String::from_utf8_lossy(&made.stderr)).into());
        }
        let text = String::from_utf8(made.stdout)?;
        let token = text.split_whitespace().last().ok_or("schakel token create printed nothing")?.to_owned();
        let mut words = setting.under.clone();
        words.push(setting.binary.display().to_string());
        let mut command = Command::new(&words[0]);
        command.args(&words[1..]).arg("serve").arg("--config").arg(&config);
        let begin = Instant::now();
        let process = Process::start("schakel serve", &mut command, &folder.join("log"))?;
        let mut daemon =
            Self { process, api, admin, token, started_in: Duration::ZERO, folder: folder.to_owned() };
        daemon.wait_until_ready(begin, setting.patience)?;
        Ok(daemon)
    }

    /// A connection to the API.
    ///
    /// # Errors
    /// If it does not listen.
    pub fn client(&self) -> Result<Client> {
        Client::connect(self.api, &self.token)
    }

    /// Subscribes the sink to the three notifications of a simple call.
    ///
    /// # Errors
    /// If it is refused.
    pub fn subscribe(&self, sink: SocketAddr, tls: bool, batch: bool) -> Result<()> {
        self.subscribe_to(&["call.ringing", "call.answered", "call.ended"], sink, tls, batch)
    }

    /// Subscribes the sink to these kinds of notification.
    ///
    /// # Errors
    /// If it is refused.
    pub fn subscribe_to(&self, kinds: &[&str], sink: SocketAddr, tls: bool, batch: bool) -> Result<()> {
        let scheme = if tls { "https" } else { "http" };
        let kinds = kinds.join(r#"",""#);
        let body = format!(r#"{{"url":"{scheme}://{sink}/hook","kinds":["{kinds}"],"batch":{batch}}}"#);
        let answer = self.client()?.send("POST", "/v1/webhooks", "", &body)?;
        if answer.status / 100 != 2 {
            return Err(format!("the subscription was refused: {} {}", answer.status, answer.body).into());
        }
        Ok(())
    }

    /// One value of the metrics: the sum over all labels.
    ///
    /// # Errors
    /// If the admin listener does not answer.
    pub fn metric(&self, name: &str) -> Result<Option<f64>> {
        let answer = Client::connect(self.admin, "")?.send("GET", "/metrics", "connection: close\r\n", "")?;
        let mut sum = None;
        for line in answer.body.lines().filter(|line| !line.starts_with('#')) {
            let Some(rest) = line.strip_prefix(name) else { continue };
            if rest.starts_with([' ', '{'])
                && let Some(value) = line.rsplit(' ').next().and_then(|value| value.parse::<f64>().ok())
            {
                sum = Some(sum.unwrap_or(0.0) + value);
            }
        }
        Ok(sum)
    }

    /// The last lines of its log.
    #[must_use]
    pub fn log_tail(&self) -> String {
        let log = std::fs::read_to_string(self.folder.join("log")).unwrap_or_default();
        let lines: Vec<&str> = log.lines().collect();
        lines[lines.len().saturating_sub(12)..].join("\n")
    }

    fn wait_until_ready(&mut self, begin: Instant, patience: Duration) -> Result<()> {
        loop {
            if let Some(how) = self.process.ended() {
                return Err(format!("{how}\n{}", self.log_tail()).into());
            }
            let ready = Client::connect(self.admin, "")
                .and_then(|mut client| client.send("GET", "/readyz", "connection: close\r\n", ""));
            if ready.is_ok_and(|answer| answer.status == 200) {
                self.started_in = begin.elapsed();
                return Ok(());
            }
            if begin.elapsed() > patience {
                return Err(format!("not ready within {patience:?}\n{}", self.log_tail()).into());
            }
            std::thread::sleep(Duration::from_millis(1));
        }
    }
}

/// Ports that nobody listens on just now.
///
/// # Errors
/// If there are none.
pub fn free_ports<const N: usize>() -> Result<[SocketAddr; N]> {
    // All are held until all are known: a port that is let go is the next one given.
    let mut held = Vec::new();
    let mut ports = [SocketAddr::from(([127, 0, 0, 1], 0)); N];
    for port in &mut ports {
        let listener = TcpListener::bind(*port)?;
        *port = listener.local_addr()?;
        held.push(listener);
    }
    Ok(ports)
}

fn configuration(setting: &Setting, folder: &Path, api: SocketAddr, admin: SocketAddr) -> String {
    let section = |name: &str| {
        let lines = setting.extra.iter().filter(|(section, _)| *section == name);
        lines.fold(String::new(), |all, (_, line)| all + line + "\n")
    };
    let ca_file = setting.ca_file.as_ref().map(|path| path.display().to_string()).unwrap_or_default();
    let mut text = format!(
        "[organisation]\nid = \"bench\"\noin = \"00000000000000000000\"\nsystem = \"schakel\"\n\
         [journal]\npath = \"{}\"\n{}\
         [api]\nlisten = \"{api}\"\n{}\
         [admin]\nlisten = \"{admin}\"\n\
         [webhooks]\nallowed_hosts = [\"127.0.0.1\"]\nallow_insecure = true\nca_file = \"{ca_file}\"\n{}\
         [calls]\n{}\
         [log]\nlevel = \"warn\"\n",
        folder.join("schakel.db").display(),
        section("journal"),
        section("api"),
        section("webhooks"),
        section("calls"),
    );
    match setting.pbx {
        None => text.insert_str(0, "providers = []\n"),
        Some(pbx) => {
            let numbers: Vec<String> = setting.numbers.iter().map(|range| format!("\"{range}\"")).collect();
            let _ = write!(
                text,
                "[[providers]]\nname = \"pbx\"\nadapter = \"csta\"\nmode = \"connect\"\naddress = \"{pbx}\"\n\
                 [providers.csta]\ndialect = \"standard\"\nedition = 4\n{}\
                 [[providers.devices]]\nnumbers = [{}]\nkind = \"station\"\n",
                section("csta"),
                numbers.join(", ")
            );
            let routes = section("routes");
            if !routes.is_empty() {
                let _ = write!(text, "[[providers.routes]]\n{routes}");
            }
        }
    }
    text
}
