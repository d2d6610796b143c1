"""Where points live on the wire, in numbers and in words."""

from __future__ import annotations

import pytest

from adapters.modbus.places import Area, area, of_file, place_key, record, spans, where
from adapters.modbus.settings import Address, Connect
from gateway.adapter import Point


def on_wire(address: Address, base: int = 0) -> list[str]:
    point = Point("d", Connect(modbus="tcp://plc", base=base), "p", address, 1.0)
    return [where(area(address), here) for here in spans(point)]


@pytest.mark.parametrize(
    ("address", "words", "key"),
    [
        (Address(at=5, type="float32", table="input"), ["input 5..6"], "at"),
        (Address(registers=(40, 41, 72), type="uint48"), ["holding 40..41", "holding 72"], "registers"),
        (Address(file=4, record=7, type="uint32"), ["file 4 record 7..8"], "record"),
        (Address(file=65535, record=9999), ["file 65535 record 9999"], "record"),
        (Address(object="vendor_name"), ["object 0x00"], "object"),
        (Address(object="user_application_name"), ["object 0x06"], "object"),
        (Address(object=0xA0), ["object 0xa0"], "object"),
    ],
)
def test_each_point_has_its_place_in_words_and_the_setting_that_says_it(
    address: Address, words: list[str], key: str
) -> None:
    assert on_wire(address) == words
    assert place_key(address) == key


def test_base_moves_registers_but_neither_records_nor_objects() -> None:
    assert on_wire(Address(at=5), base=100) == ["holding 105"]
    assert on_wire(Address(file=4, record=5), base=100) == ["file 4 record 5"]
    assert on_wire(Address(object="revision"), base=100) == ["object 0x02"]


@pytest.mark.parametrize(("table", "expected"), [("coil", "file"), ("input", "file")])
def test_a_table_of_the_defaults_does_not_move_a_record(table: Area, expected: Area) -> None:
    assert area(Address.model_validate({"file": "4", "record": "5", "table": table})) == expected


def test_the_last_record_of_a_file_is_no_neighbour_of_the_next_file() -> None:
    assert record(5, 0) - record(4, 9999) > 1
    assert of_file(record(4, 9999)) == (4, 9999)
