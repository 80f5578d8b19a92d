"""What a person does about a held account, by the code that holds it, in English and Spanish."""

_PASSWORD = (
    "If the password or the user is wrong in the configuration: correct it.",
    "Si la contraseña o el usuario están mal en la configuración: corrígelos.",
)
_LOCKED = (
    "Find out who else logs in with this user and a wrong password, and have it unlocked at the PAC.",
    "Averigua quién más entra con este usuario y una contraseña incorrecta, y pide al PAC que lo desbloquee.",
)
_DOOR = (
    "See what refuses it before the PAC does: a proxy, a firewall, a list of allowed addresses.",
    "Revisa qué lo rechaza antes que el PAC: un proxy, un firewall, una lista de direcciones permitidas.",
)

HOLDS: dict[str, tuple[str, str]] = {
    "602": _LOCKED,
    "603": (
        "Set a new password at the PAC, then in the configuration.",
        "Pon una contraseña nueva en el PAC y después en la configuración.",
    ),
    "604": _LOCKED,
    "605": ("Have the user activated at the PAC.", "Pide al PAC que active el usuario."),
    "633": (
        "Test accounts work at `environment: testing` only, the others at `production` only: correct it.",
        "Las cuentas de prueba solo funcionan con `environment: testing` y las demás con `production`: "
        "corrígelo.",
    ),
    "unverified": (
        "See what the last answer was: perhaps `endpoint`, `namespace` or `proxy` lead elsewhere, the PAC is "
        "down, or the password is wrong.",
        "Mira cuál fue la última respuesta: quizá `endpoint`, `namespace` o `proxy` llevan a otra parte, el "
        "PAC está caído o la contraseña está mal.",
    ),
    **dict.fromkeys(("http_401", "http_403", "http_407"), _DOOR),
}


def on_hold(code: str) -> tuple[str, str]:
    """What to do about a hold of this code."""
    return HOLDS.get(code, _PASSWORD)
