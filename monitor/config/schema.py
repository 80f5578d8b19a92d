"""The shape of the configuration file: frozen models of what stands in it, before it is resolved."""

from datetime import date
from typing import Annotated, Any, Self, TypeVar
from zoneinfo import ZoneInfo

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainSerializer,
    PlainValidator,
    SecretStr,
    SerializerFunctionWrapHandler,
    model_serializer,
)

from monitor.config import secret, url, value
from monitor.config.target import CONDITIONS, Limits, Thresholds

T = TypeVar("T")

#: What the PAC's sister service uses; there is no public WSDL of this one.
NAMESPACE = "http://utilerias.timbrado.ws.cfdi.solucionfactible.com"
SOAP_ACTION = "urn:getTimbres"

List = Annotated[tuple[T, ...], Field(strict=False)]  # YAML has lists; frozen models have tuples

Text = Annotated[str, PlainValidator(value.text)]
Duration = Annotated[float, PlainValidator(value.duration), PlainSerializer(value.spoken)]
Calls = Annotated[int, PlainValidator(value.calls)]
Day = Annotated[date, PlainValidator(value.day)]
Database = Annotated[str, PlainValidator(url.database)]
Password = Annotated[secret.Source, PlainValidator(secret.source), PlainSerializer(lambda _: "<secret>")]


class Told(BaseModel):
    """What every part of the file has in common: strict, frozen, no unknown keys."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, hide_input_in_errors=True)

    @model_serializer(mode="wrap")
    def _shown(self, handler: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """Without the options that were not used."""
        return {key: shown for key, shown in handler(self).items() if shown is not None}


class Web(Told):
    """Where the service listens, and what it is called."""

    listen: Annotated[str, PlainValidator(url.listen)] = "127.0.0.1:8630"
    lifecycle: bool = False
    hosts: List[Annotated[str, PlainValidator(url.host_name)]] = ()

    @property
    def host(self) -> str:
        """The host of `listen`, an IPv6 address without brackets."""
        return url.split_listen(self.listen)[0]

    @property
    def port(self) -> int:
        return url.split_listen(self.listen)[1]


class State(Told):
    """What outlives the process, and for how many seconds."""

    url: Database = "sqlite:///timbres.db"
    retention: Duration = 400 * 86400.0


class Poll(Told):
    """How often the PAC is asked. Times in seconds; `max_in_flight` is per endpoint."""

    interval: Duration = 900.0
    timeout: Duration = 30.0
    max_in_flight: Calls = 16
    expire_after: Duration = 86400.0


class Override(Told):
    """What may be set at several levels; only what is set counts."""

    @model_serializer(mode="wrap")
    def _shown(self, handler: SerializerFunctionWrapHandler) -> dict[str, Any]:
        return {key: shown for key, shown in handler(self).items() if key in self.model_fields_set}


class ToldLimits(Override):
    """Conditions of one severity; those that are not set are inherited, null switches one off."""

    available: Annotated[int | None, PlainValidator(value.stamps)] = None
    ratio: Annotated[float | None, PlainValidator(value.ratio)] = None
    days_left: Annotated[float | None, PlainValidator(value.days)] = None

    def over(self, base: Limits) -> Limits:
        """`base` with what is set here."""
        told = {key: getattr(self, key) for key in self.model_fields_set}
        return Limits(**{key: told.get(key, getattr(base, key)) for key in CONDITIONS})

    @classmethod
    def of(cls, limits: Limits) -> Self:
        """`limits` in full, as they could be written."""
        return cls.model_construct(**{key: getattr(limits, key) for key in CONDITIONS})


class ToldThresholds(Override):
    """Thresholds as written at one level."""

    warning: ToldLimits = ToldLimits()
    critical: ToldLimits = ToldLimits()

    def over(self, base: Thresholds) -> Thresholds:
        """`base` with what is set here."""
        return Thresholds(self.warning.over(base.warning), self.critical.over(base.critical))

    @classmethod
    def of(cls, thresholds: Thresholds) -> Self:
        """`thresholds` in full, as they could be written."""
        warning, critical = ToldLimits.of(thresholds.warning), ToldLimits.of(thresholds.critical)
        return cls(warning=warning, critical=critical)


class ToldPool(Override):
    """The integrator's own pool of stamps."""

    interval: Duration | None = None
    thresholds: ToldThresholds = ToldThresholds()
    expires_on: Day | None = None


class ToldRfc(ToldPool):
    """One RFC of the list `rfcs`."""

    rfc: Annotated[str, PlainValidator(value.issuer)]
    alias: Annotated[str, PlainValidator(value.alias)] = ""

    @model_serializer(mode="wrap")
    def _shown(self, handler: SerializerFunctionWrapHandler) -> Any:
        shown = {key: shown for key, shown in handler(self).items() if key in self.model_fields_set}
        return self.rfc if len(shown) == 1 else {"rfc": self.rfc} | shown


def _switch(told: object) -> object:
    """`true` is a pool without options of its own, `false` is none."""
    if isinstance(told, bool):
        return {} if told else None
    if isinstance(told, dict):
        return told
    raise ValueError("must be true, false or a mapping")


def _shown_switch(pool: ToldPool | None) -> object:
    return pool if pool is not None and pool.model_fields_set else pool is not None


class ToldAccount(Told):
    """One account at the PAC. Its RFCs are read one by one, so that one fault hides no other."""

    name: Annotated[str, PlainValidator(value.name)]
    environment: Annotated[str, PlainValidator(url.environment)] | None = None
    endpoint: Annotated[str, PlainValidator(url.endpoint)] | None = None
    username: Annotated[str, PlainValidator(value.sent)]
    password: Password
    max_in_flight: Calls = 1
    implementation: Annotated[ToldPool | None, BeforeValidator(_switch), PlainSerializer(_shown_switch)] = (
        None
    )
    interval: Duration | None = None
    thresholds: ToldThresholds = ToldThresholds()
    namespace: Annotated[str, PlainValidator(value.namespace)] = NAMESPACE
    soap_action: Annotated[str, PlainValidator(value.action)] = SOAP_ACTION
    ca_file: Text | None = None
    proxy: Annotated[SecretStr, PlainValidator(url.proxy), PlainSerializer(url.masked)] | None = None
    rfcs: List[Any] = ()
    rfcs_file: Text | None = None


class ToldFile(Told):
    """The whole file."""

    web: Web = Web()
    state: State = State()
    timezone: Annotated[ZoneInfo, PlainValidator(value.zone), PlainSerializer(str)] = ZoneInfo(
        "America/Mexico_City"
    )
    poll: Poll = Poll()
    thresholds: ToldThresholds = ToldThresholds()
    alertmanagers: List[Annotated[str, PlainValidator(url.alertmanager)]] = ()
    accounts: List[Any] = ()
