"""The pages in a real browser: what people see and do there, and what they are spared."""

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
import pytest_asyncio
from axe_playwright_python.async_playwright import Axe
from playwright.async_api import Browser, Page, async_playwright, expect

from tests.fleets import Talkative
from tests.premises import ENV, Premises
from tests.service import Service, command

CHROMIUM = "/usr/bin/chromium"  # Debian's
DESKTOP, PHONE = {"width": 1280, "height": 900}, {"width": 360, "height": 740}
PATIENCE = 60_000  # milliseconds: other tests run beside this
EVIL = "<script>window.hacked = true</script><img src=x onerror='window.hacked = true'>"

RFC, OTHER = "EKU9003173C9", "H&E951128469"

expect.set_options(timeout=PATIENCE)

pytestmark = pytest.mark.asyncio(loop_scope="module")  # one browser and one demo for all


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def chromium() -> AsyncIterator[Browser]:
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser
        await browser.close()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def demo() -> AsyncIterator[Service]:
    """`make demo`, once its forecasts are there."""
    async with command("demo", "--listen", "127.0.0.1:0", env=ENV) as service:
        await service.until_log("address=")
        await service.until(
            lambda m: m("timbres_account_held", account="filial") and m.total("timbres_peak_day") > 0,
            seconds=120,
        )
        yield service


@asynccontextmanager
async def looking(chromium: Browser, service: Service, **options: Any) -> AsyncIterator[Page]:
    """A tab of the browser. When it is closed nothing was wrong in it, and nobody else was asked anything."""
    wrong: list[str] = []
    asked: list[str] = []
    context = await chromium.new_context(base_url=service.address, **{"viewport": DESKTOP} | options)
    context.set_default_timeout(PATIENCE)
    page = await context.new_page()
    page.on("console", lambda said: wrong.append(said.text) if said.type in ("error", "warning") else None)
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.on("request", lambda request: asked.append(request.url))
    yield page
    await context.close()
    assert not wrong
    assert asked
    assert not [url for url in asked if not url.startswith(f"{service.address}/")]


async def texts(page: Page, selector: str) -> list[str]:
    return [text.strip() for text in await page.locator(selector).all_inner_texts()]


async def changed(page: Page, script: str, before: Any) -> None:
    """Wait until the script no longer says what it said before."""
    await page.wait_for_function(f"before => ({script}) !== before", arg=before, timeout=PATIENCE)


async def test_a_look_at_the_demo(chromium: Browser, demo: Service) -> None:
    async with looking(chromium, demo, locale="en-US") as page:
        await page.goto("/")
        # What needs a person is at the top, and so are the urgent ones in the table.
        await expect(page.get_by_text("Account filial is held: wrong user or password (601)")).to_be_visible()
        await page.get_by_text("How to release it").click()
        await expect(page.get_by_text("timbres-monitor rearm --config config.yaml filial")).to_be_visible()
        order = ["critical", "warning", "unknown", "ok"]
        states = [order.index(row.split()[-1]) for row in await classes(page, "tbody .pill")]
        assert len(states) == 40
        assert states == sorted(states)
        # Sorting by a column, and the other way round.
        head = page.get_by_role("columnheader", name="Available")
        await head.get_by_role("link").click()
        await expect(head).to_have_attribute("aria-sort", "ascending")
        assert is_rising(await texts(page, "tbody .stamps b"))
        await head.get_by_role("link").click()
        await expect(head).to_have_attribute("aria-sort", "descending")
        assert is_rising(list(reversed(await texts(page, "tbody .stamps b"))))
        # The page of one RFC, its charts, and the way back.
        await page.goto("/?sort=-consumption")
        name = (await texts(page, "tbody .alias"))[0]
        await page.locator("tbody .c-name a").first.click()
        await expect(page.get_by_role("heading", level=1)).to_contain_text(name)
        await expect(
            page.get_by_role("img", name=re.compile("Stamps available in the last 35 days"))
        ).to_be_visible()
        await expect(page.get_by_role("img", name=re.compile("stamps used in 35 days"))).to_be_visible()
        await page.get_by_role("link", name="1 year").click()
        await expect(page.get_by_role("img", name=re.compile("in the last 365 days"))).to_be_visible()
        # The other language stays on the way back.
        await page.get_by_role("link", name="Español").click()
        await expect(page.get_by_role("heading", name="Historia")).to_be_visible()
        await page.get_by_role("link", name="Todos los RFC").click()
        await expect(page.get_by_text("La cuenta filial está retenida")).to_be_visible()
        assert await page.locator("html").get_attribute("lang") == "es"


