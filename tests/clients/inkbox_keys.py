"""Replacing and revoking the keys of a vault, through `inkbox`. It comes last: it leaves other keys behind."""

from inkbox_harness import VAULT_KEY, auth_hash, does_not_open, owner, refused, step
from inkbox_vault import CODES

SECOND = "Second-Vault-Key-43!"
THIRD = "Third-Vault-Key-44!"


def names(key):
    return sorted(secret.name for secret in owner().vault.unlock(key).secrets)


@step("keys/replace")
def old_key_makes_way():
    vault = owner().vault
    before, old = names(VAULT_KEY), vault.list_keys(key_type="primary")[0]
    new = vault.update_key(SECOND, current_vault_key=VAULT_KEY)
    assert new.key_type == "primary" and new.id != old.id, new
    assert [key.id for key in vault.list_keys(key_type="primary")] == [new.id]
    assert names(SECOND) == before, "the secrets are as they were"
    does_not_open(vault, VAULT_KEY)
    assert names(CODES[0]) == before, "a recovery code opens what it opened"
    # The same key again: its hash does not change.
    vault.update_key(SECOND, current_vault_key=SECOND)
    assert names(SECOND) == before


@step("keys/recover")
def recovery_code_is_used_once():
    vault = owner().vault
    before = names(SECOND)
    vault.update_key(THIRD, recovery_code=CODES[0])
    assert names(THIRD) == before
    does_not_open(vault, SECOND)
    does_not_open(vault, CODES[0])
    assert vault.info().recovery_key_count == 3
    try:
        vault.update_key(SECOND, recovery_code=CODES[0])
    except ValueError:
        pass  # the client asks before it tries
    else:
        raise AssertionError("a code worked twice")
    assert names(CODES[1]) == before


@step("keys/revoke")
def recovery_keys_are_revoked():
    vault = owner().vault
    for left, code in ((2, CODES[1]), (1, CODES[2]), (0, CODES[3])):
        vault.delete_key(auth_hash(code))
        assert vault.info().recovery_key_count == left
    refused(404, vault.delete_key, auth_hash(CODES[3]))
    does_not_open(vault, CODES[3])
    refused(409, vault.delete_key, auth_hash(THIRD))
    assert names(THIRD)


@step("keys/back")
def first_key_comes_back():
    vault = owner().vault
    vault.update_key(VAULT_KEY, current_vault_key=THIRD)
    assert names(VAULT_KEY)
