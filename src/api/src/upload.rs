//! Bodies. Files to import are larger than other bodies may be, and kept on the disk until they are read; a file of a
//! chat is held in memory, because its first and its last byte say what it is.

use crate::problem::Failure;
use crate::state::ApiState;
use axum::body::Body;
use bytes::Bytes;
use http::HeaderMap;
use http::header::CONTENT_TYPE;
use http_body_util::{BodyExt as _, LengthLimitError, Limited};
use schakel_contract::problem::{InputError, ProblemKind};
use schakel_register::Format;
use serde_json::{Value, json};
use std::time::Duration;
use tokio::fs::File;
use tokio::io::AsyncWriteExt as _;
use tokio::sync::OwnedSemaphorePermit;

/// Files at the same time: each takes as much disk as it is large.
pub(crate) const UPLOADS_MAX: usize = 2;

/// Files of chats at the same time: each takes as much memory as it is large.
pub(crate) const ATTACHMENTS_MAX: usize = 8;

/// A file that has arrived. It has no name, and is gone when this is.
pub(crate) struct Upload {
    pub format: Format,
    pub file: std::fs::File,
    // Held until it has been read.
    _permit: OwnedSemaphorePermit,
}

/// A body as a whole.
pub(crate) async fn whole(body: Body, most: usize, within: Duration) -> Result<Bytes, Failure> {
    match tokio::time::timeout(within, Limited::new(body, most).collect()).await {
        Ok(Ok(body)) => Ok(body.to_bytes()),
        Ok(Err(error)) if error.is::<LengthLimitError>() => {
            Err(Failure::new(ProblemKind::BodyTooLarge, format!("a body has at most {most} bytes")))
        }
        Ok(Err(_)) => {
            let broken = InputError::body("", "incomplete", "the body did not arrive as a whole");
            Err(Failure::invalid(vec![broken]))
        }
        Err(_) => Err(Failure::new(
            ProblemKind::RequestTimeout,
            format!("the body did not arrive within {} s", within.as_secs()),
        )),
    }
}

/// A file of a chat. The permit is held until the file is written.
pub(crate) async fn attachment(app: &ApiState, body: Body) -> Result<(Bytes, OwnedSemaphorePermit), Failure> {
    let permit = app.attachments.clone().try_acquire_owned().map_err(|_| {
        let detail = format!("{ATTACHMENTS_MAX} files are on their way now, which is the limit; try again");
        Failure::new(ProblemKind::Unavailable, detail)
    })?;
    let most = app.engine.read(|state| state.settings.chat.limits.file_bytes_max).await?;
    let most = usize::try_from(most).unwrap_or(usize::MAX);
    Ok((whole(body, most, app.settings.attachment_timeout).await?, permit))
}

/// What a file of a chat may be, for the document.
pub(crate) fn attachment_content() -> Value {
    json!({ "application/octet-stream": { "schema": { "type": "string", "format": "binary",
        "description": "The file as it is: text in UTF-8, PDF, PNG, JPEG, GIF or WebP. Its content says which; the media \
                        type of the request does not count." } } })
}

/// What a file may be, for the document.
pub(crate) fn content() -> Value {
    let text = json!({ "type": "string" });
    let rows = json!({ "type": "array", "items": { "type": "object" } });
    json!({
        "text/csv": { "schema": text },
        "application/x-ndjson": { "schema": text },
        "application/json": { "schema": rows },
    })
}

/// How a file is written, by its media type.
pub(crate) fn format_of(headers: &HeaderMap) -> Result<Format, Failure> {
    let media = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or("");
    Format::of_media_type(media.split(';').next().unwrap_or("").trim()).ok_or_else(|| {
        let detail = "a file is text/csv, application/x-ndjson or application/json; say so in Content-Type";
        Failure::new(ProblemKind::UnsupportedMediaType, detail)
    })
}

/// Keeps a body in a file without a name beside the register, where there is room for it and nobody else looks.
pub(crate) async fn receive(app: &ApiState, format: Format, body: Body) -> Result<Upload, Failure> {
    let permit = app.uploads.clone().try_acquire_owned().map_err(|_| {
        let detail =
            format!("{UPLOADS_MAX} files are being imported now, which is the limit; try again later");
        Failure::new(ProblemKind::Unavailable, detail)
    })?;
    match tokio::time::timeout(app.settings.import_timeout, keep(app, body)).await {
        Ok(kept) => Ok(Upload { format, file: kept?, _permit: permit }),
        Err(_) => {
            let detail =
                format!("the file did not arrive within {} s", app.settings.import_timeout.as_secs());
            Err(Failure::new(ProblemKind::RequestTimeout, detail))
        }
    }
}

async fn keep(app: &ApiState, mut body: Body) -> Result<std::fs::File, Failure> {
    let disk = |error: std::io::Error| {
        tracing::error!(%error, "a file to import could not be kept");
        Failure::new(ProblemKind::Unavailable, "the file cannot be kept now; the log of schakel says why")
    };
    let mut file = File::from_std(tempfile::tempfile_in(app.register.folder()).map_err(disk)?);
    let (most, mut length) = (app.settings.import_bytes_max, 0);
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|_| {
            let broken = InputError::body("", "incomplete", "the file did not arrive as a whole");
            Failure::invalid(vec![broken])
        })?;
        let Ok(data) = frame.into_data() else { continue };
        length += data.len() as u64;
        if length > most {
            let detail = format!("a file has at most {most} bytes (register.import_bytes_max)");
            return Err(Failure::new(ProblemKind::BodyTooLarge, detail));
        }
        file.write_all(&data).await.map_err(disk)?;
    }
    file.flush().await.map_err(disk)?;
    Ok(file.into_std().await)
}
