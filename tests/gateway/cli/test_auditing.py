"""fieldgate audit: what was set is shown, and what was changed in it is named."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from gateway.audit import Act, Audit, Caller, Source
from tests.gateway.cli.plant import call, replace
from tests.gateway.field import plant

ANNA = Caller("fieldgate set", "root", 0, "anna", "anna")
NOON_NS = 1_795_608_000_000_000_000


def act(device: str, point: str, new: float, note: str = "") -> Act:
    return Act(ANNA, device, point, Source("0123", "hall/acme.profile.yaml", 9), str(new), "Hz", 20.0, "", new, 1, note)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A plant in which two things were set and one was refused, at noon of 2026-11-25 and an hour later."""
    made = plant(tmp_path / "plant", "tcp://127.0.0.1:1")
    noon = Audit(made / "state", lambda: NOON_NS)
    noon.tell(noon.intend(act("press-7", "speed", 25.0, "order 17")), "confirmed", "read back from the device")
    later = Audit(made / "state", lambda: NOON_NS + 3600 * 10**9)
    later.intend(act("press-8", "speed", 30.0))
    later.refuse(Act(ANNA, "press-8", "mode", Source(), '"fast"'), "refused", "mode: write: does not allow it")
    return made


def test_every_act_is_a_row(folder: Path) -> None:
    head, *rows = call("audit", folder).stdout.splitlines()
    assert head.split()[:6] == ["at", "who", "device", "point", "was", "wanted"]
    assert [" ".join(row.split()) for row in rows] == [
        "2026-11-25T12:00:00.000Z fieldgate set of root (anna) press-7 speed 20 Hz 25 Hz [order 17] "
        "confirmed: read back from the device acme.profile.yaml:9",
        "2026-11-25T13:00:00.000Z fieldgate set of root (anna) press-8 speed 20 Hz 30 Hz "
        "not confirmed: nothing tells what became of it acme.profile.yaml:9",
        '2026-11-25T13:00:00.000Z fieldgate set of root (anna) press-8 mode "fast" '
        "refused: mode: write: does not allow it",
    ]


@pytest.mark.parametrize(
    ("words", "points"),
    [
        (["--device", "press-7"], ["speed"]),
        (["--device", "press-8"], ["speed", "mode"]),
        (["--since", "2026-11-25T12:30:00Z"], ["speed", "mode"]),
        (["--since", "2026-11-25T12:30:00Z", "--device", "press-7"], []),
    ],
)
def test_some_of_them(folder: Path, words: list[str], points: list[str]) -> None:
    found = json.loads(call("audit", folder, "--json", *words).stdout)["acts"]
    assert [one["point"] for one in found] == points


def test_programs_get_all_of_an_act(folder: Path) -> None:
    first = json.loads(call("audit", folder, "--json").stdout)["acts"][0]
    assert (first["n"], first["by"]["sudo_user"], first["new"], first["outcome"]) == (1, "anna", 25.0, "confirmed")


def test_a_device_cannot_disturb_the_terminal(folder: Path) -> None:
    Audit(folder / "state").refuse(act("press-9", "speed", 1.0), "not written", "[red]\x1b[2Jwrong\nanswer")
    told = call("audit", folder, "--device", "press-9").stdout
    assert "not written: [red]?[2Jwrong?answer" in told


def test_what_the_device_confirmed_is_not_told_twice(folder: Path) -> None:
    kept = Audit(folder / "state")
    kept.tell(kept.intend(act("press-9", "relay", 1.0)), "confirmed", "confirmed by the device's answer")
    told = call("audit", folder, "--device", "press-9").stdout
    assert " confirmed by the device's answer " in told
    assert "confirmed: " not in told


def test_nothing_was_set(tmp_path: Path) -> None:
    folder = plant(tmp_path / "plant", "tcp://127.0.0.1:1")
    says = f"nothing was set, says the audit in {folder / 'state'}\n"
    assert call("audit", folder).stdout == call("audit", folder, "--verify").stdout == says
    assert not (folder / "state").exists()


def test_what_is_whole_is_said_with_the_hash_to_note(folder: Path) -> None:
    told = call("audit", folder, "--verify")
    assert told.exit_code == 0
    first, second = told.stdout.splitlines()
    assert first == "4 lines, every one as it was written"
    noted = second.removeprefix("line 4 has the hash ")
    assert len(noted) == 64
    assert call("audit", folder, "--verify", "--known", noted).exit_code == 0
    found = json.loads(call("audit", folder, "--verify", "--json").stdout)
    assert found == {"ok": True, "lines": 4, "first": 1, "wrong": "", "last": 4, "hash": noted}


