"""Bluetooth Low Energy: what sensors advertise. Described, judged and decoded; nothing listens yet."""

from adapters.ble.decode import decode
from adapters.ble.resolve import resolve
from adapters.ble.settings import Address, Connect, Profile, line
from gateway.adapter import Adapter

ADAPTER: Adapter[Connect, Address] = Adapter(
    settings=Connect,
    address=Address,
    line=line,
    connect=None,
    profile=Profile,
    resolve=resolve,
    steps=("byte", "index"),
    decode=decode,
)
