"""The cryptography of §6 written anew from its description, against the vectors, the server and the vendor's client."""

import base64
import hashlib
import json
import os
import uuid

import httpx
from argon2.low_level import Type, hash_secret_raw
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from inkbox_harness import EXCHANGED, VAULT_KEY, find, members, owner, run, setting
from steps import URL, sentence

NONCE, TAG = 12, 16
http = httpx.Client(base_url=URL, headers={"X-API-Key": setting("KLUIS_OWNER_KEY")})


def master_key(passphrase, organization):
    return hash_secret_raw(passphrase.encode(), organization.encode(), 3, 65536, 1, 32, Type.ID, 0x13)


def auth_hash_of(master):
    return hashlib.sha256(master).hexdigest()


def seal(key, plain, bound_to, nonce=None):
    """Ciphertext, nonce, tag: the nonce is in the middle."""
    nonce = nonce or os.urandom(NONCE)
    sealed = AESGCM(key).encrypt(nonce, plain, bound_to.encode())
    return base64.b64encode(sealed[:-TAG] + nonce + sealed[-TAG:]).decode()


def unseal(key, blob, bound_to):
    raw = base64.b64decode(blob, validate=True)
    assert len(raw) >= NONCE + TAG, "too short"
    body, nonce, tag = raw[: -NONCE - TAG], raw[-NONCE - TAG : -TAG], raw[-TAG:]
    return AESGCM(key).decrypt(nonce, body + tag, bound_to.encode())


def ask(method, path, status, **more):
    answer = http.request(method, path, **more)
    assert answer.status_code == status, f"{method} {path}: {answer.status_code} {answer.text}"
    return answer.json() if answer.content else None


@sentence
def vectors_come_out():
    master = master_key("Fixture-Vault-Key-42!", "org_fixture_0001")
    assert master.hex() == "021449619602324b7a6d8bd95ecef449028f4034fe77026e4814a5aabc02a860"
    assert auth_hash_of(master) == "f058a04b79fdba631c479610add3da0b41d44041e8ae8754c0c632a0770b57a9"
    organization_key = bytes(range(32))
    nonce = bytes(range(0xA0, 0xAC))
    wrapped = seal(master, organization_key, "0f0e0d0c-0b0a-4908-8706-050403020100", nonce)
    assert wrapped == "HsE5NGQ1ZcqcgtNVhs9TtXN+gLqGqn03fhiw/5odcCmgoaKjpKWmp6ipqqsI+QIXsutHmtvBx9yuuVwG", wrapped
    code = "ABCD-EFGH-JKLM-NPQR-STUV-WXYZ-2345-6789"
    hashed = auth_hash_of(master_key(code, "org_fixture_0001"))
    assert hashed == "077728960d84801c184c16cf872b10c32d666654172f3d1060a4c8e73b5e541e", hashed
    shared = auth_hash_of(master_key("test-password", "org_test_123"))
    assert shared == "056863c98cd0759f35e026f7364fb299a7a45dc4845126e6a3fa5b68378e76f9", shared


# What is made by hand, for the steps that follow.
made = {}


@sentence
def a_vault_made_by_hand_opens_with_the_client():
    organization = ask("GET", "/api/whoami", 200)["organization_id"]
    made["key"], made["organization"] = os.urandom(32), organization

    def material(passphrase, kind):
        key_id, master = str(uuid.uuid4()), master_key(passphrase, organization)
        wrapped = seal(master, made["key"], key_id)
        return {"id": key_id, "wrapped_org_encryption_key": wrapped, "auth_hash": auth_hash_of(master), "key_type": kind}

    made["code"] = "-".join(8 * ["2ABZ"])
    body = {"vault_key": material(VAULT_KEY, "primary"), "recovery_keys": [material(made["code"], "recovery")]}
    ask("POST", "/api/v1/vault/initialize", 201, json=body)
    for passphrase in (VAULT_KEY, made["code"]):
        assert owner().vault.unlock(passphrase).secrets == []


@sentence
def what_is_sealed_by_hand_is_read_by_the_client():
    for item in EXCHANGED:
        secret_id = str(uuid.uuid4())
        # Indented, and with escapes: how it is written is free.
        payload = seal(made["key"], json.dumps(item["payload"], indent=1).encode(), secret_id)
        body = {"name": item["name"], "description": item["description"], "secret_type": item["secret_type"]}
        told = ask("POST", "/api/v1/vault/secrets", 201, json={**body, "id": secret_id.upper(), "encrypted_payload": payload})
        assert told["id"] == secret_id, "an id is bound in its lower-case spelling"
    secrets = owner().vault.unlock(VAULT_KEY).secrets
    for item in EXCHANGED:
        assert members(find(secrets, item["name"])) == item["payload"], item["name"]


@sentence
def a_secret_without_an_id_is_bound_by_an_update():
    body = {"name": "bound later", "secret_type": "other", "encrypted_payload": "not readable yet"}
    secret_id = ask("POST", "/vault/secrets", 201, json=body)["id"]
    payload = seal(made["key"], b'{"data": "readable"}', secret_id)
    ask("PATCH", f"/vault/secrets/{secret_id}", 200, json={"encrypted_payload": payload})
    assert find(owner().vault.unlock(VAULT_KEY).secrets, "bound later").payload.data == "readable"
    ask("DELETE", f"/vault/secrets/{secret_id}", 204)


@sentence
def what_the_client_has_sealed_is_opened_by_hand():
    owner().vault.update_key("Second-Vault-Key-43!", recovery_code=made["code"])
    master = master_key("Second-Vault-Key-43!", made["organization"])
    opened = ask("GET", "/vault/unlock", 200, params={"auth_hash": auth_hash_of(master)})
    key_id = ask("GET", "/vault/keys", 200, params={"type": "primary"})[0]["id"]
    assert unseal(master, opened["wrapped_org_encryption_key"], key_id) == made["key"], "it stays the same"
    client = owner().vault.unlock("Second-Vault-Key-43!")
    for item in EXCHANGED:
        listed = find(owner().vault.list_secrets(), item["name"])
        client.update_secret(listed.id, payload=client.get_secret(listed.id).payload)
    for secret in ask("GET", "/vault/unlock", 200, params={"auth_hash": auth_hash_of(master)})["encrypted_secrets"]:
        item = next(item for item in EXCHANGED if item["name"] == secret["name"])
        assert json.loads(unseal(made["key"], secret["encrypted_payload"], secret["id"])) == item["payload"]


@sentence
def a_ciphertext_of_another_secret_does_not_open():
    one, two = (ask("GET", f"/vault/secrets/{listed.id}", 200) for listed in owner().vault.list_secrets()[:2])
    try:
        unseal(made["key"], one["encrypted_payload"], two["id"])
    except InvalidTag:
        pass
    else:
        raise AssertionError("it is bound to nothing")
    ask("PATCH", f"/vault/secrets/{two['id']}", 200, json={"encrypted_payload": one["encrypted_payload"]})
    try:
        owner().vault.unlock("Second-Vault-Key-43!")
    except InvalidTag:
        return
    raise AssertionError("the client took one secret for another")


if __name__ == "__main__":
    run()
