"""What names and tags select in lists and retrievals (§5), and how an answer is sealed (§4.2), through gRPC."""

import base64
from functools import cache

from crate_harness import NONCE, TAG, client_key, fresh_environment, opened, opened_text, pkcs1, spki, unwrapped
from rpc_harness import (
    call,
    listed,
    listed_names,
    own_key,
    retrieve_request,
    retrieved,
    secrets,
    store,
    tag_list,
)
from steps import sentence

TAGS_OF = {"CACHE": ["db"], "MAIL": ["worker"], "PLAIN": [], "QUEUE": ["backend"], "WEB": ["backend", "db"]}


@cache
def furnished():
    """An environment with these secrets."""
    environment = fresh_environment()
    for name, tags in TAGS_OF.items():
        store(environment, name, f"of {name}", tag_list=tag_list(*tags))
    return environment


def selects(*expected, names=(), **filters):
    """Check what a filter selects in a retrieval, and in a list where it names no names."""
    assert retrieved(furnished(), names=names, **filters) == {name: f"of {name}" for name in expected}
    if not names:
        assert listed_names(furnished(), **filters) == list(expected)


@sentence
def without_names_and_tags_it_is_everything():
    selects("CACHE", "MAIL", "PLAIN", "QUEUE", "WEB")


@sentence
def names_select_what_is_there_of_them():
    selects("MAIL", names=["MAIL"])
    selects("MAIL", "WEB", names=["WEB", "MAIL", "WEB"])
    selects("MAIL", names=["MAIL", "ABSENT"])
    selects(names=["ABSENT"])
    selects(names=["mail"])


@sentence
def one_tag_selects_what_has_it():
    selects("QUEUE", "WEB", tags=["backend"])
    selects("MAIL", tags=["worker"])
    selects(tags=["absent"])
    selects(tags=["Backend"])


@sentence
def several_tags_select_what_has_all_of_them():
    selects("WEB", tags=["backend", "db"])
    selects("WEB", tags=["db", "backend"], tag_match="all")
    selects(tags=["backend", "worker"])
    selects(tags=["backend", "absent"])


@sentence
def any_of_several_tags_is_enough_where_that_is_asked():
    selects("CACHE", "QUEUE", "WEB", tags=["backend", "db"], tag_match="any")
    selects("MAIL", tags=["worker", "absent"], tag_match="any")
    selects(tags=["absent"], tag_match="any")
    selects("CACHE", "MAIL", "PLAIN", "QUEUE", "WEB", tag_match="any")


@sentence
def names_and_tags_have_to_hold_both():
    selects("WEB", names=["WEB", "MAIL"], tags=["backend"])
    selects("QUEUE", "WEB", names=["QUEUE", "WEB", "MAIL"], tags=["backend", "db"], tag_match="any")
    selects(names=["MAIL"], tags=["backend"])


@sentence
def an_environment_that_is_not_there_holds_nothing():
    nowhere = fresh_environment()
    assert listed(nowhere) == [] and retrieved(nowhere) == {}
    assert retrieved(nowhere, names=["NAME"]) == {}


@sentence
def an_answer_is_sealed_as_it_is_described():
    answer = call(secrets.RetrieveSecrets, retrieve_request(furnished(), names=["WEB", "MAIL"]))
    key = unwrapped(own_key(), answer.encrypted_key)
    text = opened_text(key, answer.encrypted_secrets)
    assert len(key) == 32 and len(base64.b64decode(answer.encrypted_key)) == 256
    assert len(base64.b64decode(answer.encrypted_secrets)) == NONCE + len(text.encode()) + TAG


@sentence
def every_answer_has_a_new_key_and_a_new_nonce():
    answers = [call(secrets.RetrieveSecrets, retrieve_request(furnished())) for _ in range(8)]
    keys = {unwrapped(own_key(), answer.encrypted_key) for answer in answers}
    nonces = {base64.b64decode(answer.encrypted_secrets)[:NONCE] for answer in answers}
    assert len(keys) == len(nonces) == len(answers)


@sentence
def a_client_key_is_taken_in_each_spelling():
    private = client_key(3072)
    for form in (spki, pkcs1):
        pem = form(private)
        for spelling in (pem, pem.replace("\n", "\r\n"), f"\r\n  \n{pem}\n \t\n", pem.rstrip("\n")):
            request = retrieve_request(furnished(), names=["WEB"], public_key_pem=spelling)
            answer = call(secrets.RetrieveSecrets, request)
            assert opened(private, answer.encrypted_secrets, answer.encrypted_key) == {"WEB": "of WEB"}
