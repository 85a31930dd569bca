//! What secrets look like to people who know them: prefixes of providers, armour, connection strings.
//!
//! A pattern is evidence, not a verdict: each is a feature whose weight the model has learned beside all the others.

use std::sync::LazyLock;

use regex::RegexSet;

/// A pattern and the reason that it gives.
struct Pattern {
    expression: &'static str,
    reason: &'static str,
}

const fn pattern(expression: &'static str, reason: &'static str) -> Pattern {
    Pattern { expression, reason }
}

/// In an order that the model knows them by: new ones go to the end, and the model is trained again.
const PATTERNS: &[Pattern] = &[
    pattern(
        r"-----BEGIN (?:X509 |TRUSTED )?CERTIFICATE-----",
        "has the armour of a certificate",
    ),
    pattern(
        r"-----BEGIN (?:OPENSSH|RSA|EC|DSA) PRIVATE KEY-----",
        "has the armour of a private key for SSH",
    ),
    pattern(
        r"-----BEGIN (?:ENCRYPTED )?PRIVATE KEY-----",
        "has the armour of a private key",
    ),
    pattern(
        r"^(?:ssh-(?:rsa|ed25519|dss)|ecdsa-sha2-nistp\d{3}|sk-ssh-\S+) AAAA",
        "is a public key in the form of SSH",
    ),
    pattern(r"^PuTTY-User-Key-File-\d", "is a key file of PuTTY"),
    pattern(
        r"(?i)\b(?:postgres(?:ql)?|mysql|mariadb|mongodb(?:\+srv)?|rediss?|amqps?|sqlserver|cockroachdb|clickhouse)://[^\s/@]*:[^\s/@]+@",
        "is the address of a database with a password in it",
    ),
    pattern(
        r"(?i)\b(?:postgres(?:ql)?|mysql|mariadb|mongodb(?:\+srv)?|rediss?|jdbc:[a-z]+):",
        "is the address of a database",
    ),
    pattern(
        r"(?i)\b(?:server|data source|host)\s*=.+\b(?:password|pwd)\s*=",
        "lists the parts of a connection to a database",
    ),
    pattern(
        r"\b(?:AKIA|ASIA)[A-Z2-7]{16}\b",
        "is shaped like an AWS access key",
    ),
    pattern(
        r"\b(?:gh[pousr]_[A-Za-z0-9]{20,}|github_pat_[A-Za-z0-9_]{20,})",
        "begins like a token of GitHub",
    ),
    pattern(
        r"\bglpat-[A-Za-z0-9_-]{16,}",
        "begins like a token of GitLab",
    ),
    pattern(
        r"\b[sr]k_(?:live|test)_[A-Za-z0-9]{10,}",
        "begins like a key of Stripe",
    ),
    pattern(
        r"\bxox[abeoprs]-[A-Za-z0-9-]{10,}",
        "begins like a token of Slack",
    ),
    pattern(r"\bAIza[A-Za-z0-9_-]{30,}", "begins like a key of Google"),
    pattern(
        r"\bSG\.[A-Za-z0-9_-]{16,}\.[A-Za-z0-9_-]{16,}",
        "is shaped like a key of SendGrid",
    ),
    pattern(
        r"\b(?:npm_|pypi-|hf_|dop_v1_|sk-ant-|sk-proj-|sk-|shpat_|lin_api_|ocv_|1ck_|cvk_|crt_|ck_live_|ibk_)[A-Za-z0-9_-]{16,}",
        "begins like a key of a known service",
    ),
    pattern(
        r"\beyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]*",
        "is shaped like a JSON Web Token",
    ),
    pattern(
        r"^[0-9a-fA-F]{32,}$",
        "is one long number in hexadecimal digits",
    ),
    pattern(r"^[A-Za-z0-9+/]{40,}={0,2}$", "is one long word of base64"),
    pattern(
        r"^[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}$",
        "is a UUID",
    ),
    pattern(
        r"(?i)(?:\b|_)(?:pass(?:word|wd|phrase)?|pwd|pin)\s*[:=]\s*\S",
        "is called a password",
    ),
    pattern(
        r"(?i)(?:\b|_)(?:api|access|auth|client)[_-]?(?:key|token|secret)\s*[:=]\s*\S",
        "is called a key or token",
    ),
    pattern(
        r#"(?i)[:=]\s*["']?(?:\$\{|\{\{|<[a-z_ -]+>|%[A-Z_]+%|changeme|xxx+|\*{3,}|your[_-])"#,
        "has a placeholder where a value would be",
    ),
    pattern(
        r"^(?:https?|ftp)://[^\s@]+$",
        "is an address without a password",
    ),
    pattern(r"^[\w.+-]+@[\w-]+\.[\w.]+$", "is an e-mail address"),
    pattern(r"^[~./]?/?(?:[\w.-]+/)+[\w.-]*$", "is a path of files"),
    pattern(r"(?s)^\s*\{.*\}\s*$", "is an object in JSON"),
    pattern(
        r"(?m)^[A-Z][A-Z0-9_]+=\S*(?:\n[A-Z][A-Z0-9_]+=\S*)+",
        "is a list of environment variables",
    ),
    pattern(
        r"(?:[A-Za-z]{2,}[,;]? ){4,}[A-Za-z]+[.!?]?",
        "has words like a sentence",
    ),
];

/// How many there are.
pub(super) const COUNT: usize = PATTERNS.len();

static SET: LazyLock<Option<RegexSet>> =
    LazyLock::new(|| RegexSet::new(PATTERNS.iter().map(|pattern| pattern.expression)).ok());

/// The numbers of the patterns that are found in `text`, in order.
pub(super) fn found(text: &str) -> Vec<usize> {
    SET.as_ref()
        .map(|set| set.matches(text).into_iter().collect())
        .unwrap_or_default()
}

/// What a pattern says of a text that it is found in.
pub(super) fn reason(number: usize) -> &'static str {
    PATTERNS.get(number).map_or("", |pattern| pattern.reason)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_expression_can_be_read() {
        assert!(SET.is_some());
    }

    #[test]
    fn patterns_find_what_they_are_for() {
        for (text, expected) in [
            ("AKIAIOSFODNN7EXAMPLE", "is shaped like an AWS access key"),
            (
                "postgres://u:p@h/db",
                "is the address of a database with a password in it",
            ),
            ("DB_PASSWORD=hunter2", "is called a password"),
            ("a@b.example", "is an e-mail address"),
            (
                "password: ${DB_PASSWORD}",
                "has a placeholder where a value would be",
            ),
        ] {
            let reasons: Vec<_> = found(text).into_iter().map(reason).collect();
            assert!(reasons.contains(&expected), "{text}: {reasons:?}");
        }
    }
}
