"""Other people's words inside Jinja2 and Python, where they must stay words. Pure."""

from __future__ import annotations

import re

_OPENING = re.compile(r"\{(?=[{%#])")


def literal(text: str) -> str:
    """Text that Jinja2 gives back as it is; its lines' ends are ours. Put a line's end behind it, not a brace."""
    return _OPENING.sub("{{ '{' }}", text.replace("\r\n", "\n").replace("\r", "\n"))


def prompt(system: str) -> str:
    """A prompt file: this text as the system's message, and the row's input as the user's."""
    said = f"{{% block system %}}\n{literal(system)}\n{{% endblock %}}\n" if system.strip() else ""
    return f"{said}{{% block user %}}\n{{{{ input }}}}\n{{% endblock %}}\n"


def comment(words: str) -> str:
    """Words for a line of Python behind a `#`, whatever they hold."""
    return ascii(words[:200])
