//! What the directory and the recognition of numbers have in common: imports, and how the register fails.

use crate::ask::Ask;
use crate::problem::Failure;
use crate::reply::json_reply;
use crate::route::{Answer, Route};
use crate::upload::Upload;
use http::StatusCode;
use schakel_contract::problem::{InputError, ProblemKind};
use schakel_register::{ImportOptions, Imported, Mistakes, Mode, RegisterError};
use serde_json::json;

/// The parameters of an import.
pub(super) fn import(route: Route) -> Route {
    let mode = json!({ "type": "string", "enum": ["merge", "replace"], "default": "merge" });
    let dry_run = json!({ "type": "boolean", "default": false });
    route
        .takes_file()
        .gives::<schakel_contract::views::ImportReportView>()
        .query("mode", "merge: what is there stays, unless the file names it too. replace: it goes.", mode)
        .query("dryRun", "Say what would be, and store nothing.", dry_run)
        .fails(ProblemKind::Conflict)
}

/// The file of an import, and what is asked of it.
pub(super) fn asked(ask: &mut Ask) -> Result<(Upload, ImportOptions), Failure> {
    // The router does not call an import without its file.
    let upload =
        ask.upload.take().ok_or_else(|| Failure::new(ProblemKind::Internal, "the file is not there"))?;
    let mode = if ask.asked("mode") == Some("replace") { Mode::Replace } else { Mode::Merge };
    let options = ImportOptions { format: upload.format, mode, dry_run: ask.asked("dryRun") == Some("true") };
    Ok((upload, options))
}

/// What came of an import.
pub(super) fn report(ask: &Ask, what: &'static str, imported: Imported) -> Answer {
    match imported {
        Imported::Done(report) => {
            tracing::info!(
                by = ask.access.token.id,
                what,
                rows = report.rows,
                total = report.total,
                "a file was imported"
            );
            Ok(json_reply(StatusCode::OK, &report))
        }
        Imported::Refused(mistakes) => Err(Failure::invalid(errors(mistakes))),
    }
}

fn errors(mistakes: Mistakes) -> Vec<InputError> {
    let left = mistakes.count - mistakes.told.len() as u64;
    let last = mistakes.told.last().map_or(1, |mistake| mistake.line);
    let mut errors: Vec<InputError> = mistakes
        .told
        .into_iter()
        .map(|mistake| {
            let text = match mistake.column {
                Some(column) => format!("line {}: {column} {}", mistake.line, mistake.text),
                None => format!("line {}: {}", mistake.line, mistake.text),
            };
            InputError::line(mistake.line, mistake.column, "row", text)
        })
        .collect();
    if left > 0 {
        errors.push(InputError::line(last, None, "more", format!("and {left} more behind line {last}")));
    }
    errors
}

impl From<RegisterError> for Failure {
    fn from(error: RegisterError) -> Self {
        match error {
            RegisterError::VersionMismatch { .. } => {
                Self::new(ProblemKind::VersionMismatch, error.to_string())
            }
            RegisterError::TooMany { .. } => Self::new(ProblemKind::Conflict, error.to_string()),
            RegisterError::Busy | RegisterError::Closed | RegisterError::Full { .. } => {
                tracing::warn!(%error, "the register failed a request");
                Self::new(ProblemKind::Unavailable, "the register takes nothing now; try again in a moment")
            }
            _ => {
                tracing::error!(%error, "the register failed a request");
                Self::new(ProblemKind::Internal, "the register failed; the log of schakel says why")
            }
        }
    }
}
