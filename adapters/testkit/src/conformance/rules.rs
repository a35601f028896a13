//! The rules. Each takes a fresh adapter, and says what is not kept and where.

use proptest::prelude::*;
use proptest::sample::Index;
use proptest::test_runner::{TestCaseError, TestRunner};
use schakel_core::adapter::{Observations, Output};
use schakel_core::command::RefusalCause;
use schakel_core::model::ids::CommandId;
use schakel_core::model::time::{Millis, Time};

use super::conversation::Conversation;
use super::{Answer, Breach, Subject, ensure};

/// What a command may take.
const LIMIT: Millis = Millis::seconds(5);
/// Longer than any peer is waited for.
const LONG: Millis = Millis::seconds(3600);
/// More than the longest unit of a protocol (64 KiB in CSTA): then something must have been made of it.
const NOISE_BYTES: usize = 80 * 1024;

/// Before `Opened` there is nothing to say: bytes and ticks are borne, a command is refused at once.
///
/// # Errors
/// [`Breach`], as for every rule.
pub fn nothing_happens_without_a_connection<S: Subject>(subject: &S) -> Result<(), Breach> {
    void(&mut Conversation::new(subject))
}

/// `Ready`, then each device's `Snapshot`, then `Resynced`: that order and once each. The subject's peer shows all.
///
/// # Errors
/// [`Breach`]
pub fn a_login_is_ready_then_snapshots_then_resynced_once<S: Subject>(subject: &S) -> Result<(), Breach> {
    let mut talk = Conversation::logged_in(subject)?;
    ensure(!talk.laws.shown.is_empty(), || "no device was shown: let the subject watch one".into())?;
    let unseen = |output: &Output| matches!(output, Output::Resynced { without_snapshot } if !without_snapshot.is_empty());
    ensure(!talk.outputs.iter().any(unseen), || {
        "devices without a snapshot, though the peer shows all".into()
    })?;
    talk.pass(LONG)?;
    ensure(talk.laws.open, || format!("closed though the peer is well: {:?}", talk.outputs.last()))
}

/// A confirmed command is done, a refused one refused, each once; both also where several are under way.
///
/// # Errors
/// [`Breach`]
pub fn a_command_gets_its_one_reply<S: Subject>(subject: &S) -> Result<(), Breach> {
    let mut talk = Conversation::logged_in(subject)?;
    let confirmed = talk.execute(LIMIT)?;
    ensure(matches!(reply(&talk, confirmed), Some(None)), || "a confirmed command is not Done".into())?;
    talk.answers = Some(Answer::Refuse);
    let refused = talk.execute(LIMIT)?;
    ensure(matches!(reply(&talk, refused), Some(Some(_))), || "a refused command is not refused".into())?;
    talk.answers = None;
    let several = [talk.execute(LIMIT)?, talk.execute(LIMIT)?, talk.execute(LIMIT)?];
    ensure(several.iter().all(|id| reply(&talk, *id).is_none()), || "answered before the peer did".into())?;
    talk.receive_late()?;
    ensure(several.iter().all(|id| matches!(reply(&talk, *id), Some(None))), || {
        "not every one of several commands under way is Done".into()
    })?;
    // A second reply would break a law.
    talk.pass(LONG)
}

/// A command that the peer does not answer is refused as a timeout, at its own limit; a later answer adds nothing.
///
/// # Errors
/// [`Breach`]
pub fn a_command_without_an_answer_times_out_within_its_limit<S: Subject>(subject: &S) -> Result<(), Breach> {
    let mut talk = Conversation::logged_in(subject)?;
    talk.answers = None;
    let long = talk.execute(Millis::seconds(4))?;
    let short = talk.execute(Millis::seconds(2))?;
    talk.pass(Millis(1_999))?;
    ensure(reply(&talk, short).is_none(), || "a command timed out before its limit".into())?;
    talk.pass(Millis(1))?;
    ensure(reply(&talk, short) == Some(Some(RefusalCause::Timeout)), || {
        format!("a command without an answer: {:?} instead of a timeout", reply(&talk, short))
    })?;
    ensure(reply(&talk, long).is_none(), || "a command timed out at another's limit".into())?;
    talk.pass(Millis::seconds(2))?;
    ensure(reply(&talk, long) == Some(Some(RefusalCause::Timeout)), || "no timeout at its limit".into())?;
    talk.receive_late()
}

