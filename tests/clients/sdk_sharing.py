"""Sharing secrets, through `oneclaw`."""

import time
import uuid
from contextlib import contextmanager

from oneclaw import create_client

from harness import URL, agent, ahead, done, find, fresh, grant, has, owner, refused, second, step, vault


@contextmanager
def secret(value="shared value"):
    """A secret of the owner's, for a while: its id, and the vault it is in."""
    with vault() as vault_id:
        yield done(owner().secrets.set(vault_id, "shared/key", value, type="api_key"), 201)["id"], vault_id


def share(secret_id, recipient_type, client=None, **more):
    """Share a secret for an hour, unless told otherwise."""
    more.setdefault("expires_at", ahead(hours=1))
    made = done((client or owner()).sharing.create(secret_id, recipient_type=recipient_type, **more), 201)
    has(made, "id", "share_url", "expires_at")
    assert made["recipient_type"] == recipient_type, made["recipient_type"]
    assert made["share_url"].endswith(f"/v1/share/{made['id']}"), made["share_url"]
    return made["id"]


def anyone():
    """A client without any credential."""
    return create_client(base_url=URL)


@step("sharing/link")
def link():
    with secret() as (secret_id, vault_id), anyone() as client:
        share_id = share(secret_id, "anyone_with_link")
        opened = has(done(client.sharing.access(share_id), 200), "id", "type")
        assert opened["value"] == "shared value" and opened["path"] == "shared/key", sorted(opened)
        assert opened["access_count"] == 1, opened["access_count"]
        done(owner().secrets.set(vault_id, "shared/key", "newer value"), 201)
        assert done(client.sharing.access(share_id), 200)["value"] == "newer value", "a share follows its path"
        done(owner().sharing.access(share_id), 200)

        listed = find(done(owner().sharing.list_outbound(), 200)["shares"], id=share_id)
        has(listed, "created_at", "expires_at")
        assert listed["secret_path"] == "shared/key" and listed["access_count"] == 3, listed
        assert listed["is_expired"] is False, listed


@step("sharing/revoke")
def revoke():
    with secret() as (secret_id, _), anyone() as client:
        for end in (owner().sharing.revoke, owner().sharing.delete):
            share_id = share(secret_id, "anyone_with_link")
            refused(second().sharing.revoke(share_id), 403, 404)
            done(end(share_id), 204)
            refused(client.sharing.access(share_id), 404, kind="not_found")
            refused(end(share_id), 404, kind="not_found")
        refused(client.sharing.access(str(uuid.uuid4())), 404, kind="not_found")


@step("sharing/limits")
def limits():
    with secret() as (secret_id, _), anyone() as client:
        once = share(secret_id, "anyone_with_link", max_access_count=1)
        done(client.sharing.access(once), 200)
        refused(client.sharing.access(once), 410)

        endless = share(secret_id, "anyone_with_link", max_access_count=0)
        for _ in range(3):
            done(client.sharing.access(endless), 200)

        short = share(secret_id, "anyone_with_link", expires_at=ahead(seconds=1))
        done(client.sharing.access(short), 200)
        time.sleep(1.2)
        refused(client.sharing.access(short), 410)
        assert find(done(owner().sharing.list_outbound(), 200)["shares"], id=short)["is_expired"] is True


@step("sharing/passphrase")
def passphrase():
    with secret() as (secret_id, _), anyone() as client:
        share_id = share(secret_id, "anyone_with_link", passphrase="open sesame")
        refused(client.sharing.access(share_id), 403, kind="auth_error")
        refused(client.sharing.access(share_id, "open barley"), 403, kind="auth_error")
        # The client sends the passphrase as the body of a GET (C7).
        assert done(client.sharing.access(share_id, "open sesame"), 200)["access_count"] == 1


@step("sharing/addresses")
def addresses():
    with secret() as (secret_id, _), anyone() as client:
        near = share(secret_id, "anyone_with_link", ip_allowlist=["127.0.0.0/8", "::1"])
        far = share(secret_id, "anyone_with_link", ip_allowlist=["192.0.2.1"])
        done(client.sharing.access(near), 200)
        refused(client.sharing.access(far), 403, kind="auth_error")


