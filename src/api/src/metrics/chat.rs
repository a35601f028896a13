//! Figures of chats, and of the mails that carry what visitors leave.

use super::{Text, label};
use schakel_core::model::chat::{ChatState, OfferState};
use schakel_core::state::State;
use schakel_outbox::mail::{MailErrorKind, MailStatus};

/// Every state with its name in the contract.
const STATES: [(ChatState, &str); 10] = [
    (ChatState::Opened, "opened"),
    (ChatState::Queued, "queued"),
    (ChatState::Offered, "offered"),
    (ChatState::Connecting, "connecting"),
    (ChatState::Active, "active"),
    (ChatState::Wrapping, "wrapping"),
    (ChatState::Abandoned, "abandoned"),
    (ChatState::Unserved, "unserved"),
    (ChatState::Archived, "archived"),
    (ChatState::Removed, "removed"),
];

/// What the state tells of chats, at a moment (Unix ms).
pub(crate) fn of_chats(state: &State, now_ms: u64, out: &mut Text) {
    let (mut by_state, mut pending) = ([0_u64; STATES.len()], 0_u64);
    for chat in state.chats.values() {
        for ((each, _), count) in STATES.iter().zip(&mut by_state) {
            *count += u64::from(*each == chat.state);
        }
        // The others of a chat are over: one offer and one invitation at a time.
        let open = chat.offers.iter().filter(|offer| offer.state == OfferState::Pending);
        pending += open.count() as u64;
    }
    out.kind(
        "schakel_chats",
        "gauge",
        "Chats that are not over, and those that ended a short while ago, by state.",
    );
    for ((_, name), count) in STATES.iter().zip(by_state) {
        out.line("schakel_chats", &label("state", name), count);
    }
    out.one(
        "schakel_chat_offers_pending",
        "gauge",
        "Offers and invitations that are not answered yet.",
        pending,
    );
    of_queues(state, now_ms, out);
    let in_channel = || state.agents.values().filter_map(|agent| Some((agent, agent.chat.as_ref()?)));
    out.one("schakel_chat_agents", "gauge", "Users in the chat channel.", in_channel().count());
    let taking = in_channel().filter(|(agent, _)| agent.availability.takes_chats).count();
    out.one("schakel_chat_agents_taking", "gauge", "Those of them who may be offered a chat now.", taking);
    let paused = in_channel().filter(|(_, service)| service.paused).count();
    let help = "Those who get no offers because they ignored too many.";
    out.one("schakel_chat_agents_paused", "gauge", help, paused);
    let counters = &state.counters;
    for (name, help, value) in [
        ("chat_messages_repeated", "Messages that were told again and dropped.", counters.repeated_messages),
        (
            "chat_messages_refused",
            "What visitors sent and was refused: too fast, too large, too many.",
            counters.refused_messages,
        ),
        (
            "unknown_conversations",
            "Reports about conversations that are not known, or not any more.",
            counters.unknown_conversations,
        ),
    ] {
        out.one(&format!("schakel_{name}_total"), "counter", help, value);
    }
}

fn of_queues(state: &State, now_ms: u64, out: &mut Text) {
    let queues = || state.settings.chat.queues.iter().map(|queue| (&queue.id, state.waiting.get(&queue.id)));
    let name = "schakel_chats_waiting";
    out.kind(name, "gauge", "Chats that wait for an agent, by queue.");
    for (queue, waiting) in queues() {
        out.line(name, &label("queue", queue.as_str()), waiting.map_or(0, |waiting| waiting.len()));
    }
    let name = "schakel_chats_waiting_oldest_seconds";
    out.kind(name, "gauge", "How long the one that waits longest has waited; 0 where none waits.");
    for (queue, waiting) in queues() {
        let oldest = waiting.and_then(|waiting| waiting.first());
        let age = oldest.map_or(0, |(since, _)| now_ms.saturating_sub(since.0));
        out.line(name, &label("queue", queue.as_str()), age as f64 / 1e3);
    }
}

/// Orders about conversations that no link took.
pub(crate) fn of_orders(left_out: u64, out: &mut Text) {
    let help = "Orders to chat providers whose link was away or too far behind; they are given again when it is back.";
    out.one("schakel_chat_orders_left_out_total", "counter", help, left_out);
}

/// What the mailer tells, at a moment (Unix ms).
pub(crate) fn of_mail(status: &MailStatus, now_ms: i64, out: &mut Text) {
    let help = "Whether there is a mail server to send to.";
    out.one("schakel_mail_configured", "gauge", help, u8::from(status.configured));
    out.one("schakel_mail_waiting", "gauge", "Messages of visitors that wait to be mailed.", status.waiting);
    let age = status.oldest_ms.map_or(0, |since| now_ms.saturating_sub(since).max(0));
    let help = "How long the one that waits longest has waited; 0 where none waits.";
    out.one("schakel_mail_oldest_seconds", "gauge", help, age as f64 / 1e3);
    out.one("schakel_mail_dead", "gauge", "Messages of visitors whose mail was given up.", status.dead);
    let help = "Whether the mail server could not be reached or trusted the last time.";
    out.one("schakel_mail_server_fails", "gauge", help, u8::from(status.server_fails));
    out.one("schakel_mail_sent_total", "counter", "Mails that the server took.", status.sent);
    let name = "schakel_mail_failed_total";
    out.kind(name, "counter", "Tries that failed, by what went wrong.");
    for kind in MailErrorKind::ALL {
        let count = status.failures.get(&kind).copied().unwrap_or_default();
        out.line(name, &label("kind", kind.as_str()), count);
    }
}
