//! A mail server that keeps what it is sent: as much of SMTP (RFC 5321) as a relay on the same machine needs.

use super::teller::Untrue;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

/// No mail of the story comes near this.
const BYTES_MAX: usize = 1024 * 1024;

/// The mail server with its one mailbox.
#[derive(Debug)]
pub(super) struct MailServer {
    address: SocketAddr,
    mails: Arc<Mutex<Vec<String>>>,
    arrived: watch::Receiver<usize>,
    listens: tokio::task::JoinHandle<()>,
}

impl MailServer {
    /// Listens on a port of its own.
    pub(super) async fn start() -> std::io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let address = listener.local_addr()?;
        let mails: Arc<Mutex<Vec<String>>> = Arc::default();
        let (told, arrived) = watch::channel(0);
        let kept = Arc::clone(&mails);
        let listens = tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                // One after the other: there is one who sends, and a broken connection is one without a mail.
                let Ok(Some(mail)) = talk(client).await else { continue };
                let count = {
                    let mut kept = kept.lock().unwrap_or_else(PoisonError::into_inner);
                    kept.push(mail);
                    kept.len()
                };
                told.send_replace(count);
            }
        });
        Ok(Self { address, mails, arrived, listens })
    }

    /// Its port on this machine.
    pub(super) fn port(&self) -> u16 {
        self.address.port()
    }

    /// The next mail that has not been read.
    pub(super) async fn next(&mut self, read: usize, within: Duration) -> Result<String, Untrue> {
        let came = tokio::time::timeout(within, self.arrived.wait_for(|count| *count > read)).await;
        let came = came.is_ok_and(|came| came.is_ok());
        let mails = self.mails.lock().unwrap_or_else(PoisonError::into_inner);
        let mail = mails.get(read).filter(|_| came).cloned();
        mail.ok_or_else(|| Untrue::Statement(format!("the mail comes within {} s", within.as_secs())))
    }
}

impl Drop for MailServer {
    fn drop(&mut self) {
        self.listens.abort();
    }
}

/// Talks with who sends; gives the mail, where there was one.
async fn talk(mut client: TcpStream) -> std::io::Result<Option<String>> {
    let (reader, mut writer) = client.split();
    let mut lines = BufReader::new(reader).lines();
    let (mut mail, mut in_data): (Option<String>, bool) = (None, false);
    writer.write_all(b"220 localhost\r\n").await?;
    while let Some(line) = lines.next_line().await? {
        if in_data {
            let text = mail.get_or_insert_default();
            if line == "." {
                in_data = false;
                writer.write_all(b"250 kept\r\n").await?;
            } else if text.len() + line.len() > BYTES_MAX {
                return Ok(None);
            } else {
                // A dot at the beginning was doubled (RFC 5321, 4.5.2).
                text.push_str(line.strip_prefix('.').unwrap_or(&line));
                text.push('\n');
            }
            continue;
        }
        let word = line.get(..4).unwrap_or(&line).to_ascii_uppercase();
        let answer: &[u8] = match word.as_str() {
            "EHLO" => b"250-localhost\r\n250 8BITMIME\r\n",
            "DATA" => {
                in_data = true;
                b"354 go on\r\n"
            }
            "QUIT" => {
                writer.write_all(b"221 bye\r\n").await?;
                return Ok(mail);
            }
            "HELO" | "MAIL" | "RCPT" | "RSET" | "NOOP" => b"250 ok\r\n",
            _ => b"502 not here\r\n",
        };
        writer.write_all(answer).await?;
    }
    Ok(mail)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn c15_a_mail_is_kept_as_it_was_sent() {
        let mut server = MailServer::start().await.unwrap();
        let mut client = TcpStream::connect(server.address).await.unwrap();
        let said =
            "EHLO x\r\nMAIL FROM:<a@b>\r\nRCPT TO:<c@d>\r\nDATA\r\nSubject: x\r\n\r\n..dot\r\n.\r\nQUIT\r\n";
        client.write_all(said.as_bytes()).await.unwrap();
        assert_eq!(server.next(0, Duration::from_secs(10)).await.unwrap(), "Subject: x\n\n.dot\n");
        assert!(server.next(1, Duration::ZERO).await.is_err());
    }
}
