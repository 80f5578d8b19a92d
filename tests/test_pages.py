"""The pages for people: what they say, in which language, and that nothing gets into them as markup."""

import asyncio
import csv
import io
import string
import sys
import threading
import zipfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import datetime
from importlib import resources
from pathlib import Path
from typing import Any
from urllib.parse import quote, urljoin, urlsplit
from zoneinfo import ZoneInfo

import pytest

from monitor.config import Config, load
from monitor.forecast import habits
from monitor.guard import FORMERLY
from monitor.journal import Journal
from monitor.model import RETIRED, AccountStatus, Failure, Reason, Refusal
from monitor.pac.service import WIRE_ERRORS
from monitor.pac.status import ERRORS
from monitor.simulator import Issuer, Pac
from monitor.state import Snapshot
from monitor.store import Point
from monitor.web.codes import CODES, REASONS
from monitor.web.export import export
from monitor.web.fleet import fleet
from monitor.web.frame import Frame
from monitor.web.issuer import Learned, issuer
from monitor.web.query import Query
from monitor.web.table import judge
from monitor.web.texts import TEXTS
from monitor.web.words import Words, language
from tests.fleets import DAY, NOW, Document, Talkative, rfc_of, row, snapshot
from tests.watching import Watched, account, paying, watching, write

RFC, OTHER, THIRD = "EKU9003173C9", "H&E951128469", "ÑAÑ010101AA1"
ZONE = ZoneInfo("America/Mexico_City")
FAILED = (Reason.UNAVAILABLE, "500", "error at the PAC")

