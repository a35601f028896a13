//! Visitors who chat over XMPP, by the hundred: each a client of its own, all playing one script ([`script`]).
//!
//! Nothing of it is shared with the daemon's own link or adapter: what both misunderstand would otherwise look right.

pub mod connection;
mod outcome;
pub mod script;
mod visitor;

pub use connection::{Connection, ConnectionError, Heard, Identity, Server, tls};
pub use outcome::{Outcome, Outcomes};

use crate::switch::mix;
use script::Line;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};
use tokio::task::JoinSet;
use visitor::Person;
use xmpp_parsers::jid::{BareJid, Jid};

/// As many visitors as one process may be.
pub const VISITORS_MAX: usize = 10_000;

/// As many log in at the same time: a server's queue of connections is short.
const ARRIVING_MAX: usize = 32;

/// Who comes, and what they do.
#[derive(Debug, Clone)]
pub struct VisitorsConfig {
    /// Where they log in.
    pub server: Server,
    /// The account and its password. `{n}` in the name is a visitor's number; a name without it gets the number at its
    /// end when there are several visitors. Without an account they are anonymous.
    pub account: Option<(String, String)>,
    /// How many.
    pub count: usize,
    /// Whom they write to, or whom they invite into their rooms.
    pub to: String,
    /// The service of rooms; each visitor makes one and invites. Without it they write to an address.
    pub rooms: Option<String>,
    /// What they are called, with `{n}`.
    pub name: String,
    /// They arrive spread over this time.
    pub over: Duration,
    /// With it the same pauses and the same order of arrival come again.
    pub seed: u64,
    /// What each does.
    pub script: Vec<Line>,
}

/// What cannot be started.
#[derive(Debug, thiserror::Error)]
pub enum VisitorsError {
    /// An address that is none.
    #[error("{what} {address:?} is no address: {detail}")]
    Address {
        /// Of whom.
        what: &'static str,
        /// What was given.
        address: String,
        /// What is wrong with it.
        detail: String,
    },
    /// Too many, or none.
    #[error("{0} visitors: from 1 to {VISITORS_MAX}")]
    Count(usize),
}

/// Plays them all to their end; to be awaited in a `LocalSet`.
///
/// # Errors
/// [`VisitorsError`]; a visitor who fails is no error but an [`Outcome`].
pub async fn run(config: VisitorsConfig) -> Result<Outcomes, VisitorsError> {
    let begin = Instant::now();
    let people = people(&config)?;
    let script: Arc<[Line]> = config.script.into();
    let arriving = Arc::new(tokio::sync::Semaphore::new(ARRIVING_MAX));
    let mut visitors = JoinSet::new();
    for person in people {
        let (script, arriving) = (Arc::clone(&script), Arc::clone(&arriving));
        let after = arrival(person.seed, config.over);
        visitors.spawn_local(async move {
            tokio::time::sleep(after).await;
            visitor::play(person, &script, &arriving).await
        });
    }
    let mut outcomes = Vec::with_capacity(config.count);
    while let Some(played) = visitors.join_next().await {
        // Tasks are not cancelled, and a panic in one is a defect that may end the program.
        match played {
            Ok(outcome) => outcomes.push(outcome),
            Err(error) => std::panic::resume_unwind(error.into_panic()),
        }
    }
    let milliseconds = u64::try_from(begin.elapsed().as_millis()).unwrap_or(u64::MAX);
    Ok(Outcomes::new(config.seed, milliseconds, outcomes))
}

/// When a visitor arrives; the same in each run with this seed.
fn arrival(seed: u64, over: Duration) -> Duration {
    let width = u64::try_from(over.as_millis()).unwrap_or(u64::MAX).saturating_add(1);
    Duration::from_millis(mix(seed) % width)
}

