from __future__ import annotations

from pathlib import Path

from gateway.buffer import Loss
from gateway.model import Priority
from tests.faults.ledger import Account, Ledger, Verdict, judge

GOOD = """\
O 10.0 0.1
B 10.1 a/1/p.1 a/1/p.2
A 10.1 a/1/p.1 a/1/p.2
S 10.3 a-e1-1 a/1/p.1
D 10.3 a/1/p.1
K 10.4 a/1/p.1
O 12.0 0.3
S 12.1 a-e1-2 a/1/p.2
D 12.1 a/1/p.2
K 12.1 a/1/p.2
B 12.2 a/1/p.3
A 12.2 a/1/p.3
S 12.3 a-e1-3 a/1/p.3
D 12.3 a/1/p.3
K 12.3 a/1/p.3
"""


def verdict(*more: str, allowed: tuple[str, ...] = ()) -> Verdict:
    return judge([*GOOD.splitlines(), *more], allowed)


def test_a_good_run_has_nothing_against_it() -> None:
    assert verdict() == Verdict(accepted=3, delivered=3, worst_opening_s=0.3)
    assert verdict().wrongs() == []


def test_what_was_accepted_and_never_came_is_lost() -> None:
    found = verdict("B 13 a/1/p.5", "A 13 a/1/p.5")
    assert found.lost == ["a/1/p.5"]
    assert found.wrongs() == ["lost 1: a/1/p.5"]


def test_what_the_buffer_says_it_dropped_is_not_lost_where_that_is_allowed() -> None:
    given = ("B 13 a/1/p.5 a/1/p.6 a/0/p.1", "A 13 a/1/p.5 a/1/p.6 a/0/p.1", "L 14 quota a 1 1")
    found = verdict(*given, allowed=("quota",))
    assert (found.dropped, found.lost) == (1, ["a/1/p.6", "a/0/p.1"]), "one, of that lane alone"
    assert verdict(*given).lost == ["a/1/p.5", "a/1/p.6", "a/0/p.1"]
    assert verdict(*given).troubles == ["1 messages of a/1 counted as quota"]
    assert verdict(*given, "L 15 quota - 1 2", allowed=("quota",)).dropped == 3, "of a lane that nobody knows"


def test_what_was_refused_for_good_is_not_lost() -> None:
    assert verdict("B 13 a/1/p.5", "A 13 a/1/p.5", "S 13 a-e1-4 a/1/p.5", "R 13 a/1/p.5").lost == []


def test_an_id_with_two_contents_is_reused_even_if_neither_has_arrived() -> None:
    assert verdict("S 13 a-e1-3 a/1/p.5").reused == ["a-e1-3 (a/1/p.3 and a/1/p.5)"]
    assert verdict("S 13 a-e2-3 a/1/p.5").reused == []
    assert verdict("S 13 a-e1-a3 a/0/p.5").reused == [], "another class"


def test_what_comes_after_a_later_one_is_disordered() -> None:
    early = "B 13 a/1/q.1 a/1/p.4 b/1/q.1"
    assert verdict(early, "S 13 a-e1-9 a/1/p.4", "D 13 a/1/p.4").disordered == []
    assert verdict(early, "S 13 a-e1-2 a/1/q.1", "D 13 a/1/q.1").disordered == ["a/1/q.1 (sequence 2)"]
    assert verdict(early, "S 13 b-e1-2 b/1/q.1", "D 13 b/1/q.1").disordered == [], "another lane"
    anew = (early, "S 13 a-e2-1 a/1/q.1", "D 13 a/1/q.1")
    assert verdict(*anew).disordered == [], "another epoch"
    assert verdict(*anew, "S 14 a-e1-9 a/1/p.4", "D 14 a/1/p.4").disordered == ["a/1/p.4 (sequence 9)"], "the old one"
    late = ("B 13 a/1/p.6 a/1/p.5", "S 13 a-e1-4 a/1/p.6 a-e1-5 a/1/p.5", "D 13 a/1/p.6 a/1/p.5")
    assert verdict(*late).disordered == ["a/1/p.5 (sequence 5)"], "of one producer"


def test_a_duplicate_is_forgiven_after_a_break_only_and_only_of_the_last_moments() -> None:
    again = "D 14.2 a/1/p.3"
    assert verdict(again).again == ["a/1/p.3"], "nothing has broken"
    assert verdict("O 12.5 0.1", again).again == []
    assert verdict("O 12.5 0.1", again).duplicates == 1
    assert verdict("O 12.5 0.1", again, again).again == ["a/1/p.3"]
    assert verdict("B 14.0 a/1/p.4", "O 14.0 0.1", again).again == ["a/1/p.3"], "1.7 s before the end"
    assert verdict("X 12.4", "O 12.5 0.1", again).again == ["a/1/p.3"], "it was closed in order"


def test_what_a_crash_may_bring_back_a_second_crash_may_too() -> None:
    account = Account()
    for line in GOOD.splitlines():
        account.read(line)
    account.crashed(12.4)
    account.read("O 30 0.1")
    account.crashed(33.0)
    for line in ("O 40 0.1", "D 41 a/1/p.2"):
        account.read(line)
    assert account.close().again == [], "acknowledged 0.3 s before the first crash, and not since"


def test_what_was_not_acknowledged_may_come_again_whenever_it_breaks() -> None:
    given = ("B 13 a/1/p.5", "A 13 a/1/p.5", "S 13 a-e1-4 a/1/p.5", "D 13 a/1/p.5")
    assert verdict(*given, "B 19 a/1/p.6", "O 20 0.1", "D 21 a/1/p.5").again == []


def test_what_nobody_gave_is_unexpected() -> None:
    assert verdict("S 13 a-e1-4 a/1/p.5", "D 13 a/1/p.5").unexpected == ["a/1/p.5 was never given"]
    assert verdict("W 13 a-e1-4 is not what was given").unexpected == ["a-e1-4 is not what was given"]


def test_what_was_refused_for_want_of_room_must_not_come() -> None:
    came = ("S 13 a-e1-4 a/1/p.5", "D 13 a/1/p.5")
    assert verdict("B 13 a/1/p.5", "F 13 full a/1/p.5", *came).unexpected == ["a/1/p.5 had been refused"]
    found = verdict("B 13 a/1/p.5", "F 13 doubtful a/1/p.5", *came)
    assert (found.unexpected, found.unaccepted) == ([], 1), "after a failed sync nobody knows"


def test_an_account_can_be_read_on_from_one_place_in_two_ways() -> None:
    account = Account()
    for line in GOOD.splitlines():
        account.read(line)
    other = account.copy()
    other.crashed(12.4)
    for line in ("O 30 0.1", "D 31 a/1/p.3", "D 31 a/1/p.2"):
        other.read(line)
    assert other.close().again == []
    assert other.close().duplicates == 2
    assert account.close().duplicates == 0


def test_losses_are_taken_as_the_buffer_tells_them() -> None:
    account = Account()
    account.losses(
        [Loss("quota", "a", Priority.BULK, 3, 1, 3, 0, 0), Loss("damaged", "", Priority.ALARM, 1, 7, 7, 0, 0)]
    )
    assert account.close(("quota",)).troubles == ["1 messages of nobody knows counted as damaged"]


def test_lines_are_whole_and_carry_the_time(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path / "ledger")
    ledger.note("B", "a/1/p.1")
    ledger.note("A", "a/1/p.1")
    ledger.close()
    assert judge((tmp_path / "ledger").read_text().splitlines()).lost == ["a/1/p.1"]
