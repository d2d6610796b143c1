"""``python -m simulators``: arguments in, exit code out."""

from __future__ import annotations

import argparse
import json
import logging
import ssl
import sys
from collections.abc import Sequence
from pathlib import Path

from simulators import iothub, modbus, plant, tell
from simulators.certificates import TrustInvalid
from simulators.listening import CannotListen
from simulators.modbus import acme

RING = 50
"""Messages kept in memory for each device; what is to be kept is in the ledger."""

DESCRIPTION = """\
Stand-ins for the field and for Azure IoT Hub, to demo and to test with. Loopback only by default.

They print one line of JSON when everything listens, and run until SIGTERM or Ctrl-C.
Told what to do with "python -m simulators tell DIR modbus silence unit=1", or over Unix sockets in their directory, a
line of JSON per request:

  hub.sock     {"command": "away", "seconds": 20}    closes the port and all connections; "back" ends it early
               {"command": "blackhole"}              accepts connections and never answers; "back" ends it
               {"command": "puback_delay", "seconds": 0.5}   {"command": "drop_puback", "count": 3}
               {"command": "disable", "device": "meter-1"}   {"command": "enable", "device": "meter-1"}
               {"command": "register", "device": "press-7"}  lets in a device that is not in the file
               {"command": "stats"}
  modbus.sock  {"command": "silence", "unit": 1}     {"command": "answer", "unit": 1}
               {"command": "unplug"}                 {"command": "plug"}       {"command": "stats"}
               {"command": "wrong", "how": "another unit", "unit": 1, "count": 3}    {"command": "right"}
               {"command": "refuse", "unit": 1, "at": 7, "code": 2}    {"command": "allow", "unit": 1, "at": 7}
               {"command": "delay", "seconds": 0.3}  {"command": "slow", "baud": 1200}
               {"command": "limit", "connections": 1}    {"command": "idle", "seconds": 5}
               each also with "line": "127.0.0.1:15020"
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run what the arguments say; 0 when it was stopped, 1 when it cannot start."""
    chosen = _parser().parse_args(arguments)
    if chosen.what == "tell":
        return _tell(chosen)
    logging.basicConfig(format="%(message)s", level=logging.WARNING)
    logging.getLogger("pymodbus").setLevel(logging.CRITICAL)
    try:
        hub = _hub(chosen) if chosen.what in ("plant", "iothub") else None
        meters = _meters(chosen) if chosen.what in ("plant", "modbus") else None
        plant.run(chosen.directory, hub, meters)
    except (CannotListen, iothub.RegistryInvalid, TrustInvalid, modbus.PointsInvalid) as error:
        print(f"simulators: {error}", file=sys.stderr)
        return 1
    except OSError as error:
        print(f"simulators: {error.filename or chosen.directory}: {error.strerror}", file=sys.stderr)
        return 1
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m simulators", description=DESCRIPTION, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parts = parser.add_subparsers(dest="what", required=True, metavar="plant | iothub | modbus | tell")
    whole = parts.add_parser("plant", help="Modbus devices, one more that nobody described, and the hub in one process")
    hub = parts.add_parser("iothub", help="the hub alone")
    meters = parts.add_parser("modbus", help="Modbus devices alone")
    _tell_arguments(parts.add_parser("tell", help="tell what runs in a directory what to do"))
    for part in (whole, hub, meters):
        part.add_argument(
            "--directory", type=Path, required=True, metavar="DIR", help="for control sockets and certificates"
        )
    for part in (whole, hub):
        _hub_arguments(part)
    for part in (whole, meters):
        _meter_arguments(part, required=part is whole)
        _tls_arguments(part)
    _bench_arguments(meters)
    return parser


def _tell_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("directory", type=Path, metavar="DIR", help="of the simulators; of the demo: simulators in it")
    parser.add_argument("whom", choices=("hub", "modbus"), help="the one that is told")
    parser.add_argument("command", help="for example silence; one that is not known is answered with all that are")
    parser.add_argument("words", nargs="*", metavar="KEY=VALUE", help="for example unit=1 or how='another unit'")


def _tell(chosen: argparse.Namespace) -> int:
    try:
        answer = tell.ask(chosen.directory / f"{chosen.whom}.sock", tell.request(chosen.command, chosen.words))
    except (tell.NotRunning, ValueError) as error:
        print(f"simulators: {error}", file=sys.stderr)
        return 1
    if "error" in answer:
        print(f"simulators: {answer['error']}", file=sys.stderr)
        return 1
    print(json.dumps(answer))
    return 0


