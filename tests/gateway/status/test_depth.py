"""How long the room lasts, and the page of ``fieldgate buffer``."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from gateway.status.depth import Room, lines, room

NOW = datetime(2026, 11, 24, 12, 0, 0, tzinfo=UTC)


def class_(name: str, **more: Any) -> dict[str, Any]:
    plain = {"class": name, "messages": 0, "bytes": 0, "oldest": None, "full": "", "on_full": "refuse", "keep_s": None}
    return plain | more


def facts(**more: Any) -> dict[str, Any]:
    plain: dict[str, Any] = {
        "running": True,
        "plant": "/etc/plant",
        "gateway": "gw-1",
        "messages": 12_345,
        "bytes": 1_200_000_000,
        "quota_bytes": 20_000_000_000,
        "min_free_bytes": 2_000_000_000,
        "free_bytes": 50_000_000_000,
        "order": "oldest-first",
        "oldest": "2026-11-24T09:00:00.000Z",
        "classes": [
            class_("alarm", messages=3, bytes=4096, oldest="2026-11-24T11:56:00.000Z"),
            class_(
                "telemetry",
                messages=12_342,
                bytes=1_190_000_000,
                oldest="2026-11-24T09:00:00.000Z",
                on_full="thin",
                keep_s=60 * 86_400.0,
            ),
            class_("bulk", on_full="drop-oldest", full="quota"),
        ],
        "waiting": {"meter-1": 12_000, "meter-2": 345},
        "parked": {},
        "quarantined": 0,
        "in_per_s": 25.0,
        "out_per_s": 0.0,
        "append_ms": {"p50": 2.0, "p99": 9.0},
        "fsync_ms": {"p50": 1.04, "p99": 8.46},
        "growth_bytes_per_s": 16_800.0,
        "lost": [],
        "aside": [],
    }
    return plain | more


def test_the_room_is_the_quota_without_the_tenth_for_alarms() -> None:
    assert room(facts()) == Room(16_800_000_000, 1e6, 1e6, None)


def test_the_room_is_no_more_than_what_the_disk_has_above_what_stays_free() -> None:
    assert room(facts(free_bytes=3_680_000_000)).bytes_left == 1_680_000_000
    assert room(facts(free_bytes=1_000_000_000)).bytes_left == 0


def test_what_drains_fills_the_room_more_slowly_or_not_at_all() -> None:
    assert room(facts(out_per_s=20.0)) == Room(16_800_000_000, 5e6, 1e6, None)
    assert room(facts(out_per_s=25.0)) == Room(16_800_000_000, None, 1e6, None)
    assert room(facts(out_per_s=125.0)) == Room(16_800_000_000, None, 1e6, 123.45)


def test_where_nothing_comes_or_nobody_knows_how_fast_there_is_no_time() -> None:
    assert room(facts(in_per_s=0.0)).full_s is None
    assert room(facts(in_per_s=0.0)).outage_s is None
    assert room(facts(growth_bytes_per_s=None)) == Room(16_800_000_000, None, None, None)


def test_a_gateway_that_stands_still_is_judged_by_what_it_wrote() -> None:
    still = {name: value for name, value in facts().items() if not name.endswith("_per_s")}
    assert room(still | {"growth_bytes_per_s": 16_800.0}) == Room(16_800_000_000, 1e6, 1e6, None)


def page(**more: Any) -> str:
    return "\n".join(lines(facts(**more), NOW))


def test_the_page_begins_with_how_much_waits_and_since_when() -> None:
    assert page().startswith("gw-1: 12,345 messages wait, 1.2 GB of 20.0 GB, the oldest is 3 h 0 min old\n\n")


def test_each_class_has_its_line() -> None:
    found = [line.split() for line in page().splitlines()[2:6]]
    assert found == [
        ["class", "waiting", "on", "disk", "oldest", "when", "full", "kept"],
        ["alarm", "3", "4.1", "kB", "4", "min", "refuse", "while", "there", "is", "room"],
        ["telemetry", "12,342", "1.2", "GB", "3", "h", "0", "min", "thin", "60", "d", "0", "h"],
        ["bulk", "0", "0", "B", "-", "drop-oldest", "(now:", "quota)", "while", "there", "is", "room"],
    ]


def test_says_how_long_the_room_lasts_and_what_happens_then() -> None:
    text = page()
    assert "in the last minute 25.0 came and 0.0 went a second" in text
    assert "full in about 11 d 13 h at this rate; then of the oldest telemetry every fourth scan stays" in text
    assert "a commit takes 1.0 ms, 99 of 100 at most 8.5 ms" in text
    assert "disk: 50.0 GB free, 2.0 GB of it stay free" in text


def test_what_is_used_up_has_no_time_left() -> None:
    text = page(bytes=18_000_000_000)
    assert "no room is left: of the oldest telemetry every fourth scan stays" in text
    assert "full in about" not in text


def test_where_the_disk_is_what_ends_polling_waits_whatever_the_policy() -> None:
    """What others take is nobody's reason to push out what was accepted."""
    assert "full in about 1 d 3 h at this rate; then polling waits" in page(free_bytes=3_680_000_000)
    text = page(free_bytes=500_000_000)
    assert "no room is left: polling waits until there is room" in text
    assert "disk: 500.0 MB free, but 2.0 GB shall stay free (buffer: min_free): free 1.5 GB more, or lower it" in text