def test_what_was_changed_is_named(folder: Path) -> None:
    replace(folder, "audit.jsonl", '"25.0"', '"24.0"')
    told = call("audit", folder, "--verify")
    assert (told.exit_code, told.stdout) == (1, "")
    assert told.stderr.startswith("audit.jsonl:1: line 1 is not as it was written")
    assert json.loads(call("audit", folder, "--verify", "--json").stdout)["ok"] is False


def test_a_hash_that_is_not_there_is_told(folder: Path) -> None:
    told = call("audit", folder, "--verify", "--known", "ab" * 32)
    assert told.exit_code == 1
    assert told.stderr.startswith(f"no line has the hash {'ab' * 32}: what was noted is not there\n    hint: the files")
    assert call("audit", folder, "--known", "ab").exit_code == 2


def test_what_cannot_be_read_is_said(folder: Path) -> None:
    (folder / "state" / "audit.lock").unlink()
    (folder / "state" / "audit.lock").mkdir()
    told = call("audit", folder)
    assert told.exit_code == 1
    assert "cannot be read: Is a directory\n    hint: ask as the user of the gateway" in told.stderr


ODD: list[tuple[dict[str, object], str]] = [
    ({"by": 3}, "3 press-7"),
    ({"by": None}, "no value press-7"),
    ({"by": {"user": "root"}}, "of root press-7"),
    ({"by": {"way": "direct method", "user": "", "hub": "contoso"}}, "direct method press-7"),
    ({"by": {"way": 1, "user": [], "sudo_user": {}}}, "1 "),
    ({"source": None}, "20 Hz 25 Hz"),
    ({"source": {}}, "20 Hz 25 Hz"),
    ({"source": {"file": 7}}, "7:"),
    ({"source": {"file": "a.yaml", "line": 9, "column": 3}}, "a.yaml:9"),
    ({"at": 5, "device": None, "point": ["speed"]}, "['speed']"),
    ({"old": None, "old_reason": None}, "25 Hz"),
    ({"old": {"a": 1}, "new": [1, [2]], "unit": 4}, "1, [2] 4"),
    ({"new": 10**400 + 1}, "a number that is too large Hz"),
    ({"new": None, "wanted": None}, "press-7"),
    ({"note": {"order": 17}, "unread": 1}, "25 Hz --unread [{'order': 17}]"),
    ({"outcome": 3, "why": None}, "3"),
    ({"later": True}, "25 Hz"),
]


@pytest.mark.parametrize(("odd", "says"), ODD)
def test_of_a_line_of_another_version_is_shown_what_can_be_shown(
    tmp_path: Path, odd: dict[str, object], says: str
) -> None:
    folder = plant(tmp_path / "plant", "tcp://127.0.0.1:1")
    Audit(folder / "state").intend(act("press-7", "speed", 25.0))
    path = folder / "state" / "audit.jsonl"
    path.write_text(json.dumps(json.loads(path.read_text()) | odd) + "\n")
    told = call("audit", folder)
    assert told.exit_code == 0, told.exception
    assert says in " ".join(told.stdout.split())


def test_of_a_line_of_an_earlier_version_is_shown_what_it_tells(folder: Path) -> None:
    path = folder / "state" / "audit.jsonl"
    optional = ("unit", "old", "old_reason", "new", "raw", "note", "unread")
    entries = [json.loads(line) for line in path.read_text().splitlines()]
    path.write_text("".join(json.dumps({k: v for k, v in one.items() if k not in optional}) + "\n" for one in entries))
    told = call("audit", folder)
    assert told.exit_code == 0, told.exception
    assert [line.split()[8] for line in told.stdout.splitlines()[1:]] == ["25.0", "30.0", '"fast"']


def test_a_line_that_somebody_made_up_is_no_act(folder: Path) -> None:
    with (folder / "state" / "audit.jsonl").open("a") as stream:
        stream.write('{"n":5,"kind":"intent","before":""}\n[]\n{"n":6,"kind":"outcome","of":[],"before":""}\n')
    assert len(json.loads(call("audit", folder, "--json").stdout)["acts"]) == 3
    assert call("audit", folder, "--verify").exit_code == 1
