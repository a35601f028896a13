//! `schakel simulate visitors`: people who chat over XMPP, each a client of its own.

use super::Failure;
use clap::Args;
use schakel_simulator::duration::Span;
use schakel_simulator::visitors::{self, Server, VisitorsConfig, script};
use std::path::PathBuf;

/// A script as the help shows it.
const SCRIPT: &str = "\
A script has one thing on each line, and every visitor does all of it:

  # a line that begins with # is a comment
  say Good morning, I am {name}     {name}: his nickname; {n}: his number; {i}: the round of the innermost repeat
  type Good morn                    real-time text (XEP-0301): this is in his input now
  type composing                    a chat state: active, composing, paused, inactive or gone
  pause 500ms                       or by chance: pause 1s..3s
  expect Jan neemt deel within 30s  a message with this text; without a time within 10s
  expect any within 5s              any message
  expect error within 5s            what he said was refused
  disconnect                        the connection is cut, without a word
  reconnect                         he is back, and says again what his server has not acknowledged
  leave                             he goes; only reconnect may follow
  repeat 10                         what is between this and its end, ten times
  end

A visitor fails when an expectation is not met in time, when something is refused that he did not expect, when his \
connection breaks, or when his server does not acknowledge (XEP-0198, or a ping) what he said. At the end a table; \
exit code 1 when one failed.";

/// Arguments of `schakel simulate visitors`.
#[derive(Debug, Args)]
#[command(after_long_help = SCRIPT)]
pub struct VisitorsArgs {
    /// The XMPP server, as host:port.
    #[arg(long, default_value = "127.0.0.1:5222")]
    server: String,
    /// The domain that it serves.
    #[arg(long)]
    domain: String,
    /// Whom they write to, such as support@DOMAIN or permits@cti.DOMAIN; with --rooms whom they invite.
    #[arg(long)]
    to: String,
    /// Their account, with {n} for a visitor's number; `user` is user1, user2, ... when there are several. Without it
    /// they are anonymous.
    #[arg(long, requires = "password_file")]
    account: Option<String>,
    /// A file with the password of all of them.
    #[arg(long, requires = "account")]
    password_file: Option<PathBuf>,
    /// How many.
    #[arg(long, short = 'n', default_value_t = 1)]
    count: usize,
    /// What each of them does: see below.
    #[arg(long)]
    script: PathBuf,
    /// Each makes a room of his own at this service and invites.
    #[arg(long)]
    rooms: Option<String>,
    /// What they are called.
    #[arg(long, default_value = "Bezoeker {n}")]
    name: String,
    /// They arrive spread over this time, such as 10s.
    #[arg(long, default_value = "0s")]
    over: Span,
    /// The authority that the server's certificate must be from; without it those that this machine trusts.
    #[arg(long, conflicts_with = "plain")]
    tls_ca_file: Option<PathBuf>,
    /// Without TLS: words and password can be read on the way.
    #[arg(long)]
    plain: bool,
    /// The same pauses and the same order of arrival again.
    #[arg(long)]
    seed: Option<u64>,
    /// JSON instead of a table.
    #[arg(long)]
    json: bool,
}

pub(super) async fn run(args: VisitorsArgs) -> Result<(), Failure> {
    let config = config(&args)?;
    let outcomes = visitors::run(config).await.map_err(|error| Failure::Configuration(error.to_string()))?;
    if args.json {
        println!("{}", serde_json::to_string(&outcomes).map_err(Failure::failed)?);
    } else {
        println!("{outcomes}");
    }
    match outcomes.failed {
        0 => Ok(()),
        failed => Err(Failure::Failed(format!("{failed} of {} visitors failed", outcomes.visitors.len()))),
    }
}

fn config(args: &VisitorsArgs) -> Result<VisitorsConfig, Failure> {
    let read = |path: &PathBuf| {
        std::fs::read_to_string(path)
            .map_err(|error| Failure::Configuration(format!("{}: {error}", path.display())))
    };
    let script = script::parse(&read(&args.script)?)
        .map_err(|error| Failure::Configuration(format!("{}:\n{error}", args.script.display())))?;
    let account = match (&args.account, &args.password_file) {
        (Some(account), Some(file)) => Some((account.clone(), read(file)?.trim_end().to_owned())),
        _ => None,
    };
    let tls = match args.plain {
        true => None,
        false => Some(
            visitors::tls(args.tls_ca_file.as_deref())
                .map_err(|error| Failure::Configuration(error.to_string()))?,
        ),
    };
    Ok(VisitorsConfig {
        server: Server { address: args.server.clone(), domain: args.domain.clone(), tls },
        account,
        count: args.count,
        to: args.to.clone(),
        rooms: args.rooms.clone(),
        name: args.name.clone(),
        over: args.over.0,
        seed: args.seed.unwrap_or_else(rand::random),
        script,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser;

    fn parsed(extra: &[&str]) -> Result<VisitorsArgs, clap::Error> {
        #[derive(Debug, Parser)]
        struct Line {
            #[command(flatten)]
            visitors: VisitorsArgs,
        }
        let line = ["visitors", "--domain", "chat.test", "--to", "support@chat.test", "--script", "none"];
        Line::try_parse_from(line.iter().chain(extra)).map(|line| line.visitors)
    }

    #[test]
    fn an_account_needs_its_password_and_tls_is_the_default() {
        assert!(parsed(&["--account", "user"]).is_err());
        assert!(parsed(&["--plain", "--tls-ca-file", "ca.pem"]).is_err());
        let args =
            parsed(&["--account", "user", "--password-file", "p", "-n", "100", "--over", "10s"]).unwrap();
        assert_eq!((args.count, args.plain, args.over), (100, false, Span::seconds(10)));
    }

    #[test]
    fn a_script_that_is_not_there_or_not_right_is_told_with_its_name() {
        let folder = tempfile::tempdir().unwrap();
        let script = folder.path().join("script");
        let told = |args: &VisitorsArgs| match config(args) {
            Err(Failure::Configuration(text)) => text,
            other => panic!("{other:?}"),
        };
        let path = script.display().to_string();
        let args = parsed(&["--plain", "--script", &path]);
        assert!(args.is_err(), "one script only");
        let mut args = parsed(&["--plain"]).unwrap();
        args.script = script.clone();
        assert!(told(&args).contains(&path));
        std::fs::write(&script, "shout hello").unwrap();
        assert!(told(&args).contains("line 1: `shout hello`"));
        std::fs::write(&script, "say hello").unwrap();
        assert_eq!(config(&args).unwrap().script.len(), 1);
    }
}
