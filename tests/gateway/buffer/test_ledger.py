from __future__ import annotations

from pathlib import Path

from tests.gateway.buffer.ledger import Ledger, Verdict, judge

GOOD = """\
O 10.0 0.1
A 10.1 a p.1
A 10.2 a p.2
D 10.3 a e1 1 p.1
O 12.0 0.3
D 12.1 a e1 2 p.2
A 12.2 a p.4
D 12.3 a e1 3 p.4
"""


def verdict(*more: str) -> Verdict:
    return judge([*GOOD.splitlines(), *more])


def test_a_good_run_has_nothing_against_it() -> None:
    assert verdict() == Verdict(accepted=3, delivered=3, worst_opening_s=0.3)


def test_what_was_accepted_and_never_came_is_lost() -> None:
    assert verdict("A 13 a p.5").lost == ["p.5"]


def test_an_id_with_two_contents_is_reused() -> None:
    assert verdict("D 13 a e1 3 p.5").reused == ["a-e1-3"]
    assert verdict("D 13 a e2 3 p.5").reused == []


def test_what_comes_after_a_later_one_is_disordered() -> None:
    assert verdict("D 13 a e1 4 p.3").disordered == ["p.3"], "of one producer"
    assert verdict("D 13 a e1 2 q.1").disordered == ["q.1"], "by sequence"
    assert verdict("D 13 b e1 2 q.1").disordered == []


def test_a_duplicate_is_forgiven_after_a_break_only_and_only_of_the_last_moments() -> None:
    again = "D 14.2 a e1 3 p.4"
    assert verdict(again).late_duplicates == ["p.4"], "nobody was killed between"
    assert verdict("O 12.5 0.1", again).late_duplicates == []
    assert verdict("O 14.0 0.1", again).late_duplicates == ["p.4"], "1.7 s before the end"
    assert verdict("O 12.5 0.1", again).duplicates == 1


def test_what_came_without_having_been_accepted_is_counted() -> None:
    assert verdict("D 13 a e1 4 p.5").unaccepted == 1


def test_lines_are_whole_and_carry_the_time(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path / "ledger")
    ledger.note("A a p.1", "D a e1 1 p.1")
    ledger.close()
    assert judge((tmp_path / "ledger").read_text().splitlines()) == Verdict(accepted=1, delivered=1)
