"""What a plant engineer writes for BLE: ``connect:`` of a device, how a profile knows its data, where a point is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal, TypeAlias

from pydantic import AfterValidator, Field, ValidationInfo, field_validator

from adapters.ble import bthome, identifiers, ruuvi
from gateway.adapter import Bits, Duration, Secret, Settings, ValueType, Whole, fault

Decoder: TypeAlias = Literal["fields", "bthome", "ruuvi"]
Order: TypeAlias = Literal["little", "big"]
"""Which byte of a number comes first: the least (little) or the most (big) significant one."""

LONGEST = 254
"""Bytes of data in one advertisement, extended ones included; a characteristic is longer only in theory."""


class Connect(Settings):
    """``connect:`` of a device."""

    ble: Annotated[str, AfterValidator(identifiers.address)]
    """The address of the device, in quotes: "CB:B8:33:4C:88:4F"."""
    offline_after: Annotated[Duration, Field(ge=1)] = 900.0
    """How long a device may be silent; most sensors advertise only when something has changed."""
    key: Secret | None = None
    """BTHome's bind key: 32 hexadecimal digits."""
    adapter: Annotated[str, Field(pattern="^hci[0-9]{1,2}$")] = "hci0"
    """The gateway's radio."""


class Match(Settings):
    """Which advertised data is meant."""

    company: Annotated[Whole, Field(ge=0, le=0xFFFF)] | None = None
    """Manufacturer data of this company."""
    service: Annotated[str, AfterValidator(identifiers.uuid)] = ""
    """Service data of this UUID."""
    starts: Annotated[str, AfterValidator(identifiers.first_bytes)] = ""
    """What the data begins with."""
    name: str = ""
    """Of the device, with * for any letters; for finding devices."""


_OWN_SOURCE: dict[Decoder, Match] = {
    "bthome": Match(service=bthome.SERVICE),
    "ruuvi": Match(company=ruuvi.COMPANY),
}
"""Where the decoders that know their data by themselves find it."""


class Profile(Settings):
    """What stands at the top of a profile."""

    decoder: Decoder = "fields"
    """fields: each point says where its bytes are. bthome, ruuvi: formats whose points have names (object)."""
    match: Match = Field(Match(), validate_default=True)
    """Which of the advertised data is meant."""

    @field_validator("match")
    @classmethod
    def _names_data(cls, match: Match, info: ValidationInfo) -> Match:
        decoder: Decoder = info.data.get("decoder", "fields")
        if match.company is not None and match.service:
            raise fault("L03", "{key} has both company and service", "keep the one whose data the points are in")
        if decoder == "fields":
            if match.company is None and not match.service and not match.name:
                text = "match: does not say in which data the points are"
                raise fault("L03", text, "write for example  match: {company: 0x0499} or match: {service: 0xFCD2}")
            return match
        own = _OWN_SOURCE[decoder]
        written = (match.company, match.service)
        if written not in ((None, ""), (own.company, own.service)):
            raise fault("L03", f"match: does not go with decoder {decoder}", "leave out company and service")
        return match.model_copy(update={"company": own.company, "service": own.service})


class Address(Settings):
    """Where a point is, as it is written."""

    byte: Annotated[Whole, Field(ge=0, lt=LONGEST)] | None = None
    """The first byte of a field, counted from 0: after the company id or the service's UUID."""
    type: ValueType | None = None
    """What the bytes hold: how wide it is, and how it is read."""
    order: Order = "little"
    """Which byte of a number comes first: little is the least significant one, big the most significant one."""
    bits: Bits | None = None
    """Which bits of the number, counted from the least significant."""
    length: Annotated[Whole, Field(ge=1, le=LONGEST)] | None = None
    """Bytes of a text."""
    object: str = ""
    """By name, where the decoder knows its data."""
    index: Annotated[Whole, Field(ge=1, le=LONGEST)] = 1
    """Which one, where an object comes several times."""
    characteristic: Annotated[str, AfterValidator(identifiers.characteristic)] | None = None
    """Read from the connected device instead of from what it advertises."""
    service: Annotated[str, AfterValidator(identifiers.uuid)] | None = None
    """Of the characteristic, where several have it."""


@dataclass(frozen=True, slots=True)
class Source:
    """The data that holds a point."""

    key: str
    """As recorded blocks are called: ``manufacturer 0x0499``, ``service 0xFCD2``, ``characteristic 0x2A6E``."""
    starts: str
    """Hexadecimal digits of the bytes it begins with; data that begins otherwise is something else."""
    decoder: Decoder


class Located(Address):
    """An address of which is known in which data it is."""

    source: Source


def line(connect: Connect) -> str:
    """All devices that one radio hears share it."""
    return connect.adapter
