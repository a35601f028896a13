//! Routing points: an application is asked where a call shall go, as the switch and its telephones see it.

use crate::table::{CUSTOMER, Table, at, calls, config, consults, rings};
use schakel_simulator::duration::Span;
use schakel_simulator::switch::{
    Command, ConfigError, EventKind, Forwarding, Number, Outcome, PointEvents, QueueConfig, RegistrationId,
    Rejected, RouteFailure, RouteId, RouteSays, RoutingPointConfig, Switch, SwitchConfig, SwitchError,
};

const POINT: &str = "7100";

fn with_point(adjust: impl FnOnce(&mut RoutingPointConfig)) -> SwitchConfig {
    let mut config = config();
    let mut point = RoutingPointConfig::new(POINT, "7000");
    adjust(&mut point);
    config.routing_points.push(point);
    config
}

/// A switch at which an application is asked.
fn asked(adjust: impl FnOnce(&mut RoutingPointConfig)) -> Table {
    let mut table = Table::new(with_point(adjust));
    table.registers(Some(POINT)).unwrap();
    table
}

impl Table {
    fn registers(&mut self, point: Option<&str>) -> Result<RegistrationId, SwitchError> {
        let (outcome, _) = self.tries(&Command::RouteRegister { point: point.map(Number::from) })?;
        let Outcome::Registered(registration) = outcome else { panic!("{outcome:?}") };
        Ok(registration)
    }
}

fn select(route: u64, to: &str) -> Command {
    Command::RouteSelect { route: RouteId(route), to: to.into(), tell_used: true, correlator: None }
}

#[test]
fn t01_an_application_says_where_a_call_goes() {
    let mut table = asked(|_| {});
    assert_eq!(
        table.does(&rings(CUSTOMER, POINT)),
        ["7100 Delivered 1@7100 alerting enteringDistribution", "(1) RouteRequest 2 1@7100"]
    );
    assert_eq!(
        table.does(&select(2, "2003")),
        [
            "7100 Diverted 1@7100 null redirected",
            "2003 Delivered 1@2003 alerting redirected",
            "(1) RouteUsed 2 2003",
            "(1) RouteEnd 2"
        ]
    );
    assert_eq!(table.tries(&select(2, "2004")).unwrap_err(), SwitchError::UnknownRoute(RouteId(2)));
    table.does(&Command::Answer(at("1", "2003")));
    table.does(&Command::ClearConnection(at("1", CUSTOMER)));
    table.is_quiet();
}

#[test]
fn t01_a_call_can_be_routed_to_a_queue_and_outside_and_carries_data() {
    let mut table = asked(|_| {});
    table.does(&rings(CUSTOMER, POINT));
    let data = Command::RouteSelect {
        route: RouteId(2),
        to: "7000".into(),
        tell_used: false,
        correlator: Some("4A4B43".into()),
    };
    let mut events = Vec::new();
    table.switch.execute(table.now, &data, &mut events).unwrap();
    assert_eq!(events[1].kind.name(), "Delivered");
    assert_eq!(events[1].call.as_ref().unwrap().correlator.as_deref(), Some("4A4B43"));
    assert_eq!(events[1].call.as_ref().unwrap().last_redirection, Some(POINT.into()));
    assert_eq!(events.last().unwrap().kind.name(), "RouteEnd");
    assert!(!events.iter().any(|event| event.kind.name() == "RouteUsed"), "nobody wanted to know");
    table.does(&rings("0101", POINT));
    let heard = table.does(&select(3, "0612345678"));
    assert_eq!(heard[1..], ["(1) RouteUsed 3 0612345678", "(1) RouteEnd 3"], "outside nobody is monitored");
}

#[test]
fn t01_without_an_application_the_default_destination_has_the_call_at_once() {
    let mut table = Table::new(with_point(|_| {}));
    assert_eq!(
        table.does(&rings(CUSTOMER, POINT)),
        [
            "7100 Delivered 1@7100 alerting enteringDistribution",
            "7100 Diverted 1@7100 null redirected",
            "7000 Delivered 1@7000 alerting enteringDistribution",
            "7000 Diverted 1@7000 null distributed",
            "2001 Delivered 1@2001 alerting distributed"
        ]
    );
}

