"""Storing, versions, tags, deleting, the public key and who asks, through gRPC."""

from datetime import UTC, datetime, timedelta

import grpc

from crate_harness import ORGANIZATION, OWNER, capacity, fresh_environment, read_public, seal, seal_long
from rpc_harness import (
    DEADLINE_EXCEEDED,
    INVALID_ARGUMENT,
    NOT_FOUND,
    bearer,
    call,
    delete,
    delete_request,
    listed,
    listed_names,
    listed_tags,
    messages,
    profile,
    profile_messages,
    public_key,
    refused,
    retrieve_request,
    retrieved,
    secrets,
    store,
    store_request,
    tag_list,
)
from steps import fresh, sentence, setting

MIB = 1 << 20


@sentence
def the_public_key_is_one_rsa_key_in_pem():
    again = call(secrets.GetPublicKey, messages.GetPublicKeyRequest(organization_id=ORGANIZATION)).public_key_pem
    assert again == public_key(), "another key the second time"
    assert again.startswith("-----BEGIN PUBLIC KEY-----\n") and again.endswith("\n-----END PUBLIC KEY-----\n"), again
    key = read_public(again)
    assert key.key_size in (2048, 3072, 4096) and key.public_numbers().e == 65537, key.public_numbers()


@sentence
def a_new_secret_is_told_as_it_was_stored():
    environment = fresh_environment()
    made = store(environment, "QUEUE_URL", "amqp://queue", tag_list=tag_list("worker", "backend"))
    assert (made.name, made.environment, made.version) == ("QUEUE_URL", environment, 1), made
    assert list(made.tags) == ["worker", "backend"], made
    age = datetime.now(UTC) - made.updated_at.ToDatetime(UTC)
    assert abs(age) < timedelta(minutes=5), made
    assert listed(environment) == [made], listed(environment)
    assert retrieved(environment) == {"QUEUE_URL": "amqp://queue"}


@sentence
def every_store_adds_one_version():
    environment = fresh_environment()
    for number, value in enumerate(("one", "two", "two", "three"), start=1):
        assert store(environment, "NAME", value).version == number
        assert listed(environment)[0].version == number
        assert retrieved(environment) == {"NAME": value}


@sentence
def a_deleted_secret_is_gone_and_begins_anew():
    environment = fresh_environment()
    store(environment, "GONE", tag_list=tag_list("old"))
    store(environment, "GONE")
    store(environment, "STAYS")
    delete(environment, "GONE")
    assert listed_names(environment) == ["STAYS"] and list(retrieved(environment)) == ["STAYS"]
    refused(NOT_FOUND, secrets.DeleteSecret, delete_request(environment, "GONE"))
    again = store(environment, "GONE")
    assert again.version == 1 and not again.tags, again


@sentence
def without_an_environment_it_is_dev():
    name = fresh("NAME")
    assert store("", name, "of dev").environment == "dev"
    for environment in ("", "dev"):
        assert name in listed_names(environment)
        assert retrieved(environment, names=[name]) == {name: "of dev"}
    delete("", name)
    assert name not in listed_names("dev")


@sentence
def environments_keep_equal_names_apart():
    one, other = fresh_environment(), fresh_environment()
    store(one, "NAME", "first")
    assert store(other, "NAME", "second").version == 1
    assert retrieved(one) == {"NAME": "first"} and retrieved(other) == {"NAME": "second"}
    delete(one, "NAME")
    assert listed(one) == [] and retrieved(other) == {"NAME": "second"}


@sentence
def tags_that_are_not_told_are_kept():
    environment = fresh_environment()
    assert list(store(environment, "NAME").tags) == []
    assert list(store(environment, "NAME", tag_list=tag_list("a", "b")).tags) == ["a", "b"]
    assert list(store(environment, "NAME").tags) == ["a", "b"]


@sentence
def tags_that_are_told_replace_the_others():
    environment = fresh_environment()
    store(environment, "NAME", tag_list=tag_list("a", "b"))
    assert list(store(environment, "NAME", tag_list=tag_list("c")).tags) == ["c"]
    assert list(store(environment, "NAME", tag_list=tag_list()).tags) == []
    assert list(listed(environment)[0].tags) == []


@sentence
def tags_keep_their_order_and_lose_their_doubles():
    environment = fresh_environment()
    assert list(store(environment, "NAME", tag_list=tag_list("b", "a", "b", "c", "a")).tags) == ["b", "a", "c"]
    many = [f"t{number}" for number in range(32)]
    assert list(store(environment, "NAME", tag_list=tag_list(*many)).tags) == many


@sentence
def the_longest_and_oddest_names_are_taken():
    environment = fresh_environment()
    names = ["_", "A", "a.b-c_9", "N" * 255, "public-key", "retrieve", "name", "NAME"]
    for name in names:
        assert store(environment, name, name).name == name
    assert listed_names(environment) == sorted(names)
    assert retrieved(environment) == {name: name for name in names}
    for name in names:
        delete(environment, name)
    assert listed(environment) == []


