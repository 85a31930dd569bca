//! The scopes of an agent: path patterns that are a ceiling, and labels that restrict nothing (RULES §1).

use crate::error::Error;
use crate::policy::Glob;

/// The most scopes that an agent has.
const MOST: usize = 100;

/// Check the scopes that an agent is to have. A word such as `vaults:read` is a label; any other word with a colon is
/// refused, since it looks like a restriction and would be none.
pub(super) fn scopes_checked(words: Vec<String>) -> Result<Vec<String>, Error> {
    if words.len() > MOST {
        return Err(Error::invalid("scopes", "must be at most 100"));
    }
    for word in &words {
        if is_label(word) {
            continue;
        }
        if word.contains(':') {
            return Err(Error::invalid(
                "scopes",
                "must be path patterns, or labels such as vaults:read",
            ));
        }
        Glob::parse(word).map_err(|why| Error::invalid("scopes", why))?;
    }
    Ok(words)
}

/// The patterns among the scopes; none leaves it to the policies. A stored word that no longer reads is an error: it was a
/// ceiling.
pub(crate) fn path_scopes(words: &[String]) -> Result<Vec<Glob>, &'static str> {
    words
        .iter()
        .filter(|word| !is_label(word))
        .map(|word| Glob::parse(word))
        .collect()
}

fn is_label(word: &str) -> bool {
    word.split_once(':').is_some_and(|(subject, verb)| {
        !subject.is_empty()
            && !verb.is_empty()
            && subject
                .bytes()
                .all(|byte| byte.is_ascii_lowercase() || byte == b'_')
            && verb
                .bytes()
                .all(|byte| byte.is_ascii_lowercase() || byte == b'_' || byte == b'*')
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(words: &[&str]) -> Vec<String> {
        words.iter().map(|word| (*word).to_owned()).collect()
    }

    #[test]
    fn a_label_restricts_nothing() {
        for label in ["vaults:read", "secrets:*", "a_b:c_d", "_:_"] {
            let scopes = scopes_checked(words(&[label])).unwrap();
            assert!(path_scopes(&scopes).unwrap().is_empty(), "{label}");
        }
    }

    #[test]
    fn what_looks_like_a_label_and_is_none_is_refused() {
        for wrong in [
            "Vaults:read",
            "vaults:",
            ":read",
            "vaults:read:all",
            "db:1",
            "a b:c",
            "db/x:y",
        ] {
            assert!(scopes_checked(words(&[wrong])).is_err(), "{wrong}");
        }
    }

    #[test]
    fn every_other_word_is_a_path_pattern() {
        let scopes = scopes_checked(words(&["db/**", "vaults:read", "*"])).unwrap();
        let globs = path_scopes(&scopes).unwrap();
        let texts: Vec<_> = globs.iter().map(Glob::as_str).collect();
        assert_eq!(texts, ["db/**", "*"]);
        for wrong in ["", "a//b", "a**", " a"] {
            assert!(scopes_checked(words(&[wrong])).is_err(), "{wrong}");
        }
        assert!(scopes_checked(vec!["a".to_owned(); 101]).is_err());
    }
}
