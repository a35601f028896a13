//! What may be said: size, characters, files, choices; and whether a repetition says the same.

use crate::command::chat::{AnswerBy, OfflineMessage};
use crate::command::{Refusal, RefusalCause};
use crate::model::chat::{Attachment, Audience, Choice, Content, Speaker};
use crate::model::ids::Str;
use crate::model::pii::Pii;
use crate::settings::{ChatLimits, QueueSettings};
use std::collections::BTreeSet;

/// Characters of a name, an address, a subject: longer than any that a person has.
pub(super) const LINE_MAX: usize = 320;

/// What a line is cut to where it is not refused: whole characters, no control characters, and none that turn round what
/// follows or are not seen, so that nobody's name looks like another's.
pub(super) fn clip(text: &str, characters: usize) -> Str {
    text.chars()
        .filter(|c| !c.is_control() && !is_hidden(*c))
        .take(characters)
        .collect::<String>()
        .trim()
        .into()
}

/// Controls of direction (UAX 9), and what has no width. The joiners stay: Persian and emoji need them.
fn is_hidden(c: char) -> bool {
    matches!(c, '\u{200b}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}')
}

/// Words as they may be kept: lines end in one way, and no other control character is left.
pub(super) fn neutral(text: &str) -> String {
    let lines = text.replace("\r\n", "\n");
    lines.chars().map(|c| if c == '\r' { '\n' } else { c }).filter(|c| is_written(*c)).collect()
}

/// Whether a character is text: a control character is none, but a new line and a tab are.
fn is_written(c: char) -> bool {
    matches!(c, '\n' | '\t') || !c.is_control()
}

/// Whether this may be said, by him, for them.
pub(super) fn check_content(
    content: &Content,
    by: &Speaker,
    audience: Audience,
    rules: &QueueSettings,
    limits: &ChatLimits,
) -> Result<(), Refusal> {
    let is_visitor = *by == Speaker::Visitor;
    if is_visitor && audience == Audience::Agents {
        return Err(invalid("A visitor speaks to all."));
    }
    let text = content.text.expose();
    check_words(text, limits, "The message")?;
    let says = !text.trim().is_empty() || !content.files.is_empty();
    if !says && content.choice.is_none() && content.chosen.is_none() {
        return Err(invalid("The message is empty."));
    }
    check_files(&content.files, is_visitor && !rules.visitor_files, limits)?;
    match (&content.choice, &content.chosen) {
        (None, None) => Ok(()),
        (None, Some(_)) if is_visitor => Ok(()),
        (None, Some(_)) => Err(invalid("Only the visitor chooses.")),
        (Some(_), _) if is_visitor || audience == Audience::Agents => {
            Err(invalid("A choice is offered by an agent, to the visitor."))
        }
        (Some(_), Some(_)) => Err(invalid("A message offers a choice or answers one, not both.")),
        (Some(choice), None) => check_choice(choice, limits),
    }
}

fn check_files(files: &[Attachment], refused: bool, limits: &ChatLimits) -> Result<(), Refusal> {
    if refused && !files.is_empty() {
        return Err(invalid("Visitors cannot send files in this queue (visitor_files is off)."));
    }
    let max = limits.files_max;
    if files.len() > max as usize {
        return Err(invalid(&format!("A message has at most {max} files.")));
    }
    for file in files {
        let media = &*file.media_type;
        let taken = media.starts_with("text/") || media.starts_with("image/") || media == "application/pdf";
        if !taken {
            return Err(invalid(&format!("A file is text, an image or a PDF, not {media:?}.")));
        }
        if file.size > limits.file_bytes_max {
            return Err(invalid(&format!("A file has at most {} bytes.", limits.file_bytes_max)));
        }
    }
    Ok(())
}

fn check_choice(choice: &Choice, limits: &ChatLimits) -> Result<(), Refusal> {
    let max = limits.options_max;
    if choice.options.is_empty() || choice.options.len() > max as usize {
        return Err(invalid(&format!("A choice has 1 to {max} options.")));
    }
    let mut names = BTreeSet::new();
    for (id, text) in &choice.options {
        check_line(id.as_str(), "The name of an option")?;
        check_words(text.expose(), limits, "An option")?;
        if text.expose().trim().is_empty() || id.as_str().trim().is_empty() {
            return Err(invalid("An option has a name and a text."));
        }
        if !names.insert(id) {
            return Err(invalid(&format!("Option {:?} is there twice.", id.as_str())));
        }
    }
    Ok(())
}

/// Whether a text of several lines can be taken.
pub(super) fn check_words(text: &str, limits: &ChatLimits, what: &str) -> Result<(), Refusal> {
    let max = limits.message_bytes_max;
    if text.len() > max as usize {
        return Err(invalid(&format!("{what} has {} bytes; at most {max} are taken.", text.len())));
    }
    if !text.chars().all(is_written) {
        return Err(invalid(&format!("{what} has control characters other than new line and tab.")));
    }
    Ok(())
}

/// Whether a text of one line can be taken.
pub(super) fn check_line(text: &str, what: &str) -> Result<(), Refusal> {
    if text.chars().count() > LINE_MAX {
        return Err(invalid(&format!("{what} has more than {LINE_MAX} characters.")));
    }
    // A new line in a name would be one in a header of a mail.
    if text.chars().any(char::is_control) {
        return Err(invalid(&format!("{what} has control characters.")));
    }
    Ok(())
}

