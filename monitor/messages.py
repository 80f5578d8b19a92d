"""What people are told: names, labels and texts of all alerts. Standard library only.

One source for two senders: `prometheus/generate.py` fills the placeholders with Prometheus' templates,
the direct sender with values. So both say the same, word for word.
"""

from dataclasses import dataclass

#: Where the runbooks are. Put your own address here and run `prometheus/generate.py`.
RUNBOOKS = "https://timbres-monitor.example/docs/runbooks"

#: A package expires in this many days. A month still has a month's end and two paydays to use the
#: stamps up in; a week holds an approval, a bank transfer and a weekend.
EXPIRY_DAYS = {"warning": 30, "critical": 7}

#: No fresh data for this many hours: eight polls at the default interval, and a twelfth of the default
#: `expire_after`, so that people hear of it long before numbers disappear.
NO_DATA_HOURS = 2

#: The same where the last poll was good: it has a long interval, or its turn no longer comes.
NO_TURN_HOURS = 25

#: What stands in the braces, as text.
PLACEHOLDERS = {
    "account": "the configured name",
    "who": "the RFC, and its alias in parentheses if it has one: `who(rfc, alias)`",
    "available": "whole stamps",
    "peak": "whole stamps",
    "limit": "the threshold that was reached: whole stamps, or days as in the configuration",
    "days": "one decimal",
    "date": "the last day of the package, YYYY-MM-DD",
    "since": '"3.5 h ago" or "never"',
    "since_es": '"hace 3.5 h" o "nunca"',
    "code": 'of the PAC, or "unverified"',
    "percent": "whole",
    "minutes": "whole",
    "instances": "addresses of monitors, with commas between",
}


@dataclass(frozen=True, slots=True)
class Message:
    """An alert. `severity` is `None` where the threshold that was reached says it."""

    name: str
    labels: tuple[str, ...]  # beside alertname and severity
    severity: str | None
    summary: str
    description: str
    description_es: str

    def annotations(self, **values: str) -> dict[str, str]:
        """The texts with their placeholders filled. `KeyError` if a value is missing."""
        return {
            "summary": self.summary.format(**values),
            "description": self.description.format(**values),
            "description_es": self.description_es.format(**values),
            "runbook_url": f"{RUNBOOKS}/{self.name}.md",
        }


def who(rfc: str, alias: str) -> str:
    """An RFC as people know it."""
    return f"{rfc} ({alias})" if alias else rfc


