//! Opening hours, as they stand now (T01).

use super::all_reply;
use crate::ask::Ask;
use crate::route::{Answer, Route, route};
use http::Method;
use schakel_contract::views::{OpeningHoursView, Scope};

pub(super) fn routes() -> Vec<Route> {
    vec![
        route(
            Method::GET,
            "/opening-hours",
            "listOpeningHours",
            "The opening hours of the configuration: open or closed now, and until when",
            |ask: Ask| async move { list(&ask) },
        )
        .scope(Scope::CallsRead)
        .gives_all::<OpeningHoursView>(),
    ]
}

fn list(ask: &Ask) -> Answer {
    Ok(all_reply(&ask.app.guide.all_hours(crate::time::now())))
}
