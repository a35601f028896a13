//! Facts as the journal keeps them: one byte of format, then the fact.
//!
//! Facts are read for years, so this format is its own: raising the one of inputs and snapshots does not touch it. A
//! change of [`ContactFact`] gets the next number here, and the old one is read as well from then on.

use crate::recover::{self, RecoverError};
use schakel_core::effect::Effect;
use schakel_core::fact::ContactFact;
use schakel_core::model::ids::{ContactId, OrganisationId};
use schakel_core::state::State;
use schakel_journal::{self as journal, Reader};
use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::path::Path;

const FORMAT: u8 = 1;

/// A fact that this release cannot read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the fact of a contact cannot be read by this release: {0}; run the release that wrote it")]
pub struct FactError(String);

/// A fact as a row of the journal.
pub fn encode_fact(fact: &ContactFact) -> journal::Fact {
    journal::Fact {
        contact: fact.contact.0,
        received_ms: i64::try_from(fact.received.0).unwrap_or(i64::MAX),
        bytes: encode(fact).into(),
    }
}

/// A fact from its row.
///
/// # Errors
/// When it is of a format that this release does not know, or damaged.
pub fn decode_fact(bytes: &[u8]) -> Result<ContactFact, FactError> {
    match bytes.split_first() {
        Some((&FORMAT, rest)) => {
            postcard::from_bytes(rest).map_err(|error| FactError(format!("it is damaged ({error})")))
        }
        Some((other, _)) => Err(FactError(format!("it has format {other}, this release reads {FORMAT}"))),
        None => Err(FactError("it is empty".into())),
    }
}

/// Takes the agents out of a fact, for [`journal::Store::anonymise_facts`]; none where it cannot be read.
pub fn anonymise_fact(bytes: &[u8]) -> Option<Vec<u8>> {
    let mut fact = decode_fact(bytes).ok()?;
    fact.anonymise();
    Some(encode(&fact))
}

/// The state of a journal that somebody else may be writing: for who reads beside a daemon. Blocks.
///
/// # Errors
/// When the journal cannot be read.
pub fn state_in(path: &Path, organisation: &OrganisationId) -> Result<State, RecoverError> {
    let snapshot = Reader::open(path)?.snapshot()?;
    let mut state = match &snapshot {
        Some(snapshot) => recover::decode_snapshot(snapshot)?,
        None => State::new(organisation.clone()),
    };
    let after = snapshot.map_or(0, |snapshot| snapshot.seq);
    recover::replay(&mut state, Reader::open(path)?.inputs(after), |_| {})?;
    Ok(state)
}

/// What [`verify_facts`] found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verified {
    /// The input after which the replay began; 0 for the first of all.
    pub after: u64,
    /// Contacts that the replay saw end.
    pub facts: u64,
    /// Those of which the journal keeps something else, or nothing.
    pub wrong: Vec<ContactId>,
}

/// Makes the facts again from the journal's inputs, and compares them with those that it keeps: from the first input
/// where it is kept, else from the last snapshot on. For a journal that nobody writes. Blocks.
///
/// # Errors
/// When the journal cannot be read.
pub fn verify_facts(path: &Path, organisation: &OrganisationId) -> Result<Verified, RecoverError> {
    let reader = Reader::open(path)?;
    let (mut state, after) = match (reader.input(1)?, reader.snapshot()?) {
        (None, Some(snapshot)) => (recover::decode_snapshot(&snapshot)?, snapshot.seq),
        _ => (State::new(organisation.clone()), 0),
    };
    let mut made = BTreeMap::new();
    recover::replay(&mut state, Reader::open(path)?.inputs(after), |effect| {
        if let Effect::Fact(fact) = effect {
            made.insert(fact.contact, *fact);
        }
    })?;
    let facts = made.len() as u64;
    let mut wrong = Vec::new();
    reader.each_fact(i64::MIN..i64::MAX, None, |row| {
        let contact = ContactId(row.contact);
        if let Some(mut fact) = made.remove(&contact) {
            if row.anonymised {
                fact.anonymise();
            }
            if decode_fact(row.bytes).as_ref() != Ok(&fact) {
                wrong.push(contact);
            }
        }
        ControlFlow::Continue(())
    })?;
    wrong.extend(made.into_keys());
    Ok(Verified { after, facts, wrong })
}

#[expect(clippy::expect_used, reason = "postcard fails only on types without a length; ours have one")]
fn encode(fact: &ContactFact) -> Vec<u8> {
    postcard::to_extend(fact, vec![FORMAT]).expect("a fact is serialisable")
}
