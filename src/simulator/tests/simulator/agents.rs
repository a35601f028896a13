//! Agents: who gets the calls of a queue, and what comes after them.

use crate::table::{CUSTOMER, Table, at, calls, config, rings};
use schakel_simulator::duration::Span;
use schakel_simulator::switch::{
    AgentRequest, AgentState, AgentSupport, Command, Distribution, Number, Outcome, QueueConfig,
    SwitchConfig, SwitchError, Unanswered,
};

/// Two queues for agents only; nobody is a member by telephone.
fn acd(adjust: impl FnOnce(&mut SwitchConfig)) -> Table {
    let mut config = config();
    config.queues = ["7000", "7001"].map(|queue| QueueConfig::new(queue, Vec::<Number>::new())).to_vec();
    for queue in &mut config.queues {
        queue.agents_only = true;
        queue.distribution = Distribution::LongestIdle;
    }
    adjust(&mut config);
    Table::new(config)
}

fn asks(device: &str, request: AgentRequest) -> Command {
    Command::SetAgentState { device: device.into(), agent: None, group: None, request, reason: None }
}

fn logs_on(device: &str, agent: &str, group: &str) -> Command {
    Command::SetAgentState {
        device: device.into(),
        agent: Some(agent.into()),
        group: Some(group.into()),
        request: AgentRequest::LoggedOn,
        reason: None,
    }
}

fn takes_a_break(device: &str, reason: &str) -> Command {
    Command::SetAgentState {
        device: device.into(),
        agent: None,
        group: None,
        request: AgentRequest::NotReady,
        reason: Some(reason.into()),
    }
}

impl Table {
    fn ready(&mut self, device: &str, agent: &str, group: &str) {
        self.does(&logs_on(device, agent, group));
        self.does(&asks(device, AgentRequest::Ready));
    }

    fn agent(&self, device: &str) -> Option<AgentState> {
        self.switch.agent_state(&device.into())
    }

    /// A customer calls the queue and is answered there; the call's id.
    fn serves(&mut self, device: &str, queue: &str) -> String {
        let call = self.connection(&rings(CUSTOMER, queue)).call;
        self.does(&Command::Answer(at(call.as_str(), device)));
        assert_eq!(self.agent(device), Some(AgentState::Busy));
        call.as_str().to_owned()
    }
}

#[test]
fn t02_the_events_of_an_agent_s_call_in_their_order() {
    let mut table = acd(|config| config.queues[0].wrap_up = Some(Span::seconds(30)));
    assert_eq!(table.does(&logs_on("2001", "anna", "7000")), ["2001 AgentLoggedOn", "2001 AgentNotReady"]);
    assert_eq!(table.does(&asks("2001", AgentRequest::Ready)), ["2001 AgentReady"]);
    assert_eq!(
        table.does(&rings(CUSTOMER, "7000")),
        [
            "7000 Delivered 1@7000 alerting enteringDistribution",
            "7000 Diverted 1@7000 null distributed",
            "2001 Delivered 1@2001 alerting distributed"
        ]
    );
    assert_eq!(
        table.does(&Command::Answer(at("1", "2001"))),
        ["2001 Established 1@2001 connected normal", "2001 AgentBusy"]
    );
    assert_eq!(
        table.does(&Command::ClearConnection(at("1", "2001"))),
        ["2001 ConnectionCleared 1@2001 null normalClearing", "2001 AgentWorkingAfterCall"]
    );
    assert_eq!(table.waits(29), Vec::<String>::new());
    assert_eq!(table.waits(1), ["2001 AgentReady"]);
    assert_eq!(table.does(&asks("2001", AgentRequest::LoggedOff)), ["2001 AgentLoggedOff"]);
    table.is_quiet();
}

#[test]
fn t02_a_call_goes_to_who_has_been_idle_for_longest() {
    let mut table = acd(|_| {});
    table.ready("2002", "bram", "7000");
    table.waits(60);
    table.ready("2001", "anna", "7000");
    table.waits(60);
    let call = table.serves("2002", "7000");
    table.does(&Command::ClearConnection(at(&call, "2002")));
    table.waits(60);
    let heard = table.does(&rings(CUSTOMER, "7000"));
    assert_eq!(heard.last().unwrap(), "2001 Delivered 2@2001 alerting distributed");
}

