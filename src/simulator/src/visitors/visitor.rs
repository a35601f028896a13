//! One visitor: plays his script, keeps count.

use super::connection::{Connection, ConnectionError, Heard, Identity, Server};
use super::outcome::Outcome;
use super::script::{Deed, Expected, Line, Tells, filled};
use crate::switch::mix;
use std::collections::VecDeque;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Semaphore;
use tokio::time::{Instant, timeout_at};
use tokio_xmpp::Stanza;
use xmpp_parsers::chatstates::ChatState;
use xmpp_parsers::iq::Iq;
use xmpp_parsers::jid::{BareJid, FullJid, Jid, ResourcePart};
use xmpp_parsers::message::{Lang, Message, MessageType};
use xmpp_parsers::minidom::Element;
use xmpp_parsers::minidom::rxml::xml_ncname;
use xmpp_parsers::muc::muc::{History, Muc};
use xmpp_parsers::ns;
use xmpp_parsers::presence::{self, Presence};
use xmpp_parsers::receipts::{Received, Request};
use xmpp_parsers::rtt::{Action, Event, Rtt};
use xmpp_parsers::stanza_id::OriginId;

/// Of an owner's commands to his room (XEP-0045).
const MUC_OWNER: &str = "http://jabber.org/protocol/muc#owner";

/// Messages that nobody has expected yet.
const INBOX_MAX: usize = 10_000;

/// Messages that the server has not acknowledged; more wait.
const UNACKNOWLEDGED_MAX: usize = 1_000;

/// To make a room, or to be acknowledged at the end.
const SOON: Duration = Duration::from_secs(60);

/// What a visitor is made of.
#[derive(Debug, Clone)]
pub(super) struct Person {
    /// From 1.
    pub number: usize,
    /// How he is called.
    pub name: String,
    pub server: Arc<Server>,
    pub identity: Identity,
    /// Whom he writes to, or invites into his room.
    pub to: Jid,
    /// The service where he makes a room of his own.
    pub rooms: Option<BareJid>,
    /// What differs in each run, so that a repeated run is no repetition of messages.
    pub run: u64,
    /// What his chances are drawn from.
    pub seed: u64,
}

