"""Logging in, tokens, profile, second factor and API keys, through `oneclaw`."""

import base64
import hashlib
import hmac
import os
import time
import uuid

from oneclaw import AuthError, NotFoundError, OneclawError, ValidationError, create_client

from harness import URL, USER_KEY, ahead, claims, done, find, fresh, has, owner, refused, second, setting, step


def holder(client):
    """Whose token a client has."""
    return done(client.auth.me(), 200)["id"]


@step("account/user-key")
def user_key_is_exchanged():
    with create_client(base_url=URL, api_key=USER_KEY) as client:
        # The client hides a failed exchange and goes on without a token.
        token = client._http.get_token()
        assert token, "the exchange of the key failed"
        told = claims(token)
        assert told["sub"] == f"user:{holder(client)}", f"sub is {told['sub']}"
        assert time.time() < told["exp"] <= time.time() + 901, "a token of a user lives 900 seconds"


@step("account/api-key-token")
def key_is_exchanged_on_demand():
    with create_client(base_url=URL) as client:
        answer = has(done(client.auth.api_key_token(USER_KEY), 200), "access_token", "expires_in")
        assert answer["token_type"] == "Bearer" and answer["expires_in"] == 900, answer.keys()
        done(client.vaults.list(), 200)
        refused(client.auth.api_key_token("1ck_" + "x" * 43), 401, kind="auth_error")


@step("account/given-token")
def token_is_taken_as_it_is():
    token = owner()._http.get_token()
    for credential in (token, USER_KEY):  # a key may stand in for a token (C2)
        with create_client(base_url=URL, token=credential) as client:
            assert holder(client) == holder(owner()), "the token is the owner's"


@step("account/no-token")
def without_credential_is_401():
    with create_client(base_url=URL) as client:
        refused(client.vaults.list(), 401, kind="auth_error")


@step("account/login")
def password_opens():
    email, password = setting("KLUIS_EMAIL"), setting("KLUIS_PASSWORD")
    with create_client(base_url=URL) as client:
        answer = has(done(client.auth.login(email, password), 200), "access_token", "expires_in")
        assert not answer.get("mfa_required"), "this user has no second factor"
        assert done(client.auth.me())["email"] == email, "the profile is that of another user"
    with create_client(base_url=URL) as client:
        refused(client.auth.login(email, password + "x"), 401, kind="auth_error")


@step("account/me")
def profile_is_shown():
    profile = has(done(owner().auth.me(), 200), "id", "email", "display_name", "role", "org_id", "created_at")
    assert profile["role"] == "owner", f"the role is {profile['role']}"


@step("account/revoke-token")
def revoked_token_is_dead():
    client = create_client(base_url=URL, api_key=USER_KEY)
    done(client.auth.revoke_token(), 204)
    refused(client.auth.me(), 401, kind="auth_error")
    assert holder(owner()), "another token of the same key lives on"


@step("account/refresh")
def nothing_is_refreshed():
    client = create_client(base_url=URL, api_key=USER_KEY)
    # The vendor's server refuses this too: the client has no refresh token to send.
    refused(client.auth.refresh(), 400, kind="validation_error")
    done(client.auth.me(), 200)


@step("account/runtime-header")
def header_of_a_runtime_is_ignored():
    os.environ["ONECLAW_RUNTIME_ID"] = str(uuid.uuid4())
    try:
        done(owner().auth.me(), 200)
    finally:
        del os.environ["ONECLAW_RUNTIME_ID"]


@step("account/change-password")
def password_is_changed():
    email, old = setting("KLUIS_SECOND_EMAIL"), setting("KLUIS_SECOND_PASSWORD")
    new = f"Aa1!{uuid.uuid4()}"

    def change(current, wanted):
        with create_client(base_url=URL) as client:
            done(client.auth.login(email, current), 200)
            done(client.auth.change_password(current, wanted))

    with create_client(base_url=URL) as client:
        done(client.auth.login(email, old), 200)
        refused(client.auth.change_password(old + "x", new), 400, 401, 403)
        refused(client.auth.change_password(old, "short"), 400, kind="validation_error")
    change(old, new)
    with create_client(base_url=URL) as client:
        refused(client.auth.login(email, old), 401, kind="auth_error")
    change(new, old)
    second.cache_clear()  # its session ended with the password


@step("account/signup")
def signup():
    email = f"{fresh('new')}@kluis.test"
    with create_client(base_url=URL) as client:
        made = done(client.auth.signup(email, "Correct-horse-7", display_name="New"), 201)
        assert made["access_token"], "no token"
        done(client.auth.login(email, "Correct-horse-7"), 200)
        profile = done(client.auth.me())
        assert profile["role"] == "owner", "who signs up owns an organization"
        assert profile["org_id"] != done(owner().auth.me())["org_id"], "and it is one of its own"


