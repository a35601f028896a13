//! One mail to one server.

use std::time::Duration;

use lettre::transport::smtp::Error;
use lettre::transport::smtp::authentication::Credentials as Login;
use lettre::transport::smtp::client::{Certificate, CertificateStore, Tls as Wanted, TlsParameters};
use lettre::transport::smtp::extension::ClientId;
use lettre::{AsyncSmtpTransport, AsyncTransport, Message, Tokio1Executor};

use super::settings::{MailSettings, Tls};
use super::task::MailErrorKind;
use crate::settings::Trust;

/// The longest text of an error that is kept.
const ERROR_MAX: usize = 300;

/// Answers that are about this mail and will not change: no such mailbox, too large, not allowed (RFC 5321, 4.2.3).
/// Others of the 5xx are about who we are or what was agreed on, which somebody can mend.
const FOR_GOOD: std::ops::RangeInclusive<u16> = 550..=556;

/// Why a mail was not taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum NotSent {
    /// The server does not want this one.
    ForGood(String),
    /// It may later.
    Later(String),
    /// It cannot be made ready to be sent; the server was not asked.
    Unready(String),
    /// The server could not be reached, or broke off: the others need not be tried either.
    NoServer(String),
}

impl NotSent {
    /// What went wrong, without words.
    pub(crate) fn kind(&self) -> MailErrorKind {
        match self {
            Self::ForGood(_) => MailErrorKind::Refused,
            Self::Later(_) => MailErrorKind::Later,
            Self::Unready(_) => MailErrorKind::Unready,
            Self::NoServer(_) => MailErrorKind::Server,
        }
    }
}

/// Gives a mail to the server.
pub(crate) async fn send(mail: Message, settings: &MailSettings) -> Result<(), NotSent> {
    let transport = transport(settings).await.map_err(NotSent::NoServer)?;
    // Each answer has its limit, and there are about a dozen: a server that drips does not hold us for ever.
    let whole = settings.timeout.saturating_mul(4).max(Duration::from_secs(1));
    match tokio::time::timeout(whole, transport.send(mail)).await {
        Ok(Ok(_)) => Ok(()),
        Ok(Err(error)) => Err(what(&error)),
        Err(_) => Err(NotSent::NoServer("the mail server did not take the mail in time".into())),
    }
}

async fn transport(settings: &MailSettings) -> Result<AsyncSmtpTransport<Tokio1Executor>, String> {
    let tls = match settings.tls {
        Tls::Implicit => Wanted::Wrapper(parameters(settings).await?),
        Tls::StartTls => Wanted::Required(parameters(settings).await?),
        Tls::None => Wanted::None,
    };
    let mut builder = AsyncSmtpTransport::<Tokio1Executor>::builder_dangerous(&*settings.host)
        .port(settings.port)
        .tls(tls)
        .timeout(Some(settings.timeout));
    if let Some(hello) = &settings.hello {
        builder = builder.hello_name(ClientId::Domain(hello.clone()));
    }
    if let Some(credentials) = &settings.credentials {
        let password = tokio::fs::read_to_string(&credentials.password_file).await.map_err(|error| {
            format!("the password file {} cannot be read: {error}", credentials.password_file.display())
        })?;
        let password = password.trim_end_matches(['\r', '\n']).to_owned();
        builder = builder.credentials(Login::new(credentials.user.clone(), password));
    }
    Ok(builder.build())
}

async fn parameters(settings: &MailSettings) -> Result<TlsParameters, String> {
    let mut builder = TlsParameters::builder(settings.host.clone());
    let read;
    let pem = match &settings.trust {
        Trust::Platform => None,
        Trust::CaPem(pem) => Some(pem),
        Trust::CaFile(path) => {
            let cannot = |error| format!("the CA file {} cannot be read: {error}", path.display());
            read = tokio::fs::read(path).await.map_err(cannot)?;
            Some(&read)
        }
    };
    if let Some(pem) = pem {
        builder = builder.certificate_store(CertificateStore::None);
        let bad = |error| format!("the CA file for mail has no certificates in PEM form: {error}");
        builder = builder.add_root_certificate(Certificate::from_pem(pem).map_err(bad)?);
    }
    builder.build_rustls().map_err(|error| format!("TLS for mail could not be set up: {error}"))
}

fn what(error: &Error) -> NotSent {
    let text = words(error);
    match error.status().map(u16::from) {
        Some(code) if FOR_GOOD.contains(&code) => NotSent::ForGood(text),
        // 421: the server is closing (RFC 5321, 3.8).
        Some(421) | None => NotSent::NoServer(text),
        Some(_) => NotSent::Later(text),
    }
}

/// An error with what is beneath it, cut to a bound.
fn words(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut beneath = error.source();
    while let Some(error) = beneath {
        let more = error.to_string();
        if !text.contains(&more) {
            text = format!("{text}: {more}");
        }
        beneath = error.source();
    }
    match text.char_indices().nth(ERROR_MAX) {
        Some((end, _)) => text.get(..end).unwrap_or_default().into(),
        None => text,
    }
}
