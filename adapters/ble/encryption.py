"""Encrypted BTHome v2: AES-CCM with a key that device and gateway share."""

from __future__ import annotations

from typing import NamedTuple

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESCCM

_UUID = b"\xd2\xfc"
"""0xFCD2, as it stands in an advertisement."""
_COUNTER_SIZE = 4
_TAG_SIZE = 4


class WrongKey(Exception):
    """The key does not fit, or what was sent has been changed on its way."""


class Opened(NamedTuple):
    """What was inside."""

    objects: bytes
    counter: int
    """Grows with every advertisement; one that does not is a repetition."""


def decrypt(info: int, sealed: bytes, key: bytes, mac: bytes) -> Opened:
    """Open ``sealed``, all that follows the device information byte ``info`` and the MAC address where there is one.

    ``key``: 16 bytes; ``mac``: the 6 bytes of the address in the order in which people write them. Raises WrongKey,
    also for what is too short.
    """
    if len(sealed) < _COUNTER_SIZE + _TAG_SIZE:
        raise WrongKey
    text, counter, tag = sealed[:-8], sealed[-8:-4], sealed[-4:]
    nonce = mac + _UUID + bytes((info,)) + counter
    try:
        objects = AESCCM(key, tag_length=_TAG_SIZE).decrypt(nonce, text + tag, None)
    except InvalidTag as error:
        raise WrongKey from error
    return Opened(objects, int.from_bytes(counter, "little"))
