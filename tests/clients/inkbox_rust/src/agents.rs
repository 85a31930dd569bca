//! Identities, their keys, and what they may open.

use inkbox::api_keys::ApiKeyStatus;
use inkbox::identities::types::{Unset, VaultSecretIds};
use inkbox::identities::{BlockingNamespace, HandleUnavailableError};
use inkbox::vault::{APIKeyPayload, SecretPayload};
use inkbox::whoami::types::{AUTH_SUBTYPE_API_KEY_AGENT_SCOPED_CLAIMED, WhoamiResponse};
use inkbox::{AgentIdentity, Result};
use uuid::Uuid;

use crate::harness::{Scene, Step, client, exchanged, members, refused};

pub const STEPS: &[Step] = &[
    ("agents/life", life),
    ("agents/keys", keys),
    ("agents/access", access),
    ("agents/made-with-access", made_with_access),
    ("agents/own-secret", own_secret),
];

fn life(scene: &mut Scene) -> Result<()> {
    let owner = scene.owner.clone();
    let handle = scene.fresh("agent");
    let made = owner.create_identity(&format!("@{handle}"))?;
    assert_eq!(
        (made.agent_handle(), made.display_name()),
        (handle.clone(), Some(handle.clone()))
    );
    assert_eq!(owner.get_identity(&handle)?.id(), made.id());
    assert_eq!(owner.list_identities()?[0].id, made.id());
    let named = Unset::Value(Some("A Name".to_owned()));
    let changed =
        owner
            .identities()
            .update(&handle, named, Unset::Value(None), None, None, None, None)?;
    assert_eq!(
        (changed.display_name.as_deref(), changed.description),
        (Some("A Name"), None)
    );
    let taken = refused(409, owner.create_identity(&handle));
    let taken = HandleUnavailableError::from_error(&taken).unwrap();
    assert_eq!(
        taken.blocking_namespace,
        Some(BlockingNamespace::Identities)
    );
    refused(404, scene.stranger.get_identity(&handle));
    let agent = scene.agent(&made)?;
    agent.whoami()?;
    made.delete()?;
    refused(404, owner.get_identity(&handle));
    refused(401, agent.whoami());
    Ok(())
}

fn keys(scene: &mut Scene) -> Result<()> {
    let identity = scene.owner.clone().create_identity(&scene.fresh("agent"))?;
    let made = scene
        .owner
        .api_keys()
        .create("ci", Some("of the pipeline"), Some(identity.id()))?;
    let record = &made.record;
    assert_eq!(
        (record.label.as_str(), record.description.as_deref()),
        ("ci", Some("of the pipeline"))
    );
    assert!(record.status == ApiKeyStatus::Active && record.id.starts_with("ApiKey_"));
    assert!(made.api_key.ends_with(&record.last4));
    let holder = client(&made.api_key);
    let WhoamiResponse::ApiKey(told) = holder.whoami()? else {
        panic!("an API key is no browser session");
    };
    assert_eq!(
        told.auth_subtype.as_deref(),
        Some(AUTH_SUBTYPE_API_KEY_AGENT_SCOPED_CLAIMED)
    );
    assert_eq!(told.key_id.as_ref(), Some(&record.id));
    let listed = holder.list_identities()?;
    assert_eq!((listed.len(), listed[0].id), (1, identity.id()));
    refused(
        403,
        scene.owner.api_keys().create("another admin's", None, None),
    );
    refused(
        403,
        holder.api_keys().create("mine", None, Some(identity.id())),
    );
    refused(403, holder.create_identity("not-made"));
    refused(
        404,
        scene
            .owner
            .api_keys()
            .create("l", None, Some(Uuid::from_u128(7))),
    );
    identity.delete()
}

