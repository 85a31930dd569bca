//! Replacing and revoking the keys of a vault.

use inkbox::Result;

use crate::harness::{Scene, Step, declined, names, refused};

pub const STEPS: &[Step] = &[
    ("keys/replace", replace),
    ("keys/recover", recover),
    ("keys/revoke", revoke),
];

const SECOND: &str = "Second-Vault-Key-43!";
const THIRD: &str = "Third-Vault-Key-44!";

fn replace(scene: &mut Scene) -> Result<()> {
    let vault = scene.owner.vault();
    let before = names(&scene.opened()?);
    let new = vault.update_key(SECOND, Some(&scene.vault_key), None)?;
    let primary = vault.list_keys(Some("primary"))?;
    assert_eq!((primary.len(), primary[0].id), (1, new.id));
    assert_eq!(names(&vault.unlock(SECOND, None)?), before);
    declined(vault.unlock(&scene.vault_key, None));
    // The same key again: its hash does not change.
    vault.update_key(SECOND, Some(SECOND), None)?;
    assert_eq!(names(&vault.unlock(&scene.codes[0], None)?), before);
    Ok(())
}

fn recover(scene: &mut Scene) -> Result<()> {
    let vault = scene.owner.vault();
    let before = names(&vault.unlock(SECOND, None)?);
    vault.update_key(THIRD, None, Some(&scene.codes[0]))?;
    assert_eq!(names(&vault.unlock(THIRD, None)?), before);
    declined(vault.unlock(SECOND, None));
    // The client asks before it tries.
    declined(vault.update_key(SECOND, None, Some(&scene.codes[0])));
    assert_eq!(vault.info()?.unwrap().recovery_key_count, 3);
    assert_eq!(names(&vault.unlock(&scene.codes[1], None)?), before);
    Ok(())
}

fn revoke(scene: &mut Scene) -> Result<()> {
    let vault = scene.owner.vault();
    for (left, code) in [
        (2, &scene.codes[1]),
        (1, &scene.codes[2]),
        (0, &scene.codes[3]),
    ] {
        vault.delete_key(&scene.auth_hash(code)?)?;
        assert_eq!(vault.info()?.unwrap().recovery_key_count, left);
    }
    let spent = scene.auth_hash(&scene.codes[3])?;
    refused(404, vault.delete_key(&spent));
    declined(vault.unlock(&scene.codes[3], None));
    refused(409, vault.delete_key(&scene.auth_hash(THIRD)?));
    vault.unlock(THIRD, None)?;
    Ok(())
}
