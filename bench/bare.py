"""The floor: aiohttp alone, post, read, regex. As many at once as are given, or so many a second, smoothly.

`python -m bench.bare ADDRESS IN_FLIGHT [--authority FILE] [--rate A_SECOND] [--pattern REGEX]`
"""

import argparse
import asyncio
import re
import ssl

import aiohttp

from bench.pac import NAMESPACE, PATTERN

BODY = (
    '<?xml version="1.0" encoding="UTF-8"?>'
    '<soapenv:Envelope xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/"><soapenv:Body>'
    f'<ut:getTimbres xmlns:ut="{NAMESPACE}"><ut:usuario>bench</ut:usuario>'
    "<ut:password>bench</ut:password><ut:rfcEmisor>EKU9003173C9</ut:rfcEmisor></ut:getTimbres>"
    "</soapenv:Body></soapenv:Envelope>"
).encode()
HEADERS = {"Content-Type": "text/xml; charset=utf-8", "SOAPAction": '"urn:getTimbres"'}


async def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("address")
    parser.add_argument("in_flight", type=int)
    parser.add_argument("--authority")
    parser.add_argument("--rate", type=float)
    parser.add_argument("--pattern", default=PATTERN)
    told = parser.parse_args()
    pattern = re.compile(told.pattern.encode(), re.DOTALL)
    context = ssl.create_default_context(cafile=told.authority) if told.authority else True

    async def poll() -> None:
        async with http.post(told.address, data=BODY, headers=HEADERS, ssl=context) as response:
            if pattern.search(await response.read()) is None:
                raise SystemExit("not the answer that was expected")

    async def poll_on() -> None:
        while True:
            await poll()

    connector = aiohttp.TCPConnector(limit=0)
    async with aiohttp.ClientSession(connector=connector) as http, asyncio.TaskGroup() as tasks:
        if not told.rate:
            for _ in range(told.in_flight):
                tasks.create_task(poll_on())
            return
        loop = asyncio.get_running_loop()
        due = loop.time()
        while True:
            due += 1 / told.rate
            await asyncio.sleep(due - loop.time())
            tasks.create_task(poll())


if __name__ == "__main__":
    asyncio.run(main())
