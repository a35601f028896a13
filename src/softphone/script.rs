//! A day in a file: what an agent types, what he waits for, what must be so.
//!
//! ```text
//! # a line that begins with # is a comment
//! wait ringing 5s                 ringing, connected, held, dialling, idle, or `transfer consulting`
//! expect caller 0201234567
//! expect action answer allowed    or `refused`
//! answer                          any command of the terminal
//! expect state connected
//! expect calls 1
//! expect refused answer           the command must be refused
//! say halfway                     printed
//! ```

use super::phone::{Softphone, SoftphoneError, is_unanswered};
use super::typed::Typed;
use crate::client::{ApiError, Picture, screen};
use schakel_contract::views::{ActionName, ConnectionState, TransferState};
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
    /// So many calls must be here.
    ExpectCalls(usize),
    /// Print this.
    Say(String),
}

/// Something that can be so at a device.
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
            let device = phone.seat().device.clone();
            let so = |picture: &Picture| condition.is_so(picture, &device).then_some(());
            phone.wait(condition.name(), *within, so).await.map_err(|error| error.to_string())
        }
        Meaning::Expect(condition) => {
            let device = &phone.seat().device;
            let so = phone.look(|ledger| condition.is_so(ledger.picture(), device));
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
        Meaning::ExpectCalls(count) => {
            let device = &phone.seat().device;
            let here = phone.look(|ledger| ledger.picture().calls_at(device).count());
            if here == *count { Ok(()) } else { Err(format!("there are {here}; {}", now(phone))) }
        }
        Meaning::Say(text) => {
            screen::show(text);
            Ok(())
        }
    }
}

impl Condition {
    /// Whether it is so at a device.
    pub fn is_so(self, picture: &Picture, device: &str) -> bool {
        let mut here = picture.calls_at(device);
        match self {
            Condition::Idle => here.next().is_none(),
            Condition::Ringing => here.any(|(_, here)| here.state == ConnectionState::Alerting),
            Condition::Dialling => here.any(|(call, _)| is_unanswered(call)),
            Condition::Connected => {
                here.any(|(call, here)| here.state == ConnectionState::Connected && !is_unanswered(call))
            }
            Condition::Held => here.any(|(_, here)| here.state == ConnectionState::Held),
            Condition::Transfer(state) => {
                picture.transfers_of(device).next_back().is_some_and(|transfer| transfer.state == state)
            }
        }
    }

    fn name(self) -> String {
        match self {
            Condition::Transfer(state) => format!("transfer {state:?}").to_lowercase(),
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
            other => {
                return Err(format!(
                    "\"{}\" is none of idle, ringing, dialling, connected, held, transfer STATE",
                    other.join(" ")
                ));
            }
        })
    }
}

fn meaning(line: &str) -> Result<Meaning, String> {
    let words: Vec<&str> = line.split_whitespace().collect();
    match words.as_slice() {
        ["say", ..] => Ok(Meaning::Say(line.trim_start_matches("say").trim().to_owned())),
        ["wait", rest @ .., last] if last.starts_with(|c: char| c.is_ascii_digit()) => {
            Ok(Meaning::Wait(Condition::parse(rest)?, duration(last)?))
        }
        ["wait", rest @ ..] => Ok(Meaning::Wait(Condition::parse(rest)?, WAIT)),
        ["expect", "state", rest @ ..] => Ok(Meaning::Expect(Condition::parse(rest)?)),
        ["expect", "transfer", _] => Ok(Meaning::Expect(Condition::parse(&words[1..])?)),
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
        ["expect", "calls", count] => {
            count.parse().map(Meaning::ExpectCalls).map_err(|_| format!("\"{count}\" is no number of calls"))
        }
        ["expect", ..] => {
            Err("expect is followed by state STATE, transfer STATE, action ACTION allowed|refused, \
                               refused COMMAND, caller NUMBER or calls COUNT"
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

fn now(phone: &Softphone) -> String {
    let device = &phone.seat().device;
    let states: Vec<_> = phone.look(|ledger| {
        ledger
            .picture()
            .calls_at(device)
            .map(|(_, here)| format!("{:?}", here.state).to_lowercase())
            .collect()
    });
    if states.is_empty() {
        format!("{device} has no call")
    } else {
        format!("{device} is {}", states.join(" and "))
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
        assert_eq!(one("say  half way"), Meaning::Say("half way".into()));
        assert_eq!(one("bel 06 12345678"), Meaning::Do(Typed::Dial("0612345678".into())));
    }

    #[test]
    fn p04_all_mistakes_are_told_at_once_with_their_lines() {
        let error = parse("answr\nwait forever\nwait ringing 5\nexpect action fly allowed\nexpect joy\nexpect calls many\nexpect transfer half\nhold")
            .unwrap_err();
        assert_eq!(error.0.len(), 7, "{error}");
        for (line, part) in error.0.iter().zip([
            "answr",
            "none of idle",
            "5s or 500ms",
            "hang-up",
            "followed by",
            "many",
            "consulting",
        ]) {
            assert!(line.contains(part), "{part}: {line}");
        }
        assert!(error.0[6].starts_with("line 7:"));
    }

    #[test]
    fn p04_conditions_are_seen_in_the_picture() {
        let mut picture = Picture::default();
        assert!(Condition::Idle.is_so(&picture, "2001"));
        let mut event = ringing();
        picture.apply(&event);
        assert!(Condition::Ringing.is_so(&picture, "2001") && !Condition::Idle.is_so(&picture, "2001"));
        assert!(Condition::Idle.is_so(&picture, "2002"));
        if let Some(call) = &mut event.data.call {
            call.version += 1;
            call.state = schakel_contract::views::CallState::Dialling;
            call.connections[0].state = ConnectionState::Connected;
        }
        picture.apply(&event);
        assert!(Condition::Dialling.is_so(&picture, "2001") && !Condition::Connected.is_so(&picture, "2001"));
    }
}
