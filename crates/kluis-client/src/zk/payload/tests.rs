//! Payloads come back as they were, and as other clients write them.

use serde_json::{Value, json};

use super::*;

fn text(text: &str) -> SecretText {
    SecretText::from(text.to_owned())
}

fn written(payload: &Payload) -> Value {
    serde_json::from_slice(&payload.to_json().unwrap()).unwrap()
}

/// Inkbox contract §6.7
#[test]
fn every_type_has_its_fields() {
    for (kind, main, required, all) in [
        (
            Kind::Login,
            "password",
            &["password"][..],
            &["password", "username", "email", "url", "notes"][..],
        ),
        (
            Kind::ApiKey,
            "api_key",
            &["api_key"],
            &["api_key", "endpoint", "notes"],
        ),
        (
            Kind::KeyPair,
            "secret_key",
            &["secret_key", "access_key"],
            &["secret_key", "access_key", "endpoint", "notes"],
        ),
        (
            Kind::SshKey,
            "private_key",
            &["private_key"],
            &[
                "private_key",
                "public_key",
                "fingerprint",
                "passphrase",
                "notes",
            ],
        ),
        (Kind::Other, "data", &["data"], &["data", "notes"]),
    ] {
        assert_eq!(kind.main(), main);
        let names = |fields: &mut dyn Iterator<Item = &Field>| {
            fields.map(|field| field.name).collect::<Vec<_>>()
        };
        assert_eq!(names(&mut kind.fields().iter()), all);
        let mut must = kind.fields().iter().filter(|field| field.is_required);
        assert_eq!(names(&mut must), required);
        assert_eq!(Kind::from_word(kind.word()), Some(kind));

        let mut payload = Payload::new(kind);
        let missing = PayloadFault::Missing {
            kind,
            field: required[0],
        };
        assert_eq!(payload.check(), Err(missing));
        for name in all {
            payload
                .set(name, Some(text(&format!("{name} \"\u{e9}\n"))))
                .unwrap();
        }
        let json = payload.to_json().unwrap();
        let read = Payload::from_json(kind, &json).unwrap_or_else(|fault| panic!("{fault}"));
        for name in all {
            let expected = format!("{name} \"\u{e9}\n");
            assert_eq!(read.text(name).unwrap().expose(), expected);
        }
    }
    assert_eq!(Kind::from_word("note"), None);
}

/// Inkbox contract §6.3
#[test]
fn what_is_absent_is_left_out_and_null_counts_as_absent() {
    let mut payload = Payload::new(Kind::ApiKey);
    payload.set("api_key", Some(text("v"))).unwrap();
    payload.set("notes", Some(text("n"))).unwrap();
    payload.set("notes", None).unwrap();
    assert_eq!(written(&payload), json!({"api_key": "v"}));

    let read = |json: &str| Payload::from_json(Kind::Login, json.as_bytes());
    let login = read(r#" {"more": {"a": [1]}, "url": null, "password": "p", "totp": null} "#);
    let login = login.ok().unwrap();
    assert!(login.text("url").is_none() && login.totp().is_none());
    assert_eq!(written(&login), json!({"password": "p"}));
}

#[test]
fn what_is_no_payload_is_refused_without_being_quoted() {
    for json in [
        "",
        "canary",
        "[]",
        "null",
        r#""canary""#,
        r#"{"password": 7}"#,
        r#"{"password": "canary"} x"#,
        r#"{"password": "canary""#,
        r#"{"password": {"canary": 1}}"#,
        r#"{"password": "p", "totp": "canary"}"#,
        r#"{"password": "p", "totp": {"secret": "canary1"}}"#,
        r#"{"password": "p", "totp": {"secret": "MZXW6YTB", "digits": 7}}"#,
        r#"{"password": "p", "totp": {"secret": "MZXW6YTB", "period": 45}}"#,
        r#"{"password": "p", "totp": {"secret": "MZXW6YTB", "algorithm": "md5"}}"#,
    ] {
        let fault = Payload::from_json(Kind::Login, json.as_bytes())
            .err()
            .unwrap();
        assert!(
            matches!(fault, PayloadFault::Form { .. }),
            "{json}: {fault}"
        );
        assert!(!fault.to_string().contains("canary"), "{fault}");
    }
    // A type that the payload was not made for.
    let fault = Payload::from_json(Kind::ApiKey, br#"{"password": "canary"}"#).err();
    let missing = PayloadFault::Missing {
        kind: Kind::ApiKey,
        field: "api_key",
    };
    assert_eq!(fault, Some(missing));
}

#[test]
fn a_type_has_no_other_fields() {
    let mut payload = Payload::new(Kind::Other);
    let fault = payload.set("password", Some(text("canary"))).unwrap_err();
    assert_eq!(
        fault.to_string(),
        "a secret of type 'other' has no field 'password'; it has data, notes"
    );
    let totp = Totp::from_seed(text("MZXW6YTB"));
    assert!(payload.set_totp(totp.clone()).is_err());
    assert!(Payload::new(Kind::Login).set_totp(totp).is_ok());
}

/// Inkbox contract §6.8 and §6.9
#[test]
fn a_login_may_hold_a_seed() {
    let seed = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ";
    let code = |totp: Value| {
        let json = json!({"password": "p", "totp": totp}).to_string();
        let login = Payload::from_json(Kind::Login, json.as_bytes())
            .ok()
            .unwrap();
        let code = login.totp().unwrap().code(59).unwrap();
        (
            code.text.expose().to_owned(),
            code.seconds_left,
            written(&login),
        )
    };
    let (text, left, json) = code(json!({"secret": seed, "issuer": null, "digits": null}));
    assert_eq!((text.as_str(), left), ("287082", 1));
    assert_eq!(
        json["totp"],
        json!({"secret": seed, "algorithm": "sha1", "digits": 6, "period": 30})
    );
    let whole = json!({"secret": seed, "algorithm": "sha1", "digits": 8, "period": 30,
        "issuer": "i", "account_name": "a"});
    let (text, _, json) = code(whole.clone());
    assert_eq!((text.as_str(), &json["totp"]), ("94287082", &whole));

    let uri = format!("otpauth://totp/Git%20Hub:me?secret={seed}&digits=8");
    let totp = Totp::from_uri(&SecretText::from(uri)).ok().unwrap();
    assert_eq!(
        (totp.issuer(), totp.account_name()),
        (Some("Git Hub"), Some("me"))
    );
    assert_eq!(totp.code(59).unwrap().text.expose(), "94287082");
    assert!(Totp::from_seed(SecretText::from("1".to_owned())).is_none());
}
