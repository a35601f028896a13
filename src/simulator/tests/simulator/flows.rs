//! The flows of a telephone day, as each telephone hears them.

use crate::table::{CUSTOMER, Table, at, calls, config, consults, rings};
use schakel_simulator::duration::Span;
use schakel_simulator::switch::{
    AgentRequest, CallIdStyle, ClearStyle, Command, Forwarding, MergedCallId, OutsideConfig, SwitchError,
};

#[test]
fn t03_an_inbound_call_rings() {
    let mut table = Table::plain();
    assert_eq!(table.does(&rings(CUSTOMER, "2001")), ["2001 Delivered 1@2001 alerting newCall"]);
}

#[test]
fn t04_answering_is_heard_once() {
    let mut table = Table::plain();
    table.does(&rings(CUSTOMER, "2001"));
    let answer = Command::Answer(at("1", "2001"));
    assert_eq!(table.does(&answer), ["2001 Established 1@2001 connected normal"]);
    assert_eq!(table.tries(&answer).unwrap_err(), SwitchError::NotRinging(at("1", "2001")));
}

#[test]
fn t05_t06_hold_and_retrieve() {
    let mut table = Table::plain();
    let call = table.customer_speaks_to("2001");
    assert_eq!(table.does(&Command::Hold(at(&call, "2001"))), ["2001 Held 1@2001 hold normal"]);
    assert_eq!(table.does(&Command::Retrieve(at(&call, "2001"))), ["2001 Retrieved 1@2001 connected normal"]);
}

#[test]
fn t09_the_far_party_hangs_up() {
    let mut table = Table::plain();
    let call = table.customer_speaks_to("2001");
    assert_eq!(
        table.does(&Command::ClearConnection(at(&call, CUSTOMER))),
        [
            "2001 ConnectionCleared 1@0201234567 connected normalClearing",
            "2001 ConnectionCleared 1@2001 null normalClearing"
        ]
    );
    table.is_quiet();
}

#[test]
fn t09_the_far_party_hangs_up_and_only_the_own_end_is_told() {
    let mut config = config();
    config.behaviour.clearing = ClearStyle::OwnOnly;
    let mut table = Table::new(config);
    let call = table.customer_speaks_to("2001");
    assert_eq!(
        table.does(&Command::ClearConnection(at(&call, CUSTOMER))),
        ["2001 ConnectionCleared 1@2001 null normalClearing"]
    );
}

#[test]
fn t09_the_agent_hangs_up() {
    let mut table = Table::plain();
    let call = table.customer_speaks_to("2001");
    assert_eq!(
        table.does(&Command::ClearConnection(at(&call, "2001"))),
        ["2001 ConnectionCleared 1@2001 null normalClearing"]
    );
    table.is_quiet();
}

#[test]
fn t03_the_caller_gives_up() {
    let mut table = Table::plain();
    table.does(&rings(CUSTOMER, "2001"));
    assert_eq!(
        table.does(&Command::ClearConnection(at("1", CUSTOMER))),
        [
            "2001 ConnectionCleared 1@0201234567 alerting normalClearing",
            "2001 ConnectionCleared 1@2001 null normalClearing"
        ]
    );
    table.is_quiet();
}

#[test]
fn t12_an_outbound_call() {
    let mut table = Table::plain();
    assert_eq!(
        table.does(&calls("2001", "0612345678")),
        [
            "2001 ServiceInitiated 1@2001 initiated makeCall",
            "2001 Originated 1@2001 connected newCall",
            "2001 NetworkReached 1@0612345678 connected newCall",
            "2001 Delivered 1@0612345678 connected newCall"
        ]
    );
    assert_eq!(
        table.does(&Command::Answer(at("1", "0612345678"))),
        ["2001 Established 1@0612345678 connected normal"]
    );
}

#[test]
fn t12_a_prompted_call_begins_when_the_telephone_is_picked_up() {
    let mut table = Table::plain();
    let prompted =
        Command::MakeCall { from: "2001".into(), to: "2002".into(), prompt: true, correlator: None };
    assert_eq!(table.does(&prompted), ["2001 ServiceInitiated 1@2001 initiated makeCall"]);
    assert_eq!(
        table.does(&Command::Answer(at("1", "2001"))),
        [
            "2001 Originated 1@2001 connected newCall",
            "2001 Delivered 1@2002 connected newCall",
            "2002 Delivered 1@2002 alerting newCall"
        ]
    );
    table.does(&Command::ClearCall("1".into()));
    table.does(&prompted);
    assert_eq!(table.waits(20), ["2001 ConnectionCleared 2@2001 null timeout"]);
    table.is_quiet();
}

