//! From the journal back to the state: the last snapshot, and the inputs after it.

use bytes::Bytes;
use schakel_core::apply::apply;
use schakel_core::command::Command;
use schakel_core::effect::Effect;
use schakel_core::input::{Input, InputBody};
use schakel_core::model::ids::OrganisationId;
use schakel_core::model::time::Time;
use schakel_core::state::State;
use schakel_journal as journal;

/// The encoding of inputs and snapshots; one more with every change of a core type that is stored.
const FORMAT: u8 = 3;

/// The journal could not be read back.
#[derive(Debug, thiserror::Error)]
pub enum RecoverError {
    /// The store failed.
    #[error(transparent)]
    Store(#[from] journal::StoreError),
    /// An input is not readable by this release.
    #[error(
        "input {seq} of the journal cannot be read by this release: {detail}; \
         run the release that wrote it, or move the journal away and start with an empty one \
         (live calls come back from the telephone system, undelivered webhooks do not)"
    )]
    Input {
        /// Its number.
        seq: u64,
        /// What is wrong with it.
        detail: String,
    },
}

/// What came back.
pub(crate) struct Recovered {
    pub(crate) state: State,
    pub(crate) input_seq: u64,
    pub(crate) notification_seq: u64,
    pub(crate) snapshot_seq: u64,
    pub(crate) last_time: Time,
}

/// Reads the last snapshot and applies the inputs after it. Effects are dropped: what they made is in the journal too.
pub(crate) fn recover(
    recovery: journal::Recovery,
    organisation: &OrganisationId,
) -> Result<Recovered, RecoverError> {
    let mut snapshot_seq = 0;
    let mut state = State::new(organisation.clone());
    if let Some(snapshot) = &recovery.snapshot {
        state = decode_snapshot(snapshot)?;
        snapshot_seq = snapshot.seq;
    }
    let (input_seq, notification_seq) = (recovery.last_input, recovery.last_notification);
    let last_time = replay(&mut state, recovery.inputs, |_| {})?;
    Ok(Recovered { state, input_seq, notification_seq, snapshot_seq, last_time })
}

/// Applies inputs to a state, and gives each effect to `take`. Gives the time of the last input.
pub(crate) fn replay(
    state: &mut State,
    inputs: journal::Inputs,
    mut take: impl FnMut(Effect),
) -> Result<Time, RecoverError> {
    let mut last_time = Time::default();
    let mut effects = Vec::new();
    for row in inputs {
        let row = row?;
        let input: Input =
            decode(&row.bytes).map_err(|detail| RecoverError::Input { seq: row.seq, detail })?;
        last_time = input.at;
        apply(state, &input, &mut effects);
        effects.drain(..).for_each(&mut take);
    }
    Ok(last_time)
}

/// The state that a snapshot has.
pub(crate) fn decode_snapshot(snapshot: &journal::Snapshot) -> Result<State, RecoverError> {
    decode(&snapshot.bytes).map_err(|detail| RecoverError::Input { seq: snapshot.seq, detail })
}

/// An input as the journal keeps it.
///
/// `room` is what it is written in first; what was in it is gone.
pub(crate) fn encode_input(input: &Input, room: &mut Vec<u8>) -> Bytes {
    let mut written = std::mem::take(room);
    written.clear();
    *room = encode(input, written);
    Bytes::copy_from_slice(room)
}

/// What stands in the place of an input whose content was erased: when it was stays, and what is left is its place.
/// None where this release cannot read it.
pub fn erased_input(bytes: &[u8]) -> Option<Bytes> {
    let input = decode_input(bytes)?;
    let erased = Input { at: input.at, seed: 0, body: InputBody::Erased };
    Some(encode(&erased, Vec::new()).into())
}

/// Whether an input is a command of JKC that has this reference of a customer.
pub fn names_customer(bytes: &[u8], reference: &str) -> bool {
    let Some(Input { body: InputBody::Command { command, .. }, .. }) = decode_input(bytes) else {
        return false;
    };
    let (Command::OpenSession { reference: named, .. } | Command::Dial { reference: named, .. }) = &command
    else {
        return false;
    };
    named.as_deref() == Some(reference)
}

/// An input as it was journalled; none where this release cannot read it.
pub(crate) fn decode_input(bytes: &[u8]) -> Option<Input> {
    decode(bytes).ok()
}

/// A state as the journal keeps it.
pub(crate) fn encode_snapshot(state: &State) -> Bytes {
    encode(state, Vec::new()).into()
}

#[expect(
    clippy::expect_used,
    reason = "postcard fails only on types without a length; ours have one (tested below)"
)]
fn encode<T: serde::Serialize>(value: &T, mut room: Vec<u8>) -> Vec<u8> {
    room.push(FORMAT);
    postcard::to_extend(value, room).expect("core types are serialisable")
}

fn decode<T: serde::de::DeserializeOwned>(bytes: &[u8]) -> Result<T, String> {
    match bytes.split_first() {
        Some((&FORMAT, rest)) => postcard::from_bytes(rest).map_err(|error| error.to_string()),
        Some((other, _)) => Err(format!("it has format {other}, this release reads {FORMAT}")),
        None => Err("it is empty".into()),
    }
}
