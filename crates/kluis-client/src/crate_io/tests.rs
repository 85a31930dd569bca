//! The calls of the Crate API against a receiver: what goes over the wire, and what each answer becomes.

use base64::prelude::{BASE64_STANDARD, Engine as _};
use kluis_crypto::{ModulusBits, TransientKey, TransportKey, TransportPublicKey};
use serde_json::{Value, json};

use super::*;
use crate::tests::{answer, client, ok, receiver};

/// The JSON that a request carried.
fn body(request: &str) -> Value {
    serde_json::from_str(request.split_once("\r\n\r\n").unwrap().1).unwrap()
}

fn metadata() -> Value {
    json!({"name": "K", "environment": "prod", "version": 4, "tags": ["a"], "updated_at": "2026-01-02T03:04:05Z"})
}

fn wanted<'a>(names: &'a [&'a str], tags: Tags<'a>) -> Wanted<'a> {
    Wanted {
        environment: "prod",
        names,
        tags,
    }
}

#[tokio::test]
async fn a_value_is_stored_as_ciphertext_for_the_key_that_the_server_gave() {
    let key = TransportKey::generate(ModulusBits::B2048).unwrap();
    let pem = json!({"public_key_pem": key.public().to_pem()});
    let (base, requests) = receiver(vec![ok(&pem), ok(&metadata())]).await;
    let client = client(&base);
    let Ok(sealing) = client.crate_io().public_key("org 1").await else {
        panic!("no key");
    };
    let value = SecretText::from("hunter2".to_owned());
    let place = Place {
        name: "K",
        environment: "prod",
        tags: None,
    };
    let sealed = sealing.seal(&value).unwrap();
    let stored = client.crate_io().secret_store("org 1", &place, &sealed);
    let stored = stored.await.unwrap();
    assert_eq!((stored.version, stored.tags), (4, vec!["a".to_owned()]));

    let requests = requests.await.unwrap();
    let begins = "GET /organization/org%201/secrets/public-key HTTP/1.1\r\n";
    assert!(requests[0].starts_with(begins), "{}", requests[0]);
    let begins = "PUT /organization/org%201/secrets HTTP/1.1\r\n";
    assert!(requests[1].starts_with(begins), "{}", requests[1]);
    assert!(!requests[1].contains("hunter2"));
    let mut sent = body(&requests[1]);
    let ciphertext = sent["encrypted_value"].take();
    assert_eq!(
        sent,
        json!({"name": "K", "environment": "prod", "sealed": true, "encrypted_value": null})
    );
    let ciphertext = BASE64_STANDARD.decode(ciphertext.as_str().unwrap());
    let opened = TransportKey::open([&key], &ciphertext.unwrap()).unwrap();
    assert_eq!(opened.expose(), b"hunter2");
}

#[tokio::test]
async fn a_list_names_environment_tags_and_how_they_match() {
    for (tags, query) in [
        (Tags::default(), "env=prod"),
        (Tags::all(&["a", "b"]), "env=prod&tags=a%2Cb"),
        (Tags::any(&["a", "b"]), "env=prod&tags=a%2Cb&tag_match=any"),
    ] {
        let (base, requests) = receiver(vec![ok(&json!({"secrets": [metadata()]}))]).await;
        let client = client(&base);
        let secrets = client.crate_io().secrets("o", "prod", tags).await.unwrap();
        assert_eq!(secrets[0].name, "K");
        let request = &requests.await.unwrap()[0];
        let line = format!("GET /organization/o/secrets?{query} HTTP/1.1\r\n");
        assert!(request.starts_with(&line), "{request}");
    }
}

