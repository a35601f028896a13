//! A chat: a visitor waits, an offer is ignored, the next agent takes it, a colleague whispers and takes over, the end;
//! a telephone that takes an offer away; a message that is left out of hours.

use super::calls::{answer, hang_up};
use super::stage::{CHAT_CLOSED, CHAT_QUEUE, JANSEN, PETERS, SOON, Stage};
use super::teller::{Untrue, Who, say};
use crate::client::{ApiError, Visitor, screen, talk};
use crate::softphone::{Softphone, SoftphoneError};
use schakel_contract::event::Event;
use schakel_contract::problem::RefusalCause;
use schakel_contract::requests::chat::MessageAudience;
use schakel_contract::requests::visit::OfflineMessageRequest;
use schakel_contract::views::{
    ChatMessageView, ChatRole, ChatState, ChatView, PreferredAnswer, RevokedBecause, TextName, VisitState,
};
use std::time::Duration;
use uuid::Uuid;

/// What one agent says to another, and no visitor may ever see.
const WHISPER: &str = "Let op: deze aanvraag ligt al bij de balie.";

/// Until the agent's screen listens, it is typed again after this.
const TYPED_AGAIN: Duration = Duration::from_millis(250);

/// Waits, ignored, taken, whispered, handed over, ended, archived (C01 to C06, C07 to C09, O11, O20 to O22, W07, W08).
pub(super) async fn whole_story(stage: &mut Stage) -> Result<(), Untrue> {
    stage
        .teller
        .chapter("Een chat: wachten, en dan een antwoord", "A chat: to wait, and to be answered")
        .await;
    let (kim, chat) = waits(stage).await?;
    ignored(stage, &kim, chat).await?;
    talked(stage, &kim, chat).await?;

    stage
        .teller
        .chapter(
            "De chat gaat over in andere handen, en de bezoeker ziet niet wat collega's fluisteren",
            "The chat goes into other hands, and the visitor does not see what colleagues whisper",
        )
        .await;
    whispered(stage, &kim, chat).await?;
    handed_over(stage, &kim, chat).await?;
    ended(stage, &kim, chat).await?;
    archived(stage, &kim, chat).await
}

/// A telephone that rings takes the offer away; another agent gets it at once (C02).
pub(super) async fn phone_goes_first(stage: &mut Stage) -> Result<(), Untrue> {
    stage
        .teller
        .chapter(
            "De telefoon gaat voor: het aanbod gaat naar een ander",
            "The telephone goes first: another gets the offer",
        )
        .await;
    for phone in [&stage.bram, &stage.carla] {
        phone.chat_off().await?;
    }
    let mark = stage.mark();
    let (sam, chat) = opened(stage, "Sam", "Is het gemeentehuis morgen open?").await?;
    let offered = is_offered(stage, mark, chat, "anna").await?;
    popup(stage, &offered);
    say!(stage, Bram, "komt in het chatkanaal", "comes into the chat channel");
    stage.bram.chat_on(&[CHAT_QUEUE.into()]).await?;

    let mark = stage.mark();
    let ringing = stage.ring(JANSEN, "2001").await?;
    let revoked = heard(stage, mark, chat, "chat.revoked").await?;
    let why = revoked.data.offer.as_ref().and_then(|offer| offer.revoked);
    stage.teller.check(why == Some(RevokedBecause::AgentBusy), || {
        format!("the offer was taken away because the telephone rings; it was {why:?}")
    })?;
    is_offered(stage, mark, chat, "bram").await?;
    let read: Vec<_> = sam.messages().await?.iter().filter_map(|message| message.author.text_id).collect();
    let apart =
        |text: &TextName| matches!(text, TextName::Busy | TextName::Unresponsive | TextName::Requeued);
    stage.teller.check(!read.iter().any(apart), || {
        format!("the visitor was told of no change; he was told {read:?}")
    })?;
    say!(
        stage,
        Checked,
        "haar telefoon ging over: het aanbod is bij Bram, en Sam merkte er niets van",
        "her telephone rang: the offer is Bram's now, and Sam noticed nothing of it"
    );
    answer(stage, &ringing).await?;
    say!(stage, Bram, "klikt [Aannemen]", "clicks [Accept]");
    accept(&stage.bram).await?;
    heard(stage, mark, chat, "chat.active").await?;
    stage.bram.say(None, MessageAudience::Public, "Ja, van 8:30 tot 17:00.").await?;
    hang_up(stage, Who::Anna, ringing.contact).await?;

    let mark = stage.mark();
    sam.say("Dank u!").await?;
    sam.end().await?;
    heard(stage, mark, chat, "chat.ended").await?;
    say!(stage, Bram, "klikt [Archiveren]", "clicks [Archive]");
    stage.bram.archive(Some(stage.bram.number_of(chat))).await?;
    heard(stage, mark, chat, "chat.archived").await?;
    for phone in [&stage.anna, &stage.bram] {
        phone.chat_off().await?;
    }
    super::agreement::agree(stage).await
}