EXHAUSTED = Message(
    "TimbresExhausted",
    ("account", "rfc"),
    "critical",
    "{who}: no stamps left",
    "{who} (account {account}) has no stamps left and cannot issue invoices. Buy or assign stamps now: "
    "the law gives 72 hours to stamp what has been sold.",
    "{who} (cuenta {account}) ya no tiene timbres y no puede facturar. Compra o asigna timbres ahora: la "
    "ley da 72 horas para timbrar lo que se ha vendido.",
)
LOW = Message(
    "TimbresLow",
    ("account", "rfc"),
    None,
    "{who}: {available} stamps left",
    "{who} (account {account}) has {available} stamps left; the limit is {limit}. Buy or assign stamps: "
    "without them it cannot issue invoices.",
    "A {who} (cuenta {account}) le quedan {available} timbres; el límite es {limit}. Compra o asigna "
    "timbres: sin ellos no se puede facturar.",
)
WILL_RUN_OUT = Message(
    "TimbresWillRunOut",
    ("account", "rfc"),
    None,
    "{who}: stamps for {days} days",
    "The stamps of {who} (account {account}) will last {days} days at the pace of the last weeks; the "
    "limit is {limit} days. Buy or assign stamps before then.",
    "A {who} (cuenta {account}) le alcanzan los timbres para {days} días al ritmo de las últimas semanas; "
    "el límite es {limit} días. Compra o asigna timbres antes.",
)
PEAK_DOES_NOT_FIT = Message(
    "TimbresPeakDoesNotFit",
    ("account", "rfc"),
    "warning",
    "{who}: {available} stamps left, fewer than its peak day needs",
    "{who} (account {account}) has {available} stamps left and used {peak} within 24 hours in the last "
    "weeks. They will not do for another such day, a payday or the end of a month: buy or assign stamps "
    "before it comes.",
    "A {who} (cuenta {account}) le quedan {available} timbres y en las últimas semanas llegó a usar {peak} "
    "en 24 horas. No alcanzan para otro día así, como la quincena o el cierre de mes: compra o asigna "
    "timbres antes.",
)
PACKAGE_EXPIRES = Message(
    "TimbresPackageExpires",
    ("account", "rfc"),
    None,
    "{who}: stamps expire on {date}",
    "The last day of the stamps of {who} (account {account}) is {date} ({days} days from now). Renew the "
    "package, then correct expires_on in the configuration.",
    "El último día de los timbres de {who} (cuenta {account}) es el {date} (faltan {days} días). Renueva "
    "el paquete y luego corrige expires_on en la configuración.",
)
NO_DATA = Message(
    "TimbresNoData",
    ("account", "rfc"),
    "warning",
    "{who}: no fresh data",
    "The last reading of {who} (account {account}): {since}. Nobody would notice that its stamps run out. "
    "timbres_poll_errors_total and the log of the monitor say why.",
    "Última lectura de {who} (cuenta {account}): {since_es}. Nadie notaría que se le acaban los timbres. "
    "timbres_poll_errors_total y la bitácora del monitor dicen por qué.",
)
ACCOUNT_HELD = Message(
    "TimbresAccountHeld",
    ("account",),
    "critical",
    "Account {account} is held (code {code})",
    "The PAC refused the login of account {account}, or never confirmed it (code {code}). None of its RFCs "
    "is watched until somebody acts: correct the password and reload, or mend it at the PAC and release "
    "the account with timbres-monitor rearm.",
    "El PAC rechazó el acceso de la cuenta {account} o nunca lo confirmó (código {code}). Ninguno de sus "
    "RFC se vigila hasta que alguien intervenga: corrige la contraseña y recarga, o arréglalo en el PAC y "
    "libera la cuenta con timbres-monitor rearm.",
)
PAC_UNAVAILABLE = Message(
    "TimbresPacUnavailable",
    (),
    "warning",
    "The PAC does not answer for {percent} % of the RFCs",
    "{percent} % of the RFCs could not be read when last asked: the PAC is out of order or cannot be "
    "reached. Find out whether invoices are still stamped; the monitor asks again by itself.",
    "No se pudo leer el {percent} % de los RFC en la última consulta: el PAC falla o no hay conexión. "
    "Averigua si se sigue timbrando; el monitor vuelve a intentar solo.",
)
MONITOR_ABSENT = Message(
    "TimbresMonitorAbsent",
    ("job",),
    "critical",
    "timbres-monitor is absent",
    "Prometheus cannot read timbres-monitor (not answering: {instances}). Its RFCs are not watched, and "
    "their other alerts stay as they were last known. Start it, or correct the scrape job.",
    "Prometheus no puede leer timbres-monitor (no responde: {instances}). Sus RFC no se vigilan y sus "
    "otras alertas quedan como se supo por última vez. Arráncalo o corrige el trabajo de Prometheus.",
)
STATE_NOT_WRITABLE = Message(
    "TimbresStateNotWritable",
    (),
    "warning",
    "timbres-monitor cannot write its database",
    "The database does not take writes (on {instances}). Logins that have not worked yet are not used, and "
    "a restart would lose what was learned since. Look at disk space and permissions.",
    "La base de datos no admite escrituras (en {instances}). No se usan accesos que aún no han funcionado, "
    "y un reinicio perdería lo aprendido desde entonces. Revisa el espacio en disco y los permisos.",
)
RELOAD_FAILED = Message(
    "TimbresReloadFailed",
    (),
    "warning",
    "The configuration was not reloaded",
    "The configuration has faults and was not reloaded (on {instances}): the one before is still in force. "
    "timbres-monitor check-config names every fault.",
    "La configuración tiene errores y no se recargó (en {instances}): sigue vigente la anterior. "
    "timbres-monitor check-config señala cada error.",
)
POLLER_BEHIND = Message(
    "TimbresPollerBehind",
    (),
    "warning",
    "Polls start more than {minutes} minutes late",
    "One poll in ten starts {minutes} minutes late or more: numbers are older than the configured interval. "
    "Raise the interval or max_in_flight.",
    "Una de cada diez consultas empieza con {minutes} minutos o más de retraso: los datos son más viejos "
    "que el intervalo configurado. Aumenta interval o max_in_flight.",
)

MESSAGES = (
    EXHAUSTED,
    LOW,
    WILL_RUN_OUT,
    PEAK_DOES_NOT_FIT,
    PACKAGE_EXPIRES,
    NO_DATA,
    ACCOUNT_HELD,
    PAC_UNAVAILABLE,
    MONITOR_ABSENT,
    STATE_NOT_WRITABLE,
    RELOAD_FAILED,
    POLLER_BEHIND,
)
