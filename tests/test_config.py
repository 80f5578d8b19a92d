"""The configuration: what is accepted, what is refused and in which words."""

import json
import os
import shutil
import stat
import tempfile
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
import trustme
import yaml
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from pydantic import BaseModel

from monitor.config import Config, ConfigError, Fault, Limits, Target, load, schema
from monitor.config.table import COLUMNS
from monitor.model import IMPLEMENTATION

BAD = Path(__file__).parent / "bad_configs"
EXAMPLE = Path(__file__).parent.parent / "config.example.yaml"
ENV = {"PASSWORD": "s3cret", "TIMBRES_TEST_EMPTY": "", "TIMBRES_TEST_NOT_XML": "hunter2\udcff"}

#: Every password in the bad configurations holds it, and nothing else does.
SECRET = "hunter"

ACCOUNT = "{ name: norte, username: u, password: { env: PASSWORD }, rfcs: [EKU9003173C9] }"


def written(folder: Path, text: str | bytes, name: str = "config.yaml") -> Path:
    """A file that only its owner reads."""
    path = folder / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    path.chmod(0o600)
    return path


def loaded(folder: Path, text: str) -> Config:
    return load(written(folder, text), ENV)


def faults(folder: Path, text: str | bytes) -> list[str]:
    """What is wrong with a configuration, without the name of its file."""
    path = written(folder, text)
    with pytest.raises(ConfigError) as caught:
        load(path, ENV)
    return [str(fault).removeprefix(f"{path}:") for fault in caught.value.faults]


def account(folder: Path, options: str = "", rfcs: str = "[EKU9003173C9]", top: str = "") -> Config:
    """A configuration of one account with more options."""
    return loaded(
        folder,
        f"{top}\naccounts:\n  - name: norte\n    username: u\n    password: {{ env: PASSWORD }}\n"
        f"    rfcs: {rfcs}\n    {options}\n",
    )


def by_rfc(config: Config) -> dict[str, Target]:
    return {target.rfc: target for target in config.targets}


# Bad configurations: files, each with the messages expected beside it.


