//! Tells the story in lines with times, and stops it as soon as something is not true.

use crate::client::{ApiError, Language, screen};
use crate::jkc::NotSeen;
use crate::softphone::SoftphoneError;
use std::cell::Cell;
use std::fmt::Display;
use std::time::{Duration, Instant};

/// Something that was told, or was to be told, is not true.
#[derive(Debug, thiserror::Error)]
pub(super) enum Untrue {
    /// A statement that was checked.
    #[error("not true: {0}")]
    Statement(String),
    /// A notification that did not come.
    #[error("{0}")]
    NotSeen(#[from] NotSeen),
    /// A command that an agent gave failed.
    #[error("{0}")]
    Phone(#[from] SoftphoneError),
    /// The API failed.
    #[error("{0}")]
    Api(#[from] ApiError),
    /// The simulator refused.
    #[error("the simulator: {0}")]
    Simulator(String),
    /// The set-up could not be made.
    #[error("{0}")]
    SetUp(String),
}

/// Who does or says something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Who {
    /// The telephone system, and whoever calls in on it.
    Pbx,
    /// The daemon.
    Schakel,
    /// JKC.
    Jkc,
    /// An agent.
    Anna,
    /// Her colleague.
    Bram,
    /// Another colleague.
    Carla,
    /// A visitor of the website.
    Visitor,
    /// This program: what it has checked.
    Checked,
}

/// Tells.
#[derive(Debug)]
pub(super) struct Teller {
    pub(super) language: Language,
    reading: Duration,
    began: Instant,
    chapters: Cell<u32>,
    checks: Cell<u32>,
}

impl Teller {
    pub(super) fn new(language: Language, reading: Duration) -> Self {
        Self { language, reading, began: Instant::now(), chapters: Cell::new(0), checks: Cell::new(0) }
    }

    /// Begins a chapter.
    pub(super) async fn chapter(&self, nl: &str, en: &str) {
        if self.chapters.get() > 0 {
            self.pause().await;
        }
        self.chapters.set(self.chapters.get() + 1);
        screen::show(format_args!("\n── {}. {}", self.chapters.get(), self.language.pick(nl, en)));
    }

    /// Gives a person at the terminal the time to read; nothing waits for it otherwise.
    pub(super) async fn pause(&self) {
        if !self.reading.is_zero() {
            tokio::time::sleep(self.reading).await;
        }
    }

    /// One line: when, who, what. More lines are set under it.
    pub(super) fn tell(&self, who: Who, text: &str) {
        let at = self.began.elapsed();
        let (minutes, seconds, millis) = (at.as_secs() / 60, at.as_secs() % 60, at.subsec_millis());
        let mut lines = text.lines();
        screen::show(format_args!(
            "{minutes:02}:{seconds:02}.{millis:03}  {:<8} {}",
            self.name(who),
            lines.next().unwrap_or("")
        ));
        for line in lines {
            screen::show(format_args!("{:20}{line}", ""));
        }
    }

    /// States what must be true.
    ///
    /// # Errors
    /// When it is not.
    pub(super) fn check(&self, is_true: bool, statement: impl FnOnce() -> String) -> Result<(), Untrue> {
        self.checks.set(self.checks.get() + 1);
        if is_true { Ok(()) } else { Err(Untrue::Statement(statement())) }
    }

    /// States that two things are the same.
    ///
    /// # Errors
    /// When they are not, with both.
    pub(super) fn same<T: PartialEq + Display>(&self, what: &str, is: &T, must_be: &T) -> Result<(), Untrue> {
        self.check(is == must_be, || format!("{what} should be {must_be}, and is {is}"))
    }

    /// How many statements were checked.
    pub(super) fn checks(&self) -> u32 {
        self.checks.get()
    }

    /// How long it has been going on.
    pub(super) fn elapsed(&self) -> Duration {
        self.began.elapsed()
    }

    fn name(&self, who: Who) -> &'static str {
        match who {
            Who::Pbx => self.language.pick("centrale", "PBX"),
            Who::Schakel => "schakel",
            Who::Jkc => "JKC",
            Who::Anna => "Anna",
            Who::Bram => "Bram",
            Who::Carla => "Carla",
            Who::Visitor => self.language.pick("bezoeker", "visitor"),
            Who::Checked => "✓",
        }
    }
}

/// Tells a line in the story's language; both texts may name variables in braces.
macro_rules! say {
    ($stage:expr, $who:ident, $nl:literal, $en:literal) => {{
        let text = match $stage.teller.language {
            crate::client::Language::Nl => format!($nl),
            crate::client::Language::En => format!($en),
        };
        $stage.teller.tell(crate::demo::teller::Who::$who, &text);
    }};
}
pub(super) use say;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_true_is_told_and_everything_is_counted() {
        let teller = Teller::new(Language::En, Duration::ZERO);
        assert!(teller.check(true, || "never built".into()).is_ok());
        let untrue = teller.check(false, || "the sky is green".into()).unwrap_err();
        assert_eq!(untrue.to_string(), "not true: the sky is green");
        let untrue = teller.same("the answer", &41, &42).unwrap_err();
        assert_eq!(untrue.to_string(), "not true: the answer should be 42, and is 41");
        assert_eq!(teller.checks(), 3);
    }
}
