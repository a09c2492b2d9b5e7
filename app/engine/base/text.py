"""The one function every text passes on its way to a reader, so that it can be spoken in another language.

Source texts are English literals with `{name}` fields. A catalogue (resources/languages/CODE.json) maps a source text to its
translation, or to its plural forms {one, other} chosen by the value `n`; English has a catalogue for its plurals alone. The
pseudo language is made, not written: accented letters and a third more length, between brackets, so that what was not
translated, and what has no room to be, can be seen. Plural rules: Unicode CLDR (one: exactly 1, for English and German).
"""

import json
import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Final

LANGUAGES: Final = Path(__file__).resolve().parents[3] / "resources" / "languages"
CODES: Final = ("en", "de", "pseudo")
_VARIABLE: Final = "OUTPOST_LANGUAGE"  # so that worker processes speak as their console does
_FIELD: Final = re.compile(r"(\{[^{}]*\})")
_ACCENTED: Final = str.maketrans("abcdeghiklnoprstuyzACDEGIKLNORSTUYZ", "åƀçđéĝĥíķļñöþřšţüýžÅÇĐÉĜÍĶĻÑÖŘŠŢÜÝŽ")
OPEN, CLOSE = "⟦", "⟧"

Entry = str | Mapping[str, str]

_catalogue: dict[str, Entry] = {}
_code: str = "en"


def use_catalogue(catalogue: Mapping[str, Entry]) -> None:
    """Replace the translations in use; an empty mapping means the English source texts."""
    _catalogue.clear()
    _catalogue.update(catalogue)


def use_language(code: str) -> str:
    """Speak the language `code`, "system" for that of the desktop; an unknown one means English. Returns what is spoken."""
    global _code
    _code = _spoken(code)
    use_catalogue(read_catalogue(_code))
    os.environ[_VARIABLE] = _code
    return _code


def language() -> str:
    """Return the code of the language in use."""
    return _code


def read_catalogue(code: str) -> dict[str, Entry]:
    """Return the catalogue that came with this Outpost; empty when there is none."""
    file = LANGUAGES / f"{code}.json"
    return dict(json.loads(file.read_text("utf-8"))) if file.exists() else {}


def tr(source: str, /, **values: object) -> str:
    """Return `source` in the reader's language with its `{name}` fields filled from `values`; `n` chooses the plural."""
    found = _catalogue.get(source, source)
    text = found if isinstance(found, str) else found["one" if values.get("n") == 1 else "other"]
    if _code == "pseudo":
        text = pseudo(text)
    return text.format(**values) if values else text


def pseudo(text: str) -> str:
    """Return `text` with accented letters, a third longer, between brackets; its fields are left as they are."""
    if not any(letter.isalpha() for letter in _FIELD.sub("", text)):
        return text
    parts = _FIELD.split(text)
    said = "".join(part if _FIELD.fullmatch(part) else part.translate(_ACCENTED) for part in parts)
    return f"{OPEN}{said}{'·' * round(len(_FIELD.sub('', text)) / 3)}{CLOSE}"


def _spoken(code: str) -> str:
    if code == "system":
        from app.engine.base.platform import system_language

        code = system_language()
    return code if code in CODES else "en"


if os.environ.get(_VARIABLE):
    use_language(os.environ[_VARIABLE])
