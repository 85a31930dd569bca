"""Who is refused and what, by the numbers of §6, through gRPC."""

import base64
import os
import uuid
from functools import cache, partial

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec

from crate_harness import (
    ORGANIZATION,
    OWNER,
    base64_of,
    client_key,
    fresh_environment,
    oaep,
    private_pem,
    read_public,
    seal,
    seal_long,
    spki,
    wrap,
)
from rpc_harness import (
    INVALID_ARGUMENT,
    NOT_FOUND,
    PERMISSION_DENIED,
    UNAUTHENTICATED,
    UNIMPLEMENTED,
    bearer,
    call,
    channel,
    delete_request,
    list_request,
    listed,
    messages,
    own_key,
    profile,
    profile_messages,
    public_key,
    refusal,
    refused,
    retrieve_request,
    retrieved,
    secrets,
    store,
    store_request,
    tag_list,
    tag_messages,
    tags,
)
from steps import sentence, setting, step


@cache
def kept():
    """An environment with a secret that no refused call may change."""
    environment = fresh_environment()
    store(environment, "KEPT", "kept", tag_list=tag_list("kept"))
    return environment


def of_an_organization(organization):
    """A call of each method that names an organization, which succeeds for its administrators."""
    everywhere = [
        (secrets.StoreSecret, store_request(kept(), "KEPT")),
        (secrets.ListSecrets, list_request(kept())),
        (secrets.GetPublicKey, messages.GetPublicKeyRequest()),
        (secrets.RetrieveSecrets, retrieve_request(kept())),
        (secrets.DeleteSecret, delete_request(kept(), "KEPT")),
        (tags.ListTags, tag_messages.ListTagsRequest()),
    ]
    for _, request in everywhere:
        request.organization_id = organization
    return everywhere


def of_nobody_special():
    return (profile.GetProfile, profile_messages.GetProfileRequest())


def nothing_has_changed():
    """Check that what was there before the refusals still is, as it was."""
    [found] = listed(kept())
    assert (found.name, found.version, list(found.tags)) == ("KEPT", 1, ["kept"]), found
    assert retrieved(kept()) == {"KEPT": "kept"}


def nobody_gets_in(number, calls, **credential):
    for method, request in calls:
        refused(number, method, request, **credential)
    nothing_has_changed()


@sentence
def every_method_wants_a_key():
    calls = [*of_an_organization(ORGANIZATION), of_nobody_special()]
    nobody_gets_in(UNAUTHENTICATED, calls, key=None)


@sentence
def every_method_refuses_a_key_that_nobody_has():
    calls = [*of_an_organization(ORGANIZATION), of_nobody_special()]
    nobody_gets_in(UNAUTHENTICATED, calls, key="crt_" + "0" * 43)


@sentence
def a_key_is_taken_from_one_bearer_header_alone():
    wrong = [
        [("authorization", "")],
        [("authorization", OWNER)],
        [("authorization", "Bearer")],
        [("authorization", f"ApiKey {OWNER}")],
        [("authorization", f"Basic {OWNER}")],
        [("authorization", f"Bearer {OWNER} {OWNER}")],
        bearer(OWNER) * 2,
        [("x-api-key", OWNER)],
    ]
    for metadata in wrong:
        refused(UNAUTHENTICATED, secrets.ListSecrets, list_request(kept()), metadata=metadata)
    for word in ("bearer", "BEARER"):
        secrets.ListSecrets(list_request(kept()), metadata=[("authorization", f"{word} {OWNER}")])


def callers_without_the_role_are_refused(caller):
    calls = [*of_an_organization(ORGANIZATION), of_nobody_special()]
    nobody_gets_in(PERMISSION_DENIED, calls, key=setting(f"KLUIS_{caller.upper()}_KEY"))


for _caller in ("member", "viewer", "agent"):
    step(f"every method refuses the key of some {_caller}")(partial(callers_without_the_role_are_refused, _caller))


