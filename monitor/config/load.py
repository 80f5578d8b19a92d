"""Reading the configuration: all of it, or an error with all that is wrong."""

import os
from collections.abc import Mapping, Sequence
from pathlib import Path

from monitor.config import capacity, secret, url
from monitor.config.account import Resolved, Surroundings, resolve
from monitor.config.config import Config
from monitor.config.document import Document
from monitor.config.fault import ConfigError, Fault
from monitor.config.parser import parse
from monitor.config.roster import layer
from monitor.config.schema import ToldFile, ToldThresholds
from monitor.config.target import DEFAULTS, UNKNOWN
from monitor.config.validation import validate


def load(path: Path, env: Mapping[str, str] = os.environ) -> Config:
    """The configuration in the file `path`, with the secrets and CSV files that it names.

    Raises ConfigError with every fault found; nothing else, whatever the bytes.
    """
    document = _read(path)
    if not document.complete:
        raise ConfigError(document.faults)
    file, broken = validate(ToldFile, document, (), document.data)
    if file is None:
        raise ConfigError(document.faults)
    if secret.is_public(path):
        document.warnings.append(
            Fault(document.file, 1, 1, "everyone on this machine can read it; chmod o-r")
        )

    thresholds = layer(document, ("thresholds",), DEFAULTS, file.thresholds)
    if "thresholds" in broken:
        thresholds = UNKNOWN
    around = Surroundings(file, thresholds, path.parent, env)
    found = [resolve(document, ("accounts", index), data, around) for index, data in enumerate(file.accounts)]
    accounts = [resolved for resolved in found if resolved is not None]
    if not found and "accounts" not in broken:
        document.fault(("accounts",), "accounts: name at least one account")
    _check_names(document, accounts)
    _check_credentials(document, accounts)
    if document.faults:
        raise ConfigError(document.faults)

    capacity.judge(document, file, accounts)
    state_file = path.parent / url.database_file(file.state.url)
    told = {
        "state": file.state.model_copy(update={"url": url.database_url(str(state_file.absolute()))}),
        "thresholds": ToldThresholds.of(thresholds),
        "alertmanagers": _without_doubles(file.alertmanagers),
        "accounts": tuple(resolved.told for resolved in accounts),
    }
    file = file.model_copy(update=told)
    return Config(
        path=path,
        web=file.web,
        state=file.state,
        timezone=file.timezone,
        poll=file.poll,
        alertmanagers=file.alertmanagers,
        accounts=tuple(resolved.account for resolved in accounts if resolved.account is not None),
        targets=tuple(target for resolved in accounts for target in resolved.targets),
        warnings=tuple(sorted(document.warnings)),
        told=file,
    )


def _read(path: Path) -> Document:
    try:
        raw = path.read_bytes()
    except (OSError, ValueError) as error:
        return Document(str(path), faults=[Fault(str(path), 1, 1, f"cannot be read: {secret.why(error)}")])
    return parse(str(path), raw)


def _without_doubles(addresses: Sequence[str]) -> tuple[str, ...]:
    """Of two spellings of one address, the first."""
    first: dict[str, str] = {}
    for address in addresses:
        first.setdefault(url.place(address), address)
    return tuple(first.values())


def _check_names(document: Document, accounts: Sequence[Resolved]) -> None:
    """Names are labels: two accounts of one name would be one."""
    lines: dict[str, int] = {}
    for resolved in accounts:
        place = (*resolved.path, "name")
        line = document.place(place)[0]
        if (first := lines.setdefault(resolved.told.name, line)) != line:
            document.fault(place, f"name: the account on line {first} has the same name")


def _check_credentials(document: Document, accounts: Sequence[Resolved]) -> None:
    """Of two passwords for one login, one is wrong, and a wrong one may lock the account at the PAC."""
    first: dict[tuple[str, str], tuple[str, int]] = {}
    for resolved in accounts:
        if resolved.account is None:
            continue
        place = (*resolved.path, "password")
        origin, username, password = resolved.account.credential
        known, line = first.setdefault((origin, username), (password, document.place(place)[0]))
        if known != password:
            document.fault(
                place, f"password: the same host and username have another password on line {line}"
            )
