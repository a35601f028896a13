//! Files of chats, kept and given out.

use super::attachment;
use crate::problem::Failure;
use crate::route::Answer;
use crate::state::ApiState;
use axum::response::IntoResponse as _;
use bytes::Bytes;
use http::HeaderValue;
use http::header::{CONTENT_DISPOSITION, CONTENT_SECURITY_POLICY, CONTENT_TYPE};
use schakel_contract::problem::{ProblemKind, RefusalCause};
use schakel_core::model::chat::{Attachment, Chat};
use schakel_core::model::ids::{ChatId, FileId};
use schakel_core::model::pii::Pii;
use schakel_journal::{FileRow, NewFile};
use serde_json::{Map, Value, json};
use uuid::Uuid;

/// Files that are kept of one chat, said or not.
const FILES_OF_A_CHAT_MAX: usize = 200;

/// The version of an id says whose file it is (RFC 9562): a visitor can say what he sent himself, and nothing else. Ids
/// are made here alone.
const OF_VISITORS: usize = 8;

/// Who sends a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Whose {
    /// An agent.
    Agents,
    /// The visitor.
    Visitors,
}

/// Whether a visitor sent it.
pub(crate) fn is_visitors(row: &FileRow) -> bool {
    Uuid::from_u128(row.file).get_version_num() == OF_VISITORS
}

fn new_id(whose: Whose) -> Uuid {
    let id = Uuid::now_v7();
    match whose {
        Whose::Agents => id,
        Whose::Visitors => Uuid::new_v8(id.into_bytes()),
    }
}

/// What files are given as, for the document.
pub(crate) fn content() -> Value {
    let file = json!({ "schema": { "type": "string", "format": "binary" } });
    let kinds = attachment::media_types().map(|media| (media.to_owned(), file.clone()));
    Value::Object(kinds.collect::<Map<_, _>>())
}

/// Keeps a file of a chat that goes on.
pub(crate) async fn keep(
    app: &ApiState,
    chat: &Chat,
    whose: Whose,
    disposition: Option<&str>,
    content: Bytes,
) -> Result<Attachment, Failure> {
    if !chat.state.is_live() {
        let detail = "files are sent while a chat goes on; this one has ended";
        return Err(Failure::new(ProblemKind::InvalidChatState, detail).cause(RefusalCause::InvalidChatState));
    }
    if content.is_empty() {
        return Err(not_taken("the file is empty".into()));
    }
    let media_type = attachment::media_type(&content)
        .ok_or_else(|| not_taken(format!("a file is {}; this is none of them", attachment::TAKEN)))?;
    let files = app.store.files();
    if files.of_chat(chat.id.0).await?.len() >= FILES_OF_A_CHAT_MAX {
        return Err(not_taken(format!("a chat has at most {FILES_OF_A_CHAT_MAX} files")));
    }
    let name = disposition.and_then(attachment::name_in).unwrap_or_default();
    let new = NewFile {
        file: new_id(whose).as_u128(),
        chat: chat.id.0,
        name: attachment::cleaned(&name, media_type),
        media_type: media_type.to_owned(),
        at_ms: crate::time::now_ms(),
        content,
    };
    Ok(attached(files.put(new).await?))
}

/// A file as a message has it.
pub(crate) fn attached(row: FileRow) -> Attachment {
    Attachment {
        id: FileId(row.file),
        name: Pii::new(row.name.into()),
        media_type: row.media_type.into(),
        size: row.size,
    }
}

pub(super) fn not_taken(detail: String) -> Failure {
    Failure::new(ProblemKind::InvalidContent, detail).cause(RefusalCause::InvalidContent)
}

/// A file to be saved: no browser shows it, or runs what may be in it.
pub(crate) async fn given(app: &ApiState, chat: ChatId, file: u128) -> Answer {
    let found = app.store.files().content(chat.0, file).await?;
    let (row, content) = found.ok_or_else(|| Failure::not_found("file"))?;
    let mut response = content.into_response();
    let headers = response.headers_mut();
    // What is kept was judged by its content; what is not one of ours is bytes.
    let media = HeaderValue::from_str(&row.media_type)
        .unwrap_or(HeaderValue::from_static("application/octet-stream"));
    headers.insert(CONTENT_TYPE, media);
    headers.insert(CONTENT_DISPOSITION, attachment::disposition(&row.name));
    let policy = HeaderValue::from_static("default-src 'none'; frame-ancestors 'none'; sandbox");
    headers.insert(CONTENT_SECURITY_POLICY, policy);
    Ok(response)
}
