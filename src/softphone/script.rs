//! A day in a file: what an agent types, what he waits for, what must be so.
//!
//! ```text
//! # a line that begins with # is a comment
//! wait ringing 5s                 ringing, connected, held, dialling, idle, or `transfer consulting`
//! wait availability available     or on-call, after-call, not-ready, in-session, unreachable, offline
//! wait session open               the contact session that changed last: parked, closed; open, none: one is open, or not
//! wait decision                   keep or ignore is asked
//! expect caller 0201234567
//! expect customer J. de Vries     one of whom the caller's number was recognised as
//! expect hits 2                   of the last search
//! expect action answer allowed    or `refused`
//! answer                          any command of the terminal
//! expect state connected
//! expect calls 1
//! expect refused answer           the command must be refused
//! say halfway                     printed
//! ```

use super::chat_script::ChatCondition;
use super::phone::{Seat, Softphone, SoftphoneError, is_unanswered};
use super::typed::Typed;
use super::work::asked_about;
use crate::client::{ApiError, Language, Picture, screen, work};
use schakel_contract::views::{ActionName, AvailabilityState, ConnectionState, SessionState, TransferState};
use std::time::Duration;

/// A wait without a limit of its own ends after so long.
const WAIT: Duration = Duration::from_secs(10);

/// A longer wait is a mistake.
const WAIT_MAX: Duration = Duration::from_secs(3600);

/// One line of a script.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// Its number in the file, from 1.
    pub number: usize,
    /// As it stands there.
    pub text: String,
    /// What it means.
    pub meaning: Meaning,
}

/// What a line means.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Meaning {
    /// Do this; it must succeed.
    Do(Typed),
    /// Wait until it is so.
    Wait(Condition, Duration),
    /// It must be so now.
    Expect(Condition),
    /// An action must be allowed, or not.
    ExpectAction(ActionName, bool),
    /// This must be refused.
    ExpectRefused(Typed),
    /// The customer of a call here must have this number.
    ExpectCaller(String),
    /// The customer of a call here must have been recognised so, perhaps among others.
    ExpectCustomer(String),
    /// So many calls must be here.
    ExpectCalls(usize),
    /// The last search must have found so many.
    ExpectHits(usize),
    /// Wait until it is so of his chats.
    WaitChat(ChatCondition, Duration),
    /// It must be so of his chats now.
    ExpectChat(ChatCondition),
    /// Print this.
    Say(String),
}

/// Something that can be so at a device, or of who sits there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Condition {
    /// No call.
    Idle,
    /// A call rings.
    Ringing,
    /// We dial, and nobody has answered yet.
    Dialling,
    /// Somebody speaks with us.
    Connected,
    /// We have a call on hold.
    Held,
    /// Our last transfer is in this state.
    Transfer(TransferState),
    /// We are this to routing.
    Availability(AvailabilityState),
    /// A contact session is open; the one that changed last is parked or closed; none: no session is open.
    Session(Option<SessionState>),
    /// A call has arrived while a session is open: keep or ignore?
    Decision,
}

/// A script that cannot be read: every line that is wrong, with what is.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}", .0.join("\n"))]
pub struct ScriptError(pub Vec<String>);

/// Reads a script; all mistakes together.
///
/// # Errors
/// Each line that is not understood, with its number and the mend.
pub fn parse(text: &str) -> Result<Vec<Step>, ScriptError> {
    let (mut steps, mut wrong) = (Vec::new(), Vec::new());
    for (index, line) in text.lines().enumerate() {
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        match meaning(line) {
            Ok(meaning) => steps.push(Step { number: index + 1, text: line.to_owned(), meaning }),
            Err(detail) => wrong.push(format!("line {}: `{line}`: {detail}", index + 1)),
        }
    }
    if wrong.is_empty() { Ok(steps) } else { Err(ScriptError(wrong)) }
}

