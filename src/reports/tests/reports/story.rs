//! What can happen to one call, in seconds, and the deeds that make it happen.

use crate::house::{Deed, House, Lane, at, party, report};
use schakel_core::command::Command;
use schakel_core::model::cause::Cause;
use schakel_core::model::ids::DeviceId;
use schakel_core::model::pii::Pii;
use schakel_core::model::transfer::TransferKind;
use schakel_core::report::CallEvent::{self, *};
use schakel_core::report::MovedConnection;

#[derive(Debug, Clone, PartialEq)]
pub enum Story {
    /// The caller gives up: in the queue, at the telephone, or in the queue while the telephone rings.
    GivesUp { queue: bool, rings: bool, wait: u64 },
    /// Nobody answers, and the telephone system forwards to the world outside.
    Forwarded { wait: u64 },
    /// Somebody takes it at a telephone that is not watched.
    TakenElsewhere { wait: u64 },
    /// The telephone is busy.
    Busy { wait: u64 },
    /// Answered at 2001.
    Served { queue: bool, wait: u64, ring: u64, talk: u64, hold: Option<u64>, then: Then },
    /// 2001 calls a number outside; `jkc` by a command where an agent sits there.
    Dialled { jkc: bool, ring: u64, talk: Option<u64> },
    /// 2001 calls 2003.
    Internal { jkc: bool, ring: u64, talk: u64 },
    /// A colleague whose telephone is not watched calls 2001.
    Colleague { ring: u64, talk: u64 },
    /// The link is lost while it rings or is spoken on, and afterwards it is gone.
    Lost { answered: bool, before: u64, down: u64 },
}

#[derive(Debug, Clone, PartialEq)]
pub enum Then {
    /// The customer hangs up.
    Ends,
    /// 2002 gets the customer straight away; none: he gives up while it rings.
    Cold { department: Option<&'static str>, ring: u64, talk: Option<u64> },
    /// 2002 is consulted first.
    Warm {
        department: Option<&'static str>,
        by_hand: bool,
        ring: u64,
        consult: u64,
        how: Consulted,
        talk: u64,
    },
}

#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Consulted {
    TakesOver,
    TakenBack,
    /// Busy: the customer is fetched back a second later.
    Busy,
}

impl Story {
    /// How long it lasts at most, in seconds.
    pub fn length(&self) -> u64 {
        match self {
            Story::GivesUp { wait, .. } | Story::Busy { wait } => wait + 1,
            Story::Forwarded { wait } | Story::TakenElsewhere { wait } => wait + 31,
            Story::Served { wait, ring, talk, hold, then, .. } => {
                let then = match then {
                    Then::Ends => 0,
                    Then::Cold { ring, talk, .. } => ring + talk.unwrap_or(0),
                    Then::Warm { ring, consult, talk, .. } => ring + consult + talk + 1,
                };
                wait + ring + hold.unwrap_or(0) + talk + then
            }
            Story::Dialled { ring, talk, .. } => ring + talk.unwrap_or(0),
            Story::Internal { ring, talk, .. } | Story::Colleague { ring, talk } => ring + talk,
            Story::Lost { before, down, .. } => before + down + 1,
        }
    }

    /// The deeds, of a story that begins at `start` (milliseconds) as the `number`th.
    pub fn deeds(&self, lane: &Lane, number: usize, start: u64) -> Vec<Deed> {
        let mut teller = Teller {
            lane: lane.clone(),
            call: format!("c{number}"),
            other: format!("d{number}"),
            customer: format!("06{:08}", 10_000_000 + number),
            now: start,
            deeds: Vec::new(),
        };
        teller.tell(self);
        teller.deeds
    }
}

struct Teller {
    lane: Lane,
    call: String,
    other: String,
    customer: String,
    now: u64,
    deeds: Vec<Deed>,
}

