//! Errors show what a server said; credentials in it are masked first.

/// Replaces every word that begins like a credential of Kluis by its prefix and dots.
pub(crate) fn redact(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((at, prefix)) = first_prefix(rest) {
        let (before, found) = rest.split_at(at);
        let (_, body) = found.split_at(prefix.len());
        let end = body
            .find(|c: char| !c.is_ascii_alphanumeric() && !"_-.".contains(c))
            .unwrap_or(body.len());
        shown.push_str(before);
        shown.push_str(prefix);
        shown.push('…');
        (_, rest) = body.split_at(end);
    }
    shown.push_str(rest);
    shown
}

fn first_prefix(text: &str) -> Option<(usize, &'static str)> {
    PREFIXES
        .iter()
        .filter_map(|prefix| Some((text.find(prefix)?, *prefix)))
        .min()
}

/// API keys of every style, sessions, refresh tokens and JWTs (RULES §1), and the reference server's token.
const PREFIXES: [&str; 10] = [
    "ck_live_",
    "crt_",
    "cvk_",
    "1ck_",
    "ocv_",
    "ibk_",
    "cvs_",
    "cvr_",
    "eyJ",
    crate::reference::TOKEN_PREFIX,
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn credentials_are_masked_wherever_they_stand() {
        let text = "{\"key\":\"ck_live_abcDEF123\",\"id\":\"sec_1\"} Bearer eyJhb.c_d-e.f, 1ck_0";
        assert_eq!(
            redact(text),
            "{\"key\":\"ck_live_…\",\"id\":\"sec_1\"} Bearer eyJ…, 1ck_…"
        );
        assert_eq!(redact("nothing – to hide"), "nothing – to hide");
    }

    #[test]
    fn every_prefix_is_masked() {
        for prefix in PREFIXES {
            assert_eq!(
                redact(&format!("a {prefix}Secret0 b")),
                format!("a {prefix}… b")
            );
        }
    }
}
