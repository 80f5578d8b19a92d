"""One login and one endpoint, however they are written: what a hold, a limit and a reading belong to."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from pydantic import SecretStr
from yarl import URL

from monitor.config import Account, ConfigError, load, url
from tests import spelling

LOGIN = {"username": "ws@norte.example", "password": "s3cret", "rfcs": ["EKU9003173C9"]}


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("credential") / "config.yaml"


def read(path: Path, *accounts: dict[str, object]) -> tuple[Account, ...]:
    """Accounts that differ from one another in what is given."""
    told = [{"name": f"a{number}"} | LOGIN | account for number, account in enumerate(accounts)]
    path.write_text(json.dumps({"accounts": told}, indent=1))  # which is YAML, too
    return load(path).accounts


def with_endpoints(path: Path, *endpoints: str) -> tuple[Account, ...]:
    return read(path, *({"endpoint": endpoint} for endpoint in endpoints))


# The endpoint.


@settings(deadline=None)
@given(spelling.equivalent_endpoints())
def test_one_endpoint_in_two_spellings_is_one_credential_and_one_place(
    path: Path, endpoints: tuple[str, str]
) -> None:
    one, other = with_endpoints(path, *endpoints)
    assert one.credential == other.credential
    assert one.place == other.place
    assert url.place(str(URL(one.endpoint))) == one.place  # aiohttp's own spelling, which is sent


@settings(deadline=None)
@given(spelling.different_endpoints())
@example((url.PRODUCTION, url.TESTING))
def test_another_host_or_port_is_another_credential_and_place(path: Path, endpoints: tuple[str, str]) -> None:
    one, other = with_endpoints(path, *endpoints)
    assert one.credential != other.credential
    assert one.place != other.place


@settings(deadline=None)
@given(spelling.different_paths())
@example(("https://gateway.example/pac", "https://gateway.example/pac-testing"))
@example(("https://gateway.example/a%2Fb", "https://gateway.example/a/b"))
@example(("https://gateway.example/%252e%252e/b", "https://gateway.example/b"))
@example(("https://gateway.example/%ff", "https://gateway.example/%fe"))
def test_another_path_is_another_place_but_the_same_login(path: Path, endpoints: tuple[str, str]) -> None:
    one, other = with_endpoints(path, *endpoints)
    assert one.place != other.place
    assert one.credential == other.credential


@pytest.mark.parametrize(
    ("endpoint", "origin"),
    [
        (url.PRODUCTION, "solucionfactible.com:443"),
        ("https://PAC.example./ws", "pac.example:443"),
        ("https://pac.example:8443/ws", "pac.example:8443"),
        ("https://xn--pc-8ja.example", "xn--pc-8ja.example:443"),
        ("http://localhost/ws", "localhost:80"),
        ("http://localhost:443/ws", "localhost:443"),
        ("https://127.1/ws", "localhost:443"),
        ("https://0x7F.1./ws", "localhost:443"),
        ("http://[::1%25lo]:80/ws", "localhost:80"),
        ("https://0/ws", "localhost:443"),  # whoever connects to it reaches this machine
        ("https://[::]/ws", "localhost:443"),
        ("https://[::ffff:0:0]/ws", "localhost:443"),
        ("https://127.0.0.2/ws", "127.0.0.2:443"),
        ("https://[::ffff:10.0.0.1]/ws", "10.0.0.1:443"),
        ("https://[2001:DB8:0::1]/ws", "[2001:db8::1]:443"),
        ("https://1.2.3.4.5/ws", "1.2.3.4.5:443"),
        ("https://10.0.0.256/ws", "10.0.0.256:443"),
        ("https://0x.example/ws", "0x.example:443"),
    ],
)
def test_the_origin_is_host_and_port(endpoint: str, origin: str) -> None:
    assert url.origin(endpoint) == origin


@pytest.mark.parametrize(
    ("endpoint", "place"),
    [
        (url.PRODUCTION, "solucionfactible.com:443/ws/services/utilerias"),
        ("https://pac.example", "pac.example:443"),
        ("https://pac.example/../", "pac.example:443"),
        ("https://pac.example/ws/services/%55tilerias/", "pac.example:443/ws/services/utilerias"),
        ("https://pac.example//ws/./x/../y", "pac.example:443/ws/y"),
        (
            "https://pac.example/ws//../y",
            "pac.example:443/ws/y",
        ),  # `..` takes the empty segment, as in RFC 3986
        ("https://pac.example/%c3%91;v=1", "pac.example:443/%C3%B1%3Bv%3D1"),
    ],
)
def test_the_place_is_the_origin_and_the_path(endpoint: str, place: str) -> None:
    assert url.place(endpoint) == place


# What the databases of version 2 know a credential by.


@pytest.mark.parametrize(
    ("written_as", "normal"),
    [
        ("https://PAC.example:0443//WS/./%55tilerias/", "https://pac.example//WS/./%55tilerias/"),
        ("https://127.1/ws", "https://127.1/ws"),
        ("http://[0:0::1]:80", "http://[::1]/"),
        ("https://[::ffff:10.0.0.1]:8443/ws?#", "https://[::ffff:a00:1]:8443/ws"),
    ],
)
def test_an_account_is_still_known_as_it_was_spelled(path: Path, written_as: str, normal: str) -> None:
    (account,) = read(path, {"endpoint": written_as, "username": " Ws@Norte.example"})
    assert account.endpoint == normal
    assert account.spelled == (normal, " Ws@Norte.example", "s3cret")


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("https://pac.example/ws", "https://pac.example/ws/"),
        ("https://pac.example/ws/", "https://pac.example/ws"),
        ("http://127.0.0.1:8631/ws", "http://localhost:8631/ws/"),
        ("http://[::1]/ws", "http://127.0.0.1/ws"),
    ],
)
def test_an_account_is_known_by_what_people_often_wrote_for_it(path: Path, before: str, after: str) -> None:
    one, other = read(path, {"endpoint": before}, {"endpoint": after})
    assert one.spelled in other.spellings
    assert one.place == other.place


# Username and password.


@settings(deadline=None)
@given(spelling.equivalent_usernames())
def test_one_username_in_two_spellings_is_one_credential_and_is_sent_as_written(
    path: Path, usernames: tuple[str, str]
) -> None:
    accounts = read(path, *({"username": username} for username in usernames))
    assert accounts[0].credential == accounts[1].credential
    assert tuple(account.username for account in accounts) == usernames


@settings(deadline=None)
@given(spelling.different_usernames())
def test_another_username_is_another_credential(path: Path, usernames: tuple[str, str]) -> None:
    one, other = read(path, *({"username": username} for username in usernames))
    assert one.credential != other.credential
    assert one.place == other.place


def test_a_password_counts_to_the_letter() -> None:
    account = Account("norte", url.PRODUCTION, "u", SecretStr("s3cret"))
    for password in ("S3cret", "s3cret ", "\uff533cret"):
        assert replace(account, password=SecretStr(password)).credential != account.credential


@pytest.mark.parametrize(
    "other",
    [
        {"endpoint": "https://solucionfactible.com/ws/services/%55tilerias/"},
        {"endpoint": "https://solucionfactible.com/testing"},
        {"username": "WS@Norte.example"},
        {"username": "ws@norte.example "},
    ],
)
def test_two_passwords_of_one_login_are_told_in_any_spelling(path: Path, other: dict[str, object]) -> None:
    with pytest.raises(ConfigError) as caught:
        read(path, {}, other | {"password": "S3cret"})
    (fault,) = caught.value.faults
    assert fault.message == "password: the same host and username have another password on line 6"


@pytest.mark.parametrize("other", [{"endpoint": url.TESTING}, {"username": "ws@sur.example"}])
def test_another_host_or_username_may_have_another_password(path: Path, other: dict[str, object]) -> None:
    assert len(read(path, {}, other | {"password": "S3cret"})) == 2


# What is derived is worked out once, and is no part of what an account is.


def test_what_is_derived_shows_no_password_and_makes_no_difference() -> None:
    account = Account("norte", url.PRODUCTION, "u", SecretStr("s3cret"))
    assert "s3cret" not in repr(account)
    assert account == replace(account)
    assert hash(account) == hash(replace(account))
    assert account.credential is account.credential
    assert (
        replace(account, endpoint=url.TESTING).place
        == "testing.solucionfactible.com:443/ws/services/utilerias"
    )
