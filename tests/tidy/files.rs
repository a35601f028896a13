//! The repository as text: every file that could be committed, read once.

use std::fs;
use std::path::{Path, PathBuf};

use crate::Finding;

/// Folders that are built, downloaded or git's own, by name, wherever they are.
const SKIPPED_FOLDERS: [&str; 6] = ["target", ".git", "node_modules", ".venv", "__pycache__", ".hypothesis"];

/// Folders below `fuzz/` that a fuzzer writes.
const SKIPPED_PATHS: [&str; 3] = ["fuzz/corpus", "fuzz/artifacts", "fuzz/coverage"];

/// A text file of the repository.
#[derive(Debug)]
pub struct File {
    /// Path from the root of the repository, with `/`.
    pub path: String,
    /// Its text.
    pub text: String,
}

/// Every text file of the repository, sorted by path.
#[derive(Debug)]
pub struct Repository(Vec<File>);

impl Repository {
    /// Reads the repository that this test was compiled in. Files that are not UTF-8 are skipped: no rule is about
    /// them.
    pub fn read() -> Self {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        let mut files = Vec::new();
        let mut folders = vec![PathBuf::new()];
        while let Some(folder) = folders.pop() {
            // A folder that vanishes while tests run beside it is not a finding.
            let Ok(entries) = fs::read_dir(root.join(&folder)) else { continue };
            for entry in entries.flatten() {
                let relative = folder.join(entry.file_name());
                let path = relative.to_string_lossy().replace('\\', "/");
                let Ok(kind) = entry.file_type() else { continue };
                if kind.is_dir() && !is_skipped(&path) {
                    folders.push(relative);
                } else if kind.is_file()
                    && let Ok(text) = fs::read_to_string(entry.path())
                {
                    files.push(File { path, text });
                }
            }
        }
        files.sort_by(|a, b| a.path.cmp(&b.path));
        Self(files)
    }

    /// All files, sorted by path.
    pub fn iter(&self) -> impl Iterator<Item = &File> {
        self.0.iter()
    }

    /// The file at a path.
    pub fn get(&self, path: &str) -> Option<&File> {
        self.0.iter().find(|file| file.path == path)
    }

    /// Everything that a rule about single files finds.
    pub fn check(&self, rule: fn(&str, &str) -> Vec<Finding>) -> Vec<Finding> {
        self.0.iter().flat_map(|file| rule(&file.path, &file.text)).collect()
    }
}

fn is_skipped(path: &str) -> bool {
    let name = path.rsplit('/').next().unwrap_or(path);
    SKIPPED_FOLDERS.contains(&name) || SKIPPED_PATHS.contains(&path)
}

#[test]
fn built_and_downloaded_folders_are_skipped() {
    for path in ["target", "fuzz/target", "tests/contract/node_modules", "fuzz/corpus", ".git"] {
        assert!(is_skipped(path), "{path}");
    }
    for path in ["src", "tests/contract", "fuzz", ".ci", "src/targets"] {
        assert!(!is_skipped(path), "{path}");
    }
}
