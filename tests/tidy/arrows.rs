//! Who may depend on whom, read from the manifests: `adapters/* → core ← everything else in src/`.
//!
//! The table below is the wall. A crate that is not in it is a finding too, so that a new crate is placed on purpose.

use crate::Finding;

/// What a manifest may name of our own crates. `tests` are its dev-dependencies, beside `allowed`.
struct Room {
    folder: &'static str,
    allowed: &'static [&'static str],
    tests: &'static [&'static str],
}

/// The rooms of the house, inner first. The adapters have a rule of their own ([`adapter_room`]), so that a new one
/// needs no line here.
const ROOMS: [Room; 10] = [
    Room { folder: "src/core", allowed: &[], tests: &[] },
    Room { folder: "src/contract", allowed: &["core"], tests: &[] },
    Room { folder: "src/journal", allowed: &["core"], tests: &[] },
    Room { folder: "src/outbox", allowed: &["core", "contract", "journal"], tests: &[] },
    Room { folder: "src/register", allowed: &["core", "contract"], tests: &[] },
    Room { folder: "src/reports", allowed: &["core", "contract"], tests: &[] },
    Room { folder: "src/engine", allowed: &["core", "contract", "journal", "outbox"], tests: &["testkit"] },
    Room {
        folder: "src/api",
        allowed: &["core", "contract", "journal", "outbox", "register", "reports", "engine"],
        tests: &[],
    },
    // The other end of the same wire: the codec, and nothing of the daemon that it is there to test.
    Room { folder: "src/simulator", allowed: &["csta-wire"], tests: &[] },
    // It breaks the template in its tests, to see that the conformance suite finds out.
    Room { folder: "adapters/testkit", allowed: &["core"], tests: &["template"] },
];

/// Crates that would bring a clock, a socket, a thread or randomness into a pure crate.
const IMPURE: [&str; 13] = [
    "tokio",
    "async-std",
    "smol",
    "mio",
    "hyper",
    "reqwest",
    "axum",
    "rusqlite",
    "rand",
    "getrandom",
    "rayon",
    "tokio-rustls",
    "dashmap",
];

/// Every dependency of a manifest that the walls forbid. `path` is from the root, such as `src/core/Cargo.toml`.
pub fn forbidden(path: &str, manifest: &str) -> Vec<Finding> {
    let folder = path.strip_suffix("/Cargo.toml").unwrap_or("");
    // The root package and what is built beside the workspace may name all; the text of the root is checked by
    // `source::names_an_adapter`.
    if folder.is_empty() || folder == "fuzz" || folder.starts_with("benches") {
        return Vec::new();
    }
    let Some((allowed, tests)) = room(folder) else {
        return vec![Finding::new(
            path,
            0,
            "a crate that the table of tests/tidy/arrows.rs does not place: place it",
        )];
    };
    let pure =
        ["src/core", "src/contract", "src/reports"].contains(&folder) || folder.starts_with("adapters/");
    let mut findings = Vec::new();
    for dependency in dependencies(manifest) {
        let in_tests = dependency.section == Section::Tests;
        if let Some(ours) = dependency.name.strip_prefix("schakel-") {
            if !(allowed.iter().any(|name| name == ours) || in_tests && tests.iter().any(|name| name == ours))
            {
                let may = if allowed.is_empty() { "none of ours".to_owned() } else { allowed.join(", ") };
                let message = format!("{folder} → schakel-{ours} crosses a wall; it may name: {may}");
                findings.push(Finding::new(path, dependency.line, message));
            }
        } else if pure && !in_tests && IMPURE.contains(&dependency.name.as_str()) {
            let message = format!("{folder} is pure and may not use {}", dependency.name);
            findings.push(Finding::new(path, dependency.line, message));
        }
    }
    findings
}

fn room(folder: &str) -> Option<(Vec<String>, Vec<String>)> {
    let owned = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
    if let Some(room) = ROOMS.iter().find(|room| room.folder == folder) {
        return Some((owned(room.allowed), owned(room.tests)));
    }
    folder.strip_prefix("adapters/").and_then(adapter_room)
}

/// An adapter sees core and its own wire, and the test kit in its tests; a wire sees nobody.
fn adapter_room(rest: &str) -> Option<(Vec<String>, Vec<String>)> {
    match rest.split('/').collect::<Vec<_>>()[..] {
        [name] => Some((vec!["core".to_owned(), format!("{name}-wire")], vec!["testkit".to_owned()])),
        [_, "wire"] => Some((Vec::new(), Vec::new())),
        _ => None,
    }
}

#[derive(Debug, PartialEq, Eq, Clone, Copy)]
enum Section {
    Product,
    Tests,
}

struct Dependency {
    name: String,
    section: Section,
    line: usize,
}

