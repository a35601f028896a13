//! The ordinary calls: transferred warm, taken back, transferred cold, dialled from JKC, missed.

use super::agreement::agree;
use super::stage::{BAKERY, GARAGE, JANSEN, PETERS, Ringing, SMIT, SOON, Stage, rings_at, simulator};
use super::tally::DEPARTMENT;
use super::teller::{Untrue, Who, say};
use crate::client::{screen, work};
use crate::softphone::Softphone;
use reqwest::Method;
use schakel_contract::requests::DirectoryEntryRequest;
use schakel_contract::views::{ActionName, ConnectionState, DirectoryEntryView, EntryKind, TransferKind};
use uuid::Uuid;

/// Rings, is answered, held, retrieved, transferred warm, completed (T03 to T07, T09).
pub(super) async fn warm_transfer(stage: &mut Stage) -> Result<(), Untrue> {
    stage.teller.chapter("Inkomend gesprek, warm doorverbonden", "An incoming call, transferred warm").await;
    let ringing = stage.ring(BAKERY, "2001").await?;
    let contact = ringing.contact;
    buttons_while_ringing(stage, &ringing)?;
    answer(stage, &ringing).await?;

    let mark = stage.mark();
    say!(stage, Anna, "klikt [In de wacht]", "clicks [Hold]");
    stage.anna.control(ActionName::Hold).await?;
    stage.told(mark, contact, "call.held").await?;
    agree(stage).await?;
    say!(stage, Anna, "klikt [Uit de wacht]", "clicks [Retrieve]");
    stage.anna.control(ActionName::Retrieve).await?;
    stage.told(mark, contact, "call.retrieved").await?;

    consult(stage, &ringing).await?;
    let mark = stage.mark();
    say!(stage, Anna, "klikt [Nu doorverbinden]", "clicks [Complete transfer]");
    stage.anna.complete().await?;
    stage.told(mark, contact, "transfer.completed").await?;
    stage.tally.warm();
    stage.bram.connected(SOON).await?;
    agree(stage).await?;
    let (anna, bram) = (stage.call_at(contact, "2001"), stage.call_at(contact, "2002"));
    stage.teller.check(anna.is_none(), || "Anna is free after the transfer".into())?;
    stage.teller.check(bram.is_some(), || "Bram has the customer after the transfer".into())?;
    let name = BAKERY.name;
    say!(
        stage,
        Checked,
        "Bram spreekt met {name}, nog steeds hetzelfde contact",
        "Bram speaks with {name}, still the same contact"
    );
    let mark = stage.mark();
    stage.hangs_up(BAKERY)?;
    stage.over(mark, contact).await?;
    agree(stage).await
}

/// A warm transfer that the agent takes back (T07).
pub(super) async fn taken_back(stage: &mut Stage) -> Result<(), Untrue> {
    stage.teller.chapter("Warm doorverbinden, en teruggepakt", "A warm transfer, taken back").await;
    let ringing = stage.ring(JANSEN, "2001").await?;
    answer(stage, &ringing).await?;
    consult(stage, &ringing).await?;
    let mark = stage.mark();
    say!(stage, Anna, "Bram kan niet helpen; klikt [Terugpakken]", "Bram cannot help; clicks [Take back]");
    stage.anna.take_back().await?;
    stage.told(mark, ringing.contact, "transfer.taken-back").await?;
    let back = stage.anna.connected(SOON).await?;
    stage.teller.same("the call after the take-back", &back.id, &ringing.call)?;
    agree(stage).await?;
    let name = JANSEN.name;
    say!(
        stage,
        Checked,
        "Anna spreekt weer met {name}; Brams telefoon is vrij",
        "Anna speaks with {name} again; Bram's telephone is free"
    );
    hang_up(stage, Who::Anna, ringing.contact).await
}

