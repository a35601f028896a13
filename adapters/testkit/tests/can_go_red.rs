//! The conformance suite finds out an adapter that breaks the contract: the template, broken in one way at a time.

#![allow(clippy::panic)]

#[path = "../../template/tests/support/mod.rs"]
mod template;

use std::cell::Cell;

use schakel_core::adapter::{Adapter, Input, Observations, Operation, Output};
use schakel_core::command::RefusalCause;
use schakel_core::model::time::{Millis, Time};
use schakel_template::Template;
use schakel_testkit::conformance::*;
use template::{Pbx, STANDARD};

/// What is wrong with it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fault {
    SpeaksUnasked,
    NeverReady,
    ResyncsTwice,
    RepliesTwice,
    LosesReplies,
    OtherCause,
    TimesOutLate,
    AsksForThePast,
    MissesTheClose,
    WaitsForEver,
    WantsWholeLines,
    Silent,
    Panics,
    Moody,
}

struct BrokenIn {
    fault: Fault,
    made: Cell<u32>,
}

struct Broken {
    inner: Template,
    fault: Fault,
    is_odd: bool,
}

impl Subject for BrokenIn {
    type Adapter = Broken;
    type Peer = Pbx;

    fn adapter(&self) -> Broken {
        self.made.set(self.made.get() + 1);
        Broken { inner: STANDARD.adapter(), fault: self.fault, is_odd: self.made.get() % 2 == 1 }
    }

    fn peer(&self) -> Pbx {
        STANDARD.peer()
    }

    fn operation(&self) -> Operation {
        STANDARD.operation()
    }

    fn samples(&self) -> Vec<Vec<u8>> {
        STANDARD.samples()
    }
}

impl Adapter for Broken {
    fn handle(&mut self, input: Input<'_>, now: Time, output: &mut Vec<Output>) {
        let input = match (self.fault, input) {
            (Fault::MissesTheClose, Input::Closed(_)) => return,
            (Fault::WantsWholeLines, Input::Received(bytes)) if !bytes.ends_with(b"\n") => return,
            (Fault::Panics, Input::Received(bytes)) if !bytes.is_ascii() => panic!("as it was told to"),
            (_, input) => input,
        };
        let is_tick = matches!(input, Input::Tick);
        let mut told = Vec::new();
        self.inner.handle(input, now, &mut told);
        if self.fault == Fault::SpeaksUnasked && is_tick {
            told.push(Output::Transmit(b"PING\n".to_vec()));
        }
        for mut out in told {
            let (is_reply, is_resynced) =
                (matches!(out, Output::Reply { .. }), matches!(out, Output::Resynced { .. }));
            match (self.fault, &mut out) {
                (Fault::NeverReady, Output::Ready(_))
                | (Fault::LosesReplies, Output::Reply { result: Ok(_), .. })
                | (Fault::Silent, Output::Fault(_) | Output::Close(_)) => continue,
                (Fault::OtherCause, Output::Reply { result: Err(refusal), .. }) => {
                    refusal.cause = RefusalCause::ProviderRefused;
                }
                (Fault::Moody, Output::Fault(text)) if self.is_odd => *text = "not today".into(),
                _ => {}
            }
            let twice = self.fault == Fault::RepliesTwice && is_reply
                || self.fault == Fault::ResyncsTwice && is_resynced;
            output.extend(twice.then(|| out.clone()));
            output.push(out);
        }
    }

    fn next_deadline(&self) -> Option<Time> {
        match self.fault {
            Fault::TimesOutLate => self.inner.next_deadline().map(|at| at + Millis(1)),
            Fault::AsksForThePast => self.inner.next_deadline().map(|_| Time(1)).or(Some(Time(2))),
            Fault::WaitsForEver => None,
            _ => self.inner.next_deadline(),
        }
    }

    fn observations(&self) -> Observations {
        self.inner.observations()
    }
}

#[test]
fn each_broken_adapter_is_found_out_by_the_rule_that_it_breaks() {
    type Rule = fn(&BrokenIn) -> Result<(), Breach>;
    let table: [(Fault, Rule, &str); 14] = [
        (Fault::SpeaksUnasked, nothing_happens_without_a_connection, "without an open connection: Transmit"),
        (Fault::NeverReady, a_login_is_ready_then_snapshots_then_resynced_once, "a Snapshot before Ready"),
        (Fault::ResyncsTwice, a_login_is_ready_then_snapshots_then_resynced_once, "a second Resynced"),
        (Fault::RepliesTwice, a_command_gets_its_one_reply, "which awaits none"),
        (Fault::LosesReplies, a_command_gets_its_one_reply, "a confirmed command is not Done"),
        (Fault::OtherCause, a_command_without_an_answer_times_out_within_its_limit, "instead of a timeout"),
        (Fault::TimesOutLate, a_command_without_an_answer_times_out_within_its_limit, "for too long"),
        (Fault::AsksForThePast, deadlines_move_on, "the link would spin"),
        (Fault::MissesTheClose, a_closed_connection_is_void, "without an open connection: Fault"),
        (Fault::WaitsForEver, deadlines_move_on, "for too long"),
        (Fault::WantsWholeLines, bytes_may_be_cut_anywhere, "closed during login"),
        (Fault::Silent, noise_ends_in_a_fault_or_a_close, "neither a Fault nor a Close"),
        (Fault::Panics, noise_ends_in_a_fault_or_a_close, "as it was told to"),
        (Fault::Moody, any_story_keeps_the_laws_and_can_be_told_again, "came out otherwise"),
    ];
    for (fault, rule, words) in table {
        let breach = rule(&BrokenIn { fault, made: Cell::new(0) }).map_err(|breach| breach.to_string());
        assert!(breach.as_ref().is_err_and(|text| text.contains(words)), "{fault:?}: {breach:?}");
    }
}
