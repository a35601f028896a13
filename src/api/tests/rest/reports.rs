//! Reports on telephony (T17 to T24): figures, tables, and the contacts behind a figure.

use crate::house::{House, in_house, with_settings};
use axum::body::Body;
use http::Request;
use http_body_util::BodyExt as _;
use schakel_api::ApiSettings;
use schakel_contract::Timestamp;
use schakel_contract::views::Scope;
use schakel_core::model::call::ConnectionState::{Alerting, Null};
use schakel_core::model::cause::Cause;
use schakel_core::report::CallEvent;
use serde_json::{Value, json};
use std::time::{Duration, SystemTime};
use tower::ServiceExt as _;

/// From yesterday until tomorrow.
fn period() -> String {
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap().as_millis() as u64;
    let at = |millis| Timestamp::from_millis(millis).to_string();
    format!("from={}&to={}", at(now - 86_400_000), at(now + 86_400_000))
}

impl House {
    async fn served(&self) {
        self.speaks().await;
        self.report(CallEvent::ConnectionCleared, "2001", Null, Cause::NormalClearing).await;
    }

    async fn gives_up(&self) {
        self.queues().await;
        self.report(CallEvent::ConnectionCleared, "0201234567", Null, Cause::NormalClearing).await;
    }

    async fn reported(&self, query: &str) -> Value {
        let reply = self.get(&format!("/reports/telephony?{}{query}", period())).await;
        assert_eq!(reply.status, 200, "{}", reply.body);
        reply.body
    }

    async fn behind(&self, query: &str) -> Value {
        let reply = self.get(&format!("/reports/telephony/contacts?{}{query}", period())).await;
        assert_eq!(reply.status, 200, "{}", reply.body);
        reply.body
    }
}

#[test]
fn t17_t18_t19_the_figures_of_a_period_and_of_each_queue() {
    in_house(async |house| {
        house.served().await;
        house.gives_up().await;
        house.rings().await;
        let report = house.reported("&groupBy=queue").await;
        let total = &report["total"];
        assert_eq!(
            (&total["received"], &report["underWay"], &report["complete"]),
            (&json!(2), &json!(1), &json!(false))
        );
        assert_eq!(total["answered"], json!({ "number": 1, "percentage": 50.0 }));
        // It gave up at once, and nobody set a threshold.
        assert_eq!(total["abandoned"], json!({ "number": 1, "percentage": 50.0 }));
        assert_eq!(total["rest"]["shortAbandoned"], 0);
        assert_eq!(total["duration"]["contacts"], 1);
        assert_eq!(total["handledWithoutTransfer"], json!({ "number": 1, "percentage": 100.0 }));
        let rows = report["rows"].as_array().unwrap();
        let keys: Vec<&Value> = rows.iter().map(|row| &row["key"]).collect();
        assert_eq!(keys, [&json!("7000"), &json!(null)]);
        assert_eq!(report["period"]["timeZone"], "Europe/Amsterdam");
        // The same again: the same.
        let again = house.reported("&groupBy=queue").await;
        assert_eq!((&again["total"], &again["rows"]), (total, &report["rows"]));
        // By agent it is jansen, who sits at 2001.
        let agents = house.reported("&groupBy=agent").await;
        assert_eq!(agents["rows"][0]["key"], "jansen");
        // Two days of hours, and a bit.
        let hours = house.reported("&groupBy=hour").await;
        assert!((48..=50).contains(&hours["rows"].as_array().unwrap().len()));
    });
}

#[test]
fn the_contacts_behind_a_figure_are_listed_by_page() {
    in_house(async |house| {
        for _ in 0..3 {
            house.served().await;
        }
        house.gives_up().await;
        let first = house.behind("&figure=answered&pageSize=2").await;
        assert_eq!(first["items"].as_array().unwrap().len(), 2);
        let next = first["next"].as_str().unwrap();
        let rest = house.behind(&format!("&figure=answered&pageSize=2&after={next}")).await;
        assert_eq!((rest["items"].as_array().unwrap().len(), &rest["next"]), (1, &json!(null)));
        let item = &rest["items"][0];
        assert_eq!(
            (&item["countedAs"], &item["agents"], &item["queue"]),
            (&json!("answered"), &json!(["jansen"]), &json!(null))
        );
        assert!(!item.to_string().contains("0201234567"), "no number of a customer");
        // The row without a key, and a queue's.
        let of = async |query: &str| house.behind(query).await["items"].as_array().unwrap().len();
        assert_eq!(of("&figure=received&groupBy=queue&group=7000").await, 1);
        assert_eq!(of("&figure=received&groupBy=queue&group=").await, 3);
        assert_eq!(of("&figure=received&groupBy=agent&group=jansen").await, 3);
        assert_eq!(of("&figure=received").await, 4);
        assert_eq!(of("&figure=department&department=Burgerzaken").await, 0);
        let contact = item["contact"].as_str().unwrap();
        assert_eq!(house.get(&format!("/contacts/{contact}")).await.status, 200);
    });
}

