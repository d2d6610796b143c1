"""What may be written in ``connect:`` and in the address of a point."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from adapters.modbus.identification import NUMBERS
from adapters.modbus.settings import Address, Connect, Profile, Table, disagreement, line, read_only


def faults(model: type[Connect] | type[Address] | type[Profile], **settings: Any) -> list[tuple[str, str, str]]:
    """Key, code and text of every error, as a plant file would bring the settings."""
    with pytest.raises(ValidationError) as caught:
        model.model_validate(settings)
    return [
        (str(error["loc"][0]), str(error.get("ctx", {}).get("code", error["type"])), error["msg"])
        for error in caught.value.errors()
    ]


def test_unit_1_and_one_second_unless_said_otherwise() -> None:
    assert Connect.model_validate({"modbus": "tcp://10.20.0.15:1502"}) == Connect(
        modbus="tcp://10.20.0.15:1502", unit_id=1, timeout=1.0
    )


def test_texts_of_a_plant_file_become_values() -> None:
    connect = Connect.model_validate({"modbus": " tcp://plc ", "unit_id": "0x11", "timeout": "250ms"})
    assert (connect.modbus, connect.unit_id, connect.timeout) == ("tcp://plc:502", 17, 0.25)
    address = Address.model_validate({"at": "0x0034", "table": "input", "type": "float32", "order": "CDAB"})
    assert (address.at, address.table, address.type, address.order) == (52, "input", "float32", "CDAB")


def test_a_point_is_a_holding_register_unless_said_otherwise() -> None:
    address = Address.model_validate({"at": "5"})
    assert (address.table, address.type, address.order) == ("holding", "uint16", "ABCD")


@pytest.mark.parametrize(
    ("text", "endpoint"),
    [
        ("tcp://10.0.0.1", "tcp://10.0.0.1:502"),
        ("tcp://10.0.0.1/", "tcp://10.0.0.1:502"),
        ("tcp://10.0.0.1:1", "tcp://10.0.0.1:1"),
        ("tcp://Meter-7.Plant.Local:65535", "tcp://meter-7.plant.local:65535"),
        ("tcp://mcc_1", "tcp://mcc_1:502"),
        ("tcp://[FE80::1]:1502", "tcp://[fe80::1]:1502"),
        ("tcp://[::1]", "tcp://[::1]:502"),
    ],
)
def test_one_line_has_one_spelling(text: str, endpoint: str) -> None:
    assert line(Connect(modbus=text)) == endpoint


def test_units_of_one_port_are_on_one_line() -> None:
    assert line(Connect(modbus="tcp://plc", unit_id=1)) == line(Connect(modbus="tcp://PLC:502", unit_id=2, timeout=5))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "10.0.0.1:502",
        "rtu://ttyUSB0",
        "http://10.0.0.1",
        "tcp://",
        "tcp://10.0.0.1:",
        "tcp://10.0.0.1:0",
        "tcp://10.0.0.1:65536",
        "tcp://10.0.0.1:502/1",
        "tcp://user@10.0.0.1",
        "tcp://::1",
        "tcp://ä",
        "tcp://plc-",
        "tcp://127.0.0.300:502",
        "tcp://10.20.0",
        "tcp://10.20.0.15.1",
        "tcp://[::1::2]",
    ],
)
def test_an_endpoint_that_is_none_is_refused_by_name(text: str) -> None:
    ((key, code, sentence),) = faults(Connect, modbus=text)
    assert (key, code) == ("modbus", "B13")
    assert f'"{text}"' in sentence


def test_the_forgotten_scheme_is_offered() -> None:
    with pytest.raises(ValidationError) as caught:
        Connect(modbus="10.0.0.1:1502")
    assert caught.value.errors()[0]["ctx"]["hint"] == "write tcp://10.0.0.1:1502"


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("tcp://010.020.000.015:502", "write tcp://10.20.0.15:502"),
        ("tcp://127.0.0.300", "write for example tcp://10.20.0.15:502"),
    ],
)
def test_numbers_that_are_no_address_get_the_one_that_was_meant(text: str, hint: str) -> None:
    with pytest.raises(ValidationError) as caught:
        Connect(modbus=text)
    assert caught.value.errors()[0]["ctx"]["hint"] == hint


@pytest.mark.parametrize(("table", "why"), [("input", "input registers"), ("discrete", "discrete inputs")])
def test_inputs_can_only_be_read(table: Table, why: str) -> None:
    assert read_only(Address(at=0, table=table)) == f"{why} can only be read"


@pytest.mark.parametrize("table", ["coil", "holding"])
def test_coils_and_holding_registers_can_be_written(table: Table) -> None:
    assert read_only(Address(at=0, table=table)) == ""


def test_unit_0_is_refused_because_nobody_answers_to_it() -> None:
    ((key, code, sentence),) = faults(Connect, modbus="tcp://plc", unit_id="0")
    assert (key, code) == ("unit_id", "B14")
    assert "broadcast" in sentence


@pytest.mark.parametrize(
    ("key", "text"),
    [
        ("unit_id", "256"),
        ("unit_id", "-1"),
        ("unit_id", "one"),
        ("timeout", "0s"),
        ("timeout", "2"),
        ("timeout", "2min"),
    ],
)
def test_numbers_outside_their_range_are_refused(key: str, text: str) -> None:
    assert [found for found, _, _ in faults(Connect, **{"modbus": "tcp://plc", key: text})] == [key]


@pytest.mark.parametrize(
    ("key", "text"), [("table", "coils"), ("type", "flaot32"), ("order", "abcd"), ("at", "052"), ("register", "1")]
)
def test_words_that_the_address_does_not_know_are_refused(key: str, text: str) -> None:
    assert [found for found, _, _ in faults(Address, **{"at": "1", key: text})] == [key]


@pytest.mark.parametrize("settings", [{}, {"type": "int16"}, {"type": "string", "length": "4"}])
def test_an_address_needs_a_place(settings: dict[str, str]) -> None:
    ((key, kind, _),) = faults(Address, **settings)
    # The core makes the catalogue's M02 of it, with the field's description, as of any setting that is missing.
    assert (key, kind) == ("at", "missing")
    assert Address.model_fields["at"].description == "the register address"


def test_a_place_that_is_missing_does_not_hide_what_else_is_wrong() -> None:
    assert [key for key, _, _ in faults(Address, type="flaot32")] == ["at", "type"]


def test_registers_that_are_wrong_are_told_without_asking_for_a_place() -> None:
    assert [(key, code) for key, code, _ in faults(Address, registers=["1", "x"])] == [("registers", "M04")]
    assert [key for key, _, _ in faults(Address, registers=[])] == ["registers"]


def test_registers_are_addresses_in_order() -> None:
    address = Address.model_validate({"registers": ["0x20", "7"], "type": "uint32"})
    assert (address.registers, address.at) == ((32, 7), None)


@pytest.mark.parametrize(("text", "at"), [("00001", 1), ("000001", 1), ("01234", 1234), ("0x9C41", 40001), ("0", 0)])
def test_a_place_may_be_written_as_a_number_of_the_manual(text: str, at: int) -> None:
    assert Address.model_validate({"at": text}).at == at


@pytest.mark.parametrize("text", ["052", "01", "0000001", "0x"])
def test_other_zeros_in_front_are_refused(text: str) -> None:
    assert faults(Address, at=text)[0][1] in ("M05", "M04")


def test_bits_bytes_and_lengths() -> None:
    address = Address.model_validate({"at": "1", "bits": "5..15", "byte": "high", "length": "3"})
    assert (address.bits, address.byte, address.length) == ((5, 15), "high", 3)
    assert Address.model_validate({"at": "1", "bits": "3"}).bits == (3, 3)
    plain = Address.model_validate({"at": "1"})
    assert (plain.bits, plain.byte, plain.length) == (None, None, None)


@pytest.mark.parametrize(
    ("key", "text", "code"),
    [
        ("bits", "15..5", "L01"),
        ("bits", "a", "L01"),
        ("byte", "upper", "literal_error"),
        ("length", "0", "greater_than_equal"),
        ("length", "8 registers", "M04"),
    ],
)
def test_parts_that_are_none_are_refused(key: str, text: str, code: str) -> None:
    assert [found[:2] for found in faults(Address, **{"at": "1", key: text})] == [(key, code)]


def test_the_numbers_of_a_profile_are_offsets_unless_said_otherwise() -> None:
    assert Profile.model_validate({}).numbering == "offset"
    assert Profile.model_validate({"numbering": "number"}).numbering == "number"
    assert faults(Profile, numbering="manual")[0][:2] == ("numbering", "literal_error")


def test_a_device_may_begin_elsewhere() -> None:
    assert Connect(modbus="tcp://plc").base == 0
    assert Connect.model_validate({"modbus": "tcp://plc", "base": "0x9C40"}).base == 40000
    assert faults(Connect, modbus="tcp://plc", base="65536")[0][0] == "base"


def test_unknown_settings_are_refused() -> None:
    assert faults(Connect, modbus="tcp://plc", unit="1")[0][:2] == ("unit", "extra_forbidden")


def test_settings_can_be_keys() -> None:
    assert {Connect(modbus="tcp://plc"): 1}[Connect(modbus="tcp://plc:502")] == 1


def test_a_serial_line_is_19200_8e1_unless_said_otherwise() -> None:
    """Serial Line V1.02, section 3.2: even parity and 19200 are what every device must have as its default."""
    connect = Connect(modbus="rtu:///dev/ttyS0")
    assert (connect.baud, connect.data_bits, connect.parity, connect.stop, connect.rs485) == (
        19200,
        8,
        "even",
        1,
        "none",
    )


def test_settings_of_a_line_as_texts_of_a_plant_file() -> None:
    connect = Connect.model_validate(
        {
            "modbus": "ascii:///dev/ttyS0",
            "baud": "9600",
            "data_bits": "7",
            "stop": "2",
            "parity": "none",
            "rs485": "rts",
        }
    )
    assert (connect.baud, connect.data_bits, connect.stop, connect.parity, connect.rs485) == (9600, 7, 2, "none", "rts")
    connect = Connect.model_validate(
        {
            "modbus": "tcp://plc",
            "delay": "20ms",
            "pause": "1s",
            "idle": "30s",
            "max_gap": "0",
            "max_registers": "60",
            "max_bits": "500",
            "forbidden": [["100", "0x7F"], ["300", "300"]],
            "one_by_one": "true",
        }
    )
    assert (connect.delay, connect.pause, connect.idle) == (0.02, 1.0, 30.0)
    assert (connect.max_gap, connect.max_registers, connect.max_bits) == (0, 60, 500)
    assert (connect.forbidden, connect.one_by_one) == (((100, 127), (300, 300)), True)
    assert Connect(modbus="tcp://plc").idle is None


@pytest.mark.parametrize(
    ("settings", "code", "sentence"),
    [
        ({"modbus": "rtu:///dev/ttyS0", "data_bits": "7"}, "B20", "RTU needs 8 data bits"),
        ({"modbus": "rtu+tcp://moxa:4001", "data_bits": "7"}, "B20", "RTU needs 8 data bits"),
        ({"modbus": "tls://plc"}, "B20", "a tls:// line needs to know whom to trust"),
        ({"modbus": "tls://plc", "trust": "/a", "key": "/b"}, "B20", "certificate and key belong together"),
        ({"modbus": "tls://plc", "trust": "roots.pem"}, "B20", '"roots.pem" is not a whole path'),
        ({"modbus": "tcp://plc", "from": "10.0.0.1"}, "B20", "from says who may call, and nobody calls on such a line"),
        ({"modbus": "listen://0.0.0.0:5020", "from": "router"}, "B20", '"router" is no IP address and no network'),
        (
            {"modbus": "tcp://plc", "forbidden": ["100", "199"]},
            "M15",
            "{key} is a list of ranges, but 100, 199 is one range",
        ),
        ({"modbus": "tcp://plc", "forbidden": [["9", "2"]]}, "B20", "the range 9..2 is empty"),
    ],
)
def test_settings_that_do_not_go_together_are_refused(settings: dict[str, Any], code: str, sentence: str) -> None:
    with pytest.raises(ValidationError) as caught:
        Connect.model_validate(settings)
    (error,) = caught.value.errors()
    assert (error["ctx"]["code"], error["msg"]) == (code, sentence)


def test_what_a_line_has_once_must_be_said_alike() -> None:
    one = Connect(modbus="rtu:///dev/ttyS0", unit_id=1)
    assert disagreement([one, Connect(modbus="rtu:///dev/ttyS0", unit_id=2, timeout=3, max_gap=0)]) == ""
    other = Connect(modbus="rtu:///dev/ttyS0", unit_id=2, baud=9600)
    assert disagreement([one, other]) == "baud is 19200 here and 9600 there, on the same line"
    assert disagreement([one, one, other, other]) == disagreement([one, other])


def test_what_a_kind_of_line_has_not_may_be_said_in_any_way() -> None:
    assert disagreement([Connect(modbus="tcp://plc", baud=9600), Connect(modbus="tcp://plc", parity="odd")]) == ""
    secure = [
        Connect(modbus="tls://plc", trust=f"/{name}.pem", baud=baud) for name, baud in (("a", 9600), ("b", 19200))
    ]
    assert disagreement(secure) == "trust is /a.pem here and /b.pem there, on the same line"
    assert disagreement([secure[0], secure[0]]) == ""
    calling = [
        Connect.model_validate({"modbus": "listen://0.0.0.0:5020"} | said) for said in ({}, {"from": "10.0.0.1"})
    ]
    assert disagreement(calling) == "from is not said here and 10.0.0.1 there, on the same line"


def test_another_gap_does_not_make_another_device() -> None:
    from adapters.modbus import ADAPTER

    assert ADAPTER.apart == ("modbus", "unit_id", "base")


@pytest.mark.parametrize("name", sorted(NUMBERS))
def test_objects_have_the_names_of_the_standard(name: str) -> None:
    assert Address.model_validate({"object": name}).object == name


@pytest.mark.parametrize(("text", "number"), [("0x80", 128), ("128", 128), ("0xff", 255), ("0xA0", 160)])
def test_objects_of_the_maker_have_numbers(text: str, number: int) -> None:
    assert Address.model_validate({"object": text}).object == number


@pytest.mark.parametrize("text", ["maker", "0x7F", "0x100", "Vendor_Name", "7", "", "-1", "0x80000"])
def test_b22_what_is_no_object(text: str) -> None:
    ((key, code, sentence),) = faults(Address, object=text)
    assert (key, code) == ("object", "B22")
    assert sentence == f'"{text}" is no object of the device identification'


@pytest.mark.parametrize(("text", "name"), [("0", "vendor_name"), ("0x06", "user_application_name")])
def test_b22_the_number_of_an_object_that_has_a_name(text: str, name: str) -> None:
    with pytest.raises(ValidationError) as caught:
        Address.model_validate({"object": text})
    (error,) = caught.value.errors()
    assert error["ctx"]["hint"] == f"write {name}"


def test_a_record_is_of_a_file() -> None:
    address = Address.model_validate({"file": "4", "record": "0x10", "type": "uint32"})
    assert (address.file, address.record, address.at) == (4, 16, None)


@pytest.mark.parametrize(
    ("settings", "keys"),
    [
        ({"file": "0", "record": "1"}, ["file"]),
        ({"file": "65536", "record": "1"}, ["file"]),
        ({"file": "1", "record": "10000"}, ["record"]),
        ({"file": "1", "record": "-1"}, ["record"]),
        ({"file": "1"}, ["record"]),
        ({}, ["at"]),
        ({"type": "string"}, ["at"]),
    ],
)
def test_each_place_needs_all_that_says_it(settings: dict[str, str], keys: list[str]) -> None:
    assert [key for key, _, _ in faults(Address, **settings)] == keys


def test_nobody_writes_to_the_identification_but_records_can_be_written() -> None:
    assert read_only(Address(object="revision")) == "the device identification can only be read"
    assert read_only(Address(file=1, record=2, table="input")) == ""


def test_who_may_call_is_one_or_several() -> None:
    def allowed(written: object) -> tuple[str, ...]:
        return Connect.model_validate({"modbus": "listen://0.0.0.0:5020", "from": written}).from_

    assert allowed("10.20.0.15") == ("10.20.0.15",)
    assert allowed(["10.20.0.15/24", "FE80::1"]) == ("10.20.0.0/24", "fe80::1")
