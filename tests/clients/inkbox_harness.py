"""What the scripts of the Inkbox API share: callers, payloads, and what is expected of a refusal.

Settings: KLUIS_OWNER_KEY, an admin's key; KLUIS_MEMBER_KEY, the key of a member of that organization; KLUIS_STRANGER_KEY, a
key of another organization's owner; KLUIS_VAULT_KEY, what the vault is to be locked with. No organization has a vault.
"""

import json
from functools import cache
from pathlib import Path

from inkbox import Inkbox, InkboxAPIError
from inkbox.vault.crypto import compute_auth_hash, derive_master_key, derive_salt
from inkbox.vault.types import _parse_payload

from steps import URL, fresh, run, setting, step  # the scripts take them from here

VAULT_KEY = setting("KLUIS_VAULT_KEY")
# What clients of every language exchange: name, description, secret_type and payload of each.
EXCHANGED = json.loads((Path(__file__).parent / "inkbox_exchange.json").read_text())


def client(key, **more):
    return Inkbox(api_key=key, base_url=URL, **more)


@cache
def owner():
    return client(setting("KLUIS_OWNER_KEY"))


@cache
def stranger():
    """The owner of another organization."""
    return client(setting("KLUIS_STRANGER_KEY"))


def agent(identity):
    """A client that acts as an identity, with a key of its own."""
    made = owner().api_keys.create(label=fresh("key"), scoped_identity_id=identity.id)
    assert made.record.scoped_identity_id == identity.id, made.record
    return client(made.api_key)


def payload(secret_type, members):
    """What is to be encrypted, as the client types it."""
    return _parse_payload(secret_type, members)


def members(secret):
    """What was encrypted, without what was left out."""
    return secret.payload._to_dict()


def find(secrets, name):
    """The one secret of this name."""
    found = [secret for secret in secrets if secret.name == name]
    assert len(found) == 1, f"{len(found)} of {len(secrets)} secrets are called {name}"
    return found[0]


def refused(status, call, *arguments, **more):
    """Check that a call is refused with a status and a reason, and hand the error on."""
    try:
        answer = call(*arguments, **more)
    except InkboxAPIError as error:
        assert error.status_code == status, f"{error} instead of {status}"
        assert error.detail and error.detail != "Unknown error", f"{status} came without a reason"
        return error
    raise AssertionError(f"{answer!r} instead of {status}")


def does_not_open(vault, key):
    """Check that a vault key or recovery code is wrong, which is no HTTP error."""
    try:
        vault.unlock(key)
    except ValueError:
        return
    raise AssertionError("it opens the vault")


def auth_hash(key):
    """What a vault key or recovery code is known by (§6.2)."""
    salt = derive_salt(owner().vault.info().organization_id)
    return compute_auth_hash(derive_master_key(key, salt))
