//! What is sealed opens again, and nothing that was altered or sent by a stranger is believed.

use std::sync::LazyLock;

use super::*;

static ORGANIZATION: LazyLock<TransportKey> =
    LazyLock::new(|| TransportKey::generate(ModulusBits::B2048).unwrap());
static ONE_TIME: LazyLock<OneTimeKey> = LazyLock::new(|| OneTimeKey::generate().unwrap());

fn text(value: &str) -> SecretText {
    SecretText::from(value.to_owned())
}

fn bytes(base64: &str) -> Vec<u8> {
    BASE64_STANDARD.decode(base64).unwrap()
}

fn sealing_key() -> SealingKey {
    SealingKey::from_pem(&ORGANIZATION.public().to_pem()).unwrap_or_else(|why| panic!("{why}"))
}

/// What the server would open.
fn opened(value: &SealedValue) -> String {
    let sealed = bytes(&value.encrypted_value);
    let secret = match &value.encrypted_key {
        None => TransportKey::open([&*ORGANIZATION], &sealed),
        Some(key) => open_hybrid([&*ORGANIZATION], &bytes(key), &sealed),
    };
    secret.unwrap().expose_text().unwrap().to_owned()
}

/// An answer that holds this, sealed for `ONE_TIME`.
fn answer(plaintext: &str) -> SealedAnswer {
    let key = TransientKey::generate(ONE_TIME.0.public()).unwrap();
    let (body, wrapped) = key.seal(plaintext.as_bytes()).unwrap();
    SealedAnswer {
        encrypted_secrets: BASE64_STANDARD.encode(body),
        encrypted_key: BASE64_STANDARD.encode(wrapped),
    }
}

fn open(answer: &SealedAnswer, asked: &[&str]) -> Result<Vec<String>, &'static str> {
    let secrets = ONE_TIME.open(answer, asked)?.into_iter();
    Ok(secrets
        .map(|(name, value)| format!("{name}={}", value.expose()))
        .collect())
}

#[test]
fn what_fits_goes_under_rsa_alone_and_what_does_not_under_a_key_of_its_own() {
    for (length, is_long) in [
        (0, false),
        (190, false),
        (191, true),
        (5000, true),
        (MAX_VALUE, true),
    ] {
        let value = "v".repeat(length);
        let sealed = sealing_key().seal(&text(&value)).unwrap();
        assert_eq!(sealed.encrypted_key.is_some(), is_long, "{length}");
        assert_eq!(opened(&sealed), value, "{length}");
    }
}

#[test]
fn the_same_value_is_never_sealed_alike() {
    let sealed = || sealing_key().seal(&text("v")).unwrap().encrypted_value;
    assert_ne!(sealed(), sealed());
}

#[test]
fn a_value_that_is_too_long_is_refused_with_the_limit() {
    let value = text(&"\u{e9}".repeat(MAX_VALUE / 2 + 1));
    let Err(Error::Request(why)) = sealing_key().seal(&value) else {
        panic!("it was sealed");
    };
    assert!(why.contains("1048578 bytes"), "{why}");
    assert!(why.contains("at most 1048576 (1 MiB)"), "{why}");
}

#[test]
fn a_weak_key_or_none_is_not_sealed_for() {
    let pem = ORGANIZATION.public().to_pem();
    for wrong in [
        WEAK,
        "",
        "canary",
        &pem.replace("PUBLIC", "PRIVATE"),
        &pem.replacen("MII", "MIJ", 1),
    ] {
        let Err(why) = SealingKey::from_pem(wrong) else {
            panic!("{wrong} was taken");
        };
        assert!(why.contains("2048") && !why.contains("canary"), "{why}");
    }
}

#[test]
fn an_answer_opens_to_values_by_name() {
    let value = answer(r#"{"B":"two\n\u00e9","A":"","a.b-c":"3"}"#);
    let secrets = ["A=", "B=two\n\u{e9}", "a.b-c=3"].map(str::to_owned);
    assert_eq!(open(&value, &[]), Ok(secrets.to_vec()));
    assert_eq!(open(&answer("{}"), &["A"]), Ok(vec![]));
}

#[test]
fn an_answer_that_was_altered_is_not_believed() {
    let alterations: [fn(&mut SealedAnswer); 5] = [
        |answer| {
            let mut body = bytes(&answer.encrypted_secrets);
            body[20] ^= 1;
            answer.encrypted_secrets = BASE64_STANDARD.encode(body);
        },
        |answer| {
            let other = OneTimeKey::generate().unwrap();
            let key = TransientKey::generate(other.0.public()).unwrap();
            let (body, wrapped) = key.seal(b"{}").unwrap();
            answer.encrypted_secrets = BASE64_STANDARD.encode(body);
            answer.encrypted_key = BASE64_STANDARD.encode(wrapped);
        },
        |answer| answer.encrypted_key.clear(),
        |answer| answer.encrypted_secrets.clear(),
        |answer| answer.encrypted_secrets.insert(0, '\u{e9}'),
    ];
    for alter in alterations {
        let mut altered = answer(r#"{"A":"1"}"#);
        assert!(open(&altered, &[]).is_ok());
        alter(&mut altered);
        assert_eq!(open(&altered, &[]), Err(NOT_OPENED));
    }
}

#[test]
fn an_answer_that_is_no_object_of_texts_is_not_believed() {
    for plaintext in [
        "",
        "canary",
        "[]",
        "null",
        r#""canary""#,
        r#"{"A":1}"#,
        r#"{"A":null}"#,
        r#"{"A":{"B":"canary"}}"#,
        r#"{"A":"canary""#,
        r#"{"A":"1"} {}"#,
    ] {
        assert_eq!(open(&answer(plaintext), &[]), Err(NO_TEXTS), "{plaintext}");
    }
}

#[test]
fn an_answer_with_a_name_that_was_not_asked_for_is_not_believed() {
    let two = answer(r#"{"A":"1","B":"2"}"#);
    assert!(open(&two, &["B", "A"]).is_ok());
    assert_eq!(open(&two, &["A"]), Err(NOT_ASKED));
    assert_eq!(open(&two, &["A", "b"]), Err(NOT_ASKED));
}

/// A public key of 1024 bits.
pub(crate) const WEAK: &str = "-----BEGIN PUBLIC KEY-----
MIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQKBgQDZXSDGGKiP0PwmpZTwTSx+8KYM
/PYcATQ0rpDSwIVfrtE1N6fam9MKodvLfgPqU4tDvv12JKnc1oITME1kX+EqRqwO
erOLabKjcVw8/nzG9ElDDJudx81BSUfSQsqUmRJ90k95RzJyM22wgHIiqmWxtC3G
x1J/70qWaCEdEcX22wIDAQAB
-----END PUBLIC KEY-----
";
