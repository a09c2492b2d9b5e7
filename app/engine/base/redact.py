"""Taking secrets out of text before it leaves this machine: keys, codes, tokens, and where the user's files live.

Rules, not a list of names to trust: a value beside a telling name, an armoured key, a bearer token, a pairing code, a
password in an address, and any long run of letters and digits that looks drawn at random. What is content (`sha256:…`)
and what is a record's id stays, because a report is of no use without it.
"""

import re
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any, Final

REMOVED: Final = "[removed]"
_TELLING: Final = (
    r"pass(?:word|wd|phrase)?|secret\w*|token|api[_-]?key|private[_-]?key|seal[_-]?key|signing[_-]?key|credential\w*|"
    r"authorization|cookie|pairing[_-]?code|code|nonce|seed[_-]?phrase"
)
_NAME: Final = re.compile(rf"(?:^|[_.-])(?:{_TELLING})$", re.IGNORECASE)
_RULES: Final[tuple[tuple[re.Pattern[str], str], ...]] = (
    (re.compile(r"-----BEGIN ([A-Z0-9 ]+)-----.*?-----END \1-----", re.DOTALL), REMOVED),
    (re.compile(r"-----BEGIN [A-Z0-9 ]+-----[A-Za-z0-9+/=\s\\n]*"), REMOVED),
    (re.compile(r"(?i)\b(bearer|basic)\s+[A-Za-z0-9._~+/=-]{6,}"), rf"\1 {REMOVED}"),
    (re.compile(r"(://[^/\s:@]+:)[^@\s/]+@"), rf"\1{REMOVED}@"),
    (
        re.compile(rf"(?i)((?:\b|[_-])(?:{_TELLING})[\"']?\s*[:=]\s*)(\"[^\"\n]*\"|'[^'\n]*'|[^\s,;&}}\]\"']+)"),
        rf"\1{REMOVED}",
    ),
    (re.compile(r"\b[0-9A-Za-z]{4}(?:-[0-9A-Za-z]{4}){6}\b"), REMOVED),  # a pairing code: seven groups of four
    (re.compile(r"(?<!sha256:)(?<![0-9A-Za-z])[0-9a-fA-F]{40,}(?![0-9A-Za-z])"), REMOVED),
)
_LONG: Final = re.compile(r"(?<![A-Za-z0-9+/_=:-])[A-Za-z0-9+/_-]{32,}={0,2}(?![A-Za-z0-9+/_=-])")
_HOMES: Final = re.compile(r"(?:/home/|/Users/|[A-Za-z]:\\Users\\|[A-Za-z]:\\\\Users\\\\)[^/\\\s\"':]+")


def redact(text: str, *, secrets: Collection[str] = (), places: Mapping[str, str] | None = None) -> str:
    """Return `text` without what looks like a secret, without the `secrets` given, and with folders named for what they are.

    `places` maps a folder to the word that stands for it (`HOME`); the user's own folder is always `~`.
    """
    for secret in sorted((one for one in secrets if len(one) > 3), key=len, reverse=True):
        text = text.replace(secret, REMOVED)
    named = {**(places or {}), str(Path.home()): "~"}
    for folder in sorted((one for one in named if len(one) > 1), key=len, reverse=True):
        text = text.replace(folder, named[folder]).replace(folder.replace("\\", "\\\\"), named[folder])
    text = _HOMES.sub("~", text)
    for rule, put in _RULES:
        text = rule.sub(put, text)
    return _LONG.sub(lambda found: REMOVED if _random(found.group()) else found.group(), text)


def redact_json(value: Any, *, secrets: Collection[str] = (), places: Mapping[str, str] | None = None) -> Any:
    """Return plain JSON with every text redacted, and with the values of telling names gone whatever they are."""
    if isinstance(value, str):
        return redact(value, secrets=secrets, places=places)
    if isinstance(value, Mapping):
        return {
            redact(str(name), secrets=secrets, places=places): REMOVED
            if _NAME.search(str(name)) and isinstance(inner, (str, bytes, list, dict)) and inner
            else redact_json(inner, secrets=secrets, places=places)
            for name, inner in value.items()
        }
    if isinstance(value, (list, tuple)):
        return [redact_json(inner, secrets=secrets, places=places) for inner in value]
    return (
        value if value is None or isinstance(value, (bool, int, float)) else redact(str(value), secrets=secrets, places=places)
    )


def _random(text: str) -> bool:
    """Tell whether a long run looks drawn at random: small, great and figures mixed, or hardly a vowel among letters."""
    kinds = (str.islower, str.isupper, str.isdigit)
    return all(any(kind(letter) for letter in text) for kind in kinds) and "/" not in text.strip("/")[:2]
