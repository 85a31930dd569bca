"""Agents, how they enrol themselves, and policies, through `oneclaw`."""

import base64
import hashlib
import os
import struct
import time
import uuid
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs, urlsplit

from oneclaw import OneclawError, create_client

from harness import (
    URL,
    agent,
    ahead,
    claims,
    done,
    find,
    fresh,
    grant,
    has,
    owner,
    refused,
    second,
    step,
    vault,
)


def dead(key, **more):
    """Check that nothing can be done with an agent's key."""
    with create_client(base_url=URL, api_key=key, **more) as client:
        try:
            client.vaults.list()
        except OneclawError as error:  # this client raises when its exchange fails
            assert error.status == 401, f"{error.status} instead of 401"
            return
    raise AssertionError("the key still opens")


@step("agents/life")
def life():
    made = done(owner().agents.create("my-agent", description="CI/CD bot"), 201)
    record, key = has(made["agent"], "id", "name", "auth_method", "created_at"), made["api_key"]
    agent_id = record["id"]
    assert key.startswith("ocv_") and len(key) == 47, "the key has the form of its kind"
    assert record["is_active"] is True and record["auth_method"] == "api_key", record
    assert record["intents_api_enabled"] is False and record["shroud_enabled"] is False, record
    assert record["description"] == "CI/CD bot", record

    shown = done(owner().agents.get(agent_id), 200)
    assert shown["id"] == agent_id and "api_key" not in shown, sorted(shown)
    find(done(owner().agents.list(), 200)["agents"], id=agent_id, name="my-agent")

    done(owner().agents.delete(agent_id), 204)
    refused(owner().agents.get(agent_id), 404, kind="not_found")
    refused(owner().agents.delete(agent_id), 404, kind="not_found")
    dead(key)


@step("agents/all-options")
def every_option():
    with vault() as vault_id:
        made = done(
            owner().agents.create(
                fresh("agent"),
                description="all of it",
                auth_method="api_key",
                intents_api_enabled=True,
                shroud_enabled=False,
                shroud_config={"pii_policy": "redact"},
                token_ttl_seconds=600,
                vault_ids=[vault_id],
                scopes=["vaults:read", "api-keys/**"],
                tx_to_allowlist=["0x0000000000000000000000000000000000000000"],
                tx_max_value_eth="0.1",
                tx_daily_limit_eth="1",
                tx_allowed_chains=["ethereum"],
                federation_enabled=False,
                federation_audiences=[],
                message_signing_enabled=False,
                api_key_expires_at=ahead(days=1),
            ),
            201,
        )
        record = made["agent"]
        assert record["vault_ids"] == [vault_id] and record["token_ttl_seconds"] == 600, record
        assert record["scopes"] == ["vaults:read", "api-keys/**"] and record["intents_api_enabled"] is True, record
        with create_client(base_url=URL) as client:
            token = done(client.auth.agent_token(made["api_key"]), 200)
            assert token["expires_in"] == 600 and token["vault_ids"] == [vault_id], token.keys()
        done(owner().agents.delete(record["id"]), 204)


@step("agents/update")
def update():
    with agent() as (record, client), vault() as vault_id:
        name = fresh("renamed")
        changed = done(
            owner().agents.update(
                record["id"],
                name=name,
                description="new",
                token_ttl_seconds=900,
                vault_ids=[vault_id],
                scopes=["db/**"],
            ),
            200,
        )
        assert changed["name"] == name and changed["description"] == "new", changed
        assert changed["vault_ids"] == [vault_id] and changed["scopes"] == ["db/**"], changed
        assert done(owner().agents.get(record["id"]), 200)["token_ttl_seconds"] == 900
        # The client's documents change guardrails of the vendor's blockchain side with the same call.
        done(owner().agents.update(record["id"], tx_approval_policy={}, typed_data_policy="approve"), 200)

        done(client.agents.me(), 200)
        done(owner().agents.update(record["id"], is_active=False), 200)
        refused(client.agents.me(), 401, kind="auth_error")
        done(owner().agents.update(record["id"], is_active=True), 200)
        refused(owner().agents.update(str(uuid.uuid4()), name="x"), 404, kind="not_found")