@step("sharing/user")
def with_a_user():
    user_id = done(second().auth.me())["id"]
    with secret() as (secret_id, _), anyone() as client:
        share_id = share(secret_id, "user", recipient_id=user_id, permissions=["read"])
        find(done(second().sharing.list_inbound(), 200)["shares"], id=share_id, is_accepted=False)
        refused(second().sharing.access(share_id), 403, kind="auth_error")
        refused(owner().sharing.accept(share_id), 403, 404)

        done(second().sharing.accept(share_id), 204)
        assert done(second().sharing.access(share_id), 200)["value"] == "shared value"
        refused(client.sharing.access(share_id), 401, 403, 404)
        find(done(owner().sharing.list_outbound(), 200)["shares"], id=share_id, is_accepted=True)

        unwanted = share(secret_id, "user", recipient_id=user_id)
        done(second().sharing.decline(unwanted), 204)
        refused(second().sharing.access(unwanted), 403, 404, 410)
        assert unwanted not in [item["id"] for item in done(second().sharing.list_inbound(), 200)["shares"]]


@step("sharing/agent")
def with_an_agent():
    with agent() as (record, client), secret() as (secret_id, _):
        share_id = share(secret_id, "agent", recipient_id=record["id"])
        find(done(client.sharing.list_inbound(), 200)["shares"], id=share_id)
        done(client.sharing.accept(share_id), 204)
        assert done(client.sharing.access(share_id), 200)["value"] == "shared value"
        done(owner().sharing.revoke(share_id), 204)
        refused(client.sharing.access(share_id), 404, kind="not_found")


@step("sharing/creator")
def agent_shares_with_its_creator():
    with agent() as (record, client), secret() as (secret_id, vault_id):
        unread = client.sharing.create(secret_id, recipient_type="creator", expires_at=ahead(hours=1))
        refused(unread, 403, 404)
        grant(vault_id, ("agent", record["id"]))
        share_id = share(secret_id, "creator", client, max_access_count=10)
        find(done(client.sharing.list_outbound(), 200)["shares"], id=share_id)
        find(done(owner().sharing.list_inbound(), 200)["shares"], id=share_id)
        done(owner().sharing.accept(share_id), 204)
        assert done(owner().sharing.access(share_id), 200)["value"] == "shared value"

        by_mail = client.sharing.create(
            secret_id, recipient_type="external_email", email="ann@kluis.test", expires_at=ahead(hours=1)
        )
        refused(by_mail, 403, kind="auth_error")


@step("sharing/mail")
def by_mail():
    email = f"{fresh('ann')}@kluis.test"
    with secret() as (secret_id, _):
        made = owner().sharing.create(
            secret_id, recipient_type="external_email", email=email, expires_at=ahead(hours=1)
        )
        assert done(made, 201)["recipient_email"] == email
        find(done(owner().sharing.list_outbound(), 200)["shares"], id=made.data["id"], recipient_email=email)


@step("sharing/wrong")
def what_is_refused():
    with secret() as (secret_id, _):
        create = owner().sharing.create
        refused(create(secret_id, recipient_type="everybody", expires_at=ahead(hours=1)), 400, kind="validation_error")
        refused(create(secret_id, recipient_type="anyone_with_link", expires_at="soon"), 400, kind="validation_error")
        refused(create(secret_id, recipient_type="user", expires_at=ahead(hours=1)), 400, kind="validation_error")
        refused(
            create(secret_id, recipient_type="external_email", expires_at=ahead(hours=1)), 400, kind="validation_error"
        )
        refused(
            create(str(uuid.uuid4()), recipient_type="anyone_with_link", expires_at=ahead(hours=1)),
            404,
            kind="not_found",
        )
        refused(owner().sharing.accept(str(uuid.uuid4())), 404, kind="not_found")
        refused(owner().sharing.decline(str(uuid.uuid4())), 404, kind="not_found")
