"""Modbus: registers and coils of many units over one connection per line, on TCP, serial lines, UDP and TLS."""

from adapters.modbus.check import check
from adapters.modbus.commands import COMMANDS
from adapters.modbus.course import unreadable
from adapters.modbus.numbering import resolve
from adapters.modbus.plan import planned
from adapters.modbus.remedies import remedy
from adapters.modbus.replay import decode, explain
from adapters.modbus.session import connect
from adapters.modbus.settings import Address, Connect, Profile, every, line, of_the_line, port, read_only
from gateway.adapter import Adapter

ADAPTER: Adapter[Connect, Address] = Adapter(
    settings=Connect,
    address=Address,
    line=line,
    connect=connect,
    read_only=read_only,
    unreadable=unreadable,
    remedy=remedy,
    every=every,
    apart=("modbus", "unit_id", "base"),
    alike=of_the_line,
    port=port,
    steps=("at", "registers", "record", "object"),
    check=check,
    profile=Profile,
    resolve=resolve,
    plan=planned,
    decode=decode,
    explain=explain,
    commands=COMMANDS,
)
