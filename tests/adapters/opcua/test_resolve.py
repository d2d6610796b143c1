"""The messages of the catalogue for nodes, word by word."""

from __future__ import annotations

from collections.abc import Sequence

from adapters.opcua.nodes import NodeId
from adapters.opcua.resolve import resolve
from adapters.opcua.settings import Address, NodeAddress, Profile
from gateway.adapter import Finding

PROFILE = Profile(namespaces={"m": "urn:peer:node-opcua", "di": "urn:devices"})


def resolved(name: str, node: str, profile: Profile = PROFILE) -> tuple[Address, Sequence[Finding]]:
    return resolve(name, profile, Address(node=node), {"node": node})


def test_a_prefix_becomes_its_namespace() -> None:
    address, findings = resolved("speed", "m;s=Filler01.Speed")
    assert not findings
    assert isinstance(address, NodeAddress)
    assert address.id == NodeId("urn:peer:node-opcua", "s", "Filler01.Speed")
    assert address.node == "m;s=Filler01.Speed"


def test_u01_no_node_id() -> None:
    _, findings = resolved("speed", "Filler01.Speed", Profile())
    hint = 'write for example "m;s=Filler01.Speed", "nsu=http://acme/;i=1023" or "i=2258"'
    text = 'speed: "Filler01.Speed" is not an OPC UA node id'
    assert findings == [Finding("U01", 0, "node", text, hint)]


def test_u01_proposes_the_namespace_of_the_profile() -> None:
    (finding,) = resolved("speed", "Filler02.Speed")[1]
    assert finding.hint == 'write for example "m;s=Filler02.Speed"'
    (finding,) = resolved("speed", "m;i=01")[1]
    assert finding.hint.startswith('write for example "m;s=Filler01.Speed"')


def test_u02_an_index_is_a_warning() -> None:
    address, (finding,) = resolved("mode", "ns=2;s=Filler01.Mode")
    assert (finding.code, finding.key, finding.warning) == ("U02", "node", True)
    assert finding.text == 'mode: "ns=2" is a namespace index; it can change when the server restarts'
    assert 'write "m;s=Filler01.Mode"' in finding.hint
    assert isinstance(address, NodeAddress)
    assert address.id.index == 2


def test_the_index_0_never_changes() -> None:
    address, findings = resolved("time", "ns=0;i=2258")
    assert not findings
    assert isinstance(address, NodeAddress)
    assert str(address.id) == "i=2258"


def test_u03_a_namespace_that_is_not_listed() -> None:
    (finding,) = resolved("bottles", "mm;s=Filler01.BottleCount")[1]
    assert (finding.code, finding.key, finding.warning) == ("U03", "node", False)
    assert finding.text == 'bottles: namespace "mm" is not listed under namespaces:'
    assert finding.hint == 'did you mean "m"?'


def test_u03_says_how_to_add_it_where_none_is_near() -> None:
    (finding,) = resolved("bottles", "filler;s=BottleCount")[1]
    assert finding.hint == 'add it:  namespaces: {filler: "urn:..."}; there is: m, di'
