//! Reports on telephony (T17 to T24), and the contacts behind a figure.

use crate::ask::Ask;
use crate::problem::Failure;
use crate::reply::{json_reply, page_reply};
use crate::route::{Answer, Route, route};
use crate::telephony::{self, ReportError};
use axum::response::{IntoResponse as _, Response};
use http::header::{ACCEPT, CONTENT_TYPE};
use http::{HeaderValue, Method, StatusCode};
use schakel_contract::problem::{InputError, InputPlace, ProblemKind};
use schakel_contract::views::{Figure, GroupBy, ReportedContactView, Scope, TelephonyReportView};
use schakel_core::model::ids::ContactId;
use schakel_journal::{FactCursor, Reader};
use schakel_reports::{Behind, Bound, Finder, Period, ReportMaker, csv, under_way};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use uuid::Uuid;

/// The media type of a table.
const CSV: &str = "text/csv";

pub(super) fn routes() -> Vec<Route> {
    vec![
        of_period(route(
            Method::GET,
            "/reports/telephony",
            "getTelephonyReport",
            "The eight reports on telephony over a period, as a whole and by group; with `Accept: text/csv` as a table",
            read,
        ))
        .gives::<TelephonyReportView>()
        .or_text(
            CSV,
            "A line of names, a line `total`, and a line `group` for each row. Numbers have a point; what is null is \
             empty; a text that a spreadsheet would take for a formula begins with an apostrophe. The names: \
             row,key,from,to,contacts,reconstructed,received,answered,answeredPercentage,abandoned,\
             abandonedPercentage,shortAbandoned,overflowed,answeredElsewhere,notCompleted,unknown,conversations,\
             totalSeconds,meanSeconds,heldSeconds,meanSecondsInbound,meanSecondsOutbound,transferred,\
             transferredPercentage,transferredOutbound,transfers,warmTransfers,coldTransfers,handledWithoutTransfer,\
             handledWithoutTransferPercentage,startedFromJkc,internal,secondLegs,transfersPercentage. By department \
             the last is T24: what the row's transfers are of all.",
        ),
        of_period(route(
            Method::GET,
            "/reports/telephony/contacts",
            "listReportedContacts",
            "The contacts behind a figure, by beginning. A page may have fewer items than asked for, also none, and still \
             a `next`: it looks at 100,000 contacts at most",
            contacts,
        ))
        .gives_rows::<ReportedContactView>()
        .query_required("figure", "Which figure.", names(Figure::ALL.iter().map(|figure| figure.as_str())))
        .query(
            "group",
            "The row of the report by its `key`; empty for the row without one. Without it: all rows.",
            json!({ "type": "string", "maxLength": 300 }),
        )
        .query(
            "department",
            "Of the figure `department`: which; without it, or empty: transfers for which none was chosen.",
            json!({ "type": "string", "maxLength": 300 }),
        )
        .query("after", "The `next` of the page before.", json!({ "type": "string", "maxLength": 60 }))
        .page_size(),
    ]
}

fn of_period(route: Route) -> Route {
    let moment = |example: &str| {
        let pattern = "^[0-9]{4}-[0-9]{2}-[0-9]{2}(T[0-9:.]{5,18}(Z|[+-][0-9]{2}:[0-9]{2}))?$";
        let examples = [example, "2026-10-25T12:00:00Z", "2026-10-25T13:00:00+01:00"];
        json!({ "type": "string", "pattern": pattern, "examples": examples })
    };
    let group_by = names(GroupBy::ALL.iter().map(|group_by| group_by.as_str()));
    route
        .scope(Scope::ReportsRead)
        .report()
        .query_required(
            "from",
            "The first moment: a day (it begins at midnight, local time) or a date-time with its offset (a `+` is `%2B` \
             in a query).",
            moment("2026-10-01"),
        )
        .query_required("to", "The first moment after the period, as `from`.", moment("2026-11-01"))
        .query("groupBy", "By what the rows are grouped; without it there are none.", group_by)
}

fn names<'a>(names: impl Iterator<Item = &'a str>) -> Value {
    json!({ "type": "string", "enum": names.collect::<Vec<_>>() })
}

async fn read(ask: Ask) -> Answer {
    let (period, group_by) = (period(&ask).map_err(Failure::invalid)?, group_by(&ask));
    let going_on = going_on(&ask, period).await?;
    let maker = ReportMaker::new(period, group_by, ask.app.settings.reports.clone(), going_on);
    let maker = maker.map_err(|error| invalid("groupBy", "tooMany", error.to_string()))?;
    let now = crate::time::now().into();
    let report = looked(&ask, move |reader| telephony::report(reader, period, maker, now)).await?;
    if wants_csv(&ask) {
        let mut response: Response = csv(&report).into_response();
        let media = HeaderValue::from_static("text/csv; charset=utf-8; header=present");
        response.headers_mut().insert(CONTENT_TYPE, media);
        return Ok(response);
    }
    Ok(json_reply(StatusCode::OK, &report))
}

