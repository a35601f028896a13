//! A report as CSV (RFC 4180): a line of names, the total, and a line a row. `groupBy=department` has T24 in
//! `transfers` and `transfersPercentage`.
//!
//! A text that a spreadsheet would take for a formula gets an apostrophe in front of it: names of queues, departments
//! and agents come from outside.

use schakel_contract::views::{FiguresView, TelephonyReportView};
use std::fmt::Write as _;

type Column = (&'static str, fn(&FiguresView) -> String);

/// The columns after `row`, `key`, `from`, `to`, by the names of the JSON.
const COLUMNS: [Column; 29] = [
    ("contacts", |row| row.contacts.to_string()),
    ("reconstructed", |row| row.reconstructed.to_string()),
    ("received", |row| row.received.to_string()),
    ("answered", |row| row.answered.number.to_string()),
    ("answeredPercentage", |row| maybe(row.answered.percentage)),
    ("abandoned", |row| row.abandoned.number.to_string()),
    ("abandonedPercentage", |row| maybe(row.abandoned.percentage)),
    ("shortAbandoned", |row| row.rest.short_abandoned.to_string()),
    ("overflowed", |row| row.rest.overflowed.to_string()),
    ("answeredElsewhere", |row| row.rest.answered_elsewhere.to_string()),
    ("notCompleted", |row| row.rest.not_completed.to_string()),
    ("unknown", |row| row.rest.unknown.to_string()),
    ("conversations", |row| row.duration.contacts.to_string()),
    ("totalSeconds", |row| maybe(Some(row.duration.total_seconds))),
    ("meanSeconds", |row| maybe(row.duration.mean_seconds)),
    ("heldSeconds", |row| maybe(Some(row.duration.held_seconds))),
    ("meanSecondsInbound", |row| maybe(row.duration_inbound.mean_seconds)),
    ("meanSecondsOutbound", |row| maybe(row.duration_outbound.mean_seconds)),
    ("transferred", |row| row.transferred.contacts.number.to_string()),
    ("transferredPercentage", |row| maybe(row.transferred.contacts.percentage)),
    ("transferredOutbound", |row| row.transferred.outbound_contacts.to_string()),
    ("transfers", |row| row.transferred.transfers.to_string()),
    ("warmTransfers", |row| row.transferred.warm.to_string()),
    ("coldTransfers", |row| row.transferred.cold.to_string()),
    ("handledWithoutTransfer", |row| row.handled_without_transfer.number.to_string()),
    ("handledWithoutTransferPercentage", |row| maybe(row.handled_without_transfer.percentage)),
    ("startedFromJkc", |row| row.started_from_jkc.to_string()),
    ("internal", |row| row.internal.to_string()),
    ("secondLegs", |row| row.second_legs.to_string()),
];

/// The report as CSV.
pub fn csv(report: &TelephonyReportView) -> String {
    let mut text = String::from("row,key,from,to");
    for (name, _) in COLUMNS {
        text.push(',');
        text.push_str(name);
    }
    text.push_str(",transfersPercentage\r\n");
    let of = report.total.transferred.transfers;
    let period = (report.period.from.to_string(), report.period.to.to_string());
    line(&mut text, "total", None, Some(&period.0), Some(&period.1), &report.total, of);
    for row in &report.rows {
        let (from, to) = (row.from.map(|at| at.to_string()), row.to.map(|at| at.to_string()));
        line(&mut text, "group", row.key.as_deref(), from.as_deref(), to.as_deref(), &row.figures, of);
    }
    text
}

fn line(
    text: &mut String,
    kind: &str,
    key: Option<&str>,
    from: Option<&str>,
    to: Option<&str>,
    figures: &FiguresView,
    transfers: u64,
) {
    let key = key.map(cell).unwrap_or_default();
    // Writing to a string cannot fail.
    let _ = write!(text, "{kind},{key},{},{}", from.unwrap_or_default(), to.unwrap_or_default());
    for (_, value) in COLUMNS {
        text.push(',');
        text.push_str(&value(figures));
    }
    let share = crate::figures::share(figures.transferred.transfers, transfers);
    let _ = write!(text, ",{}\r\n", maybe(share.percentage));
}

fn maybe(value: Option<f64>) -> String {
    value.map(|value| format!("{value:.1}")).unwrap_or_default()
}

/// A text as a cell: no formula, and quoted where it must be.
fn cell(text: &str) -> String {
    let formula = text.trim_start().starts_with(['=', '+', '-', '@', '\t', '\r', '＝', '＋', '－', '＠'])
        || text.starts_with(['\t', '\r', '\n']);
    let safe = if formula { format!("'{text}") } else { text.to_owned() };
    if safe.contains([',', '"', '\r', '\n', ';', '\'']) {
        return format!("\"{}\"", safe.replace('"', "\"\""));
    }
    safe
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_spreadsheet_would_run_is_text() {
        assert_eq!(cell("Burgerzaken"), "Burgerzaken");
        assert_eq!(cell("Werk, Inkomen en \"Zorg\""), "\"Werk, Inkomen en \"\"Zorg\"\"\"");
        for evil in ["=HYPERLINK(\"x\")", "+1", "-1", "@SUM(A1)", "\t=1", " =1", "\r=1"] {
            assert!(cell(evil).trim_start_matches('"').starts_with('\''), "{evil:?} → {:?}", cell(evil));
        }
    }
}
