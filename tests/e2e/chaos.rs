//! Everything at once: people at their telephones, JKC's commands, a PBX that sins and links that break, in an order
//! that nobody thought of. Then all is healed and everybody hangs up, and what is left must be in order.
//!
//! The seed is printed; `E2E_SEED` repeats its choices (the moments at which they fall are the machine's).

use crate::harness::{Dice, House, SOON, on_runtime, pbx};
use http::Method;
use schakel::client::{Api, ApiError};
use schakel_contract::views::CommandState;
use schakel_simulator::deed::Deed;
use schakel_simulator::sins::Sin;
use serde_json::{Value, json};
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;
use std::time::Duration;
use tempfile::TempDir;
use tokio::task::JoinHandle;
use tokio::time::Instant;
use uuid::Uuid;

/// Chaos lasts so long, or so many steps.
const LASTS: Duration = Duration::from_secs(5);
const STEPS: u32 = 1500;

const DESKS: [&str; 5] = ["2001", "2002", "2003", "2010", "2011"];
const OUTSIDE: [&str; 4] = ["0201111111", "0202222222", "0303333333", "0404444444"];

/// Deadlines that a test can wait for.
const HASTE: &str = "[calls]\ncommand_limit_seconds = 1\nheld_return_seconds = 1\nadrift_seconds = 1\n";

#[test]
fn p03_t07_after_any_chaos_there_is_no_ghost_and_every_command_has_one_end() {
    on_runtime(async {
        let mut dice = Dice::new();
        println!("seed {}", dice.seed());
        let folder = TempDir::new().unwrap();
        let edit = |text: String| text.replace("[calls]\n", HASTE);
        let house = House::furnished(folder, None, pbx(), "", edit).await;
        let mut chaos = Chaos { house, commands: Vec::new(), accepted: Rc::default() };
        for desk in DESKS {
            chaos.house.agent(&format!("agent-{desk}"), desk).await;
        }
        let until = Instant::now() + LASTS;
        for _ in 0..STEPS {
            if Instant::now() > until {
                break;
            }
            match dice.roll(32) {
                0..=14 => chaos.deed(&mut dice),
                15 => chaos.sin(&mut dice),
                _ => chaos.command(&mut dice).await,
            }
            // A notification more or less; that none came in this time is as good a moment to go on.
            let mut changes = chaos.house.jkc.changes();
            let _ = tokio::time::timeout(Duration::from_millis(dice.roll(12)), changes.changed()).await;
        }
        chaos.ends_well().await;
    });
}

struct Chaos {
    house: House,
    commands: Vec<JoinHandle<()>>,
    /// Commands that were answered with 200 or 202.
    accepted: Rc<RefCell<Vec<Uuid>>>,
}

impl Chaos {
    /// Something at a telephone; what is not possible now does not happen.
    fn deed(&self, dice: &mut Dice) {
        let (device, other, number) = (dice.one_of(&DESKS), dice.one_of(&DESKS), dice.one_of(&OUTSIDE));
        let to = if dice.roll(3) == 0 { number } else { other };
        let deed = match dice.roll(20) {
            0..=4 => json!({"do": "ring", "from": number, "to": device}),
            5 => json!({"do": "ring", "from": number, "to": "7000"}),
            6 => json!({"do": "call", "device": device, "to": to}),
            7..=9 => json!({"do": "answer", "device": device}),
            10 => json!({"do": "hold", "device": device}),
            11 => json!({"do": "retrieve", "device": device}),
            12 => json!({"do": "consult", "device": device, "to": to}),
            13 => json!({"do": "swap", "device": device}),
            14 => json!({"do": "take-back", "device": device}),
            15 => json!({"do": "transfer", "device": device}),
            16 => json!({"do": "cold-transfer", "device": device, "to": to}),
            17 => {
                json!({"do": dice.one_of(&["outside-answer", "outside-busy", "outside-hang-up"]), "number": number})
            }
            18 => json!({"do": "deflect", "device": device, "to": to}),
            _ => json!({"do": "hang-up", "device": device}),
        };
        let deed: Deed = serde_json::from_value(deed).unwrap();
        drop(self.house.pbx.perform(&deed));
    }

