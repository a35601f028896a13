//! The link to the PBX is cut in the middle of a call; the daemon is killed in the middle of calls. Nothing is lost.

use super::agreement::agree;
use super::calls::{answer, hang_up};
use super::stage::{BAKERY, GARAGE, JANSEN, Ringing, SMIT, SOON, Stage, rings_at, simulator};
use super::teller::{Untrue, Who, say};
use crate::client::screen;
use crate::jkc::Behaviour;
use schakel_contract::event::{Event, Observation};
use schakel_contract::views::{ActionName, ConnectionState, ReasonCode};
use schakel_simulator::sins::Sin;

/// The link is cut and mended: the call is stale for a while, and then the same call (rule 2).
pub(super) async fn link_cut(stage: &mut Stage) -> Result<(), Untrue> {
    stage
        .teller
        .chapter(
            "De verbinding met de centrale valt weg, midden in een gesprek",
            "The link to the PBX is cut in the middle of a call",
        )
        .await;
    let ringing = stage.ring(JANSEN, "2001").await?;
    let contact = ringing.contact;
    answer(stage, &ringing).await?;

    let mark = stage.mark();
    say!(stage, Pbx, "de kabel gaat eruit", "the cable is pulled");
    stage.simulator.sin(&Sin::CutLink { during: None }).map_err(simulator)?;
    provider_told(stage, mark, "provider.down").await?;
    let stale = stage.told(mark, contact, "call.stale").await?;
    let since = stale.data.call.as_ref().and_then(|call| call.stale_since);
    stage.teller.check(since.is_some(), || "a stale call says since when".into())?;
    buttons_say_why(stage).await?;
    // What happens now is seen by nobody.
    let name = GARAGE.name;
    say!(
        stage,
        Pbx,
        "intussen belt {name} naar 2003, en niemand hoort het",
        "meanwhile {name} calls 2003, and nobody hears it"
    );
    stage.calls(GARAGE, "2003")?;

    let mark = stage.mark();
    say!(stage, Pbx, "de kabel zit er weer in", "the cable is back");
    stage.simulator.sin(&Sin::Heal).map_err(simulator)?;
    let updated = stage.told(mark, contact, "call.updated").await?;
    let late = rebuilt_popup(stage, mark, "2003").await?;
    provider_told(stage, mark, "provider.resynced").await?;
    can_be_answered(stage).await?;
    let call = updated.data.call.as_ref().map(|call| (call.id, call.stale_since.is_none()));
    stage.teller.check(call == Some((ringing.call, true)), || {
        format!("after the link is back it is the same call {}, and certain; it is {call:?}", ringing.call)
    })?;
    agree(stage).await?;
    say!(
        stage,
        Checked,
        "hetzelfde gesprek, hetzelfde contact, weer zeker",
        "the same call, the same contact, certain again"
    );
    hang_up(stage, Who::Anna, contact).await?;
    let mark = stage.mark();
    stage.hangs_up(GARAGE)?;
    stage.tally.abandoned();
    stage.over(mark, late.contact).await?;
    agree(stage).await
}

/// SIGKILL in the middle of two calls, with JKC away at the same time (rules 2, 3 and 11).
pub(super) async fn daemon_killed(stage: &mut Stage) -> Result<(), Untrue> {
    stage
        .teller
        .chapter(
            "schakel wordt afgeschoten, midden in twee gesprekken",
            "schakel is killed in the middle of two calls",
        )
        .await;
    let stays = stage.ring(BAKERY, "2001").await?;
    answer(stage, &stays).await?;
    let leaves = stage.ring(SMIT, "2002").await?;
    say!(stage, Bram, "klikt [Opnemen]", "clicks [Answer]");
    let mark = stage.mark();
    stage.bram.ringing(SOON).await?;
    stage.bram.control(ActionName::Answer).await?;
    stage.told(mark, leaves.contact, "call.answered").await?;
    stage.tally.answered(leaves.contact);

    let before = stage.mark();
    say!(
        stage,
        Jkc,
        "is even onbereikbaar: webhooks komen niet aan",
        "is unreachable for a moment: webhooks do not arrive"
    );
    stage.jkc.behave(Behaviour { down: true, ..Behaviour::default() });
    say!(stage, Anna, "klikt [In de wacht]", "clicks [Hold]");
    stage.anna.control(ActionName::Hold).await?;
    let process = stage.daemon.id().unwrap_or_default();
    say!(stage, Schakel, "kill -9 {process}", "kill -9 {process}");
    stage.daemon.kill().await?;
    let seen =
        stage.jkc.look(|ledger| ledger.since(before).any(|entry| entry.event.data.change == "call.held"));
    stage.teller.check(!seen, || "JKC has not seen the hold before the kill".into())?;
    stage.hangs_up(SMIT)?;
    let name = GARAGE.name;
    say!(stage, Pbx, "{name} belt 2003; schakel is er niet", "{name} calls 2003; schakel is not there");
    stage.calls(GARAGE, "2003")?;

    stage.jkc.behave(Behaviour::default());
    let began = std::time::Instant::now();
    stage.daemon.start().await?;
    let millis = began.elapsed().as_millis();
    let process = stage.daemon.id().unwrap_or_default();
    say!(
        stage,
        Schakel,
        "draait weer, als proces {process}, klaar in {millis} ms",
        "runs again, as process {process}, ready in {millis} ms"
    );
    let held = stage.told(before, stays.contact, "call.held").await?;
    let sure = held.data.observation == Observation::Observed;
    stage
        .teller
        .check(sure, || "the hold was observed, journalled, and delivered after the restart".into())?;
    stage.over(before, leaves.contact).await?;
    let late = rebuilt_popup(stage, before, "2003").await?;
    provider_told(stage, before, "provider.resynced").await?;
    can_be_answered(stage).await?;
    agree(stage).await?;
    still_the_same(stage, &stays)?;
    say!(
        stage,
        Checked,
        "niets kwijt: de wachtstand van vóór de klap, het ophangen en het nieuwe gesprek tijdens de klap",
        "nothing lost: the hold from before, the hang-up and the new call from during the outage"
    );

    let mark = stage.mark();
    say!(stage, Anna, "klikt [Uit de wacht]", "clicks [Retrieve]");
    stage.anna.control(ActionName::Retrieve).await?;
    stage.told(mark, stays.contact, "call.retrieved").await?;
    hang_up(stage, Who::Anna, stays.contact).await?;
    let mark = stage.mark();
    stage.hangs_up(GARAGE)?;
    stage.tally.abandoned();
    stage.over(mark, late.contact).await?;
    agree(stage).await
}