/// Plays one step.
///
/// # Errors
/// Why it failed, for the person who wrote the script.
pub async fn play(phone: &Softphone, step: &Step) -> Result<(), String> {
    match &step.meaning {
        Meaning::Do(typed) => phone.obey(typed).await.map(drop).map_err(|error| error.to_string()),
        Meaning::Wait(condition, within) => {
            let so = |picture: &Picture| condition.is_so(picture, phone.seat()).then_some(());
            phone.wait(condition.name(), *within, so).await.map_err(|error| error.to_string())
        }
        Meaning::Expect(condition) => {
            let so = phone.look(|ledger| condition.is_so(ledger.picture(), phone.seat()));
            if so { Ok(()) } else { Err(format!("it is not so; {}", now(phone))) }
        }
        Meaning::ExpectAction(action, allowed) => expect_action(phone, *action, *allowed).await,
        Meaning::ExpectRefused(typed) => match phone.obey(typed).await {
            Ok(_) => Err("it was done".into()),
            Err(SoftphoneError::Refused(_) | SoftphoneError::Nothing(_)) => Ok(()),
            Err(SoftphoneError::Api(ApiError::Problem(problem))) if problem.cause.is_some() => Ok(()),
            Err(error) => Err(format!("it was not refused, it failed: {error}")),
        },
        Meaning::ExpectCaller(number) => {
            let callers = callers(phone);
            if callers.contains(number) { Ok(()) } else { Err(format!("the callers are {callers:?}")) }
        }
        Meaning::ExpectCustomer(name) => {
            let known = recognised(phone);
            if known.contains(name) { Ok(()) } else { Err(format!("recognised are {known:?}")) }
        }
        Meaning::ExpectHits(count) => {
            let hits = phone.hits().len();
            if hits == *count { Ok(()) } else { Err(format!("there are {hits}")) }
        }
        Meaning::ExpectCalls(count) => {
            let device = &phone.seat().device;
            let here = phone.look(|ledger| ledger.picture().calls_at(device).count());
            if here == *count { Ok(()) } else { Err(format!("there are {here}; {}", now(phone))) }
        }
        Meaning::WaitChat(condition, within) => condition.wait(phone, *within).await,
        Meaning::ExpectChat(condition) if condition.is_so(phone) => Ok(()),
        Meaning::ExpectChat(condition) => Err(condition.why_not(phone, Duration::ZERO)),
        Meaning::Say(text) => {
            screen::show(text);
            Ok(())
        }
    }
}

impl Condition {
    /// Whether it is so where an agent sits.
    pub fn is_so(self, picture: &Picture, seat: &Seat) -> bool {
        let mut here = picture.calls_at(&seat.device);
        let agent = picture.agent(&seat.agent);
        match self {
            Condition::Idle => here.next().is_none(),
            Condition::Ringing => here.any(|(_, here)| here.state == ConnectionState::Alerting),
            Condition::Dialling => here.any(|(call, _)| is_unanswered(call)),
            Condition::Connected => {
                here.any(|(call, here)| here.state == ConnectionState::Connected && !is_unanswered(call))
            }
            Condition::Held => here.any(|(_, here)| here.state == ConnectionState::Held),
            Condition::Transfer(state) => {
                let last = picture.transfers_of(&seat.device).next_back();
                last.is_some_and(|transfer| transfer.state == state)
            }
            Condition::Availability(state) => agent.is_some_and(|agent| agent.availability.state == state),
            Condition::Session(None) => agent.is_none_or(|agent| agent.session.is_none()),
            Condition::Session(Some(SessionState::Open)) => {
                agent.is_some_and(|agent| agent.session.is_some())
            }
            Condition::Session(state) => {
                let last = picture.sessions_of(&seat.agent).max_by_key(|session| session.since);
                last.map(|session| session.state) == state
            }
            Condition::Decision => {
                let open = agent.and_then(|agent| picture.session(agent.session?));
                open.is_some_and(|session| asked_about(session).is_some())
            }
        }
    }

    fn name(self) -> String {
        match self {
            Condition::Transfer(state) => format!("transfer {state:?}").to_lowercase(),
            Condition::Availability(state) => format!("availability {state:?}"),
            Condition::Session(None) => "the end of the open session".into(),
            Condition::Session(Some(state)) => format!("session {state:?}").to_lowercase(),
            Condition::Decision => "the question to keep or ignore".into(),
            other => format!("{other:?}").to_lowercase(),
        }
    }

