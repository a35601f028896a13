//! Reading files of rows: CSV, JSON lines, a JSON array. Every row is told with its line, and so is every mistake.

mod csv;
mod json;
mod rows;

pub use rows::NOT_RECOGNISABLE;
pub(crate) use rows::{CustomerRow, ENTRY_COLUMNS, entry_of};

use schakel_contract::views::ImportReportView;
use std::fs::File;
use std::io::{Seek as _, SeekFrom};

/// How a file is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// RFC 4180 in UTF-8, with a line of names; separated by commas, semicolons or tabs.
    Csv,
    /// One JSON object a line.
    JsonLines,
    /// A JSON array of objects. Read into memory as a whole.
    Json,
}

impl Format {
    /// The format of a media type, without its parameters.
    pub fn of_media_type(media: &str) -> Option<Self> {
        match media.to_ascii_lowercase().as_str() {
            "text/csv" => Some(Format::Csv),
            "application/x-ndjson" => Some(Format::JsonLines),
            "application/json" => Some(Format::Json),
            _ => None,
        }
    }
}

/// What becomes of what is there already.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// It stays; what the file names too is replaced.
    Merge,
    /// It goes.
    Replace,
}

/// What is asked of an import.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ImportOptions {
    /// How the file is written.
    pub format: Format,
    /// What becomes of what is there.
    pub mode: Mode,
    /// Only say what would be.
    pub dry_run: bool,
}

/// What came of an import.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Imported {
    /// Everything is stored.
    Done(ImportReportView),
    /// Nothing is stored, because something is wrong.
    Refused(Mistakes),
}

/// Everything that is wrong with a file.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Mistakes {
    /// The first [`MISTAKES_MAX`], in the order of their lines.
    pub told: Vec<Mistake>,
    /// How many there are; beyond [`MISTAKES_MAX`] the file is not read on, and there may be more.
    pub count: u64,
}

/// Mistakes that are told one by one; a file of a million rows can have a million.
pub const MISTAKES_MAX: usize = 1_000;

/// A mistake in a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mistake {
    /// The line, from 1.
    pub line: u64,
    /// The column or property, where it is about one.
    pub column: Option<&'static str>,
    /// What is wrong and how to mend it. Holds nothing of the row itself: it may be shown to who may not see names.
    pub text: String,
}

impl Mistakes {
    /// So much is wrong that reading on helps nobody, and keeps others waiting.
    pub(crate) const fn is_full(&self) -> bool {
        self.count > MISTAKES_MAX as u64
    }

    pub(crate) fn push(&mut self, line: u64, column: Option<&'static str>, text: impl Into<String>) {
        self.count += 1;
        if self.told.len() < MISTAKES_MAX {
            self.told.push(Mistake { line, column, text: text.into() });
        }
    }
}

/// A kind of file: its columns.
#[derive(Debug)]
pub(crate) struct Columns {
    /// The names; each with another that a Dutch spreadsheet may have.
    pub names: &'static [(&'static str, &'static str)],
    /// Which of them every file must have.
    pub required: &'static [&'static str],
}

impl Columns {
    /// Which column a heading names.
    fn find(&self, heading: &str) -> Option<usize> {
        let plain = |text: &str| -> String {
            text.chars().filter(|each| each.is_alphanumeric()).flat_map(char::to_lowercase).collect()
        };
        let heading = plain(heading);
        self.names.iter().position(|(name, dutch)| heading == plain(name) || heading == plain(dutch))
    }

    fn list(&self) -> String {
        self.names.iter().map(|(name, _)| *name).collect::<Vec<_>>().join(", ")
    }
}

/// A row: a value for each of [`Columns::names`], trimmed, none where it is empty or absent.
#[derive(Debug)]
pub(crate) struct Row<'a> {
    pub line: u64,
    pub values: &'a [Option<String>],
    pub columns: &'static Columns,
}

impl Row<'_> {
    pub(crate) fn get(&self, name: &'static str) -> Option<&str> {
        let at = self.columns.names.iter().position(|(column, _)| *column == name)?;
        self.values.get(at)?.as_deref()
    }
}

/// Reads all rows of a file from its beginning.
///
/// # Errors
/// When the disk fails. What is wrong with the file is in `mistakes`.
pub(crate) fn read(
    file: &mut File,
    format: Format,
    columns: &'static Columns,
    mistakes: &mut Mistakes,
    each: &mut dyn FnMut(&Row<'_>, &mut Mistakes),
) -> std::io::Result<()> {
    file.seek(SeekFrom::Start(0))?;
    match format {
        Format::Csv => csv::read(file, columns, mistakes, each),
        Format::JsonLines => json::read_lines(file, columns, mistakes, each),
        Format::Json => json::read_array(file, columns, mistakes, each),
    }
}
