//! What became of visitors: a table for people, JSON for programs.

use serde::Serialize;
use std::fmt::{self, Write as _};

/// What became of one visitor.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Outcome {
    /// From 1.
    pub number: usize,
    /// How he was called.
    pub name: String,
    /// Messages that he said.
    pub sent: u64,
    /// Those of them that his server says it has taken.
    pub acknowledged: u64,
    /// Messages that he got.
    pub received: u64,
    /// What was refused.
    pub errors: u64,
    /// Why he failed, if he did.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub failure: Option<String>,
    /// The last message that came, for who reads why an expectation failed.
    #[serde(skip)]
    pub(super) last: Option<String>,
}

/// What became of all of them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Outcomes {
    /// With it the same pauses and the same order of arrival come again.
    pub seed: u64,
    /// How long it all took.
    pub milliseconds: u64,
    /// How many failed.
    pub failed: usize,
    /// Each, by his number.
    pub visitors: Vec<Outcome>,
}

impl Outcome {
    pub(super) fn new(number: usize, name: String) -> Self {
        Self { number, name, ..Self::default() }
    }
}

impl Outcomes {
    pub(super) fn new(seed: u64, milliseconds: u64, mut visitors: Vec<Outcome>) -> Self {
        visitors.sort_by_key(|visitor| visitor.number);
        let failed = visitors.iter().filter(|visitor| visitor.failure.is_some()).count();
        Self { seed, milliseconds, failed, visitors }
    }
}

impl fmt::Display for Outcomes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let width =
            self.visitors.iter().map(|visitor| visitor.name.chars().count()).max().unwrap_or(0).max(7);
        writeln!(
            f,
            "{:width$}  {:>8} {:>12} {:>8} {:>6}  failure",
            "visitor", "sent", "acknowledged", "received", "errors"
        )?;
        let mut total = Outcome::default();
        for visitor in &self.visitors {
            row(f, width, visitor)?;
            total.sent += visitor.sent;
            total.acknowledged += visitor.acknowledged;
            total.received += visitor.received;
            total.errors += visitor.errors;
        }
        total.name = "all".into();
        row(f, width, &total)?;
        let seconds = self.milliseconds as f64 / 1000.0;
        write!(f, "{} of {} failed, {seconds:.1} s, --seed {}", self.failed, self.visitors.len(), self.seed)
    }
}

fn row(f: &mut fmt::Formatter<'_>, width: usize, visitor: &Outcome) -> fmt::Result {
    let mut line = String::new();
    let Outcome { name, sent, acknowledged, received, errors, failure, .. } = visitor;
    let failure = failure.as_deref().unwrap_or("");
    write!(line, "{name:width$}  {sent:>8} {acknowledged:>12} {received:>8} {errors:>6}  {failure}")?;
    writeln!(f, "{}", line.trim_end())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn outcomes() -> Outcomes {
        let mut failed =
            Outcome { sent: 2, acknowledged: 1, errors: 1, ..Outcome::new(2, "Bezoeker 2".into()) };
        failed.failure = Some("line 3: `expect Jan`: not within 5 s".into());
        let fine = Outcome { sent: 3, acknowledged: 3, received: 4, ..Outcome::new(1, "Bezoeker 1".into()) };
        Outcomes::new(7, 1500, vec![failed, fine])
    }

    #[test]
    fn the_table_has_a_line_for_each_and_one_for_all() {
        let table = outcomes().to_string();
        let lines: Vec<_> = table.lines().collect();
        assert_eq!(
            lines,
            [
                "visitor         sent acknowledged received errors  failure",
                "Bezoeker 1         3            3        4      0",
                "Bezoeker 2         2            1        0      1  line 3: `expect Jan`: not within 5 s",
                "all                5            4        4      1",
                "1 of 2 failed, 1.5 s, --seed 7",
            ]
        );
    }

    #[test]
    fn json_says_the_same() {
        let json = serde_json::to_value(outcomes()).unwrap();
        assert_eq!(json["failed"], 1);
        assert_eq!(json["visitors"][0]["acknowledged"], 3);
        assert!(json["visitors"][0].get("failure").is_none());
        assert_eq!(json["visitors"][1]["failure"], "line 3: `expect Jan`: not within 5 s");
    }
}
