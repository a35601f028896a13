//! The switch and what is remembered of its clients.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::Duration;

use schakel_csta_wire::{Edition, InvokeId, Message, encode_frame};
use serde::Serialize;

use super::identity::Names;
use super::link::{Link, LinkId};
use super::log::{LogEntry, MessageLog};
use super::translate::Telling;
use crate::config::{CstaConfig, DeviceIdStyle, Order};
use crate::sins::{MALFORMED, Pending};
use crate::switch::{Command, EventKind, Number, Outcome, RegistrationId, Switch, SwitchError, SwitchEvent};

/// An event that was held back goes out after so long, even if no other comes.
const HELD_BACK: Duration = Duration::from_millis(100);

/// Everything behind the lock.
pub(crate) struct Core {
    pub(super) switch: Switch,
    pub(super) csta: CstaConfig,
    pub(super) links: BTreeMap<LinkId, Link>,
    /// Who hears of a device: link and cross reference id.
    pub(super) monitors: HashMap<Number, Vec<(LinkId, Arc<str>)>>,
    /// Who is asked on behalf of a registration for route requests.
    pub(super) routers: BTreeMap<RegistrationId, LinkId>,
    pub(super) sins: Pending,
    pub(super) style: DeviceIdStyle,
    pub(super) order: Order,
    pub(super) dribble: Option<(u16, u64)>,
    /// New links are refused.
    pub(super) refusing: bool,
    pub(super) stalled: bool,
    /// Counts orders about the link as a whole: an end that was planned for an earlier one is void.
    pub(super) trouble: u64,
    later: BTreeMap<(Duration, u64), Later>,
    next_later: u64,
    armed: Option<Duration>,
    pub(super) log: MessageLog,
    next_link: LinkId,
    pub(super) next_monitor: u64,
    pub(super) next_reference: u64,
    xml: Vec<u8>,
    frame: Vec<u8>,
}

/// What the server does later.
pub(super) enum Later {
    /// Send bytes.
    Send(LinkId, Vec<u8>),
    /// Send an event that was held back.
    Release(LinkId),
    /// See whether the session is over.
    Session(LinkId),
    /// Send `SystemStatus`.
    Status(LinkId),
    /// Accept links again, and read and write again, unless something was ordered since.
    Heal(u64),
}

/// The server as a person would want to see it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ServerState {
    /// Every link.
    pub links: Vec<LinkView>,
    /// New links are refused.
    pub refusing: bool,
    /// Links are neither read nor written.
    pub stalled: bool,
}

/// One link.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct LinkView {
    /// Its number.
    pub id: u64,
    /// The address of the client.
    pub peer: String,
    /// The edition that is spoken on it.
    pub edition: String,
    /// The client has an ECMA-354 session.
    pub session: Option<String>,
    /// How many monitors it has.
    pub monitors: usize,
    /// How many registrations for route requests it has.
    pub registrations: usize,
    /// How many requests it has made.
    pub requests: u64,
    /// How many events it was sent.
    pub events: u64,
    /// How many `SystemStatus` requests it has left unanswered.
    pub unanswered_status: u32,
}

impl Core {
    pub(crate) fn new(switch: Switch, csta: CstaConfig) -> Self {
        Self {
            switch,
            links: BTreeMap::new(),
            monitors: HashMap::new(),
            routers: BTreeMap::new(),
            sins: Pending::default(),
            style: csta.device_ids,
            order: csta.order,
            dribble: None,
            refusing: false,
            stalled: false,
            trouble: 0,
            later: BTreeMap::new(),
            next_later: 0,
            armed: None,
            log: MessageLog::new(csta.log_messages),
            next_link: 1,
            next_monitor: 1001,
            next_reference: 1,
            xml: Vec::with_capacity(2048),
            frame: Vec::with_capacity(2048),
            csta,
        }
    }

    pub(crate) const fn switch(&self) -> &Switch {
        &self.switch
    }

    /// Something happens at the switch; every monitor hears of it.
    pub(crate) fn execute(&mut self, now: Duration, command: &Command) -> Result<Outcome, SwitchError> {
        let mut events = Vec::new();
        let outcome = self.switch.execute(now, command, &mut events);
        self.fan_out(now, &events);
        outcome
    }