@pytest.mark.parametrize("path", sorted(BAD.glob("*.yaml")), ids=lambda path: path.stem)
def test_a_bad_configuration_is_told_everything_that_is_wrong(path: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        load(path, ENV)
    told = [str(fault).replace(f"{BAD}/", "") for fault in caught.value.faults]
    assert told == path.with_suffix(".expected").read_text().splitlines()


def test_a_dozen_faults_are_reported_at_once() -> None:
    with pytest.raises(ConfigError) as caught:
        load(BAD / "a_dozen_faults.yaml", ENV)
    assert len(caught.value.faults) == 12
    assert len({fault.message for fault in caught.value.faults}) == 12


@pytest.mark.parametrize("path", sorted(BAD.glob("*.yaml")), ids=lambda path: path.stem)
def test_no_message_holds_a_secret(path: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        load(path, ENV)
    error = caught.value
    assert SECRET not in str(error)
    assert SECRET not in repr(error)
    assert error.__cause__ is None
    assert error.__context__ is None  # pydantic's error, which quotes its input, is not behind it


@pytest.mark.parametrize("path", sorted(BAD.glob("*.expected")), ids=lambda path: path.stem)
def test_every_list_of_messages_has_its_configuration(path: Path) -> None:
    assert path.with_suffix(".yaml").exists()


def test_a_fault_reads_like_a_compilers(tmp_path: Path) -> None:
    assert str(Fault("config.yaml", 3, 7, "must be right")) == "config.yaml:3:7: must be right"
    assert faults(tmp_path, "poll: { interval: 1x }\naccounts: []") == [
        "1:19: interval: must be a duration: a whole number and s, m, h or d, such as 15m",
        "2:11: accounts: name at least one account",
    ]


def test_the_example_is_valid_and_complete(tmp_path: Path) -> None:
    path = Path(shutil.copy(EXAMPLE, tmp_path))
    path.chmod(0o600)
    (tmp_path / "secrets").mkdir()
    written(tmp_path / "secrets", "s3cret\n", "sur")
    config = load(path, {"NORTE_PASSWORD": "pa ss"})
    assert config.warnings == ()
    assert [each.password.get_secret_value() for each in config.accounts] == ["pa ss", "s3cret"]
    assert [target.key for target in config.targets] == [
        ("norte", "EKU9003173C9"),
        ("norte", "H&E951128469"),
        ("sur", IMPLEMENTATION),
    ]
    models = [
        kind for kind in vars(schema).values() if isinstance(kind, type) and issubclass(kind, BaseModel)
    ]
    words = EXAMPLE.read_text()
    for key in {*COLUMNS, *(key for model in models for key in model.model_fields)}:
        assert f"{key}:" in words or key in COLUMNS


def test_the_example_shows_the_defaults(tmp_path: Path) -> None:
    example = yaml.safe_load(EXAMPLE.read_text())
    del example["accounts"]
    told = account(tmp_path, top=yaml.safe_dump(example))
    plain = account(tmp_path)
    assert (told.web, told.state, told.poll, told.timezone) == (
        plain.web,
        plain.state,
        plain.poll,
        plain.timezone,
    )
    assert told.targets == plain.targets


# Any bytes at all.


def outcome(path: Path) -> tuple[Fault, ...]:
    """The faults or else the warnings; any other exception fails the test."""
    try:
        return load(path, ENV).warnings
    except ConfigError as error:
        return error.faults


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("any")


fragments = st.lists(
    st.sampled_from(
        [
            *(
                "accounts:",
                "\n",
                "\n  ",
                "\n    ",
                "- ",
                ": ",
                "{",
                "}",
                "[",
                "]",
                ", ",
                "&a ",
                "*a",
                "!!int ",
                "'",
                '"',
                "|",
            ),
            *(
                "name",
                "rfcs",
                "rfcs_file",
                "password",
                "thresholds",
                "warning",
                "implementation",
                "env",
                "file",
                "web",
            ),
            *(
                "0123",
                "yes",
                "null",
                "1e999",
                ".nan",
                "9" * 5000,
                "2027-02-30",
                "EKU9003173C9",
                "\x00",
                "\ufeff",
                "<<",
            ),
            *(
                "timezone: America",
                "listen: '[::1]:99999'",
                "endpoint: http://[",
                "ca_file: .",
                "?",
                "---\n",
                "config.csv",
            ),
        ]
    ),
    max_size=40,
).map(lambda parts: "".join(parts).encode())


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(raw=st.binary() | st.text().map(str.encode) | fragments)
@example(b"\xff\xfea\x00")
@example(b"[" * 100_000)
@example(b"- " * 100_000)
@example(b"a: " + b"9" * 5000)
@example(b"poll: { interval: " + b"9" * 5000 + b"s }")
@example(b"thresholds: { warning: { available: " + b"9" * 5000 + b", ratio: .nan, days_left: .inf } }")
@example(b"a: \x00")
@example(b"? ? ? a")
def test_any_bytes_are_a_configuration_or_a_config_error(folder: Path, raw: bytes) -> None:
    path = written(folder, raw)
    written(folder, raw, "config.csv")
    for text in (raw, b"accounts: [{ name: a, username: u, password: p, rfcs_file: config.csv }]"):
        written(folder, text)
        found = outcome(path)
        assert list(found) == sorted(found)
        assert all(fault.line > 0 and fault.column > 0 for fault in found)


options = st.sampled_from(
    [
        key
        for model in (schema.ToldFile, schema.ToldAccount, schema.ToldRfc, schema.Web, schema.Poll)
        for key in model.model_fields
    ]
)
values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8) | st.dates(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(options, inner, max_size=3),
    max_leaves=12,
)


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(top=st.dictionaries(options, values, max_size=4), extra=st.dictionaries(options, values, max_size=4))
def test_any_values_are_a_configuration_or_a_config_error(
    folder: Path, top: dict[str, object], extra: dict[str, object]
) -> None:
    sound = {"name": "norte", "username": "u", "password": "p", "rfcs": ["EKU9003173C9"]}
    path = written(folder, yaml.dump(top | {"accounts": [sound | extra]}, allow_unicode=True))
    assert all(fault.message for fault in outcome(path))


def test_what_cannot_be_read_is_a_config_error(tmp_path: Path) -> None:
    for path, words in (
        (tmp_path / "nowhere.yaml", "No such file or directory"),
        (tmp_path, "Is a directory"),
        (Path("nul\0"), "not a valid path"),
        (tmp_path / ("x" * 300), "File name too long"),
    ):
        with pytest.raises(ConfigError) as caught:
            load(path, ENV)
        assert [str(fault) for fault in caught.value.faults] == [f"{path}:1:1: cannot be read: {words}"]


@pytest.fixture
def nobody() -> Iterator[None]:
    """Whoever runs the tests, root too, is somebody whom permissions count for."""
    before = os.geteuid()
    if before == 0:
        os.seteuid(65534)
    yield
    os.seteuid(before)


@pytest.mark.usefixtures("nobody")
def test_a_file_that_may_not_be_read_is_a_config_error() -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = written(Path(folder), "accounts: []")
        path.chmod(0)
        refused(path)


def refused(path: Path) -> None:
    with pytest.raises(ConfigError, match="Permission denied"):
        load(path, ENV)


# What is read.


def test_defaults_are_those_of_the_manual(tmp_path: Path) -> None:
    config = loaded(tmp_path, f"accounts: [{ACCOUNT}]")
    assert (config.web.listen, config.web.host, config.web.port) == ("127.0.0.1:8630", "127.0.0.1", 8630)
    assert (config.web.lifecycle, config.web.hosts) == (False, ())
    assert config.state.url == f"sqlite:///{tmp_path}/timbres.db"
    assert config.state.retention == 400 * 86400
    assert config.timezone == ZoneInfo("America/Mexico_City")
    assert (config.poll.interval, config.poll.timeout, config.poll.max_in_flight) == (900, 30, 16)
    assert config.poll.expire_after == 86400
    assert config.alertmanagers == ()
    (norte,) = config.accounts
    assert norte.endpoint == "https://solucionfactible.com/ws/services/Utilerias"
    assert norte.credential == ("solucionfactible.com:443", "u", "s3cret")
    assert norte.namespace == "http://utilerias.timbrado.ws.cfdi.solucionfactible.com"
    assert (norte.max_in_flight, norte.soap_action) == (1, "urn:getTimbres")
    assert (norte.ca_file, norte.proxy) == (None, None)
    (target,) = config.targets
    assert (target.account, target.rfc, target.alias) == ("norte", "EKU9003173C9", "")
    assert (target.interval, target.expires_at) == (900, None)
    assert target.thresholds.warning == Limits(50, None, 10)
    assert target.thresholds.critical == Limits(10, None, 3)
    assert config.warnings == ()


def test_everything_told_is_frozen(tmp_path: Path) -> None:
    config = loaded(tmp_path, f"accounts: [{ACCOUNT}]")
    for thing, name in (
        (config, "web"),
        (config.web, "listen"),
        (config.accounts[0], "name"),
        (config.targets[0], "rfc"),
    ):
        with pytest.raises(Exception, match=r"frozen|cannot assign"):
            setattr(thing, name, None)


@pytest.mark.parametrize(
    ("written_as", "normal"),
    [
        ("https://PAC.example:443/ws", "https://pac.example/ws"),
        ("HTTPS://pac.example", "https://pac.example/"),
        ("https://pac.example:8443/WS/", "https://pac.example:8443/WS/"),
        ("http://127.0.0.1:80/ws", "http://127.0.0.1/ws"),
        ("http://127.9.9.9:8080/ws", "http://127.9.9.9:8080/ws"),
        ("http://LOCALHOST:8080/ws", "http://localhost:8080/ws"),
        ("http://[0:0:0::1]:8080/ws", "http://[::1]:8080/ws"),
    ],
)
def test_two_spellings_of_an_endpoint_are_one(tmp_path: Path, written_as: str, normal: str) -> None:
    assert account(tmp_path, f"endpoint: '{written_as}'").accounts[0].endpoint == normal


@pytest.mark.parametrize(
    "endpoint",
    [
        "http://pac.example/ws",
        "http://127.0.0.1.example/ws",
        "http://localhost.example/ws",
        "http://10.0.0.1/ws",
        "http://0.0.0.0/ws",
        "http://[::2]/ws",
        "http://2130706433/ws",
        "ftp://localhost/ws",
        "//localhost/ws",
        "https:///ws",
        "https://pac.example:0/ws",
        "https://pac.example:x/ws",
        "https://@pac.example/ws",
        "https://evil.example\\\\@localhost/ws",
        "https://pac.example /ws",
        "https://pac.example/w\\ts",
        "https://pác.example/ws",
        "https://[pac.example]/ws",
        "https://pac.example/ws#x",
    ],
)
def test_an_endpoint_that_is_not_safe_is_refused(tmp_path: Path, endpoint: str) -> None:
    with pytest.raises(ConfigError) as caught:
        account(tmp_path, f'endpoint: "{endpoint}"')
    (fault,) = caught.value.faults
    assert fault.line == 7
    assert fault.message.startswith("endpoint: must ")


def test_a_loopback_endpoint_may_be_asked_often(tmp_path: Path) -> None:
    config = account(tmp_path, "endpoint: http://localhost:8080/ws\n    interval: 1s")
    assert config.targets[0].interval == 1


def test_an_alertmanager_in_two_spellings_is_told_once(tmp_path: Path) -> None:
    addresses = [
        "http://localhost:9093",
        "http://[::1]:9093/",
        "https://A.example/am",
        "https://a.example:443//am/",
        "https://a.example/other",
        "http://127.0.0.1:9093",
    ]
    assert account(tmp_path, top=f"alertmanagers: {json.dumps(addresses)}").alertmanagers == (
        "http://localhost:9093",
        "https://a.example/am",
        "https://a.example/other",
    )


def test_a_namespace_may_be_none(tmp_path: Path) -> None:
    config = account(tmp_path, 'namespace: ""')
    assert config.accounts[0].namespace == ""
    assert "namespace: ''" in config.masked()


@pytest.mark.parametrize(("environment", "host"), [("production", ""), ("testing", "testing.")])
def test_an_environment_stands_for_its_endpoint(tmp_path: Path, environment: str, host: str) -> None:
    config = account(tmp_path, f"environment: {environment}")
    assert config.accounts[0].endpoint == f"https://{host}solucionfactible.com/ws/services/Utilerias"


@pytest.mark.parametrize("name", [".", ".."])
def test_a_name_that_an_address_takes_for_another_page_is_refused(tmp_path: Path, name: str) -> None:
    (fault,) = faults(tmp_path, f"accounts: [{ACCOUNT.replace('norte', repr(name), 1)}]")
    assert "name: must be a name" in fault


@pytest.mark.parametrize(
    ("listen", "host", "port"),
    [
        ("0.0.0.0:80", "0.0.0.0", 80),
        ("[::1]:0", "::1", 0),
        ("localhost:8630", "localhost", 8630),
        ("[::]:8630", "::", 8630),
        (":8630", "::", 8630),
    ],
)
def test_listen_is_host_and_port(tmp_path: Path, listen: str, host: str, port: int) -> None:
    web = account(tmp_path, top=f"web: {{ listen: '{listen}', hosts: [Timbres.Example] }}").web
    assert (web.listen, web.host, web.port, web.hosts) == (listen, host, port, ("timbres.example",))


@pytest.mark.parametrize(
    "listen", ["[::1:80", "::1:80", "[localhost]:80", "a:65536", "a:", ":", "[]:80", "a b:80", "a:80x"]
)
def test_listen_without_host_or_port_is_refused(tmp_path: Path, listen: str) -> None:
    (fault,) = faults(tmp_path, f"web: {{ listen: '{listen}' }}\naccounts: [{ACCOUNT}]")
    assert fault.startswith("1:16: listen: must be host:port")


@pytest.mark.parametrize(
    ("text", "seconds"), [("1s", 1), ("90s", 90), ("2m", 120), ("3h", 10800), ("007d", 604800)]
)
def test_durations_are_read_as_seconds(tmp_path: Path, text: str, seconds: float) -> None:
    assert account(tmp_path, top=f"poll: {{ timeout: {text} }}").poll.timeout == seconds


@pytest.mark.parametrize(
    "text",
    [
        "0s",
        "00m",
        "1",
        "1.5h",
        "-1s",
        "1 m",
        "1M",
        "1w",
        "'1s\n'",
        "''",
        "1h30m",
        "٣s",
        "36501d",
        "1:30",
        "[]",
        "~",
    ],
)
def test_other_durations_are_refused(tmp_path: Path, text: str) -> None:
    (fault,) = faults(tmp_path, f"poll: {{ timeout: {text} }}\naccounts: [{ACCOUNT}]")
    assert "timeout: must be a duration" in fault


def test_relative_paths_start_at_the_configuration(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    inner = tmp_path / "etc"
    inner.mkdir()
    written(inner, "p", "secret")
    written(inner, "rfc\nEKU9003173C9\n", "norte.csv")
    written(inner, "accounts: [{ name: a, username: u, password: { file: secret }, rfcs_file: norte.csv }]")
    monkeypatch.chdir(tmp_path)
    config = load(Path("etc/config.yaml"), ENV)
    assert config.state.url == f"sqlite:///{inner}/timbres.db"
    assert config.accounts[0].password.get_secret_value() == "p"
    assert len(config.targets) == 1
    written(inner, "rfc\nX\n", "norte.csv")
    with pytest.raises(ConfigError, match=r"^etc/norte\.csv:2:1: rfc: an RFC has 12 characters"):
        load(Path("etc/config.yaml"), ENV)


def test_an_absolute_database_stays_where_it_is(tmp_path: Path) -> None:
    assert (
        account(tmp_path, top="state: { url: sqlite:////var/lib/t.db }").state.url
        == "sqlite:////var/lib/t.db"
    )


def test_expires_on_is_the_end_of_that_day_in_the_time_zone(tmp_path: Path) -> None:
    rfcs = (
        "[{ rfc: EKU9003173C9, expires_on: 2027-01-31 }, { rfc: 'H&E951128469', expires_on: '2027-12-31' }]"
    )
    for zone in ("America/Mexico_City", "Pacific/Kiritimati"):
        targets = by_rfc(account(tmp_path, rfcs=rfcs, top=f"timezone: {zone}"))
        start = datetime(2027, 2, 1, tzinfo=ZoneInfo(zone)).timestamp()
        assert targets["EKU9003173C9"].expires_at == start
        assert targets["H&E951128469"].expires_at == datetime(2028, 1, 1, tzinfo=ZoneInfo(zone)).timestamp()


@pytest.mark.parametrize("day", ["0001-01-01", "9999-12-31"])
@pytest.mark.parametrize("zone", ["America/Mexico_City", "Pacific/Kiritimati"])
def test_the_first_and_last_day_of_the_calendar_are_days(tmp_path: Path, day: str, zone: str) -> None:
    config = account(tmp_path, rfcs=f"[{{ rfc: EKU9003173C9, expires_on: {day} }}]", top=f"timezone: {zone}")
    assert isinstance(config.targets[0].expires_at, float)


@pytest.mark.parametrize(
    ("told", "targets"),
    [("false", 1), ("true", 2), ("{}", 2), ("{ interval: 1h, expires_on: 2027-01-31 }", 2)],
)
def test_the_pool_is_one_more_target(tmp_path: Path, told: str, targets: int) -> None:
    config = account(tmp_path, f"implementation: {told}")
    assert len(config.targets) == targets
    if "interval" in told:
        pool = by_rfc(config)[IMPLEMENTATION]
        assert pool.interval == 3600
        assert pool.expires_at is not None


# Thresholds and precedence.


def test_the_rfc_goes_before_the_account_and_that_before_the_top(tmp_path: Path) -> None:
    config = loaded(
        tmp_path,
        """
poll: { interval: 10m }
thresholds: { warning: { available: 100, ratio: 0.5 } }
accounts:
  - { name: top, username: u, password: { env: PASSWORD }, rfcs: [EKU9003173C9] }
  - name: account
    username: u
    password: { env: PASSWORD }
    interval: 20m
    thresholds: { warning: { available: 200 }, critical: { days_left: 1.5 } }
    implementation: true
    rfcs:
      - EKU9003173C9
      - rfc: "H&E951128469"
        interval: 30m
        thresholds: { warning: { available: 300 }, critical: { ratio: 0.25 } }
""",
    )
    seen = {
        target.key: (target.interval, target.thresholds.warning, target.thresholds.critical)
        for target in config.targets
    }
    assert seen == {
        ("top", "EKU9003173C9"): (600, Limits(100, 0.5, 10), Limits(10, None, 3)),
        ("account", "EKU9003173C9"): (1200, Limits(200, 0.5, 10), Limits(10, None, 1.5)),
        ("account", "H&E951128469"): (1800, Limits(300, 0.5, 10), Limits(10, 0.25, 1.5)),
        ("account", IMPLEMENTATION): (1200, Limits(200, 0.5, 10), Limits(10, None, 1.5)),
    }


@pytest.mark.parametrize("null", ["null", "~", ""])
def test_null_switches_a_condition_off_and_a_number_on_again(tmp_path: Path, null: str) -> None:
    rfcs = "[EKU9003173C9, { rfc: 'H&E951128469', thresholds: { warning: { days_left: 20 } } }]"
    config = account(tmp_path, f"thresholds: {{ warning: {{ days_left: {null} }} }}", rfcs)
    assert by_rfc(config)["EKU9003173C9"].thresholds.warning == Limits(50, None, None)
    assert by_rfc(config)["H&E951128469"].thresholds.warning == Limits(50, None, 20)


@pytest.mark.parametrize("limits", ["available: 10", "ratio: 1", "days_left: 0.5", "available: 0"])
def test_thresholds_on_the_edge_are_accepted(tmp_path: Path, limits: str) -> None:
    both = f"thresholds: {{ warning: {{ {limits} }}, critical: {{ {limits} }} }}"
    assert account(tmp_path, both).targets[0].thresholds.warning != Limits(50, None, 10)


def test_equal_thresholds_are_one_object(tmp_path: Path) -> None:
    rfcs = "[EKU9003173C9, { rfc: 'H&E951128469', thresholds: { warning: { available: 50 } } }]"
    first, second = account(tmp_path, rfcs=rfcs).targets
    assert first.thresholds is second.thresholds


def test_a_contradiction_is_reported_once_where_it_arises(tmp_path: Path) -> None:
    rows = "\n".join(f"ABC{day:06}AB1" for day in range(10101, 10129))
    written(tmp_path, f"rfc\n{rows}\n", "many.csv")
    top = "thresholds: { warning: { available: 5 } }\n"
    assert faults(
        tmp_path, f"{top}accounts: [{{ name: a, username: u, password: p, rfcs_file: many.csv }}]"
    ) == ["1:37: available: critical must not exceed warning, after merging"]


# Secrets.


SOURCES = ["env", "file", "literal"]


def with_password(folder: Path, source: str, password: str) -> Config:
    """A configuration whose password comes from there; the file is written with its bytes as they are."""
    written(folder, password, "secret")
    told = {"env": {"env": "PASSWORD"}, "file": {"file": "secret"}, "literal": password}[source]
    only = {"name": "a", "username": "u", "password": told, "implementation": True}
    return load(written(folder, json.dumps({"accounts": [only]})), {"PASSWORD": password})  # JSON is YAML


@pytest.mark.parametrize("source", SOURCES)
@pytest.mark.parametrize("end", ["", "\n", "\r\n", "\r"])
def test_a_password_may_end_with_one_line_break(tmp_path: Path, source: str, end: str) -> None:
    config = with_password(tmp_path, source, f"pa ss{end}")
    assert config.accounts[0].password.get_secret_value() == "pa ss"
    assert [warning.message for warning in config.warnings] == [
        "password: written in the file; better { env: NAME } or { file: path }"
    ] * (source == "literal")


@pytest.mark.parametrize("style", ["|", ">", "|+", "|2"])
def test_a_password_in_a_block_of_yaml_ends_before_the_line_break(tmp_path: Path, style: str) -> None:
    config = account(tmp_path)
    text = config.path.read_text().replace("{ env: PASSWORD }", f"{style}\n      s3cret")
    (only,) = loaded(tmp_path, text).accounts
    assert only.password.get_secret_value() == "s3cret"


def test_a_secret_file_may_begin_with_a_bom(tmp_path: Path) -> None:
    (only,) = with_password(tmp_path, "file", "\ufeffpa ss\n").accounts
    assert only.password.get_secret_value() == "pa ss"


@pytest.mark.parametrize("source", SOURCES)
@pytest.mark.parametrize(
    "password",
    [
        *("hunter2\n\n", "hunter2\r\n\n", "\nhunter2", "hun\nter2", "hunter2\t", "hun\tter2", "\rhunter2"),
        *("hunter2\x85", "hunter2\u2028", "hunter2\u2029", "hunter2\x7f", "hunter2\x9f"),
    ],
)
def test_a_password_with_another_control_character_is_a_fault(
    tmp_path: Path, source: str, password: str
) -> None:
    with pytest.raises(ConfigError) as caught:
        with_password(tmp_path, source, password)
    (fault,) = caught.value.faults
    assert fault.message == "password: must not hold control characters or line breaks"


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ("env", "the environment variable PASSWORD is missing or empty"),
        ("file", "the secret file is empty"),
        ("literal", "must not be empty"),
    ],
)
@pytest.mark.parametrize("password", ["", "\n", "\r\n"])
def test_a_password_that_is_only_a_line_break_is_empty(
    tmp_path: Path, source: str, words: str, password: str
) -> None:
    with pytest.raises(ConfigError) as caught:
        with_password(tmp_path, source, password)
    assert [fault.message for fault in caught.value.faults] == [f"password: {words}"]


