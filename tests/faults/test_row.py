from __future__ import annotations

from tests.faults.ledger import Verdict
from tests.faults.row import Row, table


def filled(**changes: object) -> Row:
    row = Row("kill -9")
    row.add(Verdict(accepted=10, delivered=9, dropped=1, duplicates=2, worst_opening_s=0.5), "seed 1")
    vars(row).update(changes)
    return row


def test_a_try_without_a_broken_promise_is_not_red() -> None:
    assert filled() == Row("kill -9", 1, 10, 9, 1, 0, 2, 0.5)


def test_a_broken_promise_is_kept_with_where_to_see_it_again() -> None:
    row = filled()
    row.add(Verdict(lost=["a/1/p.1"], worst_opening_s=0.1), "seed 1 event 7")
    assert (row.tried, row.red, row.lost, row.worst_opening_s) == (2, 1, 1, 0.5)
    assert row.wrongs == ["seed 1 event 7: lost 1: a/1/p.1"]


def test_rows_of_two_processes_become_one() -> None:
    row = filled()
    row.join(filled(worst_opening_s=0.7, wrongs=["seed 2"], red=1))
    assert row == Row("kill -9", 2, 20, 18, 2, 0, 4, 0.7, ["seed 2"], 1)


def test_the_table_says_what_was_tried_and_what_was_left_out() -> None:
    rows = [filled(accepted=12_345), filled(red=3), Row("guest", left_out="apt-get install user-mode-linux")]
    assert table(rows).splitlines()[2:] == [
        "| kill -9 | 1 | 12,345 | 9 | 1 | 0 | 2 | 0.50 s |",
        "| kill -9 **(3 red)** | 1 | 10 | 9 | 1 | 0 | 2 | 0.50 s |",
        "| guest | left out: apt-get install user-mode-linux | | | | | | |",
    ]
