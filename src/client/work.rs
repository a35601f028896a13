//! What a person sees of an agent's day: whose number it is, availability, contact sessions, routings, the directory.

use super::screen::{clean, frame, party};
use super::{Language, Picture};
use schakel_contract::event::{Event, EventData};
use schakel_contract::views::{
    AgentView, AvailabilityView, ContactView, DirectoryHitView, EntryKind, MatchRole, MatchView, PartyView,
    RecognitionStatus, RouteView, SessionCause, SessionView,
};

/// So many who may be calling are shown; of a switchboard there can be more.
const MATCHES_MAX: usize = 5;

/// The reason code that schakel itself gives to an agent whose browser vanished.
const VANISHED: &str = "vanished";

/// The customer of a contact in a few words.
pub fn customer(language: Language, contact: &ContactView<'_>) -> String {
    party(language, &shown_party(contact))
}

/// The customer as he is shown: with the name that JKC's recognition knows, where it is one.
pub(super) fn shown_party<'a>(contact: &ContactView<'a>) -> PartyView<'a> {
    let known = contact.recognition.as_ref().filter(|found| found.status == RecognitionStatus::One);
    let name = known.and_then(|found| found.matches.first()).map(|found| found.name.clone());
    PartyView { name: name.or_else(|| contact.customer.name.clone()), ..contact.customer.clone() }
}

/// Whose number it is, a line each: one, several who may be calling, or nobody for whom it is switched on. Nothing of
/// who withholds his number.
pub fn recognised(language: Language, contact: &ContactView<'_>) -> Vec<String> {
    let Some(found) = contact.recognition.as_ref().filter(|_| !contact.customer.restricted) else {
        return Vec::new();
    };
    let title = match found.status {
        RecognitionStatus::Anonymous => return Vec::new(),
        RecognitionStatus::None => return vec![language.pick("niet herkend", "not recognised").to_owned()],
        RecognitionStatus::One => language.pick("herkend", "recognised"),
        RecognitionStatus::Several => language.pick("kan zijn", "may be"),
    };
    let shown = found.matches.iter().take(MATCHES_MAX);
    let mut lines: Vec<String> =
        shown.map(|each| format!("{title}: {}", candidate(language, each))).collect();
    if found.more || found.matches.len() > MATCHES_MAX {
        lines.push(language.pick("… en meer", "… and more").to_owned());
    }
    lines
}

/// One who may be calling: name, kind, JKC's reference, and for whom he speaks.
fn candidate(language: Language, found: &MatchView<'_>) -> String {
    let (name, kind) = (clean(&found.name), language.match_kind(found.kind));
    let reference = clean(&found.reference);
    match (&found.of, found.role) {
        (Some(of), MatchRole::Representative) => {
            let speaks = language.pick("vertegenwoordigt", "speaks for");
            format!("{name} ({kind}, {reference}), {speaks} {}", clean(of))
        }
        _ => format!("{name} ({kind}, {reference})"),
    }
}

/// What an agent is now, with the code of a break.
pub fn availability(language: Language, availability: &AvailabilityView<'_>) -> String {
    let state = language.availability(availability.state);
    let strongest = availability.reasons.first().and_then(|reason| reason.code.as_deref());
    match strongest {
        Some(VANISHED) => {
            format!("{state} ({})", language.pick("browser verdwenen", "browser vanished"))
        }
        Some(code) => format!("{state} ({})", clean(code)),
        None => state.to_owned(),
    }
}

/// What an agent can take, and every reason why not more, a line each.
pub fn reasons(language: Language, agent: &AgentView<'_>) -> Vec<String> {
    let now = &agent.availability;
    let yes_no = |yes| language.pick(if yes { "ja" } else { "nee" }, if yes { "yes" } else { "no" });
    let (calls, chats) = language.pick(("gesprekken", "chats"), ("calls", "chats"));
    let mut lines = vec![format!(
        "{}: {}; {calls}: {}, {chats}: {}",
        clean(&agent.id),
        availability(language, now),
        yes_no(now.takes_calls),
        yes_no(now.takes_chats)
    )];
    lines.extend(now.reasons.iter().map(|reason| format!("  {}", language.pick(&*reason.nl, &*reason.en))));
    lines
}

/// The question that JKC puts when a call arrives in the middle of other work (T16).
pub fn question(language: Language, event: &Event, picture: &Picture) -> Option<String> {
    let data = &event.data;
    let session = data.session.as_ref().filter(|_| data.change == "session.decision-asked")?;
    let arrives = data.contact.as_ref().map_or_else(String::new, |contact| customer(language, contact));
    let about = session.contact.and_then(|contact| picture.contact(contact));
    let about = about.map(|contact| customer(language, contact));
    let work: Vec<String> = session.reference.as_deref().map(clean).into_iter().chain(about).collect();
    let lines = [
        match work.is_empty() {
            true => language.pick("Er staat een contact open.", "A contact is open.").to_owned(),
            false => format!("{}: {}", language.pick("Open staat", "Open is"), work.join(", ")),
        },
        format!("{arrives} {}", language.pick("belt.", "calls.")),
        language.pick("[Bewaren] [Negeren]", "[Keep] [Ignore]").to_owned(),
    ];
    Some(frame(language.pick("Bewaren of negeren?", "Keep or ignore?"), &lines))
}

