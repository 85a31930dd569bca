"""The record, environment variables and honeytokens, through `oneclaw`."""

import re
import uuid
from datetime import datetime

from harness import agent, ahead, done, find, grant, has, owner, refused, step, vault


@step("audit/list")
def record_is_listed():
    began = ahead(seconds=-1)
    with vault() as vault_id:
        secret_id = done(owner().secrets.set(vault_id, "db/pw", "never in the record"), 201)["id"]
        done(owner().secrets.get(vault_id, "db/pw"), 200)
        me = done(owner().auth.me())["id"]

        answer = done(owner().audit.list(), 200)
        assert answer["count"] == len(answer["events"]), "count is of this answer"
        assert "never in the record" not in str(answer), "the record shows a value"

        for resource in (secret_id, vault_id, "db/pw"):
            found = done(owner().audit.list(action="secret.read", resource_id=resource, from_time=began), 200)["events"]
            assert found, f"no reading of {resource}"
        event = has(found[0], "id", "resource_type", "resource_id", "org_id", "details", "ip_address", "created_at")
        assert event["action"] == "secret.read" and event["actor_type"] == "user", event
        assert event["actor_id"].endswith(me), event["actor_id"]

        mine = done(owner().audit.list(actor_id=me, resource_type="secret", to_time=ahead(seconds=1)), 200)["events"]
        assert mine and all(item["actor_id"] == event["actor_id"] for item in mine), "others' acts are listed"
        times = [datetime.fromisoformat(item["created_at"]) for item in mine]
        assert times == sorted(times, reverse=True), "the newest comes first"

        # Listing is an event too, so that pages hold still only before a given time.
        until = mine[0]["created_at"]
        two = done(owner().audit.list(actor_id=me, to_time=until, limit=2), 200)["events"]
        next_one = done(owner().audit.list(actor_id=me, to_time=until, limit=1, offset=1), 200)["events"]
        assert len(two) == 2 and next_one[0]["id"] == two[1]["id"], "offset goes on where limit ended"
        assert done(owner().audit.list(to_time=ahead(days=-999)), 200)["events"] == []


@step("audit/verify")
def record_is_verified():
    for more in ({}, {"limit": 10}, {"from_time": ahead(days=-1), "to_time": ahead(days=1)}):
        told = has(done(owner().audit.verify(**more), 200), "events_verified", "events_checked", "scheme")
        assert told["chain_valid"] is True and told["broken_at_event_id"] is None, told
        assert told["events_checked"] <= more.get("limit", 10_000), told


@step("env/life")
def env_var_life():
    with vault() as vault_id:
        env = owner().env_vars
        made = has(done(env.create(vault_id, "LOG_LEVEL", "info", comment="how much"), 201), "id", "created_at")
        assert made["key"] == "LOG_LEVEL" and made["comment"] == "how much" and made["sensitive"] is False, made
        assert set(made["environments"]) == {"production", "preview", "development"}, made["environments"]
        assert made["version"] == 1, made["version"]
        assert done(env.get(vault_id, "LOG_LEVEL"), 200)["value"] == "info"

        changed = done(env.update(vault_id, "LOG_LEVEL", value="debug", environments=["preview"], comment="more"), 200)
        assert changed["environments"] == ["preview"] and changed["comment"] == "more", changed
        assert done(env.get(vault_id, "LOG_LEVEL", environment="preview"), 200)["value"] == "debug"
        find(done(env.list(vault_id), 200)["env_vars"], key="LOG_LEVEL", value="debug")
        find(done(env.list(vault_id, environment="preview"), 200)["env_vars"], key="LOG_LEVEL")
        assert done(env.list(vault_id, environment="production"), 200)["env_vars"] == []

        done(env.update(vault_id, "LOG_LEVEL", sensitive=True), 200)
        listed = find(done(env.list(vault_id), 200)["env_vars"], key="LOG_LEVEL", sensitive=True)
        assert listed.get("value") is None, "a list shows no sensitive value"

        done(env.delete(vault_id, "LOG_LEVEL"), 204)
        refused(env.get(vault_id, "LOG_LEVEL"), 404, kind="not_found")
        refused(env.update(vault_id, "LOG_LEVEL", value="x"), 404, kind="not_found")
        refused(env.delete(vault_id, "LOG_LEVEL"), 404, kind="not_found")


