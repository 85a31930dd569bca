//! Each lie of a server is refused by a name of its own, in the library and on the command line, and nothing is learned
//! from it.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use kluis_client::zk::{
    Accepts, Change, Distrust, Error, Kind, Memory, NewItem, Payload, Warning, Zk,
};
use kluis_client::{Client, SecretText};
use serde_json::Value;

use super::hostile::Lie;
use super::server::Server;
use super::{VAULT_KEY, zk};

const ORGANIZATION: &str = "org_fixture_0001";

/// A server with a vault, and what its client remembers: three secrets, one of them changed once, and one deleted.
struct Story {
    server: Server,
    memory: Memory,
    /// Keys of another vault of the same organization with the same vault key.
    other_keys: Vec<Value>,
}

fn text(text: &str) -> SecretText {
    SecretText::from(text.to_owned())
}

fn client(base: &str) -> Client {
    Client::builder(base)
        .token("ibk_test".to_owned())
        .build()
        .unwrap()
}

fn payload(kind: Kind, value: &str) -> Payload {
    let mut payload = Payload::new(kind);
    payload.set(kind.main(), Some(text(value))).unwrap();
    payload
}

fn named<'a>(name: &'a str, payload: &'a Payload) -> NewItem<'a> {
    NewItem {
        name,
        description: None,
        payload,
    }
}

async fn initialized() -> (Server, Memory) {
    let (server, mut memory) = (Server::start(ORGANIZATION), Memory::default());
    let client = client(&server.base);
    let kit = Zk::new(&client, &mut memory)
        .initialize(&text(VAULT_KEY))
        .await;
    assert_eq!(kit.ok().unwrap().codes.len(), 4);
    (server, memory)
}

async fn story() -> Story {
    let (server, mut memory) = initialized().await;
    let client = client(&server.base);
    let mut zk = Zk::new(&client, &mut memory);
    let vault = zk.unlock(&text(VAULT_KEY)).await.ok().unwrap();
    for (name, kind) in [
        ("deploy", Kind::ApiKey),
        ("github", Kind::Login),
        ("gitlab", Kind::Login),
        ("gone", Kind::Login),
    ] {
        let payload = payload(kind, &format!("canary of {name}"));
        let secret = zk.create(&vault, named(name, &payload)).await.ok().unwrap();
        if name == "github" {
            let new = self::payload(kind, "second canary of github");
            let change = Change {
                payload: Some(&new),
                ..Change::default()
            };
            zk.update(&vault, &secret, change).await.ok().unwrap();
        }
        if name == "gone" {
            zk.delete(&secret.meta.id).await.ok().unwrap();
        }
    }
    let (other, _) = initialized().await;
    let other_keys = other.kept.lock().unwrap().keys.clone();
    Story {
        server,
        memory,
        other_keys,
    }
}

impl Story {
    /// The lies that unlocking meets, and the words that say which it was.
    fn lies(&self) -> Vec<(Lie, &'static str)> {
        let wrapped = self.other_keys[1]["wrapped_org_encryption_key"].as_str();
        let elsewhere = self.server.base.clone();
        vec![
            (
                Lie::Organization("org_fixture_0002"),
                "no key was derived with it",
            ),
            (Lie::Organization("org_123"), "has 7 bytes, too few"),
            (Lie::Vault, "in the place of vault"),
            (Lie::AlteredWrappedKey, "opens under no listed key"),
            (
                Lie::OtherWrappedKey(wrapped.unwrap().to_owned()),
                "opens under no listed key",
            ),
            (Lie::CutWrappedKey, "has 59 bytes instead of 60"),
            (Lie::LongWrappedKey, "has 63 bytes instead of 60"),
            (
                Lie::NoBase64WrappedKey,
                "wrapped key that the server sent is not in base-64",
            ),
            (
                Lie::OldVaultsKey(self.other_keys[0].clone()),
                "another organization key",
            ),
            (Lie::NoKeys, "lists no keys"),
            (Lie::NoKeyId, "names a key by what is no id"),
            (
                Lie::NoMember("{}"),
                "its JSON is not what the API describes",
            ),
            (
                Lie::NoMember("[]"),
                "its JSON is not what the API describes",
            ),
            (Lie::KeyTwice, "twice"),
            (Lie::SwappedPayloads, "does not open as its own"),
            (Lie::OldPayload, "an old one that had been replaced"),
            (Lie::AlteredPayload, "does not open as its own"),
            (Lie::CutPayload, "is cut off: it has 27 bytes"),
            (Lie::NoBase64Payload, "is not in base-64"),
            (Lie::DeletedSecret, "was deleted from here"),
            (
                Lie::OtherType,
                "was of type 'login', and the server says 'other' now",
            ),
            (Lie::SecretTwice, "twice"),
            (Lie::NoJson, "its JSON is not what the API describes"),
            (Lie::OtherJson, "its JSON is not what the API describes"),
            (Lie::Endless, "is longer than 16777216 bytes"),
            (Lie::Redirect(elsewhere), "redirects are not followed"),
        ]
    }
}

