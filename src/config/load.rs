//! Reads a file over the defaults. Every key is held against the example, so that all mistakes are told at once, with
//! their line.

use super::compare::compare;
use super::merge::merge;
use super::{Config, EXAMPLE, overrides, validate};
use std::fmt;
use std::ops::Range;
use std::path::Path;
use toml::Spanned;
use toml::de::{DeTable, DeValue};
use toml::{Table, Value};

/// One mistake: where, what, and how to mend it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// The line in the file, from 1; none for a value from the environment or a default.
    pub line: Option<usize>,
    /// The key, as in `api.listen` or `providers[1].address`.
    pub key: String,
    /// What is wrong and how to mend it.
    pub text: String,
}

/// Everything that is wrong with a configuration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfigError {
    /// The file, or `the defaults`.
    pub file: String,
    /// At least one.
    pub problems: Vec<Problem>,
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, problem) in self.problems.iter().enumerate() {
            let Problem { line, key, text } = problem;
            let newline = if at == 0 { "" } else { "\n" };
            match line {
                Some(line) => write!(f, "{newline}{}:{line}: {key}: {text}", self.file)?,
                None => write!(f, "{newline}{}: {key}: {text}", self.file)?,
            }
        }
        Ok(())
    }
}

impl std::error::Error for ConfigError {}

impl Config {
    /// The file over the defaults, and the environment over both. Without a file: the defaults, with the example's PBX.
    ///
    /// # Errors
    /// All mistakes together.
    pub fn load(file: Option<&Path>, environment: &[(String, String)]) -> Result<Self, ConfigError> {
        let Some(path) = file else { return Self::parse("the defaults", None, environment) };
        let name = path.display().to_string();
        let text = std::fs::read_to_string(path).map_err(|error| {
            let text = match error.kind() {
                std::io::ErrorKind::InvalidData => "is not UTF-8, as TOML must be; save it as UTF-8".into(),
                _ => format!("cannot be read: {error}; give an existing TOML file with --config"),
            };
            ConfigError {
                file: name.clone(),
                problems: vec![Problem { line: None, key: "file".into(), text }],
            }
        })?;
        Self::parse(&name, Some(&text), environment)
    }

    /// As [`Config::load`], from text.
    ///
    /// # Errors
    /// All mistakes together.
    pub fn parse(
        name: &str,
        text: Option<&str>,
        environment: &[(String, String)],
    ) -> Result<Self, ConfigError> {
        let mut problems = Vec::new();
        let config = read(text, environment, &mut problems);
        match config {
            Some(config) if problems.is_empty() => Ok(config),
            _ => {
                problems.sort_by_key(|problem| problem.line);
                Err(ConfigError { file: name.into(), problems })
            }
        }
    }
}

fn read(text: Option<&str>, environment: &[(String, String)], problems: &mut Vec<Problem>) -> Option<Config> {
    let example: Table = EXAMPLE
        .parse()
        .map_err(|error: toml::de::Error| {
            problems.push(Problem { line: None, key: "defaults".into(), text: error.message().into() })
        })
        .ok()?;
    let source = text.unwrap_or(EXAMPLE);
    let (document, errors) = DeTable::parse_recoverable(source);
    problems.extend(errors.iter().map(|error| Problem {
        line: error.span().map(|span| line_of(source, &span)),
        key: "syntax".into(),
        text: error.message().into(),
    }));
    if !problems.is_empty() {
        return None;
    }
    let document = document.into_inner();
    compare(source, &document, &example, "", problems);
    if !problems.is_empty() {
        return None;
    }
    let given = match source.parse::<Table>() {
        Ok(given) => given,
        // What has the shape of a value and is none, such as a number beyond 64 bits.
        Err(error) => {
            let line = error.span().map(|span| line_of(source, &span));
            problems.push(Problem { line, key: "value".into(), text: error.message().into() });
            return None;
        }
    };
    let mut merged = merge(&example, given);
    overrides::apply(&mut merged, environment, problems);
    let config = understand(merged, &example, problems);
    if let Some(config) = &config {
        validate::check(config, problems);
    }
    for problem in problems.iter_mut().filter(|problem| problem.line.is_none()) {
        problem.line = text.and_then(|text| find(&document, &problem.key).map(|span| line_of(text, &span)));
    }
    config
}

