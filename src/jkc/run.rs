//! `schakel jkc`: the stand-in at a terminal, or with `--expect` in a script.

use super::certificate;
use super::routing::{Routing, Rule};
use super::server::Behaviour;
use super::stand_in::StandIn;
use super::verify::Secret;
use crate::cli::Failure;
use crate::client::ledger::{Ledger, Order};
use crate::client::picture::is_closed;
use crate::client::{AccessArgs, Api, Language, Picture, keyboard, screen, talk, work};
use clap::Args;
use reqwest::Method;
use schakel_contract::event::Event;
use schakel_contract::requests::SubscriptionRequest;
use schakel_contract::views::CreatedSubscription;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

/// Arguments of `schakel jkc`.
#[derive(Debug, Args)]
pub struct JkcArgs {
    /// Where to receive webhooks; they come to the path /schakel.
    #[arg(long, default_value = "127.0.0.1:9443")]
    pub listen: SocketAddr,
    /// The language of the screen.
    #[arg(long, value_enum, default_value_t)]
    pub language: Language,
    /// Certificate chain, PEM; without it and without --self-made plain HTTP, which `schakel serve` sends to only
    /// with webhooks.allow_insecure.
    #[arg(long, requires = "tls_key_file")]
    pub tls_certificate_file: Option<PathBuf>,
    /// The certificate's private key, PEM.
    #[arg(long, requires = "tls_certificate_file")]
    pub tls_key_file: Option<PathBuf>,
    /// Make a CA and a certificate in this folder; give its ca.pem to `schakel serve` as webhooks.ca_file.
    #[arg(long, value_name = "FOLDER", conflicts_with = "tls_certificate_file")]
    pub self_made: Option<PathBuf>,
    /// The subscription's secret (whsec_…); two while a secret rotates. Not needed with --subscribe.
    #[arg(long = "secret", env = "SCHAKEL_WEBHOOK_SECRET", hide_env_values = true, value_delimiter = ',')]
    pub secrets: Vec<String>,
    /// Subscribe at this API (https://host:port) for as long as this runs.
    #[arg(long, value_name = "URL")]
    pub subscribe: Option<String>,
    /// The address under which the API reaches us; the one that we listen at when left out.
    #[arg(long, value_name = "URL", requires = "subscribe")]
    pub public_url: Option<String>,
    /// Subscribe to these kinds only, such as call.ringing,transfer.
    #[arg(long, requires = "subscribe", value_delimiter = ',')]
    pub kinds: Vec<String>,
    /// Ask for several notifications in one request.
    #[arg(long, requires = "subscribe")]
    pub batch: bool,
    #[command(flatten)]
    #[allow(missing_docs, reason = "documented where it is defined")]
    pub access: AccessArgs,
    /// Exit 0 once these have come, in this order (others may come between), and all that came was as it should be.
    #[arg(long, value_delimiter = ',', value_name = "KINDS")]
    pub expect: Vec<String>,
    /// With --expect: exit 1 after so many seconds.
    #[arg(long, default_value_t = 10)]
    pub timeout: u64,
    /// Answer every webhook with this status.
    #[arg(long)]
    pub status: Option<u16>,
    /// Wait so many milliseconds before answering.
    #[arg(long, default_value_t = 0)]
    pub delay_ms: u64,
    /// Where calls go when a telephone system asks: a number, @user, entry:ID of the directory, or default (where the
    /// telephone system would send it); K-10042=DEST for one customer, once recognised. The first that fits; without
    /// one JKC says nothing, and the configuration's fallback follows. A number that nobody has is a JKC that errs.
    #[arg(long = "route", value_name = "[CUSTOMER=]DEST")]
    pub routes: Vec<Rule>,
    /// Think so many milliseconds before answering where a call goes.
    #[arg(long, default_value_t = 0, value_name = "MS")]
    pub route_after: u64,
    /// Take no connection at all, until `up` is typed.
    #[arg(long)]
    pub down: bool,
}