@step("agents/token")
def tokens():
    made = done(owner().agents.create(fresh("agent")), 201)
    agent_id, key = made["agent"]["id"], made["api_key"]
    with create_client(base_url=URL, api_key=key) as client:
        assert client.resolved_agent_id is None, "nothing was exchanged yet"
        done(client.vaults.list(), 200)
        assert client.resolved_agent_id == agent_id, "the exchange tells the agent"
        told = claims(client._http.get_token())
        assert told["sub"] == f"agent:{agent_id}" and {"org", "exp", "iat", "jti", "scopes"} <= told.keys(), told.keys()
        assert done(client.agents.me(), 200)["id"] == agent_id
    with create_client(base_url=URL, api_key=key, agent_id=agent_id) as client:
        done(client.vaults.list(), 200)
    with create_client(base_url=URL) as client:
        answer = has(done(client.auth.agent_token(key, agent_id), 200), "access_token", "vault_ids")
        assert answer["agent_id"] == agent_id and answer["expires_in"] == 3600, answer.keys()
        assert answer["token_type"] == "Bearer" and answer["vault_ids"] == [], answer.keys()
        done(client.vaults.list(), 200)
        refused(client.auth.agent_token(key, str(uuid.uuid4())), 401, kind="auth_error")
        refused(client.auth.agent_token("ocv_" + "x" * 43), 401, kind="auth_error")
    dead(key, agent_id=str(uuid.uuid4()))
    done(owner().agents.delete(agent_id), 204)


@step("agents/me")
def own_profile():
    with agent(description="who am I") as (record, client):
        profile = has(done(client.agents.me(), 200), "id", "name", "org_id", "created_by")
        assert profile["id"] == record["id"] and profile["description"] == "who am I", profile
        assert profile["created_by"].endswith(done(owner().auth.me())["id"]), profile["created_by"]
        done(client.agents.get(record["id"]), 200)
    refused(owner().agents.me(), 403, kind="auth_error")


@step("agents/rotate-key")
def rotate_key():
    made = done(owner().agents.create(fresh("agent")), 201)
    agent_id = made["agent"]["id"]
    key = done(owner().agents.rotate_key(agent_id), 200)["api_key"]
    assert key.startswith("ocv_") and key != made["api_key"], "it is another key"
    dead(made["api_key"])
    with create_client(base_url=URL, api_key=key) as client:
        done(client.agents.me(), 200)
    refused(owner().agents.rotate_key(str(uuid.uuid4())), 404, kind="not_found")
    done(owner().agents.delete(agent_id), 204)


@step("agents/expiry")
def expiry():
    made = done(owner().agents.create(fresh("agent"), api_key_expires_at=ahead(milliseconds=700)), 201)
    with agent() as (record, client):
        done(client.agents.me(), 200)
        done(owner().agents.update(record["id"], expires_at=ahead(milliseconds=700)), 200)
        time.sleep(1)
        refused(client.agents.me(), 401, kind="auth_error")
    dead(made["api_key"])
    done(owner().agents.delete(made["agent"]["id"]), 204)


@step("agents/limits")
def what_an_agent_may_not():
    with agent() as (record, client), vault() as vault_id:
        done(owner().secrets.set(vault_id, "db/pw", "x"), 201)
        refused(client.secrets.get(vault_id, "db/pw"), 403, kind="auth_error")
        refused(client.agents.create(fresh("agent")), 403, kind="auth_error")
        refused(client.agents.update(record["id"], scopes=["**"]), 403, kind="auth_error")
        refused(client.vaults.delete(vault_id), 403, kind="auth_error")
        assert done(client.vaults.list(), 200)["vaults"] == [], "a fresh agent sees nothing"


