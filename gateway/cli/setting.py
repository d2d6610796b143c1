"""fieldgate set: one point of a live device set, for commissioning."""

from __future__ import annotations

import asyncio
import json
import logging
import os
import pwd
import sys
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn, TypeVar

import click

from gateway import link, look, setting
from gateway.adapter import LinkLost, NotWritten
from gateway.audit import Audit, Caller
from gateway.before import Silent, Target, Unread
from gateway.cli.looking import device_of, holding, plain
from gateway.cli.plants import JSON, PLANT, STATE, adapters, load, refuse
from gateway.lines import with_secrets
from gateway.mapping import writing
from gateway.mapping.refused import Absent, Denied, Refused, TooSoon, Unkept, Wanted, shown, with_unit
from gateway.model import Quality, Status, Value
from gateway.pace import Pace
from gateway.plant import Device
from gateway.record import plants
from gateway.vault import Vault

SILENT = "is it on, is its unit id right? Whatever else asks it may hold its only connection"

T = TypeVar("T")


@click.command("set", context_settings={"ignore_unknown_options": True})
@PLANT
@click.argument("device")
@click.argument("point")
@click.argument("value")
@STATE
@JSON
@click.option("--yes", is_flag=True, help="Do not ask; needed where nobody sits at a terminal.")
@click.option("--unread", is_flag=True, help="Set it also where it cannot be read before.")
@click.option("--note", default="", metavar="TEXT", help="Why, for the audit: a work order, a name.")
def set_(
    folder: Path,
    device: str,
    point: str,
    value: str,
    state: Path | None,
    as_json: bool,
    yes: bool,
    unread: bool,
    note: str,
) -> None:
    """Set a point of a device once, now, within the bounds of write: in its mapping.

    VALUE is a value as it is published: 21.5, a text of the enum, true, or names of flags. Shows what the point holds
    and what will be sent, and asks. Opens a connection of its own: a device that allows only one refuses it while a
    gateway runs. Ends with 1 where the device does not have or take it, or where it is unknown whether it did.

    The audit in the state directory holds who wanted what, before anything is sent, and what became of it; who cannot
    write there cannot set anything. `fieldgate audit` shows it. Another --state has another audit, and knows
    of no earlier writes: name the one that the gateway runs with.
    """
    plant = load(folder, quiet=True, as_json=as_json)
    chosen = device_of(plant, device, as_json=as_json)
    directory = state or plant.gateway.state
    _log_to_stderr()
    own = plant.gateway.state
    if directory.resolve() != own.resolve():
        click.echo(f"audit and last writes are those in {directory}, not those in {own} (gateway.yaml)", err=True)
    by, audit, files = caller("fieldgate set"), Audit(directory), plants.pack(plant).id
    order = setting.Order(by, Pace(directory), audit, files, note, unread)
    act = _Act(chosen, point, Vault(directory), folder, as_json, order)
    wanted = act.judged(value)
    if not yes:
        if not at_a_terminal():
            refuse("nobody can be asked here whether to set it", "add --yes", code=2, as_json=as_json)
        act.ask(wanted)
    act.carry_out(wanted)


def at_a_terminal() -> bool:
    """Whether somebody can be asked."""
    return sys.stdin.isatty()


def _log_to_stderr() -> None:
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)-7s %(message)s", stream=sys.stderr)