@sentence
def another_organization_is_refused_like_one_that_is_not_there():
    stranger = setting("KLUIS_STRANGER_KEY")
    nobody_gets_in(PERMISSION_DENIED, of_an_organization(ORGANIZATION), key=stranger)
    for organization in (str(uuid.uuid4()), "nothing"):
        nobody_gets_in(PERMISSION_DENIED, of_an_organization(organization))
    told = set()
    for name, key in ((ORGANIZATION, stranger), (str(uuid.uuid4()), stranger), (str(uuid.uuid4()), OWNER)):
        request = messages.ListSecretsRequest(organization_id=name)
        told.add(refused(PERMISSION_DENIED, secrets.ListSecrets, request, key).details())
    assert len(told) == 1, told


@sentence
def an_admin_may_do_everything():
    environment, admin = fresh_environment(), setting("KLUIS_ADMIN_KEY")
    call(secrets.StoreSecret, store_request(environment), admin)
    call(secrets.ListSecrets, list_request(environment), admin)
    call(secrets.GetPublicKey, messages.GetPublicKeyRequest(organization_id=ORGANIZATION), admin)
    call(secrets.RetrieveSecrets, retrieve_request(environment), admin)
    call(tags.ListTags, tag_messages.ListTagsRequest(organization_id=ORGANIZATION), admin)
    call(secrets.DeleteSecret, delete_request(environment, "NAME"), admin)


@sentence
def a_request_that_is_wrong_by_itself_is_told_before_the_role():
    request = store_request(kept(), "KEPT", sealed=False)
    refused(INVALID_ARGUMENT, secrets.StoreSecret, request, setting("KLUIS_MEMBER_KEY"))
    refused(UNAUTHENTICATED, secrets.StoreSecret, request, None)


def invalid(*requests, method=secrets.StoreSecret):
    for request in requests:
        refused(INVALID_ARGUMENT, method, request)
    nothing_has_changed()


@sentence
def an_unsealed_value_is_never_taken():
    plain = base64_of(b"plain")
    invalid(
        store_request(kept(), "KEPT", sealed=False),
        store_request(kept(), "KEPT", encrypted_value="plain", sealed=False),
        store_request(kept(), "KEPT", encrypted_value=plain, sealed=False),
        store_request(kept(), "KEPT", encrypted_value=plain),
    )


@sentence
def a_name_outside_the_grammar_is_refused():
    names = ["", "9A", "-A", ".A", "A B", "A/B", "A\n", " A", "É", "A=B", "N" * 256]
    invalid(*(store_request(kept(), name) for name in names))


WRONG_ENVIRONMENTS = ["-a", "_a", "a.b", "a b", " a", "a/b", "é", "a\n", "e" * 65]


@sentence
def an_environment_outside_the_grammar_is_refused():
    invalid(*(store_request(environment) for environment in WRONG_ENVIRONMENTS))
    invalid(*(list_request(environment) for environment in WRONG_ENVIRONMENTS), method=secrets.ListSecrets)
    invalid(*(retrieve_request(environment) for environment in WRONG_ENVIRONMENTS), method=secrets.RetrieveSecrets)
    invalid(*(delete_request(environment, "NAME") for environment in WRONG_ENVIRONMENTS), method=secrets.DeleteSecret)


@sentence
def a_tag_outside_the_grammar_is_refused():
    wrong = ["", "a,b", " a", "a b", "-a", ".a", "_a", ":a", "é", "t" * 65]
    invalid(*(store_request(kept(), "KEPT", tag_list=tag_list("fine", tag)) for tag in wrong))
    many = tag_list(*(f"t{number}" for number in range(33)))
    invalid(store_request(kept(), "KEPT", tag_list=many))


@sentence
def an_unknown_way_of_matching_tags_is_refused():
    invalid(list_request(kept(), tags=["kept"], tag_match="some"), method=secrets.ListSecrets)
    invalid(retrieve_request(kept(), tags=["kept"], tag_match="some"), method=secrets.RetrieveSecrets)


