"""What the scripts of the Crate API share: callers, the published services, and the two ways of sealing.

Settings: KLUIS_ORGANIZATION; KLUIS_OWNER_KEY, KLUIS_ADMIN_KEY, KLUIS_MEMBER_KEY, KLUIS_VIEWER_KEY and KLUIS_AGENT_KEY,
keys of that organization; KLUIS_STRANGER_KEY, a key of another organization's owner; KLUIS_OWNER_EMAIL.
"""

import base64
import json
import os
import uuid
from pathlib import Path

import grpc_tools
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from grpc_tools import protoc

from steps import setting

ORGANIZATION = setting("KLUIS_ORGANIZATION")
OWNER = setting("KLUIS_OWNER_KEY")
PROTO = Path(__file__).parents[2] / "proto"

# A nonce of 12 bytes before and a tag of 16 behind what AES-GCM makes of a text (§4.2).
NONCE, TAG = 12, 16


def compile_published(*outputs):
    """Have protoc write something of the published services: `--python_out=…`, `--descriptor_set_out=…`."""
    files = sorted(str(file.relative_to(PROTO)) for file in PROTO.rglob("*.proto"))
    assert files, f"nothing is published in {PROTO}"
    well_known = Path(grpc_tools.__file__).parent / "_proto"
    assert protoc.main(["protoc", f"-I{PROTO}", f"-I{well_known}", *outputs, *files]) == 0, "protoc failed"


def fresh_environment():
    """An environment that nothing else is in."""
    return f"e{uuid.uuid4().hex}"


def base64_of(data):
    return base64.b64encode(data).decode()


def oaep(mgf1=hashes.SHA256, label=None):
    """The padding of §4.1, or one that differs in one thing."""
    return padding.OAEP(padding.MGF1(mgf1()), hashes.SHA256(), label)


def read_public(pem):
    return serialization.load_pem_public_key(pem.encode())


def wrap(pem, data, how=None):
    """What the holder of a public key's private half opens."""
    return read_public(pem).encrypt(data, how or oaep())


def seal(pem, text):
    """A short value for a store: `encrypted_value`."""
    return base64_of(wrap(pem, text.encode()))


def seal_long(pem, text):
    """A value of any length for a store: `encrypted_value` and `encrypted_key` (§4.3)."""
    key, nonce = os.urandom(32), os.urandom(NONCE)
    blob = nonce + AESGCM(key).encrypt(nonce, text.encode(), None)
    return {"encrypted_value": base64_of(blob), "encrypted_key": base64_of(wrap(pem, key))}


def capacity(pem):
    """The bytes that fit into one sealed value: all but the 66 of the padding."""
    return read_public(pem).key_size // 8 - 66


def client_key(bits=2048):
    return rsa.generate_private_key(65537, bits)


def spki(private):
    """The public half as `PUBLIC KEY`."""
    return _pem(private, serialization.PublicFormat.SubjectPublicKeyInfo)


def pkcs1(private):
    """The public half as `RSA PUBLIC KEY`."""
    return _pem(private, serialization.PublicFormat.PKCS1)


def _pem(private, form):
    return private.public_key().public_bytes(serialization.Encoding.PEM, form).decode()


def private_pem(private):
    unencrypted = serialization.NoEncryption()
    return private.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, unencrypted).decode()


def unwrapped(private, encrypted_key):
    return private.decrypt(base64.b64decode(encrypted_key, validate=True), oaep())


def opened_text(key, encrypted_secrets):
    """The JSON text in an answer to a retrieval."""
    blob = base64.b64decode(encrypted_secrets, validate=True)
    return AESGCM(key).decrypt(blob[:NONCE], blob[NONCE:], None).decode()


def opened(private, encrypted_secrets, encrypted_key):
    """Names and values of an answer to a retrieval, in the order in which they stand there."""
    key = unwrapped(private, encrypted_key)
    assert len(key) == 32, f"an AES key of {len(key)} bytes"
    return members(opened_text(key, encrypted_secrets))


def members(text):
    """The members of a flat JSON object of texts, none of them twice."""
    pairs = json.loads(text, object_pairs_hook=list)
    assert all(isinstance(value, str) for _, value in pairs), "a value is no text"
    assert len({name for name, _ in pairs}) == len(pairs), "a name comes twice"
    return dict(pairs)