/// Straight to a colleague, found by parts of her name; her department is what was chosen (T08, T13, T24).
pub(super) async fn cold_transfer(stage: &mut Stage) -> Result<(), Untrue> {
    stage.teller.chapter("Koud doorverbonden", "Transferred cold").await;
    let ringing = stage.ring(SMIT, "2001").await?;
    answer(stage, &ringing).await?;
    let mark = stage.mark();
    find_carla(stage).await?;
    say!(stage, Anna, "klikt [Koud doorverbinden] naar haar", "clicks [Transfer cold] to her");
    stage.anna.transfer(TransferKind::Cold, "1)").await?;
    colleague_sees_customer(stage, mark, &ringing, "2003").await?;
    say!(stage, Carla, "klikt [Opnemen]", "clicks [Answer]");
    stage.carla.ringing(SOON).await?;
    stage.carla.control(ActionName::Answer).await?;
    stage.told(mark, ringing.contact, "transfer.completed").await?;
    stage.tally.cold();
    stage.carla.connected(SOON).await?;
    agree(stage).await?;
    let name = SMIT.name;
    say!(stage, Checked, "Carla spreekt met {name}", "Carla speaks with {name}");
    hang_up(stage, Who::Carla, ringing.contact).await
}

/// Dialled from JKC (T12).
pub(super) async fn dialled(stage: &mut Stage) -> Result<(), Untrue> {
    stage.teller.chapter("Uitgaand gesprek, gestart vanuit JKC", "An outgoing call, started from JKC").await;
    let mark = stage.mark();
    let (name, number) = (PETERS.name, PETERS.number);
    say!(stage, Anna, "klikt in JKC op het nummer {number}", "clicks the number {number} in JKC");
    let reply = stage.anna.dial(number).await?;
    stage.tally.started();
    let dialling = |event: &schakel_contract::event::Event| event.data.change == "call.dialling";
    let (event, _) = stage.jkc.event_after(mark, "call.dialling", SOON, dialling).await?;
    let Ringing { call, contact, event } = Ringing::of(event)?;
    stage.teller.tell(Who::Jkc, &format!("← {}", screen::line(stage.teller.language, &event)));
    if let Some(dialled) = reply.call.as_ref().map(|call| call.id) {
        stage.teller.same("the call of the reply to the dial", &dialled, &call)?;
    }
    stage.told(mark, contact, "call.alerting-remote").await?;
    say!(stage, Pbx, "{name} neemt op", "{name} answers");
    stage.simulator.answer(number).map_err(simulator)?;
    stage.told(mark, contact, "call.answered").await?;
    stage.anna.connected(SOON).await?;
    agree(stage).await?;
    hang_up(stage, Who::Anna, contact).await
}

/// The caller gives up before anybody answers.
pub(super) async fn missed(stage: &mut Stage) -> Result<(), Untrue> {
    stage.teller.chapter("Opgehangen voordat er werd opgenomen", "Gone before anybody answered").await;
    let ringing = stage.ring(GARAGE, "2002").await?;
    let mark = stage.mark();
    stage.hangs_up(GARAGE)?;
    stage.tally.abandoned();
    stage.told(mark, ringing.contact, "call.missed").await?;
    agree(stage).await
}

/// JKC put Carla in the directory; Anna finds her, and sees whether she is free.
async fn find_carla(stage: &Stage) -> Result<(), Untrue> {
    let entry = DirectoryEntryRequest {
        kind: EntryKind::Person,
        name: "Carla van der Meer".into(),
        number: "2003".into(),
        department: Some(DEPARTMENT.into()),
        function: None,
        agent: Some("carla".into()),
        email: None,
        queue: None,
    };
    let path = ["directory", "entries", "medewerker-3"];
    let _: DirectoryEntryView = stage.api.send(Method::PUT, &path, &entry).await?;
    say!(stage, Anna, "zoekt \"meer car\"", "searches \"meer car\"");
    let hits = stage.anna.search("meer car").await?;
    for (place, hit) in hits.iter().enumerate() {
        stage.teller.tell(Who::Jkc, &work::hit(stage.teller.language, place + 1, hit));
    }
    let found: Vec<_> = hits.iter().map(|hit| (&*hit.entry.name, hit.agent.as_deref())).collect();
    stage.teller.check(found == [(&*entry.name, Some("carla"))], || {
        format!("the search finds {} alone; it finds {found:?}", entry.name)
    })?;
    let free = hits.iter().all(|hit| hit.availability.as_ref().is_some_and(|now| now.takes_calls));
    stage.teller.check(free, || "Carla can take a call, and the hit says so".into())
}

/// Anna answers what rings at 2001.
pub(super) async fn answer(stage: &Stage, ringing: &Ringing) -> Result<(), Untrue> {
    let mark = stage.mark();
    say!(stage, Anna, "klikt [Opnemen]", "clicks [Answer]");
    stage.anna.ringing(SOON).await?;
    let reply = stage.anna.control(ActionName::Answer).await?;
    let answered = reply.call.as_ref().map(|call| call.id);
    stage.teller.check(answered == Some(ringing.call), || {
        "the call that rang is the call that was answered".into()
    })?;
    stage.told(mark, ringing.contact, "call.answered").await?;
    stage.tally.answered(ringing.contact);
    agree(stage).await
}

