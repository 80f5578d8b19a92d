"""A plain scalar of YAML, read as it stands.

YAML 1.1 turns `0123` into 83, `12:30` into 750, `yes` into true and `1_000` into 1000. Here only
what reads the same to a person and to YAML gets a type; the rest is `Odd`, and it is for the field
that it stands in to say what would be right.
"""

import math
import re
from dataclasses import dataclass, field

import yaml

_WHOLE = re.compile(r"-?(?:0|[1-9][0-9]{0,17})")  # int() refuses thousands of digits with an error of its own
_DECIMAL = re.compile(r"-?[0-9]*\.[0-9]+(?:[eE][-+][0-9]{1,3})?")
_RESOLVERS: dict[str, list[tuple[str, re.Pattern[str]]]] = yaml.SafeLoader.yaml_implicit_resolvers


@dataclass(frozen=True, slots=True)
class Odd:
    """A scalar that YAML would take for something other than text. `text` may be a secret."""

    text: str = field(repr=False)

    @property
    def empty(self) -> bool:
        """Whether it is YAML's null."""
        return self.text in ("", "~", "null", "Null", "NULL")


def plain(text: str) -> str | int | float | bool | Odd:
    """The value of an unquoted scalar."""
    match _kind(text):
        case "str" | "value" | "merge":
            return text
        case "bool" if text in ("true", "false"):
            return text == "true"
        case "int" if _WHOLE.fullmatch(text):
            return int(text)
        case "float" if _DECIMAL.fullmatch(text) and math.isfinite(number := float(text)):
            return number
    return Odd(text)


def _kind(text: str) -> str:
    """What YAML 1.1 takes `text` for."""
    for tag, pattern in _RESOLVERS.get(text[:1], ()):
        if pattern.match(text):
            return tag.removeprefix("tag:yaml.org,2002:")
    return "str"
