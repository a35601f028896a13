//! JSON, an object a row.

use super::{Columns, Mistakes, Row};
use serde_json::value::RawValue;
use serde_json::{Map, Value};
use std::fs::File;
use std::io::{BufRead as _, BufReader, Read as _};

/// Rows are read in pieces of this size.
const BUFFER: usize = 256 * 1024;

/// What an UTF-8 file of some editors begins with.
const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// A longer line is no row of ours.
const LINE_MAX: u64 = 64 * 1024;

pub(super) fn read_lines(
    file: &mut File,
    columns: &'static Columns,
    mistakes: &mut Mistakes,
    each: &mut dyn FnMut(&Row<'_>, &mut Mistakes),
) -> std::io::Result<()> {
    let mut input = BufReader::with_capacity(BUFFER, file);
    let (mut text, mut number) = (Vec::new(), 0);
    while !mistakes.is_full() {
        text.clear();
        number += 1;
        if input.by_ref().take(LINE_MAX).read_until(b'\n', &mut text)? == 0 {
            return Ok(());
        }
        if text.len() as u64 == LINE_MAX && !text.ends_with(b"\n") {
            mistakes.push(number, None, format!("is longer than {LINE_MAX} bytes"));
            skip_line(&mut input)?;
            continue;
        }
        let row = text.strip_prefix(BYTE_ORDER_MARK).filter(|_| number == 1).unwrap_or(&text);
        if !row.trim_ascii().is_empty() {
            object(row, number, columns, mistakes, each);
        }
    }
    Ok(())
}

fn skip_line(input: &mut BufReader<&mut File>) -> std::io::Result<()> {
    loop {
        let buffer = input.fill_buf()?;
        let (length, end) = match buffer.iter().position(|byte| *byte == b'\n') {
            Some(at) => (at + 1, true),
            None => (buffer.len(), buffer.is_empty()),
        };
        input.consume(length);
        if end {
            return Ok(());
        }
    }
}

pub(super) fn read_array(
    file: &mut File,
    columns: &'static Columns,
    mistakes: &mut Mistakes,
    each: &mut dyn FnMut(&Row<'_>, &mut Mistakes),
) -> std::io::Result<()> {
    let mut bytes = Vec::new();
    file.read_to_end(&mut bytes)?;
    let bytes = bytes.strip_prefix(BYTE_ORDER_MARK).unwrap_or(&bytes);
    let Ok(text) = std::str::from_utf8(bytes) else {
        mistakes.push(1, None, "the file is not UTF-8");
        return Ok(());
    };
    let rows: Vec<&RawValue> = match serde_json::from_str(text) {
        Ok(rows) => rows,
        Err(error) => {
            let line = error.line().max(1) as u64;
            mistakes.push(line, None, format!("not a JSON array of objects: {}", what(&error)));
            return Ok(());
        }
    };
    let (mut line, mut counted) = (1, 0);
    for row in rows {
        if mistakes.is_full() {
            break;
        }
        // Each borrows from the text, so its place is its line.
        let at = (row.get().as_ptr() as usize).saturating_sub(text.as_ptr() as usize);
        line += text
            .as_bytes()
            .get(counted..at)
            .unwrap_or_default()
            .iter()
            .filter(|byte| **byte == b'\n')
            .count();
        counted = at;
        object(row.get().as_bytes(), line as u64, columns, mistakes, each);
    }
    Ok(())
}

fn object(
    text: &[u8],
    line: u64,
    columns: &'static Columns,
    mistakes: &mut Mistakes,
    each: &mut dyn FnMut(&Row<'_>, &mut Mistakes),
) {
    let object: Map<String, Value> = match serde_json::from_slice(text) {
        Ok(object) => object,
        Err(error) => return mistakes.push(line, None, format!("not a JSON object: {}", what(&error))),
    };
    let before = mistakes.count;
    let mut values = vec![None; columns.names.len()];
    for (name, value) in object {
        let found = columns.names.iter().position(|(column, _)| *column == name);
        let Some((room, (name, _))) =
            found.and_then(|at| Some((values.get_mut(at)?, columns.names.get(at)?)))
        else {
            let text = format!("a property has a name that is not known; known are {}", columns.list());
            mistakes.push(line, None, text);
            continue;
        };
        *room = match value {
            Value::Null => None,
            Value::String(text) => Some(text.trim().to_owned()).filter(|text| !text.is_empty()),
            Value::Bool(_) | Value::Number(_) => Some(value.to_string()),
            Value::Array(_) | Value::Object(_) => {
                mistakes.push(line, Some(name), "is to be a text");
                None
            }
        };
    }
    if mistakes.count == before {
        each(&Row { line, values: &values, columns }, mistakes);
    }
}

/// What serde says without the place: the line is told beside it, and the column of a row that is one line says little.
/// It names types and characters, never a value.
fn what(error: &serde_json::Error) -> &'static str {
    match error.classify() {
        serde_json::error::Category::Eof => "it ends too early",
        serde_json::error::Category::Data => "something else is there",
        serde_json::error::Category::Syntax | serde_json::error::Category::Io => "it is not JSON",
    }
}