/// The dependencies that a manifest names, in any of the shapes that cargo knows: `a = "1"`, `a.workspace = true`,
/// `a = { … }`, `b = { package = "a" }`, and a section of its own.
fn dependencies(manifest: &str) -> Vec<Dependency> {
    let mut found = Vec::new();
    let mut section = None;
    for (index, line) in manifest.lines().enumerate() {
        let line = line.split('#').next().unwrap_or("").trim();
        if let Some(header) = line.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
            let (kind, own) = section_of(header);
            section = kind;
            if let (Some(section), Some(name)) = (kind, own) {
                found.push(Dependency { name: name.trim_matches('"').to_owned(), section, line: index + 1 });
                // The keys below it (version, path, …) are not names of crates.
            }
            if own.is_some() {
                section = None;
            }
            continue;
        }
        let (Some(section), Some((key, value))) = (section, line.split_once('=')) else { continue };
        let key = key.trim().split('.').next().unwrap_or("").trim_matches('"');
        let name = value.split_once("package").and_then(|(_, rest)| rest.split('"').nth(1)).unwrap_or(key);
        if !name.is_empty() {
            found.push(Dependency { name: name.to_owned(), section, line: index + 1 });
        }
    }
    found
}

/// Which kind of dependencies a header opens, and the crate it is about where it has one of its own.
fn section_of(header: &str) -> (Option<Section>, Option<&str>) {
    let mut parts = header.split('.').collect::<Vec<_>>();
    // `target.'cfg(unix)'.dependencies`; a cfg can hold dots, so look from the last part that is a kind.
    let Some(at) = parts.iter().rposition(|part| part.ends_with("dependencies")) else { return (None, None) };
    if parts.first() == Some(&"workspace") {
        return (None, None);
    }
    let kind = match parts[at] {
        "dev-dependencies" => Section::Tests,
        _ => Section::Product,
    };
    (Some(kind), parts.drain(at + 1..).next())
}

#[cfg(test)]
mod can_go_red {
    use super::*;

    fn check(folder: &str, manifest: &str) -> Vec<usize> {
        forbidden(&format!("{folder}/Cargo.toml"), manifest).iter().map(|finding| finding.line).collect()
    }

    #[test]
    fn core_sees_nobody() {
        assert_eq!(
            check("src/core", "[dependencies]\nserde = \"1\"\nschakel-contract.workspace = true"),
            [3]
        );
        assert_eq!(check("src/core", "[dev-dependencies]\nschakel-testkit.workspace = true"), [2]);
        assert_eq!(check("src/core", "[dependencies]\ntokio.workspace = true"), [2]);
        assert_eq!(check("src/core", "[dev-dependencies]\ntokio.workspace = true"), [] as [usize; 0]);
    }

    #[test]
    fn an_adapter_sees_core_and_its_own_wire() {
        let good = "[dependencies]\nschakel-core.workspace = true\nschakel-csta-wire.workspace = true\n\
                    [dev-dependencies]\nschakel-testkit.workspace = true";
        assert_eq!(check("adapters/csta", good), [] as [usize; 0]);
        assert_eq!(check("adapters/xmpp", good), [3], "another adapter's wire");
        assert_eq!(
            check("adapters/csta", "[dependencies]\nschakel-testkit.workspace = true"),
            [2],
            "product code"
        );
        assert_eq!(check("adapters/csta", "[dependencies]\nschakel-journal.workspace = true"), [2]);
        assert_eq!(check("adapters/csta", "[dev-dependencies]\nschakel-template.workspace = true"), [2]);
        assert_eq!(check("adapters/testkit", "[dependencies]\nschakel-template.workspace = true"), [2]);
        assert_eq!(
            check("adapters/testkit", "[dev-dependencies]\nschakel-template.workspace = true"),
            [] as [usize; 0]
        );
        assert_eq!(check("adapters/csta/wire", "[dependencies]\nschakel-core.workspace = true"), [2]);
        assert_eq!(check("adapters/csta/wire", "[dependencies.tokio]\nversion = \"1\""), [1]);
    }

    #[test]
    fn nobody_but_the_root_names_adapters() {
        for folder in ["src/contract", "src/journal", "src/outbox", "src/engine", "src/api", "src/simulator"]
        {
            assert_eq!(check(folder, "[dependencies]\nschakel-csta = { path = \"x\" }"), [2], "{folder}");
        }
        assert_eq!(
            check("src/simulator", "[dependencies]\nschakel-csta-wire.workspace = true"),
            [] as [usize; 0]
        );
        assert_eq!(forbidden("Cargo.toml", "[dependencies]\nschakel-csta.workspace = true"), []);
    }

    #[test]
    fn inner_rooms_do_not_see_outer_ones() {
        assert_eq!(check("src/journal", "[dependencies]\nschakel-engine.workspace = true"), [2]);
        assert_eq!(check("src/engine", "[dependencies]\nschakel-api.workspace = true"), [2]);
        assert_eq!(check("src/simulator", "[dependencies]\nschakel-core.workspace = true"), [2]);
    }

    #[test]
    fn every_shape_of_a_dependency_is_seen() {
        for manifest in [
            "[dependencies]\nother = { package = \"schakel-api\", path = \"x\" }",
            "[build-dependencies]\nschakel-api = \"1\"",
            "[target.'cfg(unix)'.dependencies]\nschakel-api = \"1\"",
            "\n[dependencies.schakel-api]\nworkspace = true",
        ] {
            assert_eq!(check("src/core", manifest), [2], "{manifest}");
        }
    }

    #[test]
    fn an_unknown_crate_must_be_placed() {
        assert_eq!(check("src/unheard-of", "[dependencies]"), [0]);
        assert_eq!(check("adapters/csta/deep/er", "[dependencies]"), [0]);
    }
}