#[test]
fn t12_a_busy_colleague() {
    let mut table = Table::plain();
    table.customer_speaks_to("2002");
    let heard = table.does(&calls("2001", "2002"));
    assert_eq!(heard.last().unwrap(), "2001 Failed 2@2001 fail busy");
    assert_eq!(table.waits(10), ["2001 ConnectionCleared 2@2001 null normalClearing"]);
}

#[test]
fn t12_a_busy_number_outside() {
    let mut config = config();
    let number = "0881112222".into();
    config.outside.push(OutsideConfig { number, name: None, answers_after: None, busy: true });
    let mut table = Table::new(config);
    assert_eq!(table.does(&calls("2001", "0881112222")).last().unwrap(), "2001 Failed 1@2001 fail busy");
    table.does(&Command::ClearCall("1".into()));
    table.does(&calls("2001", "0612345678"));
    assert_eq!(table.does(&Command::OutsideBusy(at("2", "0612345678"))), ["2001 Failed 2@2001 fail busy"]);
}

#[test]
fn t12_a_number_that_leads_nowhere_is_refused() {
    let mut table = Table::plain();
    assert_eq!(table.tries(&calls("2001", "99")).unwrap_err(), SwitchError::InvalidDestination("99".into()));
}

#[test]
fn t12_an_outside_number_answers_by_itself() {
    let mut config = config();
    config.behaviour.outside_answers_after = Some(Span::seconds(3));
    let mut table = Table::new(config);
    table.does(&calls("2001", "0612345678"));
    assert_eq!(table.waits(3), ["2001 Established 1@0612345678 connected normal"]);
}

#[test]
fn t07_warm_transfer() {
    let mut table = Table::plain();
    let call = table.customer_speaks_to("2001");
    assert_eq!(
        table.does(&consults(&call, "2001", "2003")),
        [
            "2001 Held 1@2001 hold consultation",
            "2001 ServiceInitiated 2@2001 initiated consultation",
            "2001 Originated 2@2001 connected consultation",
            "2001 Delivered 2@2003 connected consultation",
            "2003 Delivered 2@2003 alerting consultation"
        ]
    );
    assert_eq!(
        table.does(&Command::Answer(at("2", "2003"))),
        ["2001 Established 2@2003 connected normal", "2003 Established 2@2003 connected normal"]
    );
    assert_eq!(
        table.does(&Command::Transfer { held: at("1", "2001"), active: at("2", "2001") }),
        [
            "2001 Transfered 1@2001 2@2001 to 2003 [1@0201234567 1@2003] null transfer",
            "2003 Transfered 1@2001 2@2001 to 2003 [1@0201234567 1@2003] connected transfer"
        ]
    );
    assert_eq!(
        table.does(&Command::ClearConnection(at("1", CUSTOMER))),
        [
            "2003 ConnectionCleared 1@0201234567 connected normalClearing",
            "2003 ConnectionCleared 1@2003 null normalClearing"
        ]
    );
    table.is_quiet();
}

#[test]
fn t07_warm_transfer_with_a_new_call_id() {
    for (style, id) in [(MergedCallId::Secondary, "2"), (MergedCallId::New, "3")] {
        let mut config = config();
        config.behaviour.merged_call_id = style;
        let mut table = Table::new(config);
        table.consulted("2001", "2003");
        let heard = table.does(&Command::Transfer { held: at("1", "2001"), active: at("2", "2001") });
        assert!(heard[0].contains(&format!("[{id}@0201234567 {id}@2003]")), "{heard:?}");
        table.does(&Command::ClearConnection(at(id, "2003")));
        table.is_quiet();
    }
}

