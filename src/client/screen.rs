//! What a person sees: the pop-up of an incoming call, the buttons with their reasons, a line for each notification.
//!
//! Names and numbers come from outside: control characters are taken out, so that no caller can write on a screen.

use super::{Language, talk, work};
use schakel_contract::event::{Event, Observation};
use schakel_contract::views::{
    ActionView, CallView, ConnectionView, ContactView, Direction, PartyView, TransferView,
};
use std::fmt::{Display, Write as _};
use std::io::Write as _;

/// The width of a pop-up with its frame: it fits in the narrowest usual terminal beside a column of times.
const WIDTH: usize = 72;

/// A name is cut after so many characters.
const NAME_MAX: usize = 60;

/// Writes a line on standard output. Who reads it may have gone (`| head`); that ends neither calls nor checks.
pub fn show(line: impl Display) {
    let written = writeln!(std::io::stdout().lock(), "{line}");
    drop(written);
}

/// How much of the buttons is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Buttons {
    /// Those that are active.
    Active,
    /// All, those that are not active with the reason why not.
    All,
}

/// The pop-up that JKC shows when a call rings: who calls, whom, what can be done. `None` when the notification
/// carries no call with a connection at its device.
pub fn popup(language: Language, event: &Event, shown: Buttons) -> Option<String> {
    let data = &event.data;
    let call = data.call.as_ref()?;
    let here = call.connection(data.device.as_deref()?)?;
    let customer = data.contact.as_ref().map_or(&call.calling, |contact| &contact.customer);
    let title = match call.direction {
        _ if data.transfer.is_some() => language.pick("Doorverbonden gesprek", "Transferred call"),
        Direction::Inbound => language.pick("Inkomend gesprek", "Incoming call"),
        Direction::Outbound => language.pick("Uitgaand gesprek", "Outgoing call"),
        Direction::Internal => language.pick("Intern gesprek", "Internal call"),
    };
    let mut lines = match &data.contact {
        Some(contact) => customer_lines(language, contact),
        None => party_lines(language, customer),
    };
    lines.push(destination(language, call, here, data.contact.as_ref()));
    if let Some(transfer) = &data.transfer {
        lines.push(transferred(language, transfer));
    }
    let buttons = buttons(language, &here.actions);
    lines.extend(match shown {
        Buttons::All => buttons,
        Buttons::Active => buttons.into_iter().take(1).collect(),
    });
    Some(frame(title, &lines))
}

/// The buttons of a connection: those that are active on one line, then the others by the reason why not.
pub fn buttons(language: Language, actions: &[ActionView]) -> Vec<String> {
    let active: Vec<_> = actions
        .iter()
        .filter(|each| each.allowed)
        .map(|each| format!("[{}]", language.action(each.action)))
        .collect();
    let mut lines = vec![if active.is_empty() {
        language.pick("geen knoppen", "no buttons").to_owned()
    } else {
        active.join(" ")
    }];
    let mut refused: Vec<(&str, Vec<&str>)> = Vec::new();
    for each in actions.iter().filter(|each| !each.allowed) {
        let reason = each.reason.as_ref().map_or("", |reason| language.reason(reason));
        let name = language.action(each.action);
        match refused.iter_mut().find(|(known, _)| *known == reason) {
            Some((_, names)) => names.push(name),
            None => refused.push((reason, vec![name])),
        }
    }
    let not = language.pick("niet", "not");
    lines.extend(refused.into_iter().map(|(reason, names)| format!("{not} {}: {reason}", names.join(", "))));
    lines
}