#[test]
fn t02_agents_get_calls_of_the_queue_that_they_are_logged_on_to_and_of_no_other() {
    let mut table = acd(|_| {});
    table.ready("2001", "anna", "7000");
    table.ready("2003", "carla", "7001");
    let heard = table.does(&rings(CUSTOMER, "7001"));
    assert_eq!(heard.last().unwrap(), "2003 Delivered 1@2003 alerting distributed");
    let heard = table.does(&rings("0101", "7001"));
    assert_eq!(
        heard.last().unwrap(),
        "7001 Queued 2@7001 queued noAvailableAgents",
        "Anna is free, but not hers"
    );
    assert_eq!(
        table.tries(&logs_on("2002", "bram", "7002")).unwrap_err(),
        SwitchError::InvalidAgentGroup("7002".into())
    );
    // Without a group it is every queue that the telephone is a member of.
    let mut table = acd(|config| config.queues[1].members = vec!["2001".into()]);
    table.does(&Command::SetAgentState {
        device: "2001".into(),
        agent: Some("anna".into()),
        group: None,
        request: AgentRequest::LoggedOn,
        reason: None,
    });
    table.does(&asks("2001", AgentRequest::Ready));
    assert_eq!(table.switch.agents_of(&"7001".into()), ["2001".into()]);
    assert_eq!(table.switch.agents_of(&"7000".into()), Vec::<Number>::new());
}

#[test]
fn t02_an_agent_logs_on_to_one_queue_after_the_other_and_off_again() {
    let mut table = acd(|_| {});
    table.ready("2001", "anna", "7000");
    assert_eq!(table.does(&logs_on("2001", "anna", "7001")), ["2001 AgentLoggedOn", "2001 AgentReady"]);
    let twice = table.tries(&logs_on("2001", "anna", "7001")).unwrap_err();
    assert_eq!(twice, SwitchError::InvalidAgentState("2001".into()));
    let call = table.serves("2001", "7001");
    table.does(&Command::ClearConnection(at(&call, CUSTOMER)));
    let off = |group: &str| Command::SetAgentState {
        device: "2001".into(),
        agent: Some("anna".into()),
        group: Some(group.into()),
        request: AgentRequest::LoggedOff,
        reason: None,
    };
    assert_eq!(table.does(&off("7001")), ["2001 AgentLoggedOff", "2001 AgentReady"]);
    assert_eq!(table.tries(&off("7001")).unwrap_err(), SwitchError::InvalidAgentGroup("7001".into()));
    table.does(&rings(CUSTOMER, "7001"));
    assert_eq!(table.switch.waiting_in(&"7001".into()), 1, "no longer hers");
    assert_eq!(
        table.does(&logs_on("2001", "anna", "7001")).last().unwrap(),
        "2001 Delivered 2@2001 alerting distributed"
    );
    table.does(&Command::ClearCall("2".into()));
    assert_eq!(
        table.does(&asks("2001", AgentRequest::LoggedOff)),
        ["2001 AgentLoggedOff", "2001 AgentLoggedOff"],
        "one for each queue"
    );
    assert_eq!(table.agent("2001"), None);
}

#[test]
fn t02_a_waiting_call_goes_to_whoever_becomes_ready() {
    let mut table = acd(|_| {});
    table.does(&logs_on("2001", "anna", "7000"));
    table.does(&rings(CUSTOMER, "7000"));
    table.does(&rings("0101", "7000"));
    assert_eq!(
        table.does(&asks("2001", AgentRequest::Ready)),
        [
            "2001 AgentReady",
            "7000 Diverted 1@7000 null distributed",
            "2001 Delivered 1@2001 alerting distributed"
        ],
        "the first that came"
    );
    assert_eq!(table.switch.waiting_in(&"7000".into()), 1);
}