@step("agents/own-vault")
def agent_makes_a_vault():
    with agent() as (record, client):
        made = done(client.vaults.create(fresh("agents")), 201)
        assert made["created_by_type"] == "agent" and made["created_by"] == record["id"], made
        done(client.secrets.set(made["id"], "mine", "x"), 201)
        read = done(owner().secrets.get(made["id"], "mine"), 200)
        assert read["created_by"] == f"agent:{record['id']}", read["created_by"]
        done(client.vaults.delete(made["id"]), 204)


@step("agents/keys-vault")
def vault_of_agents_keys():
    with agent() as (record, _):
        answer = owner().org.agent_keys_vault_id()
        if answer.meta.status == 404:
            return refused(answer, 404, kind="not_found")
        vault_id = has(done(answer, 200), "vault_id")["vault_id"]
        assert len(base64.b64decode(has(record, "ssh_public_key")["ssh_public_key"])) == 32
        assert len(base64.b64decode(has(record, "ecdh_public_key")["ecdh_public_key"])) == 65
        for kind in ("ssh", "ecdh"):
            assert done(owner().secrets.get(vault_id, f"agents/{record['id']}/{kind}/private_key"), 200)["value"]


@step("agents/intents-block")
def signing_keys_stay_closed():
    with agent(intents_api_enabled=True) as (record, client), vault() as vault_id:
        grant(vault_id, ("agent", record["id"]))
        done(owner().secrets.set(vault_id, "signer", "x", type="private_key"), 201)
        done(owner().secrets.set(vault_id, "plain", "x", type="api_key"), 201)
        refused(client.secrets.get(vault_id, "signer"), 403, kind="auth_error")
        done(client.secrets.get(vault_id, "plain"), 200)


@step("enrolment/by-mail")
def enrol():
    with create_client(base_url=URL) as client:
        answer = client.agents.enroll("my-agent", "admin@kluis.test", description="CI pipeline agent")
        assert "api_key" not in has(done(answer, 201), "message"), "the key is never told here"


def approval_token(answer):
    """The token in the link that a person opens to approve."""
    link = urlsplit(has(answer, "approval_url")["approval_url"])
    return parse_qs(link.query).get("token", [link.path.rsplit("/", 1)[-1]])[0]


@step("enrolment/pairing")
def pair():
    raw = os.urandom(32)
    blob = struct.pack(">I", 11) + b"ssh-ed25519" + struct.pack(">I", 32) + raw
    print_of_it = "SHA256:" + base64.b64encode(hashlib.sha256(blob).digest()).decode().rstrip("=")
    for public_key in (f"ssh-ed25519 {base64.b64encode(blob).decode()}", base64.b64encode(raw).decode()):
        for decision in ("approve", "deny"):
            with create_client(base_url=URL) as client:
                opened = done(client.agents.enroll(fresh("paired"), public_key=public_key), 201)
                has(opened, "pairing_id", "fingerprint", "poll_token", "approval_url")
                assert opened["fingerprint"].rstrip("=") == print_of_it, opened["fingerprint"]
                pairing = opened["pairing_id"], opened["poll_token"]
                assert done(client.agents.enrollment_status(*pairing), 200)["status"] == "pending"
                refused(client.agents.enrollment_status(pairing[0], "guessed"), 400, 401, 403, 404)
                body = {"token": approval_token(opened)}
                done(owner()._http.request("POST", f"/v1/agents/enroll/{decision}", body=body))
                told = done(client.agents.enrollment_status(*pairing), 200)
                if decision == "deny":
                    assert told["status"] == "denied" and not told.get("api_key"), told["status"]
                    continue
                assert told["status"] == "approved" and told["api_key"].startswith("ocv_"), told["status"]
                again = client.agents.enrollment_status(*pairing)
                assert again.error or not again.data.get("api_key"), "the key is told once"
            with create_client(base_url=URL, api_key=told["api_key"]) as paired:
                done(paired.agents.me(), 200)
            done(owner().agents.delete(told["agent_id"]), 204)