@pytest.mark.parametrize("source", SOURCES)
@pytest.mark.parametrize("password", [" hunter2", "hunter2 ", "hunter2\u00a0", "\u3000hunter2\n", " "])
def test_a_blank_at_either_end_of_a_password_is_sent_with_a_warning(
    tmp_path: Path, source: str, password: str
) -> None:
    config = with_password(tmp_path, source, password)
    assert config.accounts[0].password.get_secret_value() == password.removesuffix("\n")
    messages = [warning.message for warning in config.warnings]
    assert "password: begins or ends with a blank, which is sent too" in messages
    assert SECRET not in str(messages)


@pytest.mark.parametrize("username", [" u", "u ", "u\u00a0"])
def test_a_blank_at_either_end_of_a_username_is_sent_with_a_warning(tmp_path: Path, username: str) -> None:
    told = ACCOUNT.replace("username: u", f"username: '{username}'")
    config = loaded(tmp_path, f"accounts: [{told}]")
    assert config.accounts[0].username == username
    assert [str(warning).removeprefix(str(config.path)) for warning in config.warnings] == [
        ":1:37: username: begins or ends with a blank, which is sent too"
    ]


@pytest.mark.parametrize(
    "literal", ["'0123'", '"yes"', "s&cret", "pa:ss", "'&x'", "'*x'", "<<", "=", "12:30:x", "contraseña"]
)
def test_a_literal_password_works_with_a_warning(tmp_path: Path, literal: str) -> None:
    config = loaded(
        tmp_path, f"accounts:\n- name: a\n  username: u\n  password: {literal}\n  implementation: true"
    )
    assert config.accounts[0].password.get_secret_value() == literal.strip("'\"")
    (warning,) = config.warnings
    assert (warning.line, warning.column) == (4, 13)
    assert warning.message == "password: written in the file; better { env: NAME } or { file: path }"


