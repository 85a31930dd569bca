//! A search for values where none may be, in every form that software tends to give them.

use std::collections::HashMap;
use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};

use crate::harness::Random;

/// Values to look for, in all their forms, found in one pass.
pub(crate) struct Needles {
    /// Whether one begins with these two bytes: most places are passed with this look.
    begins: Vec<bool>,
    by_start: HashMap<[u8; START], Vec<Needle>>,
}

struct Needle {
    bytes: Vec<u8>,
    /// What it is and in which form, for the message.
    what: String,
}

/// Every form is at least this long.
const START: usize = 8;

/// A text that stands nowhere else, and that no encoding leaves as it is.
pub(crate) fn canary(random: &mut Random) -> String {
    format!("c+n/a~ry {}", random.word(24))
}

impl Default for Needles {
    fn default() -> Self {
        Self {
            begins: vec![false; 1 << 16],
            by_start: HashMap::new(),
        }
    }
}

fn first_two(bytes: &[u8]) -> usize {
    usize::from(bytes[0]) << 8 | usize::from(bytes[1])
}

impl Needles {
    /// Look for `value`, which is called `name` in messages.
    pub(crate) fn add(&mut self, name: &str, value: &str) {
        for (form, bytes) in forms(value.as_bytes()) {
            let start: [u8; START] = bytes[..START].try_into().unwrap();
            self.begins[first_two(&start)] = true;
            self.by_start.entry(start).or_default().push(Needle {
                bytes,
                what: format!("{name} ({form})"),
            });
        }
    }

    /// What of the needles stands in `hay`.
    pub(crate) fn find(&self, hay: &[u8]) -> Vec<&str> {
        let mut found: Vec<&str> = hay
            .windows(START)
            .enumerate()
            .filter(|(_, start)| self.begins[first_two(start)])
            .filter_map(|(place, start)| Some((place, self.by_start.get(start)?)))
            .flat_map(|(place, needles)| {
                let here = needles
                    .iter()
                    .filter(move |needle| hay[place..].starts_with(&needle.bytes));
                here.map(|needle| needle.what.as_str())
            })
            .collect();
        found.sort_unstable();
        found.dedup();
        found
    }

    /// Fail when one of the needles stands in `hay`.
    #[track_caller]
    pub(crate) fn assert_absent(&self, place: &str, hay: &[u8]) {
        let found = self.find(hay);
        assert!(found.is_empty(), "in {place}: {}", found.join(", "));
    }

    /// Fail when one of the needles stands in a file below `directory`; the files of these names are left out.
    #[track_caller]
    pub(crate) fn assert_absent_below(&self, directory: &Path, except: &[&str]) {
        let mut files = 0;
        let mut directories = vec![directory.to_owned()];
        while let Some(directory) = directories.pop() {
            for entry in std::fs::read_dir(&directory).unwrap() {
                let entry = entry.unwrap();
                let path = entry.path();
                let kind = entry.file_type().unwrap();
                if kind.is_dir() {
                    directories.push(path);
                } else if kind.is_file() && !except.iter().any(|name| entry.file_name() == *name) {
                    files += 1;
                    self.assert_absent(&path.display().to_string(), &std::fs::read(&path).unwrap());
                }
            }
        }
        assert!(files > 0, "{} holds no files", directory.display());
    }
}

/// The forms that a value may take: raw, JSON, URL encodings, hexadecimal, base64 wherever it begins, reversed.
fn forms(value: &[u8]) -> Vec<(String, Vec<u8>)> {
    let percent = |keep: fn(u8) -> bool, space: &str| -> Vec<u8> {
        let encode = |&byte: &u8| match byte {
            b' ' => space.to_owned(),
            byte if keep(byte) => char::from(byte).to_string(),
            byte => format!("%{byte:02X}"),
        };
        value.iter().map(encode).collect::<String>().into_bytes()
    };
    let hex: String = value.iter().map(|byte| format!("{byte:02x}")).collect();
    let json = serde_json::to_string(&String::from_utf8_lossy(value)).unwrap();
    let mut forms = vec![
        ("raw".to_owned(), value.to_vec()),
        (
            "JSON".to_owned(),
            json.trim_matches('"').as_bytes().to_vec(),
        ),
        (
            "URL-encoded".to_owned(),
            percent(
                |byte| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte),
                "%20",
            ),
        ),
        (
            "form-encoded".to_owned(),
            percent(
                |byte| byte.is_ascii_alphanumeric() || b"*-._".contains(&byte),
                "+",
            ),
        ),
        ("hexadecimal".to_owned(), hex.as_bytes().to_vec()),
        (
            "hexadecimal".to_owned(),
            hex.to_ascii_uppercase().into_bytes(),
        ),
        ("reversed".to_owned(), value.iter().rev().copied().collect()),
    ];
    for skipped in 0..3 {
        // From whichever byte of a group of three it begins, whole groups of the value encode alike.
        let whole = &value[skipped..];
        let whole = &whole[..whole.len() / 3 * 3];
        for text in [STANDARD_NO_PAD.encode(whole), URL_SAFE_NO_PAD.encode(whole)] {
            forms.push((format!("base64 from byte {skipped}"), text.into_bytes()));
        }
    }
    forms
}

/// The search finds what it is to find: without this, a silent one would prove nothing.
#[test]
fn a_value_is_found_in_every_form_and_at_every_place() {
    let mut random = Random::new();
    let value = canary(&mut random);
    let mut needles = Needles::default();
    needles.add("value", &value);
    let stranger = canary(&mut random);
    let percent: String = value
        .bytes()
        .map(|byte| match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'~' => char::from(byte).to_string(),
            byte => format!("%{byte:02X}"),
        })
        .collect();
    for before in 0..4 {
        let padded = format!("{}{value}{}", "x".repeat(before), "y".repeat(5));
        let hex: String = padded.bytes().map(|byte| format!("{byte:02X}")).collect();
        for hay in [
            padded.clone(),
            STANDARD_NO_PAD.encode(&padded),
            URL_SAFE_NO_PAD.encode(&padded),
            hex,
            padded.chars().rev().collect(),
            format!("/path?q={percent}&r=1"),
            format!("q={}", percent.replace("%20", "+").replace('~', "%7E")),
        ] {
            assert!(!needles.find(hay.as_bytes()).is_empty(), "{hay}");
        }
        let innocent = format!("{}{stranger}", "x".repeat(before));
        assert!(needles.find(innocent.as_bytes()).is_empty());
        assert!(
            needles
                .find(STANDARD_NO_PAD.encode(&innocent).as_bytes())
                .is_empty()
        );
    }
}