/// NT-77
#[tokio::test]
async fn every_lie_is_refused_by_its_name_and_teaches_nothing() {
    let story = story().await;
    let client = client(&story.server.base);
    let before = story.memory.to_json().unwrap();
    for (lie, words) in story.lies() {
        story.server.tell(lie.clone());
        let mut memory = story.memory.clone();
        let refused = Zk::new(&client, &mut memory).unlock(&text(VAULT_KEY)).await;
        let Some(error) = refused.err() else {
            panic!("{lie:?} was believed");
        };
        assert!(error.to_string().contains(words), "{lie:?}: {error}");
        assert!(!error.to_string().contains("canary"), "{error}");
        let is_no_answer = matches!(
            lie,
            Lie::NoJson | Lie::OtherJson | Lie::NoMember(_) | Lie::Endless | Lie::Redirect(_)
        );
        assert_eq!(
            matches!(error, Error::Distrust(_)),
            !is_no_answer,
            "{lie:?}"
        );
        assert_eq!(memory.to_json().unwrap(), before, "{lie:?}");
        if matches!(lie, Lie::Organization(_) | Lie::Vault) {
            // The auth hash of this vault key under another salt is not sent.
            assert_eq!(story.server.requests(), ["GET /api/v1/vault/info"]);
        }
    }
    // Nor has any lie spoiled what is true.
    for lie in [Lie::None, Lie::MoreKeys] {
        story.server.tell(lie);
        let mut memory = story.memory.clone();
        let vault = Zk::new(&client, &mut memory).unlock(&text(VAULT_KEY)).await;
        let vault = vault.ok().unwrap();
        assert_eq!(vault.warnings, []);
        let values: Vec<String> = vault
            .secrets
            .iter()
            .map(|secret| secret.payload().ok().unwrap())
            .map(|payload| {
                payload
                    .text(payload.kind().main())
                    .unwrap()
                    .expose()
                    .to_owned()
            })
            .collect();
        assert_eq!(
            values,
            [
                "canary of gitlab",
                "second canary of github",
                "canary of deploy"
            ]
        );
    }
}

#[tokio::test]
async fn a_list_is_judged_without_any_key() {
    let story = story().await;
    let client = client(&story.server.base);
    for (lie, words) in [
        (
            Lie::Organization("org_fixture_0002"),
            "no key was derived with it",
        ),
        (Lie::Vault, "in the place of vault"),
        (Lie::DeletedSecret, "was deleted from here"),
        (Lie::OtherType, "the server says 'other' now"),
        (Lie::SecretTwice, "twice"),
    ] {
        story.server.tell(lie.clone());
        let mut memory = story.memory.clone();
        let refused = Zk::new(&client, &mut memory).secrets(None).await.err();
        let error = refused.unwrap_or_else(|| panic!("{lie:?} was believed"));
        assert!(error.to_string().contains(words), "{lie:?}: {error}");
    }
}