async fn contacts(ask: Ask) -> Answer {
    let after = ask.asked("after").map(cursor);
    let no_cursor = (after == Some(None)).then(|| {
        let detail = "after: give the `next` of the page before as it is";
        InputError::parameter(InputPlace::Query, "after", "format", detail)
    });
    let (period, mut errors) = match period(&ask) {
        Ok(period) => (Some(period), Vec::new()),
        Err(errors) => (None, errors),
    };
    errors.extend(no_cursor);
    let Some(period) = period.filter(|_| errors.is_empty()) else { return Err(Failure::invalid(errors)) };
    let row = ask.asked("group").map(|key| Some(key.to_owned()).filter(|key| !key.is_empty()));
    let department = ask.asked("department").filter(|name| !name.is_empty());
    let behind = Behind {
        // Its schema knows the names.
        figure: ask.asked("figure").and_then(Figure::from_name).unwrap_or(Figure::Contacts),
        department: department.map(str::to_owned),
        group_by: group_by(&ask),
        row,
    };
    let going_on = going_on(&ask, period).await?;
    let finder = Finder::new(period, behind, ask.app.settings.reports.clone(), going_on);
    let finder = finder.map_err(|error| invalid("group", "unknown", error.to_string()))?;
    let size = ask.page_size();
    let found = looked(&ask, move |reader| telephony::found(reader, &finder, after.flatten(), size)).await?;
    let next = found.next.map(|(received, contact)| format!("{received}-{}", Uuid::from_u128(contact)));
    Ok(page_reply(&found.items, next))
}

/// Looks at the facts when it is its turn, on a thread beside that of the calls.
async fn looked<T: Send + 'static>(
    ask: &Ask,
    look: impl FnOnce(&Reader) -> Result<T, ReportError> + Send + 'static,
) -> Result<T, Failure> {
    let turn = ask.app.reporting.clone().acquire_owned().await;
    let looking = ask.app.store.read(move |reader| {
        let looked = look(reader);
        // Not before: who asked may have gone, and the work goes on.
        drop(turn);
        Ok(looked)
    });
    looking.await?.map_err(failure)
}

/// Before the facts are read: what ends meanwhile is in neither place twice.
async fn going_on(ask: &Ask, period: Period) -> Result<BTreeSet<ContactId>, Failure> {
    Ok(ask.app.engine.read(move |state| under_way(state, period)).await?)
}

fn period(ask: &Ask) -> Result<Period, Vec<InputError>> {
    let asked = |name| ask.asked(name).unwrap_or_default();
    Period::between(asked("from"), asked("to"), &ask.app.settings.reports).map_err(|errors| {
        let wrong = errors.into_iter().map(|(bound, error)| {
            let name = if bound == Bound::From { "from" } else { "to" };
            InputError::parameter(InputPlace::Query, name, "period", format!("{name}: {error}"))
        });
        wrong.collect()
    })
}

fn group_by(ask: &Ask) -> GroupBy {
    // Its schema knows the names.
    ask.asked("groupBy").and_then(GroupBy::from_name).unwrap_or(GroupBy::None)
}

fn cursor(text: &str) -> Option<FactCursor> {
    let (received, contact) = text.split_once('-')?;
    Some((received.parse().ok()?, Uuid::try_parse(contact).ok()?.as_u128()))
}

/// Whether a table is wanted rather than an object: it is named, and JSON is not, or after it.
fn wants_csv(ask: &Ask) -> bool {
    let accept = ask.header(ACCEPT.as_str()).unwrap_or_default().to_ascii_lowercase();
    match (accept.find(CSV), accept.find("application/json")) {
        (Some(csv), Some(json)) => csv < json,
        (csv, _) => csv.is_some(),
    }
}

fn invalid(name: &str, code: &'static str, detail: String) -> Failure {
    Failure::invalid(vec![InputError::parameter(InputPlace::Query, name, code, detail)])
}

fn failure(error: ReportError) -> Failure {
    match error {
        ReportError::Store(error) => error.into(),
        ReportError::TooManyRows(error) => invalid("groupBy", "tooMany", error.to_string()),
        ReportError::Fact(error) => {
            tracing::error!(%error, "a report cannot be made");
            Failure::new(ProblemKind::Internal, error.to_string())
        }
    }
}
