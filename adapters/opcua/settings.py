"""What a plant engineer writes for OPC UA: ``connect:`` of a device, a profile's namespaces, the node of a point."""

from __future__ import annotations

import re
from typing import Annotated, Literal, Self, TypeAlias

from pydantic import AfterValidator, Field, ValidationInfo, field_validator, model_validator

from adapters.opcua.nodes import NodeId
from gateway.adapter import Duration, Secret, Settings, fault

PORT = 4840
"""The registered port of OPC UA's binary protocol."""

Security: TypeAlias = Literal[
    "None", "Basic128Rsa15", "Basic256", "Basic256Sha256", "Aes128_Sha256_RsaOaep", "Aes256_Sha256_RsaPss"
]
"""The security policies, by the last part of their URI (OPC 10000-7)."""
Mode: TypeAlias = Literal["None", "Sign", "SignAndEncrypt"]

DEPRECATED: frozenset[Security] = frozenset(("Basic128Rsa15", "Basic256"))
"""They rest on SHA-1; for servers that know nothing else."""

_ENDPOINT = re.compile(
    r"opc[.]tcp://(\[[0-9A-Fa-f:.]+]|[A-Za-z0-9_](?:[A-Za-z0-9._-]*[A-Za-z0-9_])?)(?::([0-9]{1,5}))?(/[!-~]*)?"
)
_EXAMPLE = "write for example opc.tcp://10.20.0.30:4840"
_PREFIX = re.compile("[A-Za-z][A-Za-z0-9_-]{0,31}")
_TEXT = re.compile("[^\x00-\x1f\x7f-\x9f]+")


def _endpoint(text: str) -> str:
    """One spelling for one server: the host in small letters, the port always named, no lonely slash at the end."""
    match = _ENDPOINT.fullmatch(text)
    if match is None:
        hint = f"write opc.tcp://{text}" if _ENDPOINT.fullmatch(f"opc.tcp://{text}") else _EXAMPLE
        raise fault("U04", f'"{text}" is not the address of an OPC UA server', hint)
    port = PORT if match[2] is None else int(match[2])
    if not 1 <= port <= 65535:
        raise fault("U04", f'"{text}" has the port {port}, but a port is 1 to 65535', _EXAMPLE)
    path = match[3] or ""
    return f"opc.tcp://{match[1].lower()}:{port}{'' if path == '/' else path}"


def _prefix(text: str) -> str:
    if not _PREFIX.fullmatch(text) or text in ("ns", "nsu", "svr"):
        hint = 'use letters and digits, a letter first, for example  m: "urn:acme:filler"'
        raise fault("U08", f'"{text}" is not a valid name for a namespace', hint)
    return text


def _uri(text: str) -> str:
    if text.isdecimal() or text.startswith("ns="):
        hint = "write the namespace's URI as the server lists it (NamespaceArray, i=2255)"
        raise fault("U08", f'"{text}" is a namespace index, not a URI; it can change when the server restarts', hint)
    # No more than that: some servers name their namespaces with texts that are no URIs.
    if not _TEXT.fullmatch(text):
        raise fault("U08", "{key} has no namespace URI", 'write for example "urn:acme:filler"')
    return text


class User(Settings):
    """Who the gateway is to the server; nothing written: anonymous."""

    name: str = ""
    """For a login with name and password."""
    password: Secret | None = None
    """Its password: {secret: NAME}, and then: fieldgate secret set NAME."""
    certificate: str = ""
    """File of the user's X.509 certificate."""
    key: Secret | None = None
    """Its private key, PEM."""

    @model_validator(mode="after")
    def _one_whole_kind(self) -> Self:
        written = self.model_fields_set
        if written not in (set(), {"name", "password"}, {"certificate", "key"}) or (written and not self.label):
            text = "{key} needs either name and password, or certificate and key"
            raise fault("U06", text, "write for example  user: {name: fieldgate, password: {secret: filler-01}}")
        return self

    @property
    def label(self) -> str:
        """The name or the certificate; empty for anonymous."""
        return self.name or self.certificate


class Connect(Settings):
    """``connect:`` of a device. Signed and encrypted unless something else is written."""

    opcua: Annotated[str, AfterValidator(_endpoint)]
    """The address of the server: opc.tcp://10.20.0.30:4840."""
    security: Security = "Basic256Sha256"
    """The security policy; Basic128Rsa15 and Basic256 are no longer safe, None is no protection at all."""
    mode: Mode = Field("SignAndEncrypt", validate_default=True)
    """Whether messages are signed and encrypted; None goes with security: None alone."""
    user: User = User()
    """Who the gateway is to the server; anonymous where nothing is written."""
    timeout: Annotated[Duration, Field(ge=0.1, le=60)] = 4.0
    """How long one request may take."""

    @field_validator("mode")
    @classmethod
    def _fits_security(cls, mode: Mode, info: ValidationInfo) -> Mode:
        security = info.data.get("security", "")
        if security and (security == "None") != (mode == "None"):
            hint = (
                "write mode: None too, or leave out both: then the connection is signed and encrypted"
                if security == "None"
                else "write mode: SignAndEncrypt, or security: None where the server has nothing else"
            )
            raise fault("D06", f"security {security} and mode {mode} do not belong together", hint)
        return mode


class Profile(Settings):
    """What stands at the top of a profile."""

    namespaces: dict[Annotated[str, AfterValidator(_prefix)], Annotated[str, AfterValidator(_uri)]] = Field(
        default_factory=dict
    )
    """Namespace URI by the short name that the nodes of this profile begin with."""


class Address(Settings):
    """Where a point lives, as it is written. Its value comes with its type from the server."""

    node: Annotated[str, Field(description="the node id")]


class NodeAddress(Address):
    """An address whose node is known."""

    id: NodeId


def line(connect: Connect) -> str:
    """One session for all devices of one server, as long as they are the same user with the same security."""
    parts = [connect.opcua]
    if (connect.security, connect.mode) != ("Basic256Sha256", "SignAndEncrypt"):
        parts.append("not secured" if connect.mode == "None" else f"{connect.security} {connect.mode}")
    if connect.user.label:
        parts.append(f"as {connect.user.label}")
    return ", ".join(parts)
