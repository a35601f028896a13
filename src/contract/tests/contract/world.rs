//! A small world: one telephone system, an agent at 2001 with a session open, a customer who is being transferred to
//! 2002, another caller in the queue 7000, and a call for which JKC is asked where it goes.

use schakel_core::command::{Actor, Command, CommandRecord, CommandState, Control};
use schakel_core::model::agent::{Agent, ProviderAgentState, Readiness, Registration};
use schakel_core::model::availability::{
    Availability, AvailabilityState, Because, CAPACITY, Claim, Claimant,
};
use schakel_core::model::call::{Call, Connection, ConnectionState, Direction, Party, Purpose};
use schakel_core::model::cause::Cause;
use schakel_core::model::contact::Contact;
use schakel_core::model::device::{Device, DeviceKind};
use schakel_core::model::ids::{
    CallId, CommandId, ContactId, NotificationId, OrganisationId, RouteId, SessionId, TransferId,
};
use schakel_core::model::pii::Pii;
use schakel_core::model::provider::{Capabilities, LinkState, Provider};
use schakel_core::model::route::{Route, RouteState};
use schakel_core::model::session::{Session, SessionCause, SessionState};
use schakel_core::model::time::{Millis, Time};
use schakel_core::model::transfer::{Transfer, TransferKind, TransferState};
use schakel_core::notification::{Kind, Notification, Subject};
use schakel_core::state::{AtDevice, State};

pub const AT: Time = Time(1_795_339_800_000);
pub const CALL: CallId = CallId(0x0190_0000_0000_7000_8000_0000_0000_0001);
pub const CONTACT: ContactId = ContactId(0x0190_0000_0000_7000_8000_0000_0000_0002);
pub const TRANSFER: TransferId = TransferId(0x0190_0000_0000_7000_8000_0000_0000_0003);
pub const COMMAND: CommandId = CommandId(0x0190_0000_0000_7000_8000_0000_0000_0004);
pub const NOTIFICATION: NotificationId = NotificationId(0x0190_0000_0000_7000_8000_0000_0000_0005);
pub const SESSION: SessionId = SessionId(0x0190_0000_0000_7000_8000_0000_0000_0006);
pub const ROUTE: RouteId = RouteId(0x0190_0000_0000_7000_8000_0000_0000_0007);
pub const QUEUED: CallId = CallId(0x0190_0000_0000_7000_8000_0000_0000_0008);

pub fn state() -> State {
    let mut state = State::new(OrganisationId::from("voorbeeld"));
    state.providers.insert("centrale".into(), provider());
    state.calls.insert(CALL, call());
    state.contacts.insert(CONTACT, contact());
    state.transfers.insert(TRANSFER, transfer());
    state.commands.insert(COMMAND, command());
    state.agents.insert("jansen".into(), agent());
    state.sessions.insert(SESSION, session());
    state.routes.insert(ROUTE, route());
    state.calls.insert(QUEUED, queued());
    let queue =
        Device { kind: DeviceKind::Queue, name: Some(Pii::new("Publieksbalie".into())), ..Device::default() };
    let devices = [("2001", Device::default()), ("7000", queue)];
    let devices = devices.map(|(id, device)| (id.into(), device));
    state.devices.insert("centrale".into(), devices.into());
    let here = AtDevice { calls: vec![QUEUED], ..AtDevice::default() };
    state.at_device.insert("centrale".into(), [("7000".into(), here)].into());
    state
}

pub fn notification(kind: Kind, subject: Subject) -> Notification {
    Notification {
        id: NOTIFICATION,
        kind,
        subject,
        contact: Some((CONTACT, 7)),
        device: Some("2001".into()),
        agent: Some("jansen".into()),
        cause: Cause::NewCall,
        command: None,
        reconstructed: false,
        at: AT,
        expires: Some(Time(AT.0 + 60_000)),
    }
}

fn customer() -> Party {
    Party { name: Some(Pii::new("J. de Vries".into())), ..Party::of_number("0201234567") }
}

fn provider() -> Provider {
    Provider {
        id: "centrale".into(),
        link: LinkState::Up,
        since: AT,
        reason: None,
        capabilities: Capabilities::default(),
        monitors_active: 2,
        monitors_refused: 0,
    }
}

fn connection(device: &str, ours: bool, state: ConnectionState) -> Connection {
    Connection {
        device: device.into(),
        ours,
        provider_call: "secret-pbx-id".into(),
        state,
        since: AT,
        connected: None,
        agent: ours.then(|| "jansen".into()),
        announced: true,
        entered: AT,
        held: Millis::default(),
        cause: Cause::NewCall,
        permitted: None,
    }
}

