"""The fleet's query language in the filter field of a table: completion while typing, mistakes told where they stand."""

import re
from collections.abc import Callable
from typing import Final

from PySide6.QtCore import QModelIndex, QPersistentModelIndex, QStringListModel, Qt
from PySide6.QtWidgets import QCompleter, QLineEdit

from app.engine.base.clock import Clock
from app.engine.base.errors import BadInput
from app.engine.base.records import Records
from app.engine.base.text import tr
from app.engine.fleet.query import compile_query
from app.engine.fleet.query.complete import complete
from app.engine.fleet.records import Node
from app.views.shell import theme
from app.views.widgets.table_model import RecordsModel

_QUERY: Final = re.compile(r"""[=<>~"'()!]|\b(?:and|or|not|in)\b|\blabel\.""")
_MOST_WORDS: Final = 40


class QueryCompleter(QCompleter):
    """Offers what could come next in a query; choosing a word replaces the one being typed."""

    def __init__(self, field: QLineEdit, nodes: Records[Node], clock: Clock) -> None:
        super().__init__(field)
        self._nodes, self._clock = nodes, clock
        self._head = ""
        self._words = QStringListModel([], self)
        self.setModel(self._words)
        self.setCaseSensitivity(Qt.CaseSensitivity.CaseInsensitive)
        self.setCompletionMode(QCompleter.CompletionMode.PopupCompletion)
        theme.dress(self.popup())

    def splitPath(self, path: str) -> list[str]:
        """Look up what fits at the end of `path`; the words are chosen already, so none is left to match."""
        offered = complete(path, len(path), list(self._nodes), self._clock.now_us())
        self._head = path[: offered.begin]
        typed = path[offered.begin :]
        words = [word for word, _help in offered.words if word != typed][:_MOST_WORDS]
        self._words.setStringList(words if path.strip() else [])
        return [""]

    def pathFromIndex(self, index: QModelIndex | QPersistentModelIndex) -> str:
        """Return the whole text with the chosen word in its place."""
        return self._head + str(index.data(Qt.ItemDataRole.DisplayRole))


class QueryFilter:
    """Makes a table of nodes understand queries; plain words still filter as in every table."""

    def __init__(self, field: QLineEdit, model: RecordsModel[Node], nodes: Records[Node], clock: Clock) -> None:
        self._field, self._clock = field, clock
        field.setPlaceholderText(tr('Filter… words, or site == "north" and mem < 80%'))
        field.setCompleter(QueryCompleter(field, nodes, clock))
        model.reader = self.read

    def read(self, text: str) -> Callable[[Node], bool] | None:
        """Return the rule of a query, or None for plain words; a mistake is told beside the field."""
        self._field.setToolTip("")
        if not _QUERY.search(text):
            return None
        try:
            match = compile_query(text)
        except BadInput as error:
            self._field.setToolTip(str(error))
            return None
        return lambda node: match(node, self._clock.now_us())
