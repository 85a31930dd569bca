"""Seal and open with the program `openssl`, through the REST side of the Crate API."""

import base64
import json
import os
import subprocess
import tempfile
import urllib.error
import urllib.request
from functools import cache
from pathlib import Path

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from crate_harness import NONCE, ORGANIZATION, OWNER, base64_of, fresh_environment, members, opened_text
from steps import URL, run, sentence

OAEP = ("rsa_padding_mode:oaep", "rsa_oaep_md:sha256", "rsa_mgf1_md:sha256")

# What is another in each answer.
OWN_HEADERS = {"date", "x-request-id"}


def ask(method, path, body=None):
    """Status, headers and body of an answer, whatever they are."""
    headers = {"authorization": f"Bearer {OWNER}", "content-type": "application/json"}
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(URL + path, data, headers, method=method)
    try:
        answer = urllib.request.urlopen(request, timeout=60)
    except urllib.error.HTTPError as refused:
        answer = refused
    with answer:
        return answer.status, {name.lower(): value for name, value in answer.headers.items()}, answer.read()


def done(method, path, body=None):
    """The JSON of an answer that has to be a success."""
    status, _, text = ask(method, path, body)
    assert status == 200, f"{method} {path}: {status} {text}"
    return json.loads(text)


def secrets(path=""):
    return f"/organization/{ORGANIZATION}/secrets{path}"


def put(environment, encrypted_value, **others):
    """Ask for a store."""
    body = {"name": "NAME", "environment": environment, "encrypted_value": base64_of(encrypted_value), "sealed": True}
    return ask("PUT", secrets(), {**body, **others})


def stored(environment, encrypted_value, **others):
    status, _, text = put(environment, encrypted_value, **others)
    assert status == 200, f"{status} {text}"


def read_through_1claw(environment):
    """The value as another API tells it."""
    [vault] = [vault["id"] for vault in done("GET", "/v1/vaults")["vaults"] if vault["name"] == environment]
    return done("GET", f"/v1/vaults/{vault}/secrets/NAME")["value"]


def openssl(*arguments, stdin=b""):
    ended = subprocess.run(["openssl", *arguments], input=stdin, capture_output=True, check=False)
    assert ended.returncode == 0, f"openssl {' '.join(arguments)}: {ended.stderr.decode()}"
    return ended.stdout


@cache
def directory():
    """Where keys lie while the script runs."""
    return tempfile.TemporaryDirectory()


def file(name, content):
    path = Path(directory().name) / name
    path.write_bytes(content)
    return str(path)


@cache
def organization_key():
    """The file with the organization's public key."""
    return file("organization", done("GET", secrets("/public-key"))["public_key_pem"].encode())


@cache
def client_key():
    """The file with a private key of the client's."""
    return file("client", openssl("genpkey", "-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048"))


def pkeyopt(options):
    return [word for option in options for word in ("-pkeyopt", option)]


def sealed(data, *options, key=None):
    """What `openssl` makes of a short value."""
    of = ("-pubin", "-inkey", key or organization_key())
    return openssl("pkeyutl", "-encrypt", *of, *pkeyopt(options or OAEP), stdin=data)


def sealed_long(data, key=None, aad=None):
    """A nonce and what AES-GCM makes of a long value under a key."""
    nonce = os.urandom(NONCE)
    return nonce + AESGCM(key or os.urandom(32)).encrypt(nonce, data, aad)


def unwrapped(encrypted_key):
    """The AES key of a retrieval, as `openssl` opens it."""
    data = base64.b64decode(encrypted_key, validate=True)
    return openssl("pkeyutl", "-decrypt", "-inkey", client_key(), *pkeyopt(OAEP), stdin=data)


def retrieved(environment, **filters):
    """What a retrieval brings."""
    public = openssl("pkey", "-in", client_key(), "-pubout").decode()
    body = {"environment": environment, "public_key_pem": public, **filters}
    answer = done("POST", secrets("/retrieve"), body)
    assert set(answer) == {"encrypted_secrets", "encrypted_key"}, sorted(answer)
    return members(opened_text(unwrapped(answer["encrypted_key"]), answer["encrypted_secrets"]))


@sentence
def openssl_reads_the_public_key():
    told = openssl("pkey", "-pubin", "-in", organization_key(), "-text", "-noout").decode()
    assert "Public-Key: (3072 bit)" in told and "Exponent: 65537 " in told, told
    again = openssl("pkey", "-pubin", "-in", organization_key(), "-pubout")
    assert again == Path(organization_key()).read_bytes(), "spelled otherwise than openssl does"


