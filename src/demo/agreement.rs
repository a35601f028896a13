//! Whether the PBX and schakel say the same of every telephone and queue.

use super::stage::Stage;
use super::teller::Untrue;
use schakel_contract::views::{ConnectionState, SnapshotView};
use schakel_simulator::switch::{LocalState, SwitchState};
use std::collections::BTreeMap;
use std::time::Duration;

/// What the PBX did a moment ago is on its way over three connections.
const SETTLE: Duration = Duration::from_secs(5);

/// The states of the connections of each device, in order.
type States = BTreeMap<String, Vec<ConnectionState>>;

/// Waits until schakel's snapshot says of every telephone what the PBX says.
///
/// # Errors
/// When it does not come to that, with both.
pub(super) async fn agree(stage: &Stage) -> Result<(), Untrue> {
    let mut changes = stage.jkc.changes();
    let settled = tokio::time::timeout(SETTLE, async {
        loop {
            changes.mark_unchanged();
            let ours: SnapshotView<'static> = stage.api.get(&["snapshot"]).await?;
            let (theirs, ours) = (of_switch(&stage.simulator.state().switch), of_snapshot(&ours));
            if theirs == ours {
                return Ok::<_, Untrue>(());
            }
            // Another change will come, or the limit below.
            if changes.changed().await.is_err() {
                return Err(Untrue::Statement(difference(&theirs, &ours)));
            }
        }
    });
    match settled.await {
        Ok(agreed) => {
            agreed?;
            stage.teller.check(true, String::new)
        }
        Err(_) => {
            let ours: SnapshotView<'static> = stage.api.get(&["snapshot"]).await?;
            let (theirs, ours) = (of_switch(&stage.simulator.state().switch), of_snapshot(&ours));
            stage.teller.check(theirs == ours, || difference(&theirs, &ours))
        }
    }
}

fn difference(theirs: &States, ours: &States) -> String {
    format!(
        "the PBX and schakel say the same of every telephone. The PBX says {theirs:?}, schakel says {ours:?}"
    )
}

fn of_switch(state: &SwitchState) -> States {
    let extensions = state.extensions.iter().map(|extension| extension.number.as_str());
    let watched: Vec<&str> =
        extensions.chain(state.queues.iter().map(|queue| queue.number.as_str())).collect();
    let legs = state.calls.iter().flat_map(|call| &call.connections);
    let ours = legs.filter(|leg| watched.contains(&leg.device.as_str()));
    sorted(ours.filter_map(|leg| Some((leg.device.as_str().to_owned(), state_of(leg.state)?))))
}

fn of_snapshot(snapshot: &SnapshotView<'_>) -> States {
    let connections = snapshot.calls.iter().flat_map(|call| &call.connections);
    let live = connections.filter(|each| each.ours && each.state != ConnectionState::Null);
    sorted(live.map(|each| (each.device.to_string(), each.state)))
}

fn sorted(all: impl Iterator<Item = (String, ConnectionState)>) -> States {
    let mut states = States::new();
    for (device, state) in all {
        states.entry(device).or_default().push(state);
    }
    states.values_mut().for_each(|states| states.sort_unstable());
    states
}

const fn state_of(state: LocalState) -> Option<ConnectionState> {
    Some(match state {
        LocalState::Null => return None,
        LocalState::Initiated => ConnectionState::Initiated,
        LocalState::Alerting => ConnectionState::Alerting,
        LocalState::Connected => ConnectionState::Connected,
        LocalState::Hold => ConnectionState::Held,
        LocalState::Queued => ConnectionState::Queued,
        LocalState::Fail => ConnectionState::Failed,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::client::screen::tests::ringing;
    use schakel_contract::Timestamp;
    use schakel_simulator::switch::{Command, ExtensionConfig, Number, Switch, SwitchConfig};

    fn switch_with(call_to: Option<&str>) -> SwitchState {
        let extensions = ["2001", "2002"].map(ExtensionConfig::new).into();
        let mut switch = Switch::new(SwitchConfig { extensions, ..SwitchConfig::default() }).unwrap();
        if let Some(to) = call_to {
            let from = Some(Number::from("0201234567"));
            let command = Command::OutsideCall { from, to: Number::from(to), correlator: None };
            switch.execute(Duration::ZERO, &command, &mut Vec::new()).unwrap();
        }
        switch.state()
    }

    fn snapshot_with(calls: bool) -> SnapshotView<'static> {
        SnapshotView {
            chats: Vec::new(),
            chat_queues: Vec::new(),
            cursor: String::new(),
            taken_at: Timestamp::from_millis(0),
            providers: Vec::new(),
            agents: Vec::new(),
            contacts: Vec::new(),
            calls: ringing().data.call.into_iter().filter(|_| calls).collect(),
            transfers: Vec::new(),
            sessions: Vec::new(),
            routes: Vec::new(),
            queues: Vec::new(),
            commands: Vec::new(),
        }
    }

    #[test]
    fn two_pictures_agree_only_when_every_telephone_does() {
        let (rings, silent) = (of_snapshot(&snapshot_with(true)), of_snapshot(&snapshot_with(false)));
        assert_eq!(of_switch(&switch_with(Some("2001"))), rings);
        assert_eq!(of_switch(&switch_with(None)), silent);
        assert_ne!(of_switch(&switch_with(Some("2002"))), rings, "it rings elsewhere");
        assert_ne!(of_switch(&switch_with(Some("2001"))), silent, "a call that schakel does not know");
        assert_ne!(of_switch(&switch_with(None)), rings, "a ghost call");
    }
}
