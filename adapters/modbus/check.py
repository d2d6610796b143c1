"""Rules over the addresses of one device: registers that fit the type, ranges, settings that say something."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TypeAlias

from adapters.modbus import endpoint
from adapters.modbus.form import SEQUENCES, registers, width
from adapters.modbus.overlaps import overlaps
from adapters.modbus.places import HIGHEST_RECORD, area, of_file, spans, where
from adapters.modbus.plan import LONGEST_FILE, UNLIMITED, Limits
from adapters.modbus.settings import BIT_TABLES, Address, Connect, Order
from gateway.adapter import BIT_WIDTHS, Finding, Point, ValueType

HIGHEST = 65535
_DATETIME_REGISTERS = (3, 6)
_IN_A_BYTE: frozenset[ValueType] = frozenset(("bool", "int8", "uint8"))

_Rule: TypeAlias = Callable[[int, Point[Connect, Address]], Finding | None]


def check(points: Sequence[Point[Connect, Address]]) -> list[Finding]:
    """What is wrong with the points of one device, by point."""
    wide = {point.address.order for point in points if _has_words(point.address)}
    findings = [finding for index, point in enumerate(points) for finding in _of_one(index, point, wide)]
    # Where a point that is wrong lies is not known.
    wrong = {finding.point for finding in findings if not finding.warning}
    findings += overlaps(points, wrong)
    if points and endpoint.numbered(points[0].connect.modbus):
        findings.append(_port_may_change(points[0]))
    if points and endpoint.parts(points[0].connect.modbus).carrier == "listen" and not points[0].connect.from_:
        findings.append(_anybody_may_call(points[0]))
    return sorted(findings, key=lambda finding: finding.point)


def _port_may_change(point: Point[Connect, Address]) -> Finding:
    text = f"{point.device}: which port is {endpoint.parts(point.connect.modbus).device} may change after a reboot"
    hint = "write its name under /dev/serial/by-id, which belongs to the adapter"
    return Finding("B19", 0, "connect.modbus", text, hint, warning=True)


def _anybody_may_call(point: Point[Connect, Address]) -> Finding:
    text = (
        f"{point.device}: whoever reaches {point.connect.modbus} is taken for the device, and its values are believed"
    )
    hint = "write who may call, for example  from: 10.20.0.15  or  from: 10.20.0.0/24"
    return Finding("B23", 0, "connect.modbus", text, hint, warning=True)


def _has_words(address: Address) -> bool:
    """Whether its value is a number of several registers, whose order is of interest."""
    return registers(address) > 1 and address.type not in SEQUENCES


def _of_one(index: int, point: Point[Connect, Address], wide: set[Order]) -> Iterator[Finding]:
    twice = _said_twice(index, point)
    if twice is not None:
        yield twice
        return
    found = [finding for rule in _RULES if (finding := rule(index, point)) is not None]
    yield from found
    order = _order_tells(index, point, wide)
    # What a point that is wrong holds is not known.
    if order is not None and all(finding.warning for finding in found):
        yield order


def _said_twice(index: int, point: Point[Connect, Address]) -> Finding | None:
    address = point.address
    said = [key for key in ("at", "registers", "object", "file") if getattr(address, key) is not None]
    if said == ["at", "registers"]:
        text = f'{point.name}: has both "at" and "registers"'
        hint = "keep one: at is the first of neighbours, registers names each one that is not"
        return Finding("B15", index, "registers", text, hint)
    if len(said) > 1:
        text = f'{point.name}: has both "{said[-2]}" and "{said[-1]}", but it can be in one place only'
        hint = "keep one: at or registers for registers and bits, file with record, object for the identification"
        return Finding("B22", index, said[-1], text, hint)
    if address.record is not None and address.file is None:
        return Finding("B22", index, "record", f'{point.name}: has "record" but no "file"', "add  file: 1 to 65535")
    return None


def _bits_are_bool(index: int, point: Point[Connect, Address]) -> Finding | None:
    table, type_ = area(point.address), point.address.type
    if table not in BIT_TABLES or type_ == "bool":
        return None
    text = f"{point.name}: {table} holds single bits, type must be bool"
    # The default type stands nowhere; the table does.
    return Finding("B06", index, "table", text, "write type: bool")


def _has_length(index: int, point: Point[Connect, Address]) -> Finding | None:
    address = point.address
    if address.type not in ("string", "bytes") or address.length or address.registers or not _in_words(address):
        return None
    what, example = ("a string needs", "text") if address.type == "string" else ("bytes need", "value")
    unit = "records" if address.file is not None else "registers"
    text = f'{point.name}: {what} "length" (number of {unit})'
    unit = "character" if address.type == "string" else "byte"
    return Finding("B05", index, "type", text, f"a 16-{unit} {example} has length: 8")


def _has_as_many_as_it_takes(index: int, point: Point[Connect, Address]) -> Finding | None:
    address = point.address
    key = "length" if address.registers is None else "registers"
    count = address.length if address.registers is None else len(address.registers)
    if count is None:
        return None
    if address.registers is not None and address.length not in (None, count):
        text = f"{point.name}: registers names {count}, but length is {address.length}"
        return Finding("B18", index, "length", text, "leave length out")
    if address.object is not None:
        return None
    what, fitting = _taken(address)
    if not fitting or count in fitting:
        return None
    if key == "length":
        hint = "leave length out, or check the type" if len(fitting) == 1 else "write length: 3 or length: 6"
    else:
        hint = "name each register once, in the order in which their words form the value"
    return Finding("B18", index, key, f"{point.name}: {what}, not {count}", hint)


def _taken(address: Address) -> tuple[str, tuple[int, ...]]:
    """In words, and how many registers it may be; empty where that is free."""
    if not _in_words(address):
        return f"a {address.table} is 1 bit", (1,)
    if address.type == "datetime":
        return "a datetime takes 3 registers (two bytes in each) or 6", _DATETIME_REGISTERS
    count = width(address.type)
    unit = "record" if address.file is not None else "register"
    return f"{address.type} takes {count} {unit}{'' if count == 1 else 's'}", (count,) if count else ()


def _in_words(address: Address) -> bool:
    """Whether it lives in registers or records."""
    return area(address) not in _NOT_WORDS


_NOT_WORDS = BIT_TABLES | {"object"}


def _can_be_read_at_once(index: int, point: Point[Connect, Address]) -> Finding | None:
    longest, most = max(len(here) for here in spans(point)), point.connect.max_registers
    unit = "registers"
    if point.address.file is not None:
        most, unit = min(most, LONGEST_FILE), "records"
    if longest <= most or not _in_words(point.address):
        return None
    key = "length" if point.address.registers is None else "registers"
    text = f"{point.name}: {longest} {unit} are more than one request can read ({most})"
    return Finding("B16", index, key, text, "read them as several points")


def _fits_the_bits(index: int, point: Point[Connect, Address]) -> Finding | None:
    address = point.address
    if address.bits is None:
        return None
    low, high = address.bits
    written = f"{low}" if low == high else f"{low}..{high}"
    room = _room(address)
    if high < room and (address.type != "bool" or low == high):
        return None
    what = address.table if area(address) in BIT_TABLES else address.type
    if address.type == "bool" and high < room:
        hint = f"a bool is one bit, for example bits: {low}; for a number write type: uint16"
    elif room:
        hint = f"its bits are 0..{room - 1}"
    else:
        hint = "leave bits out" if what == address.table else "bits are taken from whole numbers: write type: uint16"
    return Finding("B08", index, "bits", f'{point.name}: "bits: {written}" does not fit into {what}', hint)


def _room(address: Address) -> int:
    """How many bits there are to choose from."""
    if area(address) in BIT_TABLES:
        return 0
    if address.type == "bool":
        return 8 if address.byte else 16
    return BIT_WIDTHS[address.type] if address.type.startswith(("int", "uint")) else 0


def _in_range(index: int, point: Point[Connect, Address]) -> Finding | None:
    address, base = point.address, point.connect.base
    if address.object is not None:
        return None
    if address.file is not None:
        return _in_its_file(index, point)
    outside = [here for here in spans(point) if here.start < 0 or here.stop - 1 > HIGHEST]
    if not outside:
        return None
    here = outside[0]
    numbers = str(here.start) if len(here) == 1 else f"{here.start}..{here.stop - 1}"
    where = f"{address.table if address.table in BIT_TABLES else 'register'} {numbers}"
    with_base = f" (base {base} is added)" if base else ""
    key = "at" if address.registers is None else "registers"
    return Finding("B07", index, key, f"{point.name}: {where}{with_base} is outside 0..{HIGHEST}")


def _in_its_file(index: int, point: Point[Connect, Address]) -> Finding | None:
    (here,) = spans(point)
    if of_file(here.stop - 1)[1] <= HIGHEST_RECORD:
        return None
    text = f"{point.name}: {where('file', here)} is outside 0..{HIGHEST_RECORD}"
    return Finding("B07", index, "record", text, f"a file has the records 0 to {HIGHEST_RECORD}")


def _is_not_forbidden(index: int, point: Point[Connect, Address]) -> Finding | None:
    limits = Limits.of(point.connect)
    outside = [here for here in spans(point) if not limits.allow(here)]
    if not outside or area(point.address) in UNLIMITED:
        return None
    key = "at" if point.address.registers is None else "registers"
    text = f"{point.name}: {where(point.address.table, outside[0])} lies in a range that is forbidden for this device"
    return Finding("B21", index, key, text, "take the point out, or make the range under forbidden smaller")


def _byte_tells(index: int, point: Point[Connect, Address]) -> Finding | None:
    address = point.address
    if address.byte is None or (address.type in _IN_A_BYTE and _in_words(address)):
        return None
    what = address.type if _in_words(address) else address.table
    text = f"{point.name}: byte {address.byte} has no effect on {what}"
    return Finding("B17", index, "byte", text, "leave it out, or write type: uint8, int8 or bool", warning=True)


_RULES: tuple[_Rule, ...] = (
    _bits_are_bool,
    _has_length,
    _has_as_many_as_it_takes,
    _can_be_read_at_once,
    _fits_the_bits,
    _in_range,
    _is_not_forbidden,
    _byte_tells,
)


def _order_tells(index: int, point: Point[Connect, Address], wide: set[Order]) -> Finding | None:
    address = point.address
    not_0 = area(address) in BIT_TABLES or (address.type == "bool" and address.bits is None and address.byte is None)
    # Two bytes have an order, but no order of words; what is asked for as "not 0" has neither.
    idle = address.order == "CDAB" or (not_0 and address.order != "ABCD")
    if not idle or _has_words(address):
        return None
    what = "16-bit value" if BIT_WIDTHS[address.type] == 16 else address.type
    text = f"{point.name}: order {address.order} has no effect on {'an' if what.startswith('int') else 'a'} {what}"
    # The order of the wider points is the profile's default: nobody wrote it for this one.
    others = address.order in wide
    return Finding("B11", index, "order", text, "leave it out, or check the type", warning=True, own=others)
