//! The softphone for a person: what happens is shown, what is typed is done, only what is possible is offered.

use super::chat_screen::{self, Typings};
use super::phone::{Link, Softphone, SoftphoneError};
use super::typed::{Typed, help};
use super::work::asked_about;
use crate::client::{ApiError, Language, Picture, keyboard, screen, work};
use schakel_contract::event::Event;
use schakel_contract::views::{ActionName, AgentView, SessionState};
use std::io::{IsTerminal, Write};

/// Runs until somebody ends it, standard input ends, or the API refuses for good.
///
/// # Errors
/// Why the API refuses.
pub async fn run(phone: &Softphone, language: Language) -> Result<(), SoftphoneError> {
    let seat = phone.seat();
    let (at, hint) = language
        .pick(("op toestel", "`hulp` toont de opdrachten"), ("at extension", "`help` shows the commands"));
    screen::show(format_args!("{} {at} {} ({}); {hint}", seat.agent, seat.device, seat.provider));
    show_calls(phone, language);
    if !phone.chats().is_empty() {
        screen::show(chat_screen::list(phone, language));
    }
    offer(phone, language).await;
    let (mut mark, mut link) = (phone.look(crate::client::Ledger::mark), Link::Connecting);
    let mut typings = Typings::default();
    let (mut changes, mut typed) = (phone.changes(), keyboard::lines());
    let mut interrupted = std::pin::pin!(keyboard::interrupted());
    loop {
        prompt();
        tokio::select! {
            _ = changes.changed() => {
                let (next, shown) = show_events(phone, language, mark);
                mark = next;
                if shown {
                    offer(phone, language).await;
                }
                for line in typings.changed(phone, language) {
                    screen::show(format_args!("\r{line}"));
                }
                let now = phone.link();
                if now != link {
                    link = now;
                    if !show_link(language, &link) {
                        return Ok(());
                    }
                }
            }
            () = &mut interrupted => return Ok(()),
            line = typed.recv() => {
                let Some(line) = line else { return Ok(()) };
                if line.trim().is_empty() {
                    continue;
                }
                match line.parse::<Typed>() {
                    Ok(Typed::Quit) => return Ok(()),
                    Ok(typed) => obey(phone, language, &typed).await,
                    Err(error) => screen::show(language.pick(error.nl, error.en)),
                }
            }
        }
    }
}

async fn obey(phone: &Softphone, language: Language, typed: &Typed) {
    match typed {
        Typed::Help => screen::show(help(language)),
        Typed::Calls => show_calls(phone, language),
        Typed::Chat(chat) => {
            if let Err(error) = chat_screen::obey(phone, language, chat).await {
                screen::show(format_args!("✗ {}", explained(language, &error)));
            }
        }
        Typed::Actions => match phone.refresh().await {
            Ok(state) => {
                for call in &state.calls {
                    if let Some(here) = call.connection(&phone.seat().device) {
                        let lines = screen::buttons(language, &here.actions);
                        screen::show(screen::frame(language.state(here.state), &lines));
                    }
                }
                if state.calls.is_empty() {
                    screen::show(no_calls(language));
                }
            }
            Err(error) => screen::show(error),
        },
        Typed::Availability => match phone.refresh().await {
            Ok(state) => screen::show(work::reasons(language, &state.agent).join("\n")),
            Err(error) => screen::show(error),
        },
        Typed::Search(text) => match phone.search(text).await {
            Ok(hits) if hits.is_empty() => screen::show(language.pick("niets gevonden", "nothing found")),
            Ok(hits) => {
                for (place, hit) in hits.iter().enumerate() {
                    screen::show(format_args!("  {}", work::hit(language, place + 1, hit)));
                }
            }
            Err(error) => screen::show(format_args!("✗ {}", explained(language, &error))),
        },
        typed => {
            if let Err(error) = phone.obey(typed).await {
                screen::show(format_args!("✗ {}", explained(language, &error)));
            }
        }
    }
}

