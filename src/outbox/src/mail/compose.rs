//! A message that a visitor left, as a mail.
//!
//! Everything in it is the visitor's, so nothing of it may become a header, another field of the text, or a part of its
//! own: what he writes is cleaned of control characters, and the headers are encoded.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use lettre::message::header::ContentType;
use lettre::message::{Attachment, Mailbox, MultiPart, MultiPartKind, SinglePart};
use lettre::{Address, Message};
use schakel_core::command::chat::{AnswerBy, OfflineMessage};
use serde_json::json;

use super::settings::MailSettings;

/// The longest name in a header: what does not fit stands in the text.
const NAME_MAX: usize = 80;

/// The longest address (RFC 5321, 4.5.3.1.3, without its brackets).
const ADDRESS_MAX: usize = 254;

/// Why a mail cannot be made of a message now.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Unsendable {
    #[error("\"{0}\" is no mail address such as \"Chat <chat@voorbeeld.nl>\"; mend the mail settings")]
    Address(String),
    #[error("no address is configured for the messages of queue {0}; add one to its mail settings")]
    NoDestination(String),
    #[error("the mail could not be put together: {0}")]
    Parts(String),
}

/// The mail. The same message gives the same bytes, so that a repetition is known as one.
pub(crate) fn compose(
    message: &OfflineMessage,
    at_ms: i64,
    settings: &MailSettings,
) -> Result<Message, Unsendable> {
    let queue = message.queue.as_str();
    let known = settings.queues.get(queue).filter(|known| !known.to.is_empty());
    let known = known.ok_or_else(|| Unsendable::NoDestination(queue.to_owned()))?;
    let from = mailbox(&settings.from)?;
    let id = format!("<{}@{}>", message.id, from.email.domain());
    let sent = UNIX_EPOCH + Duration::from_millis(u64::try_from(at_ms).unwrap_or_default());
    let mut mail = Message::builder()
        .message_id(Some(id))
        .date(SystemTime::max(sent, UNIX_EPOCH))
        .from(from)
        .subject(format!("Offline bericht / Offline message: {}", line(&known.name)));
    for address in &known.to {
        mail = mail.to(mailbox(address)?);
    }
    if let Some(visitor) = reply_to(message) {
        mail = mail.reply_to(visitor);
    }
    let received = received(at_ms);
    let parts = MultiPart::builder()
        .kind(MultiPartKind::Mixed)
        .boundary(format!("schakel-{}", message.id))
        .build()
        .singlepart(SinglePart::plain(text(message, &known.name, &received)))
        .singlepart(Attachment::new("offline-message.json".into()).body(
            structured(message, &known.name, &received),
            ContentType::parse("application/json").map_err(|error| Unsendable::Parts(error.to_string()))?,
        ));
    mail.multipart(parts).map_err(|error| Unsendable::Parts(error.to_string()))
}

/// A configured address.
pub(crate) fn mailbox(address: &str) -> Result<Mailbox, Unsendable> {
    address.parse::<Mailbox>().map_err(|_| Unsendable::Address(address.to_owned()))
}

/// The visitor, for whoever answers; none where what he gave is no address: it stands in the text all the same.
fn reply_to(message: &OfflineMessage) -> Option<Mailbox> {
    let email = message.email.as_ref()?.expose().trim();
    let plain = |each: char| !each.is_control() && !each.is_whitespace();
    // One with other letters than ASCII needs a server that can SMTPUTF8 (RFC 6531).
    if email.len() > ADDRESS_MAX || !email.is_ascii() || !email.chars().all(plain) {
        return None;
    }
    let address: Address = email.parse().ok()?;
    let name: String = line(message.name.expose()).chars().take(NAME_MAX).collect();
    Some(Mailbox::new(Some(name).filter(|name| !name.is_empty()), address))
}

/// When the message was left, as RFC 3339 says it.
fn received(at_ms: i64) -> String {
    jiff::Timestamp::from_millisecond(at_ms).unwrap_or_default().to_string()
}

