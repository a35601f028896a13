//! The stream: pages, server-sent events, the snapshot, and what is too old.

use crate::house::{House, in_house};
use axum::body::Body;
use http::Request;
use http_body_util::BodyExt as _;
use schakel_contract::event::Event;
use schakel_contract::views::{EventPage, Scope};
use schakel_journal::PruneBefore;
use std::time::Duration;
use tower::ServiceExt as _;

#[test]
fn t03_a_page_has_what_happened_after_a_cursor() {
    in_house(async |house| {
        let before: EventPage = serde_json::from_value(house.get("/events").await.body).unwrap();
        assert!(!before.more && !before.items.is_empty());
        house.rings().await;
        let page = house.get(&format!("/events?after={}", before.next)).await;
        let page: EventPage = serde_json::from_value(page.body).unwrap();
        let ringing = page.items.iter().find(|event| event.data.change == "call.ringing").unwrap();
        assert_eq!(ringing.data.device.as_deref(), Some("2001"));
        assert_eq!(ringing.data.agent.as_ref().unwrap().id, "jansen");
        assert_eq!(page.next, page.items.last().unwrap().sequence);
        let one: EventPage = serde_json::from_value(house.get("/events?pageSize=1").await.body).unwrap();
        assert!(one.more && one.items.len() == 1);
    });
}

#[test]
fn a_snapshot_and_the_stream_after_its_cursor_miss_nothing() {
    in_house(async |house| {
        let call = house.rings().await;
        let snapshot = house.get("/snapshot").await.body;
        assert_eq!(snapshot["calls"][0]["id"], call.as_str());
        assert_eq!(snapshot["agents"].as_array().unwrap().len(), 2);
        let cursor = snapshot["cursor"].as_str().unwrap();
        let page = house.get(&format!("/events?after={cursor}")).await.body;
        assert_eq!(page["items"].as_array().unwrap().len(), 0);
    });
}

/// Reads frames of a stream until one says what is wanted.
async fn until(body: &mut Body, wanted: &str) -> String {
    let mut text = String::new();
    let reading = async {
        while !text.contains(wanted) {
            let frame = body.frame().await.expect("the stream goes on").unwrap();
            text.push_str(std::str::from_utf8(&frame.into_data().unwrap()).unwrap());
        }
    };
    tokio::time::timeout(Duration::from_secs(10), reading).await.expect("it comes in time");
    text
}

async fn stream(house: &House, query: &str, last: Option<&str>, bearer: &str) -> Body {
    let mut request = Request::builder().uri(format!("/v1/events{query}"));
    request =
        request.header("accept", "text/event-stream").header("authorization", format!("Bearer {bearer}"));
    if let Some(last) = last {
        request = request.header("last-event-id", last);
    }
    let response = house.router.clone().oneshot(request.body(Body::empty()).unwrap()).await.unwrap();
    assert_eq!(response.status(), 200);
    assert_eq!(response.headers()["content-type"], "text/event-stream");
    response.into_body()
}

#[test]
fn t03_a_stream_tells_what_happens_and_goes_on_where_it_was() {
    in_house(async |house| {
        let mut body = stream(&house, "", None, &house.token).await;
        until(&mut body, ": schakel").await;
        house.rings().await;
        let text = until(&mut body, "nl.schakel.call.ringing.v1").await;
        let frame =
            text.split("\n\n").find(|frame| frame.contains("event: nl.schakel.call.ringing.v1")).unwrap();
        let line = |name: &str| frame.lines().find_map(|line| line.strip_prefix(name)).unwrap();
        let event: Event = serde_json::from_str(line("data: ")).unwrap();
        assert_eq!(event.sequence, line("id: "));
        // What was seen is not told again; what came after it is. The header goes before the query.
        let before = format!("{:020}", event.sequence.parse::<u64>().unwrap() - 1);
        let mut again = stream(&house, "?after=0", Some(&before), &house.token).await;
        let text = until(&mut again, "call.ringing").await;
        let first = text.lines().find_map(|line| line.strip_prefix("id: ")).unwrap();
        assert_eq!(first, event.sequence);
    });
}

#[test]
fn a_stream_ends_with_its_token_and_with_the_daemon() {
    in_house(async |house| {
        let token = house.new_token(&[Scope::EventsRead], None).await;
        let mut revoked = stream(&house, "", None, &token).await;
        let mut stopped = stream(&house, "", None, &house.token).await;
        until(&mut revoked, ": schakel").await;
        until(&mut stopped, ": schakel").await;
        assert!(house.app.tokens().revoke(token.split_once('.').unwrap().0).await.unwrap());
        house.rings().await;
        // It may tell what it had read; then it ends.
        while revoked.frame().await.is_some() {}
        house.stop.send_replace(true);
        while stopped.frame().await.is_some() {}
    });
}

#[test]
fn a_reader_whom_retention_overtakes_is_told_of_the_gap() {
    in_house(async |house| {
        let mut body = stream(&house, "?after=1", None, &house.token).await;
        until(&mut body, ": schakel").await;
        house.rings().await;
        let everything = PruneBefore { rows_ms: i64::MAX, idempotency_ms: 0 };
        while house.store.prune(everything).await.unwrap().more {}
        let earliest = house.store.reader().unwrap().earliest().unwrap().unwrap();
        let text = until(&mut body, "\"gap\"").await;
        assert!(text.contains("event: nl.schakel.stream.gap.v1"), "{text}");
        let data = text.lines().find_map(|line| line.strip_prefix("data: ")).unwrap();
        let event: Event = serde_json::from_str(data).unwrap();
        let gap = event.data.gap.unwrap();
        assert_eq!((gap.after, gap.resumes_at), (format!("{:020}", 1), format!("{earliest:020}")));
        // It goes on with what is kept.
        until(&mut body, &format!("id: {earliest:020}")).await;
    });
}

#[test]
fn a_cursor_that_is_too_old_or_from_elsewhere_is_shown_the_way_to_the_snapshot() {
    in_house(async |house| {
        house.rings().await;
        let everything = PruneBefore { rows_ms: i64::MAX, idempotency_ms: 0 };
        while house.store.prune(everything).await.unwrap().more {}
        for cursor in ["0", "999999"] {
            for accept in ["application/json", "text/event-stream"] {
                let reply =
                    house.ask("GET", &format!("/events?after={cursor}"), None, &[("accept", accept)]).await;
                assert_eq!((reply.status.as_u16(), reply.problem()), (410, "cursor-gone"));
                assert!(reply.header("link").contains("/v1/snapshot"));
            }
        }
        // Without a cursor a page begins where it can.
        assert_eq!(house.get("/events").await.status, 200);
        for wrong in ["x", "-1", "9999999999999999999", "184467440737095516150"] {
            let reply = house.get(&format!("/events?after={wrong}")).await;
            assert_eq!(reply.status, 400, "{wrong}");
        }
    });
}
