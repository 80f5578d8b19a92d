"""Simulator and monitor together, with accounts that live fast. Nothing to configure."""

import asyncio
import tempfile
import time
from collections.abc import Awaitable
from datetime import datetime
from itertools import cycle
from pathlib import Path

import typer

from monitor.app import Monitor
from monitor.config import Config, load
from monitor.model import Kept, Key, Reading
from monitor.rfc import check_digit_ok
from monitor.simulator import KINDS, Account, Issuer, Pac, business_hours, past
from monitor.store import Store

INTERVAL = "2s"
PAST = 62  # days of history before the start
DAYS_LEFT = (90, 40, 150, 25, 7, 60, 14, 200)  # about; what the issuers' stamps would last as in the past
PASSWORDS = {"norte": "norte-demo", "sur": "sur&demo", "filial": "changed-at-the-pac"}

NAMES = (
    "Abarrotes La Güera",
    "Aceros del Norte",
    "Agencia Peñasco",
    "Banquetes Rosita",
    "Cafés de Altura",
    "Cementos Regios",
    "Clínica San Ángel",
    "Constructora Ibarra",
    "Distribuidora Ñandú",
    "Dulces Típicos",
    "Electrónica Garza",
    "Ferretería El Tornillo",
    "Fletes Monterrey",
    "Gasolinera Ruta 40",
    "Grúas Cantú",
    "Hotel Las Brisas",
    "Imprenta Moderna",
    "Jardines y Viveros",
    "Lácteos Saltillo",
    "Llantas y Rines",
    "Maderas Durango",
    "Mariscos Mazatlán",
    "Mueblería Juárez",
    "Nóminas y Más",
    "Óptica Visión",
    "Panadería El Trigo",
    "Papelería Escolar",
    "Pinturas Chávez",
    "Plásticos Bajío",
    "Químicos Toluca",
    "Refacciones Díaz",
    "Restaurante Doña Chelo",
    "Seguridad Halcón",
    "Taller Hermanos Peña",
    "Telas Puebla",
    "Transportes Águila",
    "Uniformes Yáñez",
    "Vidrios y Aluminio",
)


def accounts() -> list[Account]:
    """What the pretend PAC knows: 38 made-up issuers and two of the SAT's own test RFCs."""
    low, out = _rfc("LOW"), _rfc("OUT")
    norte = {low: Issuer(1_000, 880, burn=2.0, top_up=150, top_up_at=5), out: Issuer(400, 330, burn=2.0)}
    sur = {"EKU9003173C9": Issuer(5_000, 1_200, burn=0.4), "H&E951128469": Issuer(2_000, 400, burn=0.2)}
    filial: dict[str, Issuer] = {}
    for number, _ in enumerate(NAMES[2:]):
        contracted, days = 1_000 + 250 * number, DAYS_LEFT[number % len(DAYS_LEFT)]
        used = int(contracted * PAST / (PAST + days))
        issuer = Issuer(contracted, used, burn=0.05 + number % 5 / 10, top_up=500, top_up_at=60)
        account = filial if number >= 31 else norte if number % 2 else sur
        account[_rfc(f"D{chr(65 + number % 26)}{'Ñ' if number % 7 == 0 else 'X'}", number)] = issuer
    return [
        Account("ws@norte.example", PASSWORDS["norte"], norte),
        Account("ws@sur.example", PASSWORDS["sur"], sur, latency=0.03),
        Account("ws@filial.example", PASSWORDS["filial"], filial),
    ]


async def simulate(host: str, port: int, stopped: Awaitable[object]) -> None:
    """Serve the pretend PAC until `stopped`."""
    pac = Pac(accounts())
    async with pac.serve(host, port) as url:
        typer.echo(f"A pretend PAC at {url}\nFaults on demand: {url.partition('/ws/')[0]}/\n")
        for account in pac.accounts.values():
            typer.echo(f"{account.username}  password {account.password}\n  {' '.join(account.issuers)}")
        await stopped


