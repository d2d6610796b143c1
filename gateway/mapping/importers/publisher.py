"""``published_nodes.json`` of Azure's OPC Publisher as profiles and devices: one of each for every server and user.

Nodes are named by namespace URI where the file does (``nsu=...;s=...`` and ``uri#s=...``). An index alone (``ns=2``) is
kept, and said: it can change when the server restarts. Passwords are never copied.
"""

from __future__ import annotations

import re
from decimal import Decimal
from typing import NamedTuple
from urllib.parse import unquote

from gateway.mapping.diagnostics import Place
from gateway.mapping.draft import DraftDevice, DraftProfile, Imported, Setting
from gateway.mapping.importers.drafting import (
    Drafts,
    Names,
    Points,
    identifier_name,
    number,
    period,
    plain_name,
    with_defaults,
)
from gateway.mapping.importers.parts import LeftOut, Notes, Part, blocks, each
from gateway.mapping.importers.source import Source, read_json
from gateway.values import quote


def import_published_nodes(source: Source) -> Imported:
    """The servers and the nodes that OPC Publisher subscribes to."""
    notes = Notes(source.name)
    drafts = Drafts(notes)
    servers: dict[tuple[str, ...], _Server] = {}
    value = read_json(source, notes)

    def take(entry: Part) -> None:
        key = _connection(entry)
        if key not in servers:
            servers[key] = _Server(entry, key)
        drafts.rows += servers[key].take(entry)

    if value is not None and not isinstance(value, list):
        notes.out(LeftOut(notes.at(), "I20", "this is no list of servers with OpcNodes"))
    elif value:
        entries = [(entry, notes.at(f"[{index}]")) for index, entry in enumerate(value)]
        each(blocks(entries, notes), take)
    secrets = Names()
    for server in servers.values():
        server.finish(drafts, secrets)
    return drafts.imported()


_URL = re.compile(r"opc[.]tcp://(\[[0-9A-Fa-f:.]+]|[A-Za-z0-9_.-]+)(?::([0-9]{1,5}))?(/[!-~]*)?")
_POLICIES = (
    *("None", "Basic128Rsa15", "Basic256", "Basic256Sha256"),
    *("Aes128_Sha256_RsaOaep", "Aes256_Sha256_RsaPss"),
)
_SECRETS = (
    *("OpcAuthenticationPassword", "Password", "EncryptedAuthPassword", "EncryptedAuthUsername"),
    *("encryptedAuthPassword", "encryptedAuthUsername"),
)
"""Asked for so that they are not named as left over; their values are never looked at."""
_OWN_WAY = (
    *("DataSetWriterGroup", "DataSetWriterId", "DataSetName", "DataSetDescription", "DataSetClassId", "Version"),
    *("LastChangeTimespan", "LastChangeDateTime", "NodesContext", "DataSetKeyFrameCount", "MetaDataUpdateTime"),
    *("MetaDataUpdateTimeTimespan", "SendKeepAliveDataSetMessages", "MessageEncoding", "MessagingMode", "BatchSize"),
    *("BatchTriggerInterval", "BatchTriggerIntervalTimespan", "WriterGroupTransport", "Tag"),
    *("WriterGroupQualityOfService", "DataSetClassFieldId"),
)
"""How OPC Publisher groups and sends its messages; a gateway has its own way."""


def _connection(entry: Part) -> tuple[str, ...]:
    """Address, security, mode and user: what makes a session."""
    url = entry.text("EndpointUrl")
    if not url:
        raise entry.missing("EndpointUrl", "the address of the server")
    match = _URL.fullmatch(url)
    if match is None or not 1 <= int(match[2] or 4840) <= 65535:
        raise entry.wrong("EndpointUrl", f"{quote(url)} is not the address of an OPC UA server")
    if entry.flag("UseReverseConnect"):
        text = "the server connects to the client here (reverse connect), which is not possible yet"
        raise entry.wrong("UseReverseConnect", text, code="I23")
    policy = entry.text("EndpointSecurityPolicy").rpartition("#")[2]
    mode = entry.text("EndpointSecurityMode")
    if not mode:
        mode = "SignAndEncrypt" if entry.flag("UseSecurity") or policy not in ("", "None") else "None"
    else:
        entry.flag("UseSecurity")
    if mode == "Best":
        text = "Best takes whatever the server offers, unsecured too; here it is SignAndEncrypt"
        entry.notes.warn(entry.at("EndpointSecurityMode"), "I25", text)
        mode = "SignAndEncrypt"
    if mode not in ("None", "Sign", "SignAndEncrypt"):
        raise entry.wrong("EndpointSecurityMode", f"{quote(mode)} is no security mode")
    if policy and policy not in _POLICIES:
        raise entry.wrong("EndpointSecurityPolicy", f"{quote(policy)} is no security policy that is known here")
    if mode == "None":
        policy = "None"
    elif policy in ("", "None"):
        policy = "Basic256Sha256"
    kind = entry.text("OpcAuthenticationMode").casefold() or "anonymous"
    user = entry.text("OpcAuthenticationUsername") or entry.text("UserName")
    return url, policy, mode, "" if kind == "anonymous" else kind, user


