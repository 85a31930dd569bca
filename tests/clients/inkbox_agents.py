"""Identities, their keys, and what they may open, through `inkbox`."""

import uuid

from inkbox.api_keys.types import ApiKey, ApiKeyStatus
from inkbox.identities.exceptions import HandleUnavailableError
from inkbox.vault.types import APIKeyPayload
from inkbox.whoami.types import AUTH_SUBTYPE_API_KEY_AGENT_SCOPED_CLAIMED

from inkbox_harness import EXCHANGED, VAULT_KEY, agent, client, find, fresh, members, owner, refused, step, stranger


@step("agents/life")
def identity_lives():
    handle = fresh("agent")
    made = owner().create_identity(f"@{handle}", description="for a while")
    assert (made.agent_handle, made.display_name, made.description) == (handle, handle, "for a while")
    assert owner().get_identity(handle).id == made.id
    listed = owner().list_identities()
    assert listed[0].id == made.id and listed[0].organization_id == owner().whoami().organization_id, listed[0]
    changed = owner().identities.update(handle, display_name="A Name", description=None)
    assert (changed.display_name, changed.description, changed.agent_handle) == ("A Name", None, handle), changed
    try:
        owner().create_identity(handle)
    except HandleUnavailableError as error:
        assert (error.status_code, error.blocking_namespace) == (409, "identities"), error
    else:
        raise AssertionError("a handle was given twice")
    refused(404, stranger().get_identity, handle)
    key = agent(made)
    key.whoami()
    owner().identities.delete(handle)
    refused(404, owner().get_identity, handle)
    refused(404, owner().identities.delete, handle)
    refused(401, key.whoami)


@step("agents/keys")
def key_acts_as_its_identity():
    identity = owner().create_identity(fresh("agent"))
    made = owner().api_keys.create(label="ci", description="of the pipeline", scoped_identity_id=identity.id)
    record = made.record
    assert record.id.startswith("ApiKey_") and uuid.UUID(record.id.removeprefix("ApiKey_")), record
    assert (record.label, record.description, record.status) == ("ci", "of the pipeline", ApiKeyStatus.ACTIVE), record
    assert (record.scoped_identity_id, record.creator_type, record.revoked_at) == (identity.id, "human", None), record
    assert made.api_key.endswith(record.last4), record
    holder = client(made.api_key)
    told = holder.whoami()
    assert told.auth_subtype == AUTH_SUBTYPE_API_KEY_AGENT_SCOPED_CLAIMED, told
    assert (told.key_id, told.label) == (record.id, "ci"), told
    # No call of the client asks for it yet, but its types read the answer.
    assert ApiKey._from_dict(holder.api_keys._http.get("/api-keys/self")).id == record.id
    assert [one.id for one in holder.list_identities()] == [identity.id], "an agent sees itself"
    refused(403, owner().api_keys.create, label="another admin's")
    refused(403, holder.api_keys.create, label="mine", scoped_identity_id=identity.id)
    refused(403, holder.create_identity, fresh("agent"))
    refused(404, owner().api_keys.create, label="l", scoped_identity_id=uuid.uuid4())
    owner().identities.delete(identity.agent_handle)


@step("agents/access")
def access_is_granted_and_revoked():
    one, two = (owner().create_identity(fresh("agent")) for _ in range(2))
    holder = agent(one)
    vault = owner().vault
    secret = find(vault.list_secrets(), EXCHANGED[1]["name"])
    assert holder.vault.unlock(VAULT_KEY).secrets == [], "nothing yet"
    refused(403, holder.vault.unlocked.get_secret, secret.id)
    rule = vault.grant_access(secret.id, one.id)
    assert (rule.vault_secret_id, rule.identity_id) == (secret.id, one.id), rule
    refused(409, vault.grant_access, secret.id, one.id)
    vault.grant_access(secret.id, two.id)
    assert {each.identity_id for each in vault.list_access_rules(secret.id)} == {one.id, two.id}
    listed = find(vault.list_secrets(), secret.name)
    assert rule in listed.access and len(listed.access) == 2, listed.access

    unlocked = holder.vault.unlock(VAULT_KEY)
    assert [each.id for each in unlocked.secrets] == [secret.id]
    assert members(unlocked.secrets[0]) == EXCHANGED[1]["payload"]
    view = holder.get_identity(one.agent_handle).credentials
    assert len(view) == 1 and view.get_api_key(secret.id) == APIKeyPayload(**EXCHANGED[1]["payload"])
    assert [each.id for each in view.list_api_keys()] == [secret.id] and view.list_logins() == []
    # An admin may look with one identity's eyes.
    assert [each.id for each in vault.unlock(VAULT_KEY, identity_id=one.id).secrets] == [secret.id]
    for call in (
        lambda: holder.vault.unlocked.create_secret(fresh("own"), APIKeyPayload(api_key="x")),
        lambda: holder.vault.unlocked.update_secret(secret.id, name="n"),
        lambda: holder.vault.delete_secret(secret.id),
        lambda: holder.vault.grant_access(secret.id, one.id),
        lambda: holder.vault.initialize(VAULT_KEY),
        lambda: holder.vault.update_key(VAULT_KEY, current_vault_key=VAULT_KEY),
    ):
        refused(403, call)

    vault.revoke_access(secret.id, one.id)
    refused(404, vault.revoke_access, secret.id, one.id)
    refused(403, unlocked.get_secret, secret.id)
    assert holder.vault.unlock(VAULT_KEY).secrets == []
    assert len(agent(two).vault.unlock(VAULT_KEY).secrets) == 1
    refused(404, vault.grant_access, secret.id, uuid.uuid4())
    refused(404, vault.grant_access, uuid.uuid4(), one.id)
    for identity in (one, two):
        owner().identities.delete(identity.agent_handle)
    assert find(vault.list_secrets(), secret.name).access == [], "rules go with their identity"


@step("agents/made-with-access")
def access_is_granted_at_once():
    secrets = owner().vault.list_secrets()
    chosen = [secrets[0].id, secrets[2].id]
    for given, expected in ((chosen[0], 1), (chosen, 2), ("all", len(secrets)), ("*", len(secrets))):
        identity = owner().create_identity(fresh("agent"), vault_secret_ids=given)
        assert len(agent(identity).vault.unlock(VAULT_KEY).secrets) == expected, given
        owner().identities.delete(identity.agent_handle)
    handle = fresh("agent")
    refused(404, owner().create_identity, handle, vault_secret_ids=[chosen[0], uuid.uuid4()])
    refused(404, owner().get_identity, handle)


@step("agents/own-secret")
def identity_is_given_a_secret_as_it_is_made():
    identity = owner().create_identity(fresh("agent"))
    owner().vault.unlock(VAULT_KEY)
    made = identity.create_secret(fresh("own"), APIKeyPayload(api_key="given"))
    holder = agent(identity)
    assert holder.vault.unlock(VAULT_KEY).secrets[0].payload.api_key == "given"
    identity.revoke_credential_access(made.id)
    assert holder.vault.unlock(VAULT_KEY).secrets == []
    identity.delete_secret(made.id)
    owner().identities.delete(identity.agent_handle)
