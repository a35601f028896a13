//! Colleagues and departments in memory: found by id, by number, by user, and by words.
//!
//! It is made anew at every change and then never changes: who reads it holds a picture, and nobody waits.

mod fold;
mod search;

use crate::number::{Normalised, NumberPlan};
use schakel_contract::E164;
use schakel_contract::views::{DirectoryEntryView, EntryKind};
use std::collections::HashMap;

/// What an entry is found by when a call comes from it or goes to it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Key {
    /// A number of the public plan.
    Whole(E164),
    /// An extension, or what else is dialled.
    Dialled(String),
}

/// The directory as it is at one moment.
#[derive(Debug, Default)]
pub struct Directory {
    /// By id.
    entries: Vec<DirectoryEntryView>,
    by_agent: HashMap<String, u32>,
    by_number: HashMap<Key, Vec<u32>>,
    words: search::Words,
}

impl Directory {
    /// A directory of these entries, whose ids differ.
    pub(crate) fn new(mut entries: Vec<DirectoryEntryView>, plan: &NumberPlan) -> Self {
        entries.sort_by(|one, other| one.id.cmp(&other.id));
        let mut by_agent = HashMap::new();
        let mut by_number: HashMap<Key, Vec<u32>> = HashMap::new();
        for (at, entry) in entries.iter().enumerate() {
            let at = at as u32;
            if let Some(agent) = &entry.agent {
                by_agent.entry(agent.clone()).or_insert(at);
            }
            for key in keys(&plan.normalise(&entry.number), &entry.number) {
                by_number.entry(key).or_default().push(at);
            }
        }
        let words = search::Words::new(&entries, plan);
        Self { entries, by_agent, by_number, words }
    }

    /// The same entries by another numbering plan.
    pub(crate) fn by_plan(&self, plan: &NumberPlan) -> Self {
        Self::new(self.entries.clone(), plan)
    }

    /// An entry by its id.
    pub fn get(&self, id: &str) -> Option<&DirectoryEntryView> {
        self.entries
            .binary_search_by(|entry| entry.id.as_str().cmp(id))
            .ok()
            .and_then(|at| self.entries.get(at))
    }

    /// All of them, by id, from behind this one.
    pub fn after(&self, id: Option<&str>) -> &[DirectoryEntryView] {
        let at = id.map_or(0, |id| self.entries.partition_point(|entry| entry.id.as_str() <= id));
        self.entries.get(at..).unwrap_or_default()
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// The entries with a number or an extension, by id.
    pub fn of_number(&self, number: &Normalised<'_>) -> impl Iterator<Item = &DirectoryEntryView> {
        let found = if self.is_empty() {
            None
        } else {
            keys(number, number.raw).into_iter().find_map(|key| self.by_number.get(&key))
        };
        found.into_iter().flatten().filter_map(|at| self.entries.get(*at as usize))
    }

    /// The entry that names a user of JKC.
    pub fn of_agent(&self, agent: &str) -> Option<&DirectoryEntryView> {
        self.by_agent.get(agent).and_then(|at| self.entries.get(*at as usize))
    }

    /// The entries that have a word for each word of the text, the best first.
    ///
    /// A word of the text is the beginning of a word of the name, the department or the function, or the first digits
    /// of the number. Accents, capitals, the order of words and `van der` written as `v.d.` make no difference.
    pub fn search(&self, text: &str, kind: Option<EntryKind>, limit: usize) -> Vec<&DirectoryEntryView> {
        self.words.search(&self.entries, text, kind, limit)
    }
}

/// The department that somebody chose who called this entry (T24).
pub fn department_of(entry: &DirectoryEntryView) -> Option<&str> {
    match entry.kind {
        EntryKind::Department => Some(&entry.name),
        EntryKind::Person => entry.department.as_deref(),
    }
}

/// What is dialled to reach an entry: an extension, an outside line and a whole number, or what is written there.
pub fn dialled(plan: &NumberPlan, number: &str) -> String {
    let known = plan.normalise(number);
    match (known.extension, known.e164) {
        (Some(extension), _) => extension.as_str().to_owned(),
        (None, Some(e164)) => plan.dial(e164),
        (None, None) => dial_string(number),
    }
}

/// A number that is written for people, without what is there for people.
pub fn dial_string(number: &str) -> String {
    number.chars().filter(|each| each.is_ascii_alphanumeric() || matches!(each, '+' | '*' | '#')).collect()
}

fn keys(number: &Normalised<'_>, written: &str) -> Vec<Key> {
    let mut keys: Vec<Key> = number.e164.map(Key::Whole).into_iter().collect();
    match number.extension {
        Some(extension) => keys.push(Key::Dialled(extension.as_str().to_owned())),
        None if number.e164.is_none() => keys.push(Key::Dialled(dial_string(written))),
        None => {}
    }
    keys
}