    fn sin(&self, dice: &mut Dice) {
        let count = 1 + dice.roll(3);
        let (short, long) = (format!("{}ms", 10 + dice.roll(150)), format!("{}ms", 200 + dice.roll(1500)));
        let sin = match dice.roll(16) {
            0 => json!({"sin": "cut-link", "for": short}),
            1 => json!({"sin": "stall-link", "for": short}),
            2 => json!({"sin": "restart", "keep-calls": dice.roll(2) == 0, "for": short}),
            3 => json!({"sin": "desync", "how": dice.one_of(&["garbage", "too-short", "soap"])}),
            4 => json!({"sin": "reuse-call-ids", "count": count}),
            5 | 6 => json!({"sin": "duplicate-events", "count": count}),
            7 | 8 => json!({"sin": "reorder-events", "count": count}),
            9 => json!({"sin": "lose-events", "count": 1}),
            10 => json!({"sin": "order", "order": dice.one_of(&["response-first", "events-first"])}),
            11 => json!({"sin": "answer-late", "by": long, "count": count}),
            12 => json!({"sin": "not-answer", "count": 1}),
            13 => {
                json!({"sin": "wrong-cause", "cause": dice.one_of(&["busy", "transfer", "conference"]), "count": count})
            }
            14 => json!({"sin": "dribble", "largest": dice.roll(40), "seed": count}),
            _ => json!({"sin": "malformed-events", "count": 1}),
        };
        let sin: Sin = sin_of(sin);
        self.house.pbx.sin(&sin).unwrap();
    }

    /// A command of JKC, as clumsy as an agent under stress. It is answered while the chaos goes on.
    async fn command(&mut self, dice: &mut Dice) {
        let (device, other, number) = (dice.one_of(&DESKS), dice.one_of(&DESKS), dice.one_of(&OUTSIDE));
        let to = json!({"number": if dice.roll(3) == 0 { number } else { other }});
        if dice.roll(12) == 0 {
            let path = ["agents".into(), format!("agent-{device}"), "calls".into()];
            return self.ask(&path, Some(json!({"destination": to})));
        }
        // An operator who has no patience with the back-off.
        if dice.roll(8) == 0 && !self.house.pbx.server_state().links.iter().any(|link| link.monitors > 0) {
            let path = ["providers".into(), "pbx".into(), "reconnect".into()];
            return self.ask(&path, None);
        }
        let Some((call, device, transfer, allowed)) = self.somewhere(dice) else { return };
        if let (Some(transfer), true) = (transfer, dice.roll(2) == 0) {
            let what = dice.one_of(&["complete", "take-back"]);
            return self.ask(&["transfers".into(), transfer, what.into()], None);
        }
        if dice.roll(4) == 0 {
            let kind = dice.one_of(&["warm", "cold"]);
            let body = json!({"call": call, "device": device, "to": to, "kind": kind});
            return self.ask(&["transfers".into()], Some(body));
        }
        // Mostly what the screen offers.
        let any = ["answer", "hold", "retrieve", "hang-up", "deflect", "consult", "alternate", "conference"];
        let action = match dice.roll(4) {
            0 => dice.one_of(&any).to_owned(),
            _ if allowed.is_empty() => return,
            _ => allowed[dice.roll(allowed.len() as u64) as usize].clone(),
        };
        let body = match action.as_str() {
            "deflect" | "consult" => Some(json!({"destination": to})),
            "dtmf" => Some(json!({"digits": "12#"})),
            _ => None,
        };
        self.ask(&["calls".into(), call, "connections".into(), device, action], body);
    }

    /// A connection at a device of ours, as JKC sees it: call, device, transfer under way, actions allowed.
    fn somewhere(&self, dice: &mut Dice) -> Option<(String, String, Option<String>, Vec<String>)> {
        self.house.jkc.look(|ledger| {
            let picture = ledger.picture();
            let connections =
                picture.live_calls().flat_map(|call| call.connections.iter().map(move |c| (call, c)));
            let ours: Vec<_> = connections.filter(|(_, connection)| connection.ours).collect();
            let (call, connection) = ours.get(dice.roll(ours.len().max(1) as u64) as usize)?;
            let transfer = picture.transfer_under_way(&connection.device).map(|t| t.id.to_string());
            let allowed = connection.actions.iter().filter(|action| action.allowed);
            let names = allowed.map(|action| serde_json::to_value(action.action).unwrap());
            let names = names.filter_map(|name| name.as_str().map(str::to_owned));
            let names =
                names.filter(|name| !name.contains("transfer") && name != "take-back" && name != "pick-up");
            Some((call.id.to_string(), connection.device.to_string(), transfer, names.collect()))
        })
    }

