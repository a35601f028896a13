//! Rules about the text of one file. Each takes a path (from the root) and the text, and returns findings.
//!
//! Words that a rule forbids are written in pieces here, so that the rules can be run over themselves.

use crate::Finding;

/// A file that grows past this has become the place for everything.
const LINES_MAX: usize = 600;

/// What counts as code for the length of a file.
const CODE_EXTENSIONS: [&str; 8] = ["rs", "ts", "js", "mjs", "py", "sh", "toml", "yml"];

/// Only a crate's own manifest and generated files may be long or name a registry.
const GENERATED: [&str; 3] = ["Cargo.lock", "package-lock.json", "openapi.json"];

/// A file of code with more lines than the limit.
pub fn too_long(path: &str, text: &str) -> Vec<Finding> {
    let lines = text.lines().count();
    if is_generated(path) || !is_code(path, text) || lines <= LINES_MAX {
        return Vec::new();
    }
    let message = format!("{lines} lines, at most {LINES_MAX}: which idea inside wants a file of its own?");
    vec![Finding::new(path, 0, message)]
}

/// Marks of unfinished work, and tests that are switched off.
pub fn unfinished(path: &str, text: &str) -> Vec<Finding> {
    if is_generated(path) {
        return Vec::new();
    }
    let words = [concat!("TO", "DO"), concat!("FIX", "ME")];
    let pieces = [concat!("todo", "!("), concat!("unimplemented", "!("), concat!("#[ign", "ore")];
    let mut findings = Vec::new();
    for (number, line) in numbered(text) {
        for word in words.iter().filter(|word| has_word(line, word)) {
            findings.push(Finding::new(
                path,
                number,
                format!("{word}: finish it, or take it out and file an issue"),
            ));
        }
        for piece in pieces.iter().filter(|piece| path.ends_with(".rs") && line.contains(**piece)) {
            findings.push(Finding::new(
                path,
                number,
                format!("`{piece}`: finish it; a test that never runs proves nothing"),
            ));
        }
    }
    findings
}

/// A clock, a socket, a thread, randomness or (in core) an unordered map in a crate that must be pure.
pub fn impure(path: &str, text: &str) -> Vec<Finding> {
    let in_core = path.starts_with("src/core/src/");
    let in_adapter = path.starts_with("adapters/") && path.contains("/src/");
    if !(in_core || in_adapter) || !path.ends_with(".rs") || is_test_file(path) {
        return Vec::new();
    }
    let always = [
        ("Instant", "a clock: take the time as an argument"),
        ("SystemTime", "a clock: take the time as an argument"),
        ("now_v7", "a clock and randomness: take the id or its seed as an argument"),
        ("new_v4", "randomness: take the id or its seed as an argument"),
        ("tokio", "a runtime: the link owns the I/O"),
        ("thread", "a thread: the engine is the only owner of state"),
        ("rand", "randomness: take it as an argument"),
        ("getrandom", "randomness: take it as an argument"),
    ];
    // `std::net` is two words; the address types of it are no sockets, but a name is not ours to resolve either.
    let paths = [
        ("std::net", "a socket: the link owns the I/O"),
        ("std::fs", "a file: text comes in as an argument"),
    ];
    let core_only = [
        ("HashMap", "an order that differs a run: use BTreeMap or a slab"),
        ("HashSet", "an order that differs a run: use BTreeSet"),
    ];
    // The kit that replays transcripts reads them from files; that is its work.
    let may_read_files = path.starts_with("adapters/testkit/");
    let mut findings = Vec::new();
    for (number, line) in numbered(product_part(text)) {
        let code = without_comment(line);
        for (word, why) in always.iter().chain(core_only.iter().filter(|_| in_core)) {
            // "thread" alone is also a word of prose in a string; the module is what starts one.
            let meant = *word != "thread" || code.contains("thread::");
            if meant && has_word(code, word) {
                findings.push(Finding::new(path, number, format!("`{word}` in a pure crate is {why}")));
            }
        }
        for (piece, why) in paths {
            if code.contains(piece) && !(piece == "std::fs" && may_read_files) {
                findings.push(Finding::new(path, number, format!("`{piece}` in a pure crate is {why}")));
            }
        }
    }
    findings
}

