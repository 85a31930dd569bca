//! What one client writes and another reads.

use inkbox::Result;
use inkbox::identities::types::{Unset, VaultSecretIds};

use crate::harness::{Scene, Step, exchanged, find, members, names};

pub const WRITE: &[Step] = &[("write/all", write), ("write/reader", let_somebody_read)];
pub const READ: &[Step] = &[("read/all", read_all), ("read/one-by-one", read_one_by_one)];

fn write(scene: &mut Scene) -> Result<()> {
    let vault = scene.owner.vault();
    if vault.info()?.is_none() {
        vault.initialize(&scene.vault_key)?;
    }
    let mut unlocked = scene.opened()?;
    for item in exchanged() {
        unlocked.create_secret(&item.name, &item.payload()?, item.description.as_deref())?;
    }
    Ok(())
}

fn let_somebody_read(scene: &mut Scene) -> Result<()> {
    let handle = format!("{}-reader", scene.name);
    let all = VaultSecretIds::Wildcard("all".to_owned());
    let owner = scene.owner.clone();
    owner.create_identity_with(
        &handle,
        None,
        Unset::Omit,
        None,
        None,
        Unset::Omit,
        None,
        None,
        Some(&all),
    )?;
    Ok(())
}

fn read_all(scene: &mut Scene) -> Result<()> {
    let unlocked = scene.opened()?;
    let mut expected: Vec<_> = exchanged().into_iter().map(|item| item.name).collect();
    expected.sort();
    assert_eq!(names(&unlocked), expected);
    for item in exchanged() {
        let found = find(&unlocked.secrets(), &item.name);
        assert_eq!(
            (&found.description, &found.secret_type),
            (&item.description, &item.secret_type)
        );
        assert_eq!(members(&found), item.members);
    }
    Ok(())
}

fn read_one_by_one(scene: &mut Scene) -> Result<()> {
    let unlocked = scene.opened()?;
    for listed in scene.owner.vault().list_secrets(None)? {
        let item = exchanged()
            .into_iter()
            .find(|item| item.name == listed.name)
            .unwrap();
        let read = unlocked.get_secret(&listed.id.to_string())?;
        assert_eq!(members(&read), item.members);
    }
    Ok(())
}