fn call() -> Call {
    Call {
        id: CALL,
        contact: CONTACT,
        provider: "centrale".into(),
        provider_call: "secret-pbx-id".into(),
        provider_calls: vec!["secret-pbx-id".into()],
        direction: Direction::Inbound,
        purpose: Purpose::Customer,
        calling: customer(),
        called: Party::of_number("14020"),
        calling_device: Some("0201234567".into()),
        called_device: None,
        network_called: None,
        redirected_by: None,
        queue: None,
        connections: vec![
            connection("0201234567", false, ConnectionState::Connected),
            connection("2001", true, ConnectionState::Held),
        ],
        correlator: None,
        started: AT,
        answered: Some(AT),
        failed: None,
        ended: None,
        stale: None,
        reconstructed: false,
        dialled_by: None,
        version: 3,
    }
}

fn contact() -> Contact {
    Contact {
        id: CONTACT,
        customer: customer(),
        dialled: Some(Party::of_number("14020")),
        calls: vec![CALL],
        transfers: vec![TRANSFER],
        chats: Vec::new(),
        seq: 7,
        started: AT,
        ended: None,
        reference: None,
        erased: false,
    }
}

fn transfer() -> Transfer {
    Transfer {
        id: TRANSFER,
        contact: CONTACT,
        kind: TransferKind::Warm,
        device: "2001".into(),
        call: CALL,
        consultation: None,
        to: Pii::new("2002".into()),
        to_device: None,
        state: TransferState::Ringing,
        cause: Cause::Consultation,
        pending: None,
        take_back: None,
        by_hand: false,
        department: None,
        started: AT,
        ended: None,
        version: 1,
    }
}

fn command() -> CommandRecord {
    CommandRecord {
        id: COMMAND,
        command: Command::Control { call: CALL, device: "2001".into(), control: Control::Hold },
        by: Actor::named("jkc"),
        accepted: AT,
        state: CommandState::Sent,
        step: 0,
        device: Some(("centrale".into(), "2001".into())),
        call: Some(CALL),
        transfer: None,
        session: None,
        route: None,
        chat: None,
        offer: None,
        offline: None,
        deadline: Time(AT.0 + 10_000),
    }
}

fn agent() -> Agent {
    let registration = Registration {
        agent: "jansen".into(),
        provider: "centrale".into(),
        device: "2001".into(),
        provider_agent: None,
        queues: vec!["7000".into()],
        since: AT,
    };
    Agent {
        id: "jansen".into(),
        registration: Some(registration),
        readiness: Readiness::Ready,
        provider_state: Some(ProviderAgentState::Busy),
        asked_state: None,
        rested: None,
        after_call: None,
        session: Some(SESSION),
        chat: None,
        availability: Availability {
            state: AvailabilityState::OnCall,
            reasons: vec![Because::Call(CALL), Because::Session(SESSION)],
            ledger: vec![
                Claim { by: Claimant::Call(CALL), share: CAPACITY },
                Claim { by: Claimant::Session(SESSION), share: CAPACITY },
            ],
            takes_calls: false,
            takes_chats: false,
            since: AT,
        },
        version: 1,
    }
}

fn session() -> Session {
    Session {
        id: SESSION,
        agent: "jansen".into(),
        contact: Some(CONTACT),
        reference: Some("zaak-1".into()),
        state: SessionState::Open,
        why: SessionCause::Asked,
        opened: AT,
        since: AT,
        lease: Some(Time(AT.0 + 60_000)),
        vanished: None,
        decisions: [(CALL, None)].into(),
        opened_by: COMMAND,
        version: 2,
    }
}

fn route() -> Route {
    Route {
        id: ROUTE,
        provider: "centrale".into(),
        dialogue: "secret-pbx-id".into(),
        device: "7100".into(),
        call: Some(CALL),
        contact: Some(CONTACT),
        calling: customer(),
        current: Some(Party::of_number("7000")),
        asked: AT,
        deadline: Time(AT.0 + 4_000),
        tries: 1,
        failed: Vec::new(),
        state: RouteState::Asked,
        version: 1,
    }
}

fn queued() -> Call {
    let connections = vec![
        connection("0612345678", false, ConnectionState::Connected),
        connection("7000", true, ConnectionState::Queued),
    ];
    Call { id: QUEUED, connections, queue: Some("7000".into()), ..call() }
}
