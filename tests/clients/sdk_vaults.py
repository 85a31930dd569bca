"""Vaults, secrets and their versions, through `oneclaw`."""

import time

from oneclaw import create_client

from harness import URL, USER_KEY, ahead, done, find, fresh, has, owner, refused, step, vault

TYPES = ["password", "api_key", "private_key", "certificate", "file", "note", "ssh_key", "env_bundle", "env", "generic"]


@step("vaults/life")
def vault_life():
    name = fresh("prod")
    made = has(
        done(owner().vaults.create(name, description="Production secrets"), 201), "id", "created_at", "created_by"
    )
    assert made["name"] == name and made["description"] == "Production secrets", made
    assert made["created_by_type"] == "user", made["created_by_type"]

    shown = done(owner().vaults.get(made["id"]), 200)
    assert shown["id"] == made["id"] and shown["name"] == name, shown
    find(done(owner().vaults.list(), 200)["vaults"], id=made["id"], name=name)
    refused(owner().vaults.create(name), 409)

    done(owner().vaults.delete(made["id"]), 204)
    refused(owner().vaults.get(made["id"]), 404, kind="not_found")
    refused(owner().vaults.delete(made["id"]), 404, kind="not_found")


@step("vaults/ignored-custody")
def custody_is_ignored():
    made = done(owner().vaults.create(fresh("split"), mpc_custody="2-of-2"), 201)
    done(owner().vaults.delete(made["id"]), 204)


@step("vaults/context-manager")
def closes_its_connections():
    with create_client(base_url=URL, api_key=USER_KEY) as client:
        has(done(client.vaults.list(), 200), "vaults")


@step("secrets/write-and-read")
def write_and_read():
    with vault() as vault_id:
        written = has(done(owner().secrets.set(vault_id, "api-key", "sk-secret-value"), 201), "id", "created_at")
        assert written["path"] == "api-key" and written["version"] == 1, written
        assert written["type"] == "generic" and written["metadata"] == {}, written
        assert "value" not in written and "expires_at" not in written, sorted(written)

        read = done(owner().secrets.get(vault_id, "api-key"), 200)
        assert read["value"] == "sk-secret-value" and read["id"] == written["id"], sorted(read)
        assert read["created_by"] == f"user:{done(owner().auth.me())['id']}", read["created_by"]

        again = done(owner().secrets.set(vault_id, "api-key", "Grüße, 世界\n"), 201)
        assert again["version"] == 2 and again["id"] == written["id"], again
        assert done(owner().secrets.get(vault_id, "api-key"))["value"] == "Grüße, 世界\n", "another text came back"


@step("secrets/all-options")
def every_option():
    until = ahead(days=30)
    with vault() as vault_id:
        written = done(
            owner().secrets.set(
                vault_id,
                "db/main/password",
                "correct horse",
                type="password",
                metadata={"owner": "billing", "tags": ["openai", "production"], "nested": {"n": 1}},
                expires_at=until,
                rotation_policy={"every_days": 30},
                max_access_count=2,
            ),
            201,
        )
        assert written["type"] == "password" and written["expires_at"][:19] == until[:19], written
        assert written["metadata"] == {"owner": "billing", "tags": ["openai", "production"], "nested": {"n": 1}}
        for _ in range(2):
            assert done(owner().secrets.get(vault_id, "db/main/password"))["value"] == "correct horse"
        refused(owner().secrets.get(vault_id, "db/main/password"), 410)
        done(owner().secrets.set(vault_id, "db/main/password", "battery staple", max_access_count=0), 201)
        for _ in range(3):
            done(owner().secrets.get(vault_id, "db/main/password"), 200)


@step("secrets/types")
def every_type():
    with vault() as vault_id:
        for kind in TYPES:
            assert done(owner().secrets.set(vault_id, f"of/{kind}", "x", type=kind), 201)["type"] == kind
            assert done(owner().secrets.get(vault_id, f"of/{kind}"), 200)["type"] == kind
        refused(owner().secrets.set(vault_id, "of/no-type", "x", type="dress"), 400, kind="validation_error")


@step("secrets/paths")
def paths():
    with vault() as vault_id:
        for path in ("a", "A9", "OPENAI_KEY", "passwords/one", "a/b/c/d", "-x/y_"):
            done(owner().secrets.set(vault_id, path, path), 201)
            assert done(owner().secrets.get(vault_id, path), 200)["value"] == path, path
            # The client leaves a path as it is; somebody may have encoded it (C1).
            assert done(owner().secrets.get(vault_id, path.replace("/", "%2F")), 200)["value"] == path, path
        for path in ("has space", "dot.ted", "colon:x", "at@x", "été", "trail/", "two//slashes"):
            refused(owner().secrets.set(vault_id, path, "x"), 400, kind="validation_error")
            refused(owner().secrets.get(vault_id, path), 400, 404)


@step("secrets/expiry")
def expiry():
    with vault() as vault_id:
        done(owner().secrets.set(vault_id, "short", "x", expires_at=ahead(milliseconds=700)), 201)
        done(owner().secrets.get(vault_id, "short"), 200)
        time.sleep(1)
        refused(owner().secrets.get(vault_id, "short"), 410)
        find(done(owner().secrets.list(vault_id), 200)["secrets"], path="short")
        refused(owner().secrets.set(vault_id, "short", "x", expires_at="tomorrow"), 400, kind="validation_error")


