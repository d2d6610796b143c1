"""What is said about the addresses of one device."""

from __future__ import annotations

import pytest

from adapters.modbus.check import check
from adapters.modbus.settings import Address, Connect
from gateway.adapter import Finding, Point

CONNECT = Connect(modbus="tcp://plc")


def found(connect: Connect = CONNECT, **addresses: Address) -> list[Finding]:
    return check([Point("d", connect, name, address, 1.0) for name, address in addresses.items()])


def written(**settings: object) -> Address:
    """As a plant file would bring it."""
    return Address.model_validate({"at": "0", **settings})


def test_b23_a_line_whom_anybody_may_call_is_warned_about() -> None:
    line = "listen://0.0.0.0:5020"
    (finding,) = found(Connect(modbus=line), a=Address(at=0))
    assert (finding.code, finding.key, finding.warning) == ("B23", "connect.modbus", True)
    assert found(Connect.model_validate({"modbus": line, "from": "10.20.0.15"}), a=Address(at=0)) == []


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
            h=Address(at=10, type="string", length=8),
            i=Address(at=20, type="datetime", length=6),
            j=Address(at=30, type="bool", bits=(15, 15)),
            k=Address(at=30, type="uint8", byte="high"),
            m=Address(registers=(40, 50), type="uint32"),
            n=Address(registers=(60, 61, 62), type="string"),
            o=Address(at=70, type="uint24", length=2),
        )
        == []
    )


