//! `schakel webhook`: subscriptions, through the API of a daemon that runs. It prints the API's own JSON.

use super::Failure;
use crate::client::{AccessArgs, Api};
use clap::{Args, Subcommand};
use http::Method;
use schakel_contract::requests::SubscriptionRequest;
use serde_json::Value;

/// Where the API is.
#[derive(Debug, Args)]
pub struct WebhookArgs {
    /// The API.
    #[arg(long, env = "SCHAKEL_URL", default_value = "https://127.0.0.1:8443", global = true)]
    url: String,
    #[command(flatten)]
    access: AccessArgs,
    #[command(subcommand)]
    command: WebhookCommand,
}

/// What can be done to subscriptions.
#[derive(Debug, Subcommand)]
enum WebhookCommand {
    /// List them, with what waits and what is wrong.
    List,
    /// Subscribe a receiver. The secret is shown once.
    Create {
        /// Where to, https.
        to: String,
        /// Kinds such as `call.ringing` or families such as `call.`; without any, everything.
        #[arg(long = "kind", value_delimiter = ',')]
        kinds: Vec<String>,
        /// Several notifications in one request.
        #[arg(long)]
        batch: bool,
        /// Without telephone numbers and names.
        #[arg(long)]
        without_persons: bool,
    },
    /// A new secret; the old one signs too for a day.
    RotateSecret {
        /// The subscription.
        id: String,
    },
    /// Send nothing, keep everything.
    Pause {
        /// The subscription.
        id: String,
    },
    /// Go on, also after a 401, 403 or 410.
    Resume {
        /// The subscription.
        id: String,
    },
    /// Send a test notification.
    Test {
        /// The subscription.
        id: String,
    },
    /// What was given up.
    DeadLetters {
        /// The subscription.
        id: String,
    },
    /// Deliver again what was given up: these notifications, or a period.
    Redrive {
        /// The subscription.
        id: String,
        /// Notifications by id.
        #[arg(long = "notification", value_delimiter = ',')]
        notifications: Vec<String>,
        /// From this moment, such as 2026-11-20T09:00:00Z.
        #[arg(long, requires = "to", conflicts_with = "notifications")]
        from: Option<String>,
        /// Until this moment.
        #[arg(long, requires = "from")]
        to: Option<String>,
    },
    /// Remove a subscription and what waits for it.
    Delete {
        /// The subscription.
        id: String,
    },
}

pub(super) async fn run(args: WebhookArgs) -> Result<(), Failure> {
    let api = Api::new(&args.url, &args.access).map_err(|error| Failure::Configuration(error.to_string()))?;
    let act = async |id: &str, operation: &str| {
        api.send::<Value>(Method::POST, &["webhooks", id, operation], &serde_json::json!({})).await
    };
    let answer = match &args.command {
        WebhookCommand::List => api.get::<Value>(&["webhooks"]).await,
        WebhookCommand::Create { to, kinds, batch, without_persons } => {
            let (url, kinds, persons) = (to.clone(), kinds.clone(), !without_persons);
            let request = SubscriptionRequest { url, kinds, batch: *batch, persons };
            api.send(Method::POST, &["webhooks"], &request).await
        }
        WebhookCommand::RotateSecret { id } => act(id, "rotate-secret").await,
        WebhookCommand::Pause { id } => act(id, "pause").await,
        WebhookCommand::Resume { id } => act(id, "resume").await,
        WebhookCommand::Test { id } => act(id, "test").await,
        WebhookCommand::DeadLetters { id } => api.get(&["webhooks", id, "dead-letters"]).await,
        WebhookCommand::Redrive { id, notifications, from, to } => {
            let body = match (from, to) {
                (Some(from), Some(to)) => serde_json::json!({"from": from, "to": to}),
                _ => serde_json::json!({"notifications": notifications}),
            };
            api.send(Method::POST, &["webhooks", id, "redrive"], &body).await
        }
        WebhookCommand::Delete { id } => {
            api.delete(&["webhooks", id]).await.map_err(Failure::failed)?;
            return Ok(());
        }
    };
    let text = serde_json::to_string_pretty(&answer.map_err(Failure::failed)?).map_err(Failure::failed)?;
    println!("{text}");
    Ok(())
}