/// Out of hours a message can be left, and it arrives by mail (C10, C12, C14, C15).
pub(super) async fn out_of_hours(stage: &mut Stage) -> Result<(), Untrue> {
    stage
        .teller
        .chapter("Buiten openingstijd: een bericht achterlaten", "Out of hours: a message is left")
        .await;
    let language = stage.teller.language.pick("nl", "en");
    let shown = Visitor::availability(&stage.visitors, CHAT_CLOSED, language).await?;
    stage.teller.check(
        !shown.may_chat && shown.may_leave_message && shown.text_id == TextName::Closed,
        || {
            format!(
                "the visitor may leave a message only, by the text for a closed channel; he gets {shown:?}"
            )
        },
    )?;
    let text = shown.text.to_string();
    say!(stage, Visitor, "Kim ziet: \"{text}\"", "Kim sees: \"{text}\"");
    let refused = Visitor::open(stage.visitors.clone(), CHAT_CLOSED, "Kim", language).await;
    stage.teller.check(refused.is_err(), || "no chat can be opened out of hours".into())?;
    let mark = stage.mark();
    let message = OfflineMessageRequest {
        name: "Kim de Boer".into(),
        email: Some("kim@voorbeeld.nl".into()),
        telephone: Some(PETERS.number.into()),
        preference: Some(PreferredAnswer::Email),
        text: "Wanneer kan ik mijn paspoort ophalen?".into(),
        language: Some(language.into()),
    };
    let left = Visitor::leave_message(&stage.visitors, CHAT_CLOSED, &message).await?;
    stage.teller.check(left.text_id == Some(TextName::OfflineReceived), || {
        format!("the visitor is thanked by the text for that; he gets {:?}", left.text_id)
    })?;
    let thanks = left.text.as_deref().unwrap_or_default().to_owned();
    say!(stage, Visitor, "Kim laat een bericht achter: \"{thanks}\"", "Kim leaves a message: \"{thanks}\"");
    let id = left.offline_message;
    let fits = |event: &Event| event.data.change == "chat.offline-received";
    let event = stage.heard(mark, "chat.offline-received", fits).await?;
    let told = event.data.offline_message.as_ref().map(|message| message.id);
    stage.teller.check(id.is_some() && told == id, || "JKC is told of that message".into())?;
    let mail = stage.mail.next(0, SOON).await?;
    let subject = mail.lines().find_map(|line| line.strip_prefix("Subject: ")).unwrap_or_default().to_owned();
    stage.teller.check(mail.contains("kim@voorbeeld.nl") && mail.contains("paspoort"), || {
        format!("the mail says who asks what; it says\n{mail}")
    })?;
    say!(
        stage,
        Checked,
        "de e-mail is aangekomen bij de mailserver: \"{subject}\"",
        "the e-mail has arrived at the mail server: \"{subject}\""
    );
    Ok(())
}

/// Anna is on the telephone, so the visitor waits, and is told so (C08).
async fn waits(stage: &mut Stage) -> Result<(Visitor, Uuid), Untrue> {
    say!(stage, Anna, "komt in het chatkanaal", "comes into the chat channel");
    stage.anna.chat_on(&[CHAT_QUEUE.into()]).await?;
    let language = stage.teller.language.pick("nl", "en");
    let free = Visitor::availability(&stage.visitors, CHAT_QUEUE, language).await?;
    stage.teller.check(free.text_id == TextName::Available && free.may_chat, || {
        format!("Anna is free, and the page says so; it says {:?}", free.text_id)
    })?;
    let ringing = stage.ring(JANSEN, "2001").await?;
    answer(stage, &ringing).await?;
    let (kim, chat) = opened(stage, "Kim", "Goedemiddag, ik wil een uittreksel aanvragen.").await?;
    let shown = kim.look().await?;
    stage.teller.check(shown.state == VisitState::Waiting, || {
        format!("the visitor waits; he is {:?}", shown.state)
    })?;
    reads(stage, &kim, TextName::Busy).await?;
    let mark = stage.mark();
    hang_up(stage, Who::Anna, ringing.contact).await?;
    let offered = is_offered(stage, mark, chat, "anna").await?;
    say!(
        stage,
        Checked,
        "Anna is klaar met bellen: de chat wordt haar aangeboden",
        "Anna is off the telephone: the chat is offered to her"
    );
    popup(stage, &offered);
    Ok((kim, chat))
}

