//! The other end of sealed transport, by another road than the server's: the bare primitives of contract §4.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use aws_lc_rs::encoding::{AsDer, PublicKeyX509Der};
use aws_lc_rs::rand;
use aws_lc_rs::rsa::{
    KeySize, OAEP_SHA256_MGF1SHA256, OaepPrivateDecryptingKey, OaepPublicEncryptingKey,
    PrivateDecryptingKey, PublicEncryptingKey,
};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use crate::harness::{Answer, Api, Kluis};

/// A caller of the API, and the organization that it asks about.
#[derive(Clone)]
pub struct Crate {
    pub api: Api,
    pub organization: String,
}

impl Crate {
    /// The owner of the first organization.
    pub fn owner(kluis: &Kluis) -> Self {
        Self::of(kluis, kluis.owner())
    }

    /// Somebody about the first organization.
    pub fn of(kluis: &Kluis, api: Api) -> Self {
        Self {
            api,
            organization: kluis.dev("/organization_id"),
        }
    }

    pub fn path(&self, rest: &str) -> String {
        format!("/organization/{}/{rest}", self.organization)
    }

    pub async fn public_key(&self) -> String {
        let answer = self.api.get(&self.path("secrets/public-key")).await;
        answer.expect(200).text("/public_key_pem")
    }

    /// Store this value sealed, with more members.
    pub async fn put(&self, name: &str, value: &str, more: Value) -> Answer {
        let sealed = seal(&self.public_key().await, value.as_bytes());
        self.put_sealed(name, &sealed, more).await
    }

    pub async fn put_sealed(&self, name: &str, sealed: &str, more: Value) -> Answer {
        let mut body = json!({"name": name, "encrypted_value": sealed, "sealed": true});
        merge(&mut body, more);
        self.api.put(&self.path("secrets"), body).await
    }

    /// Store a value that is too long for RSA.
    pub async fn put_long(&self, name: &str, value: &[u8], more: Value) -> Answer {
        let (body, key) = seal_long(&self.public_key().await, value);
        let mut members = json!({"encrypted_key": key});
        merge(&mut members, more);
        self.put_sealed(name, &body, members).await
    }

    pub async fn list(&self, query: &str) -> Vec<Value> {
        let answer = self.api.get(&self.path(&format!("secrets{query}"))).await;
        answer
            .expect(200)
            .at("/secrets")
            .as_array()
            .unwrap()
            .clone()
    }

    pub async fn names(&self, query: &str) -> Vec<String> {
        let names = self.list(query).await.into_iter();
        names
            .map(|secret| secret["name"].as_str().unwrap().to_owned())
            .collect()
    }

    /// Ask for what `body` says, sealed for [`READER`].
    pub async fn retrieval(&self, mut body: Value) -> Answer {
        merge(&mut body, json!({"public_key_pem": READER.pem}));
        self.api.post(&self.path("secrets/retrieve"), body).await
    }

    /// The values of what `body` says.
    pub async fn retrieve(&self, body: Value) -> BTreeMap<String, String> {
        READER.open(&self.retrieval(body).await.expect(200))
    }

    pub async fn delete(&self, name_and_query: &str) -> Answer {
        self.api
            .delete(&self.path(&format!("secrets/{name_and_query}")))
            .await
    }

    /// The error that `answer` is, in this API's shape.
    #[track_caller]
    pub fn refused(answer: &Answer, status: u16, code: &str) -> String {
        assert_eq!(answer.status, status, "{}", answer.string());
        assert_eq!(answer.header("content-type"), Some("application/json"));
        assert_eq!(answer.members(""), ["code", "message"]);
        assert_eq!(answer.text("/code"), code);
        answer.text("/message")
    }
}

/// Who reads in these tests: one pair for all of them, since making one takes its time.
pub static READER: LazyLock<Reader> = LazyLock::new(Reader::new);

/// A temporary key pair.
pub struct Reader {
    key: OaepPrivateDecryptingKey,
    pub pem: String,
}

