"""The one function every text passes on its way to a reader, so that it can be spoken in another language.

Source texts are English literals with `{name}` fields; a catalogue maps a source text to its translation.
"""

from collections.abc import Mapping

_catalogue: dict[str, str] = {}


def use_catalogue(catalogue: Mapping[str, str]) -> None:
    """Replace the translations in use; an empty mapping means the English source texts."""
    _catalogue.clear()
    _catalogue.update(catalogue)


def tr(source: str, /, **values: object) -> str:
    """Return `source` in the reader's language with its `{name}` fields filled from `values`."""
    text = _catalogue.get(source, source)
    return text.format(**values) if values else text