/// Anna's call is on hold, and is the call and the contact that it was.
fn still_the_same(stage: &Stage, was: &Ringing) -> Result<(), Untrue> {
    let now = stage.jkc.look(|ledger| {
        let mut here = ledger.picture().calls_at("2001");
        here.next().map(|(call, here)| (call.id, call.contact, here.state, call.stale_since.is_none()))
    });
    let must_be = Some((was.call, was.contact, ConnectionState::Held, true));
    stage.teller.check(now == must_be, || format!("Anna's call is {must_be:?}; it is {now:?}"))
}

/// The call at Carla's that nobody heard begin can be answered like any other (T15).
async fn can_be_answered(stage: &Stage) -> Result<(), Untrue> {
    let state = stage.carla.refresh().await?;
    let here = state.calls.iter().find_map(|call| call.connection("2003"));
    let allowed = here.is_some_and(|here| here.allows(ActionName::Answer));
    stage.teller.check(allowed, || format!("what rings at 2003 can be answered: {here:?}"))
}

/// While the link is away every button says why it cannot be used (T15).
async fn buttons_say_why(stage: &Stage) -> Result<(), Untrue> {
    let state = stage.anna.refresh().await?;
    let here = state.calls.iter().find_map(|call| call.connection("2001"));
    let here = here.ok_or_else(|| Untrue::Statement("a stale call is still shown".into()))?;
    let reason =
        here.actions.iter().find(|each| each.action == ActionName::Hold).and_then(|each| each.reason.clone());
    let code = reason.as_ref().map(|reason| reason.code);
    let expected = matches!(code, Some(ReasonCode::LinkDown | ReasonCode::Stale));
    stage.teller.check(expected, || format!("hold says that there is no link; it says {reason:?}"))?;
    if let Some(reason) = &reason {
        let text = stage.teller.language.reason(reason);
        say!(stage, Anna, "ziet bij elke knop: {text}", "sees at every button: {text}");
    }
    Ok(())
}

/// The pop-up of a call that began while nobody heard.
async fn rebuilt_popup(stage: &Stage, mark: usize, device: &str) -> Result<Ringing, Untrue> {
    let what = format!("the pop-up at {device} of the call that nobody heard begin");
    let (event, _) = stage.jkc.event_after(mark, what, SOON, |event| rings_at(event, device)).await?;
    let text = stage.teller.language.pick(
        "pop-up van het gesprek dat niemand hoorde beginnen:",
        "pop-up of the call that nobody heard begin:",
    );
    stage.teller.tell(Who::Jkc, text);
    stage.popup(&event);
    stage.teller.pause().await;
    let rebuilt = event.data.observation == Observation::Reconstructed;
    stage.teller.check(rebuilt, || "what nobody saw begin is marked as reconstructed".into())?;
    Ringing::of(event)
}

async fn provider_told(stage: &Stage, mark: usize, change: &str) -> Result<Event, Untrue> {
    let (event, _) = stage.jkc.event_after(mark, change, SOON, |event| event.data.change == change).await?;
    stage.teller.tell(Who::Jkc, &format!("← {}", screen::line(stage.teller.language, &event)));
    Ok(event)
}