#[test]
fn t01_an_answer_that_is_late_finds_the_call_at_its_default_destination() {
    let mut table = asked(|point| point.reply_timeout = Span::seconds(2));
    table.does(&rings(CUSTOMER, POINT));
    assert_eq!(table.waits(1), Vec::<String>::new());
    let heard = table.waits(1);
    assert_eq!(heard[0], "(1) RouteEnd 2 TimerExpired");
    assert_eq!(heard.last().unwrap(), "2001 Delivered 1@2001 alerting distributed");
    assert_eq!(table.tries(&select(2, "2003")).unwrap_err(), SwitchError::UnknownRoute(RouteId(2)));
}

#[test]
fn t01_a_rejected_call_and_a_dialogue_that_the_application_ends() {
    let mut table = asked(|point| point.default_to = "2004".into());
    table.does(&rings(CUSTOMER, POINT));
    let rejected = [
        "(1) RouteEnd 2",
        "7100 Diverted 1@7100 null redirected",
        "2004 Delivered 1@2004 alerting redirected",
    ];
    assert_eq!(table.does(&Command::RouteReject(RouteId(2))), rejected);
    table.does(&Command::ClearCall("1".into()));
    table.does(&rings(CUSTOMER, POINT));
    assert_eq!(
        table.does(&Command::RouteEnd(RouteId(3))),
        ["7100 Diverted 2@7100 null redirected", "2004 Delivered 2@2004 alerting redirected"],
        "who ends a dialogue is not told that it is over"
    );
}

#[test]
fn t01_a_rejected_call_may_be_given_back_to_where_it_came_from() {
    let mut table = asked(|point| point.rejected = Rejected::GivenBack);
    table.does(&rings(CUSTOMER, POINT));
    let heard = table.does(&Command::RouteReject(RouteId(2)));
    assert_eq!(heard[0], "(1) RouteEnd 2");
    assert_eq!(heard.last().unwrap(), "7100 ConnectionCleared 1@7100 null normalClearing");
    table.is_quiet();
}

#[test]
fn t01_a_busy_destination_is_asked_for_again_and_then_given_up() {
    let mut table = asked(|_| {});
    table.customer_speaks_to("2003");
    table.does(&rings("0101", POINT));
    table.waits(2);
    assert_eq!(table.does(&select(2, "2003")), ["(1) ReRoute 2"]);
    assert_eq!(table.waits(2), Vec::<String>::new(), "there is as much time again");
    let dnd = Command::SetDoNotDisturb { device: "2004".into(), on: true };
    table.does(&dnd);
    let heard = table.does(&select(2, "2004"));
    assert_eq!(heard[0], "(1) RouteEnd 2 DestinationBusy");
    assert_eq!(heard.last().unwrap(), "2001 Delivered 2@2001 alerting distributed");
    table.does(&rings("0102", POINT));
    assert_eq!(table.does(&select(3, "2003")), ["(1) ReRoute 3"]);
    let heard = table.does(&select(3, "2002"));
    assert_eq!(
        heard[1..],
        ["2002 Delivered 3@2002 alerting redirected", "(1) RouteUsed 3 2002", "(1) RouteEnd 3"]
    );
}

#[test]
fn t01_a_number_that_leads_nowhere_ends_the_dialogue() {
    for nowhere in ["99", POINT, ""] {
        let mut table = asked(|_| {});
        table.does(&rings(CUSTOMER, POINT));
        let heard = table.does(&select(2, nowhere));
        assert_eq!(heard[0], "(1) RouteEnd 2 InvalidDestination", "{nowhere:?}");
        assert_eq!(heard.last().unwrap(), "2001 Delivered 1@2001 alerting distributed");
    }
}

#[test]
fn t01_where_a_forwarding_leads_is_told_in_route_used() {
    let mut table = asked(|_| {});
    let kind = Forwarding::Immediate;
    table.does(&Command::SetForwarding { device: "2003".into(), kind, to: Some("2004".into()) });
    table.does(&rings(CUSTOMER, POINT));
    let heard = table.does(&select(2, "2003"));
    assert_eq!(heard[1..3], ["2004 Delivered 1@2004 alerting callForwardImmediate", "(1) RouteUsed 2 2004"]);
}