    /// Everything that is due happens.
    pub(crate) fn tick(&mut self, now: Duration) {
        self.armed = None;
        let mut events = Vec::new();
        self.switch.tick(now, &mut events);
        self.fan_out(now, &events);
        while let Some(entry) = self.later.first_entry().filter(|e| e.key().0 <= now) {
            match entry.remove() {
                Later::Send(link, bytes) => self.send(link, &bytes),
                Later::Release(link) => self.release(link),
                Later::Session(link) => self.check_session(now, link),
                Later::Status(link) => self.send_status(now, link),
                Later::Heal(order) if order == self.trouble => self.heal(),
                Later::Heal(_) => {}
            }
        }
    }

    /// When `tick` has something to do next.
    pub(crate) fn next_deadline(&self) -> Option<Duration> {
        let later = self.later.first_key_value().map(|(key, _)| key.0);
        self.switch.next_deadline().into_iter().chain(later).min()
    }

    /// The clock sleeps until the next deadline from now on.
    pub(crate) fn arm(&mut self) -> Option<Duration> {
        self.armed = Some(self.next_deadline().unwrap_or(Duration::MAX));
        self.next_deadline()
    }

    pub(crate) fn deadline_came_nearer(&self) -> bool {
        match (self.next_deadline(), self.armed) {
            (Some(next), Some(armed)) => next < armed,
            _ => false,
        }
    }

    pub(crate) const fn is_stalled(&self) -> bool {
        self.stalled
    }

    pub(crate) const fn is_refusing(&self) -> bool {
        self.refusing
    }

    pub(crate) const fn dribble(&self) -> Option<(u16, u64)> {
        self.dribble
    }

    pub(super) fn do_later(&mut self, at: Duration, what: Later) {
        self.later.insert((at, self.next_later), what);
        self.next_later += 1;
    }