/// Whether it can be an e-mail address: enough to see a slip of the finger, and no more (RFC 5321 allows nearly all).
pub(super) fn check_email(email: &str) -> Result<(), Refusal> {
    check_line(email, "The e-mail address")?;
    let parts = email.rsplit_once('@');
    let spaced = email.contains(char::is_whitespace);
    if spaced || parts.is_none_or(|(user, host)| user.is_empty() || host.is_empty()) {
        return Err(invalid("The e-mail address has to be like name@example.org."));
    }
    Ok(())
}

/// Whether a message that is left can be taken (C14, C15). Strictly, name and text are all that is asked for; else there
/// has to be an answer's way, and the one that is preferred.
pub(super) fn check_offline(
    message: &OfflineMessage,
    strict: bool,
    limits: &ChatLimits,
) -> Result<(), Refusal> {
    let given =
        |value: &Option<Pii<Str>>| value.as_ref().is_some_and(|value| !value.expose().trim().is_empty());
    check_line(message.name.expose(), "The name")?;
    check_words(message.text.expose(), limits, "The message")?;
    if message.name.expose().trim().is_empty() {
        return Err(invalid("The name is required."));
    }
    if message.text.expose().trim().is_empty() {
        return Err(invalid("The message is required."));
    }
    if let Some(email) = message.email.as_ref().filter(|_| given(&message.email)) {
        check_email(email.expose())?;
    }
    if let Some(telephone) = message.telephone.as_ref().filter(|_| given(&message.telephone)) {
        check_telephone(telephone.expose())?;
    }
    if let Some(language) = &message.language {
        check_line(language, "The language")?;
    }
    let preferred = match message.preference {
        AnswerBy::Email => (given(&message.email), "e-mail address"),
        AnswerBy::Telephone => (given(&message.telephone), "telephone number"),
    };
    match preferred {
        _ if strict => Ok(()),
        (true, _) => Ok(()),
        (false, what) => Err(invalid(&format!("To be answered as preferred, the {what} is required."))),
    }
}

fn check_telephone(telephone: &str) -> Result<(), Refusal> {
    const DIGITS: std::ops::RangeInclusive<usize> = 3..=20;
    check_line(telephone, "The telephone number")?;
    let written = |c: char| c.is_ascii_digit() || matches!(c, '+' | '(' | ')' | '-' | '.' | '/' | ' ');
    let digits = telephone.chars().filter(char::is_ascii_digit).count();
    if !telephone.chars().all(written) || !DIGITS.contains(&digits) {
        return Err(invalid("The telephone number has to be like 0318 123456 or +31 318 123456."));
    }
    Ok(())
}

pub(super) fn invalid(detail: &str) -> Refusal {
    Refusal::new(RefusalCause::InvalidContent, detail)
}

/// FNV-1a (Fowler, Noll, Vo) of everything that was said, each part with its length before it, so that no two parts can
/// be taken for one.
pub(super) fn fingerprint(audience: Audience, content: &Content) -> u64 {
    let mut hash = Fnv(0xcbf2_9ce4_8422_2325);
    hash.number(u64::from(audience == Audience::Agents));
    hash.text(content.text.expose());
    hash.number(content.files.len() as u64);
    for file in &content.files {
        hash.bytes(&file.id.0.to_be_bytes());
        hash.text(file.name.expose());
        hash.text(&file.media_type);
        hash.number(file.size);
    }
    let options = content.choice.as_ref().map(|choice| choice.options.as_slice()).unwrap_or_default();
    hash.number(options.len() as u64);
    for (id, text) in options {
        hash.text(id.as_str());
        hash.text(text.expose());
    }
    hash.number(u64::from(content.chosen.is_some()));
    if let Some((message, option)) = &content.chosen {
        hash.bytes(&message.0.to_be_bytes());
        hash.text(option.as_str());
    }
    hash.text(content.canned.as_deref().unwrap_or_default());
    hash.0
}

/// FNV-1a of some texts, each with its length before it.
pub(super) fn digest(texts: &[&str]) -> u64 {
    let mut hash = Fnv(0xcbf2_9ce4_8422_2325);
    texts.iter().for_each(|text| hash.text(text));
    hash.0
}

struct Fnv(u64);

impl Fnv {
    fn bytes(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = (self.0 ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
        }
    }

    fn number(&mut self, number: u64) {
        self.bytes(&number.to_be_bytes());
    }

    fn text(&mut self, text: &str) {
        self.number(text.len() as u64);
        self.bytes(text.as_bytes());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn other_words_have_another_fingerprint() {
        let of = |audience, text: &str| fingerprint(audience, &Content::text(text));
        assert_eq!(of(Audience::Public, "ja"), of(Audience::Public, "ja"));
        assert_ne!(of(Audience::Public, "ja"), of(Audience::Public, "nee"));
        assert_ne!(of(Audience::Public, "ja"), of(Audience::Agents, "ja"));
        let mut canned = Content::text("");
        canned.canned = Some("ja".into());
        assert_ne!(fingerprint(Audience::Public, &canned), of(Audience::Public, "ja"));
    }

    #[test]
    fn words_are_made_neutral_and_lines_are_kept() {
        assert_eq!(neutral("een\r\ntwee\rdrie\tvier\u{0}\u{1b}[31m"), "een\ntwee\ndrie\tvier[31m");
        assert_eq!(&*clip(" Jan\nde\u{7} Vries ", 6), "Jande");
    }

    #[test]
    fn a_name_is_what_is_seen_of_it() {
        assert_eq!(&*clip("\u{202e}neJ\u{200b} Jansen\u{feff}\u{7}", 20), "neJ Jansen");
        assert_eq!(
            &*clip(" \u{645}\u{6cc}\u{200c}\u{62e}\u{648} ", 20),
            "\u{645}\u{6cc}\u{200c}\u{62e}\u{648}"
        );
    }
}
