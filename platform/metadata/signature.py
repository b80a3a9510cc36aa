"""Signed archives: Ed25519 over the canonical list of the SHA-256s of all files."""

from __future__ import annotations

import base64
import binascii
import hashlib
from collections.abc import Iterable, Mapping

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from dacheng.metadata.package import canonical
from dacheng.metadata.problem import refuse
from dacheng.metadata.strict_json import strict_json

SIGNATURE = "signature.json"


def signed_content(files: Mapping[str, bytes]) -> bytes:
    """What a signature covers: path → SHA-256 of every file but the signature's own, in canonical JSON."""
    sums = {name: hashlib.sha256(data).hexdigest() for name, data in files.items() if name != SIGNATURE}
    return canonical(sums).encode("utf-8")


def sign(files: Mapping[str, bytes], private_key: bytes) -> dict[str, bytes]:
    """The files with `signature.json` added; `private_key` is 32 raw bytes and is kept nowhere."""
    key = Ed25519PrivateKey.from_private_bytes(private_key)
    signature = key.sign(signed_content(files))
    public = key.public_key().public_bytes_raw()
    body = {"key": base64.b64encode(public).decode(), "signature": base64.b64encode(signature).decode()}
    return {**files, SIGNATURE: canonical(body).encode() + b"\n"}


def check(files: Mapping[str, bytes], trusted: Iterable[bytes]) -> bytes:
    """The public key (32 raw bytes, one of `trusted`) that signed these files; refuses all else."""
    if SIGNATURE not in files:
        raise refuse("package.unsigned")
    body = strict_json(files[SIGNATURE], file=SIGNATURE)
    try:
        public = base64.b64decode(body["key"], validate=True)
        signature = base64.b64decode(body["signature"], validate=True)
    except (KeyError, TypeError, ValueError, binascii.Error):
        raise refuse("package.bad_signature", file=SIGNATURE) from None
    if public not in set(trusted):
        raise refuse("package.unknown_signer", file=SIGNATURE)
    try:
        Ed25519PublicKey.from_public_bytes(public).verify(signature, signed_content(files))
    except (InvalidSignature, ValueError):
        raise refuse("package.bad_signature", file=SIGNATURE) from None
    return public
