//! What a visitor does, in a file: one line for each thing.
//!
//! ```text
//! # a line that begins with # is a comment
//! say Good morning, I am {name}     {name}: his nickname; {n}: his number; {i}: the round of the innermost repeat
//! type Good morn                    real-time text (XEP-0301): this is in his input now
//! type composing                    a chat state (XEP-0085): active, composing, paused, inactive or gone
//! pause 500ms                       or by chance: pause 1s..3s
//! expect Jan neemt deel within 30s  a message with this text; without a time within 10s
//! expect any within 5s              any message
//! expect error within 5s            what he said was refused
//! disconnect                        the connection is cut, without a word
//! reconnect                         he is back, and says again what his server has not acknowledged
//! leave                             he goes; only reconnect may follow
//! repeat 10                         what is between this and its end, ten times
//! end
//! ```

use crate::duration::Span;
use std::time::Duration;

/// An expectation without a time of its own fails after so long.
const EXPECT: Duration = Duration::from_secs(10);

/// A longer wait is a mistake.
const WAIT_MAX: Duration = Duration::from_secs(3600);

/// Lines of a file.
const LINES_MAX: usize = 10_000;

/// Repeats in repeats.
const DEPTH_MAX: usize = 8;

/// Rounds of one repeat.
const ROUNDS_MAX: u32 = 1_000_000;

/// One line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// Its number in the file, from 1.
    pub number: usize,
    /// As it stands there.
    pub text: String,
    /// What it means.
    pub deed: Deed,
}

/// What a visitor does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Deed {
    /// Says this; `{name}`, `{n}` and `{i}` are filled in.
    Say(String),
    /// This is in his input, unsent.
    Type(String),
    /// Tells a chat state.
    Tell(Tells),
    /// Does nothing for a time between these.
    Pause(Duration, Duration),
    /// Waits for a message; fails when it does not come in time.
    Expect(Expected, Duration),
    /// His connection is cut.
    Disconnect,
    /// He is back.
    Reconnect,
    /// He goes.
    Leave,
    /// All of this, so often.
    Repeat(u32, Vec<Line>),
}

/// A chat state (XEP-0085).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tells {
    /// He attends.
    Active,
    /// He types.
    Composing,
    /// He typed, and thinks.
    Paused,
    /// He does something else.
    Inactive,
    /// He has gone.
    Gone,
}

/// What is waited for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Expected {
    /// A message with this in it; `{name}`, `{n}` and `{i}` are filled in.
    Text(String),
    /// Any message.
    Any,
    /// An error about something of his.
    Error,
}

/// A script that cannot be read: every line that is wrong, with what is.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}", .0.join("\n"))]
pub struct ScriptError(pub Vec<String>);

/// Reads a script; all mistakes together.
///
/// # Errors
/// Each line that is not understood, with its number and the mend.
pub fn parse(text: &str) -> Result<Vec<Line>, ScriptError> {
    let mut wrong = Vec::new();
    // The script, and in it the repeats that are open: where each began, and its rounds.
    let mut open: Vec<(usize, String, u32, Vec<Line>)> = Vec::new();
    let mut done = Vec::new();
    if text.lines().count() > LINES_MAX {
        return Err(ScriptError(vec![format!("a script has at most {LINES_MAX} lines; use repeat")]));
    }
    for (index, line) in text.lines().enumerate() {
        let (number, line) = (index + 1, line.trim());
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let read = match line
            .split_once(char::is_whitespace)
            .map_or((line, ""), |(word, rest)| (word, rest.trim()))
        {
            ("repeat", _) if open.len() == DEPTH_MAX => {
                Err(format!("at most {DEPTH_MAX} repeats in each other"))
            }
            // One that is not understood is opened all the same, so that its end is no second mistake.
            ("repeat", rest) => {
                let rounds = rest.parse().ok().filter(|rounds| (1..=ROUNDS_MAX).contains(rounds));
                open.push((number, line.to_owned(), rounds.unwrap_or(1), Vec::new()));
                if rounds.is_some() {
                    Ok(None)
                } else {
                    Err(format!("repeat is followed by a number from 1 to {ROUNDS_MAX}"))
                }
            }
            ("end", "") => match open.pop() {
                Some((number, text, rounds, lines)) => {
                    Ok(Some(Line { number, text, deed: Deed::Repeat(rounds, lines) }))
                }
                None => Err("there is no repeat that this could end".into()),
            },
            (word, rest) => deed(word, rest).map(|deed| Some(Line { number, text: line.to_owned(), deed })),
        };
        match read {
            Ok(Some(line)) => open.last_mut().map_or(&mut done, |(.., lines)| lines).push(line),
            Ok(None) => {}
            Err(detail) => wrong.push(format!("line {number}: `{line}`: {detail}")),
        }
    }
    wrong
        .extend(open.iter().map(|(number, text, ..)| format!("line {number}: `{text}`: its end is missing")));
    if wrong.is_empty() { Ok(done) } else { Err(ScriptError(wrong)) }
}