/// After `Closed` nothing is left of a connection, however it stood: no reply, no deadline, no half unit; and the next
/// `Opened` is as the first.
///
/// # Errors
/// [`Breach`]
pub fn a_closed_connection_is_void<S: Subject>(subject: &S) -> Result<(), Breach> {
    let mut talk = Conversation::logged_in(subject)?;
    let first = told(&std::mem::take(&mut talk.outputs));
    talk.answers = None;
    talk.execute(LIMIT)?;
    if let Some(half) = subject.samples().first().and_then(|sample| sample.get(..sample.len() / 2)) {
        talk.receive(half)?;
    }
    talk.close()?;
    void(&mut talk)?;
    // In the middle of a login, too.
    talk.open()?;
    talk.close()?;
    void(&mut talk)?;
    talk.outputs.clear();
    talk.answers = Some(Answer::Confirm);
    talk.log_in()?;
    let again = told(&talk.outputs);
    ensure(again == first, || format!("the second login told {again:?}, the first {first:?}"))?;
    // An `Opened` without a `Closed` before it is a fresh connection as well.
    talk.outputs.clear();
    talk.log_in()?;
    ensure(told(&talk.outputs) == first, || "Opened without Closed is no fresh start".into())
}

/// Each deadline is kept by the `Tick` at it, with a peer that answers, that falls silent, and that never spoke.
///
/// # Errors
/// [`Breach`]
pub fn deadlines_move_on<S: Subject>(subject: &S) -> Result<(), Breach> {
    let mut talk = Conversation::logged_in(subject)?;
    talk.pass(LONG)?;
    talk.answers = None;
    talk.execute(LIMIT)?;
    talk.pass(LONG)?;
    let mut talk = Conversation::new(subject);
    talk.answers = None;
    talk.open()?;
    ensure(talk.next_deadline().is_some(), || "a peer that says nothing is waited for without end".into())?;
    talk.pass(LONG)
}

/// The wire cuts where it likes; what comes out is the same.
///
/// # Errors
/// [`Breach`]
pub fn bytes_may_be_cut_anywhere<S: Subject>(subject: &S) -> Result<(), Breach> {
    let run = |piece: usize| -> Result<Vec<Output>, Breach> {
        let mut talk = Conversation::new(subject);
        talk.piece = piece;
        talk.log_in()?;
        talk.receive(&subject.samples().concat())?;
        talk.execute(LIMIT)?;
        Ok(talk.outputs)
    };
    let whole = run(usize::MAX)?;
    property(1..200_usize, |piece| {
        ensure(run(piece)? == whole, || format!("cut at every {piece} bytes it is not the same"))
    })
}

/// Bytes that mean nothing are never passed over in silence.
///
/// # Errors
/// [`Breach`]
pub fn noise_ends_in_a_fault_or_a_close<S: Subject>(subject: &S) -> Result<(), Breach> {
    property(prop::collection::vec(any::<u8>(), 1..400), |some| {
        let mut talk = Conversation::logged_in(subject)?;
        talk.outputs.clear();
        let noise: Vec<u8> = some.iter().copied().cycle().take(NOISE_BYTES).collect();
        talk.receive(&noise)?;
        let noticed = |output: &Output| matches!(output, Output::Fault(_) | Output::Close(_));
        ensure(talk.outputs.iter().any(noticed), || "noise is neither a Fault nor a Close".into())?;
        if !talk.laws.open {
            // Between our Close and the link's Closed.
            void(&mut talk)?;
            talk.close()?;
            void(&mut talk)?;
            talk.log_in()?;
        }
        Ok(())
    })
}

/// Units in any order, changed at any place, commands, time and lost connections: the laws hold, every command ends,
/// and the same story told to another adapter comes out the same to the byte.
///
/// # Errors
/// [`Breach`]
pub fn any_story_keeps_the_laws_and_can_be_told_again<S: Subject>(subject: &S) -> Result<(), Breach> {
    property(prop::collection::vec(turn(), 1..40), |story| {
        let first = tell(subject, &story)?;
        ensure(tell(subject, &story)? == first, || "the same story came out otherwise".into())
    })
}