async def classes(page: Page, selector: str) -> list[str]:
    return await page.locator(selector).evaluate_all("found => found.map((one) => one.className)")


def is_rising(numbers: list[str]) -> bool:
    values = [int(number.replace(",", "")) for number in numbers]
    return values == sorted(values) and len(values) > 20


async def test_the_page_finds_while_one_types_and_numbers_change_by_themselves(
    chromium: Browser, demo: Service
) -> None:
    async with looking(chromium, demo, locale="es-MX") as page:
        await page.goto("/")
        await page.evaluate("window.mark = 'the same document'")
        search = page.get_by_role("searchbox")
        await search.press_sequentially("monterrey")
        await expect(page.locator("tbody tr")).to_have_count(1)
        assert await texts(page, "tbody .alias") == ["Fletes Monterrey"]
        await page.wait_for_url("**/?q=monterrey")
        # Minutes of work in the search field are not lost when the numbers change under it.
        told = "document.querySelector('tbody .stamps b').textContent"
        await changed(page, told, await page.evaluate(told))
        await expect(search).to_be_focused()
        await expect(search).to_have_value("monterrey")
        await search.fill("nobody is called so")
        await expect(page.get_by_text("Ningún RFC coincide.")).to_be_visible()
        await search.fill("")
        await expect(page.locator("tbody tr")).to_have_count(40)
        await page.locator("select[name=account]").select_option("filial")
        await expect(page.locator("tbody tr")).to_have_count(5)
        assert await texts(page, "tbody .c-state") == ["Retenida"] * 5
        assert await page.evaluate("window.mark") == "the same document"


async def test_the_readers_place_is_kept_while_numbers_change(chromium: Browser, demo: Service) -> None:
    async with looking(chromium, demo, viewport=PHONE) as page:
        await page.goto("/")
        await page.locator("details summary").click()
        link = page.locator("tbody .c-name a").nth(20)
        href = await link.get_attribute("href")
        await link.focus()
        await page.evaluate("scrollTo(0, 2500)")
        before = await page.evaluate("scrollY")
        as_of = "document.getElementById('as-of').textContent"
        await changed(page, as_of, await page.evaluate(as_of))
        assert await page.evaluate("scrollY") == before > 1000
        assert await page.evaluate("document.activeElement.getAttribute('href')") == href
        assert await page.locator("details").get_attribute("open") is not None


async def test_a_tab_that_nobody_sees_asks_nothing_and_catches_up_when_it_is_seen(
    chromium: Browser, demo: Service
) -> None:
    async with looking(chromium, demo) as page:
        await page.clock.install()
        await page.goto("/?lang=en")
        async with page.expect_response("**/?lang=en"):
            await page.clock.run_for(5_000)
        await seen(page, hidden="true")
        asked: list[str] = []
        page.on("request", lambda request: asked.append(request.url))
        await page.clock.run_for(3_600_000)
        assert not asked
        async with page.expect_response("**/?lang=en"):
            await seen(page, hidden="false")


async def seen(page: Page, hidden: str) -> None:
    """Another tab is in front of this one, or no longer."""
    await page.evaluate(
        f"Object.defineProperty(document, 'hidden', {{ configurable: true, get: () => {hidden} }});"
        "document.dispatchEvent(new Event('visibilitychange'))"
    )