/// Runs `schakel jkc`.
///
/// # Errors
/// When it cannot listen or subscribe, or when what was expected did not come.
pub async fn run(args: JkcArgs) -> Result<(), Failure> {
    let order = if args.kinds.is_empty() { Order::FromFirstSeen } else { Order::Rising };
    let stand_in = StandIn::start(args.listen, tls(&args)?, order).await.map_err(|error| {
        Failure::Failed(format!("cannot listen at {}: {error}; --listen takes another", args.listen))
    })?;
    for secret in &args.secrets {
        stand_in.trust(Secret::parse(secret).map_err(|error| Failure::Configuration(error.to_string()))?);
    }
    if args.secrets.is_empty() && args.subscribe.is_none() {
        return Err(Failure::Configuration(
            "no secret to verify with: give --secret whsec_… or --subscribe URL, which gets one".into(),
        ));
    }
    stand_in.behave(Behaviour {
        status: args.status,
        delay: Duration::from_millis(args.delay_ms),
        down: args.down,
        ..Behaviour::default()
    });
    stand_in.route(Routing { rules: args.routes.clone(), after: Duration::from_millis(args.route_after) });
    screen::show(format_args!(
        "{} {}",
        args.language.pick("webhooks komen binnen op", "webhooks are received at"),
        stand_in.url()
    ));
    let subscription = match &args.subscribe {
        Some(url) => Some(subscribe(&args, url, &stand_in).await?),
        None => None,
    };
    let outcome = if args.expect.is_empty() {
        watch(&args, &stand_in).await;
        Ok(())
    } else {
        expect(&args, &stand_in).await
    };
    if let Some((api, id)) = subscription
        && let Err(error) = api.delete(&["webhooks", &id]).await
    {
        screen::show(format_args!(
            "{} {error}",
            args.language.pick("de aanmelding is niet opgeruimd:", "the subscription remains:")
        ));
    }
    screen::show(summary(args.language, &stand_in));
    outcome
}

fn tls(args: &JkcArgs) -> Result<Option<std::sync::Arc<rustls::ServerConfig>>, Failure> {
    let wrong = |error: crate::tls::TlsError| Failure::Configuration(error.to_string());
    if let Some(folder) = &args.self_made {
        let host = args.listen.ip().to_string();
        let files = certificate::make(folder, &["localhost", &host]).map_err(Failure::failed)?;
        screen::show(format_args!("webhooks.ca_file = {:?}", files.ca.display().to_string()));
        return crate::tls::server(&files.certificate, &files.key).map(Some).map_err(wrong);
    }
    match (&args.tls_certificate_file, &args.tls_key_file) {
        (Some(certificate), Some(key)) => crate::tls::server(certificate, key).map(Some).map_err(wrong),
        _ => Ok(None),
    }
}

async fn subscribe(args: &JkcArgs, url: &str, stand_in: &StandIn) -> Result<(Api, String), Failure> {
    let api = Api::new(url, &args.access).map_err(|error| Failure::Configuration(error.to_string()))?;
    let request = SubscriptionRequest {
        url: args.public_url.clone().unwrap_or_else(|| stand_in.url()),
        kinds: args.kinds.clone(),
        batch: args.batch,
        persons: true,
    };
    let created: CreatedSubscription =
        api.send(Method::POST, &["webhooks"], &request).await.map_err(Failure::failed)?;
    stand_in.trust(Secret::parse(&created.secret).map_err(Failure::failed)?);
    screen::show(format_args!("{} {url}", args.language.pick("aangemeld bij", "subscribed at")));
    Ok((api, created.subscription.id.to_string()))
}

/// What can be typed.
const COMMANDS: &str =
    "down, up, status CODE, delay MS, route [CUSTOMER=]DEST…, route-after MS, calls, chats, agents, quit";

