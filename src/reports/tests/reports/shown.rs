//! What people read: CSV, a table in two languages, a page.

use crate::definitions::{facts, report, served, warm};
use crate::story::{Consulted, Story, Then};
use schakel_contract::views::{GroupBy, TelephonyReportView};
use schakel_reports::{Language, csv, html, table};

/// An hour each: two answered, one of them handed over to a department with a name of its own; one given up.
fn day(group_by: GroupBy) -> TelephonyReportView {
    let stories = [
        served(warm(Consulted::TakesOver)),
        served(Then::Ends),
        Story::GivesUp { queue: true, rings: false, wait: 30 },
    ];
    let mut facts = facts(&stories);
    facts[0].transfers[0].department = Some("=Werk & <Inkomen>".into());
    report(&facts, group_by)
}

#[test]
fn csv_has_a_line_a_row_and_no_formula() {
    let text = csv(&day(GroupBy::Department));
    let lines: Vec<&str> = text.split_terminator("\r\n").collect();
    assert_eq!(lines.len(), 4, "names, total, the department, and the rest: {text}");
    let names: Vec<&str> = lines[0].split(',').collect();
    let total: Vec<&str> = lines[1].split(',').collect();
    assert_eq!(names.len(), total.len());
    let value = |name: &str| total[names.iter().position(|known| *known == name).unwrap()];
    assert_eq!((value("row"), value("key"), value("received")), ("total", "", "3"));
    assert_eq!((value("answeredPercentage"), value("meanSecondsOutbound")), ("66.7", ""));
    assert_eq!(value("from"), "2026-11-19T23:00:00.000Z");
    assert!(lines[2].starts_with("group,\"'=Werk & <Inkomen>\",,,"), "{}", lines[2]);
    assert!(lines[2].ends_with(",100.0") && lines[3].ends_with(",0.0"), "T24 is at the end: {text}");
}

#[test]
fn the_table_is_in_dutch_and_in_english() {
    let report = day(GroupBy::Queue);
    let dutch = table(&report, Language::Dutch);
    let row = dutch.lines().find(|line| line.starts_with("8000")).unwrap();
    let cells: Vec<&str> = row.split_whitespace().collect();
    assert_eq!(cells, ["8000", "3", "2", "66,7%", "1", "33,3%", "0", "2:18", "1", "50,0%", "0", "0"]);
    let period = "Periode: 2026-11-20 00:00+01:00 tot 2026-11-21 00:00+01:00 (Europe/Amsterdam)";
    assert_eq!(dutch.lines().nth(1), Some(period));
    assert!(dutch.contains("Uitval") && dutch.contains("Deze cijfers zijn definitief."));
    let english = table(&report, Language::English);
    let period = "Period: 2026-11-20 00:00+01:00 until 2026-11-21 00:00+01:00 (Europe/Amsterdam)";
    assert_eq!(english.lines().nth(1), Some(period));
    assert!(english.contains("Abandoned") && english.contains("66.7%") && english.contains("final"));
    let unfinished = TelephonyReportView { complete: false, under_way: 2, ..report };
    assert!(table(&unfinished, Language::English).contains("still go on and are not counted: 2."));
}

#[test]
fn the_page_has_a_table_beside_each_chart_and_nothing_from_elsewhere() {
    let page = html(&day(GroupBy::Hour), Language::Dutch);
    assert!(
        page.contains("<p>Periode: 2026-11-20 00:00+01:00 tot 2026-11-21 00:00+01:00 (Europe/Amsterdam)</p>")
    );
    assert!(page.contains("<html lang=\"nl\">") && page.contains("default-src 'none'"));
    assert_eq!(page.matches("<svg role=\"img\" aria-labelledby=").count(), 2);
    assert_eq!(page.matches("<caption>").count(), 3);
    assert!(page.contains("=Werk &amp; &lt;Inkomen&gt;"));
    for foreign in ["<script", "http:", "https:", "src=", "url(", "<Inkomen", "onload"] {
        assert!(!page.contains(foreign), "{foreign} is in the page");
    }
    // Every element that is opened is closed.
    for element in ["table", "tr", "figure", "svg", "main", "div", "thead", "tbody", "p", "html"] {
        let opened =
            page.matches(&format!("<{element}>")).count() + page.matches(&format!("<{element} ")).count();
        assert_eq!(opened, page.matches(&format!("</{element}>")).count(), "{element}");
    }
}

#[test]
fn an_empty_day_is_a_report_too() {
    let empty = report(&[], GroupBy::Day);
    assert_eq!((empty.rows.len(), empty.total.received, empty.total.answered.percentage), (1, 0, None));
    assert!(table(&empty, Language::Dutch).contains("–"));
    assert!(html(&empty, Language::English).contains("</html>"));
    assert_eq!(csv(&empty).lines().count(), 3);
    assert!(!report(&[], GroupBy::None).total.departments.iter().any(|_| true));
}
