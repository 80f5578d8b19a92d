"""A snapshot as text, written by hand: what prometheus-client would print."""

from prometheus_client.utils import floatToGoString

from monitor.metrics.family import FAMILIES
from monitor.state import Snapshot


def exposition(snapshot: Snapshot, *, as_openmetrics: bool) -> str:
    """The series of a snapshot as text, without OpenMetrics' final `# EOF`."""
    lines = []
    for family in FAMILIES:
        sample_name = f"{family.name}_total" if family.kind == "counter" else family.name
        name = family.name if as_openmetrics else sample_name
        lines.append(f"# HELP {name} {family.help}\n# TYPE {name} {family.kind}\n")
        for labels, value in family.samples(snapshot):
            text = ",".join(f'{label}="{_escape(word)}"' for label, word in labels)
            number = floatToGoString(value)  # type: ignore[no-untyped-call]
            lines.append(f"{sample_name}{{{text}}} {number}\n" if text else f"{sample_name} {number}\n")
    return "".join(lines)


def _escape(text: str) -> str:
    return text.replace("\\", r"\\").replace("\n", r"\n").replace('"', r"\"")
