"""A point's address judged by the decoder of its profile."""

from __future__ import annotations

from typing import Any

import pytest

from adapters.ble.resolve import resolve
from adapters.ble.settings import Address, Located, Profile, Source
from gateway.adapter import Finding

FIELDS = {"match": {"company": "0x0499", "starts": "05"}}
BTHOME = {"decoder": "bthome"}
RUUVI = {"decoder": "ruuvi", "match": {"starts": "06"}}
BY_NAME = {"match": {"name": "Thermo*"}}


def resolved(profile: dict[str, Any], **settings: str) -> tuple[Located, list[Finding]]:
    """As a plant file brings a point named ``t``."""
    address, findings = resolve("t", Profile.model_validate(profile), Address.model_validate(settings), settings)
    assert isinstance(address, Located)
    return address, list(findings)


def test_a_field_is_in_the_data_of_the_profile() -> None:
    address, findings = resolved(FIELDS, byte="13", type="uint16", order="big", bits="5..15")
    assert not findings
    assert address.source == Source("manufacturer 0x0499", "05", "fields")
    assert (address.byte, address.type, address.order, address.bits) == (13, "uint16", "big", (5, 15))


def test_an_object_is_known_by_its_name() -> None:
    address, findings = resolved(BTHOME, object="temperature", index="2")
    assert not findings
    assert (address.source, address.object, address.index) == (Source("service 0xFCD2", "", "bthome"), "temperature", 2)
    assert resolved(RUUVI, object="voc")[0].source == Source("manufacturer 0x0499", "06", "ruuvi")


def test_a_characteristic_needs_no_advertised_data() -> None:
    address, findings = resolved(BY_NAME, characteristic="temperature", type="int16")
    assert not findings
    assert (address.source, address.byte) == (Source("characteristic 0x2A6E", "", "fields"), 0)
    address, findings = resolved(BTHOME, characteristic="serial_number", service="0x180A", type="string", length="8")
    assert not findings
    assert address.source == Source("characteristic 0x180A/0x2A25", "", "fields")


@pytest.mark.parametrize(
    ("profile", "settings", "code", "key"),
    [
        (FIELDS, {"type": "int16"}, "M02", "byte"),
        (FIELDS, {"byte": "1"}, "M02", "type"),
        (FIELDS, {"byte": "1", "type": "uint16", "bits": "5..17"}, "L02", "bits"),
        (FIELDS, {"byte": "1", "type": "bool", "bits": "8"}, "L02", "bits"),
        (FIELDS, {"byte": "1", "type": "float32", "bits": "3"}, "L07", "bits"),
        (FIELDS, {"byte": "1", "type": "string"}, "L08", "type"),
        (FIELDS, {"byte": "1", "type": "datetime", "length": "7"}, "L08", "length"),
        (FIELDS, {"byte": "1", "type": "uint16", "length": "2"}, "L07", "length"),
        (FIELDS, {"byte": "1", "type": "uint16", "object": "temperature"}, "L07", "object"),
        (FIELDS, {"byte": "1", "type": "uint16", "service": "0x180A"}, "L07", "service"),
        (BY_NAME, {"byte": "1", "type": "uint16"}, "L03", "byte"),
        (BTHOME, {}, "M02", "object"),
        (BTHOME, {"object": "temprature"}, "L06", "object"),
        (RUUVI, {"object": "dewpoint"}, "L06", "object"),
        (BTHOME, {"object": "temperature", "order": "big"}, "L07", "order"),
    ],
)
def test_what_does_not_fit_the_decoder_is_found(
    profile: dict[str, Any], settings: dict[str, str], code: str, key: str
) -> None:
    _, findings = resolved(profile, **settings)
    assert [(finding.code, finding.key, finding.warning) for finding in findings] == [(code, key, False)]


def test_a_name_that_is_nearly_right_is_answered() -> None:
    (finding,) = resolved(BTHOME, object="temprature")[1]
    assert finding.text == 't: decoder bthome knows no "temprature"'
    assert finding.hint == 'did you mean "temperature"?'


def test_a_bit_beyond_the_type_says_which_there_are() -> None:
    (finding,) = resolved(FIELDS, byte="1", type="uint16", bits="17")[1]
    assert finding.text == "t: bit 17 is outside of uint16 (0..15)"
