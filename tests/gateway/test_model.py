"""The nouns: what their fields promise."""

from __future__ import annotations

import pytest

from gateway.model import GOOD, NOT_A_NUMBER, TIMEOUT, Point, Priority, Quality, Reading, Status, Stored


def test_a_message_id_is_made_of_identity_epoch_and_sequence() -> None:
    stored = Stored("meter-mcc1", 0xBEEF, 42, 0, "kind=telemetry", b"{}")
    assert stored.message_id == "meter-mcc1-0000beef-42"


def test_each_class_has_message_ids_of_its_own() -> None:
    by_class = [Stored("m", 0xBEEF, 42, 0, "", b"", priority).message_id for priority in Priority]
    assert by_class == ["m-0000beef-a42", "m-0000beef-42", "m-0000beef-b42"]


def test_message_ids_fit_what_iot_hub_takes() -> None:
    longest = Stored("a" * 64, 2**32 - 1, 2**63, 0, "", b"", Priority.BULK)
    assert len(longest.message_id) <= 128


def test_the_epoch_keeps_message_ids_of_a_restored_directory_apart() -> None:
    first, second = (Stored("m", epoch, 1, 0, "", b"") for epoch in (1, 2))
    assert first.message_id != second.message_id


def test_a_reading_is_good_unless_it_says_otherwise() -> None:
    assert Reading(0, 1, 0).status is GOOD


@pytest.mark.parametrize("status", [TIMEOUT, NOT_A_NUMBER])
def test_shared_bad_statuses_have_a_reason(status: Status) -> None:
    assert status.quality is Quality.BAD
    assert status.reason


def test_a_point_cannot_be_changed() -> None:
    point = Point("meter", None, "power", None, 1.0)
    with pytest.raises(AttributeError):
        point.every_s = 2.0  # type: ignore[misc]  # that is the point
