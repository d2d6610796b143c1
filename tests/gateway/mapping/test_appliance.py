"""gateway.yaml: paths from the plant folder, one upstream, a quota in bytes."""

from __future__ import annotations

from pathlib import Path

from gateway.mapping.appliance import check_trust, read, state
from gateway.mapping.diagnostics import Report
from gateway.mapping.spec import Buffering, Gateway
from gateway.model import Priority
from tests.gateway.mapping.plants import block

SMALLEST = "name: g\nstate: s\nupstream:\n  hub: {kind: iothub, host: h.example, trust: a.pem}\n"


def judged(text: str, folder: Path = Path("plant")) -> tuple[Gateway | None, list[str]]:
    report = Report()
    root = block(text, report)
    gateway = read(root, folder, report)
    if gateway is not None:
        check_trust(root, gateway, report)
    return gateway, [f"{one.line}:{one.column} {one.severity} {one.code}" for one in report.sorted()]


def test_the_smallest_file_gives_everything_its_default(tmp_path: Path) -> None:
    (tmp_path / "a.pem").touch()
    assert judged(SMALLEST, tmp_path) == (
        Gateway(
            name="g",
            state=tmp_path / "s",
            upstream_name="hub",
            host="h.example",
            port=8883,
            trust=(tmp_path / "a.pem",),
            buffer=Buffering(),
            log="info",
        ),
        [],
    )


def test_everything_can_be_said(tmp_path: Path) -> None:
    gateway, _ = judged(
        "name: g\nstate: /var/lib/fieldgate\nlog: debug\nbuffer: {quota: 2 GiB, min_free: 1 GB,\n"
        "  keep: {alarm: 1y, bulk: 7d}, on_full: {telemetry: refuse}, order: live-first}\n"
        "upstream:\n  azure:\n    kind: iothub\n    host: h\n    port: 443\n    trust: [a.pem, /etc/b.pem]\n",
        tmp_path,
    )
    assert gateway is not None
    assert (gateway.state, gateway.log) == (Path("/var/lib/fieldgate"), "debug")
    assert gateway.buffer == Buffering(
        quota_bytes=2 * 1024**3,
        min_free_bytes=10**9,
        keep={Priority.ALARM: 365 * 86_400.0, Priority.TELEMETRY: None, Priority.BULK: 7 * 86_400.0},
        on_full={Priority.ALARM: "refuse", Priority.TELEMETRY: "refuse", Priority.BULK: "drop-oldest"},
        order="live-first",
    )
    assert (gateway.upstream_name, gateway.port, gateway.trust) == (
        *("azure", 443),
        (tmp_path / "a.pem", Path("/etc/b.pem")),
    )


def test_a_trust_file_that_is_not_there_yet_is_a_warning() -> None:
    gateway, said = judged(SMALLEST)
    assert gateway is not None
    assert said == ["4:47 warning G01"]


def test_mistakes_below_and_beside_the_upstream_are_all_told() -> None:
    gateway, said = judged("name: G\nstate:\nupstream:\n  hub: {kind: iothub, host: h, prt: 1}\n")
    assert gateway is None
    assert said == ["1:7 error M18", "2:1 error M20", "4:3 error M02", "4:32 error M01"]


def test_an_upstream_without_settings_is_told() -> None:
    assert judged("name: g\nstate: s\nupstream:\n  hub:\n")[1] == ["4:3 error M14"]
    assert judged("name: g\nstate: s\nupstream:\n")[1] == ["3:1 error M14"]
    assert judged("name: g\nstate: s\nupstream: hub\n")[1] == ["3:11 error M14"]


def test_the_state_directory_is_known_before_the_rest_is_right() -> None:
    assert state(block("state: x\nnme: 1\n", Report()), Path("p")) == Path("p/x")
    assert state(block("name: x\n", Report()), Path("p")) is None