/// Why something was not done, and what can be done instead, in the agent's language where the rule is one of schakel's.
fn explained(language: Language, error: &SoftphoneError) -> String {
    let (title, reason, allowed) = match error {
        SoftphoneError::Nothing(missing) => return missing.text(language).to_owned(),
        SoftphoneError::Api(ApiError::Problem(problem)) => {
            (Some(&*problem.title), &problem.reason, problem.allowed_actions.as_deref())
        }
        SoftphoneError::Refused(refusal) => (None, &refusal.reason, Some(&*refusal.allowed_actions)),
        _ => return error.to_string(),
    };
    // Of an agent's own work there is no reason with texts of its own: the cause says it all.
    let cause = match error {
        SoftphoneError::Api(ApiError::Problem(problem)) => problem.cause,
        _ => None,
    };
    if let Some(text) = cause.and_then(|cause| language.of_work(cause)) {
        return text.to_owned();
    }
    let (Some(reason), Some(allowed)) = (reason, allowed) else {
        // Of chats the kind of problem says it, in the agent's language.
        return match error {
            SoftphoneError::Api(ApiError::Problem(problem)) if problem.cause.is_some() => match language {
                Language::Nl => {
                    problem.title_nl.as_ref().map_or_else(|| error.to_string(), ToString::to_string)
                }
                Language::En => format!("{}: {}", problem.title, problem.detail),
            },
            _ => error.to_string(),
        };
    };
    let buttons: Vec<_> = allowed.iter().map(|action| format!("[{}]", language.action(*action))).collect();
    let title =
        title.filter(|_| language == Language::En).map(|title| format!("{title}: ")).unwrap_or_default();
    format!("{title}{}\n  {}", language.reason(reason), buttons.join(" "))
}

/// What is possible now, as buttons.
async fn offer(phone: &Softphone, language: Language) {
    // A moment without the API is shown by the link, and the next change offers again.
    let Ok(state) = phone.refresh().await else { return };
    let here = state.calls.iter().filter_map(|call| call.connection(&phone.seat().device));
    let mut allowed: Vec<_> = here.flat_map(|here| &here.actions).filter(|each| each.allowed).collect();
    allowed.sort_by_key(|each| each.action);
    allowed.dedup_by_key(|each| each.action);
    let mut buttons: Vec<&str> = allowed.iter().map(|each| language.action(each.action)).collect();
    if buttons.is_empty() {
        buttons.push(language.action(ActionName::Dial));
    }
    buttons.extend(chat_screen::buttons(phone, language));
    buttons.extend(of_work(phone, language, &state.agent));
    let buttons: Vec<_> = buttons.iter().map(|button| format!("[{button}]")).collect();
    let now = work::availability(language, &state.agent.availability);
    screen::show(format_args!("  {now}: {}", buttons.join(" ")));
}