#[test]
fn t07_transfer_while_the_colleague_rings_and_does_not_answer() {
    let mut table = Table::plain();
    let call = table.customer_speaks_to("2001");
    table.does(&consults(&call, "2001", "2003"));
    table.does(&Command::Transfer { held: at("1", "2001"), active: at("2", "2001") });
    assert_eq!(
        table.waits(20),
        ["2003 Diverted 1@2003 null recallNoAnswer", "2001 Delivered 1@2001 alerting recallNoAnswer"]
    );
    assert_eq!(table.does(&Command::Answer(at("1", "2001"))), ["2001 Established 1@2001 connected normal"]);
}

#[test]
fn t07_warm_transfer_take_back() {
    let mut table = Table::plain();
    table.consulted("2001", "2003");
    assert_eq!(
        table.does(&Command::Reconnect { held: at("1", "2001"), active: at("2", "2001") }),
        [
            "2001 ConnectionCleared 2@2001 null normalClearing",
            "2003 ConnectionCleared 2@2001 connected normalClearing",
            "2003 ConnectionCleared 2@2003 null normalClearing",
            "2001 Retrieved 1@2001 connected normal"
        ]
    );
}

#[test]
fn t07_take_back_before_the_colleague_answers_and_from_a_busy_colleague() {
    let mut table = Table::plain();
    let call = table.customer_speaks_to("2001");
    table.does(&consults(&call, "2001", "2003"));
    let heard = table.does(&Command::Reconnect { held: at("1", "2001"), active: at("2", "2001") });
    assert_eq!(heard.last().unwrap(), "2001 Retrieved 1@2001 connected normal");
    table.customer_speaks_to("2002");
    let heard = table.does(&consults(&call, "2001", "2002"));
    assert_eq!(heard.last().unwrap(), "2001 Failed 4@2001 fail busy");
    let heard = table.does(&Command::Reconnect { held: at("1", "2001"), active: at("4", "2001") });
    assert_eq!(heard.last().unwrap(), "2001 Retrieved 1@2001 connected normal");
}

#[test]
fn t07_swapping_between_customer_and_colleague() {
    let mut table = Table::plain();
    table.consulted("2001", "2003");
    assert_eq!(
        table.does(&Command::Alternate { held: at("1", "2001"), active: at("2", "2001") }),
        [
            "2001 Held 2@2001 hold alternate",
            "2003 Held 2@2001 connected alternate",
            "2001 Retrieved 1@2001 connected alternate"
        ]
    );
}

#[test]
fn t07_quirks_of_other_switches() {
    let mut config = config();
    config.behaviour.held_on_consultation = false;
    config.behaviour.service_initiated = false;
    config.behaviour.consultation_is_new_call = true;
    config.behaviour.cleared_after_transfer = true;
    config.behaviour.reconnect_names_consultation = true;
    let mut table = Table::new(config);
    let call = table.customer_speaks_to("2001");
    assert_eq!(
        table.does(&consults(&call, "2001", "2003")),
        [
            "2001 Originated 2@2001 connected newCall",
            "2001 Delivered 2@2003 connected newCall",
            "2003 Delivered 2@2003 alerting newCall"
        ]
    );
    let heard = table.does(&Command::Reconnect { held: at("1", "2001"), active: at("2", "2001") });
    assert_eq!(heard.last().unwrap(), "2001 Retrieved 2@2001 connected normal");
    table.does(&consults(&call, "2001", "2003"));
    table.does(&Command::Answer(at("3", "2003")));
    let heard = table.does(&Command::Transfer { held: at("1", "2001"), active: at("3", "2001") });
    let at_2001: Vec<_> = heard.iter().filter(|line| line.starts_with("2001")).collect();
    assert_eq!(
        at_2001[1..],
        ["2001 ConnectionCleared 1@2001 null transfer", "2001 ConnectionCleared 3@2001 null transfer"]
    );
}

#[test]
fn t08_cold_transfer() {
    let mut table = Table::plain();
    table.customer_speaks_to("2001");
    let transfer = Command::SingleStepTransfer { active: at("1", "2001"), to: "2003".into() };
    assert_eq!(
        table.does(&transfer),
        [
            "2001 Transfered 1@2001 to 2003 [1@0201234567 1@2003] null singleStepTransfer",
            "2003 Delivered 1@2003 alerting singleStepTransfer"
        ]
    );
    assert_eq!(table.does(&Command::Answer(at("1", "2003"))), ["2003 Established 1@2003 connected normal"]);
    assert_eq!(table.waits(600), Vec::<String>::new());
}

