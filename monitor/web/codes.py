"""What the codes of failures mean, in English and Spanish. The vendor's are those of `pac.status`."""

from monitor.model import NO_STATE, RETIRED, Reason

CODES: dict[str, tuple[str, str]] = {
    "500": ("error at the PAC", "error en el PAC"),
    "501": ("the PAC cannot reach its database", "el PAC no alcanza su base de datos"),
    "502": ("the PAC cannot store in its database", "el PAC no puede guardar en su base de datos"),
    "503": ("the PAC is busy: too many at once", "el PAC está saturado: demasiadas consultas a la vez"),
    "600": ("the PAC refuses the login", "el PAC rechaza el acceso"),
    "601": ("wrong user or password", "usuario o contraseña incorrectos"),
    "602": ("user locked", "usuario bloqueado"),
    "603": ("password expired", "contraseña vencida"),
    "604": ("too many failed logins", "demasiados intentos fallidos de acceso"),
    "605": ("user inactive", "usuario inactivo"),
    "606": ("the PAC refuses the login", "el PAC rechaza el acceso"),
    "607": ("the PAC refuses the login", "el PAC rechaza el acceso"),
    "608": ("the PAC refuses the login", "el PAC rechaza el acceso"),
    "609": ("the PAC refuses the login", "el PAC rechaza el acceso"),
    "611": ("the PAC calls the request incomplete", "el PAC dice que la solicitud está incompleta"),
    "612": ("the PAC calls the request malformed", "el PAC dice que la solicitud está mal formada"),
    "624": ("the PAC reports a uniqueness fault", "el PAC reporta un error de unicidad"),
    "632": ("limit of fair use at the PAC", "límite de uso justo del PAC"),
    "633": ("test account in production, or the reverse", "cuenta de pruebas en producción, o al revés"),
    "unverified": (
        "two answers to this login were lost or could not be read",
        "dos respuestas a este acceso se perdieron o no se pudieron leer",
    ),
    "200": ("status 200 without its numbers", "estado 200 sin sus números"),
    "other": ("an unknown status", "un estado desconocido"),
    "timeout": ("the PAC did not answer in time", "el PAC no respondió a tiempo"),
    "dns": ("the name of the PAC cannot be resolved", "no se resuelve el nombre del PAC"),
    "connect": ("no connection to the PAC", "sin conexión con el PAC"),
    "tls": ("no secure connection to the PAC", "sin conexión segura con el PAC"),
    "reset": ("the connection to the PAC broke", "se cortó la conexión con el PAC"),
    "fault": ("the PAC's service reports a fault", "el servicio del PAC reporta una falla"),
    "redirect": ("redirected; that is not followed", "redirigido; no se sigue"),
    "too_large": ("an answer far too large", "una respuesta demasiado grande"),
    "not_soap": ("an answer that cannot be read", "una respuesta que no se puede leer"),
    "wait": ("the account waits before its next call", "la cuenta espera antes de su próxima consulta"),
    NO_STATE: (
        "the database takes no writes: this login is not used",
        "la base de datos no admite escrituras: este acceso no se usa",
    ),
    RETIRED: ("no longer configured", "ya no está configurado"),
}

#: A refusal of one RFC while the login works with others.
SET_ASIDE = (
    "the PAC refuses the login for this RFC alone",
    "el PAC rechaza el acceso solo para este RFC",
)

#: For codes without a meaning of their own.
REASONS: dict[Reason, tuple[str, str]] = {
    Reason.REFUSED: ("the PAC refuses the login", "el PAC rechaza el acceso"),
    Reason.BUSY: ("the PAC is busy", "el PAC está saturado"),
    Reason.UNAVAILABLE: ("the PAC is not available", "el PAC no está disponible"),
    Reason.REJECTED: ("the PAC rejects the request", "el PAC rechaza la solicitud"),
    Reason.GARBLED: ("an answer that means nothing", "una respuesta sin sentido"),
    Reason.HELD: ("the account is held", "la cuenta está retenida"),
    Reason.WAITING: ("the account waits", "la cuenta espera"),
}
