"""``fieldgate demo``: the real gateway between a simulated plant and a simulated hub, for people to look at."""

from __future__ import annotations

import json
import os
import select
import shutil
import signal
import socket
import subprocess
import sys
import termios
import time
import tty
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.live import Live

import certs
from gateway.cli.certificates import issue_missing
from gateway.cli.plants import adapters
from gateway.cli.screen import Facts, plain, screen
from gateway.mapping.diagnostics import summary
from gateway.mapping.exporters import points
from gateway.plant import MAPPINGS, Plant, PlantInvalid, read
from gateway.status import answer

MARK = ".fieldgate-demo"
READY_S = 20.0
STOP_S = 1.5
LOOK_S = 0.5
LINES_S = 2.0
OUTAGE_S = 20.0


class DemoTrouble(Exception):
    """The demo cannot go on; the text says why and what to do."""


def default_directory() -> Path:
    """Where the demo keeps its plant, keys and buffer; the same for every terminal of this user."""
    return Path(os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state") / "fieldgate-demo"


@click.command()
@click.option(
    "--outage",
    is_flag=False,
    flag_value=OUTAGE_S,
    type=float,
    metavar="[SECONDS]",
    help="Take the hub of the running demo away for so long (20 s), from a second terminal.",
)
@click.option("--register", metavar="IDENTITY", help="Make a device id known to the hub of the running demo.")
@click.option("--fresh", is_flag=True, help="Begin with the example again, not with what was left in plant/.")
@click.option("--directory", type=click.Path(path_type=Path), help="Where the demo keeps its files.")
def demo(outage: float | None, register: str | None, fresh: bool, directory: Path | None) -> None:
    """Show the whole way on simulators: three meters, the gateway, a hub.

    One of the meters nobody has described yet: mappings/README.md shows how. Runs until Ctrl-C. Nothing leaves this
    machine.
    """
    directory = directory or default_directory()
    try:
        if register is not None:
            reply = tell_hub(directory, {"command": "register", "device": register})
            if "error" in reply:
                raise DemoTrouble(str(reply["error"]))
            click.echo(f"the hub knows {register}; next: fieldgate reload {directory / 'plant'}")
            return
        if outage is not None:
            tell_hub(directory, {"command": "away", "seconds": outage})
            click.echo(f"the hub is away for {outage:.0f} s: watch the messages wait on disk, then drain")
            return
        with ExitStack() as stack:
            stack.enter_context(interruptible())
            run(directory, stack, fresh=fresh)
    except DemoTrouble as trouble:
        click.echo(f"demo: {trouble}", err=True)
        sys.exit(1)


@contextmanager
def interruptible() -> Iterator[None]:
    """SIGTERM, and a terminal window that is closed, end the demo as Ctrl-C does; none prints a traceback."""

    def stop(number: int, frame: object) -> None:
        raise KeyboardInterrupt

    before = {number: signal.signal(number, stop) for number in (signal.SIGTERM, signal.SIGHUP)}
    try:
        yield
    except KeyboardInterrupt:
        click.echo("stopped")
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def run(directory: Path, stack: ExitStack, *, fresh: bool = False) -> None:
    """Set everything up, then show it until it is interrupted."""
    plant = prepare(directory, fresh=fresh)
    stack.enter_context(simulators(directory, plant))
    stack.enter_context(gateway(directory))
    where = "" if directory == default_directory() else f" --directory {directory}"
    outage = f"{Path(sys.argv[0])} demo --outage{where}"
    hints = [f"in a second terminal: {outage}    (takes the hub away for 20 s)", "Ctrl-C ends the demo"]
    click.echo(
        f"files of the demo: {directory} (plant/ is what a plant engineer edits, gateway.log what operators see, "
        "manual/ the register list of a meter that nobody has described yet)"
    )
    if sys.stdin.isatty() and sys.stdout.isatty():
        show_live(directory, ["o takes the hub away and brings it back; q ends the demo", *hints])
    else:
        show_lines(directory, hints)


def prepare(directory: Path, *, fresh: bool = False) -> Plant:
    """The plant folder as it was left, else that of the example; a new site authority, one certificate per device."""
    if directory.exists() and not (directory / MARK).exists() and any(directory.iterdir()):
        raise DemoTrouble(f"{directory} holds something else; name another folder with --directory")
    _refuse_second(directory)
    kept = {} if fresh else _written(directory / "plant")
    shutil.rmtree(directory, ignore_errors=True)
    directory.mkdir(mode=0o700, parents=True)
    (directory / MARK).touch()
    shutil.copytree(MAPPINGS / "manual", directory / "manual")
    example = read(MAPPINGS / "example", adapters())
    shutil.copytree(MAPPINGS / "example", directory / "plant")
    for name, text in kept.items():
        (directory / "plant" / name).parent.mkdir(parents=True, exist_ok=True)
        (directory / "plant" / name).write_bytes(text)
    try:
        plant = read(directory / "plant", adapters())
    except PlantInvalid as invalid:
        again = f"fieldgate check {directory / 'plant'} tells them; fieldgate demo --fresh begins anew"
        raise DemoTrouble(f"the plant of the last demo has {summary(invalid.diagnostics)}: {again}") from invalid
    certs.create_site(plant.gateway.state / "authority", plant.name)
    issue_missing(plant, plant.gateway.state)
    # The meters are what they are, whatever somebody's profile says of them.
    (directory / "points.json").write_text(json.dumps(points.points(example)))
    devices = [{"id": device.identity, "enabled": True} for device in plant.devices]
    (directory / "devices.json").write_text(json.dumps({"devices": devices}))
    if kept:
        click.echo(f"going on with the files in {directory / 'plant'}; fieldgate demo --fresh begins anew")
    return plant


def _written(plant: Path) -> dict[Path, bytes]:
    """What a plant engineer has written there."""
    paths = [path.relative_to(plant) for path in plant.rglob("*.y*ml") if path.is_file()]
    return {path: (plant / path).read_bytes() for path in paths if path.parts[0] != "state"}


def _refuse_second(directory: Path) -> None:
    try:
        status = answer.ask(directory / "plant" / "state", "status")
    except answer.NotRunning:
        return
    raise DemoTrouble(f"a demo runs already (gateway pid {status['pid']}); end it first with Ctrl-C in its terminal")


@contextmanager
def simulators(directory: Path, plant: Plant) -> Iterator[None]:
    """The simulated plant and hub in a process of their own; yields when all of it listens."""
    command = [sys.executable, "-m", "simulators", "plant", "--directory", str(directory / "simulators")]
    command += ["--points", str(directory / "points.json"), "--devices", str(directory / "devices.json")]
    command += ["--trust", str(plant.gateway.state / "authority" / "root.pem"), "--port", str(plant.gateway.port)]
    with _child(command, directory / "simulators.log") as process:
        assert process.stdout is not None  # noqa: S101  # stdout=PIPE
        readable, _, _ = select.select([process.stdout], [], [], READY_S)
        line = process.stdout.readline() if readable else b""
        if not line:
            raise DemoTrouble(f"the simulators do not start: {_last_line(directory / 'simulators.log')}")
        trust = directory / "plant" / "certs" / "hub-root.pem"
        trust.parent.mkdir(exist_ok=True)
        shutil.copy(json.loads(line)["hub"]["root"], trust)
        yield


@contextmanager
def gateway(directory: Path) -> Iterator[None]:
    """The real gateway, as it would be deployed; yields when it answers."""
    plant = directory / "plant"
    with _child([sys.executable, "-m", "gateway", "run", str(plant)], directory / "gateway.log") as process:
        end = time.monotonic() + READY_S
        while time.monotonic() < end and process.poll() is None:
            try:
                answer.ask(plant / "state", "status")
            except answer.NotRunning:
                time.sleep(0.05)
            else:
                yield
                return
        raise DemoTrouble(f"the gateway does not start: {_last_line(directory / 'gateway.log')}")


@contextmanager
def _child(command: list[str], log: Path) -> Iterator[subprocess.Popen[bytes]]:
    """A child process in a session of its own, so that Ctrl-C in the terminal reaches only the demo itself."""
    with log.open("ab") as stream:
        process = subprocess.Popen(  # noqa: S603  # our own interpreter with our own modules
            command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=stream, start_new_session=True
        )
    try:
        yield process
    finally:
        process.terminate()
        try:
            process.wait(STOP_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _last_line(path: Path) -> str:
    lines = path.read_text(errors="replace").strip().splitlines()
    return lines[-1] if lines else f"no reason given; see {path}"


def tell_hub(directory: Path, command: dict[str, Any]) -> dict[str, Any]:
    """Send the simulated hub a command and return its answer."""
    try:
        with socket.socket(socket.AF_UNIX) as connection:
            connection.settimeout(5)
            connection.connect(str(directory / "simulators" / "hub.sock"))
            connection.sendall(json.dumps(command).encode() + b"\n")
            with connection.makefile("rb") as stream:
                reply: dict[str, Any] = json.loads(stream.readline())
    except (OSError, ValueError) as error:
        raise DemoTrouble(f"no demo runs in {directory}: start one with fieldgate demo") from error
    return reply


def look(directory: Path, hints: list[str]) -> Facts | None:
    """One look at gateway and hub; None where one of them does not answer."""
    state = directory / "plant" / "state"
    try:
        status = answer.ask(state, "status")
        return Facts(status, answer.ask(state, "values"), tell_hub(directory, {"command": "stats"}), hints)
    except (answer.NotRunning, DemoTrouble):
        return None


def show_lines(directory: Path, hints: list[str]) -> None:
    """A few lines every other second."""
    for hint in hints:
        click.echo(hint)
    while True:
        facts = look(directory, hints)
        for line in plain(facts) if facts else ["the gateway does not answer"]:
            click.echo(line)
        sys.stdout.flush()
        time.sleep(LINES_S)


def show_live(directory: Path, hints: list[str]) -> None:
    """The live picture; keys act at once."""
    console = Console()
    with _keys() as key, Live(console=console, auto_refresh=False, screen=True) as live:
        while True:
            facts = look(directory, hints)
            if facts:
                live.update(screen(facts), refresh=True)
            pressed = key(LOOK_S)
            if pressed == "q":
                raise KeyboardInterrupt
            if pressed == "o" and facts:
                tell_hub(directory, {"command": "away" if facts.hub["listening"] else "back"})


@contextmanager
def _keys() -> Iterator[Any]:
    """Single key presses without Enter; the terminal is as before afterwards."""
    handle = sys.stdin.fileno()
    before = termios.tcgetattr(handle)

    def pressed(wait_s: float) -> str:
        readable, _, _ = select.select([handle], [], [], wait_s)
        return os.read(handle, 1).decode(errors="replace") if readable else ""

    try:
        tty.setcbreak(handle)
        yield pressed
    finally:
        termios.tcsetattr(handle, termios.TCSADRAIN, before)


COMMANDS = (demo,)
