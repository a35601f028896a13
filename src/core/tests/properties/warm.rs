//! Warm transfers against a switch that does what it is asked, with JKC, the agent, the colleague, the customer and the
//! wire at liberty to do anything at any moment (rules 3 and 4).

use crate::common::*;
use crate::switch::*;
use proptest::prelude::*;
use schakel_core::command::{Command, Control};
use schakel_core::model::call::{ConnectionState, Party};
use schakel_core::model::pii::Pii;
use schakel_core::model::provider::Capabilities;
use schakel_core::model::time::Millis;
use schakel_core::model::transfer::{TransferKind, TransferState};
use std::collections::BTreeSet;

#[derive(Debug, Clone, Copy)]
enum Step {
    Consult,
    TakeBack,
    Complete,
    Retrieve,
    HangUpConsultation,
    ColleagueAnswers,
    ColleagueHangsUp,
    CustomerHangsUp,
    AgentHangsUp,
    RetrievesByHand,
    /// A request reaches the switch.
    Take,
    /// A message reaches schakel.
    Deliver,
    Wait(u64),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => Just(Step::Consult),
        3 => Just(Step::TakeBack),
        2 => Just(Step::Complete),
        1 => Just(Step::Retrieve),
        1 => Just(Step::HangUpConsultation),
        4 => Just(Step::ColleagueAnswers),
        1 => Just(Step::ColleagueHangsUp),
        1 => Just(Step::CustomerHangsUp),
        1 => Just(Step::AgentHangsUp),
        1 => Just(Step::RetrievesByHand),
        10 => Just(Step::Take),
        16 => Just(Step::Deliver),
        1 => prop_oneof![Just(100u64), Just(11_000), Just(21_000)].prop_map(Step::Wait),
    ]
}

fn dialect() -> impl Strategy<Value = Dialect> {
    let flags = proptest::array::uniform7(any::<bool>());
    (flags, 0..4usize).prop_map(|(flags, answer_after)| {
        let [tells_hold, reconnect, misnames_retrieval, renames, clears_legs, doubled, clears_one] = flags;
        Dialect {
            tells_hold,
            reconnect,
            answer_after,
            misnames_retrieval,
            renames,
            clears_legs,
            doubled,
            clears_one,
        }
    })
}

impl World {
    fn jkc(&mut self, step: Step) {
        let newest = self.state.transfers.keys().next_back().copied();
        let customer = self.first_customer();
        match (step, newest) {
            (Step::Consult, _) => {
                let to = Pii::new(COLLEAGUE.into());
                let (call, device) = (customer, AGENT.into());
                self.command(Command::Transfer {
                    call,
                    device,
                    to,
                    kind: TransferKind::Warm,
                    department: None,
                });
            }
            (Step::TakeBack, Some(transfer)) => {
                self.command(Command::TakeBack { transfer });
            }
            (Step::Complete, Some(transfer)) => {
                self.command(Command::CompleteTransfer { transfer });
            }
            (Step::Retrieve, _) => {
                let command =
                    Command::Control { call: customer, device: AGENT.into(), control: Control::Retrieve };
                self.command(command);
            }
            (Step::HangUpConsultation, Some(transfer)) => {
                if let Some(call) = self.transfer_of(transfer).consultation {
                    self.command(Command::Control { call, device: AGENT.into(), control: Control::HangUp });
                }
            }
            _ => {}
        }
    }

    fn first_customer(&self) -> schakel_core::model::ids::CallId {
        *self.state.calls.keys().next().expect("the customer's call is the first")
    }

    /// What schakel believes of the extensions, by the switch's ids.
    fn believed(&self) -> BTreeSet<(String, String, ConnectionState)> {
        let calls = self.state.calls.values().filter(|call| call.is_live());
        calls
            .flat_map(|call| call.live().map(move |at| (call, at)))
            .filter(|(_, at)| at.ours)
            .map(|(call, at)| {
                let id = call.provider_call.as_str().to_owned();
                // A busy tone is a connected telephone to some switches and a failed one to others.
                let state = match at.state {
                    ConnectionState::Failed => ConnectionState::Connected,
                    state => state,
                };
                (id, at.device.as_str().to_owned(), state)
            })
            .collect()
    }
}

fn true_of(switch: &Switch) -> BTreeSet<(String, String, ConnectionState)> {
    let parties = switch.calls.iter().flat_map(|(call, parties)| {
        parties.iter().map(move |(device, state)| (call.clone(), (*device).to_owned(), *state))
    });
    parties
        .filter(|(_, device, _)| device != CUSTOMER)
        .map(|(call, device, state)| match state {
            ConnectionState::Failed => (call, device, ConnectionState::Connected),
            state => (call, device, state),
        })
        .collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(ProptestConfig::default().cases.max(600)))]

    #[test]
    fn t07_take_back_never_leaves_two_calls_and_no_customer_is_forgotten(
        dialect in dialect(),
        steps in proptest::collection::vec(step(), 1..50),
    ) {
        let mut world = World::with(Capabilities { reconnect: dialect.reconnect, ..capabilities() });
        let mut switch = Switch::new(dialect, &mut world);
        let contact = world.contact("1").id;
        for step in steps {
            match step {
                Step::ColleagueAnswers => switch.colleague_answers(),
                Step::ColleagueHangsUp => switch.hangs_up(COLLEAGUE),
                Step::CustomerHangsUp => switch.hangs_up(CUSTOMER),
                Step::AgentHangsUp => switch.hangs_up(AGENT),
                Step::RetrievesByHand => switch.retrieves_by_hand(),
                Step::Take => {
                    switch.take(&world);
                }
                Step::Deliver => {
                    switch.deliver(&mut world);
                }
                Step::Wait(span) => world.wait(Millis(span)),
                jkc => world.jkc(jkc),
            }
        }
        switch.settle(&mut world);
        prop_assert_eq!(world.believed(), true_of(&switch), "schakel believes what is true at the switch");
        let newest = world.state.transfers.values().next_back().cloned();
        if newest.as_ref().is_some_and(|newest| newest.state == TransferState::TakenBack) {
            prop_assert!(switch.calls_at(AGENT) <= 1, "taken back, and two calls");
        }
        // Rule 3.
        for call in world.state.calls.values() {
            prop_assert_eq!(call.contact, contact);
        }
        prop_assert_eq!(&world.state.contacts[&contact].customer, &Party::of_number(CUSTOMER));

        // Rule 4: whoever is still on hold has an owner, or is retrieved in the end.
        for _ in 0..3 {
            world.wait(world.state.settings.held_return);
            switch.settle(&mut world);
        }
        let under_way = world.state.transfers.values().any(|transfer| !transfer.state.is_terminal());
        let held = switch.calls.get(&switch.customer).and_then(|parties| parties.get(AGENT));
        prop_assert!(
            under_way || held != Some(&ConnectionState::Held),
            "the customer waits and nobody will fetch him"
        );
        prop_assert_eq!(world.believed(), true_of(&switch));
        // Rule 5.
        for (id, ..) in &world.asked {
            prop_assert_eq!(world.completed.iter().filter(|done| *done == id).count(), 1);
        }
    }
}
