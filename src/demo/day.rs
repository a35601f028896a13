//! An agent's day: JKC routes by recognition, after-call work lasts as long as its session, work is never overwritten.

use super::agreement::agree;
use super::stage::{
    BAKERY, DE_VRIES, GARAGE, Outsider, POINT, PROVIDER, QUEUE, Ringing, SMIT, SOON, Stage, rings_at,
};
use super::teller::{Untrue, Who, say};
use crate::client::{screen, work};
use crate::jkc::Routing;
use reqwest::Method;
use schakel_contract::event::Event;
use schakel_contract::requests::{CustomerNumberRequest, CustomerRequest, DirectoryEntryRequest};
use schakel_contract::views::{
    ActionName, AvailabilityState, CustomerKind, CustomerView, DecidedBy, DirectoryEntryView, EntryKind,
    QueueView, SessionCause, SessionDecision, SessionState, SessionView,
};
use schakel_simulator::switch::AgentState;
use std::time::Duration;
use uuid::Uuid;

/// JKC's reference of the customer who is known.
const REFERENCE: &str = "K-10042";

/// The department where his calls go, in the directory.
const DEPARTMENT: &str = "burgerzaken";

/// Routed by recognition; after-call work as long as the session, in the PBX too; then the next from the queue (T01,
/// T02, T10, T11).
pub(super) async fn after_call_work(stage: &mut Stage) -> Result<(), Untrue> {
    stage
        .teller
        .chapter(
            "De dag van Anna: herkend, gerouteerd, nawerk, en dan pas de volgende",
            "Anna's day: recognised, routed, after-call work, and only then the next",
        )
        .await;
    prepared(stage).await?;
    signed_on(stage).await?;

    let ringing = routed(stage, DE_VRIES, Some(QUEUE)).await?;
    named(stage, &ringing)?;
    let first = taken(stage, &ringing).await?;
    let mark = stage.mark();
    stage.hangs_up(DE_VRIES)?;
    stage.told(mark, ringing.contact, "agent.after-call-started").await?;
    stage.at_the_pbx("2001", AgentState::WorkingAfterCall).await?;
    is_now(stage, AvailabilityState::AfterCall).await?;
    say!(
        stage,
        Checked,
        "het contact staat nog open: Anna is in nawerk, in de telefooncentrale ook",
        "the contact is still open: Anna is in after-call work, in the telephone system too"
    );

    let next = waits(stage, BAKERY).await?;
    let mark = stage.mark();
    say!(stage, Anna, "klaar met het contact; klikt [Sluiten]", "done with the contact; clicks [Close]");
    stage.anna.close().await?;
    closed(stage, first.id).await?;
    stage.told(mark, ringing.contact, "agent.after-call-ended").await?;
    let from_queue = pops_up(stage, mark, BAKERY).await?;
    stage.teller.same("the contact that waited and rings at Anna's now", &from_queue.contact, &next)?;
    say!(
        stage,
        Checked,
        "gesloten: de centrale heeft Anna weer gereed, en de wachtende gaat over bij haar",
        "closed: the telephone system has Anna ready again, and who waited rings at hers"
    );
    taken(stage, &from_queue).await?;
    let mark = stage.mark();
    stage.hangs_up(BAKERY)?;
    stage.told(mark, from_queue.contact, "agent.after-call-started").await?;
    stage.at_the_pbx("2001", AgentState::WorkingAfterCall).await?;
    agree(stage).await
}

/// A call in the middle of other work, a browser that vanishes, and a JKC that does not answer (T01, T11, T16).
pub(super) async fn work_is_kept(stage: &mut Stage) -> Result<(), Untrue> {
    stage
        .teller
        .chapter(
            "Werk wordt niet overschreven, ook niet als de browser verdwijnt",
            "Work is not overwritten, not even when the browser vanishes",
        )
        .await;
    let kept = open(stage)?;
    decided(stage, &kept).await?;
    resumed(stage, kept.id).await?;
    vanished(stage, kept.id).await?;
    fallen_back(stage).await?;
    let mark = stage.mark();
    say!(stage, Anna, "is terug: [Gereed], [Hervatten], [Sluiten]", "is back: [Ready], [Resume], [Close]");
    stage.anna.browser(true);
    stage.anna.set_ready(true, None).await?;
    stage.anna.resume().await?;
    stage.anna.close().await?;
    closed(stage, kept.id).await?;
    stage.heard(mark, "Anna is available", |event| is_anna(event, AvailabilityState::Available)).await?;
    stage.at_the_pbx("2001", AgentState::Ready).await?;
    agree(stage).await
}