fn people(config: &VisitorsConfig) -> Result<Vec<Person>, VisitorsError> {
    if !(1..=VISITORS_MAX).contains(&config.count) {
        return Err(VisitorsError::Count(config.count));
    }
    let address = |what, address: &str, detail: String| VisitorsError::Address {
        what,
        address: address.to_owned(),
        detail,
    };
    let to = Jid::new(&config.to).map_err(|error| address("--to", &config.to, error.to_string()))?;
    let rooms = match &config.rooms {
        Some(rooms) => {
            Some(BareJid::new(rooms).map_err(|error| address("--rooms", rooms, error.to_string()))?)
        }
        None => None,
    };
    let server = Arc::new(config.server.clone());
    let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_nanos());
    let run = mix(now as u64 ^ u64::from(std::process::id()));
    let person = |number: usize| Person {
        number,
        name: config.name.replace("{n}", &number.to_string()),
        server: Arc::clone(&server),
        identity: match &config.account {
            Some((name, password)) => {
                Identity::Account { name: account(name, number, config.count), password: password.clone() }
            }
            None => Identity::Anonymous,
        },
        to: to.clone(),
        rooms: rooms.clone(),
        run,
        seed: mix(config.seed ^ mix(number as u64)),
    };
    Ok((1..=config.count).map(person).collect())
}

/// The account of one of so many visitors.
fn account(name: &str, number: usize, count: usize) -> String {
    if name.contains("{n}") || count == 1 {
        name.replace("{n}", &number.to_string())
    } else {
        format!("{name}{number}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(count: usize, seed: u64) -> VisitorsConfig {
        VisitorsConfig {
            server: Server { address: "127.0.0.1:1".into(), domain: "chat.test".into(), tls: None },
            account: Some(("user".into(), "secret".into())),
            count,
            to: "burgerzaken@cti.chat.test".into(),
            rooms: None,
            name: "Bezoeker {n}".into(),
            over: Duration::from_secs(10),
            seed,
            script: script::parse("say hello").unwrap(),
        }
    }

    #[test]
    fn accounts_are_numbered() {
        assert_eq!(account("user", 7, 100), "user7");
        assert_eq!(account("user", 1, 1), "user");
        assert_eq!(account("u{n}-test", 7, 100), "u7-test");
        assert_eq!(account("u{n}", 1, 1), "u1");
    }

    #[test]
    fn the_same_seed_gives_the_same_visitors_and_another_gives_others() {
        let arrivals = |seed| {
            let people = people(&config(50, seed)).unwrap();
            people.iter().map(|person| arrival(person.seed, Duration::from_secs(10))).collect::<Vec<_>>()
        };
        assert_eq!(arrivals(1), arrivals(1));
        assert_ne!(arrivals(1), arrivals(2));
        let mut apart = arrivals(1);
        apart.sort();
        apart.dedup();
        assert!(apart.len() > 40, "they do not all come at once: {apart:?}");
    }

    #[test]
    fn two_runs_name_their_messages_differently() {
        let run = || people(&config(1, 1)).unwrap()[0].run;
        assert_ne!(run(), run());
    }

    #[test]
    fn what_cannot_be_is_refused() {
        assert!(matches!(people(&config(0, 1)), Err(VisitorsError::Count(0))));
        assert!(matches!(people(&config(VISITORS_MAX + 1, 1)), Err(VisitorsError::Count(_))));
        let mut wrong = config(1, 1);
        wrong.to = "@".into();
        assert!(matches!(people(&wrong), Err(VisitorsError::Address { what: "--to", .. })));
    }

    #[tokio::test]
    async fn a_visitor_who_cannot_connect_fails_with_the_address() {
        let mut nowhere = config(2, 1);
        nowhere.over = Duration::ZERO;
        // Bound and let go: nobody listens there.
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        nowhere.server.address = listener.local_addr().unwrap().to_string();
        drop(listener);
        let address = nowhere.server.address.clone();
        let outcomes = tokio::task::LocalSet::new().run_until(run(nowhere)).await.unwrap();
        assert_eq!(outcomes.failed, 2);
        assert!(outcomes.visitors[0].failure.as_ref().unwrap().contains(&address), "{outcomes}");
    }
}