def _hub_arguments(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("hub")
    group.add_argument(
        "--trust",
        type=Path,
        required=True,
        action="append",
        metavar="PEM",
        help="root certificate of the devices, for example the site root; may be given more than once",
    )
    group.add_argument(
        "--devices",
        type=Path,
        required=True,
        metavar="JSON",
        help='devices that the hub knows: {"devices": [{"id": "meter-1", "enabled": true}]}',
    )
    group.add_argument("--host", default="127.0.0.1", help="address to listen on (default: %(default)s)")
    group.add_argument("--port", type=int, default=8883, help="0: a free one (default: %(default)s)")
    group.add_argument(
        "--ledger", type=Path, metavar="FILE", help="append every message as a line of JSON before it is acknowledged"
    )
    group.add_argument(
        "--tls",
        choices=("1.2", "1.3"),
        default="1.2",
        help="newest version of TLS; IoT Hub documents 1.2 (default: %(default)s)",
    )


def _meter_arguments(parser: argparse.ArgumentParser, *, required: bool) -> None:
    group = parser.add_argument_group("Modbus devices")
    group.add_argument(
        "--points", type=Path, required=required, metavar="JSON", help="what fieldgate export points PLANT wrote"
    )
    group.add_argument(
        "--tick", type=float, default=0.5, metavar="S", help="seconds between changes of the values (default: 0.5)"
    )
    group.add_argument(
        "--record", type=Path, metavar="FILE", help="append what is served, a line of JSON per device and tick"
    )
    group.add_argument(
        "--absent",
        choices=[absent.value for absent in modbus.Absent],
        default=modbus.Absent.SILENCE.value,
        help="what a request to an unknown unit id gets: nothing, or exception 0x0B (default: %(default)s)",
    )
    group.add_argument(
        "--gap",
        type=int,
        default=8,
        metavar="N",
        help="so many unlisted addresses between two points can be read along; 0: none (default: %(default)s)",
    )
    group.add_argument("--writable", action="store_true", help="holding registers and coils can be written")
    group.add_argument(
        "--timed",
        action="store_true",
        help="serial lines take the time of their baud rate, and understand no other (default: no time)",
    )


def _tls_arguments(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("Modbus devices on lines with TLS (tls://)")
    group.add_argument(
        "--certificate",
        type=Path,
        metavar="PEM",
        help="what they show (default: one is made; clients trust modbus-root.pem in the directory)",
    )
    group.add_argument("--key", type=Path, metavar="PEM", help="its key, where it is not in the same file")
    group.add_argument(
        "--clients",
        type=Path,
        action="append",
        metavar="PEM",
        help="root certificate of clients, who must show one; may be given more than once (default: they need none)",
    )


def _bench_arguments(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("devices of benchmark workload W1, one per port")
    group.add_argument("--host", default="127.0.0.1", help="address to listen on (default: %(default)s)")
    group.add_argument("--w1-ports", type=int, default=0, metavar="N", help="how many (default: none)")
    group.add_argument("--w1-first-port", type=int, default=15100, metavar="PORT", help="(default: %(default)s)")
    group.add_argument(
        "--w1-tags", type=int, default=100, metavar="T", help="half int16, half float32 (default: %(default)s)"
    )
    group.add_argument(
        "--w1-period", type=float, default=0.1, metavar="S", help="seconds between changes (default: %(default)s)"
    )


def _hub(chosen: argparse.Namespace) -> iothub.Settings:
    return iothub.Settings(
        directory=chosen.directory,
        trust=tuple(chosen.trust),
        devices=iothub.read(chosen.devices),
        host=chosen.host,
        port=chosen.port,
        ledger=chosen.ledger,
        ring=RING,
        newest_tls=ssl.TLSVersion.TLSv1_3 if chosen.tls == "1.3" else ssl.TLSVersion.TLSv1_2,
    )


def _meters(chosen: argparse.Namespace) -> modbus.Settings:
    bench = None
    if getattr(chosen, "w1_ports", 0):
        bench = modbus.Bench(
            host=chosen.host,
            first_port=chosen.w1_first_port,
            ports=chosen.w1_ports,
            tags=chosen.w1_tags,
            period_s=chosen.w1_period,
        )
    devices = modbus.read(chosen.points) if chosen.points else []
    if chosen.what == "plant":
        devices += acme.beside(devices)
    return modbus.Settings(
        devices=devices,
        tick_s=chosen.tick,
        record=chosen.record,
        absent=modbus.Absent(chosen.absent),
        gap=chosen.gap,
        writable=chosen.writable,
        timed=chosen.timed,
        tls=modbus.Tls(
            directory=chosen.directory,
            certificate=chosen.certificate,
            key=chosen.key,
            clients=tuple(chosen.clients) if chosen.clients else None,
        ),
        bench=bench,
    )


if __name__ == "__main__":
    sys.exit(main())
