//! Paths, and numbers behind them.

use kluis_engine::{Error, Path};

/// A path by the grammar of this API (contract §6.1): segments of letters, digits, `-` and `_`, joined by single slashes.
pub(in super::super) fn secret_path(text: String) -> Result<Path, Error> {
    let is_segment = |segment: &str| {
        !segment.is_empty()
            && segment
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_')
    };
    if text.split('/').all(is_segment) {
        Path::parse(text, "path")
    } else {
        Err(Error::invalid(
            "path",
            "must be of letters, digits, - and _, with single slashes between",
        ))
    }
}

/// A path and, behind its last slash, the number of a version (contract §7).
pub(in super::super) fn path_and_version(text: &str) -> Result<(Path, u32), Error> {
    let wrong = || Error::invalid("version", "must be a number, behind the path and a slash");
    let (path, number) = text.rsplit_once('/').ok_or_else(wrong)?;
    let is_number = !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit());
    if !is_number {
        return Err(wrong());
    }
    // No secret has so many versions.
    let number = number.parse().unwrap_or(u32::MAX);
    Ok((secret_path(path.to_owned())?, number))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// NT-18
    #[test]
    fn the_grammar_is_the_contracts() {
        for legal in [
            "passwords/one",
            "api-keys/stripe",
            "OPENAI_KEY",
            "config/prod/db",
            "a",
            "A9",
            "-key",
            "key_",
            "_/-/0",
            "agents/5b0c7a52-1f0e-4c0b-9a35-0d9d3f0f3c11/ssh/private_key",
        ] {
            assert_eq!(
                secret_path(legal.to_owned())
                    .map(|path| path.as_str().to_owned())
                    .unwrap(),
                legal
            );
        }
        for illegal in [
            "",
            "/",
            "/lead",
            "trail/",
            "a//b",
            "has space",
            "dot.ted",
            "a/../b",
            ".",
            "a\\b",
            "colon:x",
            "at@x",
            "été",
            "a\0",
            "a%2Fb",
            "a\n",
        ] {
            assert!(secret_path(illegal.to_owned()).is_err(), "{illegal:?}");
        }
        assert!(secret_path("a".repeat(1024)).is_ok());
        assert!(secret_path("a".repeat(1025)).is_err());
        assert!(secret_path("a".repeat(1 << 16)).is_err());
    }

    #[test]
    fn the_last_segment_is_the_version() {
        let read =
            |text| path_and_version(text).map(|(path, number)| (path.as_str().to_owned(), number));
        assert_eq!(read("a/b/3").unwrap(), ("a/b".to_owned(), 3));
        assert_eq!(read("a/99999999999").unwrap(), ("a".to_owned(), u32::MAX));
        for wrong in ["a", "3", "/3", "a/", "a/b", "a/-1", "a/+1", "a/1.0", "a//1"] {
            assert!(read(wrong).is_err(), "{wrong}");
        }
    }

    proptest! {
        #[test]
        fn what_passes_has_no_empty_segment_and_no_other_character(text in "[a-z_/. -]{0,12}") {
            let passes = secret_path(text.clone()).is_ok();
            let legal = !text.is_empty()
                && !text.contains([' ', '.'])
                && !format!("/{text}/").contains("//");
            prop_assert_eq!(passes, legal);
        }
    }
}
