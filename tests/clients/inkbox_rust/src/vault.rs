//! Who one is, and making and opening a vault.

use inkbox::Result;
use inkbox::whoami::types::{AUTH_SUBTYPE_API_KEY_ADMIN_SCOPED, WhoamiResponse};

use crate::harness::{Scene, Step, client, declined, refused, setting};

pub const STEPS: &[Step] = &[
    ("vault/whoami", whoami),
    ("vault/absent", absent),
    ("vault/initialize", initialize),
    ("vault/unlock", unlock),
    ("vault/keys", keys),
    ("vault/others", others),
];

fn whoami(scene: &mut Scene) -> Result<()> {
    let WhoamiResponse::ApiKey(told) = scene.owner.whoami()? else {
        panic!("an API key is no browser session");
    };
    let subtype = told.auth_subtype.as_deref();
    assert_eq!(subtype, Some(AUTH_SUBTYPE_API_KEY_ADMIN_SCOPED));
    assert!(told.organization_id.is_some() && told.key_id.is_some() && told.created_at.is_some());
    let nobody = client("ibk_unknown");
    refused(401, nobody.whoami());
    refused(401, nobody.vault().info());
    Ok(())
}

fn absent(scene: &mut Scene) -> Result<()> {
    let vault = scene.owner.vault();
    assert!(vault.info()?.is_none());
    declined(vault.unlock(&scene.vault_key, None));
    declined(vault.initialize("too-weak"));
    assert!(vault.info()?.is_none());
    Ok(())
}

fn initialize(scene: &mut Scene) -> Result<()> {
    let vault = scene.owner.vault();
    let made = vault.initialize(&scene.vault_key)?;
    assert_eq!((made.recovery_key_count, made.recovery_codes.len()), (4, 4));
    let info = vault.info()?.unwrap();
    assert_eq!(info.id, made.vault_id);
    assert_eq!(
        (info.key_count, info.secret_count, info.recovery_key_count),
        (1, 0, 4)
    );
    refused(409, vault.initialize(&scene.vault_key));
    scene.codes = made.recovery_codes;
    Ok(())
}

fn unlock(scene: &mut Scene) -> Result<()> {
    let vault = scene.owner.vault();
    assert!(scene.opened()?.secrets().is_empty());
    // To open the vault uses no code up.
    for place in [0, 0, 3] {
        vault.unlock(&scene.codes[place], None)?;
    }
    declined(vault.unlock(&scene.vault_key.to_lowercase(), None));
    declined(vault.unlock(&scene.codes[0].replace('-', ""), None));
    Ok(())
}

fn keys(scene: &mut Scene) -> Result<()> {
    let keys = scene.owner.vault().list_keys(None)?;
    let types: Vec<_> = keys.iter().map(|key| key.key_type.as_str()).collect();
    assert_eq!(
        types,
        ["primary", "recovery", "recovery", "recovery", "recovery"]
    );
    assert_eq!(scene.owner.vault().list_keys(Some("recovery"))?.len(), 4);
    let primary = scene.owner.vault().list_keys(Some("PRIMARY"))?;
    assert_eq!((primary.len(), primary[0].id), (1, keys[0].id));
    Ok(())
}

fn others(scene: &mut Scene) -> Result<()> {
    assert!(scene.stranger.vault().info()?.is_none());
    let member = client(&setting("KLUIS_MEMBER_KEY"));
    assert_eq!(member.vault().info()?.unwrap().key_count, 1);
    refused(403, member.vault().unlock(&scene.vault_key, None));
    refused(403, member.vault().list_secrets(None));
    refused(403, member.list_identities());
    Ok(())
}