@dataclass(frozen=True)
class _Act:
    """One point to be set, and how its answer is wanted."""

    device: Device
    point: str
    vault: Vault
    folder: Path
    as_json: bool
    order: setting.Order

    def judged(self, text: str) -> Wanted:
        """What was typed, where the mapping allows it; says why not, and ends with 2, or with 1 if it is too soon."""
        wanted: Wanted = text
        try:
            self._writable()
            spec = setting.spec_of(self.device, self.point)
            wanted = writing.read(spec, text)
            setting.check(self.device, self.point, wanted)
            self.order.pace.check(self.device.name, spec)
        except Refused as refused:
            self.order.refuse(self.device, self.point, wanted, refused)
            self._refused(refused)
        return wanted

    def _writable(self) -> None:
        """Raises Denied where nobody ever could write the point."""
        spec = next((spec for spec in self.device.points if spec.point.name == self.point), None)
        why = adapters()[self.device.protocol].read_only(spec.point.address) if spec is not None else ""
        if why:
            raise Denied(self.point, why)

    def ask(self, wanted: Wanted) -> None:
        """Show what would be done; ends with 1 where the answer is no."""

        async def previewed(target: Target) -> setting.Preview:
            try:
                return await setting.preview(target, self.point, wanted, unread=self.order.unread)
            except (Refused, NotWritten, LinkLost, OSError) as error:
                self.order.refuse(self.device, self.point, wanted, error)
                raise

        seen = self._run(wanted, previewed)
        click.echo(f"{self.device.name} {self.point}: {_held('holds', seen.old, seen.old_status, seen.unit)}", err=True)
        new = with_unit(shown(seen.setpoint.value), seen.unit)
        click.echo(f"will be set to {new}, sent as raw value {shown(seen.setpoint.raw)}", err=True)
        if not click.confirm("set it?", err=True):
            refuse("nothing was sent", as_json=self.as_json)

    def carry_out(self, wanted: Wanted) -> None:
        """Set it, and say what became of it."""
        done = self._run(wanted, lambda target: setting.set_point(target, self.point, wanted, self.order))
        if self.as_json:
            click.echo(json.dumps(_entry(done)))
            return
        new, old = with_unit(shown(done.new), done.unit), _held("was", done.old, done.old_status, done.unit)
        click.echo(f"{done.device} {done.point}: set to {new}, {old}; {setting.known_by(done)}")

    def _run(self, wanted: Wanted, work: Callable[[Target], Coroutine[Any, Any, T]]) -> T:
        """Do this over a connection of its own; says why not, and ends with 1 or 2."""

        async def opened() -> T:
            async with _opened(self.device, self.vault) as target:
                return await work(target)

        try:
            return asyncio.run(opened())
        except Refused as refused:
            self._refused(refused)
        except NotWritten as error:
            self._not_written(error)
        except look.Missed as missed:
            self.order.refuse(self.device, self.point, wanted, missed)
            remedy = holding(self.vault.state, str(missed)) or missed.remedy
            refuse(str(missed), remedy, as_json=self.as_json)
        except (LinkLost, OSError) as error:
            trouble = link.words(error, self.device.line)
            refuse(f"{self.device.line}: {trouble.reason}", trouble.remedy, as_json=self.as_json)
        except KeyboardInterrupt:
            hint = f"what became of it: fieldgate audit {self.folder} --device {self.device.name}"
            refuse("stopped", hint, as_json=self.as_json)

    def _refused(self, refused: Refused) -> NoReturn:
        code = 1 if isinstance(refused, Absent | TooSoon | Unkept) else 2
        refuse(str(refused), refused.hint, code=code, as_json=self.as_json)

    def _not_written(self, error: NotWritten) -> NoReturn:
        look_first = f"see what it holds: fieldgate probe {self.folder} {self.device.name} {self.point}"
        hint = look_first if error.unknown else SILENT if isinstance(error, Silent) else ""
        if isinstance(error, Unread) and not error.needed:
            hint = "--unread sets it all the same"
        if not self.as_json:
            refuse(str(error), hint)
        click.echo(json.dumps({"ok": False, "error": str(error), "hint": hint, "unknown": error.unknown}))
        sys.exit(1)


@asynccontextmanager
async def _opened(device: Device, vault: Vault) -> AsyncIterator[Target]:
    """Raises look.Missed where there is no way to the device."""
    adapter = adapters()[device.protocol]
    opening = with_secrets(adapter, vault).connect
    if opening is None:
        raise look.Missed(f"this version of Fieldgate cannot write to {device.protocol} devices yet")
    async with AsyncExitStack() as stack:
        try:
            async with asyncio.timeout(look.PATIENCE_S):
                session = await stack.enter_async_context(opening([spec.point for spec in device.points]))
        except (LinkLost, OSError) as error:
            trouble = link.words(error, device.line)
            raise look.Missed(f"{device.line}: {trouble.reason}", trouble.remedy) from error
        yield Target(session, device, unreadable=adapter.unreadable)


_NOBODY = 2**32 - 1
"""The kernel's login of what nobody has started who logged in."""


def caller(way: str) -> Caller:
    """Who has started this process."""
    try:
        login = int(Path("/proc/self/loginuid").read_text(encoding="ascii"))
    except (OSError, ValueError):
        login = _NOBODY
    sudo = os.environ.get("SUDO_USER", "")
    return Caller(way, _user(os.getuid()), os.getuid(), sudo, _user(login) if login != _NOBODY else "")


def _user(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return f"user {uid}"


def _held(verb: str, value: Value, status: Status, unit: str) -> str:
    if status.quality is Quality.BAD:
        return f"not read before ({status.reason})"
    why = f" ({status.reason})" if status.reason else ""
    return f"{verb} {with_unit(shown(value), unit)}{why}"


def _entry(done: setting.Done) -> dict[str, Any]:
    return {
        "ok": True,
        "device": done.device,
        "point": done.point,
        "unit": done.unit,
        "old": plain(done.old),
        "old_reason": done.old_status.reason,
        "new": plain(done.new),
        "raw": plain(done.raw),
        "confirmed": done.confirm,
        "repeated": done.repeated,
        "doubt": done.doubt,
    }


COMMANDS = (set_,)