#[test]
fn t11_what_is_asked_for_during_a_call_applies_after_it() {
    for (request, after, then) in [
        (AgentRequest::NotReady, AgentState::WorkingAfterCall, Some(AgentState::NotReady)),
        (AgentRequest::Ready, AgentState::Ready, Some(AgentState::Ready)),
    ] {
        let mut table = acd(|config| config.queues[0].wrap_up = Some(Span::seconds(30)));
        table.ready("2001", "anna", "7000");
        let call = table.serves("2001", "7000");
        let (outcome, heard) = table.tries(&asks("2001", request)).unwrap();
        assert_eq!((outcome, heard), (Outcome::Pending(request), Vec::new()));
        table.does(&Command::ClearConnection(at(&call, CUSTOMER)));
        assert_eq!(table.agent("2001"), Some(after), "{request:?}");
        table.waits(30);
        assert_eq!(table.agent("2001"), then, "{request:?}");
        table.is_quiet();
    }
}

#[test]
fn t11_a_break_asked_for_during_a_call_keeps_its_reason() {
    let mut table = acd(|config| config.queues[0].wrap_up = Some(Span::seconds(30)));
    table.ready("2001", "anna", "7000");
    let call = table.serves("2001", "7000");
    table.does(&takes_a_break("2001", "lunch"));
    table.does(&Command::ClearConnection(at(&call, "2001")));
    let agent = |table: &Table| table.switch.extension(&"2001".into()).unwrap().agent.unwrap();
    assert_eq!((agent(&table).pending, agent(&table).reason), (Some(AgentRequest::NotReady), None));
    table.waits(30);
    assert_eq!((agent(&table).pending, agent(&table).reason.as_deref()), (None, Some("lunch")));
    assert_eq!(table.does(&takes_a_break("2001", "lunch")), Vec::<String>::new(), "nothing has changed");
    assert_eq!(table.does(&takes_a_break("2001", "meeting")), ["2001 AgentNotReady"]);
}

#[test]
fn t11_after_call_work_that_was_asked_for_lasts_until_told_otherwise() {
    let mut table = acd(|config| config.queues[0].wrap_up = Some(Span::seconds(30)));
    table.ready("2001", "anna", "7000");
    // Asked for during the call.
    let call = table.serves("2001", "7000");
    table.does(&asks("2001", AgentRequest::WorkingAfterCall));
    table.does(&Command::ClearConnection(at(&call, "2001")));
    table.waits(3600);
    assert_eq!(table.agent("2001"), Some(AgentState::WorkingAfterCall));
    table.does(&asks("2001", AgentRequest::Ready));
    // Asked for in after-call work that would end by itself.
    let call = table.serves("2001", "7000");
    table.does(&Command::ClearConnection(at(&call, "2001")));
    assert_eq!(table.does(&asks("2001", AgentRequest::WorkingAfterCall)), Vec::<String>::new());
    table.waits(3600);
    assert_eq!(table.agent("2001"), Some(AgentState::WorkingAfterCall));
    table.does(&rings("0101", "7000"));
    assert_eq!(table.switch.waiting_in(&"7000".into()), 1, "meanwhile nothing is offered");
    let heard = table.does(&asks("2001", AgentRequest::Ready));
    assert_eq!(heard.last().unwrap(), "2001 Delivered 3@2001 alerting distributed");
}

#[test]
fn who_logs_off_during_a_call_is_gone_after_it() {
    let mut table = acd(|_| {});
    table.ready("2001", "anna", "7000");
    let call = table.serves("2001", "7000");
    let (outcome, _) = table.tries(&asks("2001", AgentRequest::LoggedOff)).unwrap();
    assert_eq!(outcome, Outcome::Pending(AgentRequest::LoggedOff));
    let heard = table.does(&Command::ClearConnection(at(&call, "2001")));
    assert_eq!(heard.last().unwrap(), "2001 AgentLoggedOff");
    assert_eq!(table.agent("2001"), None);
    table.does(&rings(CUSTOMER, "7000"));
    assert_eq!(table.switch.waiting_in(&"7000".into()), 1);
}

#[test]
fn an_agent_is_busy_until_the_telephone_is_free() {
    let mut table = acd(|_| {});
    table.ready("2001", "anna", "7000");
    let call = table.serves("2001", "7000");
    let second = table.connection(&crate::table::consults(&call, "2001", "2003")).call;
    table.does(&Command::Answer(at(second.as_str(), "2003")));
    table.does(&Command::ClearConnection(at(&call, CUSTOMER)));
    assert_eq!(table.agent("2001"), Some(AgentState::Busy), "still speaks with a colleague");
    table.does(&Command::ClearConnection(at(second.as_str(), "2003")));
    assert_eq!(table.agent("2001"), Some(AgentState::Ready));
}