def code(secret):
    """What an authenticator shows now for this secret (RFC 6238)."""
    key = base64.b32decode(secret + "=" * (-len(secret) % 8))
    digest = hmac.new(key, int(time.time() // 30).to_bytes(8, "big"), hashlib.sha1).digest()
    at = digest[-1] & 15
    return f"{(int.from_bytes(digest[at : at + 4], 'big') & 0x7FFFFFFF) % 1_000_000:06}"


@step("mfa/life")
def second_factor():
    email, password = setting("KLUIS_SECOND_EMAIL"), setting("KLUIS_SECOND_PASSWORD")
    with create_client(base_url=URL) as client:
        done(client.auth.login(email, password), 200)
        assert done(client.auth.mfa_status(), 200)["enabled"] is False, "no second factor yet"
        setup = has(done(client.auth.mfa_setup(), 200), "secret", "otpauth_uri")
        spare = has(done(client.auth.mfa_verify_setup(code(setup["secret"])), 200), "recovery_codes")["recovery_codes"]
    with create_client(base_url=URL) as client:
        challenge = has(done(client.auth.login(email, password), 200), "mfa_required", "mfa_token")
        assert not challenge.get("access_token"), "no token before the second factor"
        refused(client.auth.mfa_verify(challenge["mfa_token"], "000000"), 401, kind="auth_error")
        # A code works once and the last one is spent; a recovery code does in its place.
        has(done(client.auth.mfa_verify(challenge["mfa_token"], spare[0]), 200), "access_token", "expires_in")
        assert done(client.auth.mfa_status(), 200)["enabled"] is True, "the second factor is on"
        done(client.auth.mfa_disable(code=spare[1]), 204)
        assert done(client.auth.mfa_status(), 200)["enabled"] is False, "the second factor is off"
    second.cache_clear()


@step("keys/life")
def keys():
    name = fresh("key")
    made = done(owner().api_keys.create(name), 201)
    key, text = has(made["key"], "id", "key_prefix", "created_at"), made["api_key"]
    assert text.startswith("1ck_") and len(text) == 47, "the key has the form of its kind"
    assert key["name"] == name and key["is_active"] is True, key.keys()

    client = create_client(base_url=URL, api_key=text)
    assert holder(client) == holder(owner()), "the key is its maker's"
    listed = find(done(owner().api_keys.list(), 200)["keys"], id=key["id"])
    assert text.startswith(listed["key_prefix"]) and "api_key" not in listed, "only a prefix is listed"

    done(owner().api_keys.delete(key["id"]), 204)
    refused(client.auth.me(), 401, kind="auth_error")
    refused(create_client(base_url=URL).auth.api_key_token(text), 401, kind="auth_error")
    refused(owner().api_keys.delete(key["id"]), 404, kind="not_found")


@step("keys/expiry")
def key_expires():
    made = done(owner().api_keys.create(fresh("key"), expires_at=ahead(seconds=1)), 201)
    has(made["key"], "expires_at")
    time.sleep(1.2)
    refused(create_client(base_url=URL).auth.api_key_token(made["api_key"]), 401, kind="auth_error")


@step("keys/scopes")
def key_with_scopes():
    made = done(owner().api_keys.create(fresh("key"), scopes=["metadata:read"], expires_at=ahead(days=1)), 201)
    assert made["key"]["scopes"] == ["metadata:read"], made["key"].get("scopes")
    client = create_client(base_url=URL, api_key=made["api_key"])
    done(client.vaults.list(), 200)
    refused(client.vaults.create(fresh("vault")), 403, kind="auth_error")
    done(owner().api_keys.delete(made["key"]["id"]), 204)


@step("errors/envelope")
def errors_come_in_the_envelope():
    refused(owner().vaults.get("nonexistent-id"), 404, kind="not_found")
    refused(owner().vaults.get(str(uuid.uuid4())), 404, kind="not_found")
    refused(owner().vaults.create("x" * 256), 400, kind="validation_error")


@step("errors/raised")
def errors_are_raised():
    def raised(kind, status, client, method, path, **more):
        try:
            client._http.request_or_throw(method, path, **more)
        except OneclawError as error:
            assert type(error) is kind and error.status == status, f"{type(error).__name__} {error.status}: {error}"
            assert str(error) != f"HTTP {status}", "no reason reached the client"
            return error
        raise AssertionError(f"{method} {path} was not refused")

    raised(NotFoundError, 404, owner(), "GET", "/v1/vaults/bad-id")
    raised(NotFoundError, 404, owner(), "GET", "/v1/there/is/no/such/route")
    raised(AuthError, 401, create_client(base_url=URL, token="eyJ.e30.x"), "GET", "/v1/vaults")
    raised(OneclawError, 405, owner(), "PATCH", "/v1/vaults")
    wrong = raised(ValidationError, 400, owner(), "POST", "/v1/vaults", body={"name": ""})
    assert "name" in (wrong.fields or {}), f"the field is not named: {wrong.fields}"
