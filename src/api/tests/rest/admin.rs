//! Health and figures.

use crate::house::{House, in_house};
use axum::body::Body;
use http::Request;
use http_body_util::BodyExt as _;
use tower::ServiceExt as _;

async fn admin(house: &House, path: &str) -> (u16, String) {
    let router = schakel_api::admin_router(house.app.clone());
    let request = Request::builder().uri(path).body(Body::empty()).unwrap();
    let response = router.oneshot(request).await.unwrap();
    let status = response.status().as_u16();
    let body = response.into_body().collect().await.unwrap().to_bytes();
    (status, String::from_utf8(body.to_vec()).unwrap())
}

/// The figures as text.
pub async fn metrics(house: &House) -> String {
    admin(house, "/metrics").await.1
}

#[test]
fn health_follows_the_engine_and_not_the_link() {
    in_house(async |house| {
        let lost =
            schakel_core::input::InputBody::LinkLost { provider: crate::house::pbx(), reason: "cut".into() };
        house.input(lost).await;
        assert_eq!(admin(&house, "/livez").await.0, 200);
        assert_eq!(admin(&house, "/readyz").await.0, 200);
        house.engine.stop().await.unwrap();
        assert_eq!(admin(&house, "/readyz").await.0, 503);
        assert_eq!(admin(&house, "/livez").await.0, 200);
        assert_eq!(admin(&house, "/elsewhere").await.0, 404);
        let reply = house.get("/calls").await;
        assert_eq!((reply.status.as_u16(), reply.problem()), (503, "unavailable"));
    });
}

#[test]
fn chats_are_counted_by_state_and_queue_without_a_name() {
    in_house(async |house| {
        house.chatting("jansen").await;
        house.visits("publiekszaken").await;
        house.visits("publiekszaken").await;
        let text = metrics(&house).await;
        let offered: usize = value(&text, "schakel_chats{state=\"offered\"}");
        let queued: usize = value(&text, "schakel_chats{state=\"queued\"}");
        assert!(offered >= 1 && offered + queued == 2, "{text}");
        assert_eq!(value::<usize>(&text, "schakel_chat_offers_pending"), offered);
        assert_eq!(value::<usize>(&text, "schakel_chats_waiting{queue=\"publiekszaken\"}"), 2);
        assert_eq!(value::<usize>(&text, "schakel_chats_waiting{queue=\"balie\"}"), 0);
        let age = |queue| {
            value::<f64>(&text, &format!("schakel_chats_waiting_oldest_seconds{{queue=\"{queue}\"}}"))
        };
        assert!((0.0..60.0).contains(&age("publiekszaken")), "{text}");
        assert!(age("balie").abs() < f64::EPSILON, "{text}");
        assert_eq!(value::<usize>(&text, "schakel_chat_agents"), 1);
        for zero in [
            "schakel_chat_agents_paused",
            "schakel_chat_messages_refused_total",
            "schakel_chat_messages_repeated_total",
            "schakel_chat_orders_left_out_total",
            "schakel_mail_configured",
            "schakel_mail_waiting",
            "schakel_mail_failed_total{kind=\"server\"}",
        ] {
            assert_eq!(value::<u64>(&text, zero), 0, "{zero}");
        }
        assert!(!text.contains("Truus"), "{text}");
    });
}

/// The value of a figure.
fn value<T: std::str::FromStr>(text: &str, name: &str) -> T {
    let line = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
    let value = line.and_then(|value| value.parse().ok());
    assert!(value.is_some(), "{name} in {text}");
    value.unwrap()
}

#[test]
fn figures_are_text_that_prometheus_reads_and_hold_no_number() {
    in_house(async |house| {
        house.rings().await;
        let (status, text) = admin(&house, "/metrics").await;
        assert_eq!(status, 200);
        for wanted in [
            "schakel_calls_live 1\n",
            "schakel_link_up{provider=\"pbx\"} 1\n",
            "schakel_agents_registered 2\n",
            "schakel_build_info{version=",
            "process_resident_memory_bytes ",
            "schakel_link_observed_total{provider=\"pbx\",kind=\"messages_refused\"} 1\n",
            "schakel_journal_commits_total ",
            "schakel_recognised_numbers 0\n",
            "schakel_directory_entries 0\n",
            "schakel_api_request_seconds_count{route=\"register\",status=\"200\"} 2\n",
        ] {
            assert!(text.contains(wanted), "{wanted} in {text}");
        }
        assert!(!text.contains("0201234567"));
        for line in text.lines().filter(|line| !line.starts_with('#')) {
            let value = line.rsplit(' ').next().unwrap();
            assert!(value.parse::<f64>().is_ok(), "{line}");
        }
    });
}
