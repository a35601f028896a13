//! The last checks, the summary, and how to look around.

use super::agreement::agree;
use super::stage::{ANNAS_ID, CHAT_QUEUE, DE_VRIES, POINT, QUEUE, SOON, Stage};
use super::teller::{Untrue, say};
use crate::cli::Failure;
use crate::client::{keyboard, screen};
use schakel_contract::views::{ContactDetailView, SnapshotView};
use std::collections::BTreeSet;
use std::time::Duration;
use uuid::Uuid;

/// Everything arrived, in order, once, verified; nobody is left in a call, at the PBX, at schakel or at JKC.
pub(super) async fn all_is_told(stage: &mut Stage) -> Result<(), Untrue> {
    stage.teller.chapter("Klopt alles?", "Is it all true?").await;
    agree(stage).await?;
    let snapshot: SnapshotView<'static> = stage.api.get(&["snapshot"]).await?;
    let (pbx, ours) = (stage.simulator.state().switch.calls.len(), snapshot.calls.len());
    let jkc = stage.jkc.look(|ledger| ledger.picture().live_calls().count());
    stage.teller.check(pbx == 0 && ours == 0 && jkc == 0, || {
        format!("no calls are left; there are {pbx} at the PBX, {ours} at schakel, {jkc} at JKC")
    })?;
    say!(
        stage,
        Checked,
        "geen gesprekken meer, bij de centrale, bij schakel en bij JKC; geen spookgesprekken",
        "no calls left at the PBX, at schakel and at JKC; no ghost calls"
    );
    let contacts: Vec<Uuid> =
        stage.jkc.look(|ledger| ledger.contacts().map(|(contact, _)| contact).collect());
    for contact in &contacts {
        let detail: ContactDetailView<'static> = stage.api.get(&["contacts", &contact.to_string()]).await?;
        let last = detail.last_contact_seq;
        let what = format!("notification {last} of contact {contact}, its last");
        stage
            .jkc
            .wait(what, SOON, |ledger| (ledger.last_number(*contact) == Some(last)).then_some(()))
            .await?;
    }
    let counts = stage.jkc.counts();
    let violations = stage.jkc.look(|ledger| ledger.violations().join("\n"));
    stage.teller.check(counts.violations == 0, || {
        format!("every contact's notifications are in order:\n{violations}")
    })?;
    stage
        .teller
        .check(counts.refused == 0, || format!("every signature fits; {} did not", counts.refused))?;
    let (notifications, count) = (counts.notifications, contacts.len());
    say!(
        stage,
        Checked,
        "{notifications} meldingen van {count} contacten aangekomen, zonder gat, op volgorde, elke handtekening klopt",
        "{notifications} notifications of {count} contacts arrived, without a gap, in order, every signature fits"
    );
    Ok(())
}

/// What was seen, in figures.
pub(super) fn summary(stage: &Stage) {
    let language = stage.teller.language;
    let counts = stage.jkc.counts();
    let calls: BTreeSet<Uuid> = stage.jkc.look(|ledger| {
        ledger.since(0).filter_map(|entry| entry.event.data.call.as_ref().map(|call| call.id)).collect()
    });
    let chats = stage.jkc.look(|ledger| ledger.picture().chats().count());
    let mut rings = stage.rings.clone();
    rings.sort_unstable();
    let median = rings.get(rings.len() / 2).copied().unwrap_or_default();
    let slowest = rings.last().copied().unwrap_or_default();
    let millis = |time: Duration| format!("{:.1} ms", time.as_secs_f64() * 1000.0);
    let lines = [
        (language.pick("gesprekken", "calls"), calls.len().to_string()),
        (language.pick("chats", "chats"), chats.to_string()),
        (language.pick("meldingen aan JKC", "notifications to JKC"), counts.notifications.to_string()),
        (language.pick("handtekeningen geverifieerd", "signatures verified"), counts.verified.to_string()),
        (
            language.pick("dubbel bezorgd en herkend", "delivered twice and recognised"),
            counts.duplicates.to_string(),
        ),
        (
            language.pick("van overgaan tot pop-up", "from ring to pop-up"),
            format!("p50 {}, max {} (n = {})", millis(median), millis(slowest), rings.len()),
        ),
        (language.pick("beweringen gecontroleerd", "statements checked"), stage.teller.checks().to_string()),
        (language.pick("duur", "took"), format!("{:.1} s", stage.teller.elapsed().as_secs_f64())),
    ];
    let lines: Vec<_> = lines.iter().map(|(name, value)| format!("{name:<34}{value}")).collect();
    screen::show(format_args!(
        "\n{}",
        screen::frame(language.pick("Alles klopte", "All of it was true"), &lines)
    ));
}