PAGE_POLICY = (
    "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; connect-src 'self'; "
    "base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)
EVIL = "<script>alert(1)</script>\"'><img src=x onerror=alert(1)>&amp;{{ 7*7 }}{% raw %}javascript:alert(1)"


def stamps(**rest: Any) -> Pac:
    return Pac([paying({RFC: Issuer(1000, 40, 10), OTHER: Issuer(70_000), THIRD: Issuer(8)})], **rest)


@asynccontextmanager
async def serving(
    directory: Path, *rfcs: object, pac: Pac | None = None, **rest: Any
) -> AsyncIterator[Watched]:
    """One account of three RFCs; nothing is asked until the clock moves."""
    told = rfcs or (RFC, OTHER, THIRD)
    async with watching(directory, pac or stamps(), lambda url: [account(url, *told)], **rest) as watched:
        yield watched


@pytest.fixture
def config(tmp_path: Path) -> Config:
    write(tmp_path / "config.yaml", account("http://127.0.0.1:9/x", RFC))
    return load(tmp_path / "config.yaml")


def page_of(config: Config, snapshot: Snapshot, lang: str = "en", **query: Any) -> Document:
    """The page of all RFCs."""
    asked = Query(**query)
    return Document(
        fleet(snapshot, config, asked, Words(lang, ZONE, NOW), Frame("1.0", "", "", 30.0, "")).decode()
    )


def rows_of(page: Document) -> int:
    return len(page.all("th", scope="row"))


# What needs a person


@pytest.mark.parametrize(
    ("lang", "text"),
    [("en", "2 RFCs run out within 3 days"), ("es", "A 2 RFC se les acaban los timbres en 3 días o menos")],
)
def test_who_runs_out_is_told_at_the_top(config: Config, lang: str, text: str) -> None:
    rows = [row(rfc_of(1), days=2.9, alias="Cantú"), row(rfc_of(2), days=1), row(rfc_of(3), days=40)]
    page = page_of(config, snapshot(*rows), lang)
    assert text in page.words
    assert f"{rfc_of(2)} (1.0 d), Cantú (2.9 d)" in page.words


@pytest.mark.parametrize(
    ("lang", "texts"),
    [
        (
            "en",
            [
                "Account Año Nuevo is held: wrong user or password (601), since 06:13",
                "Its 2 RFCs are not watched until somebody acts.",
                "How to release it",
                "timbres-monitor rearm --config config.yaml 'Año Nuevo'",
            ],
        ),
        (
            "es",
            [
                "La cuenta Año Nuevo está retenida: usuario o contraseña incorrectos (601), desde 06:13",
                "Sus 2 RFC no se vigilan hasta que alguien intervenga.",
                "Cómo liberarla",
            ],
        ),
    ],
)
def test_a_held_account_is_told_with_the_reason_since_when_and_how_to_release_it(
    config: Config, lang: str, texts: list[str]
) -> None:
    rows = [row(rfc_of(n), account="Año Nuevo") for n in (1, 2)]
    page = page_of(config, snapshot(*rows, held=[("Año Nuevo", "601", NOW - 7200)]), lang)
    for text in texts:
        assert text in page.words
    assert (
        "held: two answers to this login were lost or could not be read, since 20 Sep, 08:13"
        in page_of(config, snapshot(*rows, held=[("Año Nuevo", "unverified", NOW - DAY)])).words
    )


@pytest.mark.parametrize(
    ("rows", "text"),
    [
        ([row(available=0)], "This RFC has no stamps left and cannot invoice"),
        ([row(rfc_of(n), 0) for n in range(5)], "5 RFCs have no stamps left and cannot invoice"),
        ([row(available=9)], "This RFC has very few stamps left"),
        ([row(available=49)], "This RFC is running low"),
        ([row(available=400, days=9)], "This RFC runs out within 10 days"),
        ([row(available=400, peak=401)], "fewer stamps than its busiest day"),
        ([row(expires_in=6 * DAY)], "Critical The stamps of this RFC expire within 7 days"),
        ([row(expires_in=29 * DAY)], "Warning The stamps of this RFC expire within 30 days"),
        ([row(expires_in=-1)], "Critical The stamps of this RFC have expired"),
        ([row(failure=FAILED)], "This RFC could not be read when last asked: error at the PAC (500)"),
        ([row(age=2 * DAY)], "This RFC has no current reading"),
        ([row(available=None)], "Note This RFC waits for its first reading"),
    ],
)
def test_whatever_needs_a_person_is_told(config: Config, rows: list[Any], text: str) -> None:
    assert text in page_of(config, snapshot(*rows)).words


def test_failures_are_told_by_kind_the_most_frequent_first_and_the_rest_together(config: Config) -> None:
    codes = ["500"] * 3 + ["timeout"] * 4 + ["503"] * 2 + ["611", "612"]
    rows = [row(rfc_of(n), failure=(Reason.UNAVAILABLE, code, "")) for n, code in enumerate(codes)]
    words = page_of(config, snapshot(*rows)).words
    places = [
        words.index("4 RFCs could not be read when last asked: the PAC did not answer in time"),
        words.index("3 RFCs could not be read when last asked: error at the PAC (500)"),
        words.index("2 RFCs could not be read when last asked: the PAC is busy"),
        words.index("2 RFCs could not be read for other reasons"),
    ]
    assert places == sorted(places)


def test_the_rfcs_of_a_held_account_are_not_told_once_more_as_failing(config: Config) -> None:
    held = row(failure=(Reason.HELD, "601", "the account is held: 601"))
    words = page_of(config, snapshot(held, held=[("norte", "601", NOW)])).words
    assert "could not be read" not in words
    assert "wrong user or password (601)" in words


def test_a_database_that_takes_no_writes_is_told(config: Config) -> None:
    assert "The database takes no writes" in page_of(config, snapshot(row(), writable=False)).words


def test_nothing_to_do_is_said_as_well(config: Config) -> None:
    assert "Nothing needs you now." in page_of(config, snapshot(row())).words
    assert "Nada requiere tu atención" in page_of(config, snapshot(row()), "es").words


def test_only_the_most_urgent_are_named_and_the_rest_is_a_link(config: Config) -> None:
    rows = [row(rfc_of(n), 50 - n) for n in range(30)]
    page = page_of(config, snapshot(*rows), q="nobody", lang="en")
    assert f"{rfc_of(29)} (21), {rfc_of(28)} (22), {rfc_of(27)} (23) and 27 more" in page.words
    assert {"href": "?state=warning"} in page.all("a")


# The table


def test_a_row_says_everything_that_is_known(config: Config) -> None:
    failure = (Reason.BUSY, "632", "limit of fair use (Espere)")
    one = row(
        OTHER,
        1_234,
        contracted=56_789,
        alias="Herrería",
        days=8.25,
        daily=[0] * 30 + [40] * 5,
        failure=failure,
    )
    page = page_of(config, snapshot(one))
    for text in ("Herrería", OTHER, "norte", "1,234", "of 56,789", "8.2", "1 min ago", "200 used"):
        assert text in page.words
    assert "limit of fair use at the PAC (632) Espere" in page.words
    (bar,) = page.all("svg", class_="bar ok")
    assert bar["aria-label"] == ("1,234 of 56,789 stamps available (2 %). Critical at 10. Warning at 50.")
    (spark,) = page.all("svg", class_="spark")
    assert spark["aria-label"] == "200 stamps used in 35 days, at most 40 in one day"
    assert page.all("time", datetime="2026-09-21T08:12:20-06:00", title="21 Sep, 08:12:20")


def test_what_is_not_known_is_not_made_up(config: Config) -> None:
    page = page_of(config, snapshot(row(available=None)))
    assert "not known" in page.words
    assert "never" in page.words
    assert not page.all("svg", class_="spark")
    assert " 0 " not in page.words.partition("Last error")[2]


def test_a_reading_that_has_grown_too_old_is_no_longer_shown(config: Config) -> None:
    page = page_of(config, snapshot(row(available=777, age=DAY)))
    assert "777" not in page.words
    assert "24 h ago" in page.words


def test_the_integrators_pool_has_a_name(config: Config) -> None:
    assert "Integrator's own pool" in page_of(config, snapshot(row("implementacion"))).words


class Counting(Words):
    """Counts the rows for which it is asked how long ago they were read."""

    ages = 0
    numbers = 0

    def ago(self, at: float) -> str:
        self.ages += 1
        return super().ago(at)

    def number(self, value: float) -> str:
        self.numbers += 1
        return super().number(value)


@pytest.mark.parametrize(
    ("size", "page", "rendered"), [(50, 1, 50), (50, 200, 50), (200, 7, 200), (50, 999, 50)]
)
def test_of_ten_thousand_rows_only_those_of_the_page_are_made(
    config: Config, size: int, page: int, rendered: int
) -> None:
    every = snapshot(
        *(row(rfc_of(n), 60 + n % 900, alias=f"Issuer {n}", daily=[n] * 35) for n in range(10_000))
    )
    words, frame = Counting("en", ZONE, NOW), Frame("1.0", "", "", 30.0, "")
    text = fleet(every, config, Query(size=size, page=page), words, frame).decode()
    assert rows_of(Document(text)) == rendered
    assert words.ages == rendered
    assert words.numbers < 10 * rendered + 50
    assert len(text) < 2_000 * rendered + 20_000


async def test_while_a_page_is_made_everything_else_is_answered(tmp_path: Path) -> None:
    async with serving(tmp_path) as watched:
        go_on = threading.Event()
        watched.monitor.renderer.submit(go_on.wait)
        try:
            pages = [
                asyncio.create_task(watched.get(path)) for path in ("/", f"/rfc/norte/{RFC}", "/quotas.csv")
            ]
            for _ in range(20):
                assert (await watched.get("/-/healthy")).status == 200
            assert not any(page.done() for page in pages)
        finally:
            go_on.set()
        assert [(await page).status for page in pages] == [200, 200, 200]


# The page of one RFC


@pytest.mark.parametrize("rfc", [RFC, OTHER, THIRD])
@pytest.mark.parametrize("name", ["norte", "a/b & ñ?#%2F {c}"])
async def test_every_rfc_has_a_page_whatever_its_name_and_its_accounts(
    tmp_path: Path, name: str, rfc: str
) -> None:
    async with watching(
        tmp_path, stamps(), lambda url: [account(url, RFC, OTHER, THIRD, name=name)]
    ) as watched:
        await watched.first_polls(3)
        fleet_page = Document((await watched.get("/")).text)
        (path,) = {a["href"] for a in fleet_page.all("a") if a["href"].endswith(quote(rfc, safe=""))}
        page = await watched.get(f"/{path}")
        document = Document(page.text)
        (data,) = [a["href"] for a in document.all("a") if a["href"].endswith("/history")]
        assert (await watched.get(urljoin(f"/{path}", data))).status == 200
    assert page.status == 200
    assert rfc in document.words
    assert name in document.words


@pytest.mark.parametrize(
    "path", ["norte/XAXX010101000", "sur/EKU9003173C9", "%3Cscript%3E/x", "norte/%00", "a/b%2Fc"]
)
async def test_an_unknown_rfc_is_told_in_words(tmp_path: Path, path: str) -> None:
    async with serving(tmp_path) as watched:
        page = await watched.get(f"/rfc/{path}?lang=es")
    assert page.status == 404
    assert "No existe ese RFC" in Document(page.text).words
    assert page.headers["Content-Security-Policy"] == PAGE_POLICY


async def test_the_page_of_an_rfc_tells_its_polls_its_next_poll_and_its_thresholds(tmp_path: Path) -> None:
    pac = stamps()
    limits = {"warning": {"available": 970, "ratio": 0.5, "days_left": None}}
    async with serving(
        tmp_path, {"rfc": RFC, "thresholds": limits, "expires_on": "2030-01-31"}, pac=pac
    ) as watched:
        await watched.first_polls(1)
        pac.faults[RFC] = "503"
        watched.clock.now += 1000
        await watched.until(lambda m: m.total("timbres_poll_errors_total") == 1)
        page = Document((await watched.get(f"/rfc/norte/{RFC}")).text)
    for text in (
        "950 of 1,000",
        "This RFC is running low",
        "Used 40",
        "Warning at 970 stamps or 50 % of the contracted",
        "Critical at 10 stamps or 3 days",
        "Last day of the stamps 31 Jan 2030",
        "Asked every 15 min",
        "numbers read",
        "the PAC is busy: too many at once (503)",
        "A forecast takes seven days of history.",
        "Next poll in ",
    ):
        assert text in page.words, text


async def test_failures_are_kept_longer_than_polls(tmp_path: Path) -> None:
    pac = stamps(faults={RFC: "500"})
    async with serving(tmp_path, RFC, pac=pac, poll={"interval": "1m"}) as watched:
        await watched.first_polls(1)
        del pac.faults[RFC]
        for polls in range(2, 13):
            watched.clock.now += 61
            await watched.until(lambda m, polls=polls: m.total("timbres_polls_total") >= polls)
        page = Document((await watched.get(f"/rfc/norte/{RFC}")).text)
    assert "error at the PAC (500)" in page.words.partition("Failures before them")[2]
    assert "numbers read" in page.words.partition("Failures before them")[0]


def test_what_the_forecast_is_made_of_is_told_in_words_and_numbers(config: Config) -> None:
    # 20 stamps on every working day, and 300 more at each payday.
    history, consumed = [], 0
    for day in range(100, 0, -1):
        when = datetime.fromtimestamp(NOW - day * DAY, ZONE)
        working, payday = when.weekday() < 5, when.day in (15, 30)
        consumed += 20 * working + 300 * payday
        history.append((NOW - day * DAY, consumed))
    points = [Point(at, 90_000, used, 90_000 - used, used) for at, used in history]
    learned = Learned(points, habits(history, NOW, ZONE), Journal(), NOW + 60)
    one = snapshot(row(available=500, days=12.5))
    pages = {
        lang: Document(
            issuer(
                one, config, learned, 35, Words(lang, ZONE, NOW), Frame("1", "../../", "", 30, "")
            ).decode()
        )
        for lang in ("en", "es")
    }
    for text in (
        "500 stamps will last about 12.5 days, until 3 Oct",
        "Monday 20 Tuesday 20 Wednesday 20 Thursday 20 Friday 20 Saturday 0 Sunday 0",
        "more around the payday in the middle of the month",
        "a reserve for chance",
    ):
        assert text in pages["en"].words, text
    assert "más alrededor de la quincena" in pages["es"].words
    assert len(pages["es"].all("svg", class_="chart")) == 2


@pytest.mark.parametrize(
    ("days", "shown"), [("35", "35"), ("90", "90"), ("365", "365"), ("9", "35"), ("<b>", "35")]
)
async def test_the_charts_reach_as_far_back_as_was_asked(tmp_path: Path, days: str, shown: str) -> None:
    async with serving(tmp_path) as watched:
        await watched.first_polls(3)
        page = Document((await watched.get(f"/rfc/norte/{RFC}?days={quote(days)}&lang=es")).text)
    (chosen,) = [a["href"] for a in page.all("a") if a.get("aria-current") == "true"]
    assert chosen == f"?days={shown}&lang=es"


# Languages


@pytest.mark.parametrize(
    ("wanted", "accept", "expected"),
    [
        ("", "", "en"),
        ("", "es-MX,es;q=0.9,en;q=0.8", "es"),
        ("", "en-US,en;q=0.9,es;q=0.8", "en"),
        ("", "ES", "es"),
        ("", "de, es;q=0.1", "es"),
        ("", "de,fr", "en"),
        ("", "es;q=0, en;q=0.1", "en"),
        ("", "es;q=nonsense", "en"),
        ("", ";;,=,q", "en"),
        ("es", "en", "es"),
        ("en", "es", "en"),
        ("xx", "es", "es"),
    ],
)
def test_the_language_is_the_one_that_was_chosen_or_is_preferred(
    wanted: str, accept: str, expected: str
) -> None:
    assert language(wanted, accept) == expected


async def test_a_page_says_in_which_language_it_is(tmp_path: Path) -> None:
    async with serving(tmp_path) as watched:
        page = await watched.get("/", Accept_Language="es-MX")
        other = await watched.get("/?lang=en", Accept_Language="es-MX")
    assert '<html lang="es">' in page.text
    assert page.headers["Content-Language"] == "es"
    assert page.headers["Vary"] == "Accept-Language"
    assert '<html lang="en">' in other.text


async def test_the_language_that_was_chosen_stays_over_links(tmp_path: Path) -> None:
    async with serving(tmp_path) as watched:
        await watched.first_polls(3)
        for path in ("/?lang=es&q=E&sort=name", f"/rfc/norte/{RFC}?lang=es&days=90"):
            page = Document((await watched.get(path)).text)
            for link in page.all("a"):
                to = urlsplit(urljoin(path, link["href"]))
                if (to.path == "/" or to.path.startswith("/rfc/")) and not to.fragment:
                    assert to.query.endswith("lang=en" if "hreflang" in link else "lang=es"), link
            (english,) = page.all("a", hreflang="en")
            assert Document((await watched.get(urljoin(path, english["href"]))).text).all("html", lang="en")
        search = Document((await watched.get("/?lang=es")).text)
    assert search.all("input", type="hidden", name="lang", value="es")


def fields(text: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name}


@pytest.mark.parametrize("key", TEXTS)
def test_every_text_says_the_same_in_both_languages(key: str) -> None:
    english, spanish = TEXTS[key]
    assert english.count("|") == spanish.count("|") <= 1
    assert {name for form in english.split("|") for name in fields(form)} == {
        name for form in spanish.split("|") for name in fields(form)
    }


def test_every_code_of_a_failure_has_its_words() -> None:
    assert {*ERRORS, *(code for code, _, _ in WIRE_ERRORS.values()), RETIRED, "unverified"} <= set(CODES)
    assert set(REASONS) == set(Reason)


@pytest.mark.parametrize(
    ("lang", "told"),
    [
        (
            "en",
            [
                "Account norte is not yet seen to work: next call at 08:14",
                "The last answer, for EKU9003173C9: not_soap: not a SOAP envelope (text/html, 9 bytes).",
                "look at user and password, endpoint, proxy and namespace",
                "The login of account sur has worked, but the PAC refuses it for 1 RFC alone: H&E951128469",
                "It is not asked any more.",
                "timbres-monitor rearm --config config.yaml sur",
            ],
        ),
        (
            "es",
            [
                "Aún no se ha visto que la cuenta norte funcione: próxima consulta a las 08:14",
                "La última respuesta, para EKU9003173C9: una respuesta que no se puede leer (not_soap): text",
                "El acceso de la cuenta sur ha funcionado, pero el PAC lo rechaza solo para 1 RFC: H&E",
                "El PAC: usuario o contraseña incorrectos (601): No es correcta.",
                "Comprueba que pertenezca a esta cuenta en el PAC",
            ],
        ),
    ],
)
def test_what_an_account_waits_for_and_an_rfc_that_was_set_aside_are_told(
    config: Config, lang: str, told: list[str]
) -> None:
    aside = (Reason.REJECTED, "601", "the PAC refuses the login for this RFC alone")
    shot = snapshot(row(), row(OTHER, account="sur", failure=aside))
    text = "not_soap: not a SOAP envelope (text/html, 9 bytes)"
    accounts = [
        AccountStatus("norte", None, True, NOW - 9, RFC, text, NOW + 60),
        AccountStatus(
            "sur",
            None,
            False,
            set_aside=(
                Refusal(OTHER, "601", "601: wrong user or password (No es correcta)", set_aside=True),
            ),
        ),
    ]
    words = page_of(config, replace(shot, accounts=accounts), lang=lang).words
    for sentence in told:
        assert sentence in words, words


@pytest.mark.parametrize(
    ("failure", "words", "said"),
    [
        (
            Failure(0, Reason.REFUSED, "601", "wrong user or password (Acceso denegado)"),
            "usuario o contraseña incorrectos (601)",
            "Acceso denegado",
        ),
        (
            Failure(0, Reason.REFUSED, "601", "wrong user or password"),
            "usuario o contraseña incorrectos (601)",
            "",
        ),
        (
            Failure(0, Reason.UNAVAILABLE, "timeout", "no answer in time"),
            "el PAC no respondió a tiempo",
            "no answer in time",
        ),
        (
            Failure(0, Reason.GARBLED, "999", "unknown status (¿?)"),
            "una respuesta sin sentido (999)",
            "unknown status (¿?)",
        ),
        (
            Failure(0, Reason.BUSY, "http_429", "HTTP 429 from the PAC"),
            "el PAC está saturado (http_429)",
            "HTTP 429 from the PAC",
        ),
        (
            Failure(0, Reason.HELD, "601", "the account is held: 601", sent=False),
            "usuario o contraseña incorrectos (601)",
            "",
        ),
        (
            Failure(0, Reason.REJECTED, "601", "the PAC refuses the login for this RFC alone", sent=False),
            "el PAC rechaza el acceso solo para este RFC (601)",
            "",
        ),
    ],
)
def test_a_failure_is_told_in_words_with_its_code_and_what_the_pac_said(
    failure: Failure, words: str, said: str
) -> None:
    spanish = Words("es", ZONE, NOW)
    assert (spanish.failure(failure), spanish.said(failure)) == (words, said)


def test_times_are_those_of_the_zone_and_no_longer_than_needed() -> None:
    words = Words("es", ZONE, NOW)
    assert words.when(NOW - 60) == "08:12"
    assert words.when(NOW - DAY) == "20 sep, 08:13"
    assert words.when(NOW - 365 * DAY) == "21 sep 2025, 08:13"
    assert words.moment(NOW) == "21 sep, 08:13:20"
    assert Words("en", ZoneInfo("Asia/Tokyo"), NOW).when(NOW) == "23:13"


@pytest.mark.parametrize(
    ("seconds", "told"),
    [
        (-5, "ahora mismo"),
        (0.5, "ahora mismo"),
        (59, "hace 59 s"),
        (60, "hace 1 min"),
        (3_599, "hace 59 min"),
        (3_600, "hace 1 h"),
        (172_799, "hace 47 h"),
        (172_800, "hace 2 d"),
    ],
)
def test_an_age_is_told_in_its_largest_unit(seconds: float, told: str) -> None:
    assert Words("es", ZONE, NOW).ago(NOW - seconds) == told


def test_numbers_have_separators_and_what_is_little_is_not_nothing() -> None:
    words = Words("en", ZONE, NOW)
    assert [words.number(n) for n in (0, 999, 1_234_567, 2.0, 1234.56)] == [
        "0",
        "999",
        "1,234,567",
        "2",
        "1,234.6",
    ]
    assert [words.share(part, 1_000) for part in (0, 1, 10, 1_000, 2_000)] == [
        "0 %",
        "<1 %",
        "1 %",
        "100 %",
        "200 %",
    ]
    assert [words.days(days * DAY) for days in (0, 0.04, 12.34, 365, 366)] == [
        "0.0",
        "0.0",
        "12.3",
        "365.0",
        ">365",
    ]


# Nothing gets in


def assert_inert(page: Document) -> None:
    """Only our own script, no style and no handler in the markup, no address that does anything else."""
    assert [script["src"].rpartition("/")[2] for script in page.all("script")] == ["page.js"]
    for tag, attributes in page.elements:
        assert tag not in ("style", "img", "iframe", "object", "embed", "base"), tag
        assert not [name for name in attributes if name.startswith("on") or name == "style"], attributes
    for address in page.addresses:
        assert not urlsplit(address).scheme, address
        assert not urlsplit(address).netloc, address


async def test_no_alias_account_message_or_url_gets_into_a_page_as_markup(tmp_path: Path) -> None:
    rfcs = [{"rfc": RFC, "alias": EVIL}, OTHER]
    async with watching(tmp_path, Talkative(EVIL), lambda url: [account(url, *rfcs, name=EVIL)]) as watched:
        await watched.first_polls(1)
        watched.clock.now += 40  # nothing is proved by what it says: the next call waits
        await watched.until(lambda m: m.total("timbres_polls_total") == 2)
        evil = quote(EVIL)
        paths = [
            "/",
            f"/?q={evil}",
            f"/?account={evil}&state={evil}&sort={evil}&size={evil}&page={evil}&lang={evil}",
            f"/rfc/{quote(EVIL, safe='')}/{RFC}",
            f"/rfc/{quote(EVIL, safe='')}/{quote(OTHER, safe='')}?days={evil}&lang={evil}",
            f"/rfc/{quote(EVIL, safe='')}/{quote(EVIL, safe='')}",
        ]
        answers = [await watched.get(path) for path in paths]
    assert [answer.status for answer in answers] == [200, 200, 200, 200, 200, 404]
    pages = [Document(answer.text) for answer in answers]
    for page in pages:
        assert_inert(page)
    assert pages[0].words.count("<script>alert(1)</script>") >= 3  # alias, account and message, as text
    assert pages[1].all("input", name="q", value=EVIL[:100])
    assert "{{ 7*7 }}" in pages[0].words
    assert EVIL in pages[4].words
    assert EVIL in pages[5].words


def test_half_a_character_breaks_no_page(config: Config) -> None:
    assert "a?b" in page_of(config, snapshot(row(alias="a\ud800b"))).words


async def test_only_pages_may_load_anything_and_only_from_us(tmp_path: Path) -> None:
    async with serving(tmp_path) as watched:
        for path in ("/", f"/rfc/norte/{RFC}", "/rfc/norte/nobody"):
            page = await watched.get(path)
            assert page.headers["Content-Security-Policy"] == PAGE_POLICY
            assert page.headers["Content-Type"] == "text/html; charset=utf-8"
            assert page.headers["X-Content-Type-Options"] == "nosniff"
            assert page.headers["Cache-Control"] == "no-store"


async def test_every_link_of_a_page_leads_somewhere(tmp_path: Path) -> None:
    async with serving(tmp_path) as watched:
        await watched.first_polls(3)
        seen = set()
        for path in ("/", f"/rfc/norte/{quote(OTHER, safe='')}", "/rfc/norte/nobody"):
            page = Document((await watched.get(path)).text)
            for address in page.addresses:
                if address.startswith("#"):
                    assert [found for _, found in page.elements if found.get("id") == address[1:]], address
                else:
                    seen.add(urljoin(path, address))
        for address in seen:
            # Only the page that says so, in the other language, is about nobody.
            expected = 404 if address.startswith("/rfc/norte/nobody?lang=") else 200
            assert (await watched.get(address)).status == expected, address
    assert {"/metrics", "/config", "/quotas.csv", "/api/v1/quotas", "/static/page.css"} <= seen


async def test_a_file_that_is_not_ours_is_not_found(tmp_path: Path) -> None:
    async with serving(tmp_path) as watched:
        for name in ("", "..%2Fpages.py", "page.html", "%2e%2e/pages.py"):
            assert (await watched.get(f"/static/{name}")).status == 404
        page = await watched.get("/static/page.js")
    assert page.headers["Content-Type"] == "text/javascript; charset=utf-8"
    assert page.body == resources.files("monitor.web").joinpath("static/page.js").read_bytes()


async def test_the_wheel_has_the_templates_and_the_files(tmp_path: Path) -> None:
    build = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path),
        cwd=Path(__file__).parent.parent, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
    )  # fmt: skip
    told, _ = await asyncio.wait_for(build.communicate(), 120)
    assert build.returncode == 0, told
    (wheel,) = tmp_path.glob("*.whl")
    packed = set(zipfile.ZipFile(wheel).namelist())
    for folder in ("templates", "static"):
        for file in resources.files("monitor.web").joinpath(folder).iterdir():
            assert f"monitor/web/{folder}/{file.name}" in packed


