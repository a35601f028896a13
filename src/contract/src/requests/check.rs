//! What every text of a request is held to, beside its schema.

use crate::problem::InputError;

/// The longest text that a schema takes; the limits of chats are smaller.
const TEXT_MAX: usize = 16_384;

/// One line: not empty, no control characters, at most so many characters.
pub(super) fn line(value: &str, pointer: &str, most: usize, errors: &mut Vec<InputError>) {
    if value.trim().is_empty() {
        errors.push(InputError::body(pointer, "required", "may not be empty"));
    } else if value.chars().count() > most {
        errors.push(InputError::body(pointer, "maxLength", format!("at most {most} characters")));
    } else if value.chars().any(char::is_control) {
        errors.push(InputError::body(pointer, "pattern", "without control characters"));
    }
}

/// One line, where there is one.
pub(super) fn line_opt(value: Option<&str>, pointer: &str, most: usize, errors: &mut Vec<InputError>) {
    if let Some(value) = value {
        line(value, pointer, most, errors);
    }
}

/// What somebody writes: may be empty; no control characters but the line feed and the tab.
pub(super) fn text(value: &str, pointer: &str, errors: &mut Vec<InputError>) {
    if value.chars().count() > TEXT_MAX {
        errors.push(InputError::body(pointer, "maxLength", format!("at most {TEXT_MAX} characters")));
    } else if value.chars().any(|each| each.is_control() && !matches!(each, '\n' | '\t')) {
        let detail = "without control characters other than line feed and tab";
        errors.push(InputError::body(pointer, "pattern", detail));
    }
}
