//! Names of vaults: what they may be, and that none can pass for a reserved one.

use super::DEFAULT_NAME;
use crate::error::Error;

/// A vault's name: trimmed, 1–255 characters without control characters, and none that could pass for a reserved one.
pub(super) fn vault_name(name: &str) -> Result<String, Error> {
    let name = name.trim();
    if name.is_empty() {
        return Err(Error::invalid("name", "must not be empty"));
    }
    if name.chars().count() > 255 {
        return Err(Error::invalid("name", "must have at most 255 characters"));
    }
    if name.chars().any(char::is_control) {
        return Err(Error::invalid("name", "must not hold control characters"));
    }
    let plain = skeleton(name);
    if plain.starts_with(RESERVED_PREFIX) {
        return Err(Error::invalid(
            "name",
            "must not begin with two underscores",
        ));
    }
    if plain == DEFAULT_NAME && name != DEFAULT_NAME {
        return Err(Error::invalid(
            "name",
            "looks like the name of the vault 'default'",
        ));
    }
    Ok(name.to_owned())
}

/// What a name looks like: lower case, full-width letters made plain, invisible characters and spaces left out.
fn skeleton(name: &str) -> String {
    name.chars()
        .filter(|c| !c.is_whitespace() && !is_invisible(*c))
        .map(|c| match c {
            '\u{ff01}'..='\u{ff5e}' => char::from_u32(u32::from(c) - 0xfee0).unwrap_or(c),
            // Letters of other scripts that look like those of "default".
            '\u{0430}' => 'a',
            '\u{0435}' => 'e',
            '\u{0501}' => 'd',
            '\u{017f}' => 's',
            _ => c,
        })
        .flat_map(char::to_lowercase)
        .collect()
}

fn is_invisible(c: char) -> bool {
    matches!(
        c,
        '\u{00ad}' | '\u{034f}' | '\u{061c}' | '\u{115f}'..='\u{1160}' | '\u{17b4}'..='\u{17b5}'
            | '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{3164}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{ffa0}'
    )
}

/// Names that begin so are the engine's own.
pub(super) const RESERVED_PREFIX: &str = "__";

#[cfg(test)]
mod tests {
    use super::*;

    /// NT-15
    #[test]
    fn no_name_can_pass_for_a_reserved_one() {
        for name in [
            "Default",
            "DEFAULT",
            "de\u{200b}fault",
            "ｄｅｆａｕｌｔ",
            "d\u{0435}fault",
            "\u{0501}ef\u{0430}ult",
        ] {
            assert!(vault_name(name).is_err(), "{name}");
        }
        for name in [
            "__agent-keys",
            " __x",
            "\u{200b}__x",
            "_\u{2060}_x",
            "＿＿x",
        ] {
            assert!(vault_name(name).is_err(), "{name}");
        }
    }

    #[test]
    fn a_name_is_trimmed_and_kept_otherwise() {
        assert_eq!(
            vault_name("  Prod (US-East) ").ok().as_deref(),
            Some("Prod (US-East)")
        );
        assert_eq!(vault_name("default").ok().as_deref(), Some("default"));
        assert!(vault_name(" \t ").is_err());
        assert!(vault_name(&"x".repeat(256)).is_err());
        assert!(vault_name("a\nb").is_err());
    }
}