    fn parse(words: &[&str]) -> Result<Self, String> {
        Ok(match words {
            ["idle"] => Condition::Idle,
            ["ringing"] => Condition::Ringing,
            ["dialling"] => Condition::Dialling,
            ["connected"] => Condition::Connected,
            ["held"] => Condition::Held,
            ["transfer", state] => Condition::Transfer(match *state {
                "started" => TransferState::Started,
                "ringing" => TransferState::Ringing,
                "consulting" => TransferState::Consulting,
                "completed" => TransferState::Completed,
                "taken-back" => TransferState::TakenBack,
                "failed" => TransferState::Failed,
                other => {
                    return Err(format!(
                        "\"{other}\" is none of started, ringing, consulting, completed, taken-back, failed"
                    ));
                }
            }),
            ["availability", state] => Condition::Availability(named(state, &AVAILABILITIES)?),
            ["session", state] => Condition::Session(named(state, &SESSIONS)?),
            ["decision"] => Condition::Decision,
            other => {
                return Err(format!(
                    "\"{}\" is none of idle, ringing, dialling, connected, held, transfer STATE, \
                     availability STATE, session STATE, decision",
                    other.join(" ")
                ));
            }
        })
    }
}

/// What an agent can be, as a script says it.
const AVAILABILITIES: [(&str, AvailabilityState); 8] = [
    ("offline", AvailabilityState::Offline),
    ("unreachable", AvailabilityState::Unreachable),
    ("on-call", AvailabilityState::OnCall),
    ("chatting", AvailabilityState::Chatting),
    ("after-call", AvailabilityState::AfterCall),
    ("not-ready", AvailabilityState::NotReady),
    ("in-session", AvailabilityState::InSession),
    ("available", AvailabilityState::Available),
];

/// What his sessions can be.
const SESSIONS: [(&str, Option<SessionState>); 4] = [
    ("open", Some(SessionState::Open)),
    ("parked", Some(SessionState::Parked)),
    ("closed", Some(SessionState::Closed)),
    ("none", None),
];

fn named<T: Copy>(word: &str, all: &[(&str, T)]) -> Result<T, String> {
    let found = all.iter().find(|(name, _)| *name == word).map(|(_, state)| *state);
    let names = || all.iter().map(|(name, _)| *name).collect::<Vec<_>>().join(", ");
    found.ok_or_else(|| format!("\"{word}\" is none of {}", names()))
}

fn meaning(line: &str) -> Result<Meaning, String> {
    let words: Vec<&str> = line.split_whitespace().collect();
    match words.as_slice() {
        ["say", ..] => Ok(Meaning::Say(line.trim_start_matches("say").trim().to_owned())),
        ["wait", rest @ .., last] if last.starts_with(|c: char| c.is_ascii_digit()) => {
            match ChatCondition::parse(rest) {
                Some(chat) => Ok(Meaning::WaitChat(chat?, duration(last)?)),
                None => Ok(Meaning::Wait(Condition::parse(rest)?, duration(last)?)),
            }
        }
        ["wait", rest @ ..] => match ChatCondition::parse(rest) {
            Some(chat) => Ok(Meaning::WaitChat(chat?, WAIT)),
            None => Ok(Meaning::Wait(Condition::parse(rest)?, WAIT)),
        },
        ["expect", rest @ ..] if let Some(chat) = ChatCondition::parse(rest) => Ok(Meaning::ExpectChat(chat?)),
        ["expect", "state", rest @ ..] => Ok(Meaning::Expect(Condition::parse(rest)?)),
        ["expect", "transfer" | "availability" | "session" | "decision", ..] => {
            Ok(Meaning::Expect(Condition::parse(words.get(1..).unwrap_or_default())?))
        }
        ["expect", "action", name, allowed @ ("allowed" | "refused")] => {
            let action = serde_json::from_value((*name).into());
            let action = action
                .map_err(|_| format!("\"{name}\" is no action; such as answer, hold, hang-up, take-back"))?;
            Ok(Meaning::ExpectAction(action, *allowed == "allowed"))
        }
        ["expect", "refused", rest @ ..] => {
            rest.join(" ").parse().map(Meaning::ExpectRefused).map_err(|error| error.to_string())
        }
        ["expect", "caller", number] => Ok(Meaning::ExpectCaller((*number).to_owned())),
        ["expect", "customer", name @ ..] if !name.is_empty() => Ok(Meaning::ExpectCustomer(name.join(" "))),
        ["expect", "hits", count] => {
            count.parse().map(Meaning::ExpectHits).map_err(|_| format!("\"{count}\" is no number of hits"))
        }
        ["expect", "calls", count] => {
            count.parse().map(Meaning::ExpectCalls).map_err(|_| format!("\"{count}\" is no number of calls"))
        }
        ["expect", ..] => {
            Err("expect is followed by state STATE, transfer STATE, availability STATE, session STATE, decision, \
                 action ACTION allowed|refused, refused COMMAND, caller NUMBER, customer NAME, calls COUNT or hits COUNT"
                .into())
        }
        _ => line.parse().map(Meaning::Do).map_err(|error: super::typed::NotUnderstood| error.to_string()),
    }
}

