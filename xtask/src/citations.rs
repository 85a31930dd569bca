//! What comments and documents cite is there: sections of the documents, and lines of the list of past failures.

use std::collections::BTreeSet;

use crate::tidy::{check, files, numbered};

/// Documents whose sections are cited, by the words that stand before the section's number.
const DOCUMENTS: &[(&str, &str)] = &[
    (RULES, "docs/RULES.md"),
    (DESIGN, "docs/DESIGN.md"),
    (CLOUDKEEP, "docs/contracts/cloudkeep.md"),
    (CRATE, "docs/contracts/crate.md"),
    (CREDVAULT, "docs/contracts/credvault.md"),
    (INKBOX, "docs/contracts/inkbox.md"),
    (ONECLAW, "docs/contracts/oneclaw.md"),
];
const RULES: &str = "RULES";
const DESIGN: &str = "DESIGN";
const CLOUDKEEP: &str = "CloudKeep contract";
const CRATE: &str = "Crate contract";
const CREDVAULT: &str = "CredVault contract";
const INKBOX: &str = "Inkbox contract";
const ONECLAW: &str = "1claw contract";

/// The list of past failures, whose last column names the tests.
const FAILURES: &str = "docs/negative-tests.md";
/// What the number of a past failure stands behind.
const FAILURE: &str = "NT-";

#[test]
fn every_cited_section_is_there() {
    let sections: BTreeSet<_> = files()
        .iter()
        .filter_map(|file| {
            let (document, _) = DOCUMENTS.iter().find(|(_, path)| *path == file.path)?;
            let headings = file.text.lines().filter_map(section_of_heading);
            Some(headings.map(|section| (*document, section.to_owned())))
        })
        .flatten()
        .collect::<BTreeSet<_>>();
    assert!(sections.len() > 40, "only {} sections", sections.len());
    check(|file| {
        numbered(file)
            .flat_map(|(number, line)| {
                let cited = cited(&file.path, line).into_iter();
                let missing = cited.filter(|cited| !sections.contains(cited));
                missing.map(move |(document, section)| (number, document, section))
            })
            .map(|(number, document, section)| {
                format!("{}:{number}: no {document} §{section}", file.path)
            })
            .collect()
    });
}

#[test]
fn every_past_failure_is_listed_and_named_by_its_tests() {
    let files = files();
    let list = files.iter().find(|file| file.path == FAILURES).unwrap();
    let listed: BTreeSet<_> = rows(&list.text).map(|(failure, _)| failure).collect();
    check(|file| {
        let cited = file.text.split(FAILURE).skip(1).map(digits);
        cited
            .filter(|number| !number.is_empty() && !listed.contains(number))
            .map(|number| format!("{}: {FAILURE}{number} is not in {FAILURES}", file.path))
            .collect()
    });
    for (failure, tests) in rows(&list.text) {
        let names = tests.split('`').skip(1).step_by(2);
        for name in names.filter(|name| name.contains(".rs")) {
            let end = format!("/{name}");
            let cites = files.iter().any(|file| {
                (file.path == name || file.path.ends_with(&end))
                    && file.text.contains(&format!("{FAILURE}{failure}"))
            });
            assert!(cites, "{FAILURES}: {name} does not name {FAILURE}{failure}");
        }
    }
}

/// The past failures of the list: number, and the cell that names the tests.
fn rows(list: &str) -> impl Iterator<Item = (&str, &str)> {
    list.lines().filter_map(|line| {
        let row = line.strip_prefix("| ")?.strip_prefix(FAILURE)?;
        let (_, tests) = row.trim_end_matches(" |").rsplit_once(" | ")?;
        Some((digits(row), tests))
    })
}

/// `2` of `## 2. What you may do`, `6.4` of `### 6.4 Reading`, `A7` of `## A7. Paging`.
fn section_of_heading(line: &str) -> Option<&str> {
    let (marks, heading) = line.split_once(' ')?;
    let is_heading = !marks.is_empty() && marks.bytes().all(|byte| byte == b'#');
    let section = heading.split(' ').next()?.trim_end_matches('.');
    (is_heading && is_section(section)).then_some(section)
}