@pytest.mark.parametrize(
    "password",
    ["0123", "yes", "No", "on", "1_000", "0x1F", "12:30:00", "1e5", "1.5", ".inf", "2027-01-31", "true"],
)
def test_a_password_that_yaml_would_change_must_be_quoted(tmp_path: Path, password: str) -> None:
    text = f"accounts:\n- name: a\n  username: u\n  password: {password}\n  implementation: true"
    if password == "1e5":  # text in YAML 1.1
        assert loaded(tmp_path, text).accounts[0].password.get_secret_value() == "1e5"
    else:
        assert faults(tmp_path, text) == [
            "4:13: password: quote it; without quotes YAML does not read it as text"
        ]


def test_secrets_are_in_no_representation(tmp_path: Path) -> None:
    config = loaded(
        tmp_path,
        "accounts: [{ name: a, username: u, password: hunter2, implementation: true,"
        " proxy: 'http://user:hunter2@proxy.example:3128/' }]",
    )
    (only,) = config.accounts
    assert only.proxy is not None
    assert only.proxy.get_secret_value() == "http://user:hunter2@proxy.example:3128"
    for shown in (repr(config), str(config), repr(config.told), config.masked(), str(config.warnings)):
        assert "hunter2" not in shown
    assert "proxy: http://<secret>@proxy.example:3128" in config.masked()