/// One line for a notification: what happened, to whom, at which device.
pub fn line(language: Language, event: &Event) -> String {
    let data = &event.data;
    let mut text = match (&data.contact, &data.chat) {
        (_, Some(chat)) => format!("{} · ", talk::visitor(language, chat)),
        (Some(contact), None) => format!("{} · ", work::customer(language, contact)),
        (None, None) => String::new(),
    };
    if let Some(provider) = &data.provider {
        let _ = write!(text, "{} · ", clean(&provider.id));
    }
    text.push_str(language.change(&data.change));
    if let Some(device) = &data.device {
        let _ = write!(text, " @ {}", clean(device));
    }
    text.push_str(&work::tail(language, data));
    text.push_str(&talk::tail(language, data));
    if let (Some(transfer), true) = (&data.transfer, data.change.starts_with("transfer.")) {
        let _ = write!(text, " → {}", clean(&transfer.to));
    }
    if let Some(command) = data.command.as_ref().filter(|_| data.change == "command.completed") {
        let _ = write!(text, ": {}", clean(&command.kind));
        if let Some(refusal) = &command.refusal {
            let _ = write!(text, " – {}", clean(&refusal.detail));
        }
    }
    if data.observation == Observation::Reconstructed {
        text.push_str(language.pick(" (achteraf vastgesteld)", " (established afterwards)"));
    }
    text
}

/// A call at a device in one line: the customer, the direction, the state.
pub fn call_line(
    language: Language,
    call: &CallView<'_>,
    here: &ConnectionView<'_>,
    customer: &PartyView<'_>,
) -> String {
    let arrow = match call.direction {
        Direction::Inbound => "→",
        Direction::Outbound => "←",
        Direction::Internal => "↔",
    };
    let stale = if call.stale_since.is_some() { language.pick(" (onzeker)", " (uncertain)") } else { "" };
    format!(
        "{} {arrow} {}: {}{stale}",
        party(language, customer),
        clean(&here.device),
        language.state(here.state)
    )
}

/// A party in a few words: name and number, as far as they are known and not withheld.
pub fn party(language: Language, party: &PartyView<'_>) -> String {
    let number = number_of(party).filter(|_| !party.restricted);
    match (party.name.as_deref().filter(|_| !party.restricted).map(clean), number) {
        (Some(name), Some(number)) => format!("{name} ({number})"),
        (Some(one), None) | (None, Some(one)) => one,
        (None, None) => unknown(language, party).to_owned(),
    }
}

/// Text from outside without control characters, and not longer than a name is.
pub fn clean(text: &str) -> String {
    // Bidirectional overrides turn the rest of a line around, so they count as control characters here.
    let steers = |c: &char| c.is_control() || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    let mut kept: String = text.chars().filter(|c| !steers(c)).take(NAME_MAX + 1).collect();
    if kept.chars().count() > NAME_MAX {
        kept.pop();
        kept.push('…');
    }
    kept
}

/// A box with a title; lines that are too long are wrapped at spaces.
pub fn frame(title: &str, lines: &[String]) -> String {
    let inner = WIDTH - 4;
    let mut text = format!("┌─ {title} {}┐\n", "─".repeat(WIDTH.saturating_sub(title.chars().count() + 5)));
    for line in lines.iter().flat_map(|line| wrap(line, inner)) {
        let pad = inner.saturating_sub(line.chars().count());
        let _ = writeln!(text, "│ {line}{} │", " ".repeat(pad));
    }
    let _ = write!(text, "└{}┘", "─".repeat(WIDTH - 2));
    text
}

/// The customer, and whose number it is.
fn customer_lines(language: Language, contact: &ContactView<'_>) -> Vec<String> {
    let mut lines = party_lines(language, &work::shown_party(contact));
    lines.extend(work::recognised(language, contact));
    lines
}

fn party_lines(language: Language, party: &PartyView<'_>) -> Vec<String> {
    if party.restricted {
        return vec![unknown(language, party).to_owned()];
    }
    let name = party.name.as_deref().map(clean);
    let lines: Vec<_> = [name, number_of(party)].into_iter().flatten().collect();
    if lines.is_empty() { vec![unknown(language, party).to_owned()] } else { lines }
}

