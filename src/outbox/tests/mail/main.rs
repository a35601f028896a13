//! Mails to a server that does what mail servers do: makes a stranger wait, refuses, breaks off, is away (C15).

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

mod peer;

use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use peer::{Does, Peer, Seen};
use schakel_core::command::chat::{AnswerBy, OfflineMessage};
use schakel_core::model::ids::OfflineMessageId;
use schakel_core::model::pii::Pii;
use schakel_journal::{Batch, Mail, Notification, Options, Store};
use schakel_outbox::mail::{
    Credentials, Decode, MailAlarm, MailAlarmKind, MailSettings, MailStatus, Mailer, QueueMail, Tls,
};
use schakel_outbox::{Retry, Trust};
use tokio::sync::broadcast;

struct House {
    folder: tempfile::TempDir,
    store: Store,
}

impl House {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let (store, _) = Store::open(folder.path().join("journal.db"), Options::default()).unwrap();
        Self { folder, store }
    }

    /// Visitors left these messages so long ago.
    async fn left(&self, ids: std::ops::RangeInclusive<u128>, ago: Duration) {
        let at_ms = now_ms() - ago.as_millis() as i64;
        let mail = |id| Mail { id, at_ms, bytes: serde_json::to_vec(&message(id)).unwrap().into() };
        self.store.append(Batch { mails: ids.map(mail).collect(), ..Batch::default() }).await.unwrap();
    }

    fn mailer(&self, settings: Option<MailSettings>) -> (Mailer, broadcast::Receiver<MailAlarm>) {
        let decode: Decode =
            Arc::new(|bytes| serde_json::from_slice(bytes).map_err(|error| error.to_string()));
        let mailer = Mailer::start(self.store.clone(), decode, settings);
        let alarms = mailer.alarms();
        (mailer, alarms)
    }

    fn password(&self, password: &str) -> Credentials {
        let password_file = self.folder.path().join("password");
        std::fs::write(&password_file, format!("{password}\n")).unwrap();
        Credentials { user: "chat".into(), password_file }
    }
}

fn message(id: u128) -> OfflineMessage {
    OfflineMessage {
        id: OfflineMessageId(id),
        queue: "tax".into(),
        name: Pii::new("Jan de Vries".into()),
        email: Some(Pii::new("jan@vries.example".into())),
        telephone: None,
        preference: AnswerBy::Email,
        text: Pii::new("Kunt u mij helpen?".into()),
        language: Some("nl".into()),
    }
}

fn settings(peer: &Peer) -> MailSettings {
    settings_of(peer.port)
}

fn settings_of(port: u16) -> MailSettings {
    let to = vec!["kcc@gemeente.example".into(), "archief@gemeente.example".into()];
    MailSettings {
        host: "localhost".into(),
        port,
        tls: Tls::None,
        trust: Trust::Platform,
        credentials: None,
        hello: Some("schakel.example".into()),
        from: "Chat <chat@gemeente.example>".into(),
        queues: [("tax".into(), QueueMail { name: "Belastingen".into(), to })].into(),
        timeout: Duration::from_secs(10),
        retry: Retry { pauses: vec![Duration::from_millis(20)], ..MailSettings::usual_retry() },
    }
}

fn now_ms() -> i64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis() as i64
}

/// How it is once what was under way has ended.
async fn in_the_end(mailer: &Mailer) -> MailStatus {
    assert!(mailer.drain(Duration::from_secs(30)).await);
    mailer.status().await.unwrap()
}

async fn next(alarms: &mut broadcast::Receiver<MailAlarm>) -> (MailAlarmKind, String) {
    let alarm = alarms.recv().await.unwrap();
    (alarm.kind, alarm.reason)
}

#[tokio::test]
async fn c15_a_server_that_makes_strangers_wait_gets_the_mail_later() {
    let house = House::new();
    let greylisted = Does::AnswersRecipient("451 4.7.1 greylisted, come again");
    let mut peer = Peer::start(&[greylisted, greylisted, Does::Takes], None, None).await;
    house.left(1..=1, Duration::ZERO).await;
    let (mailer, _) = house.mailer(Some(settings(&peer)));
    let (from, to, text) = peer.message().await;
    assert_eq!(from, "MAIL FROM:<chat@gemeente.example>");
    assert_eq!(to, ["RCPT TO:<kcc@gemeente.example>", "RCPT TO:<archief@gemeente.example>"]);
    assert!(text.contains("Reply-To: \"Jan de Vries\" <jan@vries.example>"), "{text}");
    let status = in_the_end(&mailer).await;
    assert_eq!((status.sent, status.failed, status.waiting, status.dead), (1, 2, 0, 0));
    assert!(!status.server_fails, "it answered");
    let error = status.last_error.unwrap().text;
    assert!(error.contains("greylisted"), "{error}");
}

#[tokio::test]
async fn c15_what_is_refused_for_good_is_given_up_told_and_sent_when_somebody_says_so() {
    let house = House::new();
    let refused = Does::AnswersRecipient("550 5.1.1 no such mailbox");
    let mut peer = Peer::start(&[refused, Does::Takes], None, None).await;
    house.left(1..=1, Duration::ZERO).await;
    let (mailer, mut alarms) = house.mailer(Some(settings(&peer)));
    let (kind, reason) = next(&mut alarms).await;
    assert_eq!(kind, MailAlarmKind::GivenUp);
    assert!(reason.contains("no such mailbox"), "{reason}");
    // The alarm comes before the row says so.
    assert_eq!(in_the_end(&mailer).await.dead, 1);
    let (mailer, _) = house.mailer(Some(settings(&peer)));
    assert_eq!(mailer.redrive().await.unwrap(), 1);
    peer.message().await;
    let status = in_the_end(&mailer).await;
    assert_eq!((status.sent, status.waiting, status.dead), (1, 0, 0));
}

