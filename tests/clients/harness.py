"""What the scripts of the 1claw API share: callers, and what is expected of an answer.

Settings: KLUIS_USER_KEY, a `1ck_` key of an owner; KLUIS_EMAIL and KLUIS_PASSWORD of that owner; KLUIS_SECOND_EMAIL and
KLUIS_SECOND_PASSWORD of a member of the same organization. The server lets people sign up and agents enrol.
"""

import base64
import json
import os
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from functools import cache

from oneclaw import create_client

from steps import URL, fresh, run, setting, step  # the scripts take them from here

USER_KEY = os.environ["KLUIS_USER_KEY"]


def done(response, status=None):
    """The data of an answer of `oneclaw` that has to be a success."""
    found = response.meta.status
    assert response.error is None, f"refused with {found}, {response.error.type}: {response.error.message}"
    assert status in (None, found), f"status {found} instead of {status}"
    assert (response.data is None) == (found == 204), f"{found} with the body {response.data!r}"
    return response.data


def refused(response, *statuses, kind=None):
    """Check that an answer of `oneclaw` is a refusal whose reason reached the client."""
    found, error = response.meta.status, response.error
    assert error is not None, f"{found} instead of a refusal with {statuses}: {response.data!r}"
    assert found in statuses, f"{found} instead of {statuses}: {error.message}"
    assert kind in (None, error.type), f"{found} became {error.type} instead of {kind}"
    # That is what the client says of an error without `detail`.
    assert error.message != f"HTTP {found}", f"{found} came without a reason"


def has(record, *members):
    """Check that an object has these members, and hand it on."""
    assert isinstance(record, dict), f"no object: {record!r}"
    missing = [member for member in members if record.get(member) is None]
    assert not missing, f"without {', '.join(missing)}: {sorted(record)}"
    return record


def find(records, **members):
    """The one object of a list that has these values."""
    found = [record for record in records if all(record.get(key) == value for key, value in members.items())]
    assert len(found) == 1, f"{len(found)} of {len(records)} objects have {members}"
    return found[0]


def claims(token):
    """What an access token says, unverified, as the clients read it."""
    parts = token.split(".")
    assert len(parts) == 3, "a token has three parts"
    return json.loads(base64.urlsafe_b64decode(parts[1] + "=" * (-len(parts[1]) % 4)))


def ahead(**span):
    """A time this far ahead, as the API writes times."""
    return (datetime.now(UTC) + timedelta(**span)).isoformat(timespec="milliseconds").replace("+00:00", "Z")


@cache
def owner():
    """The owner's client."""
    return create_client(base_url=URL, api_key=USER_KEY)


@cache
def second():
    """The client of another user of the organization, logged in."""
    client = create_client(base_url=URL)
    done(client.auth.login(setting("KLUIS_SECOND_EMAIL"), setting("KLUIS_SECOND_PASSWORD")), 200)
    return client


@contextmanager
def vault():
    """The id of a vault of the owner's, which is gone afterwards."""
    vault_id = done(owner().vaults.create(fresh("vault")), 201)["id"]
    yield vault_id
    done(owner().vaults.delete(vault_id), 204)


@contextmanager
def agent(**settings):
    """An agent's record and a client of its own; the agent is gone afterwards."""
    made = done(owner().agents.create(fresh("agent"), **settings), 201)
    with create_client(base_url=URL, api_key=made["api_key"]) as client:
        yield made["agent"], client
    done(owner().agents.delete(made["agent"]["id"]), 204)


def grant(vault_id, principal, pattern="**", permissions=("read",), **more):
    """Write a policy on a vault for `("agent", id)` or `("user", id)`."""
    return done(
        owner().policies.create(
            vault_id,
            principal_type=principal[0],
            principal_id=principal[1],
            secret_path_pattern=pattern,
            permissions=list(permissions),
            **more,
        ),
        201,
    )
