//! What a person sees of chats: offers, words, who takes part. Words between agents are marked wherever they are shown.
//!
//! Names and words come from outside: control characters are taken out, as everywhere on a screen.

use super::Language;
use super::screen::{clean, frame};
use schakel_contract::event::{Event, EventData};
use schakel_contract::views::{
    AuthorKind, AuthorView, ChatActionName, ChatMessageView, ChatOfferView, ChatRole, ChatState, ChatView,
    ContentView, EndReason, InviteeView, OfferKind, RevokedBecause, VisitorTypingView,
};

/// So much of a message stands in a line.
const WORDS_MAX: usize = 400;

/// The visitor of a chat in a few words.
pub fn visitor(language: Language, chat: &ChatView<'_>) -> String {
    let name = chat.visitor.nickname.as_deref().or(chat.visitor.address.as_deref()).map(clean);
    name.unwrap_or_else(|| language.pick("bezoeker", "visitor").to_owned())
}

/// The pop-up of a chat that is offered: who waits, where, what can be done.
pub fn offered(language: Language, event: &Event, number: Option<usize>) -> Option<String> {
    let (chat, offer) = (event.data.chat.as_ref()?, event.data.offer.as_ref()?);
    let title = match offer.kind {
        OfferKind::Owner => language.pick("Chat", "Chat"),
        OfferKind::Guest => language.pick("Uitnodiging voor een chat", "Invitation to a chat"),
    };
    let title = number.map_or_else(|| title.to_owned(), |number| format!("{title} {number}"));
    let mut lines = vec![
        visitor(language, chat),
        format!("{} {}", language.pick("wachtrij", "queue"), clean(&chat.queue)),
    ];
    if let Some(by) = &offer.invited_by {
        lines.push(format!("{} {}", language.pick("op verzoek van", "invited by"), clean(by)));
    }
    lines.push(language.pick("[Aannemen] [Afwijzen]", "[Accept] [Reject]").to_owned());
    Some(frame(&title, &lines))
}

/// A message in one line: who, what; a word between agents is marked.
pub fn words(language: Language, message: &ChatMessageView<'_>) -> String {
    let (mark, author, content) = match message {
        ChatMessageView::Public(public) => ("", &public.author, &public.content),
        ChatMessageView::Agents(word) => {
            (language.pick("[privé] ", "[private] "), &word.author, &word.content)
        }
    };
    format!("{mark}{}: {}", name(language, author), said(language, content))
}

fn name(language: Language, author: &AuthorView<'_>) -> String {
    match author.kind {
        AuthorKind::Visitor => language.pick("bezoeker", "visitor").to_owned(),
        AuthorKind::Agent => {
            let name = author.nickname.as_deref().or(author.agent.as_deref());
            name.map_or_else(|| language.pick("medewerker", "agent").to_owned(), clean)
        }
        AuthorKind::System => "schakel".to_owned(),
    }
}

fn said(language: Language, content: &ContentView<'_>) -> String {
    let mut parts = Vec::new();
    if !content.text.is_empty() {
        parts.push(format!("\"{}\"", plain(&content.text)));
    }
    parts.extend(content.files.iter().map(|file| format!("[{}]", clean(&file.name))));
    if let Some(choice) = &content.choice {
        let options: Vec<_> = choice.options.iter().map(|option| clean(&option.text)).collect();
        parts.push(format!("({})", options.join(" | ")));
    }
    if let Some(chosen) = &content.chosen {
        parts.push(format!("{} {}", language.pick("koos", "chose"), clean(&chosen.option)));
    }
    parts.join(" ")
}

/// Words on one line: no control characters, and not without end.
pub fn plain(text: &str) -> String {
    let mut kept = String::new();
    for part in text.split_whitespace() {
        if !kept.is_empty() {
            kept.push(' ');
        }
        // A word that is longer than a name is shown in pieces of which each is cleaned.
        let shown: Vec<char> = part.chars().collect();
        shown.chunks(WORD_PIECE).for_each(|piece| kept.push_str(&clean(&piece.iter().collect::<String>())));
        if kept.chars().count() > WORDS_MAX {
            return kept.chars().take(WORDS_MAX).chain(['…']).collect();
        }
    }
    kept
}

