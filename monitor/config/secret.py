"""Where a password comes from: the environment, a file or, with a warning, the configuration itself."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from stat import S_IROTH
from typing import Literal

from monitor.config.value import one_line, text, unquoted, xml_text

_LINE_BREAK = re.compile(r"(?:\r\n|\r|\n)\Z")
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,63}")
_CREDENTIALS = ("$CREDENTIALS_DIRECTORY", "${CREDENTIALS_DIRECTORY}")
_SHAPE = "must be { env: NAME } or { file: path }"


@dataclass(frozen=True, slots=True)
class Source:
    """Where to find a password; for `literal`, `value` is the password as written."""

    kind: Literal["env", "file", "literal"]
    value: str = field(repr=False)


def source(value: object) -> Source:
    """Raises ValueError. Its words name no key: in `password: {hunter2}` the key is the secret."""
    match value:
        case {"env": name, **rest} if not rest:
            if not _VARIABLE.fullmatch(found := text(name)):
                raise ValueError("env must be the name of an environment variable")
            return Source("env", found)
        case {"file": path, **rest} if not rest:
            return Source("file", text(path))
        case dict() | list():
            raise ValueError(_SHAPE)
    return Source("literal", unquoted(value))


def reveal(secret: Source, directory: Path, env: Mapping[str, str]) -> str:
    """The password, less one line break at its end, which editors, `echo` and blocks of YAML add.

    Files are relative to `directory`. Raises ValueError, saying what is missing or wrong.
    """
    match secret.kind:
        case "env":
            found = env.get(secret.value, "")
            empty = f"the environment variable {secret.value} is missing or empty"
        case "file":
            found = _content(secret.value, location(secret, directory, env))
            empty = "the secret file is empty"
        case "literal":
            found = secret.value
            empty = "must not be empty"
    if not (found := _LINE_BREAK.sub("", found)):
        raise ValueError(empty)
    return one_line(xml_text(found))


def location(secret: Source, directory: Path, env: Mapping[str, str]) -> Path:
    """Where the file of a secret is. systemd tells services where their credentials are."""
    value = secret.value
    for written in _CREDENTIALS:
        if value.startswith(f"{written}/") and (folder := env.get("CREDENTIALS_DIRECTORY")):
            value = folder + value.removeprefix(written)
    return directory / value


def _content(written: str, path: Path) -> str:
    # A password in the wrong place has no slash, or is no path.
    named = f"the secret file {path}" if "/" in written and path.parent.is_dir() else "the secret file"
    try:
        return path.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError:
        problem = f"{named} is not UTF-8"
    except (OSError, ValueError) as error:
        problem = f"{named} cannot be read: {why(error)}"
    raise ValueError(problem)


def why(error: Exception) -> str:
    """The system's reason, without the path, which may be a password in the wrong place."""
    return error.strerror or "error" if isinstance(error, OSError) else "not a valid path"


def is_public(path: Path) -> bool:
    """Whether anyone on this machine may read `path`."""
    try:
        return bool(path.stat().st_mode & S_IROTH)
    except (OSError, ValueError):
        return False
