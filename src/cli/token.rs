//! `schakel token`: access tokens in the journal of a daemon that is not running. A running one is asked through its
//! API (`POST /v1/tokens`), because one process at a time has the journal.

use super::{ConfigArgs, Failure};
use clap::{Args, Subcommand};
use schakel_api::tokens;
use schakel_contract::Timestamp;
use schakel_contract::requests::TokenRequest;
use schakel_contract::views::Scope;
use schakel_journal::{Options, Store, StoreError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// What can be done to tokens.
#[derive(Debug, Subcommand)]
pub enum TokenCommand {
    /// Make one. It is shown once: the last word that is printed.
    Create(CreateArgs),
    /// Show what there is: id, name, scopes, until when.
    List(ConfigArgs),
    /// Take one away.
    Revoke(RevokeArgs),
}

/// Arguments of `schakel token create`.
#[derive(Debug, Args)]
pub struct CreateArgs {
    #[command(flatten)]
    config: ConfigArgs,
    /// What it is for.
    #[arg(long)]
    name: String,
    /// What it may do, such as calls:read, calls:control, agents:write, chats:read, chats:control, chats:manage (watch, remove), chats:visit (a website's program, alone), persons:read (numbers and names are shown), admin; may be repeated or comma-separated.
    #[arg(long = "scope", alias = "scopes", required = true, value_delimiter = ',')]
    scopes: Vec<String>,
    /// The one agent that it may act for.
    #[arg(long)]
    agent: Option<String>,
    /// After so many days it is of no use any more.
    #[arg(long, default_value_t = 365)]
    days: u32,
}

/// Arguments of `schakel token revoke`.
#[derive(Debug, Args)]
pub struct RevokeArgs {
    #[command(flatten)]
    config: ConfigArgs,
    /// The part before the dot.
    #[arg(allow_hyphen_values = true)]
    id: String,
}

pub(super) fn run(command: &TokenCommand) -> Result<(), Failure> {
    match command {
        TokenCommand::Create(args) => create(args),
        TokenCommand::List(args) => list(args),
        TokenCommand::Revoke(args) => revoke(args),
    }
}

fn create(args: &CreateArgs) -> Result<(), Failure> {
    let scopes = args.scopes.iter().map(|name| scope(name)).collect::<Result<Vec<_>, _>>()?;
    let store = open(&args.config)?;
    let lives = Duration::from_secs(u64::from(args.days) * 24 * 3600);
    let expires = SystemTime::now().duration_since(UNIX_EPOCH).map_err(Failure::failed)? + lives;
    let request = TokenRequest {
        name: args.name.clone(),
        scopes,
        agent: args.agent.clone(),
        expires_at: Some(Timestamp::from_millis(u64::try_from(expires.as_millis()).unwrap_or(u64::MAX))),
    };
    let created = tokens::create_offline(&store, request).map_err(Failure::failed)?;
    super::audit::record(&store, "token.create", Some(format!("tokens/{}", created.token.id)))?;
    println!("Token {} for \"{}\", shown this once:", created.token.id, created.token.name);
    println!("{}", created.secret);
    Ok(())
}

fn list(config: &ConfigArgs) -> Result<(), Failure> {
    let tokens = tokens::Tokens::load(open(config)?).map_err(Failure::failed)?.list();
    if tokens.is_empty() {
        println!("There is no token yet; `schakel token create` makes one.");
    }
    for token in tokens {
        let scopes: Vec<_> =
            token.scopes.iter().filter_map(|scope| serde_json::to_value(scope).ok()).collect();
        let scopes: Vec<_> = scopes.iter().filter_map(|scope| scope.as_str()).collect();
        let until = token.expires_at.map_or_else(|| "for ever".to_owned(), |at| format!("until {at}"));
        let agent = token.agent.map(|agent| format!(", agent {agent} only")).unwrap_or_default();
        println!("{}  {}  {until}  {}{agent}", token.id, token.name, scopes.join(","));
    }
    Ok(())
}

fn revoke(args: &RevokeArgs) -> Result<(), Failure> {
    let store = open(&args.config)?;
    if tokens::revoke_offline(&store, &args.id).map_err(Failure::failed)? {
        super::audit::record(&store, "token.revoke", Some(format!("tokens/{}", args.id)))?;
        println!("Token {} is revoked.", args.id);
        Ok(())
    } else {
        Err(Failure::Failed(format!("there is no token {}; give the part before the dot", args.id)))
    }
}

fn scope(name: &str) -> Result<Scope, Failure> {
    serde_json::from_value(serde_json::Value::String(name.to_owned()))
        .map_err(|error| Failure::Configuration(format!("--scope {name}: {error}")))
}

fn open(config: &ConfigArgs) -> Result<Store, Failure> {
    let config = config.load()?;
    match Store::open(&config.journal.path, Options::default()) {
        Ok((store, _)) => Ok(store),
        Err(error @ StoreError::InUse { .. }) => Err(Failure::Failed(format!(
            "{error}\nThe daemon runs: ask it instead, with POST /v1/tokens or DELETE /v1/tokens/ID and a token with the scope admin."
        ))),
        Err(error) => Err(Failure::failed(error)),
    }
}
