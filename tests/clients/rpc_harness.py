"""What the scripts of gRPC share: stubs of the published services, a channel, calls that succeed or are refused."""

import sys
import tempfile
from functools import cache
from importlib import import_module
from urllib.parse import urlsplit

import grpc

from crate_harness import ORGANIZATION, OWNER, client_key, compile_published, opened, seal, spki
from steps import URL

# Held as long as the script runs, since its modules are.
_generated = tempfile.TemporaryDirectory()
compile_published(f"--python_out={_generated.name}", f"--grpc_python_out={_generated.name}")
sys.path.insert(0, _generated.name)

messages = import_module("crate.v1.secrets_pb2")
tag_messages = import_module("crate.v1.tags_pb2")
profile_messages = import_module("crate.v1.profile_pb2")

# In clear: HTTP/2 without TLS and without asking for it first.
channel = grpc.insecure_channel(urlsplit(URL).netloc)
secrets = import_module("crate.v1.secrets_pb2_grpc").SecretsServiceStub(channel)
tags = import_module("crate.v1.tags_pb2_grpc").TagServiceStub(channel)
profile = import_module("crate.v1.profile_pb2_grpc").ProfileServiceStub(channel)

# No call of a script takes as long, unless something is wrong.
SECONDS = 60

INVALID_ARGUMENT, DEADLINE_EXCEEDED, NOT_FOUND, PERMISSION_DENIED = 3, 4, 5, 7
UNIMPLEMENTED, UNAUTHENTICATED = 12, 16


def bearer(key):
    return [("authorization", f"Bearer {key}")] if key else []


def call(method, request, key=OWNER):
    return method(request, metadata=bearer(key), timeout=SECONDS)


def refusal(method, request, key=OWNER, metadata=None):
    """The error that a call ends with."""
    try:
        answer = method(request, metadata=bearer(key) if metadata is None else metadata, timeout=SECONDS)
    except grpc.RpcError as error:
        return error
    raise AssertionError(f"answered instead of refused: {answer}")


def refused(number, method, request, key=OWNER, metadata=None):
    """Check that a call is refused with this status and a reason."""
    error = refusal(method, request, key, metadata)
    found = error.code().value[0]
    assert found == number, f"status {found} instead of {number}: {error.details()}"
    assert error.details(), f"status {found} without a reason"
    return error


@cache
def public_key():
    return call(secrets.GetPublicKey, messages.GetPublicKeyRequest(organization_id=ORGANIZATION)).public_key_pem


def store_request(environment, name="NAME", value="value", **others):
    """A store that succeeds, unless one of the other members makes it fail."""
    usual = {"organization_id": ORGANIZATION, "sealed": True}
    if "encrypted_value" not in others:
        usual["encrypted_value"] = seal(public_key(), value)
    return messages.StoreSecretRequest(environment=environment, name=name, **{**usual, **others})


def store(environment, name, value="value", **others):
    """Store, and give the metadata of the answer."""
    return call(secrets.StoreSecret, store_request(environment, name, value, **others)).secret


def tag_list(*names):
    return messages.TagList(tags=names)


def list_request(environment, **filters):
    return messages.ListSecretsRequest(organization_id=ORGANIZATION, environment=environment, **filters)


def listed(environment, **filters):
    """The metadata of an environment's secrets."""
    return list(call(secrets.ListSecrets, list_request(environment, **filters)).secrets)


def listed_names(environment, **filters):
    return [secret.name for secret in listed(environment, **filters)]


@cache
def own_key():
    """The key of a client that makes only one."""
    return client_key()


def retrieve_request(environment, **others):
    usual = {"organization_id": ORGANIZATION, "public_key_pem": spki(own_key())}
    return messages.RetrieveSecretsRequest(environment=environment, **{**usual, **others})


def retrieved(environment, **filters):
    """The values of an environment's secrets by their names."""
    answer = call(secrets.RetrieveSecrets, retrieve_request(environment, **filters))
    return opened(own_key(), answer.encrypted_secrets, answer.encrypted_key)


def delete_request(environment, name):
    return messages.DeleteSecretRequest(organization_id=ORGANIZATION, environment=environment, name=name)


def delete(environment, name):
    call(secrets.DeleteSecret, delete_request(environment, name))


def listed_tags():
    """The organization's tags by their names, in the order of the answer."""
    answer = call(tags.ListTags, tag_messages.ListTagsRequest(organization_id=ORGANIZATION))
    return {tag.name: tag.metadata for tag in answer.tags}
