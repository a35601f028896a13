//! A telephone system asks where a call shall go, and JKC says so at once, by a request, too late, wrongly or not at all
//! (T01). Whatever it does, the caller arrives somewhere.

use crate::harness::{House, SOON, on_runtime, pbx};
use http::Method;
use schakel::jkc::Behaviour;
use schakel::jkc::Routing;
use schakel_contract::event::Event;
use schakel_contract::views::{CallView, DecidedBy, RouteState, RouteView};
use serde_json::json;
use std::time::Duration;
use tempfile::TempDir;

const CUSTOMER: &str = "0201234567";

/// The routeing device 7100 of the default simulator, whose calls go to 2003 when JKC does not say otherwise in time.
const ROUTE: &str = r#"
[[providers.routes]]
device = "7100"
limit_milliseconds = 1000
fallback = "2003"
department = "Burgerzaken"
"#;

async fn house() -> House {
    let house = House::with(pbx(), ROUTE).await;
    house.pbx.until_routed("7100").await;
    house
}

fn rules(rules: &[&str]) -> Routing {
    Routing { rules: rules.iter().map(|rule| rule.parse().unwrap()).collect(), after: Duration::ZERO }
}

/// The call that rings at a device after a mark.
async fn rings(house: &House, mark: usize, device: &str) -> CallView<'static> {
    house.told(mark, "call.ringing", Some(device)).await.data.call.unwrap()
}

async fn route(house: &House, asked: &Event) -> RouteView<'static> {
    let id = asked.data.route.as_ref().unwrap().id.to_string();
    house.api.get(&["routes", &id]).await.unwrap()
}

async fn ends(house: House) {
    house.pbx.hang_up(CUSTOMER).unwrap();
    house.ends_clean().await;
}

#[test]
fn t01_jkc_says_where_in_the_answer_to_its_webhook() {
    on_runtime(async {
        let house = house().await;
        house.agent("zoe", "2002").await;
        house.jkc.route(rules(&["@zoe"]));
        let mark = house.mark();
        house.pbx.ring(CUSTOMER, "7100").unwrap();
        let asked = house.told(mark, "route.requested", None).await;
        let situation = asked.data.situation.as_ref().unwrap();
        assert_eq!(situation.department.as_deref(), Some("Burgerzaken"));
        assert!(situation.queues.iter().any(|queue| queue.device == "7000"), "{situation:?}");
        assert_eq!(asked.data.contact.as_ref().unwrap().customer.number.as_deref(), Some(CUSTOMER));
        let decided = house.told(mark, "route.decided", None).await;
        let told = decided.data.route.unwrap();
        assert_eq!((told.state, told.decided_by), (RouteState::Decided, Some(DecidedBy::Jkc)));
        assert_eq!(told.decision.unwrap().number.as_deref(), Some("2002"));
        assert!(decided.data.command.unwrap().by.token.starts_with("webhook:"));
        let call = rings(&house, mark, "2002").await;
        assert_eq!(Some(call.contact), asked.data.contact.as_ref().map(|contact| contact.id), "one contact");
        ends(house).await;
    });
}

#[test]
fn t01_jkc_says_where_by_a_request_and_only_once() {
    on_runtime(async {
        let house = house().await;
        let mark = house.mark();
        house.pbx.ring(CUSTOMER, "7100").unwrap();
        let asked = house.told(mark, "route.requested", None).await;
        let id = asked.data.route.as_ref().unwrap().id.to_string();
        let path = ["routes", id.as_str(), "decision"];
        let to = |number: &str| json!({ "destination": { "number": number } });
        house.api.command(Method::POST, &path, Some(&to("2010"))).await.unwrap();
        let refused = house.api.command(Method::POST, &path, Some(&to("2011"))).await.unwrap_err();
        assert_eq!(refused.problem().unwrap().status, 409);
        rings(&house, mark, "2010").await;
        ends(house).await;
    });
}