/// `clean` cuts a name after more than this.
const WORD_PIECE: usize = 50;

/// What the visitor is typing.
pub fn typing(language: Language, typing: &VisitorTypingView<'_>) -> String {
    match typing.text.as_deref().filter(|text| !text.is_empty()) {
        Some(text) => format!("{}: {} …", language.pick("typt", "types"), plain(text)),
        None if typing.typing => language.pick("typt …", "types …").to_owned(),
        None => language.pick("typt niet meer", "types no more").to_owned(),
    }
}

/// How far a chat is, in a word.
pub fn state(language: Language, state: ChatState) -> &'static str {
    let (nl, en) = match state {
        ChatState::Opened => ("geopend", "opened"),
        ChatState::Queued => ("wacht", "waiting"),
        ChatState::Offered => ("aangeboden", "offered"),
        ChatState::Connecting => ("wordt verbonden", "connecting"),
        ChatState::Active => ("in gesprek", "talking"),
        ChatState::Wrapping => ("beëindigd, af te ronden", "ended, to be wrapped up"),
        ChatState::Abandoned => ("opgegeven", "abandoned"),
        ChatState::Unserved => ("niet geholpen", "not served"),
        ChatState::Archived => ("gearchiveerd", "archived"),
        ChatState::Removed => ("verwijderd", "removed"),
    };
    language.pick(nl, en)
}

/// What stands on the button of an action.
pub fn action(language: Language, action: ChatActionName) -> &'static str {
    let (nl, en) = match action {
        ChatActionName::Accept => ("Aannemen", "Accept"),
        ChatActionName::Reject => ("Afwijzen", "Reject"),
        ChatActionName::Join => ("Deelnemen", "Join"),
        ChatActionName::Observe => ("Meekijken", "Watch"),
        ChatActionName::Say => ("Zeggen", "Say"),
        ChatActionName::SayPrivately => ("Fluisteren", "Whisper"),
        ChatActionName::Invite => ("Uitnodigen", "Invite"),
        ChatActionName::Withdraw => ("Uitnodiging intrekken", "Withdraw"),
        ChatActionName::Transfer => ("Overdragen", "Hand over"),
        ChatActionName::Leave => ("Verlaten", "Leave"),
        ChatActionName::SetFields => ("Gegevens", "Fields"),
        ChatActionName::End => ("Beëindigen", "End"),
        ChatActionName::Archive => ("Archiveren", "Archive"),
        ChatActionName::Remove => ("Verwijderen", "Remove"),
    };
    language.pick(nl, en)
}

/// A chat in one line: visitor, queue, how far, who takes part.
pub fn line(language: Language, chat: &ChatView<'_>) -> String {
    let there = chat.participants.iter().filter(|one| one.left_at.is_none());
    let names: Vec<_> = there
        .map(|one| {
            let role = match one.role {
                ChatRole::Owner => "*",
                _ => "",
            };
            format!("{}{role}", clean(&one.agent))
        })
        .collect();
    let mut text =
        format!("{} · {} · {}", visitor(language, chat), clean(&chat.queue), state(language, chat.state));
    if !names.is_empty() {
        text.push_str(" · ");
        text.push_str(&names.join(", "));
    }
    text
}

/// What a line says after the change, of a chat; empty of anything else.
pub(super) fn tail(language: Language, data: &EventData<'_>) -> String {
    let Some(("chat", what)) = data.change.split_once('.') else { return String::new() };
    if let Some(message) = &data.message {
        return format!(" {}", words(language, message));
    }
    let mut text = String::new();
    if let Some(offer) = &data.offer {
        text.push_str(&of_offer(language, offer));
    }
    let Some(chat) = &data.chat else {
        if let Some(left) = &data.offline_message {
            text.push_str(&format!(": {} ({})", clean(&left.name), clean(&left.queue)));
        }
        return text;
    };
    match what {
        "queued" | "opened" => text.push_str(&format!(" ({})", clean(&chat.queue))),
        "participant-joined" | "participant-left" | "active" | "transferred" => {
            let there = chat.participants.iter().filter(|one| one.left_at.is_none());
            let names: Vec<_> = there.map(|one| clean(&one.agent)).collect();
            text.push_str(&format!(": {}", names.join(", ")));
        }
        "ended" => {
            if let Some(ended) = &chat.ended {
                text.push_str(&format!(": {}", reason(language, ended.reason)));
            }
        }
        "rated" => {
            if let Some(rating) = &chat.rating {
                text.push_str(&format!(": {}/5", rating.stars));
            }
        }
        "archived" => {
            let (words, seen) = (chat.messages, chat.public_messages);
            let (nl, en) = (
                format!(": {words} berichten, {seen} daarvan zag de bezoeker"),
                format!(": {words} messages, {seen} of which the visitor saw"),
            );
            text.push_str(&language.pick(nl, en));
        }
        _ => {}
    }
    text
}

