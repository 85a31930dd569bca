"""The record, through `oneclaw`."""

from datetime import datetime

from harness import ahead, done, has, owner, step, vault


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