def test_one_is_not_many() -> None:
    lost = {"reason": "refused", "class": "bulk", "messages": 1, "identities": 1, "from": None, "to": None}
    text = page(messages=1, quarantined=1, lost=[lost])
    assert text.startswith("gw-1: 1 message waits, ")
    assert "1 bulk message of 1 identity refused by the hub" in text
    assert "quarantine: 1 message that" in text


def test_says_how_long_an_outage_may_last_while_it_drains() -> None:
    text = page(out_per_s=125.0)
    assert "empty in about 2 min at this rate" in text
    assert "room for about 11 d 13 h without upstream" in text
    assert "how long that lasts is not known yet" in page(growth_bytes_per_s=None)


@pytest.mark.parametrize(
    ("policy", "words"), [("refuse", "polling waits until there is room"), ("drop-oldest", "the oldest telemetry goes")]
)
def test_the_policy_is_said_in_words(policy: str, words: str) -> None:
    assert words in page(classes=[class_("telemetry", on_full=policy)])


def test_losses_have_reason_class_number_and_span() -> None:
    lost = {"reason": "quota", "class": "telemetry", "messages": 1234, "identities": 3}
    span = {"from": "2026-11-24T10:00:00.000Z", "to": "2026-11-24T11:00:00.000Z"}
    unknown = {"reason": "damaged", "class": "alarm", "messages": 2, "identities": 0, "from": None, "to": None}
    text = page(lost=[lost | span, unknown])
    assert "1,234 telemetry messages of 3 identities dropped (quota), measured 2026-11-24T10:00:00.000Z to" in text
    assert "2 alarm messages that could not be read (damaged)\n" in text


def test_what_is_put_aside_is_named() -> None:
    text = page(
        parked={"meter-2": "the hub refused this device"},
        quarantined=4,
        aside=[{"file": "p1-000000000042.db.damaged-20261124T100000Z", "bytes": 16_000_000}],
    )
    assert "parked\n  meter-2: 345 wait; the hub refused this device" in text
    assert "p1-000000000042.db.damaged-20261124T100000Z  16.0 MB" in text
    assert "quarantine: 4 messages" in text
    assert "fieldgate buffer quarantine list /etc/plant" in text


def test_what_there_is_nothing_of_has_no_title() -> None:
    text = page(waiting={}, messages=0, oldest=None)
    assert not any(word in text for word in ("lost", "parked", "quarantine", "set aside", "most waiting"))


def test_ten_identities_with_the_most_are_shown() -> None:
    text = page(waiting={f"m{number}": 100 - number for number in range(30)})
    assert "most waiting, of 30 identities\n  100  m0\n" in text
    assert "  91  m9" in text
    assert "m10" not in text


def test_says_that_the_gateway_is_not_running() -> None:
    assert "the gateway is not running" in page(running=False)
    assert "not running" not in page()
