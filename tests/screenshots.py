"""Take the pictures of the pages anew: `python -m tests.screenshots [folder]`. Needs Debian's Chromium.

The demo runs for a minute first, so that something is running out in them.
"""

import asyncio
import re
import sys
from pathlib import Path

from playwright.async_api import Browser, async_playwright

CHROMIUM = "/usr/bin/chromium"
LIVES = 60.0  # seconds that the demo has lived before the first picture

DESKTOP, PHONE = (1280, 1000), (390, 1250)
PICTURES = (
    ("page-desktop", "/?lang=en", DESKTOP, "light"),
    ("page-phone", "/?lang=es", PHONE, "light"),
    ("rfc-desktop", "rfc?lang=en", DESKTOP, "light"),
    ("rfc-phone", "rfc?lang=es", PHONE, "dark"),
)


async def main(folder: Path) -> None:
    """Run the demo and look at it."""
    demo = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "monitor", "demo", "--listen", "127.0.0.1:0",
        stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    try:
        address = await _address(demo)
        await asyncio.sleep(LIVES)
        async with async_playwright() as playwright:
            browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
            for name, path, size, scheme in PICTURES:
                await _take(browser, address, folder / f"{name}.png", path, size, scheme)
            await browser.close()
    finally:
        demo.terminate()
        await demo.communicate()


async def _address(demo: asyncio.subprocess.Process) -> str:
    assert demo.stderr is not None  # a pipe was asked for
    async for line in demo.stderr:
        if match := re.search(rb"address=(http://\S+)", line):
            return match[1].decode()
    raise RuntimeError("the demo did not start")


async def _take(
    browser: Browser, address: str, file: Path, path: str, size: tuple[int, int], scheme: str
) -> None:
    context = await browser.new_context(
        viewport={"width": size[0], "height": size[1]}, color_scheme="dark" if scheme == "dark" else "light"
    )
    page = await context.new_page()
    if path.startswith("rfc"):
        # Whose stamps run out first of those that use many.
        await page.goto(f"{address}/?q=G%C3%BCera&{path.partition('?')[2]}")
        await page.locator("tbody .c-name a").first.click()
    else:
        await page.goto(address + path)
    await page.locator("h1").wait_for()
    await page.screenshot(path=file)
    await context.close()


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1] if len(sys.argv) > 1 else Path(__file__).parent.parent / "docs")))