/// Anna does not look: the offer expires, the visitor is told, Bram gets it (C03, C09).
async fn ignored(stage: &Stage, kim: &Visitor, chat: Uuid) -> Result<(), Untrue> {
    let mark = stage.mark();
    say!(stage, Bram, "komt in het chatkanaal", "comes into the chat channel");
    stage.bram.chat_on(&[CHAT_QUEUE.into()]).await?;
    say!(
        stage,
        Anna,
        "kijkt niet op; het aanbod verloopt na 5 s",
        "does not look up; the offer expires after 5 s"
    );
    heard(stage, mark, chat, "chat.expired").await?;
    reads(stage, kim, TextName::Unresponsive).await?;
    is_offered(stage, mark, chat, "bram").await?;
    say!(stage, Bram, "klikt [Aannemen]", "clicks [Accept]");
    accept(&stage.bram).await?;
    heard(stage, mark, chat, "chat.active").await?;
    Ok(())
}

/// Both talk, and Bram sees what Kim types before it is sent (O11).
async fn talked(stage: &Stage, kim: &Visitor, chat: Uuid) -> Result<(), Untrue> {
    let mark = stage.mark();
    stage.bram.say(None, MessageAudience::Public, "Goedemiddag, met Bram. Welk uittreksel zoekt u?").await?;
    said(stage, mark, chat, "Welk uittreksel").await?;
    let draft = "Een uittreksel uit de BRP, den";
    typed(stage, kim, chat, draft).await?;
    say!(
        stage,
        Bram,
        "ziet meteen wat Kim typt: \"{draft} …\"",
        "sees at once what Kim types: \"{draft} …\""
    );
    kim.say("Een uittreksel uit de BRP, denk ik.").await?;
    said(stage, mark, chat, "denk ik").await?;
    let words = stage.bram.transcript(None).await?;
    stage
        .teller
        .check(!format!("{words:?}").contains("den\""), || "what was only typed is kept nowhere".into())?;
    Ok(())
}

/// A colleague is invited, and whispers (O20, W07, W08).
async fn whispered(stage: &Stage, kim: &Visitor, chat: Uuid) -> Result<(), Untrue> {
    let mark = stage.mark();
    say!(stage, Carla, "komt in het chatkanaal", "comes into the chat channel");
    stage.carla.chat_on(&[CHAT_QUEUE.into()]).await?;
    say!(stage, Bram, "klikt [Uitnodigen]: Carla", "clicks [Invite]: Carla");
    stage.bram.invite(None, "@carla", false).await?;
    let invited = heard(stage, mark, chat, "chat.invited").await?;
    popup(stage, &invited);
    say!(stage, Carla, "klikt [Aannemen]", "clicks [Accept]");
    accept(&stage.carla).await?;
    heard(stage, mark, chat, "chat.participant-joined").await?;
    say!(stage, Carla, "fluistert tegen Bram", "whispers to Bram");
    stage.carla.say(None, MessageAudience::Agents, WHISPER).await?;
    said(stage, mark, chat, WHISPER).await?;
    let words = stage.bram.transcript(None).await?;
    let seen = words
        .iter()
        .any(|word| matches!(word, ChatMessageView::Agents(word) if word.content.text == WHISPER));
    stage.teller.check(seen, || "Bram has the private word, marked as one".into())?;
    unseen(stage, kim).await?;
    say!(
        stage,
        Checked,
        "Bram leest het; in niets wat de bezoeker kan opvragen staat er een spoor van",
        "Bram reads it; nothing that the visitor can ask for has a trace of it"
    );
    Ok(())
}