/// The sections that a line cites, each with its document: its number follows the document's name, or another number.
fn cited(path: &str, line: &str) -> Vec<(&'static str, String)> {
    let mut cited = Vec::new();
    let mut document = None;
    let mut before = "";
    for word in line.split_whitespace() {
        let word = word.trim_matches(|c: char| !c.is_alphanumeric() && c != '§');
        let section = word.strip_prefix('§').unwrap_or(word);
        let is_lettered = document == Some(CREDVAULT) && word.starts_with(['A', 'B']);
        let is_numbered = is_lettered || section.len() < word.len();
        if is_numbered && is_section(section) {
            cited.extend(document.map(|document| (document, section.to_owned())));
        } else if word != "and" && !word.is_empty() {
            document = match (before, word) {
                (_, "RULES") => Some(RULES),
                (_, "DESIGN") => Some(DESIGN),
                ("CloudKeep", "contract") => Some(CLOUDKEEP),
                ("CredVault", "contract") => Some(CREDVAULT),
                ("1claw", "contract") => Some(ONECLAW),
                ("Crate", "contract") => Some(CRATE),
                ("Inkbox", "contract") => Some(INKBOX),
                (_, "contract") => Some(own_contract(path)),
                _ if is_shouted(word) => Some("such document"),
                _ => None,
            };
        }
        before = word;
    }
    cited
}

/// The contract that a file means when it names none: its API's, and elsewhere the one whose sections bear letters.
fn own_contract(path: &str) -> &'static str {
    if path.contains("/cloudkeep/") {
        CLOUDKEEP
    } else if path.contains("/oneclaw/") {
        ONECLAW
    } else if path.contains("/crate_io/") {
        CRATE
    } else if path.contains("/inkbox/") {
        INKBOX
    } else {
        CREDVAULT
    }
}

/// Whether it looks like a document's name: `README`.
fn is_shouted(word: &str) -> bool {
    word.len() > 3 && word.bytes().all(|byte| byte.is_ascii_uppercase())
}

/// `2`, `6.4`, `A7`.
fn is_section(text: &str) -> bool {
    let number = text.strip_prefix(['A', 'B']).unwrap_or(text);
    number.starts_with(|c: char| c.is_ascii_digit())
        && number
            .bytes()
            .all(|byte| byte.is_ascii_digit() || byte == b'.')
        && (number.len() == text.len() || number.len() == 1)
}

/// The digits that a text begins with.
fn digits(text: &str) -> &str {
    text.split(|c: char| !c.is_ascii_digit())
        .next()
        .unwrap_or_default()
}

#[test]
fn citations_are_found_in_every_form() {
    // In parts, so that these lines cite nothing themselves.
    let (shouted, unnamed) = (["LAY", "OUT"].concat(), ["con", "tract"].concat());
    for (path, line, expected) in [
        (
            "a.rs",
            "//! Who (RULES §2, §3; DESIGN §4).",
            "RULES 2, RULES 3, DESIGN 4",
        ),
        (
            "a.rs",
            "/// RULES §1 and §2, step 2: an agent",
            "RULES 1, RULES 2",
        ),
        (
            "a.rs",
            "(1claw contract §6.4), RFC 9562 §5.7",
            "1claw contract 6.4",
        ),
        (
            "a.rs",
            "words (contract A2, A7)",
            "CredVault contract A2, CredVault contract A7",
        ),
        ("a.rs", "the contract has 12 members; §5 of it", ""),
        ("a.rs", &format!("one ({shouted} §4)"), "such document 4"),
        (
            "api/oneclaw/a.rs",
            &format!("a path ({unnamed} §6.1): 3"),
            "1claw contract 6.1",
        ),
        (
            "api/cloudkeep/a.rs",
            &format!("`{unnamed} §6`"),
            "CloudKeep contract 6",
        ),
    ] {
        let found = cited(path, line).into_iter();
        let found: Vec<_> = found
            .map(|(document, section)| format!("{document} {section}"))
            .collect();
        assert_eq!(found.join(", "), expected, "{line}");
    }
}