/// What a line says after the change, of agents, sessions and routings; empty of anything else.
pub(super) fn tail(language: Language, data: &EventData<'_>) -> String {
    match (data.change.split_once('.'), &data.agent, &data.session, &data.route) {
        (Some(("agent", "registered")), Some(agent), _, _) => seat(language, agent),
        (Some(("agent", "availability-changed")), Some(agent), _, _) => {
            format!(": {} → {}", clean(&agent.id), availability(language, &agent.availability))
        }
        (Some(("agent", _)), Some(agent), _, _) => format!(": {}", clean(&agent.id)),
        (Some(("session", _)), _, Some(session), _) => of_session(language, session),
        // Who it is about is said with what was said or offered.
        (Some(("chat", _)), ..) | (Some(("route", "requested")), ..) => String::new(),
        (Some(("route", _)), _, _, Some(route)) => of_route(language, route),
        (_, Some(agent), _, _) => format!(" ({})", clean(&agent.id)),
        _ => String::new(),
    }
}

fn seat(language: Language, agent: &AgentView<'_>) -> String {
    let seat = agent.registration.as_ref();
    let seat = seat.map_or(language.pick("afgemeld", "signed off").into(), |seat| clean(&seat.device));
    format!(": {} → {seat}", clean(&agent.id))
}

fn of_session(language: Language, session: &SessionView<'_>) -> String {
    let why = match session.cause {
        SessionCause::Asked => String::new(),
        cause => format!(", {}", language.session_cause(cause)),
    };
    let reference = session.reference.as_deref().map(|reference| format!(" {}", clean(reference)));
    format!(": {}{}{why}", clean(&session.agent), reference.unwrap_or_default())
}

fn of_route(language: Language, route: &RouteView<'_>) -> String {
    let decision = route.decision.as_ref();
    match decision.and_then(|decision| decision.number.as_deref()) {
        Some(number) => format!(" → {}", clean(number)),
        None if decision.is_some() => {
            format!(
                " → {}",
                language.pick("waar de centrale zelf kiest", "where the telephone system would send it")
            )
        }
        None => String::new(),
    }
}

/// A hit of the directory in one line, with the number by which it is chosen.
pub fn hit(language: Language, place: usize, hit: &DirectoryHitView<'_>) -> String {
    let entry = &hit.entry;
    let mut text = format!("{place}) {} – {}", clean(&entry.name), clean(&entry.number));
    if entry.kind == EntryKind::Department {
        text.push_str(language.pick(", afdeling", ", department"));
    }
    for part in [&entry.department, &entry.function].into_iter().flatten() {
        text.push_str(", ");
        text.push_str(&clean(part));
    }
    if let Some(now) = &hit.availability {
        text.push_str(": ");
        text.push_str(&availability(language, now));
    } else if hit.device.as_ref().is_some_and(|device| device.in_call) {
        text.push_str(language.pick(": aan de telefoon", ": on a call"));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::client::screen::{self, Buttons, tests::ringing};
    use schakel_contract::views::{MatchKind, NumberKind, NumberView, RecognitionView};

    fn found(name: &str, of: Option<&str>) -> MatchView<'static> {
        MatchView {
            kind: MatchKind::Person,
            reference: format!("K-{}", name.len()).into(),
            name: name.to_owned().into(),
            role: if of.is_some() { MatchRole::Representative } else { MatchRole::Customer },
            of: of.map(|of| of.to_owned().into()),
        }
    }

    fn ringing_of(status: RecognitionStatus, matches: Vec<MatchView<'static>>) -> Event {
        let mut event = ringing();
        let number = NumberView { raw: None, e164: None, extension: None, kind: NumberKind::Geographic };
        if let Some(contact) = &mut event.data.contact {
            contact.customer.name = None;
            contact.recognition = Some(RecognitionView { status, number, matches, more: false });
        }
        event
    }

    fn shown(event: &Event) -> String {
        screen::popup(Language::Nl, event, Buttons::Active).unwrap() + &screen::line(Language::Nl, event)
    }

    #[test]
    fn t10_the_pop_up_names_who_was_recognised_and_the_line_too() {
        let text = shown(&ringing_of(RecognitionStatus::One, vec![found("J. de Vries", None)]));
        assert!(text.contains("│ J. de Vries ") && text.contains("herkend: J. de Vries (persoon, K-11)"));
        assert!(text.ends_with("J. de Vries (0201234567) · gaat over @ 2001"), "{text}");
    }

    #[test]
    fn t10_a_household_is_several_and_a_representative_says_for_whom() {
        let of = vec![found("J. de Vries", None), found("Mw. Bos", Some("K-20017"))];
        let text = shown(&ringing_of(RecognitionStatus::Several, of));
        assert!(text.contains("kan zijn: J. de Vries (persoon, K-11)"), "{text}");
        assert!(text.contains("kan zijn: Mw. Bos (persoon, K-7), vertegenwoordigt K-20017"), "{text}");
        assert!(text.ends_with("0201234567 · gaat over @ 2001"), "nobody is chosen for the agent: {text}");
    }

    #[test]
    fn t10_nobody_and_a_switchboard_of_many_are_told_so() {
        assert!(shown(&ringing_of(RecognitionStatus::None, Vec::new())).contains("niet herkend"));
        let many = vec![found("A", None); MATCHES_MAX + 1];
        assert!(shown(&ringing_of(RecognitionStatus::Several, many)).contains("… en meer"));
    }

    #[test]
    fn t10_who_withholds_his_number_is_not_named_even_if_he_was_sent() {
        let mut event = ringing_of(RecognitionStatus::One, vec![found("J. de Vries", None)]);
        if let Some(contact) = &mut event.data.contact {
            contact.customer.restricted = true;
        }
        assert!(!shown(&event).contains("Vries"));
    }

    #[test]
    fn a_recognised_name_cannot_steer_the_screen() {
        let text = shown(&ringing_of(RecognitionStatus::One, vec![found("\u{1b}[2J\u{202e}x", None)]));
        assert!(!text.contains('\u{1b}') && !text.contains('\u{202e}'), "{text:?}");
    }
}
