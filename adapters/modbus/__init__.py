"""Modbus TCP: registers and coils of many units over one connection per line."""

from adapters.modbus.check import check
from adapters.modbus.session import connect
from adapters.modbus.settings import Address, Connect, line
from gateway.adapter import Adapter

ADAPTER: Adapter[Connect, Address] = Adapter(settings=Connect, address=Address, line=line, connect=connect, check=check)