fn duration(text: &str) -> Result<Duration, String> {
    let millis = match (text.strip_suffix("ms"), text.strip_suffix('s')) {
        (Some(number), _) => number.parse().ok(),
        (None, Some(number)) => number.parse::<u64>().ok().and_then(|seconds| seconds.checked_mul(1000)),
        (None, None) => None,
    };
    let within = millis.map(Duration::from_millis).filter(|within| *within <= WAIT_MAX);
    within.ok_or_else(|| format!("\"{text}\" is no time such as 5s or 500ms, at most an hour"))
}

async fn expect_action(phone: &Softphone, action: ActionName, allowed: bool) -> Result<(), String> {
    let state = phone.refresh().await.map_err(|error| error.to_string())?;
    let here: Vec<_> = state.calls.iter().filter_map(|call| call.connection(&phone.seat().device)).collect();
    if here.iter().any(|here| here.allows(action)) == allowed {
        return Ok(());
    }
    let reasons = here.iter().flat_map(|here| &here.actions).filter(|each| each.action == action);
    let reasons: Vec<_> =
        reasons.filter_map(|each| each.reason.as_ref()).map(|reason| reason.en.as_ref()).collect();
    Err(match (here.is_empty(), allowed) {
        (true, _) => "there is no call here".into(),
        (false, true) => format!("it is not allowed: {}", reasons.join(" ")),
        (false, false) => "it is allowed".into(),
    })
}

fn callers(phone: &Softphone) -> Vec<String> {
    phone.look(|ledger| {
        let picture = ledger.picture();
        let customers = picture.calls_at(&phone.seat().device).map(|(call, _)| {
            let customer = picture.contact(call.contact).map_or(&call.calling, |contact| &contact.customer);
            customer.number.as_deref().unwrap_or("unknown").to_owned()
        });
        customers.collect()
    })
}

/// As whom the callers here were recognised.
fn recognised(phone: &Softphone) -> Vec<String> {
    phone.look(|ledger| {
        let picture = ledger.picture();
        let contacts =
            picture.calls_at(&phone.seat().device).filter_map(|(call, _)| picture.contact(call.contact));
        let matches = contacts.filter_map(|contact| contact.recognition.as_ref());
        matches.flat_map(|found| &found.matches).map(|each| each.name.to_string()).collect()
    })
}