@step("policies/life")
def policy_life():
    with agent() as (record, client), vault() as vault_id:
        until = ahead(days=1)
        near = {"ip_allowlist": ["127.0.0.0/8"]}
        made = grant(vault_id, ("agent", record["id"]), "production/*", conditions=near, expires_at=until)
        has(made, "id", "created_at", "created_by", "expires_at")
        assert made["permissions"] == ["read"] and made["secret_path_pattern"] == "production/*", made
        assert made["principal_type"] == "agent" and made["principal_id"] == record["id"], made
        assert made["vault_id"] == vault_id and made["conditions"] == near, made

        for path in ("production/db", "production/a/b", "staging/db"):
            done(owner().secrets.set(vault_id, path, path), 201)
        assert done(client.secrets.get(vault_id, "production/db"), 200)["value"] == "production/db"
        refused(client.secrets.get(vault_id, "production/a/b"), 403, kind="auth_error")
        refused(client.secrets.get(vault_id, "staging/db"), 403, kind="auth_error")
        refused(client.secrets.set(vault_id, "production/db", "x"), 403, kind="auth_error")
        assert [item["path"] for item in done(client.secrets.list(vault_id), 200)["secrets"]] == ["production/db"]

        more = {"permissions": ["read", "write"], "conditions": {}, "expires_at": until}
        changed = done(owner().policies.update(vault_id, made["id"], **more), 200)
        assert set(changed["permissions"]) == {"read", "write"} and changed["conditions"] == {}, changed
        done(client.secrets.set(vault_id, "production/db", "changed"), 201)
        find(done(owner().policies.list(vault_id), 200)["policies"], id=made["id"])

        done(owner().policies.delete(vault_id, made["id"]), 204)
        refused(client.secrets.get(vault_id, "production/db"), 403, kind="auth_error")
        assert done(owner().policies.list(vault_id), 200)["policies"] == []
        refused(owner().policies.delete(vault_id, made["id"]), 404, kind="not_found")
        refused(owner().policies.update(vault_id, made["id"], permissions=["read"]), 404, kind="not_found")


@step("policies/defaults")
def policy_defaults():
    with agent() as (record, _), vault() as vault_id:
        who = {"principal_type": "agent", "principal_id": record["id"], "secret_path_pattern": "db/**"}
        made = done(owner().policies.create(vault_id, **who), 201)
        assert made["permissions"] == ["read"] and made["conditions"] == {}, made
        refused(owner().policies.create(vault_id, **who, permissions=["fly"]), 400, kind="validation_error")
        refused(
            owner().policies.create(vault_id, **who, conditions={"moon_phase": "full"}), 400, kind="validation_error"
        )


@step("policies/conditions")
def policy_conditions():
    now, span = datetime.now(UTC), timedelta(hours=2)
    around_now = {"after": f"{now - span:%H:%M}", "before": f"{now + span:%H:%M}", "timezone": "UTC"}
    with agent() as (record, client), vault() as vault_id:
        done(owner().secrets.set(vault_id, "db/pw", "x"), 201)
        for conditions, open_now in (
            ({"ip_allowlist": ["192.0.2.1"]}, False),
            ({"ip_allowlist": ["127.0.0.1", "::1"]}, True),
            ({"time_window": around_now}, True),
            ({"environment_in": ["production"]}, False),
        ):
            made = grant(vault_id, ("agent", record["id"]), conditions=conditions)
            answer = client.secrets.get(vault_id, "db/pw")
            done(answer, 200) if open_now else refused(answer, 403, kind="auth_error")
            done(owner().policies.delete(vault_id, made["id"]), 204)


@step("policies/user")
def policy_of_a_user():
    with vault() as vault_id:
        done(owner().secrets.set(vault_id, "team/key", "x"), 201)
        refused(second().secrets.get(vault_id, "team/key"), 403, kind="auth_error")
        grant(vault_id, ("user", done(second().auth.me())["id"]), "team/**")
        assert done(second().secrets.get(vault_id, "team/key"), 200)["value"] == "x"
        refused(second().policies.list(vault_id), 403, kind="auth_error")
