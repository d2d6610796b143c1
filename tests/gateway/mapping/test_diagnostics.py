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
    assert (len(report.sorted()), report.errors) == (2, 4)


def test_copies_of_a_point_are_one_message_with_the_name_as_it_was_written() -> None:
    report = Report()
    for number in range(1, 25):
        with report.naming(f"cell_{number}", "cell_{i}"):
            report.error(Place("f", 1, 1), "B07", f"cell_{number}: register {number} is outside, see cell_{number}0")
    (said,) = report.sorted()
    assert said.text == "cell_{i}: register 1 is outside, see cell_10"
    assert report.errors == 24


def test_in_another_file_a_copy_has_its_own_name() -> None:
    report = Report()
    with report.naming("cell_3", "cell_{i}", but_in="d"):
        report.error(Place("d", 1, 1), "R05", "cell_3: a")
        report.error(Place("f", 1, 1), "R05", "cell_3: a")
    assert [one.text for one in report.sorted()] == ["cell_3: a", "cell_{i}: a"]


def test_afterwards_names_are_as_they_are() -> None:
    report = Report()
    with report.naming("cell_3", "cell_{i}"):
        pass
    report.error(Place("d", 1, 1), "R05", "cell_3: a")
    assert report.sorted()[0].text == "cell_3: a"


def test_what_holds_for_many_points_is_told_of_the_first() -> None:
    report = Report()
    report.share([Place("f", 2, 11)])
    for name in "abc":
        report.error(Place("f", 2, 11), "R05", f"{name}: deadband")
    report.error(Place("f", 2, 11), "R07", "a: other")
    assert [one.text for one in report.sorted()] == ["a: deadband", "a: other"]


def test_what_is_muted_is_not_told_but_counts() -> None:
    report = Report()
    report.mute("M12")
    report.error(Place("f", 1, 1), "M12", "unknown unit")
    report.error(Place("f", 1, 1), "M11", "other")
    assert ([one.code for one in report.sorted()], report.errors) == (["M11"], 2)


def test_after_many_comparisons_hints_are_given_up() -> None:
    report, words = Report(), {f"voltage_{n}" for n in range(10_000)}
    hints = [report.did_you_mean(f"voltag_{n}", words, otherwise="none") for n in range(100)]
    assert hints[0].startswith("did you mean")
    assert hints[-1] == "none"


def test_nothing_is_near_an_endless_word() -> None:
    assert closest("x" * 101, ("x" * 100,)) == ""


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


def test_keys_and_passwords_that_a_user_wrote_are_never_repeated() -> None:
    report = Report()
    for line, text in enumerate(
        [
            '"HostName=h;SharedAccessKeyName=owner;SharedAccessKey=aGVsbG8=" is no host',
            '"tcp://user:geheim@10.0.0.1" is not an address',
            '"Server=x;Password = geheim;" is no name',
        ]
    ):
        report.error(Place("f", line, 1), "M21", text, text)
    shown = "\n".join(str(one) for one in report.sorted())
    assert "geheim" not in shown
    assert "aGVsbG8" not in shown
    assert '"HostName=h;SharedAccessKeyName=owner;SharedAccessKey=…" is no host' in shown
    assert '"tcp://user:…@10.0.0.1" is not an address' in shown