impl Teller {
    fn tell(&mut self, story: &Story) {
        let customer = self.customer.clone();
        match story {
            Story::GivesUp { queue, rings, wait } => {
                self.arrives(*queue);
                let half = wait / 2;
                self.pass(half);
                if *queue && *rings {
                    self.event(Delivered, "2001", true, Cause::Distributed);
                }
                self.pass(wait - half);
                self.event(ConnectionCleared, &customer, false, Cause::NormalClearing);
            }
            Story::Forwarded { wait } => {
                self.arrives(false);
                self.pass(*wait);
                self.event(Diverted { to: None }, "2001", false, Cause::ForwardNoAnswer);
            }
            Story::TakenElsewhere { wait } => {
                self.arrives(false);
                self.pass(*wait);
                self.event(ConnectionCleared, "2001", false, Cause::AnsweredElsewhere);
            }
            Story::Busy { wait } => {
                self.arrives(false);
                self.pass(*wait);
                self.event(Failed, "2001", false, Cause::Busy);
                self.pass(1);
                self.event(ConnectionCleared, &customer, false, Cause::NormalClearing);
            }
            Story::Served { queue, wait, ring, talk, hold, then } => {
                self.arrives(*queue);
                if *queue {
                    self.pass(*wait);
                    self.event(Delivered, "2001", true, Cause::Distributed);
                }
                self.pass(*ring);
                self.event(Established, "2001", false, Cause::Normal);
                if let Some(hold) = hold {
                    self.event(Held, "2001", false, Cause::Normal);
                    self.pass(*hold);
                    self.event(Retrieved, "2001", false, Cause::Normal);
                }
                self.pass(*talk);
                self.then(then);
                self.event(ConnectionCleared, &customer, false, Cause::NormalClearing);
            }
            Story::Dialled { jkc, ring, talk } => self.dialled(&customer, *jkc, *ring, *talk),
            Story::Internal { jkc, ring, talk } => self.dialled("2003", *jkc, *ring, Some(*talk)),
            Story::Colleague { ring, talk } => {
                self.customer = "4711".into();
                self.arrives(false);
                self.pass(*ring);
                self.event(Established, "2001", false, Cause::Normal);
                self.pass(*talk);
                self.event(ConnectionCleared, "4711", false, Cause::NormalClearing);
            }
            Story::Lost { answered, before, down } => {
                self.arrives(false);
                self.pass(*before);
                if *answered {
                    self.event(Established, "2001", false, Cause::Normal);
                }
                let lane = self.lane.name.clone();
                self.deed(move |house| house.lose(&lane));
                self.pass(*down);
                let lane = self.lane.name.clone();
                self.deed(move |house| house.ready(&lane));
            }
        }
    }

    fn arrives(&mut self, queue: bool) {
        let queue = queue.then(|| self.lane.queue.clone());
        match queue {
            Some(queue) => self.event(Queued, &queue, true, Cause::NewCall),
            None => self.event(Delivered, "2001", true, Cause::NewCall),
        }
    }

    fn then(&mut self, then: &Then) {
        match then {
            Then::Ends => {}
            Then::Cold { department, ring, talk } => {
                self.transfer(TransferKind::Cold, *department);
                let (lane, call, customer) =
                    (self.lane.name.clone(), self.call.clone(), self.customer.clone());
                self.deed(move |house| {
                    house.yes(&lane, None);
                    house.report(&lane, transferred(&call, None, &customer, Cause::SingleStepTransfer));
                });
                self.event(Delivered, "2002", true, Cause::Transfer);
                self.pass(*ring);
                if let Some(talk) = talk {
                    self.event(Established, "2002", false, Cause::Normal);
                    self.pass(*talk);
                }
            }
            Then::Warm { department, by_hand, ring, consult, how, talk } => {
                let (lane, call, other) = (self.lane.name.clone(), self.call.clone(), self.other.clone());
                if !by_hand {
                    self.transfer(TransferKind::Warm, *department);
                }
                self.event(Held, "2001", false, Cause::Consultation);
                if !by_hand {
                    let (lane, other) = (lane.clone(), other.clone());
                    self.deed(move |house| house.yes(&lane, Some((&other, "2001"))));
                }
                self.consulted(Originated, "2001");
                self.consulted(Delivered, "2002");
                self.pass(*ring);
                if *how == Consulted::Busy {
                    self.consulted(Failed, "2002");
                    self.consulted(ConnectionCleared, "2001");
                    self.pass(1);
                    self.event(Retrieved, "2001", false, Cause::Normal);
                    return self.pass(*talk);
                }
                self.consulted(Established, "2002");
                self.pass(*consult);
                let (by_hand, how, customer) = (*by_hand, *how, self.customer.clone());
                self.deed(move |house| {
                    let transfer = house.transfer(&lane, &call);
                    match how {
                        Consulted::TakesOver => {
                            if !by_hand {
                                house.command(Command::CompleteTransfer { transfer });
                                house.yes(&lane, None);
                            }
                            house.report(&lane, transferred(&call, Some(&other), &customer, Cause::Transfer));
                        }
                        _ => {
                            house.command(Command::TakeBack { transfer });
                            house.yes(&lane, None);
                        }
                    }
                });
                self.pass(*talk);
            }
        }
    }

