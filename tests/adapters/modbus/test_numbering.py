"""Numbers of manuals become tables and offsets; what cannot be one is told, and so is an offset that looks like one."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from adapters.modbus.numbering import resolve
from adapters.modbus.settings import Address, Profile
from gateway.adapter import Finding

NUMBER, OFFSET = Profile(numbering="number"), Profile()


def judged(profile: Profile, **settings: str | list[str]) -> tuple[Address, Sequence[Finding]]:
    """Settings as a plant file would bring them, resolved for the point "p"."""
    own = {key: value for key, value in settings.items() if key != "note"}
    written = {key: value for key, value in settings.items() if isinstance(value, str)}
    return resolve("p", profile, Address.model_validate(own), written)


def said(profile: Profile, **settings: str | list[str]) -> Finding:
    before = Address.model_validate({key: value for key, value in settings.items() if key != "note"})
    address, (finding,) = judged(profile, **settings)
    assert address == before
    return finding


@pytest.mark.parametrize(
    ("number", "table", "at"),
    [
        # Application Protocol V1.1b3, section 4.4: the first of each table is 1, and 0 on the wire.
        ("00001", "coil", 0),
        ("00172", "coil", 171),
        ("09999", "coil", 9998),
        ("1", "coil", 0),
        ("10001", "discrete", 0),
        ("19999", "discrete", 9998),
        ("30001", "input", 0),
        ("39999", "input", 9998),
        ("40001", "holding", 0),
        ("40108", "holding", 107),
        ("49999", "holding", 9998),
        ("000001", "coil", 0),
        ("040001", "coil", 40000),
        ("065536", "coil", 65535),
        ("100001", "discrete", 0),
        ("165536", "discrete", 65535),
        ("300001", "input", 0),
        ("400001", "holding", 0),
        ("410000", "holding", 9999),
        ("465536", "holding", 65535),
        ("0x9C41", "holding", 0),
    ],
)
def test_a_number_names_table_and_offset(number: str, table: str, at: int) -> None:
    address, findings = judged(NUMBER, at=number)
    assert (address.table, address.at, findings) == (table, at, ())


def test_everything_else_stays_as_it_was_written() -> None:
    address, _ = judged(NUMBER, at="40053", type="float32", order="CDAB")
    assert address == Address(at=52, table="holding", type="float32", order="CDAB")


def test_registers_are_numbers_too() -> None:
    address, findings = judged(NUMBER, registers=["30010", "30020"], type="uint32")
    assert (address.table, address.registers, address.at, findings) == ("input", (9, 19), None, ())


@pytest.mark.parametrize("text", ["0xFC00", "64512", "20001", "50001", "99999", "200001", "465537", "500001", "-1"])
def test_b01_what_is_no_number(text: str) -> None:
    finding = said(NUMBER, at=text)
    assert (finding.code, finding.key, finding.warning) == ("B01", "at", False)
    assert finding.text == f"p: {int(text, 0)} is not a Modbus number (0xxxx, 1xxxx, 3xxxx or 4xxxx)"


@pytest.mark.parametrize(
    ("settings", "text", "hint"),
    [
        ({"at": "40053", "table": "input"}, "40053 is a number of the holding table, but table is input", "30053"),
        ({"at": "5", "table": "holding"}, "5 is a number of the coil table, but table is holding", "40005"),
        ({"at": "40005", "table": "coil"}, "40005 is a number of the holding table, but table is coil", "00005"),
        ({"at": "410000", "table": "input"}, "410000 is a number of the holding table, but table is input", "310000"),
        ({"at": "465536", "table": "coil"}, "465536 is a number of the holding table, but table is coil", "065536"),
    ],
)
def test_b02_another_table(settings: dict[str, str], text: str, hint: str) -> None:
    finding = said(NUMBER, **settings)
    assert (finding.code, finding.key, finding.text) == ("B02", "at", f"p: {text}")
    assert finding.hint == f"write {hint}, or leave table out: the number says it"


def test_b02_registers_of_two_tables() -> None:
    finding = said(NUMBER, registers=["30010", "40020"], type="uint32")
    assert (finding.code, finding.key) == ("B02", "registers")
    assert finding.text == "p: 40020 is a number of the holding table, but table is input"


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("40000", "write 40001"),
        ("30000", "write 30001"),
        ("400000", "write 400001"),
        ("0", "for the first holding register write 40001"),
        ("00000", "for the first holding register write 40001"),
    ],
)
def test_b03_the_first_is_1(text: str, hint: str) -> None:
    finding = said(NUMBER, at=text)
    assert (finding.code, finding.key, finding.hint) == ("B03", "at", hint)
    assert finding.text == 'p: with "numbering: number" the first register is 1, not 0'


@pytest.mark.parametrize("text", ["30001", "39999", "40001", "40053", "49999", "0x9C41"])
def test_b04_an_offset_that_looks_like_a_number_is_doubted_and_kept(text: str) -> None:
    address, (finding,) = judged(OFFSET, at=text)
    number = int(text, 0)
    assert address.at == number
    assert finding == (
        "B04",
        0,
        "at",
        f'p: {number} looks like a manual number, but the profile says "numbering: offset"',
        f'if the manual says {number}, set "numbering: number"; '
        f'if the device really uses offset {number}, add "note: offset checked"',
        True,
        False,
    )


@pytest.mark.parametrize("text", ["300001", "365536", "400001", "465536"])
def test_b04_six_digits_are_no_offset_at_all(text: str) -> None:
    finding = said(OFFSET, at=text)
    assert (finding.code, finding.warning, finding.hint) == (
        "B04",
        False,
        f'if the manual says {text}, set "numbering: number"',
    )


@pytest.mark.parametrize("text", ["0", "1", "9999", "10001", "30000", "40000", "50000", "65535", "70000", "466000"])
def test_an_offset_that_is_no_such_number_is_not_doubted(text: str) -> None:
    assert judged(OFFSET, at=text)[1] == ()


def test_an_offset_that_was_checked_is_not_doubted() -> None:
    assert judged(OFFSET, at="40053", note="page 7, Offset checked by M.")[1] == ()


def test_registers_are_doubted_once() -> None:
    finding = said(OFFSET, registers=["5", "40010", "40020"], type="uint48")
    assert (finding.code, finding.key) == ("B04", "registers")


def test_m05_the_number_of_a_coil_is_no_offset() -> None:
    finding = said(OFFSET, at="00017")
    assert (finding.code, finding.key, finding.warning) == ("M05", "at", False)
    assert finding.text == '"00017" starts with a zero; it is not clear whether it is decimal or octal'
    assert finding.hint == 'write 17, or 0x17 for hexadecimal; for the number of a coil set "numbering: number"'


@pytest.mark.parametrize("profile", [NUMBER, OFFSET])
def test_what_the_defaults_say_of_registers_is_not_meant_for_an_object(profile: Profile) -> None:
    defaults = {"table": "input", "type": "float32", "order": "CDAB", "byte": "low", "bits": "0..3", "length": "2"}
    address, findings = judged(profile, object="revision", **defaults)
    assert address == Address(object="revision", type="string")
    # Where the point says it itself it is a mistake: ``own``.
    assert [(finding.code, finding.key, finding.own) for finding in findings] == [
        ("R09", key, True) for key in ("table", "order", "byte", "bits", "length", "type")
    ]


def test_an_object_may_be_bytes() -> None:
    assert judged(OFFSET, object="0x80", type="bytes") == (Address(object=0x80, type="bytes"), ())


@pytest.mark.parametrize("profile", [NUMBER, OFFSET])
def test_records_have_no_numbers_of_manuals_and_no_table(profile: Profile) -> None:
    address, (finding,) = judged(profile, file="4", record="7", table="input", type="uint32")
    assert address == Address(file=4, record=7, type="uint32")
    assert (finding.code, finding.key, finding.own) == ("R09", "table", True)