async def test_everything_works_without_the_script(chromium: Browser, demo: Service) -> None:
    async with looking(chromium, demo, java_script_enabled=False, viewport=PHONE) as page:
        await page.goto("/?lang=es")
        await page.get_by_role("searchbox").fill("peña")
        await page.get_by_label("Ordenar por").select_option("name")
        await page.get_by_role("button", name="Mostrar").click()
        assert await texts(page, "tbody .alias") == ["Agencia Peñasco", "Taller Hermanos Peña"]
        assert "sort=name" in page.url
        assert "lang=es" in page.url
        await page.locator("tbody .c-name a").first.click()
        await expect(page.get_by_role("heading", name="Agencia Peñasco")).to_be_visible()


@asynccontextmanager
async def failing(premises: Premises, message: str, *rfcs: Any) -> AsyncIterator[Service]:
    """A service whose PAC answers with nothing but a message."""
    premises.secret("norte", premises.secrets.make("norte"))
    async with Talkative(message).serve() as url:
        premises.configure(premises.account(url, rfcs=list(rfcs)))
        async with premises.running("--answered", "0") as service:
            yield service


async def test_a_monitor_that_is_gone_is_told_and_what_was_known_stays(
    premises: Premises, chromium: Browser
) -> None:
    async with failing(premises, "Espere", RFC) as service:
        page = await chromium.new_page()  # in which errors are expected
        await page.goto(f"{service.address}/?lang=en")
        await expect(page.get_by_role("rowheader", name=RFC)).to_be_visible()
        await service.stop()
        lost = page.get_by_text("The monitor does not answer. What you see is as of")
        await expect(lost).to_be_visible()
        await expect(page.get_by_role("rowheader", name=RFC)).to_be_visible()
        await page.close()


async def test_a_script_in_an_alias_or_a_message_is_only_text(premises: Premises, chromium: Browser) -> None:
    async with failing(premises, EVIL, {"rfc": RFC, "alias": EVIL}, OTHER) as service:
        await service.until(
            lambda m: (
                m.total("timbres_poll_errors_total", rfc=RFC) and m.total("timbres_polls_total", rfc=OTHER)
            )
        )
        async with looking(chromium, service) as page:
            for path in ("/?lang=en", "/?lang=es", f"/?q={EVIL}", f"/rfc/norte/{RFC}"):
                await page.goto(path)
                await page.wait_for_load_state("networkidle")
                assert await page.evaluate("window.hacked") is None
                assert await page.locator("script:not([src$='static/page.js'])").count() == 0
                assert await page.locator("img").count() == 0
            await page.goto("/")
            assert (await page.locator("tbody").inner_text()).count("<script>window.hacked") == 3


@pytest.mark.parametrize("viewport", [DESKTOP, PHONE], ids=["desktop", "phone"])
@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_nobody_is_kept_out(chromium: Browser, demo: Service, viewport: Any, scheme: Any) -> None:
    """No serious fault of accessibility, and nothing that hangs over the edge of a phone."""
    async with looking(chromium, demo, viewport=viewport, color_scheme=scheme) as page:
        await page.goto("/?sort=-consumption")
        await page.locator("details summary").click()
        await assert_accessible(page)
        await page.locator("tbody .c-name a").first.click()
        await expect(page.locator("svg.chart")).to_have_count(2)
        await assert_accessible(page)
        await page.goto("/?lang=es&q=nobody")
        await assert_accessible(page)


async def assert_accessible(page: Page) -> None:
    found = await Axe().run(page)
    serious = [one for one in found.response["violations"] if one["impact"] in ("serious", "critical")]
    assert not serious, [(one["id"], [node["html"] for node in one["nodes"][:3]]) for one in serious]
    width, room = await page.evaluate("[document.documentElement.scrollWidth, innerWidth]")
    assert width <= room