@sentence
def a_value_that_openssl_sealed_is_read_through_another_api():
    environment = fresh_environment()
    for value in ("value", "Grüße, 世界\n", "x" * 318):
        stored(environment, sealed(value.encode()))
        assert read_through_1claw(environment) == value


@sentence
def a_long_value_under_a_key_that_openssl_wrapped_is_read_through_another_api():
    environment, key = fresh_environment(), os.urandom(32)
    value = "line\n" * 5000
    stored(environment, sealed_long(value.encode(), key), encrypted_key=base64_of(sealed(key)))
    assert read_through_1claw(environment) == value


@sentence
def openssl_opens_what_a_retrieval_brings():
    environment = fresh_environment()
    assert retrieved(environment) == {}
    stored(environment, sealed(b"first"))
    stored(environment, sealed("zweitens: 🔑".encode()), name="OTHER", tags=["second"])
    assert retrieved(environment) == {"NAME": "first", "OTHER": "zweitens: 🔑"}
    assert retrieved(environment, tags=["second"]) == {"OTHER": "zweitens: 🔑"}


def other_key():
    """The file with a public key of as many bits that is not the organization's."""
    private = file("other", openssl("genpkey", "-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:3072"))
    return file("other.public", openssl("pkey", "-in", private, "-pubout"))


def altered(data):
    """The same bytes with one too few, one too many, and one bit turned at both ends and in the middle."""
    yield from (data[:-1], data[1:], data[: len(data) // 2], data + b"\0", b"\0" + data, bytes(len(data)))
    for place in (0, len(data) // 2, len(data) - 1):
        yield data[:place] + bytes([data[place] ^ 0x80]) + data[place + 1 :]


def wrongly_sealed(data):
    """Ciphertexts of some bytes that the organization's key does not open as §4.1 says."""
    yield from altered(sealed(data))
    yield sealed(data, "rsa_padding_mode:oaep", "rsa_oaep_md:sha256", "rsa_mgf1_md:sha1")
    yield sealed(data, "rsa_padding_mode:oaep", "rsa_oaep_md:sha1", "rsa_mgf1_md:sha1")
    yield sealed(data, "rsa_padding_mode:oaep", "rsa_oaep_md:sha512", "rsa_mgf1_md:sha512")
    yield sealed(data, *OAEP, "rsa_oaep_label:6c6162656c")
    yield sealed(data, "rsa_padding_mode:pkcs1")
    yield sealed(b"\0" * (384 - len(data)) + data, "rsa_padding_mode:none")
    yield sealed(data, key=other_key())


def long_ones_that_do_not_open():
    """Values and keys for the long way, one of them wrong."""
    key = os.urandom(32)
    blob, wrapped = sealed_long(b"value", key), sealed(key)
    yield from ((blob, wrong) for wrong in wrongly_sealed(key))
    yield from ((wrong, wrapped) for wrong in altered(blob))
    yield from ((blob[:length], wrapped) for length in (1, 12, 13, 27, 28))
    yield sealed_long(b"value", key, aad=b"NAME"), wrapped
    yield sealed_long(b"value"), wrapped
    for length in (16, 24):
        yield sealed_long(b"value", key[:length]), sealed(key[:length])
    for wrong in (b"", key[:31], key + b"\0"):
        yield blob, sealed(wrong)


def told(answer):
    """What an answer gives away."""
    status, headers, body = answer
    return status, tuple(sorted((name, text) for name, text in headers.items() if name not in OWN_HEADERS)), body


@sentence
def what_does_not_open_fails_in_one_way_short_or_long():
    environment = fresh_environment()
    stored(environment, sealed(b"kept"))
    answers = [told(put(environment, wrong)) for wrong in wrongly_sealed(b"value")]
    answers += [
        told(put(environment, blob, encrypted_key=base64_of(wrapped))) for blob, wrapped in long_ones_that_do_not_open()
    ]
    assert len(set(answers)) == 1, set(answers)
    status, _, body = answers[0]
    assert status == 400 and json.loads(body)["code"] == "invalid_argument", answers[0]
    assert retrieved(environment) == {"NAME": "kept"}
    [kept] = done("GET", secrets(f"?env={environment}"))["secrets"]
    assert kept["version"] == 1, kept


if __name__ == "__main__":
    run()
