//! What routes of chats share: files, transcripts as pages, streams, and the door for visitors' programs.

pub(crate) mod attachment;
pub(crate) mod door;
pub(crate) mod files;
pub(crate) mod stream;
pub(crate) mod transcript;
pub(crate) mod words;

use crate::problem::Failure;
use crate::state::ApiState;
use schakel_contract::problem::{ProblemKind, RefusalCause};
use schakel_core::model::chat::{Attachment, Chat};
use schakel_core::model::ids::{ChatId, FileId};
use schakel_engine::{EngineStopped, TypingError};
use schakel_journal::FileRow;
use std::collections::BTreeMap;
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

/// The files that a message names, of those of the chat that fit; what is not there is the contract's to say.
pub(crate) async fn files_of(
    app: &ApiState,
    chat: ChatId,
    ids: &[Uuid],
    fits: impl Fn(&FileRow) -> bool,
) -> Result<BTreeMap<FileId, Attachment>, Failure> {
    let mut found = BTreeMap::new();
    for id in ids {
        if let Some(row) = app.store.files().row(chat.0, id.as_u128()).await?.filter(&fits) {
            found.insert(FileId(row.file), files::attached(row));
        }
    }
    Ok(found)
}