/// Bram leaves, and the chat is Carla's (O21, O22).
async fn handed_over(stage: &Stage, kim: &Visitor, chat: Uuid) -> Result<(), Untrue> {
    let mark = stage.mark();
    say!(stage, Bram, "klikt [Verlaten]", "clicks [Leave]");
    stage.bram.leave_chat(None).await?;
    let event = heard(stage, mark, chat, "chat.transferred").await?;
    let owner = event.data.chat.as_ref().and_then(owner);
    stage
        .teller
        .check(owner.as_deref() == Some("carla"), || format!("the chat is Carla's; it is {owner:?}'s"))?;
    let mark = stage.mark();
    kim.say("Bent u er nog?").await?;
    stage
        .carla
        .say(None, MessageAudience::Public, "Zeker, met Carla. U krijgt het vandaag per e-mail.")
        .await?;
    said(stage, mark, chat, "per e-mail").await?;
    // Who is the last cannot leave.
    let refused = match stage.carla.leave_chat(None).await {
        Err(SoftphoneError::Api(ApiError::Problem(problem))) => problem.cause,
        _ => None,
    };
    stage.teller.check(refused == Some(RefusalCause::LastAgent), || {
        format!("the last agent cannot leave, for that reason; it is {refused:?}")
    })?;
    say!(
        stage,
        Checked,
        "de chat is van Carla; als laatste kan zij niet weg",
        "the chat is Carla's; as the last she cannot leave"
    );
    Ok(())
}

/// JKC works on the contact, the talking ends, the visitor rates it (C05, C11, O09, O18, W10).
async fn ended(stage: &Stage, kim: &Visitor, chat: Uuid) -> Result<(), Untrue> {
    let mark = stage.mark();
    stage.carla.open_session(Some("Z-2026-118")).await?;
    stage.carla.set_fields(None, |fields| fields.subject = Some("Uittreksel BRP".into())).await?;
    say!(
        stage,
        Carla,
        "vult het onderwerp in, en klikt [Beëindigen]",
        "fills in the subject, and clicks [End]"
    );
    stage.carla.end_chat(None).await?;
    heard(stage, mark, chat, "chat.ended").await?;
    reads(stage, kim, TextName::EndedByAgent).await?;
    kim.rate(5, None).await?;
    heard(stage, mark, chat, "chat.rated").await?;
    let now: ChatView<'static> = stage.api.get(&["chats", &chat.to_string()]).await?;
    stage.teller.check(now.state == ChatState::Wrapping && now.session.is_some(), || {
        format!("the chat is wrapped up in JKC's session; it is {:?}, session {:?}", now.state, now.session)
    })
}

/// The session is closed, and with it the chat: two transcripts (C06).
async fn archived(stage: &Stage, kim: &Visitor, chat: Uuid) -> Result<(), Untrue> {
    let mark = stage.mark();
    say!(stage, Carla, "klaar met het contact; klikt [Sluiten]", "done with the contact; clicks [Close]");
    stage.carla.close().await?;
    heard(stage, mark, chat, "chat.archived").await?;
    let id = chat.to_string();
    for media in ["application/json", "text/html"] {
        let path = ["chats", &id, "transcript"];
        let public = stage.api.read(&path, &[("audience", "public")], media).await?;
        let internal = stage.api.read(&path, &[("audience", "internal")], media).await?;
        stage.teller.check(public.contains("uittreksel aanvragen") && !public.contains("Let op"), || {
            format!(
                "the public transcript has what the visitor saw, and no private word ({media}):\n{public}"
            )
        })?;
        stage
            .teller
            .check(internal.contains("uittreksel aanvragen") && internal.contains("Let op"), || {
                format!("the internal transcript has everything ({media}):\n{internal}")
            })?;
    }
    unseen(stage, kim).await?;
    let messages = kim.messages().await?;
    let gapless = messages.iter().map(|message| message.seq).eq(1..=messages.len() as u64);
    stage.teller.check(gapless, || "the visitor's messages are numbered without a gap".into())?;
    let count = messages.len();
    say!(
        stage,
        Checked,
        "gearchiveerd met twee verslagen: dat van de bezoeker ({count} berichten) en dat met de privéwoorden",
        "archived with two transcripts: the visitor's ({count} messages) and the one with the private words"
    );
    Ok(())
}

/// A visitor opens a chat and asks something (O05, O06).
async fn opened(stage: &Stage, name: &str, question: &str) -> Result<(Visitor, Uuid), Untrue> {
    let language = stage.teller.language.pick("nl", "en");
    let mark = stage.mark();
    let (visitor, visit) = Visitor::open(stage.visitors.clone(), CHAT_QUEUE, name, language).await?;
    say!(stage, Visitor, "{name} op de website: \"{question}\"", "{name} on the website: \"{question}\"");
    visitor.say(question).await?;
    heard(stage, mark, visit.id, "chat.queued").await?;
    Ok((visitor, visit.id))
}

