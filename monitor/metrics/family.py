"""What a metric is made of, and how it is printed: as prometheus-client does it."""

from collections.abc import Callable, Sequence
from typing import Generic, NamedTuple, TypeVar

from prometheus_client.utils import floatToGoString

#: Labels as they are printed, sorted by name, and a value.
Sample = tuple[str, float]

From = TypeVar("From")


class Family(NamedTuple, Generic[From]):
    """A metric: `name` without the `_total` of a counter."""

    name: str
    kind: str  # gauge or counter
    help: str
    samples: Callable[[From], list[Sample]]

    @property
    def sample_name(self) -> str:
        return f"{self.name}_total" if self.kind == "counter" else self.name

    def head(self, *, as_openmetrics: bool) -> bytes:
        name = self.name if as_openmetrics else self.sample_name
        return f"# HELP {name} {self.help}\n# TYPE {name} {self.kind}\n".encode()

    def printed(self, samples: Sequence[Sample]) -> bytes:
        """Its series, one a line."""
        name = self.sample_name
        lines = [
            f"{name}{{{labels}}} {_number(value)}\n" if labels else f"{name} {_number(value)}\n"
            for labels, value in samples
        ]
        # `replace`: one lone surrogate must not kill the whole scrape.
        return "".join(lines).encode(errors="replace")


def label(name: str, value: str) -> str:
    """A label as it is printed."""
    value = value.replace("\\", r"\\").replace("\n", r"\n").replace('"', r"\"")
    return f'{name}="{value}"'


def _number(value: float) -> str:
    if value.__class__ is int and 0 <= value < 1_000_000:
        return f"{value}.0"  # the same, three times as fast
    text: str = floatToGoString(value)  # type: ignore[no-untyped-call]
    return text
