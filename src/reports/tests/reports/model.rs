//! The second model: what a story comes to, said outright, and added up with nothing but filters and sums. It knows
//! nothing of facts, legs, causes or time zones.

use crate::house::Lane;
use crate::story::{Consulted, Story, Then};
use std::collections::BTreeMap;

/// What one story comes to.
#[derive(Debug, Clone, Default)]
pub struct Entry {
    /// In which hour of the day, counted from midnight as hours pass.
    pub hour: usize,
    pub queue: Option<String>,
    /// `answered`, `abandoned` …; `outbound`; `internal`.
    pub counts_as: &'static str,
    pub reconstructed: bool,
    /// Who had the customer and for how long, in seconds, and of that on hold; at telephones where JKC knew somebody.
    pub talks: Vec<(String, u64, u64)>,
    /// Completed: warm, department, by whom.
    pub transfers: Vec<(bool, Option<String>, Option<String>)>,
    /// By whom it was dialled in JKC.
    pub started_by: Option<String>,
    /// Who dialled at all.
    pub dialled_by: Option<String>,
}

/// What is expected of a group.
#[derive(Debug, Default, PartialEq)]
pub struct Sums {
    pub contacts: u64,
    pub reconstructed: u64,
    pub by_outcome: BTreeMap<&'static str, u64>,
    pub inbound: (u64, u64, u64),
    pub outbound: (u64, u64, u64),
    pub transferred: u64,
    pub transferred_outbound: u64,
    pub warm: u64,
    pub cold: u64,
    pub started: u64,
    pub departments: BTreeMap<Option<String>, u64>,
}

pub fn entry(story: &Story, lane: &Lane, hour: usize) -> Entry {
    let mut entry = Entry { hour, ..Entry::default() };
    let mut talk = |agent: &Option<String>, seconds: u64, held: u64| {
        if let Some(agent) = agent {
            entry.talks.push((agent.clone(), seconds, held));
        }
    };
    let [first, second] = &lane.agents;
    match story {
        Story::GivesUp { queue, wait, .. } => {
            entry.counts_as = if *wait < 5 { "shortAbandoned" } else { "abandoned" };
            entry.queue = queue.then(|| lane.queue.clone());
        }
        Story::Forwarded { .. } => entry.counts_as = "overflowed",
        Story::TakenElsewhere { .. } => entry.counts_as = "answeredElsewhere",
        Story::Busy { .. } => entry.counts_as = "notCompleted",
        Story::Dialled { jkc, talk: spoke, .. } => {
            if let Some(seconds) = spoke {
                talk(first, *seconds, 0);
            }
            entry.counts_as = "outbound";
            entry.dialled_by = first.clone();
            entry.started_by = first.clone().filter(|_| *jkc);
        }
        Story::Internal { jkc, .. } => {
            entry.counts_as = "internal";
            entry.dialled_by = first.clone();
            entry.started_by = first.clone().filter(|_| *jkc);
        }
        Story::Colleague { .. } => {
            entry.counts_as = "internal";
            entry.dialled_by = first.clone();
        }
        Story::Lost { answered, down, .. } => {
            if *answered {
                talk(first, *down, 0);
            }
            entry.counts_as = if *answered { "answered" } else { "unknown" };
            entry.reconstructed = true;
        }
        Story::Served { queue, talk: seconds, hold, then, .. } => {
            let held = hold.unwrap_or(0);
            let spoken = seconds + held;
            let mut transfer = None;
            match then {
                Then::Ends => talk(first, spoken, held),
                Then::Cold { department, talk: answered, .. } => {
                    talk(first, spoken, held);
                    if let Some(seconds) = answered {
                        talk(second, *seconds, 0);
                        transfer = Some((false, *department));
                    }
                }
                Then::Warm { department, by_hand, ring, consult, how, talk: after } => match how {
                    Consulted::TakesOver => {
                        talk(first, spoken + ring + consult, held + ring + consult);
                        talk(second, *after, 0);
                        transfer = Some((true, department.filter(|_| !by_hand)));
                    }
                    Consulted::TakenBack => {
                        talk(first, spoken + ring + consult + after, held + ring + consult);
                    }
                    Consulted::Busy => talk(first, spoken + ring + 1 + after, held + ring + 1),
                },
            }
            entry.counts_as = "answered";
            entry.queue = queue.then(|| lane.queue.clone());
            entry.transfers =
                transfer.map(|(warm, to)| (warm, to.map(str::to_owned), first.clone())).into_iter().collect();
        }
    }
    entry
}

impl Entry {
    /// Who had the customer, or dialled.
    pub fn agents(&self) -> Vec<String> {
        let mut agents: Vec<String> = self.talks.iter().map(|(agent, ..)| agent.clone()).collect();
        agents.extend(self.dialled_by.clone());
        agents.sort();
        agents.dedup();
        agents
    }

    /// As one agent sees it.
    pub fn of_agent(&self, agent: &str) -> Entry {
        Entry {
            talks: self.talks.iter().filter(|(name, ..)| name == agent).cloned().collect(),
            transfers: self
                .transfers
                .iter()
                .filter(|(.., by)| by.as_deref() == Some(agent))
                .cloned()
                .collect(),
            started_by: self.started_by.clone().filter(|by| by == agent),
            ..self.clone()
        }
    }

    /// As one department sees it.
    pub fn of_department(&self, department: &Option<String>) -> Entry {
        let mut entry = self.clone();
        entry.transfers.retain(|(_, to, _)| to == department);
        entry
    }
}

pub fn sums<'a>(entries: impl Iterator<Item = &'a Entry>) -> Sums {
    let mut sums = Sums::default();
    for entry in entries {
        sums.contacts += 1;
        sums.reconstructed += u64::from(entry.reconstructed);
        *sums.by_outcome.entry(entry.counts_as).or_default() += 1;
        let outbound = entry.counts_as == "outbound";
        if !entry.talks.is_empty() {
            let way = if outbound { &mut sums.outbound } else { &mut sums.inbound };
            way.0 += 1;
            way.1 += entry.talks.iter().map(|(_, seconds, _)| seconds).sum::<u64>();
            way.2 += entry.talks.iter().map(|(.., held)| held).sum::<u64>();
        }
        sums.transferred += u64::from(entry.counts_as == "answered" && !entry.transfers.is_empty());
        sums.transferred_outbound += u64::from(outbound && !entry.transfers.is_empty());
        for (warm, department, _) in &entry.transfers {
            *(if *warm { &mut sums.warm } else { &mut sums.cold }) += 1;
            *sums.departments.entry(department.clone()).or_default() += 1;
        }
        sums.started += u64::from(entry.started_by.is_some());
    }
    sums
}
