"""The texts of the pages, each in English and Spanish; of two forms the first is for one."""

from monitor.web.texts_issuer import ISSUER

MONTHS = (
    ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"),
    ("ene", "feb", "mar", "abr", "may", "jun", "jul", "ago", "sep", "oct", "nov", "dic"),
)
WEEKDAYS = (
    ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"),
    ("lunes", "martes", "miércoles", "jueves", "viernes", "sábado", "domingo"),
)

TEXTS: dict[str, tuple[str, str]] = ISSUER | {
    # Of every page
    "title": ("CFDI stamps", "Timbres CFDI"),
    "skip": ("Skip to the content", "Ir al contenido"),
    "as_of": ("As of {time}", "Datos de las {time}"),
    "lost": (
        "The monitor does not answer. What you see is as of {time}.",
        "El monitor no responde. Lo que ves es de las {time}.",
    ),
    "now": ("just now", "ahora mismo"),
    "ago": ("{span} ago", "hace {span}"),
    "code": ("code {code}", "código {code}"),
    "http": (
        "HTTP {status} from the PAC or something in between",
        "HTTP {status} del PAC o de algo intermedio",
    ),
    "formerly": (
        "(before endpoint, namespace, certificates or proxy were changed)",
        "(antes de cambiar endpoint, namespace, certificados o proxy)",
    ),
    "of_contracted": ("of {contracted}", "de {contracted}"),
    "unknown": ("not known", "sin dato"),
    "other_language": ("Español", "English"),
    "json": ("Data as JSON", "Datos en JSON"),
    "metrics": ("Metrics for Prometheus", "Métricas para Prometheus"),
    "config": ("Configuration without secrets", "Configuración sin secretos"),
    # States
    "state_critical": ("Critical", "Crítico"),
    "state_warning": ("Warning", "Advertencia"),
    "state_unknown": ("Not read", "Sin lectura"),
    "state_ok": ("Fine", "Bien"),
    "exhausted": ("No stamps left", "Sin timbres"),
    "held": ("Held", "Retenida"),
    # What needs a person
    "attention": ("Needs you now", "Requiere tu atención"),
    "nothing": ("Nothing needs you now.", "Nada requiere tu atención por ahora."),
    "rfcs": ("{n} RFC|{n} RFCs", "{n} RFC|{n} RFC"),
    "this_rfc": ("this RFC", "este RFC"),
    "none_left": (
        "{rfcs} has no stamps left and cannot invoice|{rfcs} have no stamps left and cannot invoice",
        "{rfcs} ya no tiene timbres y no puede facturar|{rfcs} ya no tienen timbres y no pueden facturar",
    ),
    "runs_out": (
        "{rfcs} runs out within {days} days|{rfcs} run out within {days} days",
        "a {rfcs} se le acaban los timbres en {days} días o menos"
        "|a {rfcs} se les acaban los timbres en {days} días o menos",
    ),
    "few_left": (
        "{rfcs} has very few stamps left|{rfcs} have very few stamps left",
        "a {rfcs} le quedan muy pocos timbres|a {rfcs} les quedan muy pocos timbres",
    ),
    "low": (
        "{rfcs} is running low|{rfcs} are running low",
        "a {rfcs} le quedan pocos timbres|a {rfcs} les quedan pocos timbres",
    ),
    "peak": (
        "{rfcs} has fewer stamps than its busiest day of the last weeks took"
        "|{rfcs} have fewer stamps than their busiest day of the last weeks took",
        "a {rfcs} no le alcanza para otro día como el más cargado de las últimas semanas"
        "|a {rfcs} no les alcanza para otro día como el más cargado de las últimas semanas",
    ),
    "expired": (
        "the stamps of {rfcs} have expired|the stamps of {rfcs} have expired",
        "los timbres de {rfcs} ya vencieron|los timbres de {rfcs} ya vencieron",
    ),
    "expires": (
        "the stamps of {rfcs} expire within {days} days|the stamps of {rfcs} expire within {days} days",
        "los timbres de {rfcs} vencen en {days} días o menos"
        "|los timbres de {rfcs} vencen en {days} días o menos",
    ),
    "failing": (
        "{rfcs} could not be read when last asked: {why}|{rfcs} could not be read when last asked: {why}",
        "{rfcs} no se pudo leer en la última consulta: {why}"
        "|{rfcs} no se pudieron leer en la última consulta: {why}",
    ),
    "failing_otherwise": (
        "{rfcs} could not be read for another reason|{rfcs} could not be read for other reasons",
        "{rfcs} no se pudo leer por otro motivo|{rfcs} no se pudieron leer por otros motivos",
    ),
    "stale": (
        "{rfcs} has no current reading|{rfcs} have no current reading",
        "{rfcs} no tiene lectura reciente|{rfcs} no tienen lectura reciente",
    ),
    "no_numbers": (
        "{rfcs} gave no numbers when last asked|{rfcs} gave no numbers when last asked",
        "{rfcs} no dio números en la última consulta|{rfcs} no dieron números en la última consulta",
    ),
    "waiting": (
        "{rfcs} waits for its first reading|{rfcs} wait for their first reading",
        "{rfcs} espera su primera lectura|{rfcs} esperan su primera lectura",
    ),
    "account_held": (
        "Account {account} is held: {why}, since {since}",
        "La cuenta {account} está retenida: {why}, desde {since}",
    ),
    "held_means": (
        "Its {n} RFC is not watched until somebody acts.|Its {n} RFCs are not watched until somebody acts.",
        "Su RFC no se vigila hasta que alguien intervenga."
        "|Sus {n} RFC no se vigilan hasta que alguien intervenga.",
    ),
    "last_answer": ("The last answer, for {rfc}: {text}.", "La última respuesta, para {rfc}: {text}."),
    "account_unproven": (
        "Account {account} is not yet seen to work",
        "Aún no se ha visto que la cuenta {account} funcione",
    ),
    "account_doubtful": (
        "It is no longer certain that account {account} works",
        "Ya no es seguro que la cuenta {account} funcione",
    ),
    "account_released": (
        "Account {account} was released at {when}: one call goes out next and decides",
        "La cuenta {account} se liberó a las {when}: sigue una consulta, que decide",
    ),
    "next_call": (": next call at {when}", ": próxima consulta a las {when}"),
    "next_call_now": (": its next call is due", ": ya toca su próxima consulta"),
    "unproven_means": (
        "It makes one call at a time, with longer and longer waits, until one shows that its login is good. "
        "After two answers that are lost or cannot be read it is held.",
        "Hace una sola consulta a la vez, con esperas cada vez más largas, hasta que una muestre que el "
        "acceso es bueno. Tras dos respuestas perdidas o que no se pueden leer queda retenida.",
    ),
    "lost_means": (
        "It was lost or cannot be read, so it may have been a refusal: one more holds the account.",
        "Se perdió o no se puede leer, así que pudo ser un rechazo: con una más la cuenta queda retenida.",
    ),
    "doubtful_means": (
        "It makes one call at a time, with longer and longer waits, up to six hours, until one shows that "
        "its login is good. As it has worked before, it is not held for this.",
        "Hace una sola consulta a la vez, con esperas cada vez más largas, de hasta seis horas, hasta que "
        "una muestre que el acceso es bueno. Como ya ha funcionado, no se retiene por esto.",
    ),
    "how_unproven": (
        "If this goes on though the PAC works: look at user and password, endpoint, proxy and namespace.",
        "Si continúa aunque el PAC funcione: revisa usuario y contraseña, endpoint, proxy y namespace.",
    ),
    "how_at_once": (
        "To have the next call at once: one more login, with the user and password as they are, which the "
        "PAC may count as a failed one.",
        "Para que la próxima consulta salga de inmediato: un intento más, con el usuario y la contraseña "
        "como están, que el PAC puede contar como fallido.",
    ),
    "its_answer": ("The PAC: {text}.", "El PAC: {text}."),
    "set_aside": (
        "The login of account {account} has worked, but the PAC refuses it for {n} RFC alone: {rfcs}"
        "|The login of account {account} has worked, but the PAC refuses it for {n} RFCs alone: {rfcs}",
        "El acceso de la cuenta {account} ha funcionado, pero el PAC lo rechaza solo para {n} RFC: {rfcs}"
        "|El acceso de la cuenta {account} ha funcionado, pero el PAC lo rechaza solo para {n} RFC: {rfcs}",
    ),
    "set_aside_means": (
        "It is not asked any more.|They are not asked any more.",
        "Ya no se consulta.|Ya no se consultan.",
    ),
    "how_set_aside": (
        "See that it belongs to this account at the PAC, or remove it; then have it asked once more:",
        "Comprueba que pertenezca a esta cuenta en el PAC, o quítalo; después haz que se consulte otra vez:",
    ),
    "how": ("How to release it", "Cómo liberarla"),
    "what_to_do": ("What to do", "Qué hacer"),
    "how_reload": (
        "If you have changed the configuration, reload it (kill -HUP {pid}): another user or password is "
        "tried within two minutes. Another path or namespace alone releases nothing.",
        "Si cambiaste la configuración, recárgala (kill -HUP {pid}): otro usuario u otra contraseña se "
        "prueba en menos de dos minutos. Otra ruta u otro namespace por sí solos no liberan nada.",
    ),
    "how_release": (
        "If user and password are right, and the cause is mended, release the account. One login goes out:",
        "Si el usuario y la contraseña son correctos, y la causa ya se arregló, libera la cuenta. Sale un "
        "intento de acceso:",
    ),
    "not_writable": (
        "The database takes no writes: logins that have not worked yet are not used. "
        "Look at disk space and permissions.",
        "La base de datos no admite escrituras: no se usan accesos que aún no han funcionado. "
        "Revisa el espacio en disco y los permisos.",
    ),
    "and_more": ("and {n} more", "y {n} más"),
    "in_days": ("{days}\u00a0d", "{days}\u00a0d"),
    # The table
    "fleet": ("Stamps of {rfcs} RFCs", "Timbres de {rfcs} RFC"),
    "in_accounts": ("in {n} account|in {n} accounts", "en {n} cuenta|en {n} cuentas"),
    "states": ("States", "Estados"),
    "all": ("All", "Todos"),
    "all_accounts": ("All", "Todas"),
    "find": ("Search and filter", "Buscar y filtrar"),
    "search": ("RFC, name or account", "RFC, nombre o cuenta"),
    "account": ("Account", "Cuenta"),
    "state": ("State", "Estado"),
    "sort": ("Sort by", "Ordenar por"),
    "size": ("Rows", "Filas"),
    "show": ("Show", "Mostrar"),
    "caption": ("RFCs and their stamps", "RFC y sus timbres"),
    "urgency": ("Urgency", "Urgencia"),
    "name": ("Name", "Nombre"),
    "rfc": ("RFC", "RFC"),
    "available": ("Available", "Disponibles"),
    "days": ("Days left", "Días restantes"),
    "consumption": ("Last 35 days", "Últimos 35 días"),
    "read": ("Last reading", "Última lectura"),
    "error": ("Last error", "Último error"),
    "found": ("{n} RFC found|{n} RFCs found", "{n} RFC encontrado|{n} RFC encontrados"),
    "shown": ("{first}–{last} of {n}", "{first}–{last} de {n}"),
    "none_found": ("No RFC is like that.", "Ningún RFC coincide."),
    "show_all": ("Show all", "Mostrar todos"),
    "pages": ("Pages", "Páginas"),
    "previous": ("Previous", "Anterior"),
    "next": ("Next", "Siguiente"),
    "page": ("Page {page} of {pages}", "Página {page} de {pages}"),
    "csv": ("Download as CSV", "Descargar CSV"),
    "never_read": ("never", "nunca"),
    "bar": (
        "{available} of {contracted} stamps available ({share}).",
        "{available} de {contracted} timbres disponibles ({share}).",
    ),
    "bar_warning": ("Warning at {limit}.", "Advertencia en {limit}."),
    "bar_critical": ("Critical at {limit}.", "Crítico en {limit}."),
    "spark": (
        "{total} stamps used in 35 days, at most {most} in one day",
        "{total} timbres usados en 35 días, a lo más {most} en un día",
    ),
    "spark_total": ("{total} used", "{total} usados"),
    "no_history": ("no history yet", "aún sin historia"),
    # CSV
    "csv_read": ("read at", "leído"),
    "csv_alias": ("name", "nombre"),
    "csv_contracted": ("contracted", "contratados"),
    "csv_used": ("used", "usados"),
    "csv_available": ("available", "disponibles"),
    "csv_days": ("days left", "días restantes"),
    "csv_consumed": ("used in 35 days", "usados en 35 días"),
    "csv_warning": ("warning at", "advertencia en"),
    "csv_critical": ("critical at", "crítico en"),
    "csv_expires": ("expires on", "vencen el"),
    "csv_error": ("last error", "último error"),
    "csv_said": ("what the PAC said", "lo que dijo el PAC"),
    "state_note": ("Note", "Nota"),
}