@step("env/resolve")
def env_vars_are_resolved():
    with vault() as vault_id:
        env = owner().env_vars
        done(env.create(vault_id, "URL", "https://app", environments=["production"]), 201)
        done(env.create(vault_id, "URL", "https://preview", environments=["preview"]), 201)
        done(env.create(vault_id, "URL", "https://feature", environments=["preview"], git_branch="feature-x"), 201)
        done(env.create(vault_id, "TOKEN", "hidden", sensitive=True), 201)

        told = has(done(env.resolve(vault_id, "production"), 200), "sources", "resolved_at")
        assert told["vars"] == {"URL": "https://app", "TOKEN": "hidden"}, sorted(told["vars"])
        assert told["environment"] == "production" and set(told["sources"]) == {"URL", "TOKEN"}, told["sources"]
        assert set(told["sources"].values()) == {"vault"}, told["sources"]

        assert done(env.resolve(vault_id, "preview", git_branch="main"), 200)["vars"]["URL"] == "https://preview"
        branch = done(env.resolve(vault_id, "preview", git_branch="feature-x"), 200)
        assert branch["vars"]["URL"] == "https://feature" and branch["git_branch"] == "feature-x", branch
        assert branch["sources"]["URL"] == "branch_override", branch["sources"]

        which = {"environment": "preview", "git_branch": "feature-x"}
        assert done(env.get(vault_id, "URL", **which), 200)["value"] == "https://feature"
        done(env.update(vault_id, "URL", value="https://other", **which), 200)
        assert done(env.resolve(vault_id, "preview", git_branch="feature-x"), 200)["vars"]["URL"] == "https://other"
        done(env.delete(vault_id, "URL", **which), 204)
        assert done(env.resolve(vault_id, "preview", git_branch="feature-x"), 200)["vars"]["URL"] == "https://preview"
        assert done(env.resolve(vault_id, "development"), 200)["vars"] == {"TOKEN": "hidden"}


@step("env/wrong")
def wrong_env_vars():
    with vault() as vault_id:
        for key in ("lower", "WITH-DASH", "", "A B"):
            refused(owner().env_vars.create(vault_id, key, "x"), 400, kind="validation_error")
        refused(owner().env_vars.create(vault_id, "A", "x", environments=["nowhere"]), 400, kind="validation_error")


@step("env/environments")
def environments():
    with vault() as vault_id:
        env = owner().env_vars
        builtin = done(env.list_environments(vault_id), 200)["environments"]
        assert {item["slug"] for item in builtin} == {"production", "preview", "development"}, builtin
        assert all(item["is_builtin"] for item in builtin), builtin

        done(env.create(vault_id, "REGION", "eu", environments=["production"]), 201)
        made = done(env.create_environment(vault_id, "staging", description="before", copy_from="production"), 201)
        assert made["slug"] == "staging" and made["description"] == "before" and made["is_builtin"] is False, made
        assert done(env.resolve(vault_id, "staging"), 200)["vars"] == {"REGION": "eu"}, "the copy is empty"
        find(done(env.list_environments(vault_id), 200)["environments"], slug="staging")

        done(env.delete_environment(vault_id, "staging"), 204)
        refused(env.delete_environment(vault_id, "staging"), 404, kind="not_found")
        refused(env.delete_environment(vault_id, "production"), 400, 403, 409)


@step("env/agent")
def agent_resolves():
    with agent() as (record, client), vault() as vault_id:
        done(owner().env_vars.create(vault_id, "API_URL", "https://api"), 201)
        refused(client.env_vars.resolve(vault_id, "production"), 403, kind="auth_error")
        grant(vault_id, ("agent", record["id"]))
        assert done(client.env_vars.resolve(vault_id, "production"), 200)["vars"] == {"API_URL": "https://api"}


@step("honeytokens/life")
def honeytokens():
    with vault() as vault_id:
        done(owner().secrets.set(vault_id, "canary/secret-key", "bait"), 201)
        made = has(done(owner().risk.create_honeytoken(vault_id, "canary/secret-key"), 201), "id", "created_at")
        assert made["vault_id"] == vault_id and made["secret_path"] == "canary/secret-key", made
        find(done(owner().risk.list_honeytokens(), 200)["honeytokens"], id=made["id"])
        assert re.fullmatch(r"[0-9a-f-]{36}", made["id"]), made["id"]
        done(owner().risk.delete_honeytoken(made["id"]), 204)
        refused(owner().risk.delete_honeytoken(made["id"]), 404, kind="not_found")
        refused(owner().risk.create_honeytoken(str(uuid.uuid4()), "canary/x"), 404, kind="not_found")