#[test]
fn a_table_is_given_to_who_asks_for_one() {
    in_house(async |house| {
        house.served().await;
        let ask = async |accept: &str| {
            let request = Request::get(format!("/v1/reports/telephony?{}", period()))
                .header("authorization", format!("Bearer {}", house.token))
                .header("accept", accept)
                .body(Body::empty())
                .unwrap();
            let response = house.router.clone().oneshot(request).await.unwrap();
            let media = response.headers()["content-type"].to_str().unwrap().to_owned();
            let body = response.into_body().collect().await.unwrap().to_bytes();
            (media, String::from_utf8(body.to_vec()).unwrap())
        };
        let (media, text) = ask("text/csv").await;
        assert_eq!(media, "text/csv; charset=utf-8; header=present");
        assert!(text.starts_with("row,key,from,to,contacts,") && text.contains("\r\ntotal,,"), "{text}");
        let document = house.get("/openapi.json").await.body.to_string();
        assert!(document.contains(text.lines().next().unwrap()), "the names are in the document: {text}");
        assert!(ask("application/json, text/csv;q=0.5").await.0.starts_with("application/json"));
        assert!(ask("*/*").await.0.starts_with("application/json"));
        assert!(ask("application/pdf").await.0.starts_with("application/problem+json"));
    });
}

#[test]
fn all_that_is_wrong_with_a_question_is_told_together() {
    in_house(async |house| {
        let wrong = async |path: &str| {
            let reply = house.get(&format!("/reports/telephony{path}")).await;
            assert_eq!((reply.status.as_u16(), reply.problem()), (400, "invalid-request"), "{path}");
            let errors = reply.body["errors"].as_array().unwrap();
            errors.iter().map(|error| error["detail"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
        };
        assert_eq!(wrong("").await.len(), 2, "from and to are missing");
        assert_eq!(wrong("?groupBy=moon&from=gisteren").await.len(), 3);
        assert_eq!(wrong("?from=2026-13-01&to=2026-02-30").await.len(), 2);
        assert_eq!(wrong("/contacts?from=2026-13-01&to=2026-02-30&figure=received&after=x").await.len(), 3);
        assert_eq!(wrong("/contacts?from=2026-01-01&to=2026-02-01&figure=luck").await.len(), 1);
        let empty = wrong("?from=2026-10-02&to=2026-10-01").await;
        assert!(empty[0].contains("ends where it begins"), "{empty:?}");
        let long = wrong("?from=2020-01-01&to=2026-01-01&groupBy=hour").await;
        assert!(long[0].contains("rows"), "{long:?}");
        let row = wrong("/contacts?from=2026-01-01&to=2026-02-01&figure=received&groupBy=day&group=x").await;
        assert!(row[0].contains("no row"), "{row:?}");
    });
}

#[test]
fn reports_have_a_scope_of_their_own() {
    in_house(async |house| {
        for (scope, status) in [(Scope::CallsRead, 403), (Scope::ReportsRead, 200)] {
            let token = format!("Bearer {}", house.new_token(&[scope], None).await);
            let path = format!("/reports/telephony?{}", period());
            let reply = house.ask("GET", &path, None, &[("authorization", &token)]).await;
            assert_eq!(reply.status, status, "{}", reply.body);
        }
        // What rings is under way and in no figure.
        house.report(CallEvent::Delivered, "2001", Alerting, Cause::NewCall).await;
        assert_eq!(house.reported("").await["total"]["contacts"], 0);
    });
}

#[test]
fn a_report_that_takes_too_long_or_must_wait_too_long_is_told_what_to_do() {
    let settings =
        ApiSettings { reports_max: 0, report_timeout: Duration::from_millis(20), ..ApiSettings::default() };
    with_settings(settings, async |house| {
        let reply = house.get(&format!("/reports/telephony?{}", period())).await;
        assert_eq!((reply.status.as_u16(), reply.problem()), (503, "unavailable"));
        assert!(reply.body["detail"].as_str().unwrap().contains("shorter period"), "{}", reply.body);
        assert!(!reply.header("retry-after").is_empty());
    });
}
