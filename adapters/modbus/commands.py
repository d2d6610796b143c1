"""fieldgate modbus scan, dump, orders: looking at a line by hand, kindly to old devices.

``scan``, ``identification``, ``dump`` and ``orders`` decide what to ask, and what it means; ``visit`` is the line.
"""

from __future__ import annotations

import time
from collections.abc import AsyncGenerator, Sequence
from dataclasses import replace

from adapters.modbus import dump, orders, pdu, scan, typed
from adapters.modbus.identification import LEVELS, ObjectsWrong, deeper, level, named, objects
from adapters.modbus.numbering import as_printed
from adapters.modbus.places import where
from adapters.modbus.plan import FUNCTIONS
from adapters.modbus.settings import BIT_TABLES, Connect, Table
from adapters.modbus.visit import Heard, Miss, Visit, visit
from gateway.adapter import Argument, Call, Command, LinkLost, Note, Progress, RawBlock, Row, Said

VAIN_AT_MOST = 3
"""Blocks in a row whose answers, if there were any, said nothing of addresses: the unit is not there, or has no such
table."""
_PAGES_AT_MOST = 16
"""Answers of one device's identification."""
_BUSY = frozenset((5, 6))
_LINE = ("timeout", "pause", "delay", "baud", "parity", "stop", "data_bits", "rs485", "certificate", "key", "trust")
"""Settings that reaching a device may take."""

_RATE = Argument("rate", "Requests per second or minute, at the most.", typed.per_second, "10/s")
_TABLE = Argument("table", "coil, discrete, input or holding", typed.table)
_REGISTER_TABLE = Argument("table", "input or holding", typed.register_table)


async def _scan(call: Call[Connect]) -> AsyncGenerator[Said, None]:
    units, (table, at) = call.given["units"], call.given["ask"]
    question, found = pdu.read(FUNCTIONS[table], at, 1), 0
    async with visit(call.connect, call.given["rate"]) as line:
        for number, unit in enumerate(units):
            yield Progress(number, len(units), f"unit {unit}, {found} found")
            heard = await line.ask(unit, question)
            if isinstance(heard, Miss) and heard.kind == "wrong":
                # It may have been the late answer of the unit before.
                heard = await line.ask(unit, question)
            if scan.there(heard):
                took_s, wanted = line.took_s, call.given["identify"]
                found += not (isinstance(heard, Miss) and heard.kind == "wrong")
                identity = await _identity(line, unit, wanted) if wanted else {}
                yield Row(scan.row(unit, heard, took_s, identity))
        for note in scan.notes(len(units), found, line.counters["closed"], line.counters["wrong"]):
            yield Note(note)
    if not found:
        what = f"unit {units[0]} does not answer" if len(units) == 1 else f"none of {len(units)} units answers"
        raise LinkLost(what, "check the wiring and what the line is set to; old devices take a longer --timeout")


async def _identity(line: Visit, unit: int, wanted: int) -> dict[str, str]:
    """What the unit says of itself, up to this level; empty where it does not know of the question."""
    texts: dict[int, str] = {}
    asked, to_ask = 0, [(LEVELS["basic"], 0)]
    while to_ask and asked < _PAGES_AT_MOST:
        code, first = to_ask.pop(0)
        heard = await line.ask(unit, pdu.identification(code, first))
        asked += 1
        if isinstance(heard, Miss):
            break
        try:
            page = objects(heard)
        except ObjectsWrong:
            break
        texts.update(page.texts)
        if page.following is not None:
            to_ask.insert(0, (code, page.following))
        elif code == LEVELS["basic"]:
            to_ask += deeper(wanted, page.conformity)
    return named(texts)


async def _dump(call: Call[Connect]) -> AsyncGenerator[Said, None]:
    connect, table, here = call.connect, call.given["table"], call.given["addresses"]
    longest = connect.max_bits if table in BIT_TABLES else connect.max_registers
    search = dump.Search(here, 1 if connect.one_by_one else longest, connect.forbidden, call.given["finest"])
    findings = _Findings(call.device, table)
    vain, missed = 0, "all of it is forbidden"
    if hint := as_printed(here.start):
        yield Note(hint)
    async with visit(connect, call.given["rate"]) as line:
        while (asked := search.next()) is not None and vain < VAIN_AT_MOST:
            yield Progress(search.known, len(here), f"{where(table, asked)}, {findings.count} found")
            heard = await _patiently(line, connect.unit_id, table, asked)
            refused = isinstance(heard, Miss) and heard.status.code in dump.DIVISIBLE
            vain = vain + 1 if isinstance(heard, Miss) and not refused else 0
            missed = heard.status.reason if isinstance(heard, Miss) else missed
            search.tell(heard)
            for one in findings.add(search.take()):
                yield one
    for one in findings.add(search.take()) + findings.end():
        yield one
    if vain >= VAIN_AT_MOST or not findings.count:
        raise _nothing(connect.unit_id, missed)


