"""Node ids as text, by OPC 10000-6 v1.05, section 5.1.12."""

from __future__ import annotations

import pytest

from adapters.opcua.nodes import STANDARD, NodeId, NotANodeId, UnknownPrefix, parse

M = {"m": "urn:peer:node-opcua", "kep": "KEPServerEX"}


@pytest.mark.parametrize(
    ("text", "node"),
    [
        ("i=2258", NodeId(STANDARD, "i", "2258")),
        ("s=Filler", NodeId(STANDARD, "s", "Filler")),
        ("m;s=Filler01.Speed", NodeId("urn:peer:node-opcua", "s", "Filler01.Speed")),
        ("m;i=4294967295", NodeId("urn:peer:node-opcua", "i", "4294967295")),
        ("kep;s=Channel1.Device1.Tag1", NodeId("KEPServerEX", "s", "Channel1.Device1.Tag1")),
        ("nsu=http://acme/;i=1023", NodeId("http://acme/", "i", "1023")),
        ("nsu=http://acme/a%3Bb%25;i=1", NodeId("http://acme/a;b%", "i", "1")),
        ("nsu=http://opcfoundation.org/UA/;i=2258", NodeId(STANDARD, "i", "2258")),
        ("ns=0;i=2258", NodeId(STANDARD, "i", "2258")),
        ("ns=2;s=Filler01.Speed", NodeId("", "s", "Filler01.Speed", 2)),
        ("ns=65535;i=1", NodeId("", "i", "1", 65535)),
        ("m;s=a;b=c", NodeId("urn:peer:node-opcua", "s", "a;b=c")),
        ('m;s="DB_1"."Füllstand"', NodeId("urn:peer:node-opcua", "s", '"DB_1"."Füllstand"')),
        (
            "m;g=09087E75-8E5E-499B-954F-F2A9603DB28A",
            NodeId("urn:peer:node-opcua", "g", "09087e75-8e5e-499b-954f-f2a9603db28a"),
        ),
        ("m;b=M/RbKBsRVkePCePcx24oRA==", NodeId("urn:peer:node-opcua", "b", "M/RbKBsRVkePCePcx24oRA==")),
    ],
)
def test_every_form_names_its_node(text: str, node: NodeId) -> None:
    assert parse(text, M) == node


@pytest.mark.parametrize(
    "text",
    [
        "",
        "Filler01.Speed",
        "m;Filler01.Speed",
        "m;",
        "m;s=",
        "m;s=a\tb",
        "m;s=" + "x" * 4097,
        "m;i=",
        "m;i=01",
        "m;i=-1",
        "m;i=4294967296",
        "m;i=0x10",
        "m;g=09087E75-8E5E-499B-954F",
        "m;g={09087E75-8E5E-499B-954F-F2A9603DB28A}",
        "m;b=",
        "m;b=M/RbKBsRVkePCePcx24oRA",
        "m;b=M_RbKBsRVkePCePcx24oRA==",
        "m;x=1",
        "ns=65536;i=1",
        "ns=;i=1",
        "ns=2",
        "ns=-1;i=1",
        "nsu=;i=1",
        "nsu=http://acme/%3;i=1",
        "nsu=http://acme/%FF;i=1",
        "svr=1;nsu=http://acme/;i=1",
        "i=0",
        "ns=0;i=0",
        "i=2258 ",
    ],
)
def test_what_is_no_node_id_is_refused(text: str) -> None:
    with pytest.raises(NotANodeId):
        parse(text, M)


def test_a_prefix_that_is_not_listed_is_named() -> None:
    with pytest.raises(UnknownPrefix) as caught:
        parse("mm;s=Filler01.Speed", M)
    assert caught.value.prefix == "mm"


@pytest.mark.parametrize(
    ("text", "canonical"),
    [
        ("m;s=Filler01.Speed", "nsu=urn:peer:node-opcua;s=Filler01.Speed"),
        ("nsu=http://acme/a%3bb%25 c;i=1", "nsu=http://acme/a%3Bb%25%20c;i=1"),
        ("nsu=http://opcfoundation.org/UA/;i=2258", "i=2258"),
        ("ns=2;i=7", "ns=2;i=7"),
        ("m;g=09087E75-8E5E-499B-954F-F2A9603DB28A", "nsu=urn:peer:node-opcua;g=09087e75-8e5e-499b-954f-f2a9603db28a"),
    ],
)
def test_one_node_has_one_text_that_names_it_again(text: str, canonical: str) -> None:
    node = parse(text, M)
    assert str(node) == canonical
    assert parse(canonical, {}) == node
