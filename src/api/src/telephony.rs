//! Reports and the contacts behind their figures, from the journal's facts. For the API, and for who reads a journal
//! without one (`schakel report`). Blocks: a million contacts take seconds.

use schakel_contract::views::{ReportedContactView, TelephonyReportView};
use schakel_core::model::time::Time;
use schakel_engine::{FactError, decode_fact};
use schakel_journal::{FactCursor, Reader, StoreError};
use schakel_reports::{Finder, Period, ReportMaker, TooManyRows};
use std::ops::{ControlFlow, Range};

/// Facts that one page looks at: a figure that is rare must not hold a reader for long.
const SCAN_MAX: usize = 100_000;

/// Why there is no report.
#[derive(Debug, thiserror::Error)]
pub enum ReportError {
    /// The journal.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A fact that cannot be read: no report rather than a wrong one.
    #[error(transparent)]
    Fact(#[from] FactError),
    /// It would be too long.
    #[error(transparent)]
    TooManyRows(#[from] TooManyRows),
}

/// A page of contacts behind a figure.
#[derive(Debug, Default)]
pub struct FoundPage {
    /// Those found, by beginning.
    pub items: Vec<ReportedContactView>,
    /// Where to go on; none at the end. There may be more though nothing was found: a page looks at 100,000 contacts.
    pub next: Option<FactCursor>,
}

/// Gives the facts of the maker's period to it, and the report as it stands at a moment.
///
/// # Errors
/// When the journal cannot be read, or the report would be too long.
pub fn report(
    reader: &Reader,
    period: Period,
    mut maker: ReportMaker,
    now: Time,
) -> Result<TelephonyReportView, ReportError> {
    let mut unreadable = None;
    reader.each_fact(millis(period), None, |row| match decode_fact(row.bytes) {
        Ok(fact) => {
            maker.add(&fact);
            ControlFlow::Continue(())
        }
        Err(error) => {
            unreadable = Some(error);
            ControlFlow::Break(())
        }
    })?;
    match unreadable {
        Some(error) => Err(error.into()),
        None => Ok(maker.finish(now)?),
    }
}

/// A page of the contacts behind a figure.
///
/// # Errors
/// When the journal cannot be read.
pub fn found(
    reader: &Reader,
    finder: &Finder,
    after: Option<FactCursor>,
    size: usize,
) -> Result<FoundPage, ReportError> {
    let (mut page, mut seen, mut last, mut unreadable) = (FoundPage::default(), 0, None, None);
    reader.each_fact(millis(finder.period()), after, |row| {
        if page.items.len() == size || seen == SCAN_MAX {
            page.next = last;
            return ControlFlow::Break(());
        }
        seen += 1;
        last = Some((row.received_ms, row.contact));
        match decode_fact(row.bytes) {
            Ok(fact) => {
                page.items.extend(finder.find(&fact));
                ControlFlow::Continue(())
            }
            Err(error) => {
                unreadable = Some(error);
                ControlFlow::Break(())
            }
        }
    })?;
    unreadable.map_or(Ok(page), |error| Err(error.into()))
}

fn millis(period: Period) -> Range<i64> {
    let millis = |at: Time| i64::try_from(at.0).unwrap_or(i64::MAX);
    millis(period.from)..millis(period.to)
}