@sentence
def the_longest_and_oddest_environments_and_tags_are_taken():
    tag = "0" + "Az_.:-" * 10 + "xyz"
    for environment in (fresh_environment() + "_-" + "X" * 29, "0-_" + fresh_environment()):
        made = store(environment, "NAME", tag_list=tag_list(tag, "x"))
        assert made.environment == environment and list(made.tags) == [tag, "x"], made
        assert listed(environment, tags=[tag]) == [made]


@sentence
def names_are_listed_in_byte_order():
    environment = fresh_environment()
    names = ["b", "B", "a", "_a", "a.b", "a-b", "A1", "a_b", "Z9", "a1", "aB"]
    for name in names:
        store(environment, name)
    assert listed_names(environment) == sorted(names)
    assert list(retrieved(environment)) == sorted(names)


@sentence
def a_value_comes_back_byte_by_byte():
    environment = fresh_environment()
    longest = "é" * (capacity(public_key()) // 2)
    values = ["x", " ", '{"a": "b"}', '"quoted" \\ back', "Grüße, 世界 🔑\n\r\t", "\x00\x1f\x7f\u2028", longest]
    for number, value in enumerate(values):
        store(environment, f"V{number}", value)
    assert list(retrieved(environment).values()) == values


@sentence
def base64_is_taken_in_both_alphabets():
    environment = fresh_environment()
    sealed = iter(lambda: seal(public_key(), "either"), None)
    standard = next(text for _, text in zip(range(1000), sealed) if "+" in text and "/" in text)
    spellings = (standard, standard.translate(str.maketrans("+/", "-_")))
    for version, spelling in enumerate(spellings, start=1):
        assert store(environment, "NAME", encrypted_value=spelling).version == version
        assert retrieved(environment) == {"NAME": "either"}


@sentence
def base64_is_taken_without_its_padding():
    environment = fresh_environment()
    for length in (1, 2, 3):
        sealed = seal_long(public_key(), "x" * length)
        store(environment, "NAME", **{member: text.rstrip("=") for member, text in sealed.items()})
        assert retrieved(environment) == {"NAME": "x" * length}


@sentence
def long_values_travel_under_a_wrapped_key():
    environment = fresh_environment()
    values = ["short", "y" * (capacity(public_key()) + 1), "é\n" * 50_000]
    for version, value in enumerate(values, start=1):
        made = store(environment, "NAME", **seal_long(public_key(), value), tag_list=tag_list(f"v{version}"))
        assert made.version == version and list(made.tags) == [f"v{version}"], made
        assert retrieved(environment) == {"NAME": value}
    store(environment, "NAME", "short again")
    assert retrieved(environment) == {"NAME": "short again"}


@sentence
def a_mebibyte_is_the_longest_value():
    environment = fresh_environment()
    store(environment, "NAME", **seal_long(public_key(), "x" * MIB))
    assert retrieved(environment) == {"NAME": "x" * MIB}
    beyond = store_request(environment, "NAME", **seal_long(public_key(), "x" * (MIB + 1)))
    refused(INVALID_ARGUMENT, secrets.StoreSecret, beyond)
    assert listed(environment)[0].version == 1


@sentence
def the_tags_in_use_are_listed_in_byte_order():
    environment = fresh_environment()
    mark = fresh_environment()
    mine = [f"{mark}.b", f"{mark}.B", f"{mark}.a", f"{mark}_", f"{mark}-"]
    store(environment, "ONE", tag_list=tag_list(*mine[:3]))
    store(environment, "TWO", tag_list=tag_list(*mine[2:]))
    found = listed_tags()
    assert list(found) == sorted(found), list(found)
    assert [name for name in found if name.startswith(mark)] == sorted(mine)
    assert all(found[name].color == found[name].description == "" for name in mine), found
    delete(environment, "TWO")
    assert [name for name in listed_tags() if name.startswith(mark)] == sorted(mine[:3])


@sentence
def the_profile_tells_who_asks_and_where():
    request = profile_messages.GetProfileRequest()
    owner = call(profile.GetProfile, request)
    assert owner.email == setting("KLUIS_OWNER_EMAIL") and owner.id, owner
    assert [(place.id, place.role) for place in owner.organizations] == [(ORGANIZATION, "owner")], owner
    admin = call(profile.GetProfile, request, setting("KLUIS_ADMIN_KEY"))
    assert admin.id != owner.id and admin.email != owner.email, admin
    assert [(place.id, place.role) for place in admin.organizations] == [(ORGANIZATION, "admin")], admin
    assert owner.organizations[0].name == admin.organizations[0].name != "", admin


@sentence
def a_deadline_that_is_over_ends_a_call():
    environment = fresh_environment()
    store(environment, "NAME", **seal_long(public_key(), "x" * MIB))
    try:
        secrets.RetrieveSecrets(retrieve_request(environment), metadata=bearer(OWNER), timeout=0.001)
    except grpc.RpcError as error:
        assert error.code().value[0] == DEADLINE_EXCEEDED, error
        return
    raise AssertionError("a mebibyte within a millisecond")
