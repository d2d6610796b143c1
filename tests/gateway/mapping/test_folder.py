"""A plant folder may hold anything; only its plant files are read."""

from __future__ import annotations

from pathlib import Path

import pytest

from gateway.mapping import folder as folders
from gateway.mapping.diagnostics import Report
from gateway.mapping.folder import Files, check

DEVICES = "schema: fieldgate/devices/v1\ndevices: {}\n"


def gathered(folder: Path, state: Path | None = None) -> tuple[Files, list[str]]:
    report = Report()
    files = Files(report)
    files.gather(folder, state)
    return files, [f"{Path(one.file).relative_to(folder)} {one.code}" for one in report.sorted()]


def origins(files: Files, folder: Path) -> list[str]:
    return [str(Path(block.place.file).relative_to(folder)) for block in files.blocks["devices"]]


def write(folder: Path, *names: str, text: str = DEVICES) -> None:
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


def test_files_are_known_by_their_ending_in_any_folder(tmp_path: Path) -> None:
    write(tmp_path, "a.devices.yaml", "halls/a/b/x.y.devices.yaml", "README.md", "notes.txt", "gateway.yaml")
    files, said = gathered(tmp_path)
    assert (origins(files, tmp_path), said) == (["a.devices.yaml", "halls/a/b/x.y.devices.yaml"], [])


def test_hidden_files_and_the_state_directory_are_left_out(tmp_path: Path) -> None:
    write(tmp_path, ".git/a.devices.yaml", ".b.devices.yaml", "state/c.devices.yaml", "d.devices.yaml")
    files, said = gathered(tmp_path, tmp_path / "state")
    assert (origins(files, tmp_path), said) == (["d.devices.yaml"], [])


def test_links_that_lead_back_are_followed_once(tmp_path: Path) -> None:
    write(tmp_path, "hall/a.devices.yaml")
    (tmp_path / "hall" / "up").symlink_to(tmp_path)
    (tmp_path / "self").symlink_to(tmp_path / "self")
    files, said = gathered(tmp_path)
    assert (origins(files, tmp_path), said) == (["hall/a.devices.yaml"], [])


def test_files_that_are_links_are_read(tmp_path: Path) -> None:
    write(tmp_path, "..data/real.yaml")  # how container platforms mount configuration
    (tmp_path / "a.devices.yaml").symlink_to(tmp_path / "..data" / "real.yaml")
    files, said = gathered(tmp_path)
    assert (origins(files, tmp_path), said) == (["a.devices.yaml"], [])


@pytest.mark.parametrize(
    "name", ["a.yaml", "a.device.yaml", "a.devices.yml", "devices.yaml", "a.units.yml", "sub/gateway.yaml"]
)
def test_yaml_files_that_are_not_read_are_told(tmp_path: Path, name: str) -> None:
    write(tmp_path, name)
    files, said = gathered(tmp_path)
    assert (origins(files, tmp_path), said) == ([], [f"{name} F05"])


def test_a_folder_with_the_name_of_a_file_is_told(tmp_path: Path) -> None:
    write(tmp_path, "a.devices.yaml/b.devices.yaml")
    assert gathered(tmp_path)[1] == ["a.devices.yaml F06"]


def test_a_folder_that_is_no_plant_ends_soon(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(folders, "_ENTRIES_LIMIT", 10)
    write(tmp_path, *[f"{number}.txt" for number in range(11)])
    assert gathered(tmp_path)[1] == [". P08"]
    write(tmp_path / "deep", "/".join("abcdefghijklmnop") + "/x.devices.yaml")
    monkeypatch.setattr(folders, "_ENTRIES_LIMIT", 1000)
    assert gathered(tmp_path / "deep")[1] == [". P08"]


def test_a_folder_that_cannot_be_listed_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(path: Path) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "iterdir", refuse)
    report = Report()
    check(tmp_path, report)
    Files(report).gather(tmp_path, None)
    assert [(one.code, one.text) for one in report.sorted()] == [
        ("P03", "this folder cannot be read: Permission denied")
    ]


def test_the_name_of_a_profile_is_known_from_a_file_that_is_no_yaml(tmp_path: Path) -> None:
    write(tmp_path, "a.profile.yaml", text="schema: x\nprofile: acme-x  # ours\npoints: [\n")
    files, _ = gathered(tmp_path)
    assert (files.profile_names, files.broken) == ({"acme-x"}, set())
    write(tmp_path, "a.profile.yaml", text="points: [\n")
    assert gathered(tmp_path)[0].broken == {"profile"}


@pytest.mark.parametrize(
    ("make", "code"),
    [
        (lambda path: None, "P01"),
        (lambda path: path.write_text("x"), "P02"),
        (lambda path: path.mkdir(), "P04"),
        (lambda path: write(path, "a.devices.yaml"), "P05"),
        (lambda path: path.symlink_to(path), "P03"),
    ],
)
def test_what_is_no_plant_folder_is_told_in_one_message(tmp_path: Path, make: object, code: str) -> None:
    assert callable(make)
    make(tmp_path / "plant")
    report = Report()
    check(tmp_path / "plant", report)
    assert [(one.code, one.file, one.line) for one in report.sorted()] == [(code, str(tmp_path / "plant"), 0)]


def test_a_name_that_no_disk_can_hold_is_told(tmp_path: Path) -> None:
    for path in [tmp_path / ("x" * 300), Path("a\0b")]:
        report = Report()
        check(path, report)
        assert [one.code for one in report.sorted()] == ["P03"]


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("a.profile.yaml.txt", "a.profile.yaml"),
        ("A.PROFILE.YAML", "A.profile.yaml"),
        ("a.devices.yml", "a.devices.yaml"),
        ("Units.yaml.txt", "units.yaml"),
        ("gateway.yml", "gateway.yaml"),
        ("a.profile.yaml~", ""),
        ("a.profile.yaml.bak", ""),
        ("notes.txt", ""),
    ],
)
def test_what_windows_makes_of_a_name(name: str, meant: str, tmp_path: Path) -> None:
    assert folders.renamed(tmp_path / name) == meant
    write(tmp_path, name)
    files, said = gathered(tmp_path)
    assert (files.unread, said) == (([tmp_path / name], [f"{name} F05"]) if meant else ([], []))
