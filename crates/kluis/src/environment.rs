//! Names and values of environment variables: which names are well formed, how a shell reads a value.

/// Whether a shell would take this as the name of a variable.
pub(crate) fn is_name(name: &str) -> bool {
    let mut characters = name.bytes();
    characters
        .next()
        .is_some_and(|first| first.is_ascii_alphabetic() || first == b'_')
        && characters.all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}

/// Whether `kluis run` keeps this variable of its own environment from the child: it may hold a credential.
pub(crate) fn is_own(name: &str) -> bool {
    name.starts_with("KLUIS_")
}

/// The value as one word of a POSIX shell: in single quotes, inside which only a single quote needs care.
pub(crate) fn quoted(value: &str) -> String {
    format!("'{}'", value.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_those_of_a_shell() {
        for name in ["A", "_", "_x9", "DB_PASSWORD", "a1"] {
            assert!(is_name(name), "{name}");
        }
        for name in [
            "",
            "9A",
            "A-B",
            "A.B",
            "a/b",
            "A B",
            "A=B",
            "\u{c9}T\u{c9}",
            "A\n",
            "A%%",
        ] {
            assert!(!is_name(name), "{name:?}");
        }
    }

    #[test]
    fn a_quoted_value_comes_back_from_a_shell() {
        for value in [
            "",
            "plain",
            "it's",
            "''",
            "$(id) `id` \"$HOME\" \\ !",
            "a\nb\t c ",
            "-n",
            "\u{e9}\u{1f511}",
        ] {
            let script = format!("printf %s {}", quoted(value));
            let shell = std::process::Command::new("sh")
                .args(["-c", &script])
                .output()
                .unwrap();
            assert_eq!(String::from_utf8(shell.stdout).unwrap(), value, "{script}");
        }
    }
}