#[test]
fn t08_cold_transfer_comes_back_when_busy_or_not_answered() {
    let mut table = Table::plain();
    table.customer_speaks_to("2003");
    table.customer_speaks_to("2001");
    let busy = Command::SingleStepTransfer { active: at("2", "2001"), to: "2003".into() };
    assert_eq!(table.does(&busy).last().unwrap(), "2001 Delivered 2@2001 alerting recallBusy");
    table.does(&Command::Answer(at("2", "2001")));
    table.does(&Command::SingleStepTransfer { active: at("2", "2001"), to: "2004".into() });
    assert_eq!(
        table.waits(20),
        ["2004 Diverted 2@2004 null recallNoAnswer", "2001 Delivered 2@2001 alerting recallNoAnswer"]
    );
}

#[test]
fn t08_a_ringing_call_is_deflected() {
    let mut table = Table::plain();
    table.does(&rings(CUSTOMER, "2001"));
    assert_eq!(
        table.does(&Command::Deflect { connection: at("1", "2001"), to: "2003".into() }),
        ["2001 Diverted 1@2001 null redirected", "2003 Delivered 1@2003 alerting redirected"]
    );
}

#[test]
fn a_queue_gives_its_calls_out_and_takes_them_back() {
    let mut table = Table::plain();
    assert_eq!(
        table.does(&rings(CUSTOMER, "7000")),
        [
            "7000 Delivered 1@7000 alerting enteringDistribution",
            "7000 Diverted 1@7000 null distributed",
            "2001 Delivered 1@2001 alerting distributed"
        ]
    );
    table.does(&rings("0101", "7000"));
    assert_eq!(
        table.does(&rings("0102", "7000")),
        [
            "7000 Delivered 3@7000 alerting enteringDistribution",
            "7000 Queued 3@7000 queued noAvailableAgents"
        ]
    );
    table.does(&Command::Answer(at("1", "2001")));
    assert_eq!(
        table.does(&Command::ClearConnection(at("1", CUSTOMER)))[2..],
        ["7000 Diverted 3@7000 null distributed", "2001 Delivered 3@2001 alerting distributed"]
    );
    assert_eq!(
        table.waits(20),
        [
            "2002 Diverted 2@2002 null recallNoAnswer",
            "7000 Queued 2@7000 queued noAvailableAgents",
            "7000 Diverted 2@7000 null distributed",
            "2002 Delivered 2@2002 alerting distributed",
            "2001 Diverted 3@2001 null recallNoAnswer",
            "7000 Queued 3@7000 queued noAvailableAgents",
            "7000 Diverted 3@7000 null distributed",
            "2001 Delivered 3@2001 alerting distributed"
        ]
    );
}

#[test]
fn a_caller_leaves_the_queue() {
    let mut table = Table::plain();
    table.does(&calls("2001", "2003"));
    table.does(&calls("2002", "2004"));
    table.does(&rings(CUSTOMER, "7000"));
    assert_eq!(
        table.does(&Command::ClearConnection(at("3", CUSTOMER))),
        [
            "7000 ConnectionCleared 3@0201234567 queued normalClearing",
            "7000 ConnectionCleared 3@7000 null normalClearing"
        ]
    );
}

#[test]
fn t11_after_call_work_keeps_the_next_call_away_until_it_ends() {
    let mut config = config();
    config.queues[0].agents_only = true;
    config.queues[0].wrap_up = None;
    let mut table = Table::new(config);
    let agent = |request| Command::SetAgentState {
        device: "2001".into(),
        agent: Some("900".into()),
        group: Some("7000".into()),
        request,
        reason: None,
    };
    assert_eq!(table.does(&agent(AgentRequest::LoggedOn)), ["2001 AgentLoggedOn", "2001 AgentNotReady"]);
    table.does(&rings(CUSTOMER, "7000"));
    assert_eq!(
        table.does(&agent(AgentRequest::Ready)),
        [
            "2001 AgentReady",
            "7000 Diverted 1@7000 null distributed",
            "2001 Delivered 1@2001 alerting distributed"
        ]
    );
    assert_eq!(table.does(&Command::Answer(at("1", "2001")))[1..], ["2001 AgentBusy"]);
    table.does(&rings("0101", "7000"));
    assert_eq!(table.does(&Command::ClearConnection(at("1", "2001")))[1..], ["2001 AgentWorkingAfterCall"]);
    assert_eq!(table.waits(600), Vec::<String>::new());
    let heard = table.does(&agent(AgentRequest::Ready));
    assert_eq!(heard.last().unwrap(), "2001 Delivered 2@2001 alerting distributed");
}