#[tokio::test]
async fn what_may_have_an_honest_reason_is_a_warning() {
    let story = story().await;
    let client = client(&story.server.base);
    let mut memory = story.memory.clone();
    let mut zk = Zk::new(&client, &mut memory);
    story.server.tell(Lie::MissingSecret);
    let warnings = zk.unlock(&text(VAULT_KEY)).await.ok().unwrap().warnings;
    assert!(
        matches!(&warnings[..], [Warning::Gone { name, .. }] if name == "gitlab"),
        "{warnings:?}"
    );
    assert_eq!(zk.unlock(&text(VAULT_KEY)).await.ok().unwrap().warnings, []);
    story.server.tell(Lie::SwappedNames);
    let warnings = zk.secrets(None).await.ok().unwrap().warnings;
    assert!(
        matches!(
            &warnings[..],
            [Warning::Back { .. }, Warning::Renamed { known, name, .. }, Warning::Renamed { .. }]
                if known == "gitlab" && name == "github"
        ),
        "{warnings:?}"
    );
}

#[tokio::test]
async fn what_is_read_back_after_a_change_is_judged_too() {
    let story = story().await;
    let client = client(&story.server.base);
    let mut memory = story.memory.clone();
    let mut zk = Zk::new(&client, &mut memory);
    let vault = zk.unlock(&text(VAULT_KEY)).await.ok().unwrap();
    let github = &vault.secrets[1];
    assert_eq!(github.meta.name, "github");

    story.server.tell(Lie::OldPayload);
    let new = payload(Kind::Login, "third");
    let change = Change {
        payload: Some(&new),
        ..Change::default()
    };
    let refused = zk.update(&vault, github, change).await.err();
    let id = github.meta.id.clone();
    let is_replay = |error| matches!(error, Some(Error::Distrust(Distrust::PayloadReplayed { id: replayed })) if replayed == id);
    assert!(is_replay(refused));
    let sent = story.server.requests();
    assert!(
        !sent.iter().any(|sent| sent.starts_with("PATCH")),
        "{sent:?}"
    );

    story.server.tell(Lie::OtherSecret);
    let refused = zk.create(&vault, named("new", &new)).await.err();
    let Some(Distrust::OtherAnswer { asked, .. }) = met(refused) else {
        panic!("another secret was taken for it");
    };
    // It was kept, and that is remembered.
    story.server.tell(Lie::None);
    let vault = zk.unlock(&text(VAULT_KEY)).await.ok().unwrap();
    assert_eq!(
        (&vault.secrets[0].meta.id, &vault.warnings[..]),
        (&asked, &[][..])
    );

    story.server.tell(Lie::OtherType);
    let refused = zk.create(&vault, named("new", &new)).await.err();
    let Some(Distrust::TypeChanged { known, claimed, .. }) = met(refused) else {
        panic!("another type was taken for it");
    };
    assert_eq!((known.as_str(), claimed.as_str()), ("login", "other"));
    // The type that was chosen is the one to go by.
    story.server.tell(Lie::None);
    assert!(zk.unlock(&text(VAULT_KEY)).await.is_ok());
}

/// What was met after something had been sent.
fn met(error: Option<Error>) -> Option<Distrust> {
    match error {
        Some(Error::Unknown(met)) => match *met {
            Error::Distrust(distrust) => Some(distrust),
            _ => None,
        },
        _ => None,
    }
}

/// What the module says of itself: the first answer is believed, but for what is bound to its id.
#[tokio::test]
async fn whoever_knows_nothing_yet_believes_more() {
    let story = story().await;
    let client = client(&story.server.base);
    story.server.tell(Lie::OldPayload);
    let mut memory = Memory::default();
    let vault = Zk::new(&client, &mut memory).unlock(&text(VAULT_KEY)).await;
    assert_eq!(vault.ok().unwrap().secrets.len(), 3);
    story.server.tell(Lie::OtherType);
    let mut memory = Memory::default();
    let vault = Zk::new(&client, &mut memory)
        .unlock(&text(VAULT_KEY))
        .await
        .ok()
        .unwrap();
    // The type is the server's word, and what is sealed does not fit it.
    assert!(matches!(
        vault.secrets[0].payload(),
        Err(Error::Unfit { .. })
    ));
    assert!(vault.secrets[1].payload().is_ok());
    story.server.tell(Lie::SwappedPayloads);
    let refused = Zk::new(&client, &mut Memory::default())
        .unlock(&text(VAULT_KEY))
        .await;
    assert!(matches!(
        refused.err(),
        Some(Error::Distrust(Distrust::PayloadDoesNotOpen { .. }))
    ));
}