/// An agent hangs up the last call of a contact.
pub(super) async fn hang_up(stage: &Stage, who: Who, contact: Uuid) -> Result<(), Untrue> {
    let mark = stage.mark();
    let text = stage.teller.language.pick("klikt [Ophangen]", "clicks [Hang up]");
    stage.teller.tell(who, text);
    phone(stage, who).control(ActionName::HangUp).await?;
    stage.over(mark, contact).await?;
    agree(stage).await
}

fn phone(stage: &Stage, who: Who) -> &Softphone {
    match who {
        Who::Bram => &stage.bram,
        Who::Carla => &stage.carla,
        _ => &stage.anna,
    }
}

/// Anna calls Bram about a customer; Bram sees the customer before he answers.
async fn consult(stage: &Stage, ringing: &Ringing) -> Result<(), Untrue> {
    let mark = stage.mark();
    say!(stage, Anna, "klikt [Warm doorverbinden] naar 2002", "clicks [Transfer warm] to 2002");
    stage.anna.transfer(TransferKind::Warm, "2002").await?;
    stage.told(mark, ringing.contact, "transfer.started").await?;
    colleague_sees_customer(stage, mark, ringing, "2002").await?;
    say!(stage, Bram, "klikt [Opnemen] en overlegt met Anna", "clicks [Answer] and talks with Anna");
    stage.bram.ringing(SOON).await?;
    stage.bram.control(ActionName::Answer).await?;
    stage.told(mark, ringing.contact, "transfer.consulting").await?;
    agree(stage).await
}

/// The receiver's first notification carries the customer and the contact, before anybody answers (rule 3).
async fn colleague_sees_customer(
    stage: &Stage,
    mark: usize,
    ringing: &Ringing,
    device: &str,
) -> Result<(), Untrue> {
    let what = format!("the pop-up at {device}");
    let (event, _) = stage.jkc.event_after(mark, what, SOON, |event| rings_at(event, device)).await?;
    let text = stage
        .teller
        .language
        .pick("pop-up bij de collega, vóór het opnemen:", "pop-up at the colleague's, before answering:");
    stage.teller.tell(Who::Jkc, text);
    stage.popup(&event);
    stage.teller.pause().await;
    let customer = |event: &schakel_contract::event::Event| {
        event.data.contact.as_ref().and_then(|contact| contact.customer.number.as_deref().map(str::to_owned))
    };
    let contact = event.data.contact.as_ref().map(|contact| contact.id);
    stage.teller.check(contact == Some(ringing.contact), || {
        format!("the colleague's pop-up has contact {}; it has {contact:?}", ringing.contact)
    })?;
    let (first, now) = (customer(&ringing.event), customer(&event));
    stage
        .teller
        .check(first == now, || format!("the colleague's pop-up shows caller {first:?}; it shows {now:?}"))?;
    let here = event.data.call.as_ref().and_then(|call| call.connection(device)).map(|here| here.state);
    stage.teller.check(here == Some(ConnectionState::Alerting), || {
        format!("the telephone at {device} still rings in the pop-up; it is {here:?}")
    })?;
    say!(
        stage,
        Checked,
        "de collega ziet de oorspronkelijke beller en hetzelfde contact",
        "the colleague sees the original caller and the same contact"
    );
    Ok(())
}

/// The buttons follow the state, and those that are not possible say why (T15, rule 6).
fn buttons_while_ringing(stage: &Stage, ringing: &Ringing) -> Result<(), Untrue> {
    let call = ringing.event.data.call.as_ref();
    let here = call.and_then(|call| call.connection("2001"));
    let here = here.ok_or_else(|| Untrue::Statement("the pop-up has the connection at 2001".into()))?;
    stage.teller.check(here.allows(ActionName::Answer), || "a ringing call can be answered".into())?;
    stage.teller.check(!here.allows(ActionName::Hold), || "a ringing call cannot be put on hold".into())?;
    let silent: Vec<_> = here.actions.iter().filter(|each| !each.allowed && each.reason.is_none()).collect();
    stage.teller.check(silent.is_empty(), || format!("what is not possible says why: {silent:?}"))
}
