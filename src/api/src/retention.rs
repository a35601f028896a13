//! Taking numbers and names out of what is old: what happened stays for as long as notifications are kept, and who the
//! customers were does not.

use crate::problem::Failure;
use crate::state::ApiState;
use bytes::Bytes;
use schakel_engine::erased_input;
use schakel_journal::{Reader, Rewrite, StoreError};
use serde::{Deserialize, Serialize};

/// The journal's table, and the one record in it: how far this was done.
const TABLE: &str = "withheld";
const DONE: &str = "done";

/// Rows in one step, so that no commit waits long for them.
const STEP: usize = 50;

/// How far it was done: the rows until and with these are without numbers and names.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Done {
    notification: u64,
    input: u64,
}

/// Takes numbers and names out of all notifications and inputs that were recorded before a moment; how many were
/// changed. It goes on where it was.
pub(crate) async fn withhold_before(app: &ApiState, before_ms: i64) -> Result<u64, Failure> {
    let known = app.store.read(|reader| reader.record(TABLE, DONE)).await?;
    let mut done: Done = known.and_then(|json| serde_json::from_str(&json).ok()).unwrap_or_default();
    let mut changed = 0;
    loop {
        let from = done;
        let shared = app.clone();
        let step = app.store.read(move |reader| next(&shared, reader, from, before_ms)).await?;
        if step.done == done {
            return Ok(changed);
        }
        changed += app.store.rewrite(step.rewrite).await? as u64;
        done = step.done;
        // Lost in a crash, it is done once more: what has no number in it is not changed again.
        let json = serde_json::to_string(&done).unwrap_or_default();
        app.store.put_record(TABLE, DONE, &json).await?;
    }
}

struct Step {
    rewrite: Rewrite,
    done: Done,
}

fn next(app: &ApiState, reader: &Reader, mut done: Done, before_ms: i64) -> Result<Step, StoreError> {
    let mut rewrite = Rewrite::default();
    for row in reader.notifications(done.notification, STEP, |_| true)?.rows {
        if row.at_ms >= before_ms {
            break;
        }
        done.notification = row.seq;
        let withheld = app.persons.withhold_event(&row.payload);
        if withheld != row.payload {
            rewrite.notifications.push((row.seq, withheld.into()));
        }
    }
    // Those that no snapshot has yet are needed to start from.
    let last = reader.snapshot_seq()?.unwrap_or(0);
    for row in reader.inputs_between(done.input, last, STEP)? {
        if row.at_ms >= before_ms {
            break;
        }
        done.input = row.seq;
        let erased = erased_input(&row.bytes).unwrap_or_else(|| Bytes::from_static(b""));
        if erased != row.bytes {
            rewrite.inputs.push((row.seq, erased));
        }
    }
    Ok(Step { rewrite, done })
}