/// Shows what comes until somebody ends it.
async fn watch(args: &JkcArgs, stand_in: &StandIn) {
    let language = args.language;
    screen::show(format_args!("{}: {COMMANDS}", language.pick("opdrachten", "commands")));
    let (mut shown, mut changes) = (0, stand_in.changes());
    let mut typed = Some(keyboard::lines());
    let mut interrupted = std::pin::pin!(keyboard::interrupted());
    loop {
        shown = show(language, stand_in, shown);
        let line = async {
            match &mut typed {
                Some(lines) => lines.recv().await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            _ = changes.changed() => {}
            () = &mut interrupted => return,
            line = line => match line {
                // Standard input has ended, as in the background: go on without it.
                None => typed = None,
                Some(line) => if !obey(language, stand_in, line.trim()) { return },
            }
        }
    }
}

/// Shows what was received from a mark on: a line for each, and the pop-up where a call begins to ring.
fn show(language: Language, stand_in: &StandIn, from: usize) -> usize {
    let (texts, mark) = stand_in.look(|ledger| {
        let texts: Vec<_> =
            ledger.since(from).map(|entry| told(language, &entry.event, ledger.picture())).collect();
        (texts, ledger.mark())
    });
    for text in texts {
        screen::show(text);
    }
    mark
}

/// A notification on the screen.
fn told(language: Language, event: &Event, picture: &Picture) -> String {
    let time = event.time.to_string();
    let line = format!("{}  {}", time.get(11..23).unwrap_or(&time), screen::line(language, event));
    let popup = match &*event.data.change {
        "call.ringing" => screen::popup(language, event, screen::Buttons::All),
        "session.decision-asked" => work::question(language, event, picture),
        "chat.offered" | "chat.invited" => talk::offered(language, event, None),
        _ => None,
    };
    match popup {
        Some(popup) => format!("{line}\n{popup}"),
        None => line,
    }
}

/// Does what was typed. Gives whether to go on.
fn obey(language: Language, stand_in: &StandIn, line: &str) -> bool {
    let (word, value) = line.split_once(' ').unwrap_or((line, ""));
    let before = stand_in.behaviour();
    match (word, value.parse::<u64>()) {
        ("", _) => {}
        ("quit" | "stop", _) => return false,
        ("down", _) => stand_in.behave(Behaviour { down: true, ..before }),
        ("up", _) => stand_in.behave(Behaviour::default()),
        ("status", Ok(code)) => stand_in.behave(Behaviour { status: u16::try_from(code).ok(), ..before }),
        ("delay", Ok(millis)) => {
            stand_in.behave(Behaviour { delay: Duration::from_millis(millis), ..before });
        }
        ("route", _) => match value.split_whitespace().map(str::parse).collect() {
            Ok(rules) => stand_in.route(Routing { rules, ..stand_in.routing() }),
            Err(error) => {
                let error: super::routing::NotARule = error;
                screen::show(error);
            }
        },
        ("route-after", Ok(millis)) => {
            let after = Duration::from_millis(millis);
            stand_in.route(Routing { after, ..stand_in.routing() });
        }
        ("agents" | "medewerkers", _) => screen::show(agents(language, stand_in)),
        ("calls" | "gesprekken", _) => screen::show(calls(language, stand_in)),
        ("chats", _) => screen::show(chats(language, stand_in)),
        _ => screen::show(format_args!("{}: {COMMANDS}", language.pick("kan zijn", "can be"))),
    }
    true
}

/// What every agent is now, as JKC was told.
fn agents(language: Language, stand_in: &StandIn) -> String {
    let lines: Vec<_> = stand_in.look(|ledger| {
        let seated = ledger.picture().agents().filter(|agent| agent.registration.is_some());
        seated.flat_map(|agent| work::reasons(language, agent)).collect()
    });
    if lines.is_empty() {
        language.pick("geen medewerkers", "no agents").to_owned()
    } else {
        lines.join("\n")
    }
}

fn calls(language: Language, stand_in: &StandIn) -> String {
    let lines: Vec<_> = stand_in.look(|ledger| {
        let picture = ledger.picture();
        let of_call = |call: &schakel_contract::views::CallView<'static>| {
            let customer = picture.contact(call.contact).map_or(&call.calling, |contact| &contact.customer);
            let ours = call.connections.iter().filter(|connection| connection.ours);
            ours.map(|here| screen::call_line(language, call, here, customer)).collect::<Vec<_>>()
        };
        picture.live_calls().flat_map(of_call).collect()
    });
    if lines.is_empty() { language.pick("geen gesprekken", "no calls").to_owned() } else { lines.join("\n") }
}

