"""Plain data into models, and pydantic's errors into faults.

pydantic's own messages quote their input, which may be a password; only the place and the kind of
its errors are used, and the words are ours.
"""

import re
from collections.abc import Mapping
from difflib import get_close_matches
from types import MappingProxyType
from typing import Any, TypeVar, get_args

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from monitor.config.document import Document, KeyPath
from monitor.config.fault import Fault

M = TypeVar("M", bound=BaseModel)

NOTHING: Mapping[str, object] = MappingProxyType({})

_WORDS = {
    "model_type": "must be a mapping",
    "tuple_type": "must be a list",
    "bool_type": "must be true or false",
}
_KEY = re.compile(r"[a-z][a-z_]{0,30}")


def validate(
    model: type[M], document: Document, path: KeyPath, data: object, stand_in: Mapping[str, object] = NOTHING
) -> tuple[M | None, frozenset[str]]:
    """The model of `data`, which stands at `path`, and the keys that are missing or in fault.

    Faults go to the document. What is in fault is left at `stand_in` or its default, so that the
    rest can still be checked; without either, the model is None.
    """
    try:
        return model.model_validate(data), frozenset()
    except ValidationError as error:
        details = error.errors(include_url=False, include_input=False)
    for detail in details:
        fault = _fault(model, detail, document, path)
        if (fault.line, fault.column) not in document.refused:
            document.faults.append(fault)
    if not isinstance(data, dict):
        return None, frozenset()
    broken = frozenset(str(detail["loc"][0]) for detail in details if detail["loc"])
    try:
        return model.model_validate({**stand_in, **{k: data[k] for k in data.keys() - broken}}), broken
    except ValidationError:
        return None, broken


def _fault(model: type[BaseModel], detail: ErrorDetails, document: Document, path: KeyPath) -> Fault:
    loc = (*path, *detail["loc"])
    key = next((part for part in reversed(loc) if isinstance(part, str)), "")
    place = document.place(loc)
    match detail["type"]:
        case "missing":
            words = f"missing key '{key}'"
        case "extra_forbidden":
            place = document.keys.get(loc, place)
            words = _unknown(key, _fields(model, detail["loc"][:-1]), document, loc)
        case "value_error":
            words = f"{key}: {detail['ctx']['error']}"
        case "model_type" | "tuple_type" if document.is_empty(loc):
            words = f"{key}: is empty; fill it in or remove it" if key else "the file is empty"
        case kind:
            words = _WORDS.get(kind, "has a wrong value")
            words = f"{key}: {words}" if key else f"the file {words}"
    return Fault(document.file, *place, words)


def _unknown(key: str, fields: list[str], document: Document, loc: KeyPath) -> str:
    """The words for an unknown key. Only what looks like a key is named: a comma in an unquoted
    password makes a key of its end, `{ password: hun,ter2 }`.
    """
    known = f"known here are {', '.join(fields)}"
    if not _KEY.fullmatch(key) or document.is_empty(loc):
        return f"unknown key; {known}"
    close = get_close_matches(key, fields, 1)
    return f"unknown key '{key}'; " + (f"did you mean '{close[0]}'?" if close else known)


def _fields(model: type[BaseModel], loc: tuple[str | int, ...]) -> list[str]:
    """The keys of the model at `loc` inside `model`."""
    for part in loc:
        if (field := model.model_fields.get(str(part))) is not None:
            kinds: tuple[Any, ...] = (field.annotation, *get_args(field.annotation))
            model = next((k for k in kinds if isinstance(k, type) and issubclass(k, BaseModel)), model)
    return list(model.model_fields)
