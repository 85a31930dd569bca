//! Secrets of every type.

use inkbox::vault::{APIKeyPayload, LoginPayload, OtherPayload, SecretPayload};
use inkbox::{InkboxError, Result};
use uuid::Uuid;

use crate::harness::{Scene, Step, declined, exchanged, find, members, refused};

pub const STEPS: &[Step] = &[
    ("secrets/types", types),
    ("secrets/list", list),
    ("secrets/update", update),
    ("secrets/delete", delete),
    ("secrets/totp", totp),
    ("secrets/refusals", refusals),
];

fn other(data: &str) -> SecretPayload {
    SecretPayload::Other(OtherPayload {
        data: data.to_owned(),
        notes: None,
    })
}

fn api_key(key: &str) -> SecretPayload {
    SecretPayload::ApiKey(APIKeyPayload {
        api_key: key.to_owned(),
        endpoint: None,
        notes: None,
    })
}

fn types(scene: &mut Scene) -> Result<()> {
    let mut unlocked = scene.opened()?;
    for item in exchanged() {
        let description = item.description.as_deref();
        let made = unlocked.create_secret(&item.name, &item.payload()?, description)?;
        assert_eq!(
            (&made.name, &made.secret_type),
            (&item.name, &item.secret_type)
        );
        assert_eq!(made.description, item.description);
        let read = unlocked.get_secret(&made.id.to_string())?;
        assert_eq!(members(&read), item.members);
    }
    for secrets in [unlocked.secrets(), scene.opened()?.secrets()] {
        for item in exchanged() {
            assert_eq!(members(&find(&secrets, &item.name)), item.members);
        }
    }
    Ok(())
}

fn list(scene: &mut Scene) -> Result<()> {
    let vault = scene.owner.vault();
    let listed: Vec<_> = vault
        .list_secrets(None)?
        .into_iter()
        .map(|secret| secret.name)
        .collect();
    let expected: Vec<_> = exchanged()
        .into_iter()
        .rev()
        .map(|item| item.name)
        .collect();
    assert_eq!(listed, expected, "the newest comes first");
    for item in exchanged() {
        let found = vault.list_secrets(Some(&item.secret_type))?;
        assert_eq!((found.len(), &found[0].name), (1, &item.name));
        assert!(found[0].access.is_empty());
    }
    refused(422, vault.list_secrets(Some("password")));
    Ok(())
}

fn update(scene: &mut Scene) -> Result<()> {
    let mut unlocked = scene.opened()?;
    let name = scene.fresh("key");
    let made = unlocked.create_secret(&name, &api_key("first"), Some("of the first"))?;
    let id = made.id.to_string();
    let changed = unlocked.update_secret(&id, Some("renamed"), None, None)?;
    assert_eq!(
        (changed.name.as_str(), changed.description.as_deref()),
        ("renamed", Some("of the first"))
    );
    let changed = unlocked.update_secret(&id, None, Some(None), None)?;
    assert_eq!(
        (changed.name.as_str(), changed.description),
        ("renamed", None)
    );
    unlocked.update_secret(&id, None, None, Some(&api_key("second")))?;
    declined(unlocked.update_secret(&id, None, None, Some(&other("of another type"))));
    let read = find(&scene.opened()?.secrets(), "renamed");
    assert_eq!(members(&read)["api_key"], "second");
    unlocked.delete_secret(&id)
}

fn delete(scene: &mut Scene) -> Result<()> {
    let mut unlocked = scene.opened()?;
    let made = unlocked.create_secret(&scene.fresh("gone"), &other("x"), None)?;
    let id = made.id.to_string();
    unlocked.delete_secret(&id)?;
    refused(404, unlocked.get_secret(&id));
    refused(404, scene.owner.vault().delete_secret(&id));
    assert!(
        scene
            .opened()?
            .secrets()
            .iter()
            .all(|secret| secret.id != made.id)
    );
    Ok(())
}

fn totp(scene: &mut Scene) -> Result<()> {
    let mut unlocked = scene.opened()?;
    let login = LoginPayload {
        password: "p".to_owned(),
        username: Some("u".to_owned()),
        email: None,
        url: None,
        totp: None,
        notes: None,
    };
    let made = unlocked.create_secret(&scene.fresh("login"), &SecretPayload::Login(login), None)?;
    let id = made.id.to_string();
    let uri = "otpauth://totp/Example:someone?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ&issuer=Example&digits=8";
    unlocked.set_totp_uri(&id, uri)?;
    let code = unlocked.get_totp_code(&id)?;
    assert!(code.code.len() == 8 && code.code.bytes().all(|digit| digit.is_ascii_digit()));
    let read = members(&unlocked.get_secret(&id)?);
    assert_eq!(read["totp"]["issuer"], "Example");
    unlocked.remove_totp(&id)?;
    let read = members(&unlocked.get_secret(&id)?);
    assert_eq!((read.get("totp"), &read["password"]), (None, &"p".into()));
    unlocked.delete_secret(&id)
}

fn refusals(scene: &mut Scene) -> Result<()> {
    let mut unlocked = scene.opened()?;
    let absent = Uuid::from_u128(7).to_string();
    refused(404, unlocked.get_secret(&absent));
    refused(404, unlocked.update_secret(&absent, Some("n"), None, None));
    refused(404, scene.owner.vault().list_access_rules(&absent));
    refused(422, unlocked.get_secret("no-uuid"));
    let wrong = refused(422, unlocked.create_secret("", &other("x"), None));
    let InkboxError::Api { detail, .. } = wrong else {
        unreachable!("that is what was refused");
    };
    assert!(detail.to_string().contains("name"), "{detail}");
    let there = scene.owner.vault().list_secrets(None)?[0].id.to_string();
    refused(404, scene.stranger.vault().delete_secret(&there));
    Ok(())
}