fn deed(word: &str, rest: &str) -> Result<Deed, String> {
    let alone = |deed: Deed| if rest.is_empty() { Ok(deed) } else { Err(format!("{word} stands alone")) };
    match word {
        "say" if rest.is_empty() => Err("say what?".into()),
        "say" => Ok(Deed::Say(rest.to_owned())),
        "type" => match rest {
            "" => Err("type what? A text, or active, composing, paused, inactive, gone".into()),
            "active" => Ok(Deed::Tell(Tells::Active)),
            "composing" => Ok(Deed::Tell(Tells::Composing)),
            "paused" => Ok(Deed::Tell(Tells::Paused)),
            "inactive" => Ok(Deed::Tell(Tells::Inactive)),
            "gone" => Ok(Deed::Tell(Tells::Gone)),
            text => Ok(Deed::Type(text.to_owned())),
        },
        "pause" => {
            let (from, to) = rest.split_once("..").unwrap_or((rest, rest));
            let (from, to) = (time(from)?, time(to)?);
            if from > to { Err("the shorter time comes first".into()) } else { Ok(Deed::Pause(from, to)) }
        }
        "expect" => {
            let (what, within) = match rest.rsplit_once(" within ") {
                Some((what, within)) => (what.trim(), time(within)?),
                None => (rest, EXPECT),
            };
            match what {
                "" => Err("expect is followed by a text, any or error, and perhaps within 5s".into()),
                "any" => Ok(Deed::Expect(Expected::Any, within)),
                "error" => Ok(Deed::Expect(Expected::Error, within)),
                text => Ok(Deed::Expect(Expected::Text(text.to_owned()), within)),
            }
        }
        "disconnect" => alone(Deed::Disconnect),
        "reconnect" => alone(Deed::Reconnect),
        "leave" => alone(Deed::Leave),
        _ => {
            Err("a line begins with say, type, pause, expect, disconnect, reconnect, leave, repeat or end"
                .into())
        }
    }
}

fn time(text: &str) -> Result<Duration, String> {
    let Span(time) = text.trim().parse().map_err(|error: crate::duration::NotADuration| error.to_string())?;
    if time <= WAIT_MAX { Ok(time) } else { Err("at most an hour".into()) }
}

/// A text with its `{name}`, `{n}` and `{i}` filled in.
#[must_use]
pub fn filled(text: &str, name: &str, number: usize, round: u32) -> String {
    if !text.contains('{') {
        return text.to_owned();
    }
    text.replace("{n}", &number.to_string()).replace("{i}", &round.to_string()).replace("{name}", name)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn deeds(text: &str) -> Vec<Deed> {
        parse(text).unwrap_or_else(|error| panic!("{error}")).into_iter().map(|line| line.deed).collect()
    }

    fn mistakes(text: &str) -> Vec<String> {
        parse(text).err().map(|ScriptError(lines)| lines).unwrap_or_default()
    }

    #[test]
    fn every_line_of_the_manual_is_understood() {
        let second = Duration::from_secs(1);
        let text = "# a comment\n\n  say Good morning, I am {name}\ntype Good morn\ntype composing\npause 500ms\n\
                    pause 1s..3s\nexpect Jan neemt deel within 30s\nexpect hello\nexpect any within 5s\n\
                    expect error within 5s\ndisconnect\nreconnect\nleave";
        assert_eq!(
            deeds(text),
            [
                Deed::Say("Good morning, I am {name}".into()),
                Deed::Type("Good morn".into()),
                Deed::Tell(Tells::Composing),
                Deed::Pause(second / 2, second / 2),
                Deed::Pause(second, 3 * second),
                Deed::Expect(Expected::Text("Jan neemt deel".into()), 30 * second),
                Deed::Expect(Expected::Text("hello".into()), EXPECT),
                Deed::Expect(Expected::Any, 5 * second),
                Deed::Expect(Expected::Error, 5 * second),
                Deed::Disconnect,
                Deed::Reconnect,
                Deed::Leave,
            ]
        );
    }

    #[test]
    fn repeats_are_in_each_other_and_keep_the_numbers_of_lines() {
        let lines = parse("repeat 2\nsay a\nrepeat 3\nsay b\nend\nend\nsay c").unwrap();
        let [Line { number: 1, deed: Deed::Repeat(2, outer), .. }, Line { number: 7, .. }] = lines.as_slice()
        else {
            panic!("{lines:?}");
        };
        let [Line { number: 2, .. }, Line { number: 3, deed: Deed::Repeat(3, inner), .. }] = outer.as_slice()
        else {
            panic!("{outer:?}");
        };
        assert_eq!(inner.iter().map(|line| line.number).collect::<Vec<_>>(), [4]);
    }

    #[test]
    fn all_mistakes_are_told_together_with_their_lines() {
        let text = "say\nshout hello\npause soon\npause 3s..1s\nexpect within 5s\nexpect x within 2h\nleave now\nend\n\
                    repeat never\nend\ntype\nrepeat 2";
        let told = mistakes(text);
        let lines: Vec<_> = told.iter().map(|line| line.split(':').next().unwrap_or_default()).collect();
        assert_eq!(
            lines,
            [
                "line 1", "line 2", "line 3", "line 4", "line 6", "line 7", "line 8", "line 9", "line 11",
                "line 12"
            ],
            "{told:#?}"
        );
        assert!(told[1].contains("a line begins with say"), "{told:#?}");
    }

    #[test]
    fn what_has_no_end_is_refused() {
        assert!(mistakes(&"repeat 2\n".repeat(DEPTH_MAX + 1))[0].contains("repeats in each other"));
        assert!(mistakes(&"say x\n".repeat(LINES_MAX + 1))[0].contains("at most 10000 lines"));
        assert!(mistakes("repeat 1000001\nend")[0].contains("from 1 to 1000000"));
    }

    #[test]
    fn words_are_filled_in() {
        assert_eq!(filled("{name} {n} says {i} of {x}", "Bezoeker 7", 7, 3), "Bezoeker 7 7 says 3 of {x}");
    }
}