fn access(scene: &mut Scene) -> Result<()> {
    let first = scene.fresh("agent");
    let vault = scene.owner.vault();
    let one = scene.owner.create_identity(&first)?;
    let holder = scene.agent(&one)?;
    let item = exchanged().remove(1);
    let secret = vault.list_secrets(Some(&item.secret_type))?.remove(0);
    let (id, identity) = (secret.id.to_string(), one.id().to_string());
    let mut unlocked = holder.vault().unlock(&scene.vault_key, None)?;
    assert!(unlocked.secrets().is_empty());
    refused(403, unlocked.get_secret(&id));
    let rule = vault.grant_access(&id, &identity)?;
    assert_eq!(
        (rule.vault_secret_id, rule.identity_id),
        (secret.id, one.id())
    );
    refused(409, vault.grant_access(&id, &identity));
    let rules = vault.list_access_rules(&id)?;
    assert_eq!((rules.len(), rules[0].id), (1, rule.id));
    let listed = vault.list_secrets(Some(&item.secret_type))?;
    assert_eq!(listed[0].access[0].identity_id, one.id());

    let opened = holder.vault().unlock(&scene.vault_key, None)?.secrets();
    assert_eq!((opened.len(), opened[0].id), (1, secret.id));
    assert_eq!(members(&opened[0]), item.members);
    let view = holder.get_identity(&first)?.credentials()?;
    assert_eq!(
        (
            view.len(),
            view.list_api_keys().len(),
            view.list_logins().len()
        ),
        (1, 1, 0)
    );
    assert_eq!(view.get_api_key(&id)?.api_key, item.members["api_key"]);
    let eyes = vault.unlock(&scene.vault_key, Some(&identity))?.secrets();
    assert_eq!((eyes.len(), eyes[0].id), (1, secret.id));
    let payload = item.payload()?;
    refused(403, unlocked.create_secret("own", &payload, None));
    refused(403, unlocked.update_secret(&id, Some("n"), None, None));
    refused(403, unlocked.delete_secret(&id));
    refused(403, holder.vault().grant_access(&id, &identity));
    refused(403, holder.vault().initialize(&scene.vault_key));
    refused(
        403,
        holder
            .vault()
            .update_key(&scene.vault_key, Some(&scene.vault_key), None),
    );

    vault.revoke_access(&id, &identity)?;
    refused(404, vault.revoke_access(&id, &identity));
    refused(403, unlocked.get_secret(&id));
    refused(
        404,
        vault.grant_access(&id, &Uuid::from_u128(7).to_string()),
    );
    one.delete()
}

fn made_with_access(scene: &mut Scene) -> Result<()> {
    let ids: Vec<_> = scene
        .owner
        .vault()
        .list_secrets(None)?
        .iter()
        .map(|secret| secret.id.to_string())
        .collect();
    let all = ids.len();
    for (given, expected) in [
        (VaultSecretIds::One(ids[0].clone()), 1),
        (VaultSecretIds::Many(ids[..2].to_vec()), 2),
        (VaultSecretIds::Wildcard("all".to_owned()), all),
        (VaultSecretIds::Wildcard("*".to_owned()), all),
    ] {
        let identity = with_access(scene, given)?;
        let agent = scene.agent(&identity)?;
        assert_eq!(
            agent
                .vault()
                .unlock(&scene.vault_key, None)?
                .secrets()
                .len(),
            expected
        );
        identity.delete()?;
    }
    let absent = VaultSecretIds::Many(vec![ids[0].clone(), Uuid::from_u128(7).to_string()]);
    refused(404, with_access(scene, absent));
    Ok(())
}

fn with_access(scene: &mut Scene, given: VaultSecretIds) -> Result<AgentIdentity> {
    let handle = scene.fresh("agent");
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
        Some(&given),
    )
}

fn own_secret(scene: &mut Scene) -> Result<()> {
    let identity = scene.owner.clone().create_identity(&scene.fresh("agent"))?;
    scene.opened()?;
    let payload = SecretPayload::ApiKey(APIKeyPayload {
        api_key: "given".to_owned(),
        endpoint: None,
        notes: None,
    });
    let made = identity.create_secret("own", &payload, None)?;
    let holder = scene.agent(&identity)?;
    let opened = holder.vault().unlock(&scene.vault_key, None)?.secrets();
    assert_eq!(members(&opened[0])["api_key"], "given");
    identity.revoke_credential_access(&made.id.to_string())?;
    assert!(
        holder
            .vault()
            .unlock(&scene.vault_key, None)?
            .secrets()
            .is_empty()
    );
    identity.delete_secret(&made.id.to_string())?;
    identity.delete()
}
