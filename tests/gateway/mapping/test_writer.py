"""What is written reads back as it was, and looks as a person would write it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from gateway.mapping.characters import FORBIDDEN, is_quoted, unseen
from gateway.mapping.diagnostics import Report
from gateway.mapping.draft import DraftDevice, DraftPoint, DraftProfile, Setting
from gateway.mapping.load import Block, Items, Node, parse
from gateway.mapping.writer import LINE_LENGTH, write_devices, write_profile

PROFILES = Path(__file__).parents[3] / "mappings" / "profiles"


def plain(node: Node) -> Setting:
    """What was read, as it is in a draft."""
    if isinstance(node, Block):
        return {key: plain(value) for key, value in node.items()}
    if isinstance(node, Items):
        return [plain(value) for value in node]
    assert isinstance(node, str)
    return node


def read(text: str) -> Mapping[str, Setting]:
    report = Report()
    found = plain(parse(text, "f.yaml", report))
    assert report.sorted() == ()
    assert isinstance(found, dict)
    return found


def profile(*points: DraftPoint, **changes: Mapping[str, Setting] | str) -> str:
    return write_profile(DraftProfile(**{"profile": "acme", "protocol": "modbus", "points": points, **changes}))  # type: ignore[arg-type]


def test_a_profile_as_in_the_manual_of_the_language() -> None:
    text = write_profile(
        DraftProfile(
            profile="acme-pm1",
            protocol="modbus",
            maker="ACME",
            model="PM1",
            note="manual: rev. C",
            head={"numbering": "offset"},
            defaults={"table": "input", "type": "uint16"},
            points=[
                DraftPoint("voltage", {"at": "0x0000", "scale": "0.1", "unit": "V"}),
                DraftPoint("power_factor", {"at": "1", "unit": "1", "nan": ["0x8000", "-1"]}),
                DraftPoint("humidity", {"at": "2", "unit": "%", "range": ["0", "100"]}),
                DraftPoint("mode", {"at": "3", "enum": {str(code): f"operating mode {code}" for code in range(6)}}),
            ],
            derived=[DraftPoint("half", {"expr": "voltage / 2", "unit": "V"})],
        )
    )
    assert text == (
        "schema: fieldgate/profile/v1\n"
        "profile: acme-pm1\n"
        "protocol: modbus\n"
        "maker: ACME\n"
        "model: PM1\n"
        'note: "manual: rev. C"\n'
        "numbering: offset\n"
        "defaults: {table: input, type: uint16}\n"
        "points:\n"
        "  voltage:      {at: 0x0000, scale: 0.1, unit: V}\n"
        '  power_factor: {at: 1, unit: "1", nan: [0x8000, -1]}\n'
        '  humidity:     {at: 2, unit: "%", range: [0, 100]}\n'
        "  mode:\n"
        "    at: 3\n"
        "    enum:\n"
        "      0: operating mode 0\n"
        "      1: operating mode 1\n"
        "      2: operating mode 2\n"
        "      3: operating mode 3\n"
        "      4: operating mode 4\n"
        "      5: operating mode 5\n"
        "derived:\n"
        "  half: {expr: voltage / 2, unit: V}\n"
    )


def test_devices_as_in_the_manual_of_the_language() -> None:
    devices = [
        DraftDevice("press-7", "acme-pm1", {"modbus": "tcp://10.20.0.15:502", "unit_id": "7"}),
        DraftDevice("press-8", "acme-pm1", {"ble": "CB:B8:33:4C:88:4F"}, note="hall A"),
    ]
    assert write_devices(devices) == (
        "schema: fieldgate/devices/v1\n"
        "devices:\n"
        "  press-7:\n"
        "    profile: acme-pm1\n"
        '    connect: {modbus: "tcp://10.20.0.15:502", unit_id: 7}\n'
        "  press-8:\n"
        "    profile: acme-pm1\n"
        '    connect: {ble: "CB:B8:33:4C:88:4F"}\n'
        "    note: hall A\n"
    )
    assert write_devices([]) == "schema: fieldgate/devices/v1\ndevices: {}\n"


@pytest.mark.parametrize("path", sorted(PROFILES.glob("*.yaml")), ids=lambda path: path.name)
def test_the_bundled_profiles_are_written_as_they_stand(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    read_ = read(text)
    draft = DraftProfile(
        profile=str(read_["profile"]),
        protocol=str(read_.get("protocol", "")),
        maker=str(read_.get("maker", "")),
        model=str(read_.get("model", "")),
        note=str(read_.get("note", "")),
        head={key: value for key, value in read_.items() if key not in _KNOWN},
        defaults=_block(read_.get("defaults", {})),
        points=[DraftPoint(name, _block(settings)) for name, settings in _block(read_.get("points", {})).items()],
        derived=[DraftPoint(name, _block(settings)) for name, settings in _block(read_.get("derived", {})).items()],
    )
    # A profile that extends another one can have no points of its own.
    assert read(write_profile(draft)) == read_


_KNOWN = {"schema", "profile", "protocol", "maker", "model", "note", "defaults", "points", "derived"}


def _block(setting: Setting) -> Mapping[str, Setting]:
    assert isinstance(setting, dict)
    return setting


def test_lines_end_where_a_screen_does() -> None:
    text = profile(*(DraftPoint(f"p{size}", {"at": "1", "note": "x" * size}) for size in range(80, 105)))
    assert max(len(line) for line in text.splitlines()) == LINE_LENGTH
    assert "  p98: {at: 1, note: " + "x" * 98 + "}\n" in text
    assert "  p99:\n    at: 1\n    note: " + "x" * 99 + "\n" in text


def test_quotes_stand_only_where_they_are_needed() -> None:
    point = DraftPoint("p", {"a": "m;s=Filler01.Speed", "b": "5 %", "c": "%", "d": "a: b", "e": "it's", "f": '7" disk'})
    assert profile(point).endswith(
        """  p: {a: m;s=Filler01.Speed, b: 5 %, c: "%", d: "a: b", e: it's, f: 7" disk}\n""",
    )
    point = DraftPoint(
        "p", {"a": "", "b": " x", "c": "a, b", "d": "a #b", "e": '"x"', "f": "1\n2", "g": "-", "h": "-40"}
    )
    assert profile(point).endswith(
        """  p: {a: "", b: " x", c: "a, b", d: "a #b", e: '"x"', f: "1\\n2", g: "-", h: -40}\n"""
    )


