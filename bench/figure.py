"""What was measured, beside its floor, and whether that is within the budget."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from statistics import median
from typing import Any

TIE = 0.2  # of the floor: smaller differences say nothing on a machine that does other things too

MET, TIED, MISSED, NONE = "met", "tie", "missed", "–"


@dataclass(frozen=True, slots=True)
class Figure:
    """One row of the table. Every list has one value a round; what is shown is the median.

    `budget`: the most that `product` may be (or with `at_least` the least), as a multiple of the
    floor if there is one and `absolute` is not set, else in `unit`.
    """

    what: str
    unit: str
    product: Sequence[float]
    floor: Sequence[float] = ()
    floor_is: str = ""
    budget: float | None = None
    at_least: bool = False
    absolute: bool = False
    others: Mapping[str, Sequence[float]] = field(default_factory=dict)
    note: str = ""

    @property
    def value(self) -> float:
        return median(self.product)

    @property
    def ratio(self) -> float | None:
        """How many times the floor; the median of the rounds', as a machine gets slower and faster."""
        return self.times(self.product) if self.floor and median(self.floor) else None

    def times(self, values: Sequence[float]) -> float:
        """These values as a multiple of the floor."""
        if len(values) != len(self.floor):
            return median(values) / median(self.floor)
        return median(value / floor for value, floor in zip(values, self.floor, strict=True))

    @property
    def verdict(self) -> str:
        if self.budget is None:
            return NONE
        ratio = None if self.absolute else self.ratio
        found, tie = (self.value, 0.0) if ratio is None else (ratio, TIE)
        over = self.budget - found if self.at_least else found - self.budget
        return MET if over <= 0 else TIED if over <= tie else MISSED

    def told(self) -> dict[str, Any]:
        """As JSON has it."""
        return {
            "what": self.what,
            "unit": self.unit,
            "product": self.value,
            "floor": median(self.floor) if self.floor else None,
            "floor_is": self.floor_is,
            "ratio": self.ratio,
            "budget": self.budget,
            "budget_is": ("at least" if self.at_least else "at most")
            + (" × floor" if self.floor and not self.absolute else ""),
            "verdict": self.verdict,
            "others": {name: median(values) for name, values in self.others.items() if values},
            "others_ratio": {name: self.times(values) for name, values in self.others.items() if values}
            if self.floor
            else {},
            "note": self.note,
            "rounds": {"product": list(self.product), "floor": list(self.floor)},
        }