    pub(super) const fn names(&self) -> Names<'_> {
        Names { style: self.style, switch: &self.switch }
    }

    /// A client is there. `None` if there are too many.
    pub(crate) fn open_link(&mut self, now: Duration, peer: String) -> Option<LinkId> {
        if self.refusing || self.links.len() >= self.csta.max_links {
            return None;
        }
        let id = self.next_link;
        self.next_link += 1;
        self.remark(now, id, &format!("{peer} is connected"));
        self.links.insert(id, Link::new(peer, Edition::from(self.csta.edition), self.csta.namespace));
        if self.csta.status_on_connect {
            self.send_status(now, id);
        } else if let Some(every) = self.csta.status_every {
            self.do_later(now + every.0, Later::Status(id));
        }
        Some(id)
    }

    pub(crate) fn link(&self, id: LinkId) -> Option<&Link> {
        self.links.get(&id)
    }

    /// What the writer of a link is to send now.
    pub(crate) fn take_out(&mut self, id: LinkId, into: &mut Vec<u8>) {
        into.clear();
        if let Some(link) = self.links.get_mut(&id) {
            std::mem::swap(&mut link.out, into);
        }
    }

    /// A client is gone, and its monitors with it.
    pub(crate) fn close_link(&mut self, now: Duration, id: LinkId, reason: &str) {
        let Some(link) = self.links.remove(&id) else { return };
        link.cut.cancel();
        for (monitor, device) in &link.monitors {
            self.forget_monitor(id, monitor, device);
        }
        self.forget_router(now, id);
        self.remark(now, id, &format!("{} is gone: {reason}", link.peer));
    }

    pub(super) fn forget_monitor(&mut self, link: LinkId, monitor: &str, device: &Number) {
        if let Some(list) = self.monitors.get_mut(device) {
            list.retain(|(of, id)| *of != link || **id != *monitor);
            if list.is_empty() {
                self.monitors.remove(device);
            }
        }
    }

    pub(super) fn remark(&mut self, now: Duration, link: LinkId, text: &str) {
        tracing::debug!(link, text);
        self.log.add(millis(now), link, '!', b"", text.as_bytes());
    }

    /// Tells every monitor, and whoever is asked where calls shall go, what happened.
    pub(super) fn fan_out(&mut self, now: Duration, events: &[SwitchEvent]) {
        let mut held_back = Vec::new();
        for event in events {
            match &event.kind {
                EventKind::Routeing(message) => self.tell_router(now, event, message),
                _ => self.tell_monitors(now, event, &mut held_back),
            }
        }
        for link in held_back {
            self.do_later(now + HELD_BACK, Later::Release(link));
        }
    }

    fn tell_monitors(&mut self, now: Duration, event: &SwitchEvent, held_back: &mut Vec<LinkId>) {
        let Self { switch, links, monitors, sins, style, csta, log, xml, frame, .. } = self;
        let names = Names { style: *style, switch };
        for view in &event.views {
            for (id, monitor) in monitors.get(&view.device).into_iter().flatten() {
                let Some(link) = links.get_mut(id) else { continue };
                if Pending::take(&mut sins.lose) {
                    continue;
                }
                xml.clear();
                frame.clear();
                if Pending::take(&mut sins.malformed) {
                    let kind = MALFORMED.iter().cycle().nth(sins.malformed_sent % MALFORMED.len());
                    xml.extend_from_slice(kind.copied().unwrap_or_default());
                    sins.malformed_sent += 1;
                } else {
                    let cause = event.cause.and_then(|_| Pending::take_with(&mut sins.wrong_cause));
                    let (services, uid_links) = (csta.services_permitted, csta.uid_links);
                    let reasons = csta.agent_reasons;
                    let telling = Telling { names, monitor, services, uid_links, reasons, cause };
                    link.encoder.encode(&telling.message(event, view), xml);
                }
                if encode_frame(InvokeId::EVENT, xml, frame).is_err() {
                    // A conference that fills 64 KB cannot be told; no limit here lets one come about.
                    continue;
                }
                log.add(millis(now), *id, '>', b"9999", xml);
                link.events += 1;
                if let Some(held) = link.held_back.take() {
                    link.send(frame);
                    link.send(&held);
                } else if Pending::take(&mut sins.reorder) {
                    link.held_back = Some(frame.clone());
                    held_back.push(*id);
                } else {
                    link.send(frame);
                }
                if Pending::take(&mut sins.duplicate) {
                    link.send(frame);
                }
            }
        }
    }

    fn release(&mut self, id: LinkId) {
        if let Some(link) = self.links.get_mut(&id)
            && let Some(held) = link.held_back.take()
        {
            link.send(&held);
        }
    }

    pub(super) fn send(&mut self, id: LinkId, bytes: &[u8]) {
        if let Some(link) = self.links.get_mut(&id) {
            link.send(bytes);
        }
    }

    /// Sends a message that is no event; `late` by so long.
    pub(super) fn transmit(
        &mut self,
        now: Duration,
        id: LinkId,
        invoke: InvokeId,
        message: &Message<'_>,
        late: Option<Duration>,
    ) {
        let Some(link) = self.links.get_mut(&id) else { return };
        self.xml.clear();
        link.encoder.encode(message, &mut self.xml);
        let mut frame = Vec::with_capacity(self.xml.len() + 8);
        if let Err(too_long) = encode_frame(invoke, &self.xml, &mut frame) {
            let refusal = schakel_csta_wire::CstaError::new(
                schakel_csta_wire::ErrorCategory::SystemResourceAvailability,
                "resourceLimitExceeded",
            );
            self.remark(now, id, &format!("{too_long}; refused instead"));
            return self.transmit(now, id, invoke, &refusal.into(), late);
        }
        self.log.add(millis(now), id, '>', &invoke.0, &self.xml);
        match late {
            Some(by) => self.do_later(now + by, Later::Send(id, frame)),
            None => self.send(id, &frame),
        }
    }

    pub(crate) fn server_state(&self) -> ServerState {
        let view = |(id, link): (&LinkId, &Link)| LinkView {
            id: *id,
            peer: link.peer.clone(),
            edition: link.edition.to_string(),
            session: link.session.as_ref().map(|session| session.id.clone()),
            monitors: link.monitors.len(),
            registrations: self.routers.values().filter(|of| **of == *id).count(),
            requests: link.requests,
            events: link.events,
            unanswered_status: link.unanswered,
        };
        ServerState {
            links: self.links.iter().map(view).collect(),
            refusing: self.refusing,
            stalled: self.stalled,
        }
    }

    pub(crate) fn log_entries(&self) -> Vec<LogEntry> {
        self.log.entries()
    }
}

pub(super) fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}
