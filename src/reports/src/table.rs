//! A report as a table of text, for a terminal.

use crate::period::shown_in;
use crate::words::{Language, Words, clock, percent};
use schakel_contract::views::{FiguresView, GroupBy, TelephonyReportView};
use std::fmt::Write as _;

/// The report as text, lines of any width.
pub fn table(report: &TelephonyReportView, language: Language) -> String {
    let words = language.words();
    let mut text = format!("{}\n{}\n\n", words.title, period(report, words));
    let mut lines = vec![header(report, language)];
    lines.extend(report.rows.iter().map(|row| {
        let key = row.key.clone().unwrap_or_else(|| words.nobody.to_owned());
        cells(key, &row.figures, language)
    }));
    lines.push(cells(words.total.to_owned(), &report.total, language));
    aligned(&mut text, &lines);
    if report.total.transferred.transfers > 0 {
        let mut lines =
            vec![vec![words.department.to_owned(), words.number.to_owned(), words.share.to_owned()]];
        lines.extend(report.total.departments.iter().map(|row| {
            let name = row.department.clone().unwrap_or_else(|| words.no_department.to_owned());
            vec![name, row.transfers.number.to_string(), percent(row.transfers.percentage, language)]
        }));
        text.push('\n');
        aligned(&mut text, &lines);
    }
    let state = if report.complete { words.final_figures } else { words.not_final };
    // Writing to a string cannot fail.
    let _ = write!(text, "\n{state}");
    if report.under_way > 0 {
        let _ = write!(text, " {}: {}.", words.under_way, report.under_way);
    }
    text.push('\n');
    text
}

/// The period in the time zone of its days, with the offset of then.
pub(crate) fn period(report: &TelephonyReportView, words: &Words) -> String {
    let zone = &report.period.time_zone;
    let [from, to] = [report.period.from, report.period.to].map(|at| shown_in(zone, at.into()));
    format!("{}: {from} {} {to} ({zone})", words.period, words.until)
}

/// The columns' names, the group's first.
pub(crate) fn header(report: &TelephonyReportView, language: Language) -> Vec<String> {
    let words = language.words();
    let group = GroupBy::ALL.iter().position(|each| *each == report.group_by);
    let group = group.and_then(|at| words.group.get(at)).copied().unwrap_or_default();
    [
        group,
        words.received,
        words.answered,
        "%",
        words.abandoned,
        "%",
        words.rest,
        words.mean,
        words.transferred,
        words.without_transfer,
        words.started,
        words.reconstructed,
    ]
    .map(str::to_owned)
    .to_vec()
}

/// A row's cells, in the order of [`header`].
pub(crate) fn cells(key: String, row: &FiguresView, language: Language) -> Vec<String> {
    let rest = row.rest;
    let rest =
        rest.short_abandoned + rest.overflowed + rest.answered_elsewhere + rest.not_completed + rest.unknown;
    vec![
        key,
        row.received.to_string(),
        row.answered.number.to_string(),
        percent(row.answered.percentage, language),
        row.abandoned.number.to_string(),
        percent(row.abandoned.percentage, language),
        rest.to_string(),
        clock(row.duration.mean_seconds),
        row.transferred.contacts.number.to_string(),
        percent(row.handled_without_transfer.percentage, language),
        row.started_from_jkc.to_string(),
        row.reconstructed.to_string(),
    ]
}

/// The first column to the left, the others to the right, as wide as they must be.
fn aligned(text: &mut String, lines: &[Vec<String>]) {
    let columns = lines.iter().map(Vec::len).max().unwrap_or(0);
    let width = |column: usize| {
        lines.iter().filter_map(|line| line.get(column)).map(|cell| cell.chars().count()).max().unwrap_or(0)
    };
    let widths: Vec<usize> = (0..columns).map(width).collect();
    for line in lines {
        for (at, (cell, width)) in line.iter().zip(&widths).enumerate() {
            let _ = match at {
                0 => write!(text, "{}", shown(cell, *width)),
                _ => write!(text, "  {cell:>width$}"),
            };
        }
        text.push('\n');
    }
}

/// A name, without what would move a terminal's cursor.
fn shown(cell: &str, width: usize) -> String {
    let cell: String = cell.chars().map(|c| if c.is_control() { '·' } else { c }).collect();
    format!("{cell:<width$}")
}
