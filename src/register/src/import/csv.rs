//! CSV as spreadsheets write it.

use super::{Columns, Mistakes, Row};
use csv::{ErrorKind, ReaderBuilder, StringRecord};
use std::cell::Cell;
use std::fs::File;
use std::io::{BufRead as _, BufReader, Read};

/// Rows are read in pieces of this size.
const BUFFER: usize = 256 * 1024;

/// A longer row is none of ours: a quotation mark is not closed, or it is another kind of file.
const ROW_MAX: usize = 64 * 1024;

/// What an UTF-8 file of a spreadsheet begins with.
const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

pub(super) fn read(
    file: &mut File,
    columns: &'static Columns,
    mistakes: &mut Mistakes,
    each: &mut dyn FnMut(&Row<'_>, &mut Mistakes),
) -> std::io::Result<()> {
    let mut input = BufReader::with_capacity(BUFFER, file);
    let beginning = input.fill_buf()?;
    let delimiter = delimiter_of(beginning);
    if beginning.starts_with(BYTE_ORDER_MARK) {
        input.consume(BYTE_ORDER_MARK.len());
    }
    // Rows of another length are told with their line, and do not end the reading.
    let left = Cell::new(ROW_MAX);
    let input = Bounded { input, left: &left };
    let mut reader =
        ReaderBuilder::new().has_headers(false).flexible(true).delimiter(delimiter).from_reader(input);
    let mut record = StringRecord::new();
    let mut places: Option<Vec<Option<usize>>> = None;
    while !mistakes.is_full() {
        let line = reader.position().line();
        left.set(ROW_MAX);
        match reader.read_record(&mut record) {
            Ok(false) => break,
            Ok(true) => {}
            Err(error) => match error.into_kind() {
                ErrorKind::Io(_) if left.get() == 0 => {
                    let text = format!("is longer than {ROW_MAX} bytes; is a quotation mark not closed?");
                    mistakes.push(line, None, text);
                    break;
                }
                ErrorKind::Io(error) => return Err(error),
                ErrorKind::Utf8 { pos, .. } => {
                    let line = pos.map_or(line, |pos| pos.line());
                    mistakes.push(line, None, "is not UTF-8; save the file as \"CSV UTF-8\"");
                    continue;
                }
                _ => {
                    mistakes.push(line, None, "is not CSV");
                    break;
                }
            },
        }
        let line = record.position().map_or(line, |pos| pos.line());
        match &places {
            None => places = Some(heading(&record, line, columns, mistakes)),
            Some(places) => row(&record, line, places, columns, mistakes, each),
        }
    }
    if places.is_none() && mistakes.count == 0 {
        mistakes.push(
            1,
            None,
            format!("the file is empty; its first line names the columns: {}", columns.list()),
        );
    }
    Ok(())
}

/// A file of which no row may take more memory than a row is worth.
struct Bounded<'a, R> {
    input: R,
    /// What may still be read for the row that is being read.
    left: &'a Cell<usize>,
}

impl<R: Read> Read for Bounded<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let read = self.input.read(buffer)?;
        self.left.set(self.left.get().saturating_sub(read));
        if read > 0 && self.left.get() == 0 {
            return Err(std::io::ErrorKind::InvalidData.into());
        }
        Ok(read)
    }
}

/// Which column stands where.
fn heading(
    record: &StringRecord,
    line: u64,
    columns: &Columns,
    mistakes: &mut Mistakes,
) -> Vec<Option<usize>> {
    let mut places = Vec::new();
    for name in record {
        let found = columns.find(name);
        if found.is_none() {
            mistakes.push(
                line,
                None,
                format!("a column has a name that is not known; known are {}", columns.list()),
            );
        } else if places.contains(&found) {
            mistakes.push(line, None, format!("the column {} is there twice", name_of(columns, found)));
        }
        places.push(found);
    }
    for name in columns.required {
        let at = columns.names.iter().position(|(column, _)| column == name);
        if !places.contains(&at) {
            mistakes.push(line, None, format!("the column {name} is missing"));
        }
    }
    places
}

fn name_of(columns: &Columns, at: Option<usize>) -> &'static str {
    at.and_then(|at| columns.names.get(at)).map_or("", |(name, _)| name)
}

fn row(
    record: &StringRecord,
    line: u64,
    places: &[Option<usize>],
    columns: &'static Columns,
    mistakes: &mut Mistakes,
    each: &mut dyn FnMut(&Row<'_>, &mut Mistakes),
) {
    // An empty line at the end of a file, or one that a spreadsheet makes of empty cells.
    if record.iter().all(|value| value.trim().is_empty()) {
        return;
    }
    if record.len() != places.len() {
        let text = format!("has {} fields where the first line has {}", record.len(), places.len());
        return mistakes.push(line, None, text);
    }
    let mut values = vec![None; columns.names.len()];
    for (value, place) in record.iter().zip(places) {
        if let Some(room) = place.and_then(|place| values.get_mut(place)) {
            *room = Some(value.trim()).filter(|value| !value.is_empty()).map(str::to_owned);
        }
    }
    each(&Row { line, values: &values, columns }, mistakes);
}

/// What separates the names of the first line. Spreadsheets that speak Dutch write semicolons.
fn delimiter_of(beginning: &[u8]) -> u8 {
    let line = beginning.split(|byte| *byte == b'\n').next().unwrap_or_default();
    let count = |delimiter: u8| line.iter().filter(|byte| **byte == delimiter).count();
    [b',', b';', b'\t'].into_iter().rev().max_by_key(|delimiter| count(*delimiter)).unwrap_or(b',')
}
