//! Files for a chat provider: an HTTP PUT to where its server said (XEP-0363).

use schakel_core::model::ids::{FileId, Str};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use tokio::task::JoinSet;

/// A server that has not taken a file by then is not going to.
const UPLOAD_LIMIT: Duration = Duration::from_secs(120);

/// A server that cannot now is asked again after so long; after the last of these the message has failed.
const AGAIN: [Duration; 2] = [Duration::from_secs(1), Duration::from_secs(5)];

/// Files under way at once; each is in memory.
const AT_ONCE: usize = 4;

/// Files that may wait for that.
const WAITING_MAX: usize = 100;

/// Where a file of the house is, by its id.
pub type FileOf = Arc<dyn Fn(FileId) -> PathBuf + Send + Sync>;

/// What uploads need.
pub struct Uploads {
    client: reqwest::Client,
    file_of: FileOf,
    bytes_max: u64,
    plain_allowed: bool,
    running: JoinSet<Uploaded>,
    waiting: Vec<Upload>,
}

/// What became of one.
pub(super) type Uploaded = (u64, Result<(), Str>);

/// One that is asked for.
pub(super) struct Upload {
    pub(super) upload: u64,
    pub(super) file: FileId,
    pub(super) media_type: Str,
    pub(super) url: Str,
    pub(super) headers: Vec<(Str, Str)>,
}

impl Uploads {
    /// Over TLS that trusts what the link would trust; plain HTTP only where the link itself is plain.
    ///
    /// # Errors
    /// When the HTTP client cannot be set up.
    pub fn new(
        tls: &rustls::ClientConfig,
        plain_allowed: bool,
        file_of: FileOf,
        bytes_max: u64,
    ) -> Result<Self, String> {
        let builder = reqwest::Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .no_proxy()
            .timeout(UPLOAD_LIMIT)
            .tls_backend_preconfigured(tls.clone());
        let client = builder.build().map_err(|error| error.to_string())?;
        Ok(Self { client, file_of, bytes_max, plain_allowed, running: JoinSet::new(), waiting: Vec::new() })
    }

    /// Starts one, or lets it wait its turn.
    pub(super) fn start(&mut self, upload: Upload) {
        if self.running.len() < AT_ONCE {
            self.run(upload);
        } else if self.waiting.len() < WAITING_MAX {
            self.waiting.push(upload);
        } else {
            let refused = (upload.upload, Err("too many files wait to be sent".into()));
            self.running.spawn_local(async move { refused });
        }
    }

    /// The next one that has ended; for ever when there is none. Cancel safe.
    pub(super) async fn ended(&mut self) -> Uploaded {
        loop {
            match self.running.join_next().await {
                Some(Ok(uploaded)) => {
                    if !self.waiting.is_empty() {
                        let next = self.waiting.remove(0);
                        self.run(next);
                    }
                    return uploaded;
                }
                Some(Err(error)) => tracing::error!(%error, "an upload ended badly"),
                None => std::future::pending().await,
            }
        }
    }

    /// The connection is gone, and with it what the server would have made of them.
    pub(super) fn forget(&mut self) {
        self.waiting.clear();
        self.running.abort_all();
        self.running = JoinSet::new();
    }

    fn run(&mut self, upload: Upload) {
        let (client, path) = (self.client.clone(), (self.file_of)(upload.file));
        let (bytes_max, plain_allowed) = (self.bytes_max, self.plain_allowed);
        self.running.spawn_local(async move {
            let mut pauses = AGAIN.into_iter();
            let result = loop {
                let pause = match put(&client, &path, bytes_max, plain_allowed, &upload).await {
                    Err(Failure::Passing(words)) => pauses.next().ok_or(words),
                    Err(Failure::Lasting(words)) => Err(words),
                    Ok(()) => break Ok(()),
                };
                match pause {
                    Ok(pause) => tokio::time::sleep(pause).await,
                    Err(words) => break Err(words),
                }
            };
            if let Err(words) = &result {
                tracing::warn!(%words, "a file for the chat server was not sent; its message has failed");
            }
            (upload.upload, result.map_err(Into::into))
        });
    }
}

/// Why a file was not taken.
enum Failure {
    /// It may be, a little later.
    Passing(String),
    Lasting(String),
}

impl From<String> for Failure {
    fn from(words: String) -> Self {
        Self::Lasting(words)
    }
}

async fn put(
    client: &reqwest::Client,
    path: &Path,
    bytes_max: u64,
    plain_allowed: bool,
    upload: &Upload,
) -> Result<(), Failure> {
    let url = reqwest::Url::parse(&upload.url).map_err(|error| format!("the server gave no URL: {error}"))?;
    if url.scheme() != "https" && !(plain_allowed && url.scheme() == "http") {
        return Err(Failure::Lasting("the server wants the file without TLS".into()));
    }
    let unreadable = |error: std::io::Error| format!("the file cannot be read: {error}");
    let size = tokio::fs::metadata(path).await.map_err(unreadable)?.len();
    if size > bytes_max {
        return Err(format!("the file has {size} bytes, more than the {bytes_max} that may be sent").into());
    }
    let content = tokio::fs::read(path).await.map_err(unreadable)?;
    let mut request = client.put(url).header(http::header::CONTENT_TYPE, &*upload.media_type).body(content);
    for (name, value) in &upload.headers {
        // Only these may be asked for (XEP-0363 clause 4).
        if ["authorization", "cookie", "expires"].contains(&name.to_ascii_lowercase().as_str()) {
            request = request.header(&**name, &**value);
        }
    }
    let failed = |error: reqwest::Error| {
        Failure::Passing(format!("sending failed: {}", reasons(&error.without_url())))
    };
    let answer = request.send().await.map_err(failed)?;
    match answer.status() {
        status if status.is_success() => Ok(()),
        status if status.is_server_error() => {
            Err(Failure::Passing(format!("the server could not take the file: {status}")))
        }
        status => Err(format!("the server refused the file: {status}").into()),
    }
}

/// An error with what it came of, such as a certificate that nobody vouches for.
fn reasons(error: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(error.source(), |cause| cause.source());
    causes.fold(error.to_string(), |text, cause| format!("{text}: {cause}"))
}
