"""Points that a device may have or not (``exists:``): how many modules there are, the device itself says."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from gateway.mapping.spec import PointSpec
from gateway.model import Value


class Existence:
    """Which points of one device there are, as far as is known."""

    def __init__(self, points: Sequence[PointSpec], positions: Mapping[str, int]) -> None:
        formulas = [(position, spec.exists) for position, spec in enumerate(points) if spec.exists is not None]
        self._holds = {position: formula.bind(positions) for position, formula in formulas}
        self.inputs = frozenset(positions[name] for _, formula in formulas for name in formula.names)
        """The positions of the points that the formulas use."""
        self.absent = frozenset(self._holds)
        """The positions of the points that the device has not, or that are not known yet to be there."""

    def learn(self, newest: Sequence[Value]) -> None:
        """Judge anew by these values. Where one is missing the last verdict stays: a silent device loses no modules."""
        results = {position: holds(newest) for position, holds in self._holds.items()}
        self.absent = frozenset(
            position
            for position, result in results.items()
            if (not result if isinstance(result, int | float) else position in self.absent)
        )