class _Server:
    """One session's nodes."""

    def __init__(self, entry: Part, key: tuple[str, ...]) -> None:
        self._entry = entry
        self._url, self._policy, self._mode, self._sign_in, self._user = key
        self._notes = entry.notes
        self._points = Points(entry.notes)
        self._namespaces = _Namespaces()
        self._nodes: dict[str, str] = {}

    def take(self, entry: Part) -> int:
        """The nodes of one entry; gives how many there were."""
        for key in _SECRETS:
            entry.raw(key)
        nodes = entry.parts("OpcNodes")
        every = _every(entry, "DataSetSamplingInterval") or None
        each(nodes, lambda node: self._node(node, every))
        legacy = entry.raw("NodeId")
        if legacy is not None:
            members = legacy if isinstance(legacy, dict) else {"Identifier": legacy}
            each([Part(members, entry.at("NodeId"), self._notes)], lambda node: self._node(node, every))
        if not nodes and legacy is None and not entry.entries("OpcNodes"):
            self._notes.warn(entry.place, "I24", "there are no OpcNodes here, so there is nothing to import")
        entry.rest(*_OWN_WAY)
        return len(nodes) + (legacy is not None)

    def _node(self, node: Part, every: Decimal | None) -> None:
        for key in ("EventFilter", "IndexRange", "BrowsePath", "MethodMetadata", "ModelChangeHandling"):
            if key in node:
                text = f"{key}: a node that gives no single value of its own has no counterpart"
                raise node.wrong(key, text, code="I23")
        attribute = node.text("AttributeId").casefold()
        if attribute not in ("", "value", "13"):
            raise node.wrong("AttributeId", f"{quote(attribute)}: only the Value of a node is read", code="I23")
        key = next((key for key in ("ExpandedNodeId", "Id", "Identifier") if key in node), "Id")
        text = node.text(key)
        if not text:
            raise node.missing("Id", "the node id")
        node.text("Id")
        parsed = _parse(text)
        if parsed is None:
            raise node.wrong(key, f"{quote(text)} is not an OPC UA node id")
        address = self._address(parsed, node.at(key))
        wanted = node.text("DataSetFieldId") or node.text("DisplayName") or re.sub(".*;", "", parsed.identifier[2:])
        if address in self._nodes:
            hint = f"it is the point {self._nodes[address]} already"
            raise LeftOut(node.place, "I28", f"{quote(text)} stands here twice for the same server", hint)
        settings: dict[str, Setting] = {"node": address, **self._rhythm(node, every), **self._deadband(node)}
        self._nodes[address] = self._points.add(identifier_name(wanted), settings, node.place, node.source)
        node.text("DisplayName")
        node.rest(*_OWN_WAY)

    def _address(self, parsed: _NodeId, place: Place) -> str:
        if parsed.uri:
            return f"{self._namespaces.prefix(parsed.uri)};{parsed.identifier}"
        if parsed.ns:
            text = f'"ns={parsed.ns}" is a namespace index; it can change when the server restarts'
            hint = "put the namespace URI under namespaces: and write its short name here"
            self._notes.warn(place, "I29", text, hint)
            return f"ns={parsed.ns};{parsed.identifier}"
        return parsed.identifier

    def _rhythm(self, node: Part, every: Decimal | None) -> dict[str, Setting]:
        own = _every(node, "OpcSamplingInterval")
        seconds = own if own is not None else every if every is not None else Decimal(1)
        settings: dict[str, Setting] = {}
        if seconds <= 0:
            text = "a sampling interval of 0 (as fast as the server can) or below has no counterpart"
            self._notes.warn(node.at("OpcSamplingInterval"), "I25", text, "1 s was taken; write every: 100ms")
            seconds = Decimal(1)
        settings |= period(seconds, node.at("OpcSamplingInterval"), self._notes)
        silence = _timespan(node, "HeartbeatIntervalTimespan")
        silence = node.number("HeartbeatInterval") if silence is None else silence
        if silence:
            heartbeat = period(max(silence, Decimal(1)), node.at("HeartbeatInterval"), self._notes)
            settings |= {"heartbeat": heartbeat["every"]} if heartbeat else {}
        return settings

    def _deadband(self, node: Part) -> dict[str, Setting]:
        kind, size = node.text("DeadbandType").casefold(), node.number("DeadbandValue")
        if not kind or not size or size < 0:
            return {}
        if kind in ("percent", "2"):
            text = "percent of the range that the server gives; here it is of range:, or of the last value without one"
            self._notes.warn(node.at("DeadbandType"), "I25", text, "add range: [lowest, highest] to the point")
            return {"deadband": f"{format(min(size, Decimal(100)), 'f')} %"}
        if kind not in ("absolute", "1"):
            raise node.wrong("DeadbandType", f"{quote(kind)} is no kind of deadband", "Absolute or Percent")
        return {"deadband": number(size)} if len(number(size)) <= 20 else {}

    def finish(self, drafts: Drafts, secrets: Names) -> None:
        """Its profile and its device."""
        if not self._points.drafts:
            return
        match = _URL.fullmatch(self._url)
        name = plain_name(match[1] if match else "", "server")
        defaults, points = with_defaults(self._points.drafts)
        table: dict[str, Setting] = dict(self._namespaces.table)
        head: dict[str, Setting] = {"namespaces": table} if table else {}
        draft = DraftProfile(name, "opcua", points, note=self._notes.file, head=head, defaults=defaults)
        profile = drafts.profile(draft)
        connect: dict[str, Setting] = {"opcua": self._url}
        if (self._policy, self._mode) != ("Basic256Sha256", "SignAndEncrypt"):
            connect |= {"security": self._policy, "mode": self._mode}
        connect |= self._signed_in(name, secrets)
        drafts.device(DraftDevice(name, profile, connect, self._entry.source), self._entry.place)

    def _signed_in(self, name: str, secrets: Names) -> dict[str, Setting]:
        if self._sign_in == "certificate":
            text = "the user's certificate is not taken over; the device signs in as anonymous"
            hint = "add user: {certificate: FILE, key: {secret: NAME}} to its connect:"
            self._notes.warn(self._entry.at("OpcAuthenticationMode"), "I27", text, hint)
            return {}
        if self._sign_in and self._user:
            secret = secrets.free(name, "-")
            text = f"the password of {quote(self._user)} is not copied"
            hint = f"set it with: fieldgate secret set {secret}"
            self._notes.warn(self._entry.at("OpcAuthenticationMode"), "I27", text, hint)
            return {"user": {"name": self._user, "password": {"secret": secret}}}
        if self._sign_in:
            text = "user and password are encrypted, and not taken over; the device signs in as anonymous"
            hint = f"add user: {{name: ..., password: {{secret: {name}}}}} to its connect:"
            self._notes.warn(self._entry.at("OpcAuthenticationMode"), "I27", text, hint)
        return {}