fn text(message: &OfflineMessage, queue: &str, received: &str) -> String {
    let mut text = String::from("Offline bericht van de chat / Offline message from the chat\r\n\r\n");
    let mut field = |label: &str, value: &str| {
        text.push_str(&format!("{label}: {}\r\n", line(value)));
    };
    field("Wachtrij / Queue", queue);
    field("Naam / Name", message.name.expose());
    if let Some(email) = &message.email {
        field("E-mail", email.expose());
    }
    if let Some(telephone) = &message.telephone {
        field("Telefoon / Telephone", telephone.expose());
    }
    let preference = match message.preference {
        AnswerBy::Email => "e-mail",
        AnswerBy::Telephone => "telefoon / telephone",
    };
    field("Wil antwoord per / Prefers an answer by", preference);
    if let Some(language) = &message.language {
        field("Taal / Language", language);
    }
    field("Ontvangen / Received", received);
    field("Kenmerk / Reference", &message.id.to_string());
    text.push_str("\r\nBericht / Message:\r\n\r\n");
    for each in message.text.expose().lines() {
        text.push_str(&line(each));
        text.push_str("\r\n");
    }
    text
}

/// The same for programs: JKC makes an item of its dashboard of it.
fn structured(message: &OfflineMessage, queue: &str, received: &str) -> String {
    let preference = match message.preference {
        AnswerBy::Email => "email",
        AnswerBy::Telephone => "telephone",
    };
    let value = json!({
        "type": "nl.schakel.chat.offline-message.v1",
        "id": message.id.to_string(),
        "queue": message.queue.as_str(),
        "queueName": queue,
        "name": message.name.expose(),
        "email": message.email.as_ref().map(|email| email.expose()),
        "telephone": message.telephone.as_ref().map(|telephone| telephone.expose()),
        "preference": preference,
        "language": message.language,
        "text": message.text.expose(),
        "receivedAt": received,
    });
    format!("{value:#}\n")
}

/// Text as one line: nothing in it ends it, or moves what stands beside it.
fn line(text: &str) -> String {
    let harmless = |each: char| if is_harmful(each) { ' ' } else { each };
    text.trim().chars().map(harmless).collect()
}

