//! How the files of the repository look, where no formatter and no lint judges it.

use std::fs;
use std::path::{Path, PathBuf};

use crate::root;

/// The most lines that a source file may have: one that wants more holds two ideas.
const MAX_LINES: usize = 450;

/// Endings and names of the files that people write by hand.
const TEXT: &[&str] = &[
    ".rs",
    ".toml",
    ".md",
    ".http",
    ".proto",
    ".sh",
    ".sql",
    ".yml",
    "Makefile",
    ".ci/run",
    "xtask/need",
];

/// Marks of unfinished work, paths of somebody's machine, and the signatures of tools.
///
/// In two halves each, so that this file does not hold them.
const FORBIDDEN: &[(&str, &str)] = &[
    ("TO", "DO"),
    ("FIX", "ME"),
    ("XX", "X"),
    ("unimplemented", "!("),
    ("/home", "/"),
    ("/root", "/"),
    ("/work", "/"),
    ("/Users", "/"),
    ("../", "shared"),
    ("Co-authored", "-by"),
    ("Generated ", "with"),
    ("sub", "agent"),
];

/// A file that people write by hand.
pub(crate) struct File {
    /// The path from the root of the repository.
    pub(crate) path: String,
    /// All of it.
    pub(crate) text: String,
}

impl File {
    fn is_source(&self) -> bool {
        self.ends_in("rs")
    }

    fn ends_in(&self, extension: &str) -> bool {
        Path::new(&self.path)
            .extension()
            .is_some_and(|end| end == extension)
    }
}

/// Every file of `TEXT`'s kinds, but for what a build or a server leaves behind.
pub(crate) fn files() -> Vec<File> {
    let mut files = Vec::new();
    let mut directories = vec![root().to_path_buf()];
    while let Some(directory) = directories.pop() {
        for entry in fs::read_dir(&directory).expect("a directory that can be read") {
            let path: PathBuf = entry.expect("an entry that can be read").path();
            let name = path
                .file_name()
                .unwrap_or_default()
                .to_string_lossy()
                .into_owned();
            if path.is_dir() {
                if !matches!(
                    name.as_str(),
                    "target" | ".git" | ".kluis" | "node_modules" | "dist"
                ) {
                    directories.push(path);
                }
            } else if TEXT
                .iter()
                .any(|ending| path.to_string_lossy().ends_with(ending))
            {
                let text = fs::read_to_string(&path)
                    .unwrap_or_else(|error| panic!("{}: {error}", path.display()));
                files.push(File {
                    path: from_root(&path),
                    text,
                });
            }
        }
    }
    assert!(
        files.len() > 20,
        "the walk has lost its way: {} files",
        files.len()
    );
    files
}

fn from_root(path: &Path) -> String {
    path.strip_prefix(root())
        .unwrap_or(path)
        .to_string_lossy()
        .into_owned()
}

/// Fails with all that `judge` finds, not only the first.
pub(crate) fn check(judge: impl Fn(&File) -> Vec<String>) {
    let findings: Vec<String> = files().iter().flat_map(judge).collect();
    assert!(findings.is_empty(), "\n{}", findings.join("\n"));
}

#[test]
fn every_source_file_says_what_it_is() {
    check(|file| {
        let silent = file.is_source() && !file.text.starts_with("//!");
        silent
            .then(|| format!("{}: begins without a module comment (//!)", file.path))
            .into_iter()
            .collect()
    });
}

#[test]
fn no_source_file_is_too_long() {
    check(|file| {
        let lines = file.text.lines().count();
        let long = file.is_source() && lines > MAX_LINES;
        long.then(|| format!("{}: {lines} lines, more than {MAX_LINES}", file.path))
            .into_iter()
            .collect()
    });
}

#[test]
fn no_line_ends_in_a_space_and_every_file_in_a_newline() {
    check(|file| {
        let mut findings: Vec<String> = numbered(file)
            .filter(|(_, line)| line.ends_with([' ', '\t', '\r']))
            .map(|(number, _)| format!("{}:{number}: space at the end", file.path))
            .collect();
        if !file.text.is_empty() && (!file.text.ends_with('\n') || file.text.ends_with("\n\n")) {
            findings.push(format!("{}: does not end in one newline", file.path));
        }
        findings
    });
}

#[test]
fn no_file_holds_a_forbidden_word() {
    let forbidden: Vec<String> = FORBIDDEN
        .iter()
        .map(|(start, end)| format!("{start}{end}"))
        .collect();
    check(|file| {
        numbered(file)
            .flat_map(|(number, line)| {
                let found = forbidden
                    .iter()
                    .filter(move |word| line.contains(word.as_str()));
                found.map(move |word| format!("{}:{number}: {word}", file.path))
            })
            .collect()
    });
}

#[test]
fn every_crate_takes_versions_and_lints_from_the_workspace() {
    check(|file| {
        // A package that is a workspace of its own is none of ours.
        let is_apart = file.text.lines().any(|line| line == "[workspace]");
        let is_member = file.path.ends_with("/Cargo.toml") && !is_apart;
        if !is_member {
            return Vec::new();
        }
        let mut findings = Vec::new();
        // What is generated is as its generator writes it.
        let is_generated = file.path == "crates/kluis-proto/Cargo.toml";
        if !is_generated && !file.text.contains("[lints]\nworkspace = true") {
            findings.push(format!("{}: without the workspace's lints", file.path));
        }
        let mut in_dependencies = false;
        for (number, line) in numbered(file) {
            if line.starts_with('[') {
                in_dependencies = line.ends_with("dependencies]");
            } else if in_dependencies && line.contains('=') && !line.contains("workspace = true") {
                findings.push(format!("{}:{number}: a version of its own", file.path));
            }
        }
        findings
    });
}

/// Documents name files in backticks, from the root or by the end of the path, and link to them.
#[test]
fn documents_name_files_that_are_there() {
    let files: Vec<String> = files().into_iter().map(|file| file.path).collect();
    check(|file| {
        if !file.ends_in("md") || file.path == "CHANGELOG.md" {
            return Vec::new();
        }
        let code = file
            .text
            .split('`')
            .skip(1)
            .step_by(2)
            .filter(|name| is_path(name));
        let links = file
            .text
            .split("](")
            .skip(1)
            .filter_map(|rest| rest.split(')').next());
        let links = links.filter(|link| !link.contains("://") && !link.starts_with('#'));
        let missing_code = code.filter(|name| {
            let end = format!("/{name}");
            !files
                .iter()
                .any(|path| path == name || path.ends_with(&end))
                && !root().join(name).exists()
        });
        let directory = root().join(&file.path);
        let missing_links =
            links.filter(|link| !directory.parent().unwrap_or(root()).join(link).exists());
        missing_code
            .chain(missing_links)
            .map(|name| format!("{}: no {name}", file.path))
            .collect()
    });
}

/// Whether text in backticks is meant as the name of a file here: source, a document, or a place below a directory of ours.
fn is_path(text: &str) -> bool {
    let ours = ["bench/", "catalog/", "crates/", "docs/", "tests/", "xtask/"];
    let named = [".rs", ".md", ".sql"]
        .iter()
        .any(|ending| text.ends_with(ending));
    (named || ours.iter().any(|start| text.starts_with(start)))
        && !text.contains(['<', '*', ' ', '{'])
}

/// The lines of a file, numbered as editors do.
pub(crate) fn numbered(file: &File) -> impl Iterator<Item = (usize, &str)> {
    (1..).zip(file.text.split('\n'))
}
