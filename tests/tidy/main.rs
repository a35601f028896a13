//! Tidy: the rules of the house that a compiler does not see, kept by reading the text of the repository.
//!
//! Each rule is a pure function from named text to findings, and has two kinds of tests here: one that runs it
//! over the whole repository, and one that feeds it a made-up sample on which it must go red. A rule that cannot
//! go red is worth nothing.
//!
//! - [`source`] looks at one file at a time: length, unfinished work, clocks and sockets in pure crates, …
//! - [`arrows`] looks at the manifests: who may depend on whom (the walls of `ARCHITECTURE.md`).
//! - [`files`] reads the repository into memory once a test.

mod arrows;
mod files;
mod source;

use std::fmt;

/// One broken rule at one place, in words that say how to mend it.
#[derive(Debug, PartialEq, Eq)]
pub struct Finding {
    /// Path from the root of the repository, with `/`.
    pub path: String,
    /// Line, from 1; 0 for the file as a whole.
    pub line: usize,
    /// What is wrong and what to do instead.
    pub message: String,
}

impl Finding {
    fn new(path: &str, line: usize, message: impl Into<String>) -> Self {
        Self { path: path.to_owned(), line, message: message.into() }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}", self.path, self.line, self.message)
    }
}

/// Fails the calling test with every finding on a line of its own.
fn assert_clean(rule: &str, findings: &[Finding]) {
    assert!(
        findings.is_empty(),
        "{rule}: {} finding(s)\n{}",
        findings.len(),
        findings.iter().map(Finding::to_string).collect::<Vec<_>>().join("\n")
    );
}

#[test]
fn the_walk_sees_the_repository() {
    let repository = files::Repository::read();
    for must_be_there in ["Cargo.toml", "src/core/src/lib.rs", "tests/tidy/main.rs", "tests/run"] {
        assert!(
            repository.get(must_be_there).is_some(),
            "{must_be_there} was not read: the rules would see nothing"
        );
    }
    assert!(
        repository.iter().all(|file| !file.path.starts_with("target/")),
        "target/ is not part of the repository"
    );
}

#[test]
fn no_file_is_longer_than_the_limit() {
    assert_clean("file length", &files::Repository::read().check(source::too_long));
}

#[test]
fn nothing_is_left_unfinished() {
    assert_clean("unfinished work", &files::Repository::read().check(source::unfinished));
}

#[test]
fn pure_crates_have_no_clock_socket_thread_or_randomness() {
    assert_clean("purity", &files::Repository::read().check(source::impure));
}

#[test]
fn tests_wait_for_what_happens_instead_of_sleeping() {
    assert_clean("sleep in tests", &files::Repository::read().check(source::sleeps_in_tests));
}

#[test]
fn no_path_of_a_machine_and_no_registry_host_is_committed() {
    assert_clean("machine paths", &files::Repository::read().check(source::names_a_machine));
    assert_clean("registry hosts", &files::Repository::read().check(source::names_a_registry));
}

#[test]
fn openssl_is_not_linked() {
    assert_clean("OpenSSL", &files::Repository::read().check(source::openssl_locked));
}

#[test]
fn only_the_registry_names_adapters() {
    assert_clean("adapters named", &files::Repository::read().check(source::names_an_adapter));
}

#[test]
fn dependencies_point_one_way() {
    let repository = files::Repository::read();
    let manifests: Vec<_> = repository.iter().filter(|file| file.path.ends_with("Cargo.toml")).collect();
    assert!(manifests.len() > 8, "the manifests were not found");
    let findings: Vec<_> =
        manifests.iter().flat_map(|file| arrows::forbidden(&file.path, &file.text)).collect();
    assert_clean("arrows", &findings);
}