#[test]
fn t01_a_caller_who_hangs_up_ends_the_dialogue() {
    let mut table = asked(|_| {});
    table.does(&rings(CUSTOMER, POINT));
    assert_eq!(
        table.does(&Command::ClearConnection(at("1", CUSTOMER))),
        [
            "7100 ConnectionCleared 1@0201234567 alerting normalClearing",
            "(1) RouteEnd 2 CallGone",
            "7100 ConnectionCleared 1@7100 null normalClearing"
        ]
    );
    table.is_quiet();
    table.does(&rings(CUSTOMER, POINT));
    let heard = table.does(&Command::Deflect { connection: at("2", POINT), to: "2003".into() });
    assert_eq!(heard[0], "(1) RouteEnd 3", "the call was taken away, but goes on");
    assert_eq!(
        table.tries(&Command::Answer(at("2", POINT))).unwrap_err(),
        SwitchError::UnknownConnection(at("2", POINT))
    );
}

#[test]
fn a_routing_point_asks_one_application() {
    let mut config = with_point(|_| {});
    config.routing_points.push(RoutingPointConfig::new("7101", "2004"));
    let mut table = Table::new(config);
    let first = table.registers(Some(POINT)).unwrap();
    let taken = |point: &str| SwitchError::RegisteredAlready(point.into());
    assert_eq!(table.registers(Some(POINT)).unwrap_err(), taken(POINT));
    assert_eq!(table.registers(None).unwrap_err(), taken(POINT));
    let second = table.registers(Some("7101")).unwrap();
    table.does(&Command::RouteCancel(first));
    table.does(&Command::RouteCancel(second));
    let both = table.registers(None).unwrap();
    assert_eq!(table.registers(Some("7101")).unwrap_err(), taken("7101"));
    table.does(&rings(CUSTOMER, "7101"));
    assert!(table.switch.is_registration(both));
    assert_eq!(table.registers(Some("2001")).unwrap_err(), SwitchError::NotForThisDevice("2001".into()));
    assert_eq!(table.registers(Some("99")).unwrap_err(), SwitchError::UnknownDevice("99".into()));
    let gone = table.tries(&Command::RouteCancel(first)).unwrap_err();
    assert_eq!(gone, SwitchError::UnknownRegistration(first));
    assert_eq!(Table::plain().registers(None).unwrap_err(), SwitchError::NotSupported("routing points"));
}

#[test]
fn what_was_asked_before_a_cancel_may_still_be_answered() {
    let mut table = asked(|_| {});
    table.does(&rings(CUSTOMER, POINT));
    table.does(&Command::RouteCancel(RegistrationId(1)));
    assert!(table.switch.is_registration(RegistrationId(1)));
    let heard = table.does(&rings("0101", POINT));
    assert_eq!(
        heard.last().unwrap(),
        "2001 Delivered 2@2001 alerting distributed",
        "the next is not asked about"
    );
    assert_eq!(table.does(&select(2, "2003")).last().unwrap(), "(1) RouteEnd 2");
    assert!(!table.switch.is_registration(RegistrationId(1)));
}

#[test]
fn an_abort_ends_the_registration_and_every_dialogue() {
    let mut table = asked(|point| point.default_to = "2004".into());
    table.does(&rings(CUSTOMER, POINT));
    assert_eq!(
        table.does(&Command::RouteAbort(None)),
        [
            "(1) RouteRegisterAbort",
            "7100 Diverted 1@7100 null redirected",
            "2004 Delivered 1@2004 alerting redirected"
        ]
    );
    assert_eq!(table.tries(&select(2, "2003")).unwrap_err(), SwitchError::UnknownRoute(RouteId(2)));
    table.registers(Some(POINT)).unwrap();
    // What was asked before a cancel has no registration any more that could end.
    table.does(&rings("0101", POINT));
    table.does(&Command::RouteCancel(RegistrationId(3)));
    assert_eq!(table.does(&Command::RouteAbort(None))[0], "(3) RouteEnd 4");
}

#[test]
fn a_routing_point_may_offer_a_call_or_say_nothing() {
    let mut table = asked(|point| point.events = PointEvents::Offered);
    assert_eq!(table.does(&rings(CUSTOMER, POINT))[0], "7100 Offered 1@7100 alerting enteringDistribution");
    let mut table = asked(|point| point.events = PointEvents::Nothing);
    assert_eq!(table.does(&rings(CUSTOMER, POINT)), ["(1) RouteRequest 2 1@7100"]);
    assert_eq!(table.does(&select(2, "2003"))[0], "2003 Delivered 1@2003 alerting redirected");
    assert!(!table.switch.is_told(&POINT.into()));
}