# CSV


def table_of(body: bytes) -> list[dict[str, str]]:
    assert body.startswith(b"\xef\xbb\xbf")
    return list(csv.DictReader(io.StringIO(body.decode("utf-8-sig"), newline="")))


def exported(*rows: Any, lang: str = "en", **query: Any) -> list[dict[str, str]]:
    return table_of(export(judge(snapshot(*rows)), Query(**query), Words(lang, ZONE, NOW)))


def test_the_export_has_all_pages_of_what_is_found_in_the_order_of_the_table() -> None:
    rows = [row(rfc_of(n), 100 + n, account="norte" if n % 2 else "sur") for n in range(300)]
    told = exported(*rows, account="norte", sort="-available", page=2)
    assert [int(one["available"]) for one in told] == list(range(399, 100, -2))


def test_the_export_tells_what_the_table_tells_as_numbers() -> None:
    one = row(THIRD, 1_234, contracted=50_000, alias="Ñandú, S.A.", days=8.25, daily=[2] * 35, expires_in=DAY)
    assert exported(one) == [
        {
            "State": "Warning",
            "Account": "norte",
            "RFC": THIRD,
            "name": "Ñandú, S.A.",
            "contracted": "50000",
            "used": "48766",
            "available": "1234",
            "days left": "8.2",
            "used in 35 days": "70",
            "warning at": "50",
            "critical at": "10",
            "expires on": "2026-09-22",
            "read at": "2026-09-21 08:12:20",
            "last error": "",
            "what the PAC said": "",
        }
    ]
    assert list(exported(one, lang="es")[0])[:4] == ["Estado", "Cuenta", "RFC", "nombre"]