fn now(phone: &Softphone) -> String {
    let device = &phone.seat().device;
    let states: Vec<_> = phone.look(|ledger| {
        ledger
            .picture()
            .calls_at(device)
            .map(|(_, here)| format!("{:?}", here.state).to_lowercase())
            .collect()
    });
    let at = if states.is_empty() {
        format!("{device} has no call")
    } else {
        format!("{device} is {}", states.join(" and "))
    };
    match phone.agent() {
        Some(agent) => format!("{at}; {}", work::reasons(Language::En, &agent).join(" ")),
        None => at,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::client::screen::tests::ringing;

    fn one(line: &str) -> Meaning {
        parse(line).unwrap().remove(0).meaning
    }

    #[test]
    fn p04_a_script_is_read_with_its_line_numbers() {
        let steps = parse("# a day\n\nwait ringing 5s\n  answer\nexpect state connected\n").unwrap();
        let numbers: Vec<_> = steps.iter().map(|step| step.number).collect();
        assert_eq!(numbers, [3, 4, 5]);
        assert_eq!(steps[1].text, "answer");
        assert_eq!(steps[0].meaning, Meaning::Wait(Condition::Ringing, Duration::from_secs(5)));
        assert_eq!(steps[2].meaning, Meaning::Expect(Condition::Connected));
    }

    #[test]
    fn p04_every_kind_of_line_is_understood() {
        assert_eq!(one("wait idle"), Meaning::Wait(Condition::Idle, WAIT));
        let consulting = Condition::Transfer(TransferState::Consulting);
        assert_eq!(
            one("wait transfer consulting 500ms"),
            Meaning::Wait(consulting, Duration::from_millis(500))
        );
        assert_eq!(one("expect transfer consulting"), Meaning::Expect(consulting));
        assert_eq!(one("expect action hang-up refused"), Meaning::ExpectAction(ActionName::HangUp, false));
        assert_eq!(one("expect refused opnemen"), Meaning::ExpectRefused(Typed::Control(ActionName::Answer)));
        assert_eq!(one("expect caller 0201234567"), Meaning::ExpectCaller("0201234567".into()));
        assert_eq!(one("expect calls 2"), Meaning::ExpectCalls(2));
        let after_call = Condition::Availability(AvailabilityState::AfterCall);
        assert_eq!(one("wait availability after-call 5s"), Meaning::Wait(after_call, Duration::from_secs(5)));
        assert_eq!(one("expect availability after-call"), Meaning::Expect(after_call));
        assert_eq!(one("wait session none"), Meaning::Wait(Condition::Session(None), WAIT));
        let parked = Condition::Session(Some(SessionState::Parked));
        assert_eq!(one("expect session parked"), Meaning::Expect(parked));
        assert_eq!(one("expect decision"), Meaning::Expect(Condition::Decision));
        assert_eq!(one("expect customer J. de Vries"), Meaning::ExpectCustomer("J. de Vries".into()));
        assert_eq!(one("expect hits 2"), Meaning::ExpectHits(2));
        assert_eq!(one("zoek burger zaken"), Meaning::Do(Typed::Search("burger zaken".into())));
        assert_eq!(one("say  half way"), Meaning::Say("half way".into()));
        assert_eq!(one("bel 06 12345678"), Meaning::Do(Typed::Dial("0612345678".into())));
    }

    #[test]
    fn p04_all_mistakes_are_told_at_once_with_their_lines() {
        let error = parse("answr\nwait forever\nwait ringing 5\nexpect action fly allowed\nexpect joy\nexpect calls many\nexpect transfer half\nexpect session half\nwait availability asleep\nexpect hits few\nhold")
            .unwrap_err();
        assert_eq!(error.0.len(), 10, "{error}");
        for (line, part) in error.0.iter().zip([
            "answr",
            "none of idle",
            "5s or 500ms",
            "hang-up",
            "followed by",
            "many",
            "consulting",
            "open, parked, closed, none",
            "after-call",
            "few",
        ]) {
            assert!(line.contains(part), "{part}: {line}");
        }
        assert!(error.0[6].starts_with("line 7:"));
    }

    #[test]
    fn p04_conditions_are_seen_in_the_picture() {
        let at = |device: &str| Seat { device: device.into(), agent: "anna".into(), ..Seat::default() };
        let (here, elsewhere) = (at("2001"), at("2002"));
        let mut picture = Picture::default();
        assert!(Condition::Idle.is_so(&picture, &here) && Condition::Session(None).is_so(&picture, &here));
        assert!(!Condition::Decision.is_so(&picture, &here));
        let mut event = ringing();
        picture.apply(&event);
        assert!(Condition::Ringing.is_so(&picture, &here) && !Condition::Idle.is_so(&picture, &here));
        assert!(Condition::Idle.is_so(&picture, &elsewhere));
        if let Some(call) = &mut event.data.call {
            call.version += 1;
            call.state = schakel_contract::views::CallState::Dialling;
            call.connections[0].state = ConnectionState::Connected;
        }
        picture.apply(&event);
        assert!(Condition::Dialling.is_so(&picture, &here) && !Condition::Connected.is_so(&picture, &here));
    }
}