impl Reader {
    fn new() -> Self {
        let key = PrivateDecryptingKey::generate(KeySize::Rsa2048).unwrap();
        let public: PublicKeyX509Der<'_> = key.public_key().as_der().unwrap();
        let pem = pem("PUBLIC KEY", public.as_ref());
        let key = OaepPrivateDecryptingKey::new(key).unwrap();
        Self { key, pem }
    }

    /// The values in the answer to a retrieval, whose bytes are laid out as contract §4.2 says.
    pub fn open(&self, answer: &Answer) -> BTreeMap<String, String> {
        assert_eq!(answer.members(""), ["encrypted_key", "encrypted_secrets"]);
        serde_json::from_slice(&self.plaintext(answer)).unwrap()
    }

    pub fn plaintext(&self, answer: &Answer) -> Vec<u8> {
        let text = |pointer| answer.text(pointer);
        self.unsealed(&text("/encrypted_secrets"), &text("/encrypted_key"))
    }

    /// The plaintext of the two members, whatever they are called.
    pub fn unsealed(&self, secrets: &str, key: &str) -> Vec<u8> {
        let wrapped = STANDARD.decode(key).unwrap();
        assert_eq!(wrapped.len(), 256, "as long as the reader's modulus");
        let mut buffer = vec![0; self.key.min_output_size()];
        let key = self
            .key
            .decrypt(&OAEP_SHA256_MGF1SHA256, &wrapped, &mut buffer, None);
        let key = key.unwrap();
        assert_eq!(key.len(), 32);
        let mut blob = STANDARD.decode(secrets).unwrap();
        let mut rest = blob.split_off(12);
        let nonce = Nonce::try_assume_unique_for_key(&blob).unwrap();
        let opened = aes(key)
            .open_in_place(nonce, Aad::empty(), &mut rest)
            .unwrap();
        opened.to_vec()
    }
}

/// Base64 of what RSA makes of `value`.
pub fn seal(pem: &str, value: &[u8]) -> String {
    STANDARD.encode(seal_raw(pem, value, None))
}

pub fn seal_raw(pem: &str, value: &[u8], label: Option<&[u8]>) -> Vec<u8> {
    let key = PublicEncryptingKey::from_der(&der(pem)).unwrap();
    let key = OaepPublicEncryptingKey::new(key).unwrap();
    let mut sealed = vec![0; key.ciphertext_size()];
    key.encrypt(&OAEP_SHA256_MGF1SHA256, value, &mut sealed, label)
        .unwrap();
    sealed
}

/// The two members of a value that is too long for RSA.
pub fn seal_long(pem: &str, value: &[u8]) -> (String, String) {
    let (mut key, mut nonce) = ([0; 32], [0; 12]);
    rand::fill(&mut key).unwrap();
    rand::fill(&mut nonce).unwrap();
    let mut body = value.to_vec();
    aes(&key)
        .seal_in_place_append_tag(Nonce::assume_unique_for_key(nonce), Aad::empty(), &mut body)
        .unwrap();
    let body = [&nonce[..], &body].concat();
    (STANDARD.encode(body), seal(pem, &key))
}

pub fn der(pem: &str) -> Vec<u8> {
    let lines = pem.lines().filter(|line| !line.starts_with('-'));
    STANDARD.decode(lines.collect::<String>()).unwrap()
}

pub fn pem(label: &str, der: &[u8]) -> String {
    let text = STANDARD.encode(der);
    let lines: Vec<_> = text
        .as_bytes()
        .chunks(64)
        .map(|line| str::from_utf8(line).unwrap())
        .collect();
    format!(
        "-----BEGIN {label}-----\n{}\n-----END {label}-----\n",
        lines.join("\n")
    )
}

fn aes(key: &[u8]) -> LessSafeKey {
    LessSafeKey::new(UnboundKey::new(&AES_256_GCM, key).unwrap())
}

fn merge(body: &mut Value, more: Value) {
    let Value::Object(more) = more else { return };
    body.as_object_mut().unwrap().extend(more);
}
