"""What is said of a mistake: once, in order, in a form that editors and terminals can use."""

from __future__ import annotations

from gateway.mapping.diagnostics import Diagnostic, Place, Report, closest, did_you_mean, summary


def test_the_printed_form_names_place_code_and_remedy() -> None:
    one = Diagnostic("plant/a.devices.yaml", 4, 14, "error", "D02", 'there is no profile "x"', 'did you mean "y"?')
    assert str(one) == ('plant/a.devices.yaml:4:14: error D02: there is no profile "x"\n    hint: did you mean "y"?')


def test_a_message_about_a_whole_file_has_no_line() -> None:
    assert str(Diagnostic("plant", 0, 0, "error", "P04", "this folder is empty")) == (
        "plant: error P04: this folder is empty"
    )


def test_programs_get_the_fields_by_name() -> None:
    assert Diagnostic("f", 1, 2, "warning", "G01", "t", "h").as_json() == {
        "file": "f",
        "line": 1,
        "column": 2,
        "severity": "warning",
        "code": "G01",
        "text": "t",
        "hint": "h",
    }


def test_the_same_mistake_is_kept_once() -> None:
    report = Report()
    for _ in range(3):
        report.error(Place("f", 1, 1), "M01", "a")
    report.error(Place("f", 1, 1), "M01", "b")
    assert (len(report.sorted()), report.errors) == (2, 2)


def test_messages_come_in_the_order_of_the_files() -> None:
    report = Report()
    report.error(Place("b", 1, 1), "M01", "")
    report.warning(Place("a", 10, 1), "M01", "")
    report.error(Place("a", 2, 5), "M01", "")
    report.error(Place("a", 2, 1), "M01", "")
    assert [(one.file, one.line, one.column) for one in report.sorted()] == [
        *[("a", 2, 1), ("a", 2, 5), ("a", 10, 1)],
        ("b", 1, 1),
    ]


def test_warnings_are_no_errors() -> None:
    report = Report()
    report.warning(Place("a", 1, 1), "G01", "")
    assert report.errors == 0


def test_a_users_text_cannot_disturb_the_terminal() -> None:
    report = Report()
    report.error(Place("f", 1, 1), "M01", "a\nb\x1b[2J\u202e", "x" * 10_000)
    said = report.sorted()[0]
    assert said.text == "a\\u000ab\\u001b[2J\\u202e"
    assert len(said.hint) == 500
    assert "\n" not in str(Diagnostic("a\nb", 0, 0, "error", "M01", ""))


def test_the_closest_word_is_found_whatever_its_case() -> None:
    words = ("float32", "float64", "int16")
    assert [closest(word, words) for word in ("flaot32", "FLOAT64", "in16", "bool", "")] == [
        *["float32", "float64", "int16", ""],
        "",
    ]


def test_a_hint_names_the_closest_word_or_says_something_else() -> None:
    assert did_you_mean("voltge", ["voltage", "power"]) == 'did you mean "voltage"?'
    assert did_you_mean("x", ["voltage"], otherwise="allowed: voltage") == "allowed: voltage"


def test_the_summary_counts() -> None:
    error, warning = Diagnostic("f", 1, 1, "error", "", ""), Diagnostic("f", 1, 1, "warning", "", "")
    assert summary([error]) == "1 error"
    assert summary([error, error, warning]) == "2 errors, 1 warning"
    assert summary([warning, warning]) == "2 warnings"
    assert summary([]) == "0 errors"