#[test]
fn a_queue_that_rings_all_stops_the_others_on_answer() {
    let mut config = config();
    config.queues[0].distribution = schakel_simulator::switch::Distribution::RingAll;
    let mut table = Table::new(config);
    let heard = table.does(&rings(CUSTOMER, "7000"));
    assert!(heard.contains(&"2001 Delivered 1@2001 alerting distributed".to_owned()));
    assert!(heard.contains(&"2002 Delivered 1@2002 alerting distributed".to_owned()));
    let heard = table.does(&Command::Answer(at("1", "2002")));
    assert!(heard.contains(&"2001 ConnectionCleared 1@2001 null multipleAlerting".to_owned()), "{heard:?}");
}

#[test]
fn forwarding_immediate_busy_and_no_answer() {
    let mut table = Table::plain();
    let forward = |kind| Command::SetForwarding { device: "2001".into(), kind, to: Some("2003".into()) };
    table.does(&forward(Forwarding::NoAnswer));
    table.does(&rings(CUSTOMER, "2001"));
    assert_eq!(
        table.waits(20),
        [
            "2001 Diverted 1@2001 null callForwardNoAnswer",
            "2003 Delivered 1@2003 alerting callForwardNoAnswer"
        ]
    );
    table.does(&Command::ClearCall("1".into()));
    table.customer_speaks_to("2001");
    table.does(&forward(Forwarding::Busy));
    assert_eq!(table.does(&rings(CUSTOMER, "2001")), ["2003 Delivered 3@2003 alerting callForwardBusy"]);
    table.does(&Command::ClearCall("3".into()));
    table.does(&forward(Forwarding::Immediate));
    assert_eq!(table.does(&rings(CUSTOMER, "2001")), ["2003 Delivered 4@2003 alerting callForwardImmediate"]);
}

#[test]
fn time_that_passes_at_once_leaves_nothing_out() {
    let mut table = Table::plain();
    for (device, to) in [("2001", "2003"), ("2003", "2004")] {
        let kind = Forwarding::NoAnswer;
        table.does(&Command::SetForwarding { device: device.into(), kind, to: Some(to.into()) });
    }
    table.does(&rings(CUSTOMER, "2001"));
    let heard = table.waits(40);
    assert_eq!(heard.last().unwrap(), "2004 Delivered 1@2004 alerting callForwardNoAnswer", "{heard:?}");
    assert_eq!(heard.len(), 4);
    assert_eq!(table.waits(180), ["2004 ConnectionCleared 1@2004 null alertTimeExpired"]);
    table.is_quiet();
}

#[test]
fn forwarding_in_a_circle_ends_in_busy_tone() {
    let mut table = Table::plain();
    for (device, to) in [("2001", "2002"), ("2002", "2001")] {
        let kind = Forwarding::Immediate;
        table.does(&Command::SetForwarding { device: device.into(), kind, to: Some(to.into()) });
    }
    assert_eq!(table.does(&calls("2003", "2001")).last().unwrap(), "2003 Failed 1@2003 fail busy");
}

#[test]
fn do_not_disturb_and_out_of_service_are_told_and_kept() {
    let mut table = Table::plain();
    let dnd = |on| Command::SetDoNotDisturb { device: "2001".into(), on };
    assert_eq!(table.does(&dnd(true)), ["2001 DoNotDisturb"]);
    assert_eq!(table.does(&calls("2003", "2001")).last().unwrap(), "2003 Failed 1@2003 fail doNotDisturb");
    table.does(&dnd(false));
    table.customer_speaks_to("2001");
    let out = |out| Command::SetOutOfService { device: "2001".into(), out };
    assert_eq!(
        table.does(&out(true)),
        ["2001 ConnectionCleared 2@2001 null destOutOfOrder", "2001 OutOfService"]
    );
    assert_eq!(table.tries(&calls("2001", "2002")).unwrap_err(), SwitchError::OutOfService("2001".into()));
    assert_eq!(table.does(&out(false)), ["2001 BackInService"]);
}

