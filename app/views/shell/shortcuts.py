"""Shortcuts as a table: each has a name, a default and a meaning; a person's own are kept in the setting `view.keys`.

The setting reads `palette=Ctrl+K; refresh=F5`. Two actions never share keys: the later change is refused, with the reason.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from PySide6.QtCore import QObject
from PySide6.QtGui import QKeySequence, QShortcut
from PySide6.QtWidgets import QWidget

from app.engine.base.errors import BadInput
from app.engine.base.text import tr

SETTING: Final = "view.keys"


@dataclass(frozen=True)
class Binding:
    """One action: its name in the setting, its default keys, what it says and does."""

    name: str
    keys: str
    title: str
    act: Callable[[], None]


class Shortcuts(QObject):
    """The shortcuts of a window, with a person's own keys in place of the defaults."""

    def __init__(self, window: QWidget, bindings: Iterable[Binding], own: str) -> None:
        super().__init__(window)
        self.bindings = {binding.name: binding for binding in bindings}
        self._own: dict[str, str] = {}
        self._made = {name: QShortcut(window) for name in self.bindings}
        for name, made in self._made.items():
            made.activated.connect(self.bindings[name].act)
        self.take(own)

    def keys_of(self, name: str) -> str:
        """Return the keys of an action, as people read them; empty when it has none."""
        return self._own.get(name, self.bindings[name].keys)

    def is_own(self, name: str) -> bool:
        """Tell whether the keys of an action are not the default."""
        return name in self._own

    def take(self, text: str) -> None:
        """Use the keys written in the setting; what is not understood or taken twice keeps its default."""
        self._own = {}
        for name, keys in parsed(text).items():
            if name in self.bindings and not self.conflict(name, keys):
                self._own[name] = keys
        for name, made in self._made.items():
            made.setKey(QKeySequence(self.keys_of(name)))

    def conflict(self, name: str, keys: str) -> str:
        """Return the title of the other action that has these keys; empty when they are free."""
        wanted = QKeySequence(keys)
        if wanted.isEmpty():
            return ""
        exact = QKeySequence.SequenceMatch.NoMatch
        for other, binding in self.bindings.items():
            held = QKeySequence(self.keys_of(other))
            if other != name and not held.isEmpty() and (wanted.matches(held) != exact or held.matches(wanted) != exact):
                return binding.title
        return ""

    def with_keys(self, name: str, keys: str) -> str:
        """Return the setting's text with other keys for one action; raise `BadInput` when they are taken."""
        if title := self.conflict(name, keys):
            raise BadInput("{keys} is taken by: {title}", keys=keys, title=title)
        own = {**self._own, name: keys}
        if QKeySequence(keys) == QKeySequence(self.bindings[name].keys):
            own.pop(name)
        return written(own)

    def hint(self, name: str) -> str:
        """Return the keys in brackets, for a tool tip."""
        keys = self.keys_of(name)
        return tr(" ({keys})", keys=keys) if keys else ""


def parsed(text: str) -> dict[str, str]:
    """Return the keys by action in a setting's text."""
    pairs = (part.partition("=") for part in text.split(";"))
    return {name.strip(): QKeySequence(keys.strip()).toString() for name, sign, keys in pairs if sign and name.strip()}


def written(own: Mapping[str, str]) -> str:
    """Return a setting's text."""
    return "; ".join(f"{name}={keys}" for name, keys in sorted(own.items()))