def test_what_no_plant_file_may_hold_is_replaced() -> None:
    text = profile(DraftPoint("p", {"note": "a\x00b\x1bc\ufeffd\ud800e\x9ff"}))
    assert read(text)["points"] == {"p": {"note": "a�b�c�d�e�f"}}


def test_quotes_and_spaces_of_word_keep_a_value_and_leave_a_name() -> None:
    text = profile(DraftPoint("p", {"note": "“x” a\u00a0b", "enum": {"\u00a01": "“on”", "“2”": "off"}}))
    assert read(text)["points"] == {"p": {"note": "“x” a\u00a0b", "enum": {"1": "“on”", "2": "off"}}}


TEXTS = st.text(
    st.characters(exclude_categories=("Cs", "Cc")).filter(lambda letter: not FORBIDDEN.match(letter))
    | st.sampled_from(list(" \t\n\r\x85\u2028\u2029:#,[]{}&*!|>%@`'\"\\-?=~0123<“”\u00a0")),
    max_size=40,
)
KEYS = TEXTS.filter(lambda text: text not in ("", "<<") and unseen(text) < 0 and not is_quoted(text))
SETTINGS: st.SearchStrategy[Setting] = st.recursive(
    TEXTS, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(KEYS, inner, max_size=4), max_leaves=12
)
MAPPINGS = st.dictionaries(KEYS, SETTINGS, max_size=4)


@given(st.dictionaries(KEYS, MAPPINGS, max_size=4), MAPPINGS, TEXTS.filter(bool))
@example({"p": {"a": "---"}}, {"a": "..."}, "? x")
@example({"-": {"?": "x:"}}, {"a:": ":"}, "!x")
@example({"a" * 60: {"enum": {str(code): "x" * 30 for code in range(9)}}}, {}, "x" * 200)
def test_any_texts_read_back_as_they_were(
    points: dict[str, dict[str, Setting]], defaults: dict[str, Setting], note: str
) -> None:
    text = profile(*(DraftPoint(name, point) for name, point in points.items()), defaults=defaults, note=note)
    found = read(text)
    assert found["points"] == points
    assert found.get("defaults", {}) == defaults
    assert found["note"] == note


@given(st.dictionaries(KEYS, st.tuples(TEXTS, MAPPINGS, TEXTS), max_size=4))
def test_any_devices_read_back_as_they_were(drafts: dict[str, tuple[str, dict[str, Setting], str]]) -> None:
    devices = [DraftDevice(name, *parts) for name, parts in drafts.items()]
    expected = {
        device.name: {"profile": device.profile, "connect": device.connect}
        | ({"note": device.note} if device.note else {})
        for device in devices
    }
    assert read(write_devices(devices))["devices"] == expected
