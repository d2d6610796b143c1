"""Which column of a sheet holds what: headings are found by their words, in the languages of manuals."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from gateway.mapping.diagnostics import Place, did_you_mean
from gateway.mapping.importers.cells import is_address, table
from gateway.mapping.importers.table import COLUMN_LIMIT, Refused, Sheet, column_number, letters
from gateway.values import quote

SEARCHED = 50
"""Rows from the top among which a heading is looked for."""

ROLES = (
    *("address", "address_hex", "end", "bit", "name", "description", "type", "length", "unit", "scale", "multiply"),
    *("divide", "offset", "access", "table", "order", "min", "max", "values", "remark"),
)
"""What a column can hold; ``scale`` does not say whether it multiplies or divides."""

_ADDRESS = r"addr?\b|addr?ess|adress|direccion|indirizzo|osoite|endereco"
_WORDS: tuple[tuple[str, str], ...] = (
    (
        "",
        r"\b(unit|slave|device|station) (id|address|no|number)\b|\bdefault\b|werkseinstellung|factory"
        r"|^(no|nr|num|pos|page)$",
    ),
    ("end", rf"\b(end|last|bis)\b.*({_ADDRESS}|reg)|end ?adresse"),
    (
        "table",
        r"function code|func code|funktionscode|\bfc\b|\bfcode|code fonction|codigo (de )?funcion|codice funzione"
        r"|funktionskod|toimintokoodi|^(modbus )?table$|register (type|area|class|space)|registertyp|\breg type"
        r"|object type|objekttyp|modbus (type|object|function)|type (of|de) regist|tipo (de |di )?registro"
        r"|rekisterityyppi|memory area",
    ),
    (
        "length",
        r"length|laenge|^lange\b|anzahl|number of|\bno of\b|\bcount\b|\bsize\b|\bgrosse$|quantity|\bqty\b|\bwords$"
        r"|longueur|taille|nombre de|longitud|tamano|cantidad|lunghezza|numero (di )?regist|langd|\bantal\b|pituus"
        r"|lukumaara",
    ),
    ("address_hex", rf"({_ADDRESS}|reg|offset).*\bhex|\bhex.*({_ADDRESS}|reg|offset)|^hex(adecimal)?$"),
    ("address", _ADDRESS),
    ("order", r"(byte|word|wort|register) ?(order|reihenfolge|folge|sequence)|endian|^order$"),
    (
        "access",
        r"\baccess?\b|^r ?w$|^rw\b|read write|read only|zugriff|\bacces\b|acceso|accesso|permission|luku kirjoitus",
    ),
    (
        "type",
        r"data ?type|datentyp|datatyp|\btype?$|^type (de|di)\b|\btipo\b|format|encoding|representation|darstellung"
        r"|tyyppi",
    ),
    ("divide", r"divisor|divide|divider|\bteiler|diviseur|jakaja"),
    ("multiply", r"multiplier|multiply|multiplied|multiplikator|multiplicateur|multiplicador|moltiplicatore"),
    (
        "scale",
        r"scal|factor|faktor|\bgain\b|resolution|auflosung|skal|coefficient|koeffizient|facteur|echelle|resolucion|escala"
        r"|fattore|risoluzione|kerroin|precision|\blsb\b|wertigkeit",
    ),
    ("values", r"\bmin\b.*\bmax\b"),
    ("min", r"^min(imum|imo|imi)?\b|lower limit|low limit|\bmin(imum)?$"),
    ("max", r"^max(imum|imo|imi)?\b|upper limit|high limit|\bmax(imum)?$"),
    ("unit", r"\bunits?\b|einheit|\buom\b|\bunite\b|unidad|\bunita\b|enhet|yksikko|^dim(ension)?$"),
    ("bit", r"^bits?( (no|nr|number|position|pos))?$|bitnummer|bitposition"),
    (
        "name",
        r"\bname\b|\bnamn\b|\bnombre\b|\bnom\b|\bnimi\b|\bnome\b|bezeichnung|benennung|parameter|parametre|parametro"
        r"|\bvariable|\bvariabile|\bsignale?\b|\btag\b|\btagname|\blabel\b|\bpoints?\b|[a-z]name$"
        r"|mess ?(grosse|wert|punkt)|measurand|measurement|measured value|datenpunkt|suure|libelle"
        r"|grandezza|grandeur|magnitud|medida|mesure|misura"
        r"|\bkanal\b|\bchannel\b|\bcanal\b|\bcanale\b|\bitems?\b|\bobjekt\b|\bobject\b|eigenschaft|\bproperty\b",
    ),
    (
        "description",
        r"description|beschreibung|bedeutung|meaning|designation|descripcion|descrizione|beskrivning|kuvaus|selite|descricao"
        r"|^function$|^funktion$|^text$|denominacion|significado|contents?$|inhalt|quantity",
    ),
    (
        "values",
        r"range|wertebereich|values?$|valid|\benum|\bcodes?$|options|allowed|plage|valeurs?|rango|intervallo|valori|\bstates?$"
        r"|choices|arvo|omrade|\bwerte?\b",
    ),
    (
        "remark",
        r"remark|comment|\bnotes?$|bemerkung|anmerkung|kommentar|hinweis|remarque|observac|comentario|huom|detail|\binfo",
    ),
    ("address", r"register|registro|registre|registri|rekisteri|offset|\breg\b|modbus|^dec(imal)?$|^start$"),
)
"""Roles with words of their headings, as ``_folded`` writes them; the first that is found counts."""
_LONGEST_HEADING = 80


def role(heading: str) -> str:
    """What a column with this heading holds, empty for nothing that is known."""
    folded = _folded(heading)
    if not folded or len(folded) > _LONGEST_HEADING:
        return ""
    return next((name for name, words in _WORDS if re.search(words, folded)), "")


def _folded(text: str) -> str:
    """Small letters without accents, words with one blank between them."""
    apart = unicodedata.normalize("NFKD", text.casefold())
    plain = "".join(letter for letter in apart if not unicodedata.combining(letter))
    return re.sub("[^a-z0-9]+", " ", plain).strip()


@dataclass(frozen=True)
class Layout:
    """A table in a sheet: what its columns hold, and which rows belong to it."""

    sheet: Sheet
    heading: int
    """The row of the headings, the last one where there are several; -1 where there is none."""
    columns: Mapping[str, Sequence[int]]
    """By role, the best column first."""
    rows: Sequence[int]

    def column(self, role: str) -> int | None:
        """The best column of a role."""
        return next(iter(self.columns.get(role, ())), None)

    def above(self) -> str:
        """The title right above the headings; empty where there is none."""
        for row in range(self.heading - 1, max(self.heading - 4, -1), -1):
            texts = [cell for cell in self.sheet.rows[row] if cell]
            if texts:
                return texts[0] if len(texts) == 1 else ""
        return ""

    def title(self, column: int) -> str:
        """The heading of a column."""
        return self.sheet.text(self.heading, column) if self.heading >= 0 else ""

    def unknown(self) -> list[int]:
        """Columns of texts that nobody knows what they hold, the one with the most first."""
        known = {column for columns in self.columns.values() for column in columns}
        counts: Counter[int] = Counter()
        for row in self.rows[:500]:
            cells = enumerate(self.sheet.rows[row])
            counts.update(column for column, cell in cells if column not in known and _is_text(cell))
        return sorted(counts, key=lambda column: (-counts[column], column))

    def heading_place(self, column: int) -> Place:
        """Where the heading of a column stands."""
        return self.sheet.place(max(self.heading, 0), column)


def _is_text(cell: str) -> bool:
    return any(character.isalpha() for character in cell) and not is_address(cell)


def layouts(sheet: Sheet, named: Mapping[str, str]) -> list[Layout]:
    """The tables of a sheet, empty where it has none. ``named``: columns by role, as letters or headings.

    ``check_named`` says which of them do not exist.
    """
    fixed = {role: column_number(name) for role, name in named.items() if _is_letter(sheet, name)}
    by_heading = {role: name for role, name in named.items() if role not in fixed}
    finder = _Finder(sheet, fixed, by_heading)
    first = finder.first()
    if first is None:
        if by_heading or not {"address", "address_hex"} & fixed.keys():
            return []
        first = _Heading(-1, {role: (column,) for role, column in fixed.items()})
    return list(finder.parts(first))


def check_named(sheets: Sequence[Sheet], names: Iterable[str]) -> None:
    """Refuse a column, by its letter or heading, that no sheet has (I16)."""
    texts = [cell for sheet in sheets for row in sheet.rows[:SEARCHED] for cell in row if cell]
    folded = {text.casefold() for text in texts}
    width = max(map(_columns_of, sheets), default=0)
    for name in names:
        if width and name.casefold() not in folded and not any(_is_letter(sheet, name) for sheet in sheets):
            if _LETTERS.fullmatch(name):
                raise Refused("I16", f"there is no column {name}", f"the last one is {letters(width - 1)}")
            known = [text for text in dict.fromkeys(texts) if len(text) <= _LONGEST_HEADING and not is_address(text)]
            hint = did_you_mean(name, known, otherwise="write its heading or its letter")
            raise Refused("I16", f"there is no column {quote(name)}", hint)


def column_named(sheet: Sheet, layout: Layout, name: str) -> int:
    """The column with this letter or heading. Raises Refused (I16)."""
    if _is_letter(sheet, name):
        return column_number(name)
    titles = [layout.title(column) for column in range(_width(sheet, layout.heading))]
    folded = [title.casefold() for title in titles]
    if name.casefold() not in folded:
        known = [title for title in titles if title]
        raise Refused(
            "I16", f"there is no column {quote(name)}", did_you_mean(name, known, otherwise="write its letter")
        )
    return folded.index(name.casefold())


_LETTERS = re.compile("[A-Z]{1,3}")


def _is_letter(sheet: Sheet, name: str) -> bool:
    """Whether it is the letter of a column that the sheet has; "TAG" is a heading."""
    return _LETTERS.fullmatch(name) is not None and column_number(name) < _columns_of(sheet)


def _columns_of(sheet: Sheet) -> int:
    return max(map(len, sheet.rows), default=0)


def _width(sheet: Sheet, row: int) -> int:
    return len(sheet.rows[row]) if 0 <= row < len(sheet.rows) else 0


@dataclass(frozen=True)
class _Heading:
    row: int
    columns: Mapping[str, Sequence[int]]


class _Finder:
    """Finds the headings of one sheet."""

    def __init__(self, sheet: Sheet, fixed: Mapping[str, int], by_heading: Mapping[str, str]) -> None:
        self._sheet = sheet
        self._fixed = fixed
        self._by_heading = {role: name.casefold() for role, name in by_heading.items()}
        self._across = {
            (row, column): merge
            for merge in sheet.merges
            if merge.right - merge.left < COLUMN_LIMIT
            and merge.bottom - merge.top < SEARCHED
            and merge.top < len(sheet.rows)
            for row in range(merge.top, merge.bottom + 1)
            for column in range(merge.left, merge.right + 1)
        }

    def first(self) -> _Heading | None:
        """The first row (or pair of rows) that knows three columns, else the one that knows the most."""
        found = [self._heading(row) for row in range(min(SEARCHED, len(self._sheet.rows)))]
        known = [heading for heading in found if heading is not None]
        clear = next((heading for heading in known if len(heading.columns) >= 3), None)
        return clear or max(known, key=lambda heading: (len(heading.columns), -heading.row), default=None)

    def parts(self, first: _Heading) -> Iterator[Layout]:
        """The tables from the first heading on: each ends where the next heading stands."""
        heading, rows = first, list[int]()
        row = first.row + 1
        while row < len(self._sheet.rows):
            another = self._another(row, heading)
            if another is None:
                rows.append(row)
                row += 1
                continue
            yield Layout(self._sheet, heading.row, heading.columns, rows)
            heading, rows = another, []
            row = another.row + 1
        yield Layout(self._sheet, heading.row, heading.columns, rows)

    def _another(self, row: int, heading: _Heading) -> _Heading | None:
        """A heading further down: the list goes on with other columns, or on another page."""
        address = next(iter(heading.columns.get("address", heading.columns.get("address_hex", ()))), None)
        text = self._sheet.text(row, address)
        if not text or (any(character.isdigit() for character in text) and is_address(text, hexadecimal=True)):
            return None
        found = self._heading(row)
        return found if found is not None and len(found.columns) >= 3 else None

    def _heading(self, row: int) -> _Heading | None:
        single = self._columns(self._texts(row))
        below = row + 1
        # One text above the headings is a title.
        several = sum(bool(cell) for cell in self._sheet.rows[row]) > 1
        if several and below < len(self._sheet.rows) and not self._is_data(below):
            double = self._columns(self._joined(row))
            if double is not None and len(double) > len(single or ()):
                return _Heading(below, double)
        return None if single is None else _Heading(row, single)

    def _is_data(self, row: int) -> bool:
        return any(character.isdigit() for cell in self._sheet.rows[row] for character in cell if is_address(cell))

    def _texts(self, row: int) -> list[str]:
        return list(self._sheet.rows[row])

    def _joined(self, row: int) -> list[str]:
        """The texts of two rows as one heading each."""
        above, below = self._sheet.rows[row], self._sheet.rows[row + 1]
        texts = []
        for column in range(max(len(above), len(below))):
            merge = self._across.get((row, column))
            top = self._sheet.text(merge.top, merge.left) if merge else self._sheet.text(row, column)
            bottom = self._sheet.text(row + 1, column)
            wide = merge is not None and merge.right > merge.left
            texts.append(f"{top} {bottom}" if bottom else "" if wide else top)
        return texts

    def _columns(self, texts: Sequence[str]) -> Mapping[str, Sequence[int]] | None:
        """The columns under these headings; None where they are no headings of registers."""
        named = self._named(texts)
        if named is None:
            return None
        taken = {column for columns in named.values() for column in columns}
        found: dict[str, list[int]] = {}
        for column, text in enumerate(texts):
            name = role(text) if column not in taken else ""
            if name and name not in named:
                found.setdefault(name, []).append(column)
        columns = _settled({**found, **named}, texts)
        return columns if {"address", "address_hex"} & columns.keys() and len(columns) > 1 else None

    def _named(self, texts: Sequence[str]) -> dict[str, list[int]] | None:
        """The columns that the caller named; None where this row cannot be their heading."""
        named = {role: [column] for role, column in self._fixed.items()}
        folded = [text.casefold() for text in texts]
        for role_, name in self._by_heading.items():
            if name not in folded:
                return None
            named[role_] = [folded.index(name)]
        for role_ in ("address", "address_hex"):
            column = self._fixed.get(role_, -1)
            if 0 <= column < len(texts) and is_address(texts[column], hexadecimal=role_ == "address_hex"):
                return None
        return named


def _settled(columns: dict[str, list[int]], texts: Sequence[str]) -> dict[str, list[int]]:
    """Roles that depend on which others there are."""
    addresses = columns.get("address", [])
    shifts = [column for column in addresses if column < len(texts) and _folded(texts[column]) in _SHIFTS]
    if shifts and len(shifts) < len(addresses) + len(columns.get("address_hex", ())):
        columns["address"] = [column for column in addresses if column not in shifts]
        columns.setdefault("offset", shifts)
    plural = [column for column in columns.get("address", ()) if _clarity(texts, column) == 2]
    if plural and len(plural) < len(columns["address"]) and "length" not in columns:
        # "Registers" beside "Address" counts them.
        columns["address"] = [column for column in columns["address"] if column not in plural]
        columns["length"] = plural
    if not columns.get("address"):
        columns.pop("address", None)
    elif len(columns["address"]) > 1:
        # "Register" beside "Address" is a name or a number of its own: the clearer word goes first.
        columns["address"] = sorted(columns["address"], key=lambda column: _clarity(texts, column))
    if "name" not in columns and "description" in columns:
        columns["name"] = columns.pop("description")
    return columns


_SHIFTS = frozenset(("offset", "value offset", "offset value", "wert offset"))


def _clarity(texts: Sequence[str], column: int) -> int:
    folded = _folded(texts[column]) if column < len(texts) else ""
    return 0 if re.search(_ADDRESS, folded) else 2 if folded.endswith("registers") else 1


def named_by_content(layout: Layout) -> Layout:
    """A column "Größe" or "Quantity" can hold lengths or names: its cells say which."""
    column = layout.column("length")
    if column is None or "name" in layout.columns:
        return layout
    texts = [text for row in layout.rows[:500] if (text := layout.sheet.text(row, column))]
    if sum(text[0].isdigit() for text in texts) * 2 >= len(texts):
        return layout
    columns = dict(layout.columns)
    columns["name"] = columns.pop("length")
    return Layout(layout.sheet, layout.heading, columns, layout.rows)


def typed_by_content(layout: Layout, is_type: Callable[[str], bool]) -> Layout:
    """A column "register type" can hold tables or types: its cells say which."""
    column = layout.column("table")
    if column is None or "type" in layout.columns:
        return layout
    texts = {text for row in layout.rows[:500] if (text := layout.sheet.text(row, column))}
    types = sum(is_type(text) and table(text) is None for text in texts)
    if not types or types * 2 < len(texts):
        return layout
    columns = dict(layout.columns)
    columns["type"] = columns.pop("table")
    return Layout(layout.sheet, layout.heading, columns, layout.rows)