/// JKC switches a customer's number on, puts the department in the directory, and says how it routes.
async fn prepared(stage: &Stage) -> Result<(), Untrue> {
    let Outsider { name, number } = DE_VRIES;
    let numbers = vec![CustomerNumberRequest {
        // As a civil servant writes it: the PBX tells it without the dash.
        number: number.replacen("06", "06-", 1),
        enabled: true,
        representative_of: None,
    }];
    let customer = CustomerRequest { kind: CustomerKind::Person, name: name.into(), numbers };
    let path = ["recognition", "customers", REFERENCE];
    let _: CustomerView = stage.api.send(Method::PUT, &path, &customer).await?;
    let entry = DirectoryEntryRequest {
        kind: EntryKind::Department,
        name: "Burgerzaken".into(),
        number: QUEUE.into(),
        department: None,
        function: None,
        agent: None,
        email: None,
        queue: Some(QUEUE.into()),
    };
    let path = ["directory", "entries", DEPARTMENT];
    let _: DirectoryEntryView = stage.api.send(Method::PUT, &path, &entry).await?;
    stage.jkc.route(routing()?);
    say!(
        stage,
        Jkc,
        "zet herkenning aan voor {name} ({REFERENCE}), en stuurt hem naar Burgerzaken",
        "switches recognition on for {name} ({REFERENCE}), and sends him to Burgerzaken"
    );
    Ok(())
}

/// How JKC routes: the known customer to his department, everybody else where the PBX sends them.
pub(super) fn routing() -> Result<Routing, Untrue> {
    let rules = [format!("{REFERENCE}=entry:{DEPARTMENT}"), "default".to_owned()];
    let rules = rules.iter().map(|rule| rule.parse()).collect::<Result<_, _>>();
    let rules = rules.map_err(|error: crate::jkc::NotARule| Untrue::SetUp(error.to_string()))?;
    Ok(Routing { rules, after: Duration::ZERO })
}

/// Anna signs on for the queue, and is ready, in the PBX too (T14).
async fn signed_on(stage: &mut Stage) -> Result<(), Untrue> {
    let mark = stage.mark();
    say!(
        stage,
        Anna,
        "meldt zich aan op 2001 voor wachtrij {QUEUE}, en is gereed",
        "signs on at 2001 for queue {QUEUE}, and is ready"
    );
    stage.anna_begins_her_day().await?;
    stage.anna.set_ready(true, None).await?;
    stage.heard(mark, "Anna is available", |event| is_anna(event, AvailabilityState::Available)).await?;
    stage.at_the_pbx("2001", AgentState::Ready).await
}

/// Somebody calls the municipality's number; the PBX asks, JKC answers; it rings at Anna's.
async fn routed(stage: &mut Stage, who: Outsider, to: Option<&str>) -> Result<Ringing, Untrue> {
    let mark = stage.mark();
    asked(stage, mark, who).await?;
    let event = stage.heard(mark, "route.decided", |event| event.data.change == "route.decided").await?;
    let route = event.data.route.as_ref();
    let decision = route.and_then(|route| route.decision.as_ref());
    let number = decision.and_then(|decision| decision.number.as_deref());
    let by = route.and_then(|route| route.decided_by);
    stage.teller.check(number == to && by == Some(DecidedBy::Jkc), || {
        format!("JKC sends the call to {to:?}; it was decided {decision:?} by {by:?}")
    })?;
    pops_up(stage, mark, who).await
}

/// Somebody calls the municipality's number, and the PBX asks JKC.
async fn asked(stage: &Stage, mark: usize, who: Outsider) -> Result<(), Untrue> {
    let name = who.name;
    say!(
        stage,
        Pbx,
        "{name} belt het nummer van de gemeente ({POINT})",
        "{name} calls the city's number ({POINT})"
    );
    stage.calls(who, POINT)?;
    stage.heard(mark, "route.requested", |event| event.data.change == "route.requested").await.map(drop)
}

async fn pops_up(stage: &Stage, mark: usize, who: Outsider) -> Result<Ringing, Untrue> {
    let what = format!("the pop-up of {} at 2001", who.number);
    let (event, _) = stage.jkc.event_after(mark, what, SOON, |event| rings_at(event, "2001")).await?;
    stage.teller.tell(Who::Jkc, "pop-up:");
    stage.popup(&event);
    stage.teller.pause().await;
    let ringing = Ringing::of(event)?;
    let contact = ringing.event.data.contact.as_ref();
    let number = contact.and_then(|contact| contact.customer.number.as_deref());
    stage.teller.check(number == Some(who.number), || {
        format!("the pop-up shows {}; it shows {number:?}", who.number)
    })?;
    Ok(ringing)
}