/// The number as it came: people here know 06 better than +31 6.
fn number_of(party: &PartyView<'_>) -> Option<String> {
    party.number.as_deref().map(clean).or_else(|| party.e164.map(|e164| e164.to_string()))
}

fn unknown(language: Language, party: &PartyView<'_>) -> &'static str {
    if party.restricted { language.pick("anoniem", "withheld") } else { language.pick("onbekend", "unknown") }
}

fn destination(
    language: Language,
    call: &CallView<'_>,
    here: &ConnectionView<'_>,
    contact: Option<&ContactView<'_>>,
) -> String {
    let device = clean(&here.device);
    let mut text = match &here.agent {
        Some(agent) => {
            let (to, at) = language.pick(("voor", "op toestel"), ("for", "at extension"));
            format!("{to} {} {at} {device}", clean(agent))
        }
        None => format!("{} {device}", language.pick("op toestel", "at extension")),
    };
    let dialled = contact.and_then(|contact| contact.dialled.as_ref()).unwrap_or(&call.called);
    if let Some(number) = dialled.number.as_deref().filter(|number| *number != here.device) {
        let _ = write!(text, ", {} {}", language.pick("gekozen:", "dialled:"), clean(number));
    }
    if let Some(queue) = &call.queue {
        let _ = write!(text, ", {} {}", language.pick("wachtrij", "queue"), clean(queue));
    }
    text
}

fn transferred(language: Language, transfer: &TransferView<'_>) -> String {
    let by = language.pick("wordt doorverbonden door toestel", "is being transferred by extension");
    format!("{by} {}", clean(&transfer.device))
}

fn wrap(line: &str, width: usize) -> Vec<String> {
    let mut lines = Vec::new();
    let mut current = String::new();
    for word in line.split(' ') {
        let mut word = word.to_owned();
        let needed = current.chars().count() + usize::from(!current.is_empty()) + word.chars().count();
        if needed > width && !current.is_empty() {
            lines.push(std::mem::take(&mut current));
        }
        while word.chars().count() > width {
            let rest: String = word.chars().skip(width).collect();
            lines.push(word.chars().take(width).collect());
            word = rest;
        }
        if !current.is_empty() {
            current.push(' ');
        }
        current.push_str(&word);
    }
    lines.push(current);
    lines
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// A call that rings at 2001, as a receiver has it.
    const RINGING: &str = r#"{
      "specversion": "1.0", "id": "01990000-0000-7000-8000-00000000000a",
      "source": "urn:nld:oin:00000000000000000000:systeem:schakel", "type": "nl.schakel.call.ringing.v1",
      "subject": "contacts/01990000-0000-7000-8000-000000000001", "time": "2026-11-20T09:30:00.000Z",
      "datacontenttype": "application/json", "partitionkey": "01990000-0000-7000-8000-000000000001",
      "sequence": "00000000000000000007", "contactseq": 1,
      "traceparent": "00-01990000000070008000000000000001-8000000000000001-01",
      "data": {
        "change": "call.ringing", "cause": "newCall", "observation": "observed",
        "occurredAt": "2026-11-20T09:30:00.000Z", "device": "2001",
        "contact": {
          "id": "01990000-0000-7000-8000-000000000001",
          "customer": {"number": "0201234567", "name": "Bakkerij De Korenaar", "restricted": false},
          "dialled": {"number": "14020", "restricted": false},
          "calls": ["01990000-0000-7000-8000-000000000002"], "transfers": [], "startedAt": "2026-11-20T09:30:00.000Z"
        },
        "call": {
          "id": "01990000-0000-7000-8000-000000000002", "contact": "01990000-0000-7000-8000-000000000001",
          "provider": "pbx", "state": "ringing", "direction": "inbound", "purpose": {"kind": "customer"},
          "calling": {"number": "0201234567", "restricted": false}, "called": {"number": "2001", "restricted": false},
          "connections": [{
            "device": "2001", "ours": true, "state": "alerting", "since": "2026-11-20T09:30:00.000Z",
            "agent": "anna", "cause": "newCall",
            "actions": [
              {"action": "answer", "allowed": true},
              {"action": "deflect", "allowed": true},
              {"action": "hold", "allowed": false, "reason": {"code": "notConnected",
                "nl": "Het gesprek is hier niet verbonden.", "en": "The call is not connected here."}},
              {"action": "dtmf", "allowed": false, "reason": {"code": "notConnected",
                "nl": "Het gesprek is hier niet verbonden.", "en": "The call is not connected here."}}
            ]
          }],
          "startedAt": "2026-11-20T09:30:00.000Z", "reconstructed": false, "version": 3
        }
      }
    }"#;

    /// [`RINGING`], read.
    pub(crate) fn ringing() -> Event {
        serde_json::from_str(RINGING).unwrap()
    }

    #[test]
    fn t03_the_pop_up_shows_caller_agent_and_buttons_with_reasons() {
        let expected = "\
┌─ Inkomend gesprek ───────────────────────────────────────────────────┐
│ Bakkerij De Korenaar                                                 │
│ 0201234567                                                           │
│ voor anna op toestel 2001, gekozen: 14020                            │
│ [Opnemen] [Doorsturen]                                               │
│ niet In de wacht, Tonen: Het gesprek is hier niet verbonden.         │
└──────────────────────────────────────────────────────────────────────┘";
        assert_eq!(popup(Language::Nl, &ringing(), Buttons::All).unwrap(), expected);
        let english = popup(Language::En, &ringing(), Buttons::All).unwrap();
        assert!(english.contains("Incoming call") && english.contains("[Answer] [Deflect]"), "{english}");
        assert!(english.contains("not Hold, Tones: The call is not connected here."), "{english}");
        let active = popup(Language::Nl, &ringing(), Buttons::Active).unwrap();
        assert!(active.contains("[Opnemen] [Doorsturen]") && !active.contains("niet"), "{active}");
    }

    #[test]
    fn t03_a_withheld_number_is_not_shown_even_if_it_was_sent() {
        let mut event = ringing();
        if let Some(contact) = &mut event.data.contact {
            contact.customer.restricted = true;
        }
        let text = popup(Language::Nl, &event, Buttons::All).unwrap() + &line(Language::Nl, &event);
        assert!(
            text.contains("anoniem") && !text.contains("0201234567") && !text.contains("Korenaar"),
            "{text}"
        );
    }

    #[test]
    fn a_caller_cannot_write_on_the_screen() {
        let mut event = ringing();
        if let Some(contact) = &mut event.data.contact {
            contact.customer.name = Some("\u{1b}[2Jx\u{7}\n\u{202e}kwaad".into());
        }
        let text = popup(Language::Nl, &event, Buttons::All).unwrap() + &line(Language::Nl, &event);
        assert!(
            !text.contains('\u{1b}') && !text.contains('\u{7}') && !text.contains('\u{202e}'),
            "{text:?}"
        );
        assert!(text.contains("[2Jxkwaad"));
    }

    #[test]
    fn every_line_of_a_box_is_equally_wide() {
        let long = "een heel lange regel met woorden ".repeat(6) + &"x".repeat(200);
        let text = frame("Titel", &[long, String::new(), "é€".into()]);
        for line in text.lines() {
            assert_eq!(line.chars().count(), WIDTH, "{line}");
        }
    }

    #[test]
    fn a_notification_is_one_line() {
        let text = line(Language::Nl, &ringing());
        assert_eq!(text, "Bakkerij De Korenaar (0201234567) · gaat over @ 2001");
        let mut afterwards = ringing();
        afterwards.data.observation = Observation::Reconstructed;
        assert!(line(Language::En, &afterwards).ends_with("rings @ 2001 (established afterwards)"));
    }
}