/// One turn of a story.
#[derive(Debug, Clone)]
enum Turn {
    Unit(Index),
    Changed { unit: Index, at: Index, byte: u8 },
    Shortened { unit: Index, at: Index },
    Execute(Option<Answer>),
    Late,
    Pass(u16),
    Reconnect,
}

fn turn() -> impl Strategy<Value = Turn> {
    prop_oneof![
        4 => any::<Index>().prop_map(Turn::Unit),
        4 => any::<(Index, Index, u8)>().prop_map(|(unit, at, byte)| Turn::Changed { unit, at, byte }),
        1 => any::<(Index, Index)>().prop_map(|(unit, at)| Turn::Shortened { unit, at }),
        4 => prop::sample::select(vec![None, Some(Answer::Confirm), Some(Answer::Refuse)])
            .prop_map(Turn::Execute),
        1 => Just(Turn::Late),
        2 => any::<u16>().prop_map(Turn::Pass),
        1 => Just(Turn::Reconnect),
    ]
}

/// Tells a story from the moment that the connection opens.
fn tell<S: Subject>(
    subject: &S,
    story: &[Turn],
) -> Result<(Vec<Output>, Observations, Option<Time>), Breach> {
    let units = subject.samples();
    let mut talk = Conversation::new(subject);
    talk.open()?;
    for turn in story {
        if !talk.laws.open {
            talk.close()?;
            talk.open()?;
        }
        match turn {
            Turn::Unit(unit) => talk.receive(unit.get::<Vec<u8>>(&units))?,
            Turn::Changed { unit, at, byte } => {
                let mut unit = unit.get(&units).clone();
                let at = at.index(unit.len());
                if let Some(place) = unit.get_mut(at) {
                    *place = *byte;
                }
                talk.receive(&unit)?;
            }
            Turn::Shortened { unit, at } => {
                let unit = unit.get(&units);
                talk.receive(unit.get(..at.index(unit.len())).unwrap_or_default())?;
            }
            Turn::Execute(answers) => {
                talk.answers = *answers;
                talk.execute(LIMIT)?;
            }
            Turn::Late => talk.receive_late()?,
            Turn::Pass(millis) => talk.pass(Millis(u64::from(*millis)))?,
            Turn::Reconnect => {
                talk.close()?;
                talk.open()?;
            }
        }
    }
    talk.pass(LIMIT)?;
    ensure(talk.laws.unanswered.is_empty(), || "a command without an end".into())?;
    Ok((talk.outputs.clone(), talk.observations(), talk.next_deadline()))
}

/// Nothing is said without a connection, but that a command is refused.
fn void<S: Subject>(talk: &mut Conversation<'_, S>) -> Result<(), Breach> {
    talk.stray()?;
    let command = talk.execute(LIMIT)?;
    ensure(matches!(reply(talk, command), Some(Some(_))), || {
        "a command without a connection is not refused at once".into()
    })?;
    ensure(talk.next_deadline().is_none(), || "a deadline without a connection".into())
}

/// The reply to a command so far: why it was refused, or none where it was done.
fn reply<S: Subject>(talk: &Conversation<'_, S>, id: CommandId) -> Option<Option<RefusalCause>> {
    talk.outputs.iter().find_map(|output| match output {
        Output::Reply { command, result, .. } if *command == id => {
            Some(result.as_ref().err().map(|refusal| refusal.cause))
        }
        _ => None,
    })
}

/// What the house was told: without the bytes, which may number their requests on.
fn told(outputs: &[Output]) -> Vec<Output> {
    outputs.iter().filter(|output| !matches!(output, Output::Transmit(_))).cloned().collect()
}

/// Holds a property for made-up values (`PROPTEST_CASES` says how many). What it fails for is made as small as can be
/// and is told.
fn property<T: Strategy>(values: T, holds: impl Fn(T::Value) -> Result<(), Breach>) -> Result<(), Breach> {
    let config = ProptestConfig { failure_persistence: None, ..ProptestConfig::default() };
    TestRunner::new(config)
        .run(&values, |value| holds(value).map_err(|breach| TestCaseError::fail(breach.to_string())))
        .map_err(|error| Breach(error.to_string()))
}