/// Values that do not fit in one file; who has more of them sees the rest the next time.
const MISFITS_MAX: usize = 100;

/// The configuration, with the default in the place of each value that does not fit: what else is wrong is told as well.
fn understand(mut merged: Table, example: &Table, problems: &mut Vec<Problem>) -> Option<Config> {
    for _ in 0..MISFITS_MAX {
        let error = match serde_path_to_error::deserialize::<_, Config>(Value::Table(merged.clone())) {
            Ok(config) => return Some(config),
            Err(error) => error,
        };
        let key = error.path().to_string();
        problems.push(Problem { line: None, key: key.clone(), text: in_words(error.inner().message()) });
        let known = value_at(example, &key).cloned();
        match (value_in(&mut merged, &key), known) {
            (Some(given), Some(known)) if *given != known => *given = known,
            _ => return None,
        }
    }
    None
}

/// The parts of a key such as `providers[1].csta.edition`.
fn parts(key: &str) -> impl Iterator<Item = (&str, Option<usize>)> {
    key.split('.').map(|part| match part.split_once('[') {
        Some((name, at)) => (name, at.trim_end_matches(']').parse().ok()),
        None => (part, None),
    })
}

/// What the example has at a key; of a list it has one.
fn value_at<'a>(example: &'a Table, key: &str) -> Option<&'a Value> {
    let mut found: Option<&Value> = None;
    for (name, at) in parts(key) {
        let table = found.map_or(Some(example), Value::as_table)?;
        let value = table.get(name)?;
        found = Some(if at.is_some() { value.get(0)? } else { value });
    }
    found
}

fn value_in<'a>(table: &'a mut Table, key: &str) -> Option<&'a mut Value> {
    let mut parts = parts(key);
    let step = |table: &'a mut Table, (name, at): (&str, Option<usize>)| {
        let value = table.get_mut(name)?;
        match at {
            Some(at) => value.get_mut(at),
            None => Some(value),
        }
    };
    let mut found = step(table, parts.next()?)?;
    for part in parts {
        found = step(found.as_table_mut()?, part)?;
    }
    Some(found)
}

/// serde speaks of Rust's types, which nobody who writes a configuration has to know.
fn in_words(message: &str) -> String {
    const TYPES: [(&str, &str); 3] = [
        ("expected u8", "expected a whole number from 0 to 255"),
        ("expected u32", "expected a whole number from 0 to 4294967295"),
        ("expected u64", "expected a whole number from 0"),
    ];
    TYPES.iter().fold(message.to_owned(), |text, (rust, words)| text.replace(rust, words))
}

pub(super) fn line_of(source: &str, span: &Range<usize>) -> usize {
    source.get(..span.start).unwrap_or(source).matches('\n').count() + 1
}