/// Where to go from here.
pub(super) fn pointers(stage: &Stage) {
    screen::show(stage.teller.language.pick(
        "Zelf rondkijken: `schakel demo --keep` blijft draaien en noemt adressen, token en opdrachten.",
        "To look around: `schakel demo --keep` stays there and names addresses, token and commands.",
    ));
}

/// Stays there until somebody ends it, and shows what JKC is told.
pub(super) async fn keep(stage: Stage) -> Result<(), Failure> {
    // Who takes Anna's place is alone with her session, and sees JKC route.
    stage.anna.browser(false);
    stage.jkc.route(super::day::routing().map_err(Failure::failed)?);
    let (url, token, ca) = (&stage.url, &stage.token, stage.files.ca.display());
    let language = stage.teller.language;
    let program =
        std::env::current_exe().map_or_else(|_| "schakel".into(), |program| program.display().to_string());
    screen::show(format_args!(
        "\n{}",
        language.pick("Rondkijken (Ctrl-C stopt alles):", "To look around (Ctrl-C ends everything):")
    ));
    screen::show(format_args!("\n  export SCHAKEL_TOKEN={token}"));
    screen::show(format_args!(
        "  curl --cacert {ca} -H \"Authorization: Bearer $SCHAKEL_TOKEN\" {url}/v1/snapshot"
    ));
    screen::show(format_args!(
        "  curl --cacert {ca} -H \"Authorization: Bearer $SCHAKEL_TOKEN\" -N -H 'Accept: text/event-stream' {url}/v1/events"
    ));
    screen::show(format_args!("  curl --cacert {ca} {url}/v1/openapi.json"));
    screen::show(format_args!(
        "\n  {program} softphone --url {url} --ca-file {ca} --agent anna --device 2001 --sessions --queues {QUEUE} --agent-id {ANNAS_ID}"
    ));
    screen::show(format_args!(
        "  # {} chat {} {CHAT_QUEUE}, {}",
        language.pick("en daarin:", "and in it:"),
        language.pick("aan", "on"),
        language.pick(
            "aannemen, zeg TEKST, fluister TEKST, uitnodigen @bram",
            "accept, tell TEXT, whisper TEXT, invite @bram"
        )
    ));
    screen::show(format_args!("  {program} jkc --listen 127.0.0.1:0 --subscribe {url} --ca-file {ca}"));
    if let Some(control) = stage.simulator.control_address() {
        screen::show(format_args!(
            "\n  # {}",
            language.pick("laat de buitenwereld bellen:", "let the outside world ring:")
        ));
        screen::show(format_args!(
            "  curl -X POST http://{control}/calls -H 'content-type: application/json' -d '{{\"from\":\"0201234567\",\"to\":\"2001\"}}'"
        ));
        let known = DE_VRIES.number;
        screen::show(format_args!(
            "  curl -X POST http://{control}/calls -H 'content-type: application/json' -d '{{\"from\":\"{known}\",\"to\":\"{POINT}\"}}'"
        ));
        screen::show(format_args!("  curl http://{control}/state"));
    }
    screen::show(format_args!(
        "\n  # {}",
        language.pick(
            "laat een bezoeker chatten (het antwoord noemt zijn visit):",
            "let a visitor chat (the answer names his visit):"
        )
    ));
    for (method, path, body) in [
        ("POST", "visits", format!("{{\"queue\":\"{CHAT_QUEUE}\",\"visitor\":{{\"nickname\":\"Kim\"}}}}")),
        ("PUT", "visits/VISIT/messages/$(uuidgen)", "{\"text\":\"Hallo\"}".to_owned()),
    ] {
        screen::show(format_args!(
            "  curl --cacert {ca} -H \"Authorization: Bearer $SCHAKEL_TOKEN\" -X {method} {url}/v1/{path} -H 'content-type: application/json' -d '{body}'"
        ));
    }
    screen::show("");
    watch(&stage).await;
    stage.strike().await;
    Ok(())
}

async fn watch(stage: &Stage) {
    let (mut mark, mut changes) = (stage.mark(), stage.jkc.changes());
    let language = stage.teller.language;
    let mut interrupted = std::pin::pin!(keyboard::interrupted());
    loop {
        tokio::select! {
            () = &mut interrupted => return,
            changed = changes.changed() => if changed.is_err() { return },
        }
        let events: Vec<_> =
            stage.jkc.look(|ledger| ledger.since(mark).map(|entry| entry.event.clone()).collect());
        mark = stage.mark();
        for event in events {
            stage.teller.tell(super::teller::Who::Jkc, &format!("← {}", screen::line(language, &event)));
            if event.data.change == "call.ringing" {
                stage.popup(&event);
            }
        }
    }
}
