"""Who set what is kept before it is sent, and what is changed in it afterwards shows."""

from __future__ import annotations

import json
import os
import shutil
import stat
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from gateway import audit
from gateway.audit import Act, Audit, Caller, Source, verify
from gateway.chain import Link

ANNA = Caller("fieldgate set", "root", 0, "anna", "anna")
ACT = Act(ANNA, "press-7", "speed", Source("0123", "a.yaml", 9), "25", "Hz", 20.0, "", 25.0, 250, "order 17")


def everything(entry: object) -> bool:
    return True


def lines(state: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (state / "audit.jsonl").read_text().splitlines()]


def test_an_act_is_told_with_all_that_an_officer_asks_for(tmp_path: Path) -> None:
    kept = Audit(tmp_path, lambda: 1_795_608_000_123_000_000)
    kept.tell(kept.intend(ACT), "confirmed", "read back from the device")
    intent, outcome = lines(tmp_path)
    assert intent == {
        "n": 1,
        "at": "2026-11-25T12:00:00.123Z",
        "kind": "intent",
        "by": {"way": "fieldgate set", "user": "root", "uid": 0, "sudo_user": "anna", "login": "anna"},
        "device": "press-7",
        "point": "speed",
        "source": {"plant": "0123", "file": "a.yaml", "line": 9},
        "wanted": "25",
        "unit": "Hz",
        "old": 20.0,
        "old_reason": "",
        "new": 25.0,
        "raw": 250,
        "note": "order 17",
        "unread": False,
        "before": "0" * 64,
    }
    assert (outcome["kind"], outcome["of"], outcome["outcome"], outcome["why"]) == (
        "outcome",
        1,
        "confirmed",
        "read back from the device",
    )
    assert verify(tmp_path)[:2] == (2, 1)


def test_the_files_are_for_their_owner_alone(tmp_path: Path) -> None:
    Audit(tmp_path / "state").intend(ACT)
    for path in [*(tmp_path / "state").iterdir()]:
        assert stat.S_IMODE(path.stat().st_mode) == 0o600, path
    assert stat.S_IMODE((tmp_path / "state").stat().st_mode) == 0o700