fn is_harmful(each: char) -> bool {
    // Line and paragraph separators, and what turns the direction of writing (Unicode UAX 9).
    each.is_control()
        || matches!(each, '\u{2028}' | '\u{2029}' | '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mail::{QueueMail, Tls};
    use crate::settings::Trust;
    use proptest::prelude::*;
    use schakel_core::model::ids::OfflineMessageId;
    use schakel_core::model::pii::Pii;

    fn settings() -> MailSettings {
        let queue =
            QueueMail { name: "Belastingen & heffingen".into(), to: vec!["kcc@gemeente.example".into()] };
        MailSettings {
            host: "mail.gemeente.example".into(),
            port: 465,
            tls: Tls::Implicit,
            trust: Trust::Platform,
            credentials: None,
            hello: None,
            from: "Chat <chat@gemeente.example>".into(),
            queues: [("tax".to_owned(), queue)].into(),
            timeout: Duration::from_secs(30),
            retry: MailSettings::usual_retry(),
        }
    }

    fn message(name: &str, email: &str, text: &str) -> OfflineMessage {
        OfflineMessage {
            id: OfflineMessageId(7),
            queue: "tax".into(),
            name: Pii::new(name.into()),
            email: Some(Pii::new(email.into())),
            telephone: Some(Pii::new("020-1234567".into())),
            preference: AnswerBy::Telephone,
            text: Pii::new(text.into()),
            language: Some("nl".into()),
        }
    }

    fn mail(message: &OfflineMessage) -> String {
        String::from_utf8(compose(message, 1_700_000_000_123, &settings()).unwrap().formatted()).unwrap()
    }

    /// The names of the header's lines, continuations left out.
    fn headers(mail: &str) -> Vec<&str> {
        let (head, _) = mail.split_once("\r\n\r\n").unwrap();
        let lines = head.split("\r\n").filter(|line| !line.starts_with([' ', '\t']));
        lines.map(|line| line.split_once(':').unwrap().0).collect()
    }

    const HEADERS: [&str; 8] =
        ["Message-ID", "Date", "From", "Subject", "To", "Reply-To", "MIME-Version", "Content-Type"];

    #[test]
    fn c15_a_message_becomes_a_mail_that_can_be_answered() {
        let message = message("J. de Vries", "jan@vries.example", "Kunt u mij bellen?\nDank u.");
        let mail = mail(&message);
        assert_eq!(headers(&mail), HEADERS);
        for line in [
            "Message-ID: <00000000-0000-0000-0000-000000000007@gemeente.example>",
            "Date: Tue, 14 Nov 2023 22:13:20 +0000",
            "Reply-To: \"J. de Vries\" <jan@vries.example>",
            "To: kcc@gemeente.example",
            "Wachtrij / Queue: Belastingen & heffingen",
            "Naam / Name: J. de Vries",
            "Telefoon / Telephone: 020-1234567",
            "Wil antwoord per / Prefers an answer by: telefoon / telephone",
            "Ontvangen / Received: 2023-11-14T22:13:20.123Z",
            "Kunt u mij bellen?",
            "  \"preference\": \"telephone\",",
            "  \"queue\": \"tax\",",
        ] {
            assert!(
                mail.split("\r\n").flat_map(|part| part.split('\n')).any(|each| each == line),
                "{line} in\n{mail}"
            );
        }
    }

    #[test]
    fn the_same_message_is_the_same_mail() {
        let message = message("Zoë", "zoe@example.org", "hallo");
        assert_eq!(mail(&message), mail(&message));
    }

    #[test]
    fn what_is_no_address_is_no_reply_to_and_stands_in_the_text() {
        for email in [
            "jan",
            "jan@vries.example\r\nBcc: all@example.org",
            "jan @vries.example",
            "",
            "a@b\0c",
            "jan@vriës.example",
        ] {
            let mail = mail(&message("Jan", email, "hallo"));
            assert!(!headers(&mail).contains(&"Reply-To"), "{email:?}");
            assert!(!headers(&mail).contains(&"Bcc"), "{email:?}");
            assert!(mail.contains("E-mail: "), "{email:?}");
        }
    }

    #[test]
    fn a_field_cannot_make_another_one() {
        let mail = mail(&message("Jan\r\nE-mail: other@example.org", "jan@vries.example", "hallo"));
        assert!(mail.contains("Naam / Name: Jan  E-mail: other@example.org\r\n"), "{mail}");
    }

    #[test]
    fn what_is_not_configured_is_told() {
        let elsewhere = OfflineMessage { queue: "waste".into(), ..message("Jan", "jan@vries.example", "x") };
        let error = compose(&elsewhere, 0, &settings()).unwrap_err().to_string();
        assert!(error.contains("for the messages of queue waste"), "{error}");
        let settings = MailSettings { from: "nobody".into(), ..settings() };
        let error = compose(&message("Jan", "jan@vries.example", "x"), 0, &settings).unwrap_err().to_string();
        assert!(error.starts_with("\"nobody\" is no mail address"), "{error}");
        assert_eq!(settings.check(), Err(error));
        assert_eq!(self::settings().check(), Ok(()));
    }

    proptest! {
        /// Whatever a visitor writes, the headers are those, in that order, and there are the two parts.
        #[test]
        fn no_text_makes_a_header_or_a_part(name in "\\PC*|(?s).{0,200}", text in "(?s).{0,2000}", email in "(?s).{0,80}") {
            let mail = mail(&message(&name, &email, &text));
            let found = headers(&mail);
            let expected: Vec<_> =
                HEADERS.into_iter().filter(|each| *each != "Reply-To" || found.contains(each)).collect();
            prop_assert_eq!(found, expected);
            let delimiter = "\r\n--schakel-00000000-0000-0000-0000-000000000007";
            prop_assert_eq!(mail.matches(delimiter).count(), 3);
            prop_assert!(mail.split("\r\n").all(|line| line.len() <= 998), "RFC 5322, 2.1.1");
            prop_assert!(mail.is_ascii());
        }
    }
}