/// The buttons of the agent's own work.
fn of_work(phone: &Softphone, language: Language, agent: &AgentView<'_>) -> Vec<&'static str> {
    let (asked, parked) = phone.look(|ledger| {
        let picture = ledger.picture();
        let open = agent.session.and_then(|session| picture.session(session));
        let asked = open.is_some_and(|session| asked_about(session).is_some());
        let mut all = picture.sessions_of(&agent.id);
        (asked, all.any(|session| session.state == SessionState::Parked))
    });
    let mut buttons = Vec::new();
    if asked {
        buttons.extend(language.pick(["Bewaren", "Negeren"], ["Keep", "Ignore"]));
    }
    if agent.session.is_some() {
        buttons.extend(language.pick(["Parkeren", "Sluiten"], ["Park", "Close"]));
    } else if parked {
        buttons.push(language.pick("Hervatten", "Resume"));
    }
    buttons.push(match agent.readiness.ready {
        true => language.pick("Niet gereed", "Not ready"),
        false => language.pick("Gereed", "Ready"),
    });
    buttons
}

/// Shows what happened here since a mark. Gives the new mark, and whether anything was shown.
fn show_events(phone: &Softphone, language: Language, mark: usize) -> (usize, bool) {
    let (texts, next) = phone.look(|ledger| {
        let ours = ledger.since(mark).filter(|entry| concerns(phone, &entry.event));
        let texts = ours.map(|entry| match entry.event.data.change.starts_with("chat.") {
            // Of chats more is asked than the ledger knows, once it is let go.
            true => Told::Chat(Box::new(entry.event.clone())),
            false => Told::Line(told(phone, language, &entry.event, ledger.picture())),
        });
        (texts.collect::<Vec<_>>(), ledger.mark())
    });
    let texts: Vec<String> = texts
        .into_iter()
        .filter_map(|told| match told {
            Told::Line(text) => Some(text),
            Told::Chat(event) => chat_screen::told(phone, language, &event),
        })
        .collect();
    for text in &texts {
        screen::show(format_args!("\r{text}"));
    }
    (next, !texts.is_empty())
}

/// Something to be shown.
enum Told {
    Line(String),
    Chat(Box<Event>),
}

fn concerns(phone: &Softphone, event: &Event) -> bool {
    if event.data.change.starts_with("chat.") {
        return chat_screen::concerns(phone, event);
    }
    let (seat, data) = (phone.seat(), &event.data);
    // What came of a command is shown by what it changed, or by its error.
    if data.change == "command.completed" {
        return false;
    }
    // Another telephone system may have the same extensions.
    if data.call.as_ref().is_some_and(|call| call.provider != seat.provider) {
        return false;
    }
    let device = data.device.as_deref() == Some(&seat.device);
    let agent = data.agent.as_ref().is_some_and(|agent| agent.id == seat.agent);
    let transfer = data.transfer.as_ref().filter(|_| data.change.starts_with("transfer."));
    let provider = data.provider.as_ref().is_some_and(|provider| provider.id == seat.provider);
    device || agent || provider || transfer.is_some_and(|transfer| transfer.device == seat.device)
}

/// A line; a bell and a pop-up for a call that rings here, and for the question to keep or ignore.
fn told(phone: &Softphone, language: Language, event: &Event, picture: &Picture) -> String {
    let line = screen::line(language, event);
    let rings =
        event.data.change == "call.ringing" && event.data.device.as_deref() == Some(&phone.seat().device);
    let popup = match rings {
        true => screen::popup(language, event, screen::Buttons::Active),
        false => work::question(language, event, picture),
    };
    match popup {
        Some(popup) if std::io::stdout().is_terminal() => format!("\x07{popup}"),
        Some(popup) => popup,
        None => format!("• {line}"),
    }
}

fn show_calls(phone: &Softphone, language: Language) {
    let lines: Vec<_> = phone.look(|ledger| {
        let picture = ledger.picture();
        let line = |(call, here)| {
            let call: &schakel_contract::views::CallView<'static> = call;
            let customer = picture.contact(call.contact).map_or(&call.calling, |contact| &contact.customer);
            screen::call_line(language, call, here, customer)
        };
        picture.calls_at(&phone.seat().device).map(line).collect()
    });
    screen::show(if lines.is_empty() { no_calls(language).to_owned() } else { lines.join("\n") });
}

/// Shows how the stream is. Gives whether it makes sense to go on.
fn show_link(language: Language, link: &Link) -> bool {
    match link {
        Link::Connecting | Link::Up => true,
        Link::Lost(why) => {
            screen::show(format_args!(
                "\r! {}: {why}",
                language.pick("geen verbinding met schakel", "no connection with schakel")
            ));
            true
        }
        Link::Refused(why) => {
            screen::show(format_args!("\r✗ {why}"));
            false
        }
    }
}

fn no_calls(language: Language) -> &'static str {
    language.pick("geen gesprekken", "no calls")
}

fn prompt() {
    if std::io::stdout().is_terminal() {
        print!("> ");
        // A terminal that cannot be written to shows nothing else either.
        drop(std::io::stdout().flush());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use schakel_contract::problem::{Problem, ProblemKind, RefusalCause};
    use schakel_contract::views::{ActionName, ReasonCode, ReasonView};

    #[test]
    fn t15_a_refusal_is_explained_in_the_agents_language_with_the_buttons_that_work() {
        let mut problem = Problem::new(ProblemKind::InvalidConnectionState, "The call does not ring here.");
        problem.allowed_actions = Some(vec![ActionName::Retrieve, ActionName::HangUp]);
        problem.reason = Some(ReasonView {
            code: ReasonCode::NotRinging,
            nl: "Het gesprek gaat hier niet over.".into(),
            en: "The call does not ring here.".into(),
        });
        let error = SoftphoneError::Api(ApiError::Problem(Box::new(problem)));
        let text = explained(Language::Nl, &error);
        assert_eq!(text, "Het gesprek gaat hier niet over.\n  [Uit de wacht] [Ophangen]");
        let text = explained(Language::En, &error);
        assert!(text.ends_with(": The call does not ring here.\n  [Retrieve] [Hang up]"), "{text}");
    }

    #[test]
    fn t11_t16_what_stands_in_the_way_of_work_is_explained_in_the_agents_language() {
        let refused = |kind| {
            let mut problem = Problem::new(kind, "Session 1 is open.");
            problem.cause = Some(RefusalCause::SessionOpen);
            SoftphoneError::Api(ApiError::Problem(Box::new(problem)))
        };
        let text = explained(Language::Nl, &refused(ProblemKind::SessionOpen));
        assert_eq!(text, "Er staat al een contactsessie open: parkeer of sluit die eerst.");
        let nothing = SoftphoneError::Nothing(crate::softphone::missing::Missing::Question);
        assert!(explained(Language::Nl, &nothing).starts_with("er kwam geen gesprek binnen"));
    }
}