#[tokio::test]
async fn c15_a_connection_lost_after_the_message_sends_the_very_same_message_again() {
    let house = House::new();
    let mut peer = Peer::start(&[Does::LosesAfterData, Does::Takes], None, None).await;
    house.left(1..=1, Duration::ZERO).await;
    let (mailer, _) = house.mailer(Some(settings(&peer)));
    let first = peer.message().await;
    let second = peer.message().await;
    assert!(first.2.contains("Message-ID: <00000000-0000-0000-0000-000000000001@gemeente.example>\r\n"));
    assert_eq!(first, second, "byte for byte");
    let status = in_the_end(&mailer).await;
    assert_eq!((status.sent, status.failed, status.waiting), (1, 1, 0));
}

#[tokio::test]
async fn c15_while_the_server_is_away_one_mail_at_a_time_tries_it() {
    let house = House::new();
    let mut peer = Peer::start(&[Does::Loses, Does::Loses, Does::Takes], None, None).await;
    house.left(1..=3, Duration::ZERO).await;
    let (mailer, mut alarms) = house.mailer(Some(settings(&peer)));
    assert_eq!(next(&mut alarms).await.0, MailAlarmKind::ServerFails);
    assert_eq!(next(&mut alarms).await.0, MailAlarmKind::ServerBack);
    let mut connections = 0;
    let mut messages = 0;
    while messages < 3 {
        match peer.seen.recv().await.unwrap() {
            Seen::Connected => connections += 1,
            Seen::Message(..) => messages += 1,
            Seen::LoggedIn(..) => {}
        }
    }
    assert_eq!(connections, 5, "two tries, three mails");
    let status = in_the_end(&mailer).await;
    assert_eq!((status.sent, status.failed, status.waiting, status.server_fails), (3, 2, 0, false));
}

#[tokio::test]
async fn c15_a_wrong_password_is_mended_and_no_mail_is_given_up_for_it() {
    let house = House::new();
    let mut peer = Peer::start(&[Does::Takes], Some("right"), None).await;
    house.left(1..=1, Duration::ZERO).await;
    let settings = MailSettings { credentials: Some(house.password("wrong")), ..settings(&peer) };
    let (mailer, _) = house.mailer(Some(settings));
    let wrong = Seen::LoggedIn("chat".into(), "wrong".into());
    while peer.seen.recv().await.unwrap() != wrong {}
    house.password("right");
    peer.message().await;
    let status = in_the_end(&mailer).await;
    assert_eq!((status.sent, status.waiting, status.dead), (1, 0, 0));
    let error = status.last_error.unwrap().text;
    assert!(error.contains("wrong password") && !error.contains("right"), "{error}");
}

#[tokio::test]
async fn c15_a_mail_that_was_tried_for_three_days_is_given_up() {
    let house = House::new();
    let peer = Peer::start(&[Does::AnswersMessage("452 4.2.2 mailbox full")], None, None).await;
    house.left(1..=1, Duration::from_secs(72 * 3_600)).await;
    let (mailer, mut alarms) = house.mailer(Some(settings(&peer)));
    let (kind, reason) = next(&mut alarms).await;
    assert_eq!(kind, MailAlarmKind::GivenUp);
    assert!(reason.contains("mailbox full"), "{reason}");
    assert_eq!(in_the_end(&mailer).await.dead, 1);
}

#[tokio::test]
async fn c15_mails_wait_without_a_server_and_are_known_after_a_restart() {
    let house = House::new();
    let mut peer = Peer::start(&[Does::Takes], None, None).await;
    house.left(1..=2, Duration::ZERO).await;
    let (mailer, _) = house.mailer(None);
    let status = in_the_end(&mailer).await;
    assert_eq!((status.configured, status.waiting), (false, 2));
    assert_eq!(peer.connections(), 0);
    // What is configured later is used at once.
    let (mailer, _) = house.mailer(None);
    mailer.set(Some(settings(&peer)));
    peer.message().await;
    peer.message().await;
    // And a mail that comes with a notification is not waited for.
    house.left(3..=3, Duration::ZERO).await;
    mailer.notify(&[Arc::new(notification("chat.offline-received"))]);
    let (_, _, text) = peer.message().await;
    assert!(text.contains("Message-ID: <00000000-0000-0000-0000-000000000003@"), "{text}");
    assert_eq!(in_the_end(&mailer).await.waiting, 0);
}

fn notification(kind: &'static str) -> Notification {
    Notification {
        seq: 1,
        input_seq: 1,
        id: 1,
        contact: None,
        contact_seq: 0,
        kind: kind.into(),
        at_ms: now_ms(),
        expires_ms: None,
        payload: "{}".into(),
        deliveries: Arc::default(),
    }
}

#[tokio::test]
async fn c15_mail_goes_by_tls_to_whom_the_authority_vouches_for_and_to_nobody_else() {
    let house = House::new();
    let (acceptor, authority) = peer::tls();
    let mut peer = Peer::start(&[Does::Takes], None, Some(acceptor)).await;
    house.left(1..=1, Duration::ZERO).await;
    let (_, other) = peer::tls();
    let with = |pem| MailSettings { tls: Tls::Implicit, trust: Trust::CaPem(pem), ..settings_of(peer.port) };
    let (mailer, mut alarms) = house.mailer(Some(with(other)));
    let (kind, reason) = next(&mut alarms).await;
    assert_eq!(kind, MailAlarmKind::ServerFails);
    assert!(reason.contains("certificate"), "{reason}");
    mailer.set(Some(with(authority)));
    let (_, _, text) = peer.message().await;
    assert!(text.contains("Subject: "), "{text}");
    assert_eq!(in_the_end(&mailer).await.sent, 1);
}
