"""OPC UA: nodes of a server, named by namespace URI. Described, judged and decoded; nothing reads them yet."""

from adapters.opcua.check import check
from adapters.opcua.decode import decode
from adapters.opcua.plan import plan
from adapters.opcua.resolve import resolve
from adapters.opcua.settings import Address, Connect, Profile, line
from gateway.adapter import Adapter

ADAPTER: Adapter[Connect, Address] = Adapter(
    settings=Connect,
    address=Address,
    line=line,
    connect=None,
    check=check,
    profile=Profile,
    resolve=resolve,
    shared=True,
    steps=(),
    plan=plan,
    decode=decode,
)