    fn dialled(&mut self, to: &str, jkc: bool, ring: u64, talk: Option<u64>) {
        let (lane, call) = (self.lane.name.clone(), self.call.clone());
        let agent = self.lane.agents[0].clone().filter(|_| jkc);
        if let Some(agent) = agent {
            let (agent, destination) = (agent.as_str().into(), Pii::new(to.into()));
            self.deed(move |house| {
                house.command(Command::Dial { agent, destination, reference: None });
                house.yes(&lane, Some((&call, "2001")));
            });
        }
        let outgoing = (self.customer.clone(), to.to_owned());
        self.customer = "2001".into();
        self.between(Originated, "2001", to, Cause::NewCall);
        self.between(Delivered, to, to, Cause::NewCall);
        self.pass(ring);
        if let Some(talk) = talk {
            self.between(Established, to, to, Cause::Normal);
            self.pass(talk);
        }
        self.event(ConnectionCleared, "2001", false, Cause::NormalClearing);
        self.customer = outgoing.0;
    }

    fn transfer(&mut self, kind: TransferKind, department: Option<&'static str>) {
        let (lane, call) = (self.lane.name.clone(), self.call.clone());
        self.deed(move |house| {
            let (call, device) = (house.call(&lane, &call), DeviceId::from("2001"));
            let (to, department) = (Pii::new("2002".into()), department.map(Into::into));
            house.command(Command::Transfer { call, device, to, kind, department });
        });
    }

    /// An event of the customer's call.
    fn event(&mut self, event: CallEvent, device: &str, parties: bool, cause: Cause) {
        let to = if self.deeds.is_empty() { device.to_owned() } else { "2001".to_owned() };
        let (lane, call, customer) = (self.lane.name.clone(), self.call.clone(), self.customer.clone());
        let device = device.to_owned();
        self.deed(move |house| {
            let parties = parties.then_some((customer.as_str(), to.as_str()));
            house.report(&lane, report(event, &call, &device, parties, cause));
        });
    }

    /// An event of a call from 2001.
    fn between(&mut self, event: CallEvent, device: &str, to: &str, cause: Cause) {
        let (lane, call, device, to) =
            (self.lane.name.clone(), self.call.clone(), device.to_owned(), to.to_owned());
        self.deed(move |house| {
            house.report(&lane, report(event, &call, &device, Some(("2001", &to)), cause))
        });
    }

    /// An event of the consultation.
    fn consulted(&mut self, event: CallEvent, device: &str) {
        let (lane, other, device) = (self.lane.name.clone(), self.other.clone(), device.to_owned());
        let cause = match event {
            Failed => Cause::Busy,
            ConnectionCleared => Cause::NormalClearing,
            _ => Cause::Consultation,
        };
        self.deed(move |house| {
            house.report(&lane, report(event, &other, &device, Some(("2001", "2002")), cause));
        });
    }

    fn pass(&mut self, seconds: u64) {
        self.now += seconds * 1_000;
    }

    fn deed(&mut self, what: impl FnOnce(&mut House) + 'static) {
        self.deeds.push(Deed { at: self.now, what: Box::new(what) });
    }
}

/// 2001 handed the customer to 2002.
fn transferred(
    call: &str,
    other: Option<&str>,
    customer: &str,
    cause: Cause,
) -> schakel_core::report::CallReport {
    let secondary = other.map(|other| at(other, "2001"));
    let old = other.map(|other| at(other, "2002"));
    let moved = vec![
        MovedConnection { new: at(call, customer), old: Some(at(call, customer)), endpoint: None },
        MovedConnection { new: at(call, "2002"), old, endpoint: Some(party("2002")) },
    ];
    let event = Transferred { secondary, to: Some(party("2002")), moved };
    report(event, call, "2001", None, cause)
}
