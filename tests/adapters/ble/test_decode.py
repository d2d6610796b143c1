"""From recorded blocks to readings: which points they hold, and why there is no value."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Sequence
from typing import Any

import pytest

from adapters.ble import ADAPTER, bthome, fields
from adapters.ble.bthome_objects import NAMES
from adapters.ble.ruuvi import UNITS
from adapters.ble.settings import Address, Connect, Located, Profile
from gateway.adapter import BIT_WIDTHS, TIMEOUT, Point, Quality, RawBlock, Reading, Status

TAG = "CB:B8:33:4C:88:4F"
DF5 = bytes.fromhex("0512FC5394C37C0004FFFC040CAC364200CDCBB8334C884F")
FIELDS = {"match": {"company": "0x0499", "starts": "05"}}
SEALED = bytes.fromhex("41A47266C95F730011223378237214")
KEY = "231d39c1d7cc1ab1aee224cd096db932"


def point(
    profile: dict[str, Any], device: str = "tag", connect: Connect | None = None, **settings: str
) -> Point[Connect, Address]:
    """A point as it comes out of a profile."""
    written = Address.model_validate(settings)
    address, findings = ADAPTER.resolve("p", Profile.model_validate(profile), written, settings)
    assert not findings
    return Point(device, connect or Connect(ble=TAG), "p", address, 5.0)


def block(key: str, data: bytes, device: str = "tag", status: Status | None = None) -> RawBlock:
    return RawBlock(device, key, data, 1_700_000_000_000_000_000, *([status] if status else []))


def decoded(points: Sequence[Point[Connect, Address]], *blocks: RawBlock) -> Sequence[Reading]:
    assert ADAPTER.decode is not None
    return ADAPTER.decode(points, blocks)


TEMPERATURE = point(FIELDS, byte="1", type="int16", order="big")
SEQUENCE = point(FIELDS, byte="16", type="uint16", order="big")


def test_each_reading_has_the_time_of_its_block() -> None:
    (first, second) = decoded([TEMPERATURE, SEQUENCE], block("manufacturer 0x0499", DF5))
    assert (first.point, first.value, first.at_ns) == (0, 4860, 1_700_000_000_000_000_000)
    assert (second.point, second.value) == (1, 205)
    assert first.status.quality is Quality.GOOD


@pytest.mark.parametrize(
    "other",
    [
        block("manufacturer 0x004C", DF5),
        block("service 0xFCD2", DF5),
        block("manufacturer 0x0499", b"\x03" + DF5[1:]),
        block("manufacturer 0x0499", b""),
        block("manufacturer 0x0499", DF5, device="another-tag"),
    ],
    ids=["company", "service", "format", "empty", "device"],
)
def test_data_of_others_is_left_out(other: RawBlock) -> None:
    assert not decoded([TEMPERATURE], other)


def test_a_frame_that_is_cut_off_has_the_values_before_the_cut() -> None:
    first, second = decoded([TEMPERATURE, SEQUENCE], block("manufacturer 0x0499", DF5[:9]))
    assert (first.value, second.value, second.status) == (4860, None, fields.TOO_SHORT)


def test_what_could_not_be_had_is_bad_with_its_reason() -> None:
    (reading,) = decoded([TEMPERATURE], block("manufacturer 0x0499", b"", status=TIMEOUT))
    assert (reading.value, reading.status) == (None, TIMEOUT)


def test_objects_are_found_by_name_and_number() -> None:
    names = [("temperature", "1"), ("temperature", "3"), ("temperature", "4"), ("humidity", "2")]
    points = [point({"decoder": "bthome"}, object=name, index=index) for name, index in names]
    data = bytes.fromhex("4002CA0902CF0902CF0803B71803B717015D")
    readings = decoded(points, block("service 0xFCD2", data))
    assert [(reading.point, reading.value) for reading in readings] == [(0, 25.06), (1, 22.55), (3, 60.71)]


def test_a_characteristic_is_a_field_too() -> None:
    points = [
        point({"decoder": "bthome"}, characteristic="temperature", type="int16"),
        point({"decoder": "bthome"}, object="battery"),
    ]
    readings = decoded(points, block("characteristic 0x2A6E", b"\xca\x09"), block("service 0xFCD2", b"\x40\x01\x5d"))
    assert [(reading.point, reading.value) for reading in readings] == [(0, 2506), (1, 93)]


def with_key(text: str | None) -> Connect:
    """Of the device that sealed the frame; None: the secret was never set."""
    connect = Connect.model_validate({"ble": "54:48:E6:8F:80:A5", "key": {"secret": "tag-key"}})
    assert connect.key is not None
    return connect if text is None else connect.model_copy(update={"key": connect.key.holding(text)})


def test_an_encrypted_frame_is_opened_with_the_key_of_the_device() -> None:
    humidity = point({"decoder": "bthome"}, connect=with_key(KEY), object="humidity")
    (reading,) = decoded([humidity], block("service 0xFCD2", SEALED))
    assert reading.value == 50.55


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (None, 'the secret "tag-key" is not set'),
        ("231d", 'the secret "tag-key" is not 32 hexadecimal digits'),
        ("0" * 32, bthome.KEY_DOES_NOT_FIT.reason),
    ],
)
def test_without_the_right_key_each_point_says_why(text: str | None, reason: str) -> None:
    humidity = point({"decoder": "bthome"}, connect=with_key(text), object="humidity")
    (reading,) = decoded([humidity], block("service 0xFCD2", SEALED))
    assert (reading.value, reading.status.quality, reading.status.reason) == (None, Quality.BAD, reason)


def test_a_plain_frame_is_not_believed_where_there_is_a_key() -> None:
    humidity = point({"decoder": "bthome"}, connect=with_key(KEY), object="humidity")
    (reading,) = decoded([humidity], block("service 0xFCD2", bytes.fromhex("4002CA0903BF13")))
    assert (reading.value, reading.status) == (None, bthome.NOT_ENCRYPTED)


def every_kind() -> list[Point[Connect, Address]]:
    """A point of every type, object and quantity; with a key and without."""
    sizes = {"string": "7", "bytes": "3", "datetime": "6"}
    found = [
        point(
            {"match": {"company": "1"}},
            "tag",
            None,
            byte=byte,
            type=type_,
            order=order,
            **({"length": length} if length else {}),
        )
        for type_ in BIT_WIDTHS
        for byte, order in (("0", "little"), ("9", "big"))
        for length in (sizes.get(type_, ""),)
    ]
    found += [point({"decoder": "ruuvi"}, object=name) for name in UNITS]
    found += [point({"decoder": "bthome"}, object=name) for name in sorted(NAMES)]
    return [*found, point({"decoder": "bthome"}, "sealed", with_key(KEY), object="temperature")]


def test_no_payload_raises() -> None:
    """100,000 of them; the first byte is often one that a decoder looks further at."""
    by_key: dict[tuple[str, str], list[Point[Connect, Address]]] = {}
    for one in every_kind():
        assert isinstance(one.address, Located)
        by_key.setdefault((one.device, one.address.source.key), []).append(one)
    assert len(by_key) == 4
    drawn = random.Random(20221114)
    kinds: Counter[Quality] = Counter()
    for number in range(100_000):
        (device, key), points = drawn.choice(list(by_key.items()))
        data = drawn.randbytes(drawn.randrange(42))
        if number % 3:
            data = drawn.choice((b"\x40", b"\x41", b"\x42", b"\x43", b"\x03", b"\x05", b"\x06", b"\xe1")) + data
        readings = decoded(drawn.choices(points, k=6), block(key, data, device))
        assert all((reading.value is None) == (reading.status.quality is Quality.BAD) for reading in readings)
        kinds.update(reading.status.quality for reading in readings)
    # So many were looked at, and neither all refused nor all taken.
    assert min(kinds[Quality.GOOD], kinds[Quality.BAD]) > 50_000