#[test]
fn t01_a_slow_jkc_is_not_waited_for_and_its_late_answer_changes_nothing() {
    on_runtime(async {
        let house = house().await;
        house.jkc.route(Routing { after: Duration::from_millis(1500), ..rules(&["2010"]) });
        let mark = house.mark();
        house.pbx.ring(CUSTOMER, "7100").unwrap();
        let fell = |event: &Event| event.data.change == "route.fell-back";
        // In the lane of its contact behind the question, which is told again as history when its time has passed.
        let (event, _) = house.jkc.event_after(mark, "the fallback", SOON, fell).await.unwrap();
        let told = event.data.route.as_ref().unwrap();
        assert_eq!(told.decided_by, Some(DecidedBy::Fallback));
        assert_eq!(told.decision.as_ref().unwrap().number.as_deref(), Some("2003"));
        rings(&house, mark, "2003").await;
        // Nobody hears what the webhook is answered by now; by REST it is told.
        let path = ["routes", &told.id.to_string(), "decision"];
        let late = json!({ "destination": { "number": "2010" } });
        let refused = house.api.command(Method::POST, &path, Some(&late)).await.unwrap_err();
        assert_eq!(refused.problem().unwrap().status, 409);
        assert!(house.live_calls().await[0].connections.iter().all(|each| each.device != "2010"));
        ends(house).await;
    });
}

#[test]
fn t01_a_wrong_answer_is_no_answer() {
    on_runtime(async {
        let house = house().await;
        house.jkc.route(rules(&["@nobody"]));
        let mark = house.mark();
        house.pbx.ring(CUSTOMER, "7100").unwrap();
        let fell = house.told(mark, "route.fell-back", None).await;
        assert_eq!(fell.data.route.unwrap().decided_by, Some(DecidedBy::Fallback));
        rings(&house, mark, "2003").await;
        ends(house).await;
    });
}

#[test]
fn t01_a_busy_destination_is_asked_about_again() {
    on_runtime(async {
        let house = house().await;
        house.jkc.route(rules(&["0887654321"]));
        let mark = house.mark();
        house.pbx.ring(CUSTOMER, "7100").unwrap();
        let again = |event: &Event| event.data.route.as_ref().is_some_and(|route| route.tries == 2);
        let (asked, _) = house.jkc.event_after(mark, "the second question", SOON, again).await.unwrap();
        assert_eq!(asked.data.route.as_ref().unwrap().failed, ["0887654321"]);
        // The telephone system asks twice at most, and then knows by itself: a queue whose telephones ring.
        rings(&house, mark, "2001").await;
        let now = route(&house, &asked).await;
        assert_eq!((now.tries, now.failed.len()), (2, 1), "{now:?}");
        ends(house).await;
    });
}

#[test]
fn t01_an_absent_jkc_costs_the_caller_the_time_limit_and_nothing_else() {
    on_runtime(async {
        let house = house().await;
        house.jkc.behave(Behaviour { down: true, ..Behaviour::default() });
        let mark = house.mark();
        house.pbx.ring(CUSTOMER, "7100").unwrap();
        house.pbx.until(|state| state.switch.calls_ringing_at("2003") == 1).await;
        house.jkc.behave(Behaviour::default());
        // What it missed comes as history, in its order.
        let asked = house.told(mark, "route.requested", None).await;
        assert_eq!(asked.expirytime, None, "nobody waits for an answer any more");
        house.told(mark, "route.fell-back", None).await;
        rings(&house, mark, "2003").await;
        ends(house).await;
    });
}

#[test]
fn t01_outside_opening_hours_the_fallback_is_another() {
    on_runtime(async {
        let route = format!("{ROUTE}opening_hours = \"nooit\"\nfallback_closed = \"2010\"\n");
        let never = |text: String| format!("[[opening_hours]]\nname = \"nooit\"\n{text}");
        let house = House::furnished(TempDir::new().unwrap(), None, pbx(), &route, never).await;
        house.pbx.until_routed("7100").await;
        let mark = house.mark();
        house.pbx.ring(CUSTOMER, "7100").unwrap();
        let asked = house.told(mark, "route.requested", None).await;
        let hours = asked.data.situation.as_ref().unwrap().opening_hours.as_ref().unwrap();
        assert_eq!((hours.name.as_str(), hours.open, hours.until), ("nooit", false, None));
        let fell = house.told(mark, "route.fell-back", None).await;
        assert_eq!(fell.data.route.unwrap().decision.unwrap().number.as_deref(), Some("2010"));
        rings(&house, mark, "2010").await;
        ends(house).await;
    });
}