@pytest.mark.parametrize("table", ["coil", "discrete"])
def test_b06_bits_are_bool(table: str) -> None:
    (finding,) = found(run=Address.model_validate({"at": 1, "table": table}))
    assert finding == (
        "B06",
        0,
        "table",
        f"run: {table} holds single bits, type must be bool",
        "write type: bool",
        False,
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


def test_b07_names_the_base_that_is_added() -> None:
    (finding,) = found(Connect(modbus="tcp://plc", base=65000), p=Address(at=600))
    assert finding.text == "p: register 65600 (base 65000 is added) is outside 0..65535"
    (finding,) = found(Connect(modbus="tcp://plc", base=-10), p=Address(registers=(20, 9), type="uint32"))
    assert (finding.key, finding.text) == ("registers", "p: register -1 (base -10 is added) is outside 0..65535")


@pytest.mark.parametrize(
    ("type_", "text", "hint"),
    [
        ("string", 'p: a string needs "length" (number of registers)', "a 16-character text has length: 8"),
        ("bytes", 'p: bytes need "length" (number of registers)', "a 16-byte value has length: 8"),
    ],
)
def test_b05_how_long_is_it(type_: str, text: str, hint: str) -> None:
    assert found(p=written(type=type_)) == [("B05", 0, "type", text, hint, False, False)]


@pytest.mark.parametrize(
    ("address", "text"),
    [
        (written(type="uint32", bits="3..40"), '"bits: 3..40" does not fit into uint32'),
        (written(type="uint16", bits="16"), '"bits: 16" does not fit into uint16'),
        (written(type="uint8", bits="4..8"), '"bits: 4..8" does not fit into uint8'),
        (written(type="int24", bits="24"), '"bits: 24" does not fit into int24'),
        (written(type="bool", bits="3..5"), '"bits: 3..5" does not fit into bool'),
        (written(type="bool", bits="16"), '"bits: 16" does not fit into bool'),
        (written(type="bool", byte="high", bits="8"), '"bits: 8" does not fit into bool'),
        (written(type="float32", bits="0..7"), '"bits: 0..7" does not fit into float32'),
        (written(type="bcd16", bits="0..3"), '"bits: 0..3" does not fit into bcd16'),
        (written(type="signmag16", bits="0..3"), '"bits: 0..3" does not fit into signmag16'),
        (written(type="string", length="2", bits="0"), '"bits: 0" does not fit into string'),
        (written(type="bool", table="coil", bits="0"), '"bits: 0" does not fit into coil'),
    ],
)
def test_b08_bits_that_are_not_there(address: Address, text: str) -> None:
    (finding,) = found(status=address)
    assert (finding.code, finding.key, finding.warning, finding.text) == ("B08", "bits", False, f"status: {text}")
    assert finding.hint


def test_b08_says_what_to_write() -> None:
    hints = [
        finding.hint
        for address in (written(type="uint32", bits="3..40"), written(type="bool", bits="3..5"))
        for finding in found(p=address)
    ]
    assert hints == ["its bits are 0..31", "a bool is one bit, for example bits: 3; for a number write type: uint16"]


def test_b15_at_and_registers_and_nothing_more_about_such_a_point() -> None:
    (finding,) = found(p=written(at="70000", registers=["1", "2"], type="uint32"))
    assert (finding.code, finding.key, finding.text) == ("B15", "registers", 'p: has both "at" and "registers"')
    assert finding.hint == "keep one: at is the first of neighbours, registers names each one that is not"


def test_b16_what_no_request_can_read() -> None:
    assert found(p=written(type="string", length="125")) == []
    (finding,) = found(p=written(type="string", length="200"))
    assert finding[:4] == ("B16", 0, "length", "p: 200 registers are more than one request can read (125)")
    neighbours = Address(registers=tuple(range(126)), type="bytes")
    assert [(finding.code, finding.key) for finding in found(p=neighbours)] == [("B16", "registers")]
    assert found(p=Address(registers=tuple(range(0, 260, 2)), type="bytes")) == []


def test_b16_what_this_device_gives_in_no_request() -> None:
    short = Connect(modbus="tcp://plc", max_registers=10)
    assert found(short, p=written(type="string", length="10"), q=written(at="20", type="float64")) == []
    (finding,) = found(short, p=written(type="string", length="11"))
    assert finding[:4] == ("B16", 0, "length", "p: 11 registers are more than one request can read (10)")


def test_b21_what_this_device_forbids() -> None:
    careful = Connect(modbus="tcp://plc", base=100, forbidden=((110, 119), (200, 200)))
    assert found(careful, p=Address(at=9), q=Address(at=20), r=Address(registers=(8, 21), type="uint32")) == []
    findings = found(careful, p=Address(at=9, type="uint32"), q=Address(registers=(0, 100), type="uint32"))
    assert [(finding.code, finding.point, finding.key, finding.text) for finding in findings] == [
        ("B21", 0, "at", "p: holding 109..110 lies in a range that is forbidden for this device"),
        ("B21", 1, "registers", "q: holding 200 lies in a range that is forbidden for this device"),
    ]


@pytest.mark.parametrize(
    ("address", "text"),
    [
        (written(type="uint32", byte="high"), "byte high has no effect on uint32"),
        (written(type="bool", table="coil", byte="low"), "byte low has no effect on coil"),
    ],
)
def test_b17_a_byte_that_says_nothing(address: Address, text: str) -> None:
    (finding,) = found(p=address)
    assert (finding.code, finding.key, finding.warning, finding.text) == ("B17", "byte", True, f"p: {text}")


@pytest.mark.parametrize(
    ("address", "key", "text"),
    [
        (Address(at=0, type="uint32", length=4), "length", "p: uint32 takes 2 registers, not 4"),
        (Address(at=0, type="uint8", length=2), "length", "p: uint8 takes 1 register, not 2"),
        (
            Address(at=0, type="datetime", length=4),
            "length",
            "p: a datetime takes 3 registers (two bytes in each) or 6, not 4",
        ),
        (Address(registers=(1, 5), type="uint16"), "registers", "p: uint16 takes 1 register, not 2"),
        (Address(registers=(1, 5, 9), type="uint32"), "registers", "p: uint32 takes 2 registers, not 3"),
        (Address(registers=(1, 5), type="string", length=4), "length", "p: registers names 2, but length is 4"),
        (Address(registers=(1, 5), type="bool", table="coil"), "registers", "p: a coil is 1 bit, not 2"),
    ],
)
def test_b18_as_many_registers_as_the_type_takes(address: Address, key: str, text: str) -> None:
    (finding,) = found(p=address)
    assert (finding.code, finding.key, finding.warning, finding.text) == ("B18", key, False, text)
    assert finding.hint


@pytest.mark.parametrize(
    ("address", "text"),
    [
        (Address(at=0, order="CDAB"), "p: order CDAB has no effect on a 16-bit value"),
        (Address(at=0, type="bool", order="DCBA"), "p: order DCBA has no effect on a bool"),
        (Address(at=0, table="coil", type="bool", order="CDAB"), "p: order CDAB has no effect on a bool"),
        (Address(at=0, type="string", length=4, order="CDAB"), "p: order CDAB has no effect on a string"),
        (Address(at=0, type="int8", order="CDAB"), "p: order CDAB has no effect on an int8"),
    ],
)
def test_b11_an_order_that_says_nothing(address: Address, text: str) -> None:
    (finding,) = found(p=address)
    assert (finding.code, finding.key, finding.warning, finding.text) == ("B11", "order", True, text)


@pytest.mark.parametrize(
    "settings",
    [
        {"order": "BADC"},
        {"order": "DCBA"},
        {"type": "bool", "bits": "3", "order": "BADC"},
        {"type": "uint8", "order": "DCBA"},
        {"type": "string", "length": "4", "order": "BADC"},
    ],
)
def test_two_bytes_can_be_swapped(settings: dict[str, str]) -> None:
    assert found(p=written(**settings)) == []


def test_the_order_of_the_whole_profile_is_a_mistake_only_where_a_16_bit_point_says_so_itself() -> None:
    findings = found(
        power=Address(at=0, type="float32", order="CDAB"),
        mode=Address(at=2, order="CDAB"),
        serial=Address(at=3, order="CDAB", type="string", length=4),
    )
    assert [(finding.code, finding.point, finding.own) for finding in findings] == [("B11", 1, True), ("B11", 2, True)]


def test_what_is_wrong_has_no_idle_order_as_well() -> None:
    findings = found(run=Address(at=0, table="coil", type="float32", order="CDAB"))
    assert [finding.code for finding in findings] == ["B06"]


def test_findings_come_in_the_order_of_the_points() -> None:
    findings = found(a=Address(at=5), b=Address(at=70000), c=Address(at=5))
    assert [(finding.code, finding.point) for finding in findings] == [("B07", 1), ("B12", 2)]


def test_a_point_that_is_wrong_is_not_said_to_overlap_as_well() -> None:
    findings = found(name=Address(at=0, type="string", length=200), power=Address(at=5, type="uint32"))
    assert [(finding.code, finding.point) for finding in findings] == [("B16", 0)]


@pytest.mark.parametrize(("port", "codes"), [("ttyUSB0", ["B19"]), ("serial/by-id/usb-FTDI-port0", []), ("ttyS0", [])])
def test_a_port_that_may_have_another_name_tomorrow_is_warned_about(port: str, codes: list[str]) -> None:
    findings = found(Connect(modbus=f"rtu:///dev/{port}"), p=Address(at=1))
    assert [finding.code for finding in findings] == codes
    for finding in findings:
        assert (finding.key, finding.warning) == ("connect.modbus", True)
        assert "/dev/serial/by-id" in finding.hint
        assert "/dev/ttyUSB0" in finding.text


@pytest.mark.parametrize(
    ("settings", "key", "says"),
    [
        ({"at": 1, "object": "revision"}, "object", 'has both "at" and "object"'),
        ({"at": 1, "file": 1, "record": 1}, "file", 'has both "at" and "file"'),
        ({"registers": [1, 3], "file": 1, "record": 1}, "file", 'has both "registers" and "file"'),
        ({"object": 0x80, "file": 1, "record": 1}, "file", 'has both "object" and "file"'),
        ({"record": 1}, "record", 'has "record" but no "file"'),
        ({"at": 1, "record": 1}, "record", 'has "record" but no "file"'),
    ],
)
def test_b22_a_point_is_in_one_place(settings: dict[str, object], key: str, says: str) -> None:
    (finding,) = found(p=Address.model_validate(settings))
    assert (finding.code, finding.key) == ("B22", key)
    assert finding.text.startswith(f"p: {says}")


def test_a_sound_file_and_a_sound_identification_have_no_findings() -> None:
    assert (
        found(
            Connect(modbus="tcp://plc", forbidden=((0, 65535),)),
            a=Address(file=1, record=0, type="float32"),
            b=Address(file=1, record=2, type="string", length=121),
            c=Address(file=2, record=9999),
            d=Address(file=2, record=1, type="bool", bits=(3, 3)),
            e=Address(object="vendor_name", type="string"),
            f=Address(object=0x80, type="bytes"),
        )
        == []
    )


@pytest.mark.parametrize(
    ("settings", "code", "says"),
    [
        ({"record": 9999, "type": "uint32"}, "B07", "p: file 4 record 9999..10000 is outside 0..9999"),
        ({"record": 0, "type": "string"}, "B05", 'p: a string needs "length" (number of records)'),
        (
            {"record": 0, "type": "string", "length": 122},
            "B16",
            "p: 122 records are more than one request can read (121)",
        ),
        ({"record": 0, "type": "uint32", "length": 3}, "B18", "p: uint32 takes 2 records, not 3"),
        ({"record": 0, "bits": "3..16"}, "B08", 'p: "bits: 3..16" does not fit into uint16'),
        ({"record": 0, "byte": "high"}, "B17", "p: byte high has no effect on uint16"),
    ],
)
def test_records_are_judged_as_registers_are(settings: dict[str, object], code: str, says: str) -> None:
    (finding,) = found(p=Address.model_validate({"file": 4, **settings}))
    assert (finding.code, finding.text) == (code, says)


def test_b12_records_and_objects_overlap_among_themselves_only() -> None:
    findings = found(
        a=Address(file=4, record=0, type="uint32"),
        b=Address(file=4, record=1),
        c=Address(file=5, record=1),
        d=Address(at=0),
        e=Address(at=1),
        f=Address(object="vendor_name", type="string"),
        g=Address(object="vendor_name", type="bytes"),
    )
    assert [(finding.key, finding.text) for finding in findings] == [
        ("record", "b (file 4 record 1) overlaps a (file 4 record 0..1)"),
        ("object", "g (object 0x00) overlaps f (object 0x00)"),
    ]