async def demo(listen: str, stopped: Awaitable[object]) -> None:
    """Both together, with their state in a temporary place, until `stopped`."""
    pac = Pac(accounts())
    pac.faults[list(pac.accounts["ws@norte.example"].issuers)[-1]] = "500"
    with tempfile.TemporaryDirectory(prefix="timbres-demo-") as folder:
        async with pac.serve() as url:
            config = await asyncio.to_thread(configure, Path(folder), listen, url, pac)
            await remember(config, pac)
            async with Monitor(config) as monitor:
                _tell(monitor, url, pac)
                await stopped


async def remember(config: Config, pac: Pac) -> None:
    """Have the monitor's database begin with a past that ends in what the pretend PAC knows."""
    now = time.time()
    times = business_hours(datetime.fromtimestamp(now, config.timezone), PAST)
    steps: list[dict[Key, Kept]] = [{} for _ in times]
    kinds = cycle(KINDS)
    places = {account.name: account.place for account in config.accounts}
    for name, account in zip(PASSWORDS, pac.accounts.values(), strict=True):
        for rfc, issuer in account.issuers.items():
            moments = past(issuer, next(kinds), times, rfc)
            for step, moment in zip(steps, moments, strict=True):
                reading = Reading(moment.at, moment.contracted, moment.used, moment.available, "200")
                step[name, rfc] = Kept(moment.at, reading, moment.used - moments[0].used, place=places[name])
    store = Store(config.state.url)
    try:
        await store.open()
        await store.write_past(steps, now)
    finally:
        await store.close()


def _tell(monitor: Monitor, url: str, pac: Pac) -> None:
    low, out = list(pac.accounts["ws@norte.example"].issuers)[:2]
    typer.echo(
        f"""
timbres-monitor demo: 40 RFCs in three accounts at a pretend PAC, polled every {INTERVAL},
with a made-up past of {PAST} days.

  {monitor.address}/         what there is
  {monitor.address}/metrics  for Prometheus
  {url.partition("/ws/")[0]}/         the pretend PAC: break something

Within a minute: stamps burn (timbres_available), {low} runs low and is topped up again,
{out} runs out, and account filial is held for a wrong password after one login.
Try:  curl -s {monitor.address}/metrics | grep -E 'available.*(LOW|OUT)|held'

Ctrl-C stops. / Ctrl-C para terminar.
"""
    )


def configure(folder: Path, listen: str, url: str, pac: Pac) -> Config:
    """Write the configuration as a user would, and load it."""
    path = folder / "config.yaml"
    aliases = iter(NAMES)
    lines = [
        f"web: {{ listen: '{listen}', lifecycle: true }}",
        "state: { url: 'sqlite:///timbres.db' }",
        f"poll: {{ interval: {INTERVAL}, timeout: 5s, expire_after: 5m }}",
        "accounts:",
    ]
    for name, account in zip(PASSWORDS, pac.accounts.values(), strict=True):
        secret = folder / f"{name}.password"
        secret.touch(0o600)
        secret.write_text("the-old-one" if name == "filial" else account.password, encoding="utf-8")
        lines += [
            f"  - name: {name}",
            f"    endpoint: {url}",
            f"    username: {account.username}",
            f"    password: {{ file: {secret.name} }}",
            "    max_in_flight: 4",
            "    rfcs:",
        ]
        lines += [f'      - {{ rfc: "{rfc}", alias: "{next(aliases, "")}" }}' for rfc in account.issuers]
    path.touch(0o600)
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return load(path)


def _rfc(letters: str, number: int = 0) -> str:
    """A made-up RFC of a company with a right check digit."""
    stem = f"{letters}{10 + number % 15:02d}{1 + number % 12:02d}{1 + number % 28:02d}DM"
    return next(stem + digit for digit in "0123456789A" if check_digit_ok(stem + digit))