@pytest.mark.parametrize("begin", ["=", "+", "-", "@", "\t", "\r", "\n"])
def test_no_cell_of_the_export_is_a_formula(begin: str) -> None:
    evil = f'{begin}HYPERLINK("http://evil.example";"x")'
    (told,) = exported(row(alias=evil, account=evil, failure=(Reason.UNAVAILABLE, "timeout", evil)))
    for cell in (told["name"], told["Account"]):
        assert cell == f"'{evil}"
    assert not [cell for cell in told.values() if cell.startswith(("=", "+", "-", "@", "\t", "\r", "\n"))]


async def test_the_export_is_a_file_for_spreadsheets(tmp_path: Path) -> None:
    async with serving(tmp_path) as watched:
        await watched.first_polls(3)
        page = await watched.get("/quotas.csv?q=eku&lang=es")
    assert page.headers["Content-Type"] == "text/csv; charset=utf-8"
    assert page.headers["Content-Disposition"] == 'attachment; filename="timbres-2026-09-21.csv"'
    (told,) = table_of(page.body)
    assert (told["RFC"], told["disponibles"]) == (RFC, "950")


@pytest.mark.parametrize(
    ("text", "spanish"),
    [
        ("601: wrong user or password (No)", "usuario o contraseña incorrectos (601): No"),
        ("http_503: HTTP 503 from the PAC", "HTTP 503 del PAC o de algo intermedio (http_503)"),
        (f"timeout: no answer in time {FORMERLY}", "el PAC no respondió a tiempo (timeout) (antes de "),
        ("not_soap: no XML (text/html, 9 bytes)", "una respuesta que no se puede leer (not_soap): text/html"),
        ("299: unknown status (¿?)", "código 299 (299): ¿?"),
        ("the process ended before the answer came", "the process ended before the answer came"),
    ],
)
def test_what_an_account_was_answered_is_told_in_the_language_of_the_page(text: str, spanish: str) -> None:
    assert Words("en", ZONE, NOW).answer(text) == text
    assert Words("es", ZONE, NOW).answer(text).startswith(spanish)