class _Namespaces:
    """Short names for namespace URIs."""

    def __init__(self) -> None:
        self.table: dict[str, str] = {}
        self._known: dict[str, str] = {}
        self._names = Names()

    def prefix(self, uri: str) -> str:
        """``plc`` for ``http://acme.example/Plc/``."""
        if uri not in self._known:
            words = re.findall("[a-z][a-z0-9]*", uri.casefold().partition("://")[2] or uri.casefold())
            word = words[-1][:20] if words else "m"
            word = f"{word}_" if word in ("ns", "nsu", "svr") else word
            self._known[uri] = self._names.free(word, "")
            self.table[self._known[uri]] = uri
        return self._known[uri]


class _NodeId(NamedTuple):
    uri: str
    ns: int
    identifier: str
    """``s=Filler01.Speed``"""


_OPC_UA = "http://opcfoundation.org/UA/"
_IDENTIFIER = re.compile("i=[0-9]{1,10}|s=[^\x00-\x1f]+|g=[0-9A-Fa-f-]{36}|b=[A-Za-z0-9+/]*={0,2}", re.DOTALL)


def _parse(text: str) -> _NodeId | None:
    """``ns=2;s=X``, ``nsu=uri;s=X`` (with ``;`` and ``%`` of the URI escaped) or ``uri#s=X``."""
    uri, index, identifier = "", 0, text
    match = re.match("ns=([0-9]{1,5});", text)
    if match:
        index, identifier = int(match[1]), text[match.end() :]
    elif text.startswith("nsu="):
        uri, _, identifier = text[4:].partition(";")
        uri = unquote(uri)
    elif not _IDENTIFIER.fullmatch(text):
        uri, _, identifier = text.partition("#")
    if not _IDENTIFIER.fullmatch(identifier) or len(text) > 4096 or (not uri and text[:4] == "nsu="):
        return None
    if re.search("[\x00-\x1f]", uri) or index > 65535:
        return None
    return _NodeId("" if uri == _OPC_UA else uri, index, identifier)


_TIMESPAN = re.compile(r"(?:([0-9]{1,6})\.)?([0-9]{1,2}):([0-9]{2})(?::([0-9]{2})(?:\.([0-9]{1,7}))?)?")


def _timespan(part: Part, key: str) -> Decimal | None:
    text = part.text(key)
    if not text:
        return None
    match = _TIMESPAN.fullmatch(text)
    if match is None:
        raise part.wrong(key, f"{quote(text)} is not a time span (1.02:03:04.500)")
    days, hours, minutes = int(match[1] or 0), int(match[2]), int(match[3])
    return Decimal(f"{days * 86400 + hours * 3600 + minutes * 60 + int(match[4] or 0)}.{match[5] or 0}")


def _every(part: Part, key: str) -> Decimal | None:
    """Seconds; the time span wins over the milliseconds."""
    span = _timespan(part, f"{key}Timespan")
    milliseconds = part.number(key)
    return span if span is not None else None if milliseconds is None else milliseconds / 1000
