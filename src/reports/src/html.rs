//! A report as one page of HTML: no script, nothing from elsewhere, a table beside every chart.

use crate::table::{cells, header, period};
use crate::words::{Language, Words, clock, percent};
use schakel_contract::views::{FiguresView, TelephonyReportView};
use std::fmt::Write as _;

/// Bars in a chart: more cannot be read.
const BARS_MAX: usize = 62;

const STYLE: &str = "body{font:16px/1.5 system-ui,sans-serif;color:#1b1b1b;background:#fff;margin:2rem auto;\
max-width:72rem;padding:0 1rem}table{border-collapse:collapse;margin:1rem 0}caption{text-align:left;font-weight:600}\
th,td{border-bottom:1px solid #767676;padding:.25rem .6rem;text-align:right}th:first-child,td:first-child{text-align:left}\
tfoot td,tfoot th{font-weight:700}figure{margin:1rem 0}svg{max-width:100%;height:auto}.wide{overflow-x:auto}";

/// The three parts of a bar: colour, told apart without colour by their order and by the table.
const COLOURS: [&str; 3] = ["#0b6e4f", "#b3261e", "#5f6368"];

/// The report as a page.
pub fn html(report: &TelephonyReportView, language: Language) -> String {
    let words = language.words();
    let mut page = format!(
        "<!doctype html>\n<html lang=\"{}\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">\n\
         <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\n\
         <title>{title}</title>\n<style>{STYLE}</style>\n</head>\n<body>\n<main>\n<h1>{title}</h1>\n\
         <p>{}</p>\n",
        words.code,
        escaped(&period(report, words)),
        title = words.title,
    );
    let state = if report.complete { words.final_figures } else { words.not_final };
    // Writing to a string cannot fail.
    let _ = write!(page, "<p>{state}");
    if report.under_way > 0 {
        let _ = write!(page, " {}: {}.", words.under_way, report.under_way);
    }
    page.push_str("</p>\n");
    eight(&mut page, &report.total, words, language);
    if !report.rows.is_empty() {
        bars(&mut page, report, words);
        rows(&mut page, report, words, language);
    }
    departments(&mut page, &report.total, words, language);
    page.push_str("</main>\n</body>\n</html>\n");
    page
}

/// The eight figures of the whole period.
fn eight(page: &mut String, total: &FiguresView, words: &Words, language: Language) {
    let rest = total.rest;
    let [short, overflowed, elsewhere, failed, unknown] = words.rest_of;
    let none = String::new;
    let lines = [
        (words.received, total.received.to_string(), none()),
        (words.answered, total.answered.number.to_string(), percent(total.answered.percentage, language)),
        (words.abandoned, total.abandoned.number.to_string(), percent(total.abandoned.percentage, language)),
        (short, rest.short_abandoned.to_string(), none()),
        (overflowed, rest.overflowed.to_string(), none()),
        (elsewhere, rest.answered_elsewhere.to_string(), none()),
        (failed, rest.not_completed.to_string(), none()),
        (unknown, rest.unknown.to_string(), none()),
        (words.mean, clock(total.duration.mean_seconds), none()),
        (
            words.transferred,
            total.transferred.contacts.number.to_string(),
            percent(total.transferred.contacts.percentage, language),
        ),
        (
            words.without_transfer,
            total.handled_without_transfer.number.to_string(),
            percent(total.handled_without_transfer.percentage, language),
        ),
        (words.started, total.started_from_jkc.to_string(), none()),
        (words.reconstructed, total.reconstructed.to_string(), none()),
    ];
    let _ = write!(
        page,
        "<table>\n<caption>{}</caption>\n<thead><tr><th scope=\"col\">{}</th><th scope=\"col\">{}</th>\
         <th scope=\"col\">%</th></tr></thead>\n<tbody>\n",
        words.total, words.figure, words.number
    );
    for (name, number, share) in lines {
        let _ = writeln!(page, "<tr><th scope=\"row\">{name}</th><td>{number}</td><td>{share}</td></tr>");
    }
    page.push_str("</tbody>\n</table>\n");
}