@pytest.mark.parametrize(
    "user",
    ["user:pa%20ss@", "us%C3%A9r:%3A%40%2F@", "user@", ":p@", "user:@", "user:p:p@", "user:100%@", ""],
)
def test_a_proxy_may_have_user_and_password(tmp_path: Path, user: str) -> None:
    (only,) = account(tmp_path, f"proxy: 'HTTP://{user}Proxy.example:3128/'").accounts
    assert only.proxy is not None
    assert only.proxy.get_secret_value() == f"http://{user}proxy.example:3128"


@pytest.mark.parametrize(
    ("user", "words"),
    [
        ("hunter%ff:p", "must have user and password percent-encoded as UTF-8"),
        ("u:hunter%c3", "must have user and password percent-encoded as UTF-8"),
        ("u:%ed%a0%80hunter", "must have user and password percent-encoded as UTF-8"),
        ("hunter%3A2:p", "must have a user without a colon (%3A): HTTP takes what follows for the password"),
        ("hunter%0a:p", "must not hold control characters or line breaks"),
        ("u:hunter%00", "must not hold control characters or line breaks"),
        ("u:hunter%E2%80%A8", "must not hold control characters or line breaks"),
        ("u:hunter%C2%85", "must not hold control characters or line breaks"),
    ],
)
def test_a_user_that_a_proxy_cannot_be_told_is_refused(tmp_path: Path, user: str, words: str) -> None:
    with pytest.raises(ConfigError) as caught:
        account(tmp_path, f"proxy: 'http://{user}@proxy:3128'")
    assert [fault.message for fault in caught.value.faults] == [f"proxy: {words}"]
    assert caught.value.__context__ is None