/// The visitor has read this of the organisation's texts, and it is told.
async fn reads(stage: &Stage, visitor: &Visitor, wanted: TextName) -> Result<(), Untrue> {
    let messages = visitor.messages().await?;
    let found = messages.iter().rev().find(|message| message.author.text_id == Some(wanted));
    let ids: Vec<_> = messages.iter().filter_map(|message| message.author.text_id).collect();
    stage.teller.check(found.is_some(), || format!("the visitor reads {wanted:?}; he reads {ids:?}"))?;
    let text = found.map(|message| message.text.to_string()).unwrap_or_default();
    say!(stage, Visitor, "leest: \"{text}\"", "reads: \"{text}\"");
    Ok(())
}

/// Nothing that the visitor can ask for has a trace of the private word, nor of who is asked and offered.
async fn unseen(stage: &Stage, visitor: &Visitor) -> Result<(), Untrue> {
    let everything = visitor.everything().await?;
    let trace = ["Let op", "balie", "\"audience\"", "\"order\"", "\"offer\""]
        .iter()
        .find(|word| everything.contains(**word));
    stage.teller.check(trace.is_none(), || {
        format!("the visitor sees no private word; he sees {trace:?}:\n{everything}")
    })
}

/// An agent sees what the visitor types.
async fn typed(stage: &Stage, visitor: &Visitor, chat: Uuid, draft: &str) -> Result<(), Untrue> {
    let mut changes = stage.bram.changes();
    let seen = tokio::time::timeout(SOON, async {
        // It is told to who listens, and kept nowhere: until Bram's screen listens it is typed again.
        loop {
            changes.mark_unchanged();
            if stage.bram.typing_in(chat).is_some_and(|typing| typing.text.as_deref() == Some(draft)) {
                return Ok::<_, Untrue>(());
            }
            visitor.types(Some(draft)).await?;
            let waited = tokio::time::timeout(TYPED_AGAIN, changes.changed()).await;
            drop(waited);
        }
    });
    let seen = seen.await;
    stage.teller.check(seen.is_ok(), || "the agent sees what the visitor types".into())?;
    seen.unwrap_or(Ok(()))
}

/// Takes the offer, once his screen has it.
async fn accept(phone: &Softphone) -> Result<(), Untrue> {
    phone.offered(SOON).await?;
    phone.accept(None).await?;
    Ok(())
}

/// JKC was told of an offer to this agent.
async fn is_offered(stage: &Stage, mark: usize, chat: Uuid, agent: &str) -> Result<Event, Untrue> {
    let fits = |event: &Event| {
        let to = event.data.offer.as_ref().is_some_and(|offer| offer.agent == agent);
        to && is_of(event, chat, "chat.offered")
    };
    stage.heard(mark, &format!("an offer of chat {chat} to {agent}"), fits).await
}

/// JKC was told that something was said.
async fn said(stage: &Stage, mark: usize, chat: Uuid, words: &str) -> Result<(), Untrue> {
    let fits = |event: &Event| {
        let content = event.data.message.as_ref().map(|message| match message {
            ChatMessageView::Public(message) => &message.content,
            ChatMessageView::Agents(message) => &message.content,
        });
        is_of(event, chat, "chat.message") && content.is_some_and(|content| content.text.contains(words))
    };
    stage.heard(mark, &format!("\"{words}\" in chat {chat}"), fits).await.map(drop)
}

async fn heard(stage: &Stage, mark: usize, chat: Uuid, change: &str) -> Result<Event, Untrue> {
    stage.heard(mark, &format!("{change} of chat {chat}"), |event| is_of(event, chat, change)).await
}

fn is_of(event: &Event, chat: Uuid, change: &str) -> bool {
    event.data.change == change && event.data.chat.as_ref().is_some_and(|known| known.id == chat)
}

fn owner(chat: &ChatView<'_>) -> Option<String> {
    let mut there = chat.participants.iter().filter(|one| one.left_at.is_none());
    there.find(|one| one.role == ChatRole::Owner).map(|one| one.agent.to_string())
}

fn popup(stage: &Stage, event: &Event) {
    if let Some(popup) = talk::offered(stage.teller.language, event, None) {
        popup.lines().for_each(|line| screen::show(format_args!("{:20}{line}", "")));
    }
}