#[test]
fn calls_from_inside_and_transferred_calls_are_asked_about_too() {
    let mut table = asked(|_| {});
    let heard = table.does(&calls("2003", POINT));
    assert_eq!(heard.last().unwrap(), "(1) RouteRequest 2 1@7100");
    table.does(&Command::ClearConnection(at("1", "2003")));
    let call = table.customer_speaks_to("2003");
    let second = table.connection(&consults(&call, "2003", POINT)).call;
    table.does(&Command::Transfer { held: at(&call, "2003"), active: at(second.as_str(), "2003") });
    let heard = table.does(&select(3, "2004"));
    assert_eq!(
        heard[1], "2004 Delivered 2@2004 alerting redirected",
        "the dialogue follows the call's new id"
    );
    assert_eq!(
        table.waits(20)[1..],
        ["2003 Delivered 2@2003 alerting recallNoAnswer".to_owned()],
        "nobody answers: it goes back to who transferred it"
    );
}

#[test]
fn calls_do_not_go_round_for_ever() {
    let mut table = Table::new(with_point(|point| point.default_to = "2001".into()));
    let kind = Forwarding::Immediate;
    table.does(&Command::SetForwarding { device: "2001".into(), kind, to: Some(POINT.into()) });
    let heard = table.does(&calls("2003", POINT));
    assert_eq!(heard.last().unwrap(), "2003 Failed 1@2003 fail busy");
    table.waits(10);
    table.is_quiet();
    // The same while an application is asked that never answers.
    let mut table = asked(|point| point.default_to = "2001".into());
    let kind = Forwarding::Immediate;
    table.does(&Command::SetForwarding { device: "2001".into(), kind, to: Some(POINT.into()) });
    table.does(&rings(CUSTOMER, POINT));
    for _ in 0..5 {
        assert_eq!(table.switch.call_count(), 1);
        table.waits(3);
    }
    table.waits(10);
    table.is_quiet();
    let mut config = with_point(|point| point.default_to = "7001".into());
    let mut queue = QueueConfig::new("7001", Vec::<Number>::new());
    queue.overflow_after = Some(Span::seconds(0));
    queue.overflow_to = Some(POINT.into());
    config.queues.push(queue);
    let mut table = Table::new(config);
    table.does(&rings(CUSTOMER, POINT));
    assert!(table.waits(1).len() < 100);
}

#[test]
fn a_restart_forgets_who_was_asked() {
    let mut table = asked(|_| {});
    table.does(&rings(CUSTOMER, POINT));
    table.switch.restart();
    table.switch.audit().unwrap();
    table.is_quiet();
    assert!(table.registers(Some(POINT)).is_ok());
}

#[test]
fn a_description_that_contradicts_itself_is_refused() {
    let mut config = with_point(|point| point.default_to = "7101".into());
    config.routing_points.push(RoutingPointConfig::new("7101", "7000"));
    assert_eq!(Switch::new(config).err(), Some(ConfigError::DefaultIsAPoint(POINT.into())));
    let config = with_point(|point| point.number = "7000".into());
    assert_eq!(Switch::new(config).err(), Some(ConfigError::NumberTwice("7000".into())));
}

#[test]
fn what_the_application_is_told_of_a_call() {
    let mut table = asked(|_| {});
    let mut events = Vec::new();
    table.switch.execute(table.now, &rings(CUSTOMER, POINT), &mut events).unwrap();
    let EventKind::Routeing(message) = &events[1].kind else { panic!("{events:?}") };
    assert_eq!(message.registration, RegistrationId(1));
    let RouteSays::Request { connection, reply_timeout, .. } = &message.says else { panic!("{message:?}") };
    assert_eq!((connection, reply_timeout.as_secs()), (&at("1", POINT), 3));
    let call = events[1].call.as_ref().unwrap();
    assert_eq!((call.calling.device.as_str(), call.called.as_str()), (CUSTOMER, POINT));
    assert_eq!(RouteFailure::TimerExpired.csta().1, "routeingTimerExpired");
}