def test_accounts_may_share_a_credential(tmp_path: Path) -> None:
    config = loaded(tmp_path, f"accounts: [{ACCOUNT}, {ACCOUNT.replace('norte', 'sur')}]")
    assert config.accounts[0].credential == config.accounts[1].credential


def test_a_file_that_others_may_read_is_a_warning(tmp_path: Path) -> None:
    secret = written(tmp_path, "p", "secret")
    path = written(
        tmp_path,
        "# secrets\naccounts: [{ name: a, username: u, password: { file: secret }, implementation: true }]",
    )
    for each in (secret, path):
        each.chmod(0o600 | stat.S_IROTH)
    assert [str(warning).removeprefix(str(path)) for warning in load(path, ENV).warnings] == [
        ":1:1: everyone on this machine can read it; chmod o-r",
        ":2:54: password: everyone on this machine can read it; chmod o-r",
    ]


def test_a_file_of_certificates_is_accepted(tmp_path: Path) -> None:
    trustme.CA().cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    assert account(tmp_path, "ca_file: ca.pem").accounts[0].ca_file == tmp_path / "ca.pem"


@pytest.mark.parametrize("written_as", ["$CREDENTIALS_DIRECTORY/norte", "${CREDENTIALS_DIRECTORY}/norte"])
def test_a_secret_file_may_be_one_of_the_credentials_of_systemd(tmp_path: Path, written_as: str) -> None:
    folder = tmp_path / "credentials"
    folder.mkdir()
    written(folder, "s3cret\n", "norte")
    path = written(
        tmp_path,
        f'accounts: [{{ name: a, username: u, password: {{ file: "{written_as}" }}, rfcs: [EKU9003173C9] }}]',
    )
    (found,) = load(path, {"CREDENTIALS_DIRECTORY": str(folder)}).accounts
    assert found.password.get_secret_value() == "s3cret"