/// A sleep in a test: it is too short on a slow machine and too long on a fast one.
pub fn sleeps_in_tests(path: &str, text: &str) -> Vec<Finding> {
    let is_script = path.ends_with(".py");
    // Where the pace of what is played is kept, and nothing waits for what must happen.
    if path == "tests/xmpp/pace.py" {
        return Vec::new();
    }
    if !path.ends_with(".rs") && !is_script {
        return Vec::new();
    }
    let (skipped, tests) = if is_test_file(path) {
        (0, text)
    } else if is_script {
        return Vec::new();
    } else {
        let product = product_part(text);
        (product.lines().count(), &text[product.len()..])
    };
    let piece = concat!("sleep", "(");
    numbered(tests)
        .filter(|(_, line)| calls(without_comment(line), piece))
        .map(|(number, _)| {
            let message = "a test sleeps: wait for what must happen, with a time limit (a channel, a watch, a poll that awaits)";
            Finding::new(path, skipped + number, message)
        })
        .collect()
}

/// A path that exists on one machine only.
pub fn names_a_machine(path: &str, text: &str) -> Vec<Finding> {
    let anywhere = [concat!("/wo", "rk/"), concat!("/ro", "ot/")];
    let product_only = concat!("/t", "mp/");
    let product = if is_test_file(path) { "" } else { product_part(text) };
    let mut findings = Vec::new();
    for (number, line) in numbered(text) {
        for piece in anywhere.iter().filter(|piece| starts_a_path(line, piece)) {
            findings.push(Finding::new(path, number, format!("`{piece}` is a path of one machine")));
        }
    }
    for (number, line) in numbered(product).filter(|(_, line)| starts_a_path(line, product_only)) {
        let message = format!("`{product_only}` in `{}`: ask for a temporary folder instead", line.trim());
        findings.push(Finding::new(path, number, message));
    }
    findings
}

/// The host name of a package registry: which one is used is a setting of the machine.
pub fn names_a_registry(path: &str, text: &str) -> Vec<Finding> {
    if is_generated(path) {
        return Vec::new();
    }
    let hosts = [
        concat!("crates", ".io"),
        concat!("registry", ".npmjs.org"),
        concat!("npmjs", ".com"),
        concat!("pypi", ".org"),
        concat!("pythonhosted", ".org"),
        concat!("deb", ".debian.org"),
        concat!("proxy", ".golang.org"),
    ];
    numbered(text)
        .flat_map(|(number, line)| {
            hosts.iter().filter(|host| line.contains(**host)).map(move |host| (number, host))
        })
        .map(|(number, host)| {
            Finding::new(path, number, format!("`{host}`: use the ordinary client by package name"))
        })
        .collect()
}

/// OpenSSL in the lock file: TLS is rustls with one provider.
pub fn openssl_locked(path: &str, text: &str) -> Vec<Finding> {
    if !path.ends_with("Cargo.lock") {
        return Vec::new();
    }
    // `openssl-probe` only looks for certificate files and links nothing.
    let names = ["openssl", "openssl-sys", "openssl-src", "native-tls"];
    numbered(text)
        .filter(|(_, line)| names.iter().any(|name| *line == format!("name = \"{name}\"")))
        .map(|(number, line)| {
            Finding::new(path, number, format!("{line}: find who wants it with `cargo tree -i`"))
        })
        .collect()
}

/// An adapter named where only the seam should be known.
pub fn names_an_adapter(path: &str, text: &str) -> Vec<Finding> {
    let may = path.starts_with("adapters/")
        || path == "src/registry.rs"
        || ["tests/", "benches/", "fuzz/"].iter().any(|folder| path.starts_with(folder));
    if may || !path.ends_with(".rs") {
        return Vec::new();
    }
    let in_simulator = path.starts_with("src/simulator/");
    let names = [
        "schakel_csta",
        "schakel_csta_wire",
        "schakel_template",
        "schakel_xmpp",
        "schakel_webchat",
        "schakel_ari",
    ];
    numbered(text)
        .flat_map(|(number, line)| {
            names
                .iter()
                .filter(|name| names_crate(without_comment(line), name))
                .map(move |name| (number, *name))
        })
        // The simulator is the other end of the same wire, so it shares the codec and nothing else.
        .filter(|(_, name)| !(in_simulator && name.ends_with("_wire")))
        .map(|(number, name)| {
            Finding::new(path, number, format!("`{name}`: only src/registry.rs names adapters"))
        })
        .collect()
}

