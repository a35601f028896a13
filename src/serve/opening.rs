//! The core knows no time zones: at each opening and closing it is told what is so from that moment.

use super::settings;
use crate::config::Config;
use crate::hours::Guide;
use jiff::Timestamp;
use schakel_core::input::InputBody;
use schakel_core::model::route::RouteSettings;
use schakel_core::settings::ChatSettings;
use schakel_engine::EngineHandle;
use std::time::Duration;

/// The wall's clock may be set meanwhile: looked at again at the latest after this.
const LOOK_AGAIN: Duration = Duration::from_secs(15 * 60);

/// A timer may ring a little early by the wall's clock.
const AFTER: Duration = Duration::from_millis(20);

/// Tells the core what changes with opening hours, until the engine stops.
pub(super) async fn follow(engine: EngineHandle, config: Config, guide: Guide) {
    let mut told = by_hours(&config, &guide, Timestamp::now());
    loop {
        let wait = guide.unchanged_for(Timestamp::now()).map_or(LOOK_AGAIN, |wait| wait + AFTER);
        tokio::time::sleep(wait.min(LOOK_AGAIN)).await;
        let now = Timestamp::now();
        let changed = by_hours(&config, &guide, now);
        if changed == told {
            continue;
        }
        told = changed;
        let configured = settings::core(&config, &guide, now);
        if engine.input(InputBody::Configured(Box::new(configured))).await.is_err() {
            return;
        }
        tracing::info!(
            "opening hours have changed: other fallbacks for routing, or other chat queues, are in force"
        );
    }
}

/// What goes by opening hours: fallbacks for routing, and chat queues.
fn by_hours(config: &Config, guide: &Guide, now: Timestamp) -> (Vec<RouteSettings>, ChatSettings) {
    (settings::routes(config, guide, now), settings::chat(config, guide, now))
}
