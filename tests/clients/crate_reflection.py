"""Drive the services of the Crate API without their files, as reflection tells them; ask for the server's health."""

import tempfile
from functools import cache
from pathlib import Path
from types import SimpleNamespace
from urllib.parse import urlsplit

import grpc
from google.protobuf.descriptor_pb2 import FileDescriptorProto, FileDescriptorSet
from google.protobuf.descriptor_pool import DescriptorPool
from google.protobuf.message_factory import GetMessageClass
from grpc_health.v1.health_pb2 import HealthCheckRequest, HealthCheckResponse
from grpc_health.v1.health_pb2_grpc import HealthStub
from grpc_reflection.v1alpha.proto_reflection_descriptor_database import ProtoReflectionDescriptorDatabase

from crate_harness import ORGANIZATION, OWNER, client_key, compile_published, fresh_environment, opened, seal, spki
from steps import URL, run, sentence

SECONDS = 60
NOT_FOUND = 5
SERVICES = ("crate.v1.SecretsService", "crate.v1.TagService", "crate.v1.ProfileService")


class InVersion1(grpc.StreamStreamClientInterceptor):
    """The library asks for the service's first version, whose messages are the same as those of `v1`."""

    def intercept_stream_stream(self, continuation, client_call_details, request_iterator):
        method = client_call_details.method.replace(".v1alpha.", ".v1.")
        return continuation(SimpleNamespace(method=method, timeout=SECONDS), request_iterator)


channel = grpc.insecure_channel(urlsplit(URL).netloc)
reflection = ProtoReflectionDescriptorDatabase(grpc.intercept_channel(channel, InVersion1()))
reflected = DescriptorPool(reflection)
health = HealthStub(channel)


@cache
def published():
    """The published files, compiled, by the services that they define."""
    with tempfile.TemporaryDirectory() as directory:
        compiled = Path(directory) / "set"
        compile_published("--include_imports", f"--descriptor_set_out={compiled}")
        files = FileDescriptorSet.FromString(compiled.read_bytes()).file
    pool = DescriptorPool()
    for file in files:
        pool.Add(file)
    return pool


def file_of(pool, service):
    """The file that defines a service, without what compilers may write or leave out."""
    file = FileDescriptorProto()
    pool.FindServiceByName(service).file.CopyToProto(file)
    file.ClearField("source_code_info")
    file.ClearField("name")
    for field in (field for message in file.message_type for field in message.field):
        field.ClearField("json_name")
    return file


def invoke(service, method, **fields):
    """Call a method with nothing but what reflection tells about it."""
    described = reflected.FindServiceByName(service).FindMethodByName(method)
    caller = channel.unary_unary(
        f"/{service}/{method}",
        request_serializer=lambda message: message.SerializeToString(),
        response_deserializer=GetMessageClass(described.output_type).FromString,
    )
    request = GetMessageClass(described.input_type)(**fields)
    return caller(request, metadata=[("authorization", f"Bearer {OWNER}")], timeout=SECONDS)


def check(service):
    return health.Check(HealthCheckRequest(service=service), timeout=SECONDS).status


def first_status(service):
    """The first thing that a watch tells."""
    watch = health.Watch(HealthCheckRequest(service=service), timeout=SECONDS)
    status = next(watch).status
    watch.cancel()
    return status


@sentence
def reflection_lists_the_three_services():
    listed = list(reflection.get_services())
    assert set(SERVICES) <= set(listed) and len(set(listed)) == len(listed), listed


@sentence
def reflection_tells_what_is_published():
    for service in SERVICES:
        assert file_of(reflected, service) == file_of(published(), service), service


@sentence
def reflection_finds_files_by_the_names_that_it_tells():
    asked = ProtoReflectionDescriptorDatabase(grpc.intercept_channel(channel, InVersion1()))
    for service in SERVICES:
        name = reflected.FindServiceByName(service).file.name
        assert asked.FindFileByName(name).package == "crate.v1", name


@sentence
def reflection_finds_messages_with_what_they_import():
    secret = reflected.FindMessageTypeByName("crate.v1.SecretMetadata")
    assert secret.fields_by_name["updated_at"].message_type.full_name == "google.protobuf.Timestamp"
    method = reflected.FindServiceByName(SERVICES[0]).FindMethodByName("StoreSecret")
    assert method.input_type.full_name == "crate.v1.StoreSecretRequest", method.input_type.full_name


@sentence
def reflection_does_not_find_what_nobody_defines():
    for find, name in (
        (reflection.FindFileContainingSymbol, "crate.v1.NoService"),
        (reflection.FindFileByName, "crate/v1/nothing.proto"),
    ):
        try:
            found = find(name)
        except KeyError:
            continue
        raise AssertionError(f"{name} is {found}")


@sentence
def a_secret_is_stored_and_retrieved_without_the_files():
    environment, private = fresh_environment(), client_key()
    where = {"organization_id": ORGANIZATION, "environment": environment}
    key = invoke(SERVICES[0], "GetPublicKey", organization_id=ORGANIZATION).public_key_pem
    tag_list = {"tags": ["dynamic"]}
    sealed = seal(key, "found out")
    made = invoke(
        SERVICES[0], "StoreSecret", **where, name="NAME", encrypted_value=sealed, sealed=True, tag_list=tag_list
    ).secret
    assert made.version == 1 and list(made.tags) == ["dynamic"], made
    assert list(invoke(SERVICES[0], "ListSecrets", **where).secrets) == [made]
    answer = invoke(SERVICES[0], "RetrieveSecrets", **where, public_key_pem=spki(private))
    assert opened(private, answer.encrypted_secrets, answer.encrypted_key) == {"NAME": "found out"}


@sentence
def tags_and_profile_are_asked_for_without_the_files():
    assert "dynamic" in {tag.name for tag in invoke(SERVICES[1], "ListTags", organization_id=ORGANIZATION).tags}
    assert [place.id for place in invoke(SERVICES[2], "GetProfile").organizations] == [ORGANIZATION]


@sentence
def the_server_says_that_it_serves():
    assert check("") == HealthCheckResponse.SERVING


@sentence
def each_service_is_said_to_serve():
    for service in SERVICES:
        assert check(service) == HealthCheckResponse.SERVING, service


@sentence
def the_health_of_an_unknown_service_is_not_found():
    try:
        status = check("crate.v1.NoService")
    except grpc.RpcError as error:
        assert error.code().value[0] == NOT_FOUND, error
        return
    raise AssertionError(f"status {status}")


@sentence
def a_watch_tells_the_status_first():
    for service in ("", *SERVICES):
        assert first_status(service) == HealthCheckResponse.SERVING, service


@sentence
def a_watch_of_an_unknown_service_is_not_found_either():
    try:
        status = first_status("crate.v1.NoService")
    except grpc.RpcError as error:
        assert error.code().value[0] == NOT_FOUND, error
        return
    raise AssertionError(f"status {status}")


if __name__ == "__main__":
    run()