// ---- helpers ----

fn numbered(text: &str) -> impl Iterator<Item = (usize, &str)> {
    text.lines().enumerate().map(|(index, line)| (index + 1, line))
}

fn is_generated(path: &str) -> bool {
    GENERATED.contains(&path.rsplit('/').next().unwrap_or(path))
}

fn is_code(path: &str, text: &str) -> bool {
    let name = path.rsplit('/').next().unwrap_or(path);
    match name.rsplit_once('.') {
        Some((_, extension)) => CODE_EXTENSIONS.contains(&extension),
        None => text.starts_with("#!"),
    }
}

/// Whole files of tests: integration tests, and modules of tests in a file of their own.
fn is_test_file(path: &str) -> bool {
    path.starts_with("tests/")
        || path.contains("/tests/")
        || path.ends_with("/tests.rs")
        || path.ends_with("_tests.rs")
}

/// The text before the first module of tests, which comes last in a file by the order of the house.
fn product_part(text: &str) -> &str {
    text.find("\n#[cfg(test)]\nmod ").map_or(text, |at| &text[..at])
}

/// The line up to a `//` comment. A `//` inside a string (a URL) also ends it, which loses a little and never lies
/// about comments.
fn without_comment(line: &str) -> &str {
    line.find("//").map_or(line, |at| &line[..at])
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

fn has_word(line: &str, word: &str) -> bool {
    line.match_indices(word)
        .any(|(at, _)| !line[..at].ends_with(is_word) && !line[at + word.len()..].starts_with(is_word))
}

/// A crate in a path or a `use`; its name in a string (a log filter) is no dependency.
fn names_crate(line: &str, name: &str) -> bool {
    has_word(line, name)
        && (line.contains(&format!("{name}::"))
            || line.contains(&format!("use {name}"))
            || line.contains("extern crate"))
}

/// A call of exactly this function, not of one whose name ends in it.
fn calls(line: &str, piece: &str) -> bool {
    line.match_indices(piece).any(|(at, _)| !line[..at].ends_with(is_word))
}

/// `/x/` at the start of a path: not the middle of a URL, of a relative path or of a longer path.
fn starts_a_path(line: &str, piece: &str) -> bool {
    line.match_indices(piece)
        .any(|(at, _)| !line[..at].ends_with(|c: char| is_word(c) || ".-}$*)".contains(c)))
}

#[cfg(test)]
mod can_go_red {
    use super::*;

    fn lines(findings: &[Finding]) -> Vec<usize> {
        findings.iter().map(|finding| finding.line).collect()
    }

    #[test]
    fn length() {
        let long = "x\n".repeat(LINES_MAX + 1);
        assert_eq!(too_long("src/a.rs", &long).len(), 1);
        assert_eq!(
            too_long("tests/run", &format!("#!/bin/sh\n{long}")).len(),
            1,
            "a script without an extension"
        );
        assert_eq!(too_long("src/a.rs", &"x\n".repeat(LINES_MAX)), []);
        assert_eq!(too_long("README.md", &long), [], "prose may be long");
        assert_eq!(too_long("src/api/openapi.json", &long), []);
    }

    #[test]
    fn unfinished_work() {
        let marks = format!("// {}: later\nlet x = 1;\n{}\n", concat!("TO", "DO"), concat!("todo", "!()"));
        assert_eq!(lines(&unfinished("src/a.rs", &marks)), [1, 3]);
        assert_eq!(lines(&unfinished("a.sh", concat!("# FIX", "ME"))), [1]);
        assert_eq!(lines(&unfinished("tests/a.rs", concat!("#[ign", "ore = \"slow\"]"))), [1]);
        assert_eq!(unfinished("src/a.rs", "let MASTODON = TODOS;"), [], "whole words only");
    }

    #[test]
    fn purity() {
        for line in [
            "let now = Instant::now();",
            "use std::time::SystemTime;",
            "use std::net::TcpStream;",
            "use tokio::sync::mpsc;",
            "std::thread::spawn(|| ());",
            "let x: u8 = rand::random();",
            "let id = Uuid::now_v7();",
            "use std::collections::HashMap;",
        ] {
            assert_eq!(lines(&impure("src/core/src/a.rs", &format!("\n{line}"))), [2], "{line}");
        }
        assert_eq!(lines(&impure("adapters/csta/src/a.rs", "let now = Instant::now();")), [1]);
        assert_eq!(lines(&impure("adapters/csta/wire/src/a.rs", "std::fs::read(path)")), [1]);
        assert_eq!(impure("adapters/testkit/src/a.rs", "std::fs::read(path)"), []);
        assert_eq!(
            impure("adapters/csta/src/a.rs", "HashMap::new()"),
            [],
            "lookups without an order that is seen"
        );
        assert_eq!(impure("src/engine/src/a.rs", "Instant::now()"), [], "the engine has a clock");
        assert_eq!(impure("src/core/src/a.rs", "// an Instant would be a clock\nlet operand = 1;"), []);
        assert_eq!(
            impure("src/core/src/a.rs", "use std::time::Duration;\n#[cfg(test)]\nmod tests { use Instant; }"),
            []
        );
    }

    #[test]
    fn sleeping_tests() {
        let call = concat!("    tokio::time::sleep", "(d).await;");
        assert_eq!(lines(&sleeps_in_tests("tests/e2e/main.rs", call)), [1]);
        assert_eq!(lines(&sleeps_in_tests("tests/contract/a.py", call)), [1]);
        let module = format!("fn product() {{\n{call}\n}}\n\n#[cfg(test)]\nmod tests {{\n{call}\n}}");
        assert_eq!(lines(&sleeps_in_tests("src/a.rs", &module)), [7], "in a product the outbox may back off");
        assert_eq!(sleeps_in_tests("tests/a.rs", concat!("set_asleep", "(1)")), []);
    }

    #[test]
    fn machines() {
        for line in [concat!("cd /wo", "rk/main"), concat!("\"/ro", "ot/.cargo\"")] {
            assert_eq!(lines(&names_a_machine("tests/a.rs", line)), [1], "{line}");
        }
        let temporary = concat!("let x = \"/t", "mp/schakel\";");
        assert_eq!(lines(&names_a_machine("src/a.rs", temporary)), [1]);
        assert_eq!(names_a_machine("tests/a.rs", temporary), []);
        assert_eq!(names_a_machine("a.md", concat!("https://host/wo", "rk/x ../wo", "rk/y")), []);
    }

    #[test]
    fn registries() {
        let line = concat!("curl https://pypi", ".org/simple");
        assert_eq!(lines(&names_a_registry("tests/run", line)), [1]);
        assert_eq!(names_a_registry("Cargo.lock", line), [], "a lock file is cargo's");
    }

    #[test]
    fn openssl() {
        let lock = "[[package]]\nname = \"openssl-sys\"\nversion = \"0.9\"\n";
        assert_eq!(lines(&openssl_locked("Cargo.lock", lock)), [2]);
        assert_eq!(openssl_locked("Cargo.lock", "name = \"openssl-probe\""), []);
    }

    #[test]
    fn adapters_named() {
        assert_eq!(lines(&names_an_adapter("src/cli/serve.rs", "use schakel_csta::Session;")), [1]);
        assert_eq!(lines(&names_an_adapter("src/engine/src/a.rs", "\nschakel_csta_wire::decode(x)")), [2]);
        assert_eq!(lines(&names_an_adapter("src/simulator/src/a.rs", "use schakel_csta::Session;")), [1]);
        assert_eq!(names_an_adapter("src/simulator/src/a.rs", "use schakel_csta_wire::Frame;"), []);
        assert_eq!(names_an_adapter("src/observe.rs", "such as \"info,schakel_csta=debug\""), []);
        assert_eq!(names_an_adapter("src/registry.rs", "use schakel_csta::Session;"), []);
    }
}
