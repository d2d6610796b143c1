"""Node ids as text (OPC 10000-6 v1.05, section 5.1.12), with our own short form ``prefix;identifier``."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, TypeAlias
from urllib.parse import quote, unquote
from uuid import UUID

IdType: TypeAlias = Literal["i", "s", "g", "b"]
"""Number, string, GUID, opaque bytes (as base64)."""

STANDARD = "http://opcfoundation.org/UA/"
"""The namespace that has the index 0 in every server."""

_LONGEST = 4096
"""Characters or bytes of an identifier (OPC 10000-3, section 8.2.4)."""
_NUMBER = re.compile("0|[1-9][0-9]{0,9}")
_TEXT = re.compile("[^\x00-\x1f\x7f-\x9f]+")
_GUID = re.compile("[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_STRAY_PERCENT = re.compile("%(?![0-9a-fA-F]{2})")
_SELF_CONTAINED = re.compile("[isgb]=")


@dataclass(frozen=True, slots=True)
class NodeId:
    """A node in one server's address space."""

    uri: str
    """Of the namespace; empty where only its index is known."""
    type: IdType
    identifier: str
    """Canonical: a GUID in small letters, base64 with its padding."""
    index: int | None = None
    """Of the namespace, where it was written so."""

    def __str__(self) -> str:
        """One text for one node: ``nsu=urn:acme;s=Speed``, ``ns=2;i=7``, ``i=2258``."""
        own = f"{self.type}={self.identifier}"
        if self.uri == STANDARD:
            return own
        if self.index is not None:
            return f"ns={self.index};{own}"
        return f"nsu={quote(self.uri, safe=_UNESCAPED)};{own}"


_UNESCAPED = "".join(chr(code) for code in range(0x21, 0x7F) if chr(code) not in ";%")


class NotANodeId(ValueError):
    """The text names no node."""


class UnknownPrefix(ValueError):
    """The text is written with a prefix that stands for no namespace."""

    def __init__(self, prefix: str) -> None:
        super().__init__(prefix)
        self.prefix = prefix


def parse(text: str, namespaces: Mapping[str, str]) -> NodeId:
    """The node that a text names; ``namespaces``: URI by prefix. Raises NotANodeId or UnknownPrefix."""
    if _SELF_CONTAINED.match(text):
        return _checked(NodeId(STANDARD, *_identifier(text)))
    head, separator, rest = text.partition(";")
    if not separator:
        raise NotANodeId(text)
    type_, identifier = _identifier(rest)
    if head.startswith("nsu="):
        return _checked(NodeId(_uri(head.removeprefix("nsu=")), type_, identifier))
    if head.startswith("ns="):
        index = _index(head.removeprefix("ns="))
        return _checked(NodeId("" if index else STANDARD, type_, identifier, index or None))
    if head not in namespaces:
        raise UnknownPrefix(head)
    return _checked(NodeId(namespaces[head], type_, identifier))


def _checked(node: NodeId) -> NodeId:
    if (node.uri, node.type, node.identifier) == (STANDARD, "i", "0"):
        raise NotANodeId("i=0 is the null node")
    return node


def _identifier(text: str) -> tuple[IdType, str]:
    value = text[2:]
    match text[:2]:
        case "i=" if _NUMBER.fullmatch(value) and int(value) < 1 << 32:
            return "i", value
        case "s=" if _TEXT.fullmatch(value) and len(value) <= _LONGEST:
            return "s", value
        case "g=" if _GUID.fullmatch(value):
            return "g", str(UUID(value))
        case "b=" if value:
            return "b", _opaque(value)
    raise NotANodeId(text)


def _opaque(value: str) -> str:
    try:
        content = base64.b64decode(value, validate=True)
    except (binascii.Error, ValueError) as error:
        raise NotANodeId(value) from error
    if not 1 <= len(content) <= _LONGEST:
        raise NotANodeId(value)
    return base64.b64encode(content).decode("ascii")


def _uri(text: str) -> str:
    """A namespace URI without its escapes: ``;`` and ``%`` cannot stand for themselves."""
    uri = unquote(text, errors="replace")
    if _STRAY_PERCENT.search(text) or not _TEXT.fullmatch(uri) or "\ufffd" in uri:
        raise NotANodeId(text)
    return uri


def _index(text: str) -> int:
    if not _NUMBER.fullmatch(text) or int(text) > 0xFFFF:
        raise NotANodeId(text)
    return int(text)