/// The pop-up has the name that JKC switched on, before anybody answers (T04, T10).
fn named(stage: &Stage, ringing: &Ringing) -> Result<(), Untrue> {
    let found = ringing.event.data.contact.as_ref().and_then(|contact| contact.recognition.as_ref());
    let matches: Vec<_> = found.map(|found| &*found.matches).unwrap_or_default().iter().collect();
    let known = matches.iter().map(|each| (&*each.name, &*each.reference)).collect::<Vec<_>>();
    stage.teller.check(known == [(DE_VRIES.name, REFERENCE)], || {
        format!("the ringing call is recognised as {} ({REFERENCE}) alone; it is {known:?}", DE_VRIES.name)
    })
}

/// Anna answers; JKC opens a session about this contact.
async fn taken(stage: &Stage, ringing: &Ringing) -> Result<SessionView<'static>, Untrue> {
    super::calls::answer(stage, ringing).await?;
    let anna = stage.anna.seat().agent.clone();
    let session = stage
        .anna
        .wait("the session that JKC opens", SOON, |picture| {
            picture.session(picture.agent(&anna)?.session?).cloned()
        })
        .await?;
    let about = session.contact;
    stage.teller.check(about == Some(ringing.contact), || {
        format!("the session is about contact {}; it is about {about:?}", ringing.contact)
    })?;
    say!(stage, Jkc, "opent een contactsessie", "opens a contact session");
    Ok(session)
}

/// The next caller waits in the queue, and nothing rings at Anna's. Gives his contact.
async fn waits(stage: &Stage, who: Outsider) -> Result<Uuid, Untrue> {
    let mark = stage.mark();
    asked(stage, mark, who).await?;
    let queued = |event: &Event| event.data.change == "call.queued";
    let event = stage.heard(mark, "call.queued", queued).await?;
    let contact = Ringing::of(event)?.contact;
    let queue: QueueView<'static> = stage.api.get(&["queues", PROVIDER, QUEUE]).await?;
    let waiting: Vec<Uuid> = queue.callers.iter().map(|caller| caller.contact).collect();
    stage
        .teller
        .check(waiting == [contact], || format!("{contact} alone waits in {QUEUE}; there are {waiting:?}"))?;
    let in_after_call = queue.summary.agents_by_state.after_call;
    stage.teller.same("the queue's agents in after-call work", &in_after_call, &1)?;
    let rings = stage.jkc.look(|ledger| ledger.picture().calls_at("2001").count());
    stage.teller.same("calls at Anna's telephone during after-call work", &rings, &0)?;
    let name = who.name;
    say!(
        stage,
        Checked,
        "{name} wacht in wachtrij {QUEUE}; bij Anna gaat niets over zolang zij in nawerk is",
        "{name} waits in queue {QUEUE}; nothing rings at Anna's while she is in after-call work"
    );
    Ok(contact)
}

/// A call arrives at Anna's while she works: kept, and only then answered (T16).
async fn decided(stage: &mut Stage, work: &SessionView<'static>) -> Result<(), Untrue> {
    let mark = stage.mark();
    let ringing = stage.ring(SMIT, "2001").await?;
    let asks = |event: &Event| event.data.change == "session.decision-asked";
    let (event, _) = stage.jkc.event_after(mark, "session.decision-asked", SOON, asks).await?;
    if let Some(question) =
        stage.jkc.look(|ledger| work::question(stage.teller.language, &event, ledger.picture()))
    {
        question.lines().for_each(|line| screen::show(format_args!("{:20}{line}", "")));
    }
    stage.teller.pause().await;
    let state = event.data.session.as_ref().map(|session| (session.id, session.state));
    stage.teller.check(state == Some((work.id, SessionState::Open)), || {
        format!("the work is still open while the call rings; it is {state:?}")
    })?;
    let mark = stage.mark();
    say!(stage, Anna, "klikt [Bewaren]", "clicks [Keep]");
    stage
        .anna
        .wait("the question", SOON, |picture| {
            let open = picture.session(work.id)?;
            open.decisions.iter().any(|asked| asked.call == ringing.call).then_some(())
        })
        .await?;
    stage.anna.decide(SessionDecision::Keep).await?;
    let parked = stage.heard(mark, "session.parked", |event| event.data.change == "session.parked").await?;
    is_parked(stage, &parked, work.id, SessionCause::Decided)?;
    let other = taken(stage, &ringing).await?;
    let mark = stage.mark();
    stage.hangs_up(SMIT)?;
    stage.told(mark, ringing.contact, "agent.after-call-started").await?;
    say!(stage, Anna, "is daarmee klaar; klikt [Sluiten]", "is done with that; clicks [Close]");
    stage.anna.close().await?;
    closed(stage, other.id).await
}