#[test]
fn a_transfer_frees_the_agent() {
    let mut table = acd(|config| config.queues[0].wrap_up = None);
    table.ready("2001", "anna", "7000");
    let call = table.serves("2001", "7000");
    let transfer = Command::SingleStepTransfer { active: at(&call, "2001"), to: "2003".into() };
    assert_eq!(table.does(&transfer).last().unwrap(), "2001 AgentWorkingAfterCall");
}

#[test]
fn a_call_of_one_s_own_leaves_the_state_alone() {
    let mut table = acd(|_| {});
    table.ready("2001", "anna", "7000");
    table.does(&calls("2001", "2003"));
    assert_eq!(table.agent("2001"), Some(AgentState::Ready));
    table.does(&rings(CUSTOMER, "7000"));
    assert_eq!(table.switch.waiting_in(&"7000".into()), 1, "but a telephone in use gets no call of a queue");
    let heard = table.does(&Command::ClearConnection(at("1", "2001")));
    assert_eq!(heard.last().unwrap(), "2001 Delivered 2@2001 alerting distributed");
}

#[test]
fn who_lets_it_ring_is_not_ready_where_the_queue_has_it_so() {
    let mut table = acd(|config| config.queues[0].unanswered = Unanswered::NotReady);
    table.ready("2001", "anna", "7000");
    table.ready("2002", "bram", "7000");
    table.does(&rings(CUSTOMER, "7000"));
    let heard = table.waits(20);
    assert_eq!(
        heard,
        [
            "2001 Diverted 1@2001 null recallNoAnswer",
            "7000 Queued 1@7000 queued noAvailableAgents",
            "2001 AgentNotReady",
            "7000 Diverted 1@7000 null distributed",
            "2002 Delivered 1@2002 alerting distributed"
        ]
    );
}

#[test]
fn who_becomes_not_ready_while_it_rings_is_so_after_the_call() {
    let mut table = acd(|_| {});
    table.ready("2001", "anna", "7000");
    table.does(&rings(CUSTOMER, "7000"));
    table.does(&takes_a_break("2001", "lunch"));
    table.does(&Command::Answer(at("1", "2001")));
    assert_eq!(table.agent("2001"), Some(AgentState::Busy));
    table.does(&Command::ClearConnection(at("1", "2001")));
    assert_eq!(table.agent("2001"), Some(AgentState::NotReady));
}

#[test]
fn t14_an_agent_logs_on_elsewhere() {
    let mut table = acd(|_| {});
    table.ready("2001", "anna", "7000");
    let elsewhere = logs_on("2002", "anna", "7000");
    let expected = SwitchError::AgentElsewhere { agent: "anna".into(), at: "2001".into() };
    assert_eq!(table.tries(&elsewhere).unwrap_err(), expected);
    let mut table = acd(|config| config.behaviour.agents_move = true);
    table.ready("2001", "anna", "7000");
    assert_eq!(table.does(&elsewhere), ["2001 AgentLoggedOff", "2002 AgentLoggedOn", "2002 AgentNotReady"]);
    table.does(&asks("2002", AgentRequest::Ready));
    table.serves("2002", "7000");
    assert!(table.tries(&logs_on("2003", "anna", "7000")).is_err(), "not in the middle of a call");
    assert_eq!(
        table.tries(&logs_on("2002", "bram", "7000")).unwrap_err(),
        SwitchError::InvalidAgent("2002".into())
    );
}

#[test]
fn a_switch_may_keep_agents_to_itself_or_have_none() {
    let mut table = acd(|config| config.behaviour.agents = AgentSupport::Polled);
    assert_eq!(table.does(&logs_on("2001", "anna", "7000")), Vec::<String>::new());
    assert_eq!(table.does(&asks("2001", AgentRequest::Ready)), Vec::<String>::new());
    assert_eq!(table.agent("2001"), Some(AgentState::Ready), "who asks is told");
    let mut table = acd(|config| config.behaviour.agents = AgentSupport::None);
    let none = SwitchError::NotSupported("agents");
    assert_eq!(table.tries(&logs_on("2001", "anna", "7000")).unwrap_err(), none);
    assert_eq!(none.csta().1, "serviceNotSupported");
}