/// Where a key such as `providers[1].address` stands; the nearest one above it that is there.
fn find(table: &DeTable<'_>, key: &str) -> Option<Range<usize>> {
    let (head, rest) = key.split_once('.').unwrap_or((key, ""));
    let (name, index) = match head.split_once('[') {
        Some((name, index)) => (name, index.trim_end_matches(']').parse::<usize>().ok()),
        None => (head, None),
    };
    let (name, value) = table.iter().find(|(key, _)| key.get_ref().as_ref() == name)?;
    let mut value: &Spanned<DeValue<'_>> = value;
    let mut span = name.span();
    if let Some(index) = index {
        value = value.get_ref().as_array()?.get(index)?;
        span = value.span();
    }
    match value.get_ref().as_table() {
        Some(inner) if !rest.is_empty() => Some(find(inner, rest).unwrap_or(span)),
        _ => Some(span),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problems(text: &str) -> Vec<String> {
        match Config::parse("t.toml", Some(text), &[]) {
            Ok(_) => Vec::new(),
            Err(error) => error.to_string().lines().map(str::to_owned).collect(),
        }
    }

    #[test]
    fn p05_the_example_is_the_default_and_has_no_problem() {
        let config = Config::parse("example", Some(EXAMPLE), &[]).unwrap();
        assert_eq!(Config::parse("defaults", None, &[]).unwrap(), config);
        assert_eq!(config.providers[0].devices[0].expand().unwrap().len(), 13);
    }

    #[test]
    fn p05_the_configuration_of_the_readme_fits_the_simulator_as_it_starts() {
        let readme = include_str!("../../README.md");
        let (_, text) = readme.split_once("```toml").unwrap();
        let (text, _) = text.split_once("```").unwrap();
        let config = Config::parse("README.md", Some(text), &[]).unwrap();
        let defaults = Config::parse("defaults", None, &[]).unwrap();
        let simulator = schakel_simulator::options::SimulateOptions::default().config().unwrap();
        let address = simulator.csta.listen.unwrap().to_string();
        assert_eq!([&config.providers[0].address, &defaults.providers[0].address], [&address; 2]);
    }

    #[test]
    fn p05_all_mistakes_are_told_at_once_with_line_and_mend() {
        let text = "[api]\nlistn = \"127.0.0.1:1\"\nbody_bytes_max = \"much\"\n\n[[providers]]\nname = \"a\"\nadres = \"x\"\n";
        assert_eq!(
            problems(text),
            [
                "t.toml:2: api.listn: unknown key; did you mean `listen`?",
                "t.toml:3: api.body_bytes_max: the type is string, but must be integer, such as 65536",
                "t.toml:7: providers[0].adres: unknown key; did you mean `address`?",
            ]
        );
    }

    #[test]
    fn p05_a_wrong_value_is_told_with_its_line() {
        let found = problems("[[providers]]\nname = \"a\"\nmode = \"lisen\"\n");
        assert_eq!(found.len(), 1, "{found:?}");
        assert!(found[0].starts_with("t.toml:3: ") && found[0].contains("lisen"), "{found:?}");
    }

    #[test]
    fn p05_a_number_out_of_bounds_is_told_with_its_key_and_never_ignored() {
        for value in ["-1", "4294967296", "99999999999999999999"] {
            let found = problems(&format!("[api]\n\nconnections_max = {value}\n"));
            assert!(found.len() == 1 && found[0].starts_with("t.toml:3: "), "{value}: {found:?}");
            assert!(!found[0].contains("u32"), "{found:?}");
        }
        let found = problems("[[providers]]\nname = \"a\"\n[providers.csta]\nedition = 300\n");
        assert!(found[0].starts_with("t.toml:4: providers[0].csta.edition: "), "{found:?}");
    }

    #[test]
    fn p05_what_can_be_seen_without_starting_is_seen_by_the_check() {
        let provider = "[[providers]]\nname = \"a\"\n";
        for (text, key) in [
            ("[admin]\nlisten = \"127.0.0.1:8443\"\n", "admin.listen"),
            ("[journal]\npath = \"\"\n", "journal.path"),
            ("[organisation]\nsystem = \"a b\"\n", "organisation.system"),
            ("[webhooks]\nallowed_hosts = [\"https://jkc.voorbeeld.nl/\"]\n", "webhooks.allowed_hosts[0]"),
            ("[log]\nlevel = \"loud=very=much\"\n", "log.level"),
            (
                "[api]\ntls_certificate_file = \"Cargo.toml\"\ntls_key_file = \"Cargo.toml\"\n",
                "api.tls_certificate_file",
            ),
            (&format!("{provider}[providers.csta]\ndialect = \"openscpe\"\n"), "providers[0].csta.dialect"),
            (
                &format!("{provider}[providers.csta]\noutstanding_max = 0\n"),
                "providers[0].csta.outstanding_max",
            ),
            (
                &format!("{provider}[providers.csta]\nrequest_limit_seconds = 0\n"),
                "providers[0].csta.request_limit_seconds",
            ),
            (
                &format!("{provider}[providers.csta]\nsession = true\nsession_password_file = \"/none\"\n"),
                "providers[0].csta.session_password_file",
            ),
            (&format!("{provider}tls = true\ntls_name = \"a b\"\n"), "providers[0].tls_name"),
            (&format!("{provider}tls = true\ntls_ca_file = \"Cargo.toml\"\n"), "providers[0].tls_ca_file"),
        ] {
            let found = problems(text);
            assert!(found.len() == 1 && found[0].contains(&format!(": {key}: ")), "{key}: {found:?}");
            assert!(found[0].starts_with("t.toml:"), "{found:?}");
        }
        let found = problems("[providers]\nname = \"a\"\n");
        assert!(found[0].contains("[[providers]]"), "{found:?}");
    }

    #[test]
    fn t01_routeing_devices_are_read_over_their_defaults_and_checked() {
        let provider = "[[providers]]\nname = \"a\"\n";
        let route = |text: &str| format!("{provider}[[providers.routes]]\n{text}\n");
        let config = Config::parse("t", Some(&route("device = \"7100\"")), &[]).unwrap();
        let routes = &config.providers[0].routes;
        assert_eq!((routes[0].limit_milliseconds, routes[0].fallback.as_str()), (2000, ""));
        assert!(Config::parse("t", Some(provider), &[]).unwrap().providers[0].routes.is_empty());
        for (text, key) in [
            ("device = \"7100\"\nlimit_milliseconds = 0", "providers[0].routes[0].limit_milliseconds"),
            ("device = \"7100\"\nlimit_milliseconds = 60001", "providers[0].routes[0].limit_milliseconds"),
            ("device = \"7100\"\nfallback = \" 7000\"", "providers[0].routes[0].fallback"),
            ("device = \"7100\"\nfallback = \"7100\"", "providers[0].routes[0].fallback"),
            ("device = \"7100\"\nfallback = \"70 00\"", "providers[0].routes[0].fallback"),
            ("fallback = \"7000\"", "providers[0].routes[0].device"),
            ("devise = \"7100\"", "providers[0].routes[0].devise"),
            ("device = \"7100\"\n[[providers.routes]]\ndevice = \"7100\"", "providers[0].routes[1].device"),
        ] {
            let found = problems(&route(text));
            assert!(found.len() == 1 && found[0].contains(&format!(": {key}: ")), "{key}: {found:?}");
        }
    }

    #[test]
    fn t01_opening_hours_are_checked_with_those_who_name_them() {
        let hours = "[[opening_hours]]\nname = \"balie\"\nweekly = [\"mo-fr 08:30-17:00\"]\n";
        let route = |text: &str| {
            format!("{hours}[[providers]]\nname = \"a\"\n[[providers.routes]]\ndevice = \"7100\"\n{text}\n")
        };
        let text =
            route("opening_hours = \"balie\"\nfallback_closed = \"7999\"\ndepartment = \"Burgerzaken\"");
        let config = Config::parse("t", Some(&text), &[]).unwrap();
        assert_eq!(config.opening_hours[0].time_zone, "Europe/Amsterdam");
        assert_eq!(config.providers[0].routes[0].fallback_closed, "7999");
        let without = Config::parse("t", Some("[[providers]]\nname = \"a\"\n"), &[]).unwrap();
        assert!(without.opening_hours.is_empty(), "the example's are nobody's");
        for (text, key) in [
            (route("opening_hours = \"bali\""), "providers[0].routes[0].opening_hours"),
            (route("fallback_closed = \"7999\""), "providers[0].routes[0].fallback_closed"),
            (
                route("opening_hours = \"balie\"\nfallback_closed = \"7100\""),
                "providers[0].routes[0].fallback_closed",
            ),
            (hours.replace("08:30-17:00", "17:00-08:30"), "opening_hours[0].weekly[0]"),
            (hours.replace("balie", ""), "opening_hours[0].name"),
            (format!("{hours}{hours}"), "opening_hours[1].name"),
            (hours.replace("weekly", "weekley"), "opening_hours[0].weekley"),
        ] {
            let text = if text.contains("providers") {
                text
            } else {
                format!("{text}[[providers]]\nname = \"a\"\n")
            };
            let found = problems(&text);
            assert!(found.len() == 1 && found[0].contains(&format!(": {key}: ")), "{key}: {found:?}");
        }
    }

    #[test]
    fn t10_a_numbering_plan_is_checked_with_the_rest() {
        for (text, key) in [
            ("area_code = \"70\"", "numbers.area_code"),
            ("country = \"32\"", "numbers.country"),
            ("trunk_prefixes = [\"0\", \"x\"]", "numbers.trunk_prefixes[1]"),
            ("extensions = [\"20-1\"]", "numbers.extensions[0]"),
            ("own = [\"+31703538000 = 8000-8001\"]", "numbers.own[0]"),
        ] {
            let found = problems(&format!("[numbers]\n{text}\n"));
            assert!(found.len() == 1 && found[0].contains(&format!(":2: {key}: ")), "{key}: {found:?}");
        }
        let found = problems("[journal]\npath = \"a/b\"\n[register]\npath = \"b\"\n");
        assert!(found.len() == 1 && found[0].contains(": register.path: "), "{found:?}");
        let config = Config::parse("t", Some("[journal]\npath = \"a/b\"\n"), &[]).unwrap();
        assert_eq!(config.register_path(), Path::new("a/register.db"));
    }

    #[test]
    fn t19_everybody_who_gives_up_is_abandoned_unless_a_sane_threshold_is_set() {
        let set = |text: &str| Config::parse("t", Some(text), &[]).unwrap().reports.short_abandon_seconds;
        assert_eq!((set(""), set("[reports]\nshort_abandon_seconds = 600\n")), (0, 600));
        let found = problems("[reports]\nshort_abandon_seconds = 601\n");
        let key = ":2: reports.short_abandon_seconds: must be at most 600";
        assert!(found.len() == 1 && found[0].contains(key), "{found:?}");
    }

    #[test]
    fn p05_values_that_do_not_fit_are_told_with_all_that_is_wrong_otherwise() {
        let text = "[sessions]\nlease_seconds = 0\ngrace_seconds = -1\n[privacy]\naudit_days = 99999999999\n\
                    [[providers]]\nname = \"a\"\n[providers.csta]\nedition = -4\n[[providers]]\nname = \"b\"\n\
                    [[providers.routes]]\ndevice = \"7100\"\nlimit_milliseconds = -5\n";
        let found = problems(text);
        for key in [
            ":2: sessions.lease_seconds: ",
            ":3: sessions.grace_seconds: ",
            ":5: privacy.audit_days: ",
            ":9: providers[0].csta.edition: ",
            ":14: providers[1].routes[0].limit_milliseconds: ",
        ] {
            assert_eq!(found.iter().filter(|line| line.contains(key)).count(), 1, "{key}: {found:?}");
        }
        assert_eq!(found.len(), 5, "{found:?}");
    }

    #[test]
    fn p05_a_broken_file_is_told_with_its_line() {
        let found = problems("[api\nlisten = 3\n");
        assert!(found[0].starts_with("t.toml:1: syntax: "), "{found:?}");
    }

    #[test]
    fn p05_an_override_beats_the_file() {
        let set = [("SCHAKEL_API__LISTEN".to_owned(), "127.0.0.1:9".to_owned())];
        let config = Config::parse("t", Some("[api]\nlisten = \"127.0.0.1:8\"\n"), &set).unwrap();
        assert_eq!(config.api.listen, "127.0.0.1:9");
        let wrong = [("SCHAKEL_API__LISTN".to_owned(), "1".to_owned())];
        let error = Config::parse("t", None, &wrong).unwrap_err().to_string();
        assert!(error.contains("SCHAKEL_API__LISTN"), "{error}");
    }
}
