"""In CI a skipped test is a failure: a judge that was not there has judged nothing."""

from __future__ import annotations

import os

import pytest


def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    """Turn skips into a failed run where CI is set."""
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    if reporter is None:
        return
    skipped = reporter.stats.get("skipped", [])
    if skipped and os.environ.get("CI") and exitstatus == pytest.ExitCode.OK:
        reporter.write_line(f"CI: {len(skipped)} tests were skipped; here none may be", red=True)
        session.exitstatus = pytest.ExitCode.TESTS_FAILED
