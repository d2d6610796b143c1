"""Codes in a cell are read only where the cell holds nothing else."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.mapping.importers.codes import Codes, codes, flags, looks_like_codes

DATA = Path(__file__).parents[3] / "data"


@pytest.mark.parametrize(
    "text",
    [
        "0=Off;1=On",
        "0 = Off, 1 = On",
        "0: Off, 1: On",
        "0 - Off / 1 - On",
        "0 – Off\n1 – On",
        "0=Off\n1=On",
        "0:Off|1:On",
        "0) Off\n1) On",
        "0x00: Off; 0x01: On",
        "00=Off;01=On",
        "0=Off 1=On",
        "0 => Off, 1 => On",
        '0="Off"; 1="On";',
        "0 = Off or 1 = On",
    ],
)
def test_off_and_on_in_all_their_forms(text: str) -> None:
    assert codes(text) == Codes({0: "Off", 1: "On"})


def test_separators_inside_the_texts_are_kept() -> None:
    assert codes("0=No, thanks;1=Yes/always;2=Level 3: high") == Codes(
        {0: "No, thanks", 1: "Yes/always", 2: "Level 3: high"}
    )


def test_negative_and_large_codes() -> None:
    assert codes("-1=Error;65535=n/a") == Codes({-1: "Error", 65535: "n/a"})


def test_a_range_of_codes_names_each_and_gives_way_to_a_code_of_its_own() -> None:
    assert codes("51-52=Battery;201=Fail;201-203=Fault") == Codes(
        {51: "Battery", 52: "Battery", 201: "Fail", 202: "Fault", 203: "Fault"}
    )


def test_a_code_with_two_texts_is_told() -> None:
    assert codes("1=A;2=B;1=C") == Codes({1: "A", 2: "B"}, (1,))


@pytest.mark.parametrize(
    "text", ["", "V", "see page 3", "0..100", "status: 0=Off;1=On", "12", "0=", "0=;1=On", "1-4=", "10-20 mA"]
)
def test_other_texts_hold_no_codes(text: str) -> None:
    assert codes(text) is None


def test_one_code_in_a_remark_is_none() -> None:
    assert codes("1=Reset", fewest=2) is None
    assert codes("1=Reset") == Codes({1: "Reset"})


def test_names_of_bits() -> None:
    assert flags("Bit 0: overload; Bit 1: door open") == Codes({0: "overload", 1: "door open"})
    assert flags("bit0 = A\nbit 3 = B") == Codes({0: "A", 3: "B"})
    assert flags("b0: A, b1: B, Bit 2-15: reserved") == Codes({0: "A", 1: "B"})
    assert flags("Bit 0-3: level") is None
    assert flags("0=Off;1=On") is None
    assert flags("bit rate") is None


def test_what_looks_like_codes_is_known() -> None:
    assert looks_like_codes("Status: 0=Off;1=On")
    assert not looks_like_codes("rev. 2: see page 3")


def test_every_list_of_codes_of_a_real_device_is_read() -> None:
    with (DATA / "victron_attributes.csv").open(encoding="utf-8", newline="") as stream:
        cells = {row[3] for row in csv.reader(stream) if "=" in row[3]}
    assert len(cells) == 101
    for cell in cells:
        found = codes(cell)
        assert found is not None, cell
        written = [entry.split("=", 1) for entry in cell.split(";")]
        assert {
            int(code): text.strip() for code, text in written if code.strip().isdecimal()
        }.items() <= found.texts.items()


@given(
    st.dictionaries(st.integers(0, 65535), st.sampled_from(["Off", "On (L1)", "5 V high", "a/b", "it's"]), min_size=1)
)
def test_any_codes_are_read_as_they_were_written(texts: dict[int, str]) -> None:
    for between, assign in ((";", "="), ("; ", ": "), ("\n", " = ")):
        written = between.join(f"{code}{assign}{text}" for code, text in texts.items())
        assert codes(written) == Codes(texts)


@given(st.text(st.sampled_from("0123456789=:;,-/ \nabBit()x"), max_size=60))
def test_any_text_is_read_or_not(text: str) -> None:
    for found in (codes(text), flags(text)):
        assert found is None or all(meaning and len(meaning) <= 256 for meaning in found.texts.values())