#[test]
fn a_conference_of_three_and_one_leaves() {
    let mut table = Table::plain();
    table.consulted("2001", "2003");
    let heard = table.does(&Command::Conference { held: at("1", "2001"), active: at("2", "2001") });
    assert_eq!(
        heard[0],
        "2001 Conferenced 1@2001 2@2001 to 2003 [1@0201234567 1@2001 1@2003] connected conference"
    );
    assert_eq!(
        table.does(&Command::ClearConnection(at("1", "2001"))),
        [
            "2001 ConnectionCleared 1@2001 null normalClearing",
            "2003 ConnectionCleared 1@2001 connected normalClearing"
        ]
    );
    assert_eq!(table.switch.call_count(), 1);
}

#[test]
fn someone_is_asked_into_a_call() {
    let mut table = Table::plain();
    table.customer_speaks_to("2001");
    let heard = table.does(&Command::SingleStepConference {
        active: at("1", "2001"),
        to: "2003".into(),
        silent: true,
    });
    assert_eq!(heard.last().unwrap(), "2003 Delivered 1@2003 alerting silentParticipation");
    table.does(&Command::Answer(at("1", "2003")));
    table.does(&Command::ClearConnection(at("1", "2003")));
    assert_eq!(table.switch.call_count(), 1);
}

#[test]
fn pickup_directed_and_of_the_group() {
    let mut config = config();
    for extension in &mut config.extensions {
        extension.pickup_group = Some("balie".into());
    }
    let mut table = Table::new(config);
    table.does(&rings(CUSTOMER, "2001"));
    table.waits(1);
    table.does(&rings("0101", "2002"));
    assert_eq!(
        table.does(&Command::GroupPickup { by: "2003".into() }),
        ["2001 Diverted 1@2001 null callPickup", "2003 Established 1@2003 connected callPickup"]
    );
    assert_eq!(
        table.does(&Command::DirectedPickup { connection: at("2", "2002"), by: "2004".into() }),
        ["2002 Diverted 2@2002 null callPickup", "2004 Established 2@2004 connected callPickup"]
    );
}

#[test]
fn digits_are_sent_and_nonsense_is_refused() {
    let mut table = Table::plain();
    let call = table.customer_speaks_to("2001");
    let send = |digits: &str| Command::Digits { connection: at(&call, "2001"), digits: digits.into() };
    assert_eq!(table.does(&send("12#")), ["2001 DigitsGenerated 1@2001 connected normal"]);
    assert_eq!(table.tries(&send("hello")).unwrap_err(), SwitchError::InvalidDigits);
}

#[test]
fn a_call_that_nobody_answers_ends() {
    let mut table = Table::plain();
    table.does(&rings(CUSTOMER, "2001"));
    assert_eq!(table.waits(180), ["2001 ConnectionCleared 1@2001 null alertTimeExpired"]);
    table.is_quiet();
}

#[test]
fn call_ids_come_again_on_demand_and_in_the_style_of_openscape() {
    let mut table = Table::plain();
    table.customer_speaks_to("2001");
    table.does(&Command::ClearCall("1".into()));
    table.switch.reuse_call_ids(1);
    assert_eq!(table.connection(&rings(CUSTOMER, "2002")).call.as_str(), "1");
    assert_eq!(table.connection(&rings(CUSTOMER, "2003")).call.as_str(), "2");
    let mut config = config();
    config.behaviour.call_ids = CallIdStyle::Hex32 { seed: 3 };
    let mut table = Table::new(config);
    assert_eq!(table.connection(&rings(CUSTOMER, "2001")).call.as_str().len(), 32);
}

#[test]
fn a_restart_forgets_every_call() {
    let mut table = Table::plain();
    table.consulted("2001", "2003");
    table.switch.restart();
    table.switch.audit().unwrap();
    table.is_quiet();
    assert_eq!(table.does(&rings(CUSTOMER, "2001")), ["2001 Delivered 1@2001 alerting newCall"]);
}