#[tokio::test]
async fn what_is_new_can_be_accepted_by_whoever_knows_why() {
    let story = story().await;
    let client = client(&story.server.base);
    story.server.tell(Lie::Vault);
    let mut memory = story.memory.clone();
    let accepts = Accepts {
        vault: true,
        ..Accepts::default()
    };
    let mut zk = Zk::new(&client, &mut memory).accepting(accepts);
    assert!(zk.unlock(&text(VAULT_KEY)).await.is_ok());
    // From now on this is the vault.
    assert!(
        Zk::new(&client, &mut memory)
            .unlock(&text(VAULT_KEY))
            .await
            .is_ok()
    );
    story.server.tell(Lie::None);
    let refused = Zk::new(&client, &mut memory).unlock(&text(VAULT_KEY)).await;
    assert!(matches!(
        refused.err(),
        Some(Error::Distrust(Distrust::VaultReplaced { .. }))
    ));
}

/// NT-77, and DESIGN §7: a refusal leaves stdout empty.
#[tokio::test]
async fn every_lie_is_an_integrity_failure_of_the_command() {
    let story = story().await;
    let state = tempfile::tempdir().unwrap();
    let file = remembered(state.path(), &story.memory);
    let before = std::fs::read(&file).unwrap();
    let run = |arguments: &[&str]| zk(&story.server.base, "ibk_test", state.path(), arguments, "");
    for (lie, words) in story.lies() {
        story.server.tell(lie.clone());
        let arguments = match lie {
            Lie::OldPayload | Lie::SwappedPayloads => &["get", "gitlab"][..],
            _ => &["unlock"],
        };
        run(arguments)
            .failed(10)
            .told(&[words, "KLUIS-INTEGRITY"])
            .silent("canary");
        assert!(std::fs::read(&file).unwrap() == before, "{lie:?}");
    }
    story.server.tell(Lie::DeletedSecret);
    run(&["list"])
        .failed(10)
        .told(&["was deleted from here", "back-up"]);
    story.server.tell(Lie::Vault);
    for command in [
        &["list"][..],
        &["delete", "gitlab", "--yes"],
        &["edit", "gitlab", "--name", "other"],
        &["grant", "gitlab", "build-agent"],
        &["rekey", "--new-vault-key-file", "/dev/null"],
    ] {
        let ended = run(command);
        let code = if command[0] == "rekey" { 2 } else { 10 };
        ended.failed(code);
    }
    run(&["unlock"]).failed(10).told(&["--accept-vault"]);
    story.server.tell(Lie::Organization("org_fixture_0002"));
    for command in ["unlock", "init"] {
        run(&[command]).failed(10).told(&["--accept-organization"]);
    }
    story.server.tell(Lie::NoVault);
    run(&["unlock"]).failed(5);
    run(&["init"])
        .failed(10)
        .told(&["says that there is no vault", "--accept-vault"]);
    run(&["init", "--accept-vault"]).failed(6);
    story.server.tell(Lie::OtherSecret);
    let add = ["add", "new", "--type", "login"];
    zk(&story.server.base, "ibk_test", state.path(), &add, "value")
        .failed(10)
        .told(&["was asked about"]);
    story.server.tell(Lie::None);
    assert_eq!(run(&["get", "gitlab"]).well().stdout, "canary of gitlab");
}

/// Puts a memory where a command finds it.
fn remembered(state: &Path, memory: &Memory) -> std::path::PathBuf {
    let directory = state.join("kluis");
    std::fs::create_dir(&directory).unwrap();
    let file = directory.join("zero-knowledge.json");
    std::fs::write(&file, memory.to_json().unwrap()).unwrap();
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o600)).unwrap();
    file
}