#[tokio::test]
async fn values_are_asked_for_with_a_key_and_opened_with_it() {
    let key = OneTimeKey::generate().unwrap_or_else(|why| panic!("{why}"));
    let public = TransportPublicKey::from_pem(&key.public_pem()).unwrap();
    let (secrets, wrapped) = TransientKey::generate(&public)
        .unwrap()
        .seal(br#"{"A":"1"}"#)
        .unwrap();
    let sealed = json!({
        "encrypted_secrets": BASE64_STANDARD.encode(secrets), "encrypted_key": BASE64_STANDARD.encode(wrapped),
    });
    let (base, requests) = receiver(vec![ok(&sealed), ok(&sealed), ok(&sealed)]).await;
    let client = client(&base);
    let retrieve = async |wanted: Wanted<'_>| {
        let secrets = client.crate_io().secrets_retrieve("o", &wanted, &key).await;
        secrets.map(|secrets| secrets.keys().cloned().collect::<Vec<_>>())
    };
    let everything = retrieve(wanted(&[], Tags::default())).await;
    assert_eq!(everything.unwrap(), ["A"]);
    let some = retrieve(wanted(&["A", "B"], Tags::any(&["t"]))).await;
    assert_eq!(some.unwrap(), ["A"]);
    let other = retrieve(wanted(&["B"], Tags::all(&["t"]))).await;
    assert!(matches!(other, Err(Error::Integrity { .. })), "{other:?}");

    let requests = requests.await.unwrap();
    let pem = key.public_pem();
    for (request, expected) in requests.iter().zip([
        json!({"environment": "prod", "public_key_pem": pem}),
        json!({"environment": "prod", "public_key_pem": pem, "names": ["A", "B"], "tags": ["t"], "tag_match": "any"}),
        json!({"environment": "prod", "public_key_pem": pem, "names": ["B"], "tags": ["t"]}),
    ]) {
        let line = "POST /organization/o/secrets/retrieve HTTP/1.1\r\n";
        assert!(request.starts_with(line), "{request}");
        assert_eq!(body(request), expected);
    }
}

#[tokio::test]
async fn a_key_that_is_too_weak_is_no_key() {
    let weak = crate::sealed::tests::WEAK;
    let (base, _requests) = receiver(vec![ok(&json!({"public_key_pem": weak}))]).await;
    let Err(Error::Integrity { why, .. }) = client(&base).crate_io().public_key("o").await else {
        panic!("it was taken");
    };
    assert!(why.contains("2048 to 8192 bits"), "{why}");
}

#[tokio::test]
async fn a_secret_is_deleted_in_one_environment_and_tags_are_listed() {
    let tags = json!({"tags": [{"name": "worker", "metadata": {"color": "#00aa88", "description": "Workers"}}, {"name": "x"}]});
    let (base, requests) = receiver(vec![answer(204, "", ""), ok(&tags)]).await;
    let client = client(&base);
    let deleted = client.crate_io().secret_delete("o", "prod", "public-key");
    deleted.await.unwrap();
    let tags = client.crate_io().tags("o").await.unwrap();
    assert_eq!(tags[0].metadata.description, "Workers");
    assert_eq!(
        (tags[1].name.as_str(), tags[1].metadata.color.as_str()),
        ("x", "")
    );
    let requests = requests.await.unwrap();
    let line = "DELETE /organization/o/secrets/public-key?env=prod HTTP/1.1\r\n";
    assert!(requests[0].starts_with(line), "{}", requests[0]);
    let line = "GET /organization/o/tags HTTP/1.1\r\n";
    assert!(requests[1].starts_with(line), "{}", requests[1]);
}

#[test]
fn names_and_environments_are_spelled_as_the_contract_says() {
    let long = |length| "a".repeat(length);
    for name in ["A", "_", "a.b-c_9", &long(255)] {
        assert!(is_name(name), "{name}");
    }
    for name in [
        "",
        "9A",
        ".a",
        "-a",
        "a/b",
        "a b",
        "\u{e9}",
        "A\n",
        &long(256),
    ] {
        assert!(!is_name(name), "{name:?}");
    }
    for name in ["dev", "9", "Prod-EU_1", &long(64)] {
        assert!(is_environment(name), "{name}");
    }
    for name in ["", "_a", "-a", "a.b", "a b", "\u{e9}", "a\n", &long(65)] {
        assert!(!is_environment(name), "{name:?}");
    }
}
