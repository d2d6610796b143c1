"""What is said about the addresses of one device."""

from __future__ import annotations

import pytest

from adapters.modbus.check import check
from adapters.modbus.settings import Address, Connect
from gateway.adapter import Finding, Point

CONNECT = Connect(modbus="tcp://plc")


def found(**addresses: Address) -> list[Finding]:
    return check([Point("d", CONNECT, name, address, 1.0) for name, address in addresses.items()])


def test_a_sound_device_has_no_findings() -> None:
    assert (
        found(
            a=Address(at=0, type="float32"),
            b=Address(at=2, type="int16"),
            c=Address(at=0, table="input", type="uint64"),
            d=Address(at=0, table="coil", type="bool"),
            e=Address(at=65535),
            f=Address(at=65532, table="input", type="float64"),
            g=Address(at=9, type="bool"),
        )
        == []
    )


@pytest.mark.parametrize("table", ["coil", "discrete"])
def test_b06_bits_are_bool(table: str) -> None:
    (finding,) = found(run=Address.model_validate({"at": 1, "table": table}))
    assert finding == (
        "B06",
        0,
        "type",
        f"run: {table} holds single bits, type must be bool",
        "write type: bool",
        False,
    )


@pytest.mark.parametrize(
    ("address", "where"),
    [
        (Address(at=65535, type="uint32"), "register 65535..65536"),
        (Address(at=65536), "register 65536"),
        (Address(at=-1), "register -1"),
        (Address(at=65533, table="input", type="float64"), "register 65533..65536"),
        (Address(at=65536, table="coil", type="bool"), "coil 65536"),
    ],
)
def test_b07_outside_of_the_table(address: Address, where: str) -> None:
    (finding,) = found(serial=address)
    assert (finding.code, finding.key, finding.warning) == ("B07", "at", False)
    assert finding.text == f"serial: {where} is outside 0..65535"


@pytest.mark.parametrize(
    ("address", "text"),
    [
        (Address(at=0, order="CDAB"), "p: order CDAB has no effect on a 16-bit value"),
        (Address(at=0, type="bool", order="DCBA"), "p: order DCBA has no effect on a bool"),
        (Address(at=0, table="coil", type="bool", order="CDAB"), "p: order CDAB has no effect on a bool"),
    ],
)
def test_b11_an_order_that_says_nothing(address: Address, text: str) -> None:
    (finding,) = found(p=address)
    assert (finding.code, finding.key, finding.warning, finding.text) == ("B11", "order", True, text)


@pytest.mark.parametrize("order", ["BADC", "DCBA"])
def test_two_bytes_can_be_swapped(order: str) -> None:
    assert found(p=Address.model_validate({"at": 0, "order": order})) == []


def test_the_order_of_the_whole_profile_is_no_mistake_at_its_16_bit_points() -> None:
    assert found(power=Address(at=0, type="float32", order="CDAB"), mode=Address(at=2, order="CDAB")) == []


def test_b12_overlap_names_both() -> None:
    (finding,) = found(
        voltage_l1=Address(at=0, table="input", type="float32"), voltage_l2=Address(at=1, table="input", type="float32")
    )
    assert (finding.code, finding.point, finding.key, finding.warning) == ("B12", 1, "at", True)
    assert finding.text == "voltage_l2 (input 1..2) overlaps voltage_l1 (input 0..1)"


def test_b12_the_same_register_twice() -> None:
    (finding,) = found(a=Address(at=5), b=Address(at=5))
    assert finding.text == "b (holding 5) overlaps a (holding 5)"


def test_b12_a_long_point_is_remembered_past_short_ones() -> None:
    findings = found(long=Address(at=0, type="uint64"), one=Address(at=1), three=Address(at=3), four=Address(at=4))
    assert [finding.text for finding in findings] == [
        "one (holding 1) overlaps long (holding 0..3)",
        "three (holding 3) overlaps long (holding 0..3)",
    ]


def test_the_same_address_in_two_tables_is_no_overlap() -> None:
    assert found(a=Address(at=5), b=Address(at=5, table="input")) == []


def test_findings_come_in_the_order_of_the_points() -> None:
    findings = found(a=Address(at=5), b=Address(at=70000), c=Address(at=5))
    assert [(finding.code, finding.point) for finding in findings] == [("B07", 1), ("B12", 2)]