@step("secrets/list")
def lists():
    with vault() as vault_id:
        assert done(owner().secrets.list(vault_id), 200)["secrets"] == [], "a new vault is empty"
        for path in ("api-keys/stripe", "api-keys/openai", "passwords/one"):
            done(owner().secrets.set(vault_id, path, "hidden"), 201)
        listed = done(owner().secrets.list(vault_id), 200)["secrets"]
        assert [item["path"] for item in listed] == ["api-keys/openai", "api-keys/stripe", "passwords/one"]
        for item in listed:
            has(item, "id", "type", "version", "created_at")
            assert "value" not in item, "a list shows no value"
        for prefix in ("api-keys", "api-keys/", "api-k"):
            found = done(owner().secrets.list(vault_id, prefix=prefix), 200)["secrets"]
            assert len(found) == 2, f"{prefix} found {len(found)}"
        assert done(owner().secrets.list(vault_id, prefix="none"), 200)["secrets"] == []


@step("secrets/delete")
def delete():
    with vault() as vault_id:
        first = done(owner().secrets.set(vault_id, "config/prod/db", "one"), 201)
        done(owner().secrets.delete(vault_id, "config/prod/db"), 204)
        refused(owner().secrets.get(vault_id, "config/prod/db"), 410)
        assert done(owner().secrets.list(vault_id), 200)["secrets"] == [], "it is still listed"
        refused(owner().secrets.delete(vault_id, "config/prod/db"), 404, kind="not_found")
        refused(owner().secrets.delete(vault_id, "never/was"), 404, kind="not_found")
        refused(owner().secrets.get(vault_id, "never/was"), 404, kind="not_found")

        revived = done(owner().secrets.set(vault_id, "config/prod/db", "two"), 201)
        assert revived["version"] == 2 and revived["id"] == first["id"], revived
        assert done(owner().secrets.get(vault_id, "config/prod/db"), 200)["value"] == "two"


@step("secrets/rotate")
def rotate():
    with vault() as vault_id:
        done(owner().secrets.set(vault_id, "key", "old", type="api_key"), 201)
        rotated = done(owner().secrets.rotate(vault_id, "key", "new", type="api_key", metadata={"by": "hand"}), 201)
        assert rotated["version"] == 2 and rotated["metadata"] == {"by": "hand"}, rotated
        assert done(owner().secrets.get(vault_id, "key"))["value"] == "new"


@step("secrets/rotate-generate")
def rotate_with_a_made_value():
    alphabets = {
        "hex": "0123456789abcdef",
        "base64": "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/-_=",
        "alphanumeric": "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789",
        "ascii": "".join(map(chr, range(33, 127))),
    }
    with vault() as vault_id:
        done(owner().secrets.set(vault_id, "deep/key", "first", type="password", metadata={"kept": True}), 201)
        for version, (charset, alphabet) in enumerate(alphabets.items(), 2):
            made = done(owner().secrets.rotate_generate(vault_id, "deep/key", length=64, charset=charset), 201)
            assert made["version"] == version and made["type"] == "password", made
            assert "value" not in made and made["metadata"] == {"kept": True}, made
            value = done(owner().secrets.get(vault_id, "deep/key"), 200)["value"]
            assert len(value) == 64 and set(value) <= set(alphabet), f"{charset} made something else"
        made = done(owner().secrets.rotate_generate(vault_id, "deep/key", type="api_key"), 201)
        value = done(owner().secrets.get(vault_id, "deep/key"), 200)["value"]
        assert made["type"] == "api_key" and len(value) == 32 and set(value) <= set(alphabets["hex"])

        refused(owner().secrets.rotate_generate(vault_id, "deep/key", length=7), 400, kind="validation_error")
        refused(owner().secrets.rotate_generate(vault_id, "deep/key", charset="runes"), 400, kind="validation_error")
        refused(owner().secrets.rotate_generate(vault_id, "never/was"), 404, kind="not_found")


@step("versions/life")
def versions():
    with vault() as vault_id:
        for value in ("one", "two", "three"):
            done(owner().secrets.set(vault_id, "db/pw", value, metadata={"v": value}), 201)
        listed = done(owner().secrets.list_versions(vault_id, "db/pw"), 200)["versions"]
        assert [item["version"] for item in listed] == [3, 2, 1], "the newest comes first"
        assert [item["metadata"]["v"] for item in listed] == ["three", "two", "one"]
        assert not any("value" in item for item in listed), "a list of versions shows no value"

        second = done(owner().secrets.get_version(vault_id, "db/pw", 2), 200)
        assert second["value"] == "two" and second["version"] == 2, sorted(second)
        refused(owner().secrets.get_version(vault_id, "db/pw", 4), 404, kind="not_found")

        done(owner().secrets.disable_version(vault_id, "db/pw", 3), 204)
        refused(owner().secrets.get_version(vault_id, "db/pw", 3), 410)
        assert done(owner().secrets.get(vault_id, "db/pw"), 200)["value"] == "two", "the newest that is left"
        listed = done(owner().secrets.list_versions(vault_id, "db/pw"), 200)["versions"]
        assert [bool(item.get("is_disabled")) for item in listed] == [True, False, False], listed
        refused(owner().secrets.list_versions(vault_id, "never/was"), 404, kind="not_found")
        refused(owner().secrets.disable_version(vault_id, "db/pw", 9), 404, kind="not_found")
        assert done(owner().secrets.set(vault_id, "db/pw", "four"), 201)["version"] == 4