/// Why a visitor failed.
#[derive(Debug, thiserror::Error)]
enum Failed {
    #[error(transparent)]
    Connection(#[from] ConnectionError),
    #[error("{0}")]
    Because(String),
}

struct Visitor {
    person: Person,
    connection: Option<Connection>,
    room: Option<FullJid>,
    /// Said, and not acknowledged: the number of the stanza in this session, and the message.
    unacknowledged: VecDeque<(u64, Message)>,
    inbox: VecDeque<String>,
    refusals: VecDeque<String>,
    /// Receipts (XEP-0184) that are still to be sent.
    receipts: VecDeque<Message>,
    /// Numbers of his messages' ids.
    ids: u64,
    chances: u64,
    /// Real-time text of the message that he is writing: how many so far.
    typed: Option<u32>,
    outcome: Outcome,
}

/// Plays a script from beginning to end. So many arrive at the same time as `arriving` has room for.
pub(super) async fn play(person: Person, script: &[Line], arriving: &Semaphore) -> Outcome {
    let outcome = Outcome::new(person.number, person.name.clone());
    let mut visitor = Visitor {
        chances: person.seed,
        person,
        connection: None,
        room: None,
        unacknowledged: VecDeque::new(),
        inbox: VecDeque::new(),
        refusals: VecDeque::new(),
        receipts: VecDeque::new(),
        ids: 0,
        typed: None,
        outcome,
    };
    let arrived = {
        let _turn = arriving.acquire().await;
        visitor.arrive().await
    };
    let mut failure = match arrived {
        Ok(()) => visitor.lines(script, 1).await.err(),
        Err(error) => Some(error.to_string()),
    };
    if failure.is_none() {
        failure = visitor.settle().await.err().map(|error| error.to_string());
    }
    visitor.depart().await;
    if failure.is_none() && !visitor.refusals.is_empty() {
        failure = visitor.refusals.front().map(|why| format!("refused: {why}"));
    }
    visitor.outcome.failure = failure;
    visitor.outcome
}

impl Visitor {
    /// Plays lines; the error names the line.
    fn lines<'a>(
        &'a mut self,
        lines: &'a [Line],
        round: u32,
    ) -> Pin<Box<dyn Future<Output = Result<(), String>> + 'a>> {
        Box::pin(async move {
            for line in lines {
                if let Deed::Repeat(rounds, inner) = &line.deed {
                    for round in 1..=*rounds {
                        self.lines(inner, round).await?;
                    }
                    continue;
                }
                let done = self.line(&line.deed, round).await;
                done.map_err(|error| format!("line {}: `{}`: {error}", line.number, line.text))?;
            }
            Ok(())
        })
    }

    async fn line(&mut self, deed: &Deed, round: u32) -> Result<(), Failed> {
        match deed {
            Deed::Say(text) => {
                let text = self.filled(text, round);
                self.say(text).await
            }
            Deed::Type(text) => {
                let text = self.filled(text, round);
                self.types(text).await
            }
            Deed::Tell(state) => self.tell(*state).await,
            Deed::Pause(from, to) => {
                let length = self.chance(*from, *to);
                self.live_until(Instant::now() + length, |_| false).await.map(drop)
            }
            Deed::Expect(what, within) => self.expect(what, *within, round).await,
            Deed::Disconnect => {
                // Dropped, not closed: what is on its way is lost, as when a telephone enters a tunnel.
                self.connection = None;
                Ok(())
            }
            Deed::Reconnect => {
                self.connection = None;
                self.arrive().await
            }
            Deed::Leave => {
                self.settle().await?;
                self.depart().await;
                Ok(())
            }
            Deed::Repeat(..) => Ok(()),
        }
    }

    /// Logs in, makes his room or goes back into it, and says again what was not acknowledged.
    async fn arrive(&mut self) -> Result<(), Failed> {
        let resource = format!("visitor-{:x}", self.person.run);
        let opened = Connection::open(&self.person.server, &self.person.identity, &resource).await?;
        self.connection = Some(opened);
        self.send(Presence::available()).await?;
        if let Some(service) = self.person.rooms.clone() {
            self.enter(&service).await?;
        }
        let again: Vec<Message> = self.unacknowledged.drain(..).map(|(_, message)| message).collect();
        for message in again {
            self.transmit(message).await?;
        }
        Ok(())
    }

    /// Makes a room and invites the queue; a room that is there already is entered.
    async fn enter(&mut self, service: &BareJid) -> Result<(), Failed> {
        let wrong = |error: &dyn std::fmt::Display| Failed::Because(format!("the room: {error}"));
        let place = match &self.room {
            Some(place) => place.clone(),
            None => {
                let nickname =
                    ResourcePart::new(&self.person.name).map_err(|error| wrong(&error))?.into_owned();
                let room =
                    format!("visitor-{}-{:x}@{}", self.person.number, self.person.run, service.domain());
                BareJid::new(&room).map_err(|error| wrong(&error))?.with_resource(&nickname)
            }
        };
        let known = self.room.is_some();
        self.room = Some(place.clone());
        let history = History::new().with_maxstanzas(0);
        let entering =
            Presence::available().with_to(place.clone()).with_payload(Muc::new().with_history(history));
        self.send(entering).await?;
        let inside = Jid::from(place.clone());
        self.until("he is in his room", |stanza| {
            matches!(stanza, Stanza::Presence(presence)
                if presence.from.as_ref() == Some(&inside) && presence.type_ == presence::Type::None)
        })
        .await?;
        if known {
            return Ok(());
        }
        let room = Jid::from(place.to_bare());
        let form = Element::builder("x", ns::DATA_FORMS).attr(xml_ncname!("type").into(), "submit").build();
        let query = Element::builder("query", MUC_OWNER).append(form).build();
        let open = Iq::Set { from: None, to: Some(room.clone()), id: "open".into(), payload: query };
        self.send(open).await?;
        self.until(
            "his room is open",
            |stanza| matches!(stanza, Stanza::Iq(Iq::Result { id, .. }) if id == "open"),
        )
        .await?;
        let invite = Element::builder("invite", ns::MUC_USER)
            .attr(xml_ncname!("to").into(), self.person.to.to_string())
            .build();
        let mut invitation = Message::new_with_type(MessageType::Normal, room);
        invitation.payloads.push(Element::builder("x", ns::MUC_USER).append(invite).build());
        self.send(invitation).await.map(drop)
    }

    async fn say(&mut self, text: String) -> Result<(), Failed> {
        self.typed = None;
        self.ids += 1;
        let id = format!("{:016x}-{}-{}", self.person.run, self.person.number, self.ids);
        let mut message = self.message().with_body(Lang::new(), text).with_payload(ChatState::Active);
        if self.room.is_none() {
            message = message.with_payload(Request);
        }
        message = message.with_payload(OriginId { id: id.clone() });
        message.id = Some(xmpp_parsers::message::Id(id));
        self.outcome.sent += 1;
        self.transmit(message).await?;
        let end = Instant::now() + SOON;
        while self.unacknowledged.len() >= UNACKNOWLEDGED_MAX {
            if !self.live_until(end, |visitor| visitor.unacknowledged.len() < UNACKNOWLEDGED_MAX).await? {
                return Err(Failed::Because("the server acknowledges nothing".into()));
            }
        }
        Ok(())
    }

    /// Sends a message that must arrive, and asks whether it did.
    async fn transmit(&mut self, message: Message) -> Result<(), Failed> {
        let number = self.send(message.clone()).await?;
        self.unacknowledged.push_back((number, message));
        Ok(self.connected()?.ask().await?)
    }

    /// The input's whole text, as real-time text.
    async fn types(&mut self, text: String) -> Result<(), Failed> {
        let (event, seq) = match self.typed {
            None => (Event::New, 0),
            Some(seq) => (Event::Reset, seq),
        };
        self.typed = Some(seq + 1);
        let actions = vec![Action::Insert { pos: None, text: Some(text) }];
        let rtt = Element::from(Rtt { seq, event, id: None, actions });
        let mut message = self.message().with_payload(ChatState::Composing);
        message.payloads.push(rtt);
        self.send(message).await.map(drop)
    }

    async fn tell(&mut self, state: Tells) -> Result<(), Failed> {
        let state = match state {
            Tells::Active => ChatState::Active,
            Tells::Composing => ChatState::Composing,
            Tells::Paused => ChatState::Paused,
            Tells::Inactive => ChatState::Inactive,
            Tells::Gone => ChatState::Gone,
        };
        let message = self.message().with_payload(state);
        self.send(message).await.map(drop)
    }

    async fn expect(&mut self, what: &Expected, within: Duration, round: u32) -> Result<(), Failed> {
        let text = match what {
            Expected::Text(text) => self.filled(text, round),
            Expected::Any | Expected::Error => String::new(),
        };
        let found = move |visitor: &mut Visitor| {
            if *what == Expected::Error {
                return visitor.refusals.pop_front().is_some();
            }
            while let Some(body) = visitor.inbox.pop_front() {
                if *what == Expected::Any || body.contains(&text) {
                    return true;
                }
            }
            false
        };
        if self.live_until(Instant::now() + within, found).await? {
            return Ok(());
        }
        let last = self
            .outcome
            .last
            .as_deref()
            .map_or("nothing came".to_owned(), |text| format!("last came: {text}"));
        Err(Failed::Because(format!("not within {} s; {last}", within.as_secs_f32())))
    }

    /// Waits until the server has taken all that was said.
    async fn settle(&mut self) -> Result<(), Failed> {
        if self.connection.is_none() || self.unacknowledged.is_empty() {
            // Who was cut off at the end of his script cannot know; what he said then is not acknowledged.
            return Ok(());
        }
        self.connected()?.ask().await?;
        if self.live_until(Instant::now() + SOON, |visitor| visitor.unacknowledged.is_empty()).await? {
            return Ok(());
        }
        Err(Failed::Because(format!("{} messages were not acknowledged", self.unacknowledged.len())))
    }

    async fn depart(&mut self) {
        let Some(mut connection) = self.connection.take() else { return };
        if let Some(place) = &self.room {
            // A connection that is gone is gone.
            drop(connection.send(Presence::unavailable().with_to(place.clone())).await);
        }
        drop(connection.send(Presence::unavailable()).await);
        connection.close().await;
    }

    /// Takes what comes until something is so, which is looked at first. Gives whether it became so.
    async fn live_until(
        &mut self,
        end: Instant,
        mut so: impl FnMut(&mut Self) -> bool,
    ) -> Result<bool, Failed> {
        loop {
            if so(self) {
                return Ok(true);
            }
            while let Some(receipt) = self.receipts.pop_front() {
                self.send(receipt).await?;
            }
            let Some(connection) = &mut self.connection else {
                tokio::time::sleep_until(end).await;
                return Ok(so(self));
            };
            match timeout_at(end, connection.next()).await {
                Ok(heard) => self.hear(heard?),
                Err(_) => return Ok(false),
            }
        }
    }

    /// Takes what comes until such a stanza came.
    async fn until(&mut self, what: &str, fits: impl Fn(&Stanza) -> bool) -> Result<(), Failed> {
        let end = Instant::now() + SOON;
        loop {
            let heard = timeout_at(end, self.connected()?.next()).await;
            let heard =
                heard.map_err(|_| Failed::Because(format!("{what}: not within {} s", SOON.as_secs())))??;
            let found = matches!(&heard, Heard::Stanza(stanza) if fits(stanza));
            self.hear(heard);
            if found {
                return Ok(());
            }
            if let Some(why) = self.refusals.pop_front() {
                return Err(Failed::Because(format!("{what}: {why}")));
            }
        }
    }

    fn hear(&mut self, heard: Heard) {
        match heard {
            Heard::Acknowledged(number) => {
                while self.unacknowledged.front().is_some_and(|(sent, _)| *sent <= number) {
                    self.unacknowledged.pop_front();
                    self.outcome.acknowledged += 1;
                }
            }
            Heard::Stanza(stanza) => match *stanza {
                Stanza::Message(message) => self.hear_message(&message),
                Stanza::Presence(presence) if presence.type_ == presence::Type::Error => {
                    self.refuse(presence.payloads.iter().find(|payload| payload.name() == "error"));
                }
                Stanza::Iq(Iq::Error { error, .. }) => self.refuse(Some(&Element::from(error))),
                Stanza::Presence(_) | Stanza::Iq(_) => {}
            },
        }
    }

    fn hear_message(&mut self, message: &Message) {
        if message.type_ == MessageType::Error {
            // Another's place in the room that is gone is not about what he said.
            let other = message.from.as_ref().filter(|from| from.resource().is_some());
            if self.room.is_some() && other.is_some() {
                return;
            }
            self.refuse(message.payloads.iter().find(|payload| payload.name() == "error"));
            return;
        }
        let ours = self.room.as_ref().is_some_and(|place| message.from == Some(Jid::from(place.clone())));
        let asks = message.payloads.iter().any(|payload| payload.is("request", ns::RECEIPTS));
        if let (true, None, Some(id), Some(from)) = (asks, &self.room, &message.id, &message.from) {
            let receipt = Message::chat(from.clone()).with_payload(Received { id: id.0.clone() });
            self.receipts.push_back(receipt);
        }
        let delayed = message.payloads.iter().any(|payload| payload.is("delay", ns::DELAY));
        let Some((_, body)) = message.get_best_body(vec!["", "nl", "en"]) else { return };
        if ours || delayed && self.room.is_some() {
            return;
        }
        self.outcome.received += 1;
        self.outcome.last = Some(body.clone());
        if self.inbox.len() < INBOX_MAX {
            self.inbox.push_back(body.clone());
        }
    }

    fn refuse(&mut self, error: Option<&Element>) {
        self.outcome.errors += 1;
        let condition = error.and_then(|error| error.children().find(|child| child.name() != "text"));
        let text = error.and_then(|error| error.children().find(|child| child.name() == "text"));
        let condition = condition.map_or("an error without a reason", Element::name);
        let words = text.map(|text| format!(" ({})", text.text())).unwrap_or_default();
        if self.refusals.len() < INBOX_MAX {
            self.refusals.push_back(format!("{condition}{words}"));
        }
    }

    async fn send(&mut self, stanza: impl Into<Stanza>) -> Result<u64, Failed> {
        Ok(self.connected()?.send(stanza).await?)
    }

    fn connected(&mut self) -> Result<&mut Connection, Failed> {
        let gone = || Failed::Because("he is not connected; reconnect comes first".into());
        self.connection.as_mut().ok_or_else(gone)
    }

    /// An empty message to whom he talks with.
    fn message(&self) -> Message {
        match &self.room {
            Some(place) => Message::groupchat(Jid::from(place.to_bare())),
            None => Message::chat(self.person.to.clone()),
        }
    }

    fn filled(&self, text: &str, round: u32) -> String {
        filled(text, &self.person.name, self.person.number, round)
    }

    /// A time between these, the same in each run with this seed.
    fn chance(&mut self, from: Duration, to: Duration) -> Duration {
        self.chances = mix(self.chances);
        let width = u64::try_from((to - from).as_millis()).unwrap_or(u64::MAX).saturating_add(1);
        from + Duration::from_millis(self.chances % width)
    }
}
