from __future__ import annotations

import shutil
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest


@pytest.fixture(autouse=True)
def no_thread_stays_behind() -> Iterator[None]:
    """A connection that is not closed leaves a thread, and a thread keeps the process from ending."""
    yield
    for thread in threading.enumerate():
        if "_connection_worker" in thread.name:
            thread.join(2)  # it ends a moment after it has told so
            assert not thread.is_alive()


@pytest.fixture
def crashed(tmp_path: Path) -> Callable[[Path], Path]:
    """The directory as kill -9 would leave it at this moment (without ballast), as another directory."""
    made = 0

    def copy(folder: Path) -> Path:
        nonlocal made
        made += 1
        target = tmp_path / f"crashed-{made}"
        shutil.copytree(folder, target, ignore=shutil.ignore_patterns("ballast"))
        return target

    return copy