/// The chats that are not over, as JKC was told.
fn chats(language: Language, stand_in: &StandIn) -> String {
    let lines: Vec<_> = stand_in.look(|ledger| {
        let open = ledger.picture().chats().filter(|chat| !is_closed(chat.state));
        open.map(|chat| talk::line(language, chat)).collect()
    });
    if lines.is_empty() { language.pick("geen chats", "no chats").to_owned() } else { lines.join("\n") }
}

async fn expect(args: &JkcArgs, stand_in: &StandIn) -> Result<(), Failure> {
    let within = Duration::from_secs(args.timeout);
    let arrived =
        stand_in.wait("", within, |ledger| missing(&args.expect, ledger).is_none().then_some(())).await;
    show(args.language, stand_in, 0);
    if let Err(unseen) = arrived {
        let missing =
            stand_in.look(|ledger| missing(&args.expect, ledger).map(str::to_owned)).unwrap_or_default();
        return Err(Failure::Failed(format!(
            "{missing} did not come within {} s; the last notifications were: {}",
            args.timeout, unseen.last
        )));
    }
    let violations = stand_in.look(|ledger| ledger.violations().join("\n"));
    if violations.is_empty() { Ok(()) } else { Err(Failure::Failed(violations)) }
}

/// The first expected change that has not come in its turn.
fn missing<'a>(expected: &'a [String], ledger: &Ledger) -> Option<&'a str> {
    let mut received = ledger.since(0).map(|entry| &*entry.event.data.change);
    expected.iter().find(|wanted| !received.any(|change| change == wanted.as_str())).map(String::as_str)
}

fn summary(language: Language, stand_in: &StandIn) -> String {
    let counts = stand_in.counts();
    let (received, verified, again, refused, broken) = language.pick(
        ("meldingen", "handtekeningen geverifieerd", "opnieuw", "geweigerd", "schendingen van de volgorde"),
        ("notifications", "signatures verified", "again", "refused", "breaches of order"),
    );
    format!(
        "{} {received}, {} {verified}, {} {again}, {} {refused}, {} {broken}",
        counts.notifications, counts.verified, counts.duplicates, counts.refused, counts.violations
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::client::screen::tests::ringing;
    use std::time::Instant;
    use uuid::Uuid;

    fn received(changes: &[&str]) -> Ledger {
        let mut ledger = Ledger::new(Order::Rising);
        for (number, change) in changes.iter().enumerate() {
            let mut event = ringing();
            event.id = Uuid::from_u128(number as u128);
            event.data.change = (*change).to_owned().into();
            ledger.receive(event, Instant::now());
        }
        ledger
    }

    #[test]
    fn what_is_expected_must_come_in_order_and_others_may_come_between() {
        let ledger = received(&["call.ringing", "call.updated", "call.answered", "call.ended"]);
        let expected = |text: &str| text.split(',').map(str::to_owned).collect::<Vec<_>>();
        assert_eq!(missing(&expected("call.ringing,call.answered,call.ended"), &ledger), None);
        assert_eq!(missing(&expected("call.answered,call.ringing"), &ledger), Some("call.ringing"));
        assert_eq!(missing(&expected("call.ringing,call.ringing"), &ledger), Some("call.ringing"));
        assert_eq!(missing(&expected("call.held"), &ledger), Some("call.held"));
    }

    #[test]
    fn t03_a_ringing_call_is_shown_with_its_pop_up_and_other_changes_as_a_line() {
        let mut event = ringing();
        let text = told(Language::Nl, &event, &Picture::default());
        assert!(
            text.starts_with("09:30:00.000  Bakkerij De Korenaar") && text.contains("┌─ Inkomend"),
            "{text}"
        );
        event.data.change = "call.ended".into();
        assert_eq!(told(Language::Nl, &event, &Picture::default()).lines().count(), 1);
    }
}