    fn ask(&mut self, path: &[String], body: Option<Value>) {
        let (api, path, accepted) = (self.house.api.clone(), path.to_vec(), self.accepted.clone());
        self.commands.push(tokio::task::spawn_local(async move { give(&api, &path, body, &accepted).await }));
    }

    async fn ends_well(mut self) {
        for command in self.commands.drain(..) {
            tokio::time::timeout(SOON, command).await.expect("every request is answered").unwrap();
        }
        let house = &self.house;
        house.pbx.sin(&Sin::Heal).unwrap();
        house.pbx.sin(&sin_of(json!({"sin": "dribble", "largest": 0}))).unwrap();
        // Who waits for somebody is let go as well.
        while let Some(call) = house.pbx.state().switch.calls.first().cloned() {
            let deed = json!({"do": "end-call", "call": call.id});
            house.pbx.perform(&serde_json::from_value(deed).unwrap()).unwrap();
        }
        // Events were lost: the truth is known after a look at everything.
        let mark = house.mark();
        let path = ["providers".into(), "pbx".into(), "reconnect".into()];
        give(&house.api, &path, None, &self.accepted).await;
        house.told(mark, "provider.resynced", None).await;
        house.link_is_up().await;
        let accepted: Vec<_> = self.accepted.borrow().iter().copied().collect();
        for id in accepted {
            let ended = |event: &schakel_contract::event::Event| {
                event.data.change == "command.completed"
                    && event.data.command.as_ref().is_some_and(|command| command.id == id)
            };
            let told = house.jkc.event_after(0, format!("the end of command {id}"), SOON, ended).await;
            told.unwrap_or_else(|error| panic!("{error}"));
        }
        assert_eq!(house.jkc.look(complaints), Vec::<String>::new());
        println!("{:?}, {} commands accepted", house.jkc.look(|l| l.counts()), self.accepted.borrow().len());
        self.house.ends_clean().await;
    }
}

/// One request, answered in whatever way is of the contract.
async fn give(api: &Api, path: &[String], body: Option<Value>, accepted: &RefCell<Vec<Uuid>>) {
    let path: Vec<&str> = path.iter().map(String::as_str).collect();
    if path.last() == Some(&"reconnect") {
        api.send::<Value>(Method::POST, &path, &json!({})).await.unwrap();
        return;
    }
    match api.command(Method::POST, &path, body.as_ref()).await {
        Ok(reply) => accepted.borrow_mut().push(reply.command.id),
        Err(ApiError::Problem(problem)) => {
            assert!(matches!(problem.status, 404 | 409 | 422 | 502 | 503 | 504), "{path:?}: {problem:?}");
        }
        Err(error) => panic!("{path:?}: {error}"),
    }
}

fn sin_of(value: Value) -> Sin {
    serde_json::from_value(value.clone()).unwrap_or_else(|error| panic!("{value}: {error}"))
}

/// What was told and may not be.
fn complaints(ledger: &schakel::client::Ledger) -> Vec<String> {
    let mut complaints = Vec::new();
    let (mut ends, mut customers): (BTreeMap<Uuid, u32>, BTreeMap<Uuid, String>) = Default::default();
    let mut contacts: BTreeMap<Uuid, Uuid> = BTreeMap::new();
    for entry in ledger.since(0) {
        let data = &entry.event.data;
        if data.change == "command.completed"
            && let Some(command) = &data.command
        {
            *ends.entry(command.id).or_default() += 1;
            if matches!(command.state, CommandState::Accepted | CommandState::Sent) {
                complaints.push(format!("command {} ended as {:?}", command.id, command.state));
            }
        }
        if let Some(contact) = &data.contact
            && let Some(number) = contact.customer.number.as_deref()
        {
            let first = customers.entry(contact.id).or_insert_with(|| number.to_owned());
            if first != number {
                complaints.push(format!("contact {} was {first}, became {number}", contact.id));
            }
        }
        if let Some(call) = &data.call
            && *contacts.entry(call.id).or_insert(call.contact) != call.contact
        {
            complaints.push(format!("call {} went to contact {}", call.id, call.contact));
        }
    }
    complaints
        .extend(ends.iter().filter(|(_, times)| **times != 1).map(|(id, n)| format!("{id} ended {n} times")));
    complaints
}
