"""What tests of setting points stand on: a device with a memory, a clock that is turned by hand, and who sets."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path

from adapters.modbus import ADAPTER
from gateway.adapter import GOOD, Batch, NotWritten, Reading, Status, Value
from gateway.audit import Audit, Caller
from gateway.before import Target
from gateway.mapping.refused import Wanted
from gateway.pace import Now, Pace
from gateway.plant import Device, read
from gateway.setting import Done, Order, set_point
from tests.gateway.field import plant
from tests.gateway.machine import PROFILE


class Machine:
    """A session with a memory: raw values by the name of the point, and what becomes of each write."""

    def __init__(self, device: Device) -> None:
        self.names = [spec.point.name for spec in device.points]
        self.held: dict[str, Value] = dict.fromkeys(self.names, 0) | {"limit_sf": 2, "speed": 200, "setpoint": 20.0}
        self.fates: list[BaseException | None] = []
        """Of the next writes, in order: what is raised; they are carried out where it is unknown, too."""
        self.deaf = False
        """It confirms, and does nothing."""
        self.why: dict[str, Status] = {}
        self.written: list[tuple[str, Value]] = []
        self.fetched: list[str] = []
        self.lost: BaseException | None = None

    async def read(self) -> Batch:
        raise NotImplementedError

    async def fetch(self, point: int) -> Reading:
        name = self.names[point]
        self.fetched.append(name)
        if self.lost is not None and self.written:
            raise self.lost
        status = self.why.get(name, GOOD)
        return Reading(point, None if status is not GOOD else self.held[name], 0, status)

    async def write(self, point: int, value: Value) -> None:
        name = self.names[point]
        self.written.append((name, value))
        fate = self.fates.pop(0) if self.fates else None
        if not self.deaf and (not isinstance(fate, NotWritten) or fate.unknown):
            self.held[name] = value
        if fate is not None:
            raise fate


class Clock:
    """Time passes while one sleeps."""

    def __init__(self) -> None:
        self.s = 1000.0

    def now(self) -> float:
        return self.s

    def moment(self) -> Now:
        return Now("a start", self.s, self.s)

    async def sleep(self, seconds: float) -> None:
        self.s += seconds


def described(folder: Path, endpoint: str = "tcp://127.0.0.1:1", profile: str = PROFILE) -> Device:
    """The machine as its plant describes it."""
    return read(plant(folder, endpoint, profile), {"modbus": ADAPTER}).devices[0]


class Hand:
    """Sets points of one device, as an operator who has a clock."""

    def __init__(self, session: Machine, device: Device, state: Path) -> None:
        self.clock = Clock()
        self.sleep: Callable[[float], Awaitable[None]] = self.clock.sleep
        self.order = Order(Caller("a test"), Pace(state, self.clock.moment), Audit(state))
        self._session = session
        self._device = device

    async def __call__(self, name: str, wanted: Wanted) -> Done:
        target = Target(self._session, self._device, unreadable=ADAPTER.unreadable)
        return await set_point(target, name, wanted, self.order, now=self.clock.now, sleep=self.sleep)