/// A stacked bar a row: answered, abandoned, other.
fn bars(page: &mut String, report: &TelephonyReportView, words: &Words) {
    const HEIGHT: u64 = 160;
    const STEP: usize = 14;
    let shown = report.rows.iter().take(BARS_MAX);
    let most = shown.clone().map(|row| row.figures.received).max().unwrap_or(0).max(1);
    let width = report.rows.len().min(BARS_MAX) * STEP + 2;
    let _ = write!(
        page,
        "<figure>\n<figcaption>{}</figcaption>\n<svg role=\"img\" aria-labelledby=\"calls\" width=\"{width}\" \
         height=\"{}\" viewBox=\"0 0 {width} {}\">\n<title id=\"calls\">{}</title>\n",
        words.chart_calls,
        HEIGHT + 4,
        HEIGHT + 4,
        words.chart_calls
    );
    for (at, row) in shown.enumerate() {
        let figures = &row.figures;
        let other = figures.received - figures.answered.number - figures.abandoned.number;
        let mut top = HEIGHT + 2;
        for (number, colour) in
            [figures.answered.number, figures.abandoned.number, other].into_iter().zip(COLOURS)
        {
            let tall = number * HEIGHT / most;
            top -= tall;
            if tall > 0 {
                let _ = writeln!(
                    page,
                    "<rect x=\"{}\" y=\"{top}\" width=\"{}\" height=\"{tall}\" fill=\"{colour}\" stroke=\"#fff\" stroke-width=\".5\"/>",
                    at * STEP + 2,
                    STEP - 3
                );
            }
        }
    }
    page.push_str("</svg>\n<p>");
    for (name, colour) in [words.answered, words.abandoned, words.rest].into_iter().zip(COLOURS) {
        let _ = write!(page, "<span style=\"color:{colour}\" aria-hidden=\"true\">■</span> {name} ");
    }
    page.push_str("</p>\n");
    if report.rows.len() > BARS_MAX {
        let _ = writeln!(page, "<p>{}</p>", words.more_rows);
    }
    page.push_str("</figure>\n");
}

/// The table beside the chart.
fn rows(page: &mut String, report: &TelephonyReportView, words: &Words, language: Language) {
    let _ = write!(
        page,
        "<div class=\"wide\" tabindex=\"0\">\n<table>\n<caption>{}</caption>\n<thead><tr>",
        words.title
    );
    for name in header(report, language) {
        let _ = write!(page, "<th scope=\"col\">{}</th>", escaped(&name));
    }
    page.push_str("</tr></thead>\n<tbody>\n");
    for row in &report.rows {
        let key = row.key.clone().unwrap_or_else(|| words.nobody.to_owned());
        table_row(page, &cells(key, &row.figures, language));
    }
    page.push_str("</tbody>\n<tfoot>\n");
    table_row(page, &cells(words.total.to_owned(), &report.total, language));
    page.push_str("</tfoot>\n</table>\n</div>\n");
}

fn table_row(page: &mut String, cells: &[String]) {
    page.push_str("<tr>");
    for (at, cell) in cells.iter().enumerate() {
        let _ = match at {
            0 => write!(page, "<th scope=\"row\">{}</th>", escaped(cell)),
            _ => write!(page, "<td>{}</td>", escaped(cell)),
        };
    }
    page.push_str("</tr>\n");
}

/// A bar a department, and the table beside it.
fn departments(page: &mut String, total: &FiguresView, words: &Words, language: Language) {
    const WIDTH: u64 = 400;
    const STEP: usize = 18;
    if total.departments.is_empty() {
        return;
    }
    let most = total.departments.iter().map(|row| row.transfers.number).max().unwrap_or(0).max(1);
    let height = total.departments.len().min(BARS_MAX) * STEP + 2;
    let _ = write!(
        page,
        "<figure>\n<figcaption>{0}</figcaption>\n<svg role=\"img\" aria-labelledby=\"departments\" width=\"{WIDTH}\" \
         height=\"{height}\" viewBox=\"0 0 {WIDTH} {height}\">\n<title id=\"departments\">{0}</title>\n",
        words.chart_departments
    );
    for (at, row) in total.departments.iter().take(BARS_MAX).enumerate() {
        let long = row.transfers.number * (WIDTH - 4) / most;
        let _ = writeln!(
            page,
            "<rect x=\"2\" y=\"{}\" width=\"{long}\" height=\"{}\" fill=\"{}\"/>",
            at * STEP + 2,
            STEP - 4,
            COLOURS[0]
        );
    }
    let _ = write!(
        page,
        "</svg>\n</figure>\n<table>\n<caption>{}</caption>\n<thead><tr><th scope=\"col\">{}</th>\
         <th scope=\"col\">{}</th><th scope=\"col\">{}</th></tr></thead>\n<tbody>\n",
        words.chart_departments, words.department, words.transfers, words.share
    );
    for row in &total.departments {
        let name = row.department.clone().unwrap_or_else(|| words.no_department.to_owned());
        let share = percent(row.transfers.percentage, language);
        table_row(page, &[name, row.transfers.number.to_string(), share]);
    }
    page.push_str("</tbody>\n</table>\n");
}

/// A text from outside, as text: for an element or a quoted attribute.
pub fn escaped(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            '\'' => safe.push_str("&#39;"),
            c => safe.push(c),
        }
    }
    safe
}