@sentence
def what_is_no_base64_is_refused():
    sealed = seal(public_key(), "value")
    wrong = ["", "%%%%", sealed[:-1] + "!", f"{sealed[:64]}\n{sealed[64:]}", f" {sealed}", sealed + "\n"]
    invalid(*(store_request(kept(), "KEPT", encrypted_value=text) for text in wrong))
    long = seal_long(public_key(), "value")
    invalid(*(store_request(kept(), "KEPT", **{**long, "encrypted_key": text}) for text in wrong[1:]))


def flipped(data, place):
    return data[:place] + bytes([data[place] ^ 1]) + data[place + 1 :]


def broken(data):
    """Bytes in all ways in which they can be wrong."""
    places = (0, 1, len(data) // 2, len(data) - 1)
    return [data[:-1], data[1:], data + b"\0", b"\0" + data, bytes(len(data)), *(flipped(data, at) for at in places)]


def short_values_that_do_not_open():
    pem, size = public_key(), read_public(public_key()).key_size // 8
    other = client_key(size * 8)
    return [
        *broken(wrap(pem, b"value")),
        b"\xff" * size,
        wrap(pem, b"value", oaep(mgf1=hashes.SHA1)),
        wrap(pem, b"value", oaep(label=b"label")),
        wrap(spki(other), b"value"),
    ]


def long_values_that_do_not_open():
    whole = seal_long(public_key(), "value")
    blob, key = (base64.b64decode(whole[member]) for member in ("encrypted_value", "encrypted_key"))
    wrong_keys = [*broken(key), wrap(public_key(), os.urandom(32)), wrap(public_key(), os.urandom(16))]
    yield from ({**whole, "encrypted_key": base64_of(wrong)} for wrong in wrong_keys)
    wrong_blobs = [*broken(blob), blob[:12], blob[:27], b"\0"]
    yield from ({**whole, "encrypted_value": base64_of(wrong)} for wrong in wrong_blobs)


@sentence
def what_does_not_open_fails_in_one_way():
    short = [{"encrypted_value": base64_of(data)} for data in short_values_that_do_not_open()]
    failures = set()
    for members in (*short, *long_values_that_do_not_open()):
        error = refusal(secrets.StoreSecret, store_request(kept(), "KEPT", **members))
        told = tuple((name, value) for name, value in error.trailing_metadata() if name not in ("date", "x-request-id"))
        failures.add((error.code().value[0], error.details(), told))
    assert len(failures) == 1 and failures.pop()[0] == INVALID_ARGUMENT, failures
    nothing_has_changed()


@sentence
def a_value_that_is_no_utf8_is_refused():
    not_text = base64_of(wrap(public_key(), b"\xff\xfe"))
    invalid(store_request(kept(), "KEPT", encrypted_value=not_text))


@sentence
def a_client_key_that_is_none_is_refused():
    curve = ec.generate_private_key(ec.SECP256R1())
    pem = spki(own_key())
    wrong = [
        "",
        "key",
        pem[: len(pem) // 2],
        pem.replace("MII", "AAA", 1),
        pem.replace("PUBLIC KEY", "CERTIFICATE"),
        private_pem(own_key()),
        spki(curve),
        spki(client_key(1024)),
    ]
    invalid(
        *(retrieve_request(kept(), public_key_pem=text) for text in wrong),
        method=secrets.RetrieveSecrets,
    )


@sentence
def deleting_what_is_not_there_is_told():
    refused(NOT_FOUND, secrets.DeleteSecret, delete_request(kept(), "ABSENT"))
    refused(NOT_FOUND, secrets.DeleteSecret, delete_request(kept(), "kept"))
    refused(NOT_FOUND, secrets.DeleteSecret, delete_request(fresh_environment(), "KEPT"))
    nothing_has_changed()


@sentence
def an_unknown_method_is_unimplemented():
    for path in ("/crate.v1.SecretsService/ReadSecret", "/crate.v1.VaultService/ListVaults"):
        method = channel.unary_unary(path, request_serializer=bytes, response_deserializer=bytes)
        refused(UNIMPLEMENTED, method, b"")
        refused(UNAUTHENTICATED, method, b"", key=None)