def test_a_secret_file_that_is_not_there_is_named_but_not_what_may_be_a_password(tmp_path: Path) -> None:
    (tmp_path / "secrets").mkdir()
    told = "accounts: [{{ name: a, username: u, password: {{ file: {} }}, rfcs: [EKU9003173C9] }}]"
    (missing,) = faults(tmp_path, told.format("secrets/norte"))
    words = f"password: the secret file {tmp_path}/secrets/norte cannot be read: No such file or directory"
    assert missing.endswith(words)
    for odd in ("hunter2", "hun/ter2", "/hun/ter2"):
        (hidden,) = faults(tmp_path, told.format(odd))
        assert "ter2" not in hidden


# The CSV file.


def table(folder: Path, raw: str | bytes, options: str = "") -> Config:
    written(folder, raw, "rfcs.csv")
    return loaded(
        folder,
        "accounts: [{ name: a, username: u, password: { env: PASSWORD }, "
        f"rfcs_file: rfcs.csv, {options} }}]",
    )


@pytest.mark.parametrize("bom", ["", "\ufeff"])
@pytest.mark.parametrize("separator", [",", ";"])
@pytest.mark.parametrize("newline", ["\n", "\r\n"])
def test_a_csv_file_of_excel_is_read(tmp_path: Path, bom: str, separator: str, newline: str) -> None:
    rows = [
        "alias,critical,warning,rfc,expires_on,interval",
        "Peñón S.A.,50,500,eku9003173c9,2027-01-31,1h",
        "",
        ',,,"H&E951128469",,',
        ",,,,,",
        '"una; con, todo",,,URE180429TM6,,',
    ]
    text = newline.join(row if row.startswith('"') else row.replace(",", separator) for row in rows)
    text = text.replace('todo",,,URE180429TM6,,', f'todo"{separator * 3}URE180429TM6{separator * 2}')
    first, second, third = table(tmp_path, bom + text).targets
    assert (first.rfc, first.alias, first.interval) == ("EKU9003173C9", "Peñón S.A.", 3600)
    assert first.expires_at == datetime(2027, 2, 1, tzinfo=ZoneInfo("America/Mexico_City")).timestamp()
    assert (first.thresholds.warning, first.thresholds.critical) == (
        Limits(500, None, 10),
        Limits(50, None, 3),
    )
    assert (second.rfc, second.alias, second.interval, second.expires_at) == ("H&E951128469", "", 900, None)
    assert (second.thresholds.warning, third.alias) == (Limits(50, None, 10), "una; con, todo")


@pytest.mark.parametrize("before", ["", "sep=;\r\n", '"sep=;"\n', "\n;;;;;\n", "\nsep=;\n\n"])
@pytest.mark.parametrize("end", ["", ";", ";;;"])
def test_what_excel_adds_of_its_own_is_nothing(tmp_path: Path, before: str, end: str) -> None:
    rows = [f"RFC;Alias ;EXPIRES_ON;Warning{end}", f"EKU9003173C9;Peñón;31/01/2027;1,500{end}"]
    rows += [f";;;{end}", f"H&E951128469;;1/2/2027;12,345,678{end}"]
    first, second = table(tmp_path, before + "\r\n".join(rows) + "\r\n").targets
    assert (first.rfc, first.alias, first.thresholds.warning) == (
        "EKU9003173C9",
        "Peñón",
        Limits(1500, None, 10),
    )
    zone = ZoneInfo("America/Mexico_City")
    assert first.expires_at == datetime(2027, 2, 1, tzinfo=zone).timestamp()
    assert second.expires_at == datetime(2027, 2, 2, tzinfo=zone).timestamp()
    assert second.thresholds.warning.available == 12_345_678


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("rfc\talias\nEKU9003173C9\tx\n", "1:1: the columns are separated by tabs; in Excel: Save as"),
        ("rfc,\nEKU9003173C9,x\n", "2:14: more fields than the header has columns"),
        ("rfc\nEKU9003173C9,,x\n", "2:15: more fields than the header has columns"),
        ("sep=;\n\nrfc;alas\n", "3:5: unknown column; did you mean 'alias'?"),
        ("rfc,expires_on\nEKU9003173C9,31/13/2027\n", "2:14: expires_on: "),
        ('rfc,warning\nEKU9003173C9,"1,50"\n', "2:14: warning: must be a whole number of stamps"),
        ("RFC,rfc\n", "1:5: duplicate column 'rfc'"),
    ],
)  # fmt: skip
def test_what_is_wrong_in_a_csv_file_is_told_with_its_place(tmp_path: Path, text: str, fault: str) -> None:
    with pytest.raises(ConfigError) as caught:
        table(tmp_path, text)
    first = str(caught.value.faults[0]).removeprefix(f"{tmp_path}/rfcs.csv:")
    assert first.startswith(fault)


def test_one_column_is_enough(tmp_path: Path) -> None:
    assert [target.rfc for target in table(tmp_path, "rfc\nEKU9003173C9").targets] == ["EKU9003173C9"]


def test_rows_inherit_from_the_account(tmp_path: Path) -> None:
    config = table(
        tmp_path,
        "rfc,warning\nEKU9003173C9,\nH&E951128469,70\n",
        "interval: 2h, thresholds: { warning: { available: null, ratio: 0.5 } }",
    )
    assert [(target.interval, target.thresholds.warning) for target in config.targets] == [
        (7200, Limits(None, 0.5, 10)),
        (7200, Limits(70, 0.5, 10)),
    ]


