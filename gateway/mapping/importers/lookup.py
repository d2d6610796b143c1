"""The cells of one table of a sheet, by row and by what their column holds."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from gateway.mapping.diagnostics import Report
from gateway.mapping.importers import cells
from gateway.mapping.importers.cells import Cited
from gateway.mapping.importers.columns import Layout
from gateway.mapping.importers.table import Refused

NOTHING = frozenset(("", "-", "--", "–", "—", "n/a", "none"))
"""What stands in cells that say nothing, in small letters."""


class Lookup:
    """Finds cells, and says where a wrong one stands."""

    def __init__(self, layout: Layout, report: Report) -> None:
        self.layout = layout
        self.sheet = layout.sheet
        self._report = report
        # A name that stands once for several registers: their cells continue the one above them.
        self._continued = {
            (row, merge.left): merge.top
            for merge in self.sheet.merges
            if merge.left == merge.right
            for row in range(merge.top + 1, min(merge.bottom + 1, len(self.sheet.rows)))
        }
        self._continued_below = {(top, column) for (_, column), top in self._continued.items()}
        self.mark = cells.decimal_mark(
            self.sheet.text(row, column)
            for role in ("scale", "multiply", "divide", "unit", "offset", "min", "max")
            for column in layout.columns.get(role, ())
            for row in layout.rows
        )

    def column(self, role: str, otherwise: int = 0) -> int:
        """The best column of a role, for messages."""
        column = self.layout.column(role)
        return otherwise if column is None else column

    def own(self, row: int, role: str) -> str:
        """What stands in this very cell."""
        return self.sheet.text(row, self.layout.column(role))

    def text(self, row: int, role: str) -> str:
        """What stands in this cell, or in the merged one that it belongs to."""
        return self.text_in(row, self.layout.column(role))

    def text_in(self, row: int, column: int | None) -> str:
        """As ``text``, in any column."""
        return self.sheet.text(self._continued.get((row, -1 if column is None else column), row), column)

    def continues(self, row: int, role: str) -> bool:
        """Whether a cell says nothing that the one above it does not say."""
        column = self.layout.column(role)
        return column is None or (row, column) in self._continued or not self.sheet.text(row, column)

    def shares(self, row: int, role: str) -> bool:
        """Whether a cell stands for several rows."""
        column = -1 if (found := self.layout.column(role)) is None else found
        return (row, column) in self._continued or (row, column) in self._continued_below

    def texts(self, row: int, *roles: str) -> list[tuple[int, str]]:
        """Column and text of all cells of these roles that are not empty."""
        columns = (column for role in roles for column in self.layout.columns.get(role, ()))
        return [(column, text) for column in columns if (text := self.sheet.text(row, column))]

    def address(self, row: int) -> tuple[str, int, bool]:
        """Text and column of the address, and whether it is hexadecimal without saying so."""
        for role in ("address", "address_hex"):
            column = self.layout.column(role)
            text = self.sheet.text(row, column)
            if column is not None and text:
                return text, column, role == "address_hex"
        return "", self.column("address", self.column("address_hex")), False

    def cited(self, row: int) -> Cited | None:
        """The address of a row; None where it has none that can be read."""
        text, _, hexadecimal = self.address(row)
        try:
            return cells.address(text, hexadecimal) if text else None
        except Refused:
            return None

    @contextmanager
    def reading(self, role: str) -> Iterator[None]:
        """What is refused in here stands in the column of this role."""
        try:
            yield
        except Refused as wrong:
            if wrong.column is None:
                wrong.column = self.layout.column(role)
            raise

    def error(self, row: int, column: int, wrong: Refused) -> None:
        """Report what keeps a row from becoming a point."""
        self._report.error(self.sheet.place(row, column), wrong.code, wrong.text, wrong.hint)

    def warn(self, row: int, column: int, code: str, text: str, hint: str = "") -> None:
        """Report what a person should look at."""
        self._report.warning(self.sheet.place(row, column), code, text, hint)
