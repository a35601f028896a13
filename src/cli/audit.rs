//! `schakel audit`: the audit log in a journal, of a daemon that runs or not; and the rows of the command line itself.

use super::{ConfigArgs, Failure};
use clap::{Args, Subcommand};
use schakel_contract::Timestamp;
use schakel_journal::{
    AuditEntry, AuditFilter, AuditHead, AuditRow, Reader, Store, audit_head, verify_audit,
};
use serde_json::json;
use std::path::PathBuf;
use std::time::{SystemTime, UNIX_EPOCH};

/// Rows that are read at once.
const PAGE: usize = 1_000;

/// What can be done with the audit log.
#[derive(Debug, Subcommand)]
pub enum AuditCommand {
    /// Check that no row was changed, taken away, put in or moved. Exit code 1 when one was.
    Verify(VerifyArgs),
    /// Print the number and the hash of the last row, to be kept elsewhere: `verify --head` compares with it.
    Head(FileArgs),
    /// Show rows, one a line.
    Show(RowsArgs),
    /// Write rows as JSON, one object a line.
    Export(RowsArgs),
}

/// Which journal.
#[derive(Debug, Args)]
pub struct FileArgs {
    #[command(flatten)]
    config: ConfigArgs,
    /// Another journal than that of the configuration, such as a backup.
    #[arg(long)]
    journal: Option<PathBuf>,
}

/// Arguments of `schakel audit verify`.
#[derive(Debug, Args)]
pub struct VerifyArgs {
    #[command(flatten)]
    file: FileArgs,
    /// What `schakel audit head` or the daemon's log said at some time, as <number>:<hash>.
    #[arg(long)]
    head: Option<String>,
}

/// Arguments of `schakel audit show` and `schakel audit export`.
#[derive(Debug, Args)]
pub struct RowsArgs {
    #[command(flatten)]
    file: FileArgs,
    /// By this access token (the part before the dot), or `cli`.
    #[arg(long)]
    token: Option<String>,
    /// This action, such as call.answer, or a family of them, such as call.
    #[arg(long)]
    action: Option<String>,
    /// This object, such as contacts/<id>, or what is under it.
    #[arg(long)]
    object: Option<String>,
    /// At or after this moment, such as 2026-11-20T09:00:00Z.
    #[arg(long)]
    from: Option<Timestamp>,
    /// Before this moment.
    #[arg(long)]
    to: Option<Timestamp>,
}

impl FileArgs {
    fn path(&self) -> Result<PathBuf, Failure> {
        match &self.journal {
            Some(path) => Ok(path.clone()),
            None => Ok(self.config.load()?.journal.path),
        }
    }
}

pub(super) fn run(command: &AuditCommand) -> Result<(), Failure> {
    match command {
        AuditCommand::Verify(args) => verify(args),
        AuditCommand::Head(args) => {
            println!("{}", audit_head(&args.path()?).map_err(Failure::failed)?.to_text());
            Ok(())
        }
        AuditCommand::Show(args) => rows(args, show),
        AuditCommand::Export(args) => rows(args, export),
    }
}

/// Writes that the command line changed something, into a journal that no daemon has. Blocks.
pub(super) fn record(store: &Store, action: &str, object: Option<String>) -> Result<(), Failure> {
    // Whoever became root is told by the name that he had.
    let user = ["SUDO_USER", "USER"].into_iter().find_map(|name| std::env::var(name).ok());
    let now = SystemTime::now().duration_since(UNIX_EPOCH).map_err(Failure::failed)?;
    let at_ms = i64::try_from(now.as_millis()).unwrap_or(i64::MAX);
    let entry = AuditEntry {
        at_ms,
        token: "cli".into(),
        name: user.map(|user| schakel_engine::identifier(&user).into_owned()),
        action: action.into(),
        object,
        result: "succeeded".into(),
        ..AuditEntry::default()
    };
    store.audit(vec![entry]).wait().map_err(Failure::failed)
}

fn verify(args: &VerifyArgs) -> Result<(), Failure> {
    let kept = match &args.head {
        None => None,
        Some(text) => Some(AuditHead::parse(text).ok_or_else(|| {
            Failure::Configuration(format!("--head {text}: expected <number>:<64 hexadecimal digits>"))
        })?),
    };
    let verdict = verify_audit(&args.file.path()?, kept).map_err(Failure::failed)?;
    if let Some(broken) = verdict.broken {
        return Err(Failure::Failed(format!(
            "The audit log is broken at row {}: {}. {} rows before it are as they were written.",
            broken.seq,
            broken.what,
            verdict.rows.saturating_sub(1)
        )));
    }
    println!(
        "{} rows, from {} to {}: none was changed, taken away, put in or moved.",
        verdict.rows, verdict.first, verdict.head.seq
    );
    println!("Head: {}", verdict.head.to_text());
    match kept {
        Some(kept) if !verdict.compared => {
            println!(
                "Row {} of the head that was kept is past its retention: nothing to compare with.",
                kept.seq
            );
        }
        Some(kept) => println!("Row {} has the hash that was kept.", kept.seq),
        None => println!(
            "Compare with a head that was kept elsewhere: schakel audit verify --head <number>:<hash>"
        ),
    }
    Ok(())
}

fn rows(args: &RowsArgs, write: fn(&AuditRow)) -> Result<(), Failure> {
    let reader = Reader::open(&args.file.path()?).map_err(Failure::failed)?;
    let millis = |at: Option<Timestamp>| at.map(|at| i64::try_from(at.as_millis()).unwrap_or(i64::MAX));
    let filter = AuditFilter {
        token: args.token.clone(),
        action: args.action.clone(),
        object: args.object.clone(),
        from_ms: millis(args.from),
        to_ms: millis(args.to),
    };
    let mut after = 0;
    loop {
        let (rows, next, more) = reader.audit(after, PAGE, &filter).map_err(Failure::failed)?;
        rows.iter().for_each(write);
        if !more {
            return Ok(());
        }
        after = next;
    }
}

fn show(row: &AuditRow) {
    let entry = &row.entry;
    let optional = |text: &Option<String>| text.clone().unwrap_or_else(|| "-".into());
    println!(
        "{}  {}  {}  {}  {}  {}  {}  {}",
        row.seq,
        at(row),
        if entry.token.is_empty() { "-" } else { &entry.token },
        optional(&entry.agent),
        entry.action,
        optional(&entry.object),
        entry.result,
        optional(&entry.from)
    );
}

fn export(row: &AuditRow) {
    let entry = &row.entry;
    let head = AuditHead { seq: row.seq, hash: row.hash }.to_text();
    println!(
        "{}",
        json!({
            "seq": row.seq, "at": at(row), "action": entry.action, "object": entry.object, "result": entry.result,
            "actor": { "token": entry.token, "name": entry.name, "agent": entry.agent }, "from": entry.from,
            "hash": head.split_once(':').map(|(_, hash)| hash),
        })
    );
}

fn at(row: &AuditRow) -> Timestamp {
    Timestamp::from_millis(u64::try_from(row.entry.at_ms).unwrap_or(0))
}
