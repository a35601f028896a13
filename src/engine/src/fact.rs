//! Facts as the journal keeps them: one byte of format, then the fact.
//!
//! Facts are read for years, so this format is its own: raising the one of inputs and snapshots does not touch it. A
//! change of [`ContactFact`] gets the next number here, and the old one is read as well from then on.

use crate::recover::{self, RecoverError};
use schakel_core::effect::Effect;
use schakel_core::fact::ContactFact;
use schakel_core::input::InputBody;
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
/// on, where all are kept as they were; else (some were pruned, or a customer was erased) from the last snapshot on. For a journal that nobody writes. Blocks.
///
/// # Errors
/// When the journal cannot be read.
pub fn verify_facts(path: &Path, organisation: &OrganisationId) -> Result<Verified, RecoverError> {
    let reader = Reader::open(path)?;
    let (mut state, after) = match reader.snapshot()? {
        Some(snapshot) if !is_whole(path, &reader, snapshot.seq)? => {
            (recover::decode_snapshot(&snapshot)?, snapshot.seq)
        }
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

/// Whether all inputs up to a snapshot are kept as they were.
fn is_whole(path: &Path, reader: &Reader, last: u64) -> Result<bool, RecoverError> {
    if reader.input(1)?.is_none() {
        return Ok(false);
    }
    for row in Reader::open(path)?.inputs(0) {
        let row = row?;
        if row.seq > last {
            break;
        }
        let input = recover::decode_input(&row.bytes);
        if input.is_none_or(|input| input.body == InputBody::Erased) {
            return Ok(false);
        }
    }
    Ok(true)
}

#[expect(clippy::expect_used, reason = "postcard fails only on types without a length; ours have one")]
fn encode(fact: &ContactFact) -> Vec<u8> {
    postcard::to_extend(fact, vec![FORMAT]).expect("a fact is serialisable")
}

#[cfg(test)]
mod tests {
    use super::*;
    use schakel_core::model::call::Direction;
    use schakel_core::model::cause::Cause;
    use schakel_core::model::device::DeviceKind;
    use schakel_core::model::time::{Millis, Time};

    fn fact() -> ContactFact {
        let leg = schakel_core::fact::LegFact {
            device: "2001".into(),
            kind: DeviceKind::Station,
            dialled: false,
            agent: Some("jansen".into()),
            through_jkc: true,
            arrived: Time(1_000),
            answered: Some(Time(2_000)),
            left: Time(9_000),
            held: Millis(0),
            cause: Cause::NormalClearing,
        };
        ContactFact {
            contact: ContactId(7),
            provider: "pbx".into(),
            direction: Direction::Inbound,
            received: Time(1_000),
            ended: Time(9_000),
            dialled: None,
            queue: None,
            caller_digits: Some(10),
            from_jkc: false,
            legs: vec![leg],
            transfers: vec![],
            away: false,
            failed: Some(Cause::Busy),
            cause: Cause::NormalClearing,
            merged: None,
            reconstructed: false,
        }
    }

    #[test]
    fn a_fact_comes_back_and_anonymised_without_its_agent() {
        let row = encode_fact(&fact());
        assert_eq!((row.contact, row.received_ms), (7, 1_000));
        assert_eq!(decode_fact(&row.bytes), Ok(fact()));
        let mut nobody = fact();
        nobody.anonymise();
        assert_eq!(decode_fact(&anonymise_fact(&row.bytes).unwrap()), Ok(nobody));
    }

    #[test]
    fn what_is_no_fact_is_told() {
        let row = encode_fact(&fact());
        for (bytes, words) in [
            (&b""[..], "it is empty"),
            (&[99, 1, 2][..], "it has format 99"),
            (&row.bytes[..row.bytes.len() - 3], "it is damaged"),
        ] {
            let error = decode_fact(bytes).unwrap_err().to_string();
            assert!(error.contains(words), "{error}");
            assert_eq!(anonymise_fact(bytes), None);
        }
    }
}
