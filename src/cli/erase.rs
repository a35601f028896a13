//! `schakel erase`: forgets a customer, through the API of a daemon that runs.

use super::Failure;
use crate::client::{AccessArgs, Api};
use clap::Args;
use http::Method;
use schakel_contract::requests::ErasureRequest;
use schakel_contract::views::ErasureView;

/// Arguments of `schakel erase`.
#[derive(Debug, Args)]
pub struct EraseArgs {
    /// The API.
    #[arg(long, env = "SCHAKEL_URL", default_value = "https://127.0.0.1:8443")]
    url: String,
    #[command(flatten)]
    access: AccessArgs,
    /// JKC's reference of the customer.
    reference: String,
}

pub(super) async fn run(args: EraseArgs) -> Result<(), Failure> {
    let api = Api::new(&args.url, &args.access).map_err(|error| Failure::Configuration(error.to_string()))?;
    let request = ErasureRequest { reference: args.reference };
    let done: ErasureView = api.send(Method::POST, &["erasures"], &request).await.map_err(Failure::failed)?;
    println!("Contacts of this customer:             {}", done.contacts);
    println!("  of which go on (erased when they end): {}", done.going_on);
    println!("Recognised numbers taken away:         {}", done.recognised);
    println!("Notifications without number and name: {}", done.notifications);
    println!("Messages and commands erased:          {}", done.inputs);
    println!("Kept replies without number and name:  {}", done.replies);
    println!("Backups that were made before still have this customer: erase again after restoring one.");
    Ok(())
}