def test_the_line_is_on_disk_when_intend_returns(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    synced: list[str] = []
    real = os.fsync

    def fsync(handle: int) -> None:
        synced.append(str(Path(f"/proc/self/fd/{handle}").readlink()))
        real(handle)

    monkeypatch.setattr(os, "fsync", fsync)
    Audit(tmp_path).intend(ACT)
    assert synced[0] == str(tmp_path / "audit.jsonl")


@pytest.mark.parametrize("value", [float("nan"), float("inf"), b"\x0a\x1b", ("overload",), "x" * 5000, 2**64 - 1, None])
def test_whatever_a_point_holds_makes_a_line(tmp_path: Path, value: Any) -> None:
    Audit(tmp_path).intend(Act(ANNA, "d", "p", Source(), "1", old=value, new=value, raw=value))
    (entry,) = lines(tmp_path)
    told = {"nan": None, "inf": None, "b'\\n\\x1b'": "0a1b", "('overload',)": ["overload"]}
    assert entry["old"] == told.get(str(value), value[:1000] if isinstance(value, str) else value)
    assert verify(tmp_path).wrong == ""


def test_what_an_act_came_to_is_told_with_it(tmp_path: Path) -> None:
    kept = Audit(tmp_path)
    first = kept.intend(ACT)
    kept.refuse(ACT, "refused", "speed: too soon")
    kept.intend(ACT)
    kept.tell(first, "not confirmed", "no answer in time")
    told = [(one.outcome, one.why) for one in audit.acts(tmp_path, everything)]
    assert told == [
        ("not confirmed", "no answer in time"),
        ("refused", "speed: too soon"),
        ("not confirmed", "nothing tells what became of it"),
    ]
    assert audit.acts(tmp_path, lambda entry: entry["device"] == "other") == []


def test_where_nothing_was_set_nothing_is_made(tmp_path: Path) -> None:
    assert audit.acts(tmp_path, everything) == []
    assert verify(tmp_path) == (0, 0, (0, "0" * 64), "", True)
    assert [*tmp_path.iterdir()] == []


def change(old: str, new: str) -> Callable[[Path], None]:
    def made(state: Path) -> None:
        path = state / "audit.jsonl"
        text = path.read_text()
        assert old in text
        path.write_text(text.replace(old, new, 1))

    return made


def without(*numbers: int) -> Callable[[Path], None]:
    def made(state: Path) -> None:
        path = state / "audit.jsonl"
        kept = [line for number, line in enumerate(path.read_text().splitlines(True), 1) if number not in numbers]
        path.write_text("".join(kept))

    return made


@pytest.mark.parametrize(
    ("crime", "wrong"),
    [
        (change('"wanted":"2"', '"wanted":"7"'), "audit.jsonl:3: line 3 is not as it was written"),
        (change('"anna"', '"otto"'), "audit.jsonl:1: line 1 is not as it was written"),
        (without(3), "line 3 is missing before audit.jsonl:3"),
        (without(1, 2), "lines 1 to 2 are missing before audit.jsonl:1"),
        (without(6), "line 6 is missing at the end"),
        (lambda state: (state / "audit.jsonl").unlink(), "lines 1 to 6 are missing at the end"),
        (lambda state: (state / "audit.head").unlink(), "nothing tells where it ended"),
    ],
)
@pytest.mark.parametrize("later", [False, True], ids=["at once", "after more was set"])
def test_what_was_changed_or_removed_is_named(
    tmp_path: Path, crime: Callable[[Path], None], wrong: str, later: bool
) -> None:
    kept = Audit(tmp_path)
    for number in range(3):
        kept.tell(kept.intend(Act(ANNA, "d", "p", Source(), str(number + 1))), "confirmed", "")
    assert verify(tmp_path).wrong == ""
    crime(tmp_path)
    if later and "audit.head" not in wrong and "nothing tells" not in wrong:
        kept.intend(ACT)
        wrong = wrong.replace("at the end", "before audit.jsonl")
    assert verify(tmp_path).wrong.startswith(wrong)


@pytest.mark.parametrize("left", ["audit.jsonl", "audit.head", "audit-*.jsonl"])
def test_without_its_lock_an_audit_is_still_looked_at(tmp_path: Path, left: str) -> None:
    kept = Audit(tmp_path, largest_bytes=2000)
    for _ in range(6):
        kept.intend(ACT)
    for path in tmp_path.iterdir():
        if not path.match(left):
            path.unlink()
    assert verify(tmp_path).wrong != "", "it is not taken for one in which nothing was ever written"


def test_files_that_were_made_anew_do_not_hold_a_hash_that_was_noted(tmp_path: Path) -> None:
    kept = Audit(tmp_path)
    kept.intend(ACT)
    noted = verify(tmp_path).last.hash
    kept.intend(ACT)
    assert verify(tmp_path, noted).known
    for path in tmp_path.iterdir():
        path.unlink()
    kept.intend(ACT)
    kept.intend(ACT)
    assert verify(tmp_path, noted)._replace(last=Link(0, "")) == (2, 1, (0, ""), "", False)


def test_a_line_that_a_power_cut_broke_off_is_in_nobodys_way(tmp_path: Path) -> None:
    kept = Audit(tmp_path)
    kept.intend(ACT)
    with (tmp_path / "audit.jsonl").open("ab") as stream:
        stream.write(b'{"n":2,"at":"2026')
    assert kept.intend(ACT) == 2
    assert len((tmp_path / "audit.jsonl").read_bytes().splitlines()) == 3
    assert verify(tmp_path)[:2] == (2, 1)
    assert verify(tmp_path).wrong == ""


def test_a_power_cut_before_the_end_was_noted_loses_nothing(tmp_path: Path) -> None:
    kept = Audit(tmp_path)
    kept.intend(ACT)
    head = (tmp_path / "audit.head").read_bytes()
    kept.intend(ACT)
    (tmp_path / "audit.head").write_bytes(head)
    assert kept.intend(ACT) == 3
    assert verify(tmp_path).wrong == ""


def test_there_are_never_more_files_than_ten_and_the_chain_goes_on_over_them(tmp_path: Path) -> None:
    kept = Audit(tmp_path, largest_bytes=2000)
    for _ in range(20):
        kept.intend(ACT)
    assert verify(tmp_path)[:2] == (20, 1)
    for _ in range(80):
        kept.intend(ACT)
    files = sorted(path.name for path in tmp_path.glob("*.jsonl"))
    assert len(files) == 10
    assert all(path.stat().st_size <= 2000 for path in tmp_path.glob("*.jsonl"))
    verdict = verify(tmp_path)
    assert (verdict.wrong, verdict.last.number, verdict.first) == ("", 100, 100 - verdict.lines + 1)
    assert len(audit.acts(tmp_path, everything)) == verdict.lines
    copy = shutil.copytree(tmp_path, tmp_path / "copy")
    (copy / files[4]).unlink()
    assert "missing before audit" in verify(copy).wrong
    copy = shutil.copytree(tmp_path, tmp_path / "another")
    (copy / files[0]).unlink()
    assert verify(copy).wrong.startswith("lines 1 to"), "rotation had not dropped it yet"


def test_what_cannot_be_written_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "audit.jsonl").mkdir()
    with pytest.raises(OSError, match="directory"):
        Audit(tmp_path).intend(ACT)


SET = """
import sys, pathlib
from gateway.audit import Act, Audit, Caller, Source
kept = Audit(pathlib.Path(sys.argv[1]), largest_bytes=20_000)
for number in range(40):
    kept.tell(kept.intend(Act(Caller("a test"), sys.argv[2], "p", Source(), str(number))), "confirmed", "")
"""


@pytest.mark.slow
def test_processes_that_write_at_once_make_one_chain(tmp_path: Path) -> None:
    running = [subprocess.Popen([sys.executable, "-c", SET, str(tmp_path), name]) for name in "abc"]
    assert [one.wait(60) for one in running] == [0, 0, 0]
    assert verify(tmp_path)[:2] == (240, 1)
    assert verify(tmp_path).wrong == ""
    told = audit.acts(tmp_path, lambda entry: entry["device"] == "b")
    assert [one.entry["wanted"] for one in told] == [str(number) for number in range(40)]
    assert {one.outcome for one in told} == {"confirmed"}


@pytest.mark.parametrize(
    ("who", "words"),
    [
        (Caller("fieldgate set", "anna", 1000), "fieldgate set of anna"),
        (Caller("fieldgate set", "anna", 1000, "", "anna"), "fieldgate set of anna"),
        (Caller("fieldgate set", "root", 0, "anna", "anna"), "fieldgate set of root (anna)"),
        (Caller("fieldgate set", "root", 0, "", "otto"), "fieldgate set of root (otto)"),
        (Caller("direct method"), "direct method"),
    ],
)
def test_who_it_was_in_words(who: Caller, words: str) -> None:
    assert str(who) == words
