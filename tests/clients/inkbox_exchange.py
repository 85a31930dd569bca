"""Write what another client is to read with `inkbox`, or read what another has written: `write NAME`, `read NAME`.

What is written is `inkbox_exchange.json`, and an identity called NAME-reader that may have all of it.
"""

import sys

from inkbox_harness import EXCHANGED, VAULT_KEY, members, owner, payload, run, step

MODE, NAME = sys.argv[1:]


def write():
    if owner().vault.info() is None:
        owner().vault.initialize(VAULT_KEY)
    unlocked = owner().vault.unlock(VAULT_KEY)
    for item in EXCHANGED:
        unlocked.create_secret(item["name"], payload(item["secret_type"], item["payload"]), description=item["description"])


def let_somebody_read():
    owner().create_identity(f"{NAME}-reader", vault_secret_ids="all")


def read_all():
    secrets = owner().vault.unlock(VAULT_KEY).secrets
    assert sorted(secret.name for secret in secrets) == sorted(item["name"] for item in EXCHANGED), secrets
    for item in EXCHANGED:
        found = next(secret for secret in secrets if secret.name == item["name"])
        told = (found.description, found.secret_type, members(found))
        assert told == (item["description"], item["secret_type"], item["payload"]), item["name"]


def read_one_by_one():
    unlocked = owner().vault.unlock(VAULT_KEY)
    for listed in owner().vault.list_secrets():
        item = next(item for item in EXCHANGED if item["name"] == listed.name)
        assert members(unlocked.get_secret(listed.id)) == item["payload"], item["name"]


if __name__ == "__main__":
    steps = {"write": (write, let_somebody_read), "read": (read_all, read_one_by_one)}
    for function in steps[MODE]:
        step(f"{MODE}/{function.__name__}")(function)
    run()
