//! What routes of chats share: files, transcripts as pages, streams, and the door for visitors' programs.

pub(crate) mod attachment;
pub(crate) mod door;
pub(crate) mod files;
pub(crate) mod stream;
pub(crate) mod transcript;
pub(crate) mod words;

use crate::problem::Failure;
use crate::state::ApiState;
use schakel_contract::problem::{InputError, ProblemKind, RefusalCause};
use schakel_core::model::chat::{Attachment, Chat, MessageRef};
use schakel_core::model::ids::{ChatId, MessageId};
use schakel_core::state::State;
use schakel_engine::{EngineStopped, TypingError};
use uuid::Uuid;
use words::AllWords;

/// A chat: as it is now, else its record.
pub(crate) async fn found(app: &ApiState, id: ChatId) -> Result<Chat, Failure> {
    match app.engine.read(move |state| state.chats.get(&id).cloned()).await? {
        Some(chat) => Ok(chat),
        None => AllWords::of(&app.store).record(id).await?.ok_or_else(unknown),
    }
}

/// No such chat.
pub(crate) fn unknown() -> Failure {
    let detail = "there is no such chat, or it is not kept any more";
    Failure::new(ProblemKind::UnknownChat, detail).cause(RefusalCause::UnknownChat)
}

/// What the state keeps of a message, after it was said.
pub(crate) async fn receipt_of(
    app: &ApiState,
    chat: ChatId,
    message: MessageId,
) -> Result<Option<MessageRef>, Failure> {
    let look = move |state: &State| state.chats.get(&chat)?.message(message).cloned();
    Ok(app.engine.read(look).await?)
}

/// Why typing was not passed on.
pub(crate) fn unpassed(error: TypingError) -> Failure {
    match error {
        TypingError::Stopped => Failure::from(EngineStopped),
        TypingError::UnknownChat => unknown(),
        TypingError::NotTakingPart => {
            let detail = "only who takes part in a chat types in it; join it first";
            Failure::new(ProblemKind::NotParticipant, detail).cause(RefusalCause::NotParticipant)
        }
    }
}

/// The files of a message, by their ids: of this chat, and of those that fit.
pub(crate) async fn files_of(
    app: &ApiState,
    chat: ChatId,
    ids: &[Uuid],
    fits: impl Fn(&schakel_journal::FileRow) -> bool,
) -> Result<Vec<Attachment>, Failure> {
    let (mut found, mut errors) = (Vec::new(), Vec::new());
    for (index, id) in ids.iter().enumerate() {
        match app.store.files().row(chat.0, id.as_u128()).await?.filter(&fits) {
            Some(row) => found.push(files::attached(row)),
            None => {
                let detail = "there is no such file of this chat; POST it first";
                errors.push(InputError::body(format!("/files/{index}"), "unknown", detail));
            }
        }
    }
    if errors.is_empty() { Ok(found) } else { Err(Failure::invalid(errors)) }
}
