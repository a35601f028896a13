//! What the configuration has of routeing devices and opening hours, for who tells and who asks; and the fallbacks of
//! this moment.

use super::Hours;
use crate::config::{Config, Routes};
use jiff::Timestamp;
use schakel_contract::views::OpeningHoursView;
use schakel_contract::{RouteGuide, Timestamp as Moment};
use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

/// Opening hours by name, and routeing devices. Clones share what they have, so that a reload reaches all of them.
#[derive(Debug, Clone, Default)]
pub struct Guide(Arc<RwLock<Arc<Known>>>);

#[derive(Debug, Default)]
struct Known {
    hours: BTreeMap<String, Hours>,
    devices: BTreeMap<(String, String), Routes>,
}

impl Guide {
    /// As the configuration has it.
    pub fn of(config: &Config) -> Self {
        let guide = Self::default();
        guide.set(config);
        guide
    }

    /// As the configuration has it now.
    pub fn set(&self, config: &Config) {
        // Checked with the configuration: all of them can be had.
        let hours = config.opening_hours.iter().filter_map(|each| Hours::of(each).ok());
        let devices = config.providers.iter().flat_map(|provider| {
            let routes = provider.routes.iter().filter(|route| route.is_one());
            routes.map(|route| ((provider.name.clone(), route.device.trim().to_owned()), route.clone()))
        });
        let known = Known {
            hours: hours.map(|hours| (hours.name().to_owned(), hours)).collect(),
            devices: devices.collect(),
        };
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(known);
    }

    /// Where calls go from a routeing device at a moment when JKC does not answer; empty for the PBX's own way.
    pub fn fallback(&self, route: &Routes, at: Timestamp) -> String {
        let known = self.known();
        let closed = known.hours.get(&route.opening_hours).is_some_and(|hours| !hours.at(at).open);
        let of_closed = Some(&route.fallback_closed).filter(|number| closed && !number.is_empty());
        of_closed.unwrap_or(&route.fallback).clone()
    }

    /// Whether it is within these opening hours at a moment; without a name it always is.
    pub fn is_open(&self, hours: &str, at: Timestamp) -> bool {
        self.known().hours.get(hours).is_none_or(|hours| hours.at(at).open)
    }

    /// How long no opening hours change, from a moment on.
    pub fn unchanged_for(&self, at: Timestamp) -> Option<Duration> {
        let known = self.known();
        let next = known.hours.values().filter_map(|hours| hours.at(at).until).min()?;
        Some(Duration::try_from(next.duration_since(at)).unwrap_or_default())
    }

    fn known(&self) -> Arc<Known> {
        self.0.read().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl RouteGuide for Guide {
    fn department(&self, provider: &str, device: &str) -> Option<String> {
        let known = self.known();
        let route = known.devices.get(&(provider.to_owned(), device.to_owned()))?;
        Some(route.department.clone()).filter(|department| !department.is_empty())
    }

    fn hours(&self, provider: &str, device: &str, at: Moment) -> Option<OpeningHoursView> {
        let known = self.known();
        let route = known.devices.get(&(provider.to_owned(), device.to_owned()))?;
        Some(view(known.hours.get(&route.opening_hours)?, at))
    }

    fn all_hours(&self, at: Moment) -> Vec<OpeningHoursView> {
        self.known().hours.values().map(|hours| view(hours, at)).collect()
    }
}

fn view(hours: &Hours, at: Moment) -> OpeningHoursView {
    let millis = |at: Timestamp| Moment::from_millis(at.as_millisecond().unsigned_abs());
    let moment = i64::try_from(at.as_millis()).ok().and_then(|at| Timestamp::from_millisecond(at).ok());
    let standing = hours.at(moment.unwrap_or(Timestamp::UNIX_EPOCH));
    OpeningHoursView { name: hours.name().to_owned(), open: standing.open, until: standing.until.map(millis) }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CONFIG: &str = r#"
[[opening_hours]]
name = "balie"
weekly = ["mo-fr 08:30-17:00"]

[[providers]]
name = "pbx"
[[providers.routes]]
device = "7100"
fallback = "7000"
fallback_closed = "7999"
opening_hours = "balie"
department = "Burgerzaken"
[[providers.routes]]
device = "7101"
fallback = "7001"
"#;

    #[test]
    fn t01_a_routeing_device_has_its_department_its_hours_and_the_fallback_of_the_moment() {
        let config = Config::parse("t", Some(CONFIG), &[]).unwrap();
        let guide = Guide::of(&config);
        let (open, closed): (Timestamp, Timestamp) =
            ("2026-11-16T09:00:00Z".parse().unwrap(), "2026-11-16T20:00:00Z".parse().unwrap());
        let routes = &config.providers[0].routes;
        let fallbacks = |at| [guide.fallback(&routes[0], at), guide.fallback(&routes[1], at)];
        assert_eq!((guide.is_open("balie", open), guide.is_open("balie", closed)), (true, false));
        assert!(guide.is_open("", closed), "without hours it is always open");
        assert_eq!(fallbacks(open), ["7000", "7001"]);
        assert_eq!(fallbacks(closed), ["7999", "7001"]);
        assert_eq!(guide.department("pbx", "7100").as_deref(), Some("Burgerzaken"));
        assert_eq!((guide.department("pbx", "7101"), guide.department("other", "7100")), (None, None));
        let at = |text: &str| text.parse::<Moment>().unwrap();
        let hours = guide.hours("pbx", "7100", at("2026-11-16T20:00:00.000Z")).unwrap();
        assert_eq!((hours.open, hours.until), (false, Some(at("2026-11-17T07:30:00.000Z"))));
        assert_eq!(guide.hours("pbx", "7101", at("2026-11-16T20:00:00.000Z")), None);
        assert_eq!(guide.all_hours(at("2026-11-16T09:00:00.000Z"))[0].name, "balie");
        assert_eq!(guide.unchanged_for(open), Some(Duration::from_secs(7 * 3600)));
        // A reload reaches every clone.
        let clone = guide.clone();
        guide.set(&Config::parse("t", Some("[[providers]]\nname = \"pbx\"\n"), &[]).unwrap());
        assert_eq!((clone.all_hours(Moment::from_millis(1)), clone.unchanged_for(open)), (vec![], None));
    }
}