async fn resumed(stage: &Stage, work: Uuid) -> Result<(), Untrue> {
    let mark = stage.mark();
    say!(stage, Anna, "klikt [Hervatten]", "clicks [Resume]");
    stage.anna.resume().await?;
    let event = stage.heard(mark, "session.resumed", |event| event.data.change == "session.resumed").await?;
    let session = event.data.session.as_ref().map(|session| session.id);
    stage.teller.check(session == Some(work), || format!("session {work} goes on; it is {session:?}"))?;
    is_now(stage, AvailabilityState::InSession).await?;
    say!(stage, Checked, "het bewaarde werk is er nog", "the work that was kept is still there");
    Ok(())
}

/// Nobody says any more that Anna's browser is there (T11).
async fn vanished(stage: &Stage, work: Uuid) -> Result<(), Untrue> {
    let mark = stage.mark();
    say!(
        stage,
        Anna,
        "haar browser verdwijnt: niemand zegt nog dat zij er is",
        "her browser vanishes: nobody says any more that she is there"
    );
    stage.anna.browser(false);
    let parked = stage.heard(mark, "session.parked", |event| event.data.change == "session.parked").await?;
    is_parked(stage, &parked, work, SessionCause::Vanished)?;
    stage.heard(mark, "Anna is not ready", |event| is_anna(event, AvailabilityState::NotReady)).await?;
    stage.at_the_pbx("2001", AgentState::NotReady).await?;
    say!(
        stage,
        Checked,
        "het werk is geparkeerd, en Anna niet gereed: in de centrale ook",
        "the work is parked, and Anna not ready: in the telephone system too"
    );
    Ok(())
}

/// JKC does not say where a call goes: the configuration does (T01).
async fn fallen_back(stage: &Stage) -> Result<(), Untrue> {
    stage.jkc.route(Routing::default());
    let mark = stage.mark();
    asked(stage, mark, GARAGE).await?;
    let fell = |event: &Event| event.data.change == "route.fell-back";
    let event = stage.heard(mark, "route.fell-back", fell).await?;
    let by = event.data.route.as_ref().and_then(|route| route.decided_by);
    stage
        .teller
        .check(by == Some(DecidedBy::Fallback), || format!("the configuration decided; it was {by:?}"))?;
    let (event, _) =
        stage.jkc.event_after(mark, "the pop-up at 2002", SOON, |event| rings_at(event, "2002")).await?;
    let contact = Ringing::of(event)?.contact;
    say!(
        stage,
        Checked,
        "JKC antwoordde niet; het gesprek ging naar 2002, zoals de configuratie zegt",
        "JKC did not answer; the call went to 2002, as the configuration says"
    );
    stage.bram.ringing(SOON).await?;
    say!(stage, Bram, "klikt [Opnemen]", "clicks [Answer]");
    stage.bram.control(ActionName::Answer).await?;
    stage.bram.connected(SOON).await?;
    stage.tally.answered(contact);
    let mark = stage.mark();
    stage.hangs_up(GARAGE)?;
    stage.over(mark, contact).await
}

/// The session that Anna works on.
fn open(stage: &Stage) -> Result<SessionView<'static>, Untrue> {
    stage.anna.session().ok_or_else(|| Untrue::Statement("Anna still works on the last contact".into()))
}

fn is_parked(stage: &Stage, event: &Event, work: Uuid, why: SessionCause) -> Result<(), Untrue> {
    let is = event.data.session.as_ref().map(|session| (session.id, session.state, session.cause));
    let must_be = Some((work, SessionState::Parked, why));
    stage.teller.check(is == must_be, || format!("the session is {must_be:?}; it is {is:?}"))
}

async fn closed(stage: &Stage, session: Uuid) -> Result<(), Untrue> {
    let now: SessionView<'static> = stage.api.get(&["sessions", &session.to_string()]).await?;
    let state = now.state;
    stage.teller.check(state == SessionState::Closed, || format!("the session is closed; it is {state:?}"))
}

/// What Anna is, by the API (T02).
async fn is_now(stage: &Stage, must_be: AvailabilityState) -> Result<(), Untrue> {
    let state = stage.anna.refresh().await?.agent.availability.state;
    stage.teller.check(state == must_be, || format!("Anna is {must_be:?}; she is {state:?}"))
}

fn is_anna(event: &Event, state: AvailabilityState) -> bool {
    let agent = event.data.agent.as_ref().filter(|agent| agent.id == "anna");
    event.data.change == "agent.availability-changed"
        && agent.is_some_and(|agent| agent.availability.state == state)
}