def test_the_place_of_a_field_counts_quoted_line_breaks(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        table(tmp_path, 'alias,rfc,interval\n"a ""b"", c",EKU9003173C9,5m\n"two\nlines",H&E951128469,x\n')
    assert [(fault.line, fault.column, fault.message.split(":")[0]) for fault in caught.value.faults] == [
        (3, 1, "alias"),
        (4, 21, "interval"),
    ]


def test_a_check_digit_that_fails_is_a_warning(tmp_path: Path) -> None:
    config = table(tmp_path, "alias,rfc\n,EKU9003173C8\n", "rfcs: ['H&E951128460']")
    assert len(config.targets) == 2
    assert [str(warning).removeprefix(f"{tmp_path}/") for warning in config.warnings] == [
        "config.yaml:1:93: the check digit of this RFC does not fit; is it mistyped?",
        "rfcs.csv:2:2: the check digit of this RFC does not fit; is it mistyped?",
    ]


def test_a_quote_inside_a_field_moves_no_place(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        table(tmp_path, 'alias,rfc,interval\nEl "Bueno, S.A.,x\n"El ""Bueno"", S.A.",EKU9003173C9,y\n')
    assert [(fault.line, fault.column) for fault in caught.value.faults] == [(2, 11), (2, 17), (3, 35)]


def test_a_csv_file_with_bom_that_is_not_utf8_is_told_the_place(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"rfcs\.csv:2:4: not UTF-8; save as CSV UTF-8$"):
        table(tmp_path, b"\xef\xbb\xbfrfc\nPe\xc3\xb1\xf1")


# What can be served.


def many(count: int) -> str:
    numbers = [f"{number:05}" for number in range(count)]
    return "rfc\n" + "".join(f"A{chr(65 + int(n[:2]))}B0101{int(n[2]) + 1:02}{n[3:]}1\n" for n in numbers)


def test_asking_more_than_the_limits_can_serve_is_a_warning_with_the_arithmetic(tmp_path: Path) -> None:
    warnings = [
        str(warning).removeprefix(f"{tmp_path}/config.yaml")
        for warning in table(tmp_path, many(12_500)).warnings
        if "check digit" not in warning.message
    ]
    assert warnings == [
        ":1:12: account a: 12,500 RFCs × 0.3 s every 15m need 4.2 calls at once, "
        "but max_in_flight is 1: raise it or the interval"
    ]


def test_what_the_limits_can_serve_is_none(tmp_path: Path) -> None:
    messages = [warning.message for warning in table(tmp_path, many(3_000)).warnings]
    assert not [message for message in messages if "calls at once" in message]


def test_accounts_that_share_a_credential_or_an_endpoint_add_up(tmp_path: Path) -> None:
    written(tmp_path, many(2_000), "rfcs.csv")
    config = loaded(
        tmp_path,
        """
poll: { max_in_flight: 1 }
accounts:
  - { name: a, username: u, password: { env: PASSWORD }, max_in_flight: 1, rfcs_file: rfcs.csv }
  - { name: b, endpoint: https://SolucionFactible.com//ws/services/%55tilerias/,
      username: U, password: { env: PASSWORD }, max_in_flight: 9, rfcs_file: rfcs.csv, interval: 10m }
""",
    )
    messages = {f"{w.line}:{w.column} {w.message}" for w in config.warnings if "check digit" not in w.message}
    arithmetic = (
        "4,000 RFCs × 0.3 s every 10m to 15m need 1.7 calls at once, "
        "but max_in_flight is 1: raise it or the interval"
    )
    assert messages == {
        f"2:24 endpoint https://solucionfactible.com/ws/services/Utilerias: {arithmetic}",
        f"4:73 account a: {arithmetic}",
    }


def test_numbers_that_expire_between_polls_are_a_warning(tmp_path: Path) -> None:
    (warning,) = account(tmp_path, "interval: 2h", top="poll: { expire_after: 1h }").warnings
    assert warning.message == "expire_after: 1h is shorter than an interval of 2h: numbers would come and go"
    assert (warning.line, warning.column) == (1, 23)


# What /config shows.


def test_the_masked_configuration_is_effective_and_reads_the_same_again(tmp_path: Path) -> None:
    written(tmp_path, "rfc,interval\nURE180429TM6,2h\n", "rfcs.csv")
    config = account(
        tmp_path,
        "environment: testing\n    rfcs_file: rfcs.csv\n    implementation: { expires_on: 2027-01-31 }\n"
        "    thresholds: { critical: { days_left: null } }",
        "[EKU9003173C9, { rfc: 'h&e951128469', alias: Peñón,"
        " thresholds: { warning: { ratio: null, available: 60 } } }]",
        "web: { listen: '[::1]:1' }\npoll: { interval: 90s }",
    )
    shown = config.masked()
    told = yaml.safe_load(shown)
    assert told["poll"] == {"interval": "90s", "timeout": "30s", "max_in_flight": 16, "expire_after": "1d"}
    (only,) = told["accounts"]
    assert (only["password"], only["interval"], only["rfcs_file"]) == ("<secret>", "90s", "rfcs.csv")
    assert only["endpoint"] == "https://testing.solucionfactible.com/ws/services/Utilerias"
    assert only["rfcs"] == [
        "EKU9003173C9",
        {
            "rfc": "H&E951128469",
            "alias": "Peñón",
            "thresholds": {"warning": {"ratio": None, "available": 60}},
        },
    ]
    assert "URE180429TM6" not in shown
    again = loaded(tmp_path, shown.replace("<secret>", "{ env: PASSWORD }"))
    assert again.masked() == shown
    assert (again.targets, again.accounts, again.web, again.state) == (
        config.targets,
        config.accounts,
        config.web,
        config.state,
    )