fn of_offer(language: Language, offer: &ChatOfferView<'_>) -> String {
    let whom = match &offer.invited {
        Some(InviteeView::Queue(queue)) => format!("{} ({})", clean(&offer.agent), clean(queue)),
        _ => clean(&offer.agent),
    };
    let why = offer.revoked.map(|why| {
        let (nl, en) = match why {
            RevokedBecause::ChatEnded => ("de chat is voorbij", "the chat is over"),
            RevokedBecause::AgentBusy => ("de telefoon ging over", "the telephone rang"),
            RevokedBecause::AgentGone => ("de medewerker is weg", "the agent is gone"),
            RevokedBecause::Taken => ("een ander was eerder", "another was quicker"),
            RevokedBecause::Withdrawn => ("ingetrokken", "withdrawn"),
        };
        format!(", {}", language.pick(nl, en))
    });
    format!(" → {whom}{}", why.unwrap_or_default())
}

fn reason(language: Language, reason: EndReason) -> &'static str {
    let (nl, en) = match reason {
        EndReason::Agent => ("door de medewerker", "by the agent"),
        EndReason::Visitor => ("door de bezoeker", "by the visitor"),
        EndReason::Inactivity => ("het bleef stil", "nothing was said"),
        EndReason::VisitorGone => ("de bezoeker is weg", "the visitor is gone"),
        EndReason::NotServed => ("niemand kon helpen", "nobody could help"),
        EndReason::Provider => ("door de chatserver", "by the chat server"),
    };
    language.pick(nl, en)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(audience: &str, text: &str) -> ChatMessageView<'static> {
        let id = "01990000-0000-7000-8000-00000000000a";
        let value = serde_json::json!({
            "audience": audience, "id": id, "chat": id, "seq": 1, "order": 1, "at": "2026-11-20T09:30:00.000Z",
            "author": {"kind": "agent", "agent": "bram", "nickname": "Bram"}, "text": text,
        });
        serde_json::from_value(value).unwrap()
    }

    #[test]
    fn w08_a_private_word_is_marked_in_both_languages_and_a_public_one_is_not() {
        let (word, public) = (message("agents", "lastig"), message("public", "dag"));
        assert_eq!(words(Language::Nl, &word), "[privé] Bram: \"lastig\"");
        assert_eq!(words(Language::En, &word), "[private] Bram: \"lastig\"");
        assert_eq!(words(Language::Nl, &public), "Bram: \"dag\"");
    }

    #[test]
    fn nobody_can_write_on_the_screen_nor_fill_it() {
        let text = words(Language::Nl, &message("public", "\u{1b}[2Ja\nb\u{202e}"));
        assert_eq!(text, "Bram: \"[2Ja b\"");
        let long = plain(&"x".repeat(10_000));
        assert_eq!(long.chars().count(), WORDS_MAX + 1);
    }

    #[test]
    fn o11_what_is_typed_is_shown_with_the_words_where_there_are_any() {
        let seen =
            |typing, text: Option<&'static str>| VisitorTypingView { typing, text: text.map(Into::into) };
        assert_eq!(super::typing(Language::Nl, &seen(true, Some("ik wil"))), "typt: ik wil …");
        assert_eq!(super::typing(Language::En, &seen(true, None)), "types …");
        assert_eq!(super::typing(Language::En, &seen(false, None)), "types no more");
    }
}
