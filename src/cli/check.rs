//! `schakel check`.

use super::{ConfigArgs, Failure};

/// Says that the configuration is good, and what it comes down to; or all that is wrong with it.
pub(super) fn run(args: &ConfigArgs) -> Result<(), Failure> {
    let config = args.load()?;
    println!("The configuration is good.");
    println!("  organisation  {} (OIN {})", config.organisation.id, config.organisation.oin);
    println!("  journal       {}", config.journal.path.display());
    println!("  register      {}", config.register_path().display());
    println!("  API           {}", config.api.listen);
    for provider in &config.providers {
        let devices: usize = provider
            .devices
            .iter()
            .filter_map(|devices| devices.expand().ok())
            .map(|numbers| numbers.len())
            .sum();
        println!(
            "  provider      {}: {} ({}), {} {}, {devices} {}",
            provider.name,
            provider.adapter,
            match provider.adapter.as_str() {
                "xmpp" => provider.xmpp.served_domain(),
                _ => &provider.csta.dialect,
            },
            match provider.mode {
                crate::config::Mode::Connect => "connects to",
                crate::config::Mode::Listen => "listens on",
            },
            provider.address,
            if devices == 1 { "device" } else { "devices" },
        );
        if devices == 0 && provider.adapter == "csta" {
            println!(
                "  note          nothing is watched there: list its telephones in [[providers.devices]]"
            );
        }
    }
    if config.providers.is_empty() {
        println!("  note          there is no telephone system: add a section [[providers]]");
    }
    Ok(())
}