class _Findings:
    """Pieces as a command tells them: rows, and raw blocks to be kept."""

    def __init__(self, device: str, table: Table) -> None:
        self._device, self._table = device, table
        self._page = dump.Page(table)
        self._gaps: list[dump.Piece] = []
        self.count = 0
        """Registers, or bits."""

    def add(self, pieces: Sequence[dump.Piece]) -> list[Said]:
        """By address."""
        held = [piece for piece in pieces if piece.data]
        self._gaps += [piece for piece in pieces if not piece.data]
        self.count += sum(len(piece.here) for piece in held)
        return [*(Row(row) for piece in pieces for row in self._page.add(piece)), *self._blocks(held)]

    def end(self) -> list[Said]:
        """What is left, and all gaps."""
        return [*map(Row, self._page.end()), *self._blocks(self._gaps)]

    def _blocks(self, pieces: Sequence[dump.Piece]) -> list[RawBlock]:
        return dump.blocks(self._device, self._table, pieces, time.time_ns())


async def _orders(call: Call[Connect]) -> AsyncGenerator[Said, None]:
    connect, table, at = call.connect, call.given["table"], call.given["at"]
    missed = ""
    if hint := as_printed(at):
        yield Note(hint)
    async with visit(connect, call.given["rate"]) as line:
        for count in range(min(orders.WIDEST, connect.max_registers, typed.HIGHEST + 1 - at), 0, -1):
            here = range(at, at + count)
            heard = await _patiently(line, connect.unit_id, table, here)
            if not isinstance(heard, Miss):
                yield Note(f"{where(table, here)}: {heard.hex(' ', 2)}")
                for row in orders.rows(connect, table, at, heard):
                    yield Row(row)
                return
            missed = heard.status.reason
            if heard.status.code not in dump.DIVISIBLE:
                break
    raise _nothing(connect.unit_id, missed)


def _nothing(unit: int, reason: str) -> LinkLost:
    return LinkLost(f"unit {unit}: {reason}", "which units there are is told by: fieldgate modbus scan")


async def _patiently(line: Visit, unit: int, table: Table, here: range) -> Heard:
    """Ask once more where the first answer says nothing about the addresses."""
    question = pdu.read(FUNCTIONS[table], here.start, len(here))
    heard = await line.ask(unit, question)
    if isinstance(heard, Miss) and (heard.kind != "refused" or heard.status.code in _BUSY):
        return await line.ask(unit, question)
    return heard


COMMANDS: tuple[Command[Connect], ...] = (
    Command(
        "scan",
        "Which unit ids answer, and what the devices say of themselves.",
        _scan,
        rows="units",
        settings=_LINE,
        options=(
            Argument("units", "Unit ids to ask: 1..247, or 1,2,10..20.", typed.units, "1..247"),
            Argument("ask", "What each is asked for: any answer will do, exceptions too.", typed.where, "holding 0"),
            Argument("identify", "How much devices shall say: basic, regular, extended or none.", level, "regular"),
            replace(_RATE, default="5/s"),
        ),
    ),
    Command(
        "dump",
        "All registers of a range as they are, round those that the device does not have.",
        _dump,
        rows="registers",
        needs=("unit_id",),
        settings=(*_LINE, "max_registers", "max_bits", "one_by_one"),
        arguments=(_TABLE, Argument("addresses", "0-based, as on the wire: 0..99 or 0x5B00..0x5B20", typed.addresses)),
        options=(
            Argument("finest", "Give up so many neighbours together, where they are refused.", typed.at_least_one, "1"),
            _RATE,
        ),
        records=True,
    ),
    Command(
        "orders",
        "Some registers as every type in every order.",
        _orders,
        rows="types",
        needs=("unit_id",),
        settings=_LINE,
        arguments=(_REGISTER_TABLE, Argument("at", "the first register, 0-based, as on the wire", typed.address)),
        options=(_RATE,),
    ),
)
