//! Every text of a person is marked in the schema, so that it can be withheld.

use schakel_contract::reply::VisitReply;
use schakel_contract::views::{
    AgentChatView, AgentChatsView, CannedTextView, ChatMessageView, ChatOverviewView, ChatQueueView,
    ChatView, InternalTranscriptView, MessageReceiptView, OfflineMessageView, PublicTranscriptView,
    QueueAvailabilityView, VisitTypingView, VisitorTypingView,
};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use utoipa::ToSchema;
use utoipa::openapi::{RefOr, Schema};

/// Text that tells nothing of a visitor, nor what anybody wrote.
const NOBODY: &[&str] = &[
    // Agents, by JKC's name of the user, and what visitors see them called: they are known by it to anybody who asks.
    "AgentChat.nickname",
    "AgentChats.agent",
    "AgentChats.nickname",
    "Author.agent",
    "Author.nickname",
    "ChatEnded.by",
    "ChatOffer.agent",
    "ChatOffer.invitedBy",
    "ChatParticipant.agent",
    "ChatParticipant.nickname",
    "ChatQueue.agents",
    "Invitee.agent",
    "VisitAgent.nickname",
    "VisitAuthor.nickname",
    "VisitTyping.nickname",
    // Names that the operator gave in the configuration, or JKC to its own things.
    "AgentChat.queues",
    "CannedText.id",
    "CannedText.language",
    "CannedText.queues",
    "CannedText.title",
    "Chat.provider",
    "Chat.queue",
    "ChatAvailability.name",
    "ChatAvailability.queue",
    "ChatFields.category",
    "ChatQueue.id",
    "ChatQueue.name",
    "ChoiceOption.id",
    "Chosen.option",
    "Invitee.queue",
    "MessageContent.canned",
    "OfflineMessage.queue",
    "Visit.queue",
    "Visit.queueName",
    "VisitorAttribute.name",
    "VisitorAttribute.verifiedBy",
    // The organisation's own words, and the contract's.
    "CannedText.text",
    "ChatAvailability.previewNotice",
    "ChatAvailability.text",
    "ChatQueueFact.en",
    "ChatQueueFact.nl",
    "ChatReason.en",
    "ChatReason.nl",
    "Visit.previewNotice",
    "Visit.text",
    "VisitReply.text",
    // Kinds and languages.
    "Attachment.mediaType",
    "OfflineMessage.language",
    "Visitor.language",
];

fn schemas() -> BTreeMap<String, Value> {
    fn add<T: ToSchema>(all: &mut Vec<(String, RefOr<Schema>)>) {
        all.push((T::name().into_owned(), T::schema()));
        T::schemas(all);
    }
    let mut all = Vec::new();
    add::<ChatView<'_>>(&mut all);
    add::<ChatMessageView<'_>>(&mut all);
    add::<InternalTranscriptView<'_>>(&mut all);
    add::<PublicTranscriptView<'_>>(&mut all);
    add::<VisitReply<'_>>(&mut all);
    add::<ChatOverviewView<'_>>(&mut all);
    add::<AgentChatsView<'_>>(&mut all);
    add::<AgentChatView<'_>>(&mut all);
    add::<ChatQueueView<'_>>(&mut all);
    add::<QueueAvailabilityView<'_>>(&mut all);
    add::<CannedTextView<'_>>(&mut all);
    add::<MessageReceiptView<'_>>(&mut all);
    add::<OfflineMessageView<'_>>(&mut all);
    add::<VisitorTypingView<'_>>(&mut all);
    add::<VisitTypingView<'_>>(&mut all);
    all.into_iter().map(|(name, schema)| (name, serde_json::to_value(schema).unwrap())).collect()
}

/// The properties that are any text, with whether they are marked.
fn texts(name: &str, schema: &Value, found: &mut Vec<(String, bool)>) {
    for (property, each) in schema["properties"].as_object().into_iter().flatten() {
        let of = if each["type"] == "array" { &each["items"] } else { each };
        let is_text = of["type"] == "string";
        let is_bound = ["enum", "format", "pattern"].iter().any(|keyword| of.get(*keyword).is_some());
        if is_text && !is_bound {
            found.push((format!("{name}.{property}"), each["x-personal"] == json!(true)));
        }
    }
    for keyword in ["allOf", "oneOf", "anyOf"] {
        schema[keyword].as_array().into_iter().flatten().for_each(|each| texts(name, each, found));
    }
}

#[test]
fn avg_each_text_of_a_chat_is_marked_or_is_nobodys() {
    let mut found = Vec::new();
    for (name, schema) in schemas() {
        texts(&name, &schema, &mut found);
    }
    let nobody: BTreeSet<&str> = NOBODY.iter().copied().collect();
    let wrong: Vec<_> =
        found.iter().filter(|(name, marked)| *marked == nobody.contains(name.as_str())).collect();
    assert!(wrong.is_empty(), "mark these with x-personal, or say above why they are nobody's: {wrong:?}");
    let names: BTreeSet<&str> = found.iter().map(|(name, _)| name.as_str()).collect();
    let gone: Vec<_> = nobody.difference(&names).collect();
    assert!(gone.is_empty(), "there are no such texts: {gone:?}");
    for name in ["MessageContent.text", "VisitMessage.text", "Visitor.nickname", "OfflineMessage.text"] {
        assert!(found.contains(&(name.to_owned(), true)), "{name} is not marked");
    }
}

#[test]
fn w08_no_schema_of_a_visitor_refers_to_what_only_agents_see() {
    let all = schemas();
    let hidden =
        ["InternalMessage", "ChatMessage", "MessageContent", "Author\"", "ChatParticipant", "Chat\""];
    let mut left: Vec<String> =
        ["VisitReply", "PublicTranscript", "VisitTyping", "ChatAvailability"].map(String::from).to_vec();
    let mut seen = BTreeSet::new();
    while let Some(name) = left.pop() {
        if !seen.insert(name.clone()) {
            continue;
        }
        let text = all[&name].to_string();
        for hidden in hidden {
            assert!(!text.contains(&format!("/schemas/{hidden}")), "{name} refers to {hidden}");
        }
        let refers = text.split("/schemas/").skip(1);
        left.extend(refers.filter_map(|rest| rest.split('"').next()).map(str::to_owned));
    }
    assert!(seen.contains("VisitMessage") && seen.contains("VisitReceipt"), "{seen:?}");
}
