"""Secrets of every type, through `inkbox`."""

import base64
import hashlib
import hmac
import time
import uuid

from inkbox.vault.types import APIKeyPayload, LoginPayload, OtherPayload

from inkbox_harness import EXCHANGED, VAULT_KEY, fresh, find, members, owner, payload, refused, step, stranger


def opened():
    """The vault, opened anew: each time costs what a guess costs."""
    return owner().vault.unlock(VAULT_KEY)


def held():
    """The vault as it was opened last."""
    return owner().vault.unlocked


@step("secrets/types")
def every_type_comes_back():
    unlocked = opened()
    for item in EXCHANGED:
        made = unlocked.create_secret(item["name"], payload(item["secret_type"], item["payload"]), description=item["description"])
        assert (made.name, made.secret_type) == (item["name"], item["secret_type"]), made
        assert made.description == item["description"], made
        assert made.created_at.tzinfo is not None and made.access == [], made
        assert members(unlocked.get_secret(made.id)) == item["payload"], "a payload was changed"
    # What was created stands in the cache without a further look, and in a new one.
    for secrets in (unlocked.secrets, opened().secrets):
        for item in EXCHANGED:
            assert members(find(secrets, item["name"])) == item["payload"], item["name"]


@step("secrets/large")
def large_payload_comes_back():
    data = "".join(f"line {number} of a long text\n" for number in range(1000))
    made = held().create_secret(fresh("large"), OtherPayload(data=data))
    assert held().get_secret(made.id).payload.data == data
    held().delete_secret(made.id)


@step("secrets/list")
def secrets_are_listed_by_type():
    listed = owner().vault.list_secrets()
    assert [secret.name for secret in listed] == [item["name"] for item in reversed(EXCHANGED)], "the newest comes first"
    assert all(secret.access == [] for secret in listed), listed
    for item in EXCHANGED:
        found = owner().vault.list_secrets(secret_type=item["secret_type"])
        assert [secret.name for secret in found] == [item["name"]], found
    refused(422, owner().vault.list_secrets, secret_type="password")


@step("secrets/update")
def secret_is_changed():
    unlocked = held()
    made = unlocked.create_secret(fresh("key"), APIKeyPayload(api_key="first"), description="of the first")
    changed = unlocked.update_secret(made.id, name="renamed")
    assert (changed.name, changed.description, changed.id) == ("renamed", "of the first", made.id), changed
    assert unlocked.get_secret(made.id).payload.api_key == "first", "the payload stays"
    changed = unlocked.update_secret(made.id, description=None)
    assert (changed.name, changed.description) == ("renamed", None), changed
    changed = unlocked.update_secret(made.id, payload=APIKeyPayload(api_key="second", endpoint="https://e.example.test"))
    assert (changed.name, changed.created_at) == ("renamed", made.created_at), changed
    assert changed.updated_at > made.updated_at, "the time of the change"
    for secrets in (unlocked.secrets, opened().secrets):
        assert find(secrets, "renamed").payload == APIKeyPayload(api_key="second", endpoint="https://e.example.test")
    try:
        unlocked.update_secret(made.id, payload=OtherPayload(data="of another type"))
    except TypeError:
        pass
    else:
        raise AssertionError("a type was changed")
    unlocked.delete_secret(made.id)


@step("secrets/delete")
def secret_is_deleted():
    unlocked = held()
    made = unlocked.create_secret(fresh("gone"), OtherPayload(data="x"))
    count = owner().vault.info().secret_count
    unlocked.delete_secret(made.id)
    assert owner().vault.info().secret_count == count - 1
    assert made.id not in [secret.id for secret in owner().vault.list_secrets()]
    assert made.id not in [secret.id for secret in opened().secrets]
    refused(404, unlocked.get_secret, made.id)
    refused(404, owner().vault.delete_secret, made.id)


@step("secrets/refusals")
def refusals_have_reasons():
    unlocked = held()
    refused(404, unlocked.get_secret, uuid.uuid4())
    refused(404, unlocked.update_secret, uuid.uuid4(), name="n")
    refused(404, owner().vault.list_access_rules, uuid.uuid4())
    refused(422, unlocked.get_secret, "no-uuid")
    wrong = refused(422, unlocked.create_secret, "", OtherPayload(data="x"))
    assert wrong.detail[0]["loc"] == ["body", "name"], wrong.detail
    refused(422, unlocked.create_secret, "n" * 256, OtherPayload(data="x"))
    there = owner().vault.list_secrets()[0]
    refused(404, stranger().vault.delete_secret, there.id)
    refused(404, stranger().vault.list_access_rules, there.id)


def rfc_6238(seed, when, digits):
    """What an authenticator shows (RFC 6238, SHA-1, 30 seconds)."""
    digest = hmac.new(base64.b32decode(seed), int(when // 30).to_bytes(8, "big"), hashlib.sha1).digest()
    at = digest[-1] & 15
    return f"{(int.from_bytes(digest[at : at + 4], 'big') & 0x7FFFFFFF) % 10**digits:0{digits}}"


@step("secrets/totp")
def totp_lives_in_a_login():
    seed = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"
    unlocked = held()
    made = unlocked.create_secret(fresh("login"), LoginPayload(password="p", username="u"))
    unlocked.set_totp(made.id, f"otpauth://totp/Example:someone?secret={seed}&issuer=Example")
    config = unlocked.get_secret(made.id).payload.totp
    assert (config.secret, config.digits, config.period, config.issuer, config.account_name) == (seed, 6, 30, "Example", "someone"), config
    before = time.time()
    code = unlocked.get_totp_code(made.id)
    assert code.code in (rfc_6238(seed, before, 6), rfc_6238(seed, time.time(), 6)), code
    unlocked.remove_totp(made.id)
    login = unlocked.get_secret(made.id).payload
    assert (login.totp, login.password, login.username) == (None, "p", "u"), login
    unlocked.delete_secret(made.id)
