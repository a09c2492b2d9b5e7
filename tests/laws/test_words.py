"""Every text a person reads passes one function, and every error is a literal template with its values beside it."""

import ast
import re
import string

from app.engine.base.errors import TREE
from tests.laws.tree import dotted, files, findings, nodes_of

SHOWN = frozenset({
    "QLabel", "QPushButton", "QToolButton", "QCheckBox", "QRadioButton", "QGroupBox", "QAction", "QMenu", "QDockWidget",
    "QToolBar", "QCommandLinkButton", "QTableWidgetItem", "QListWidgetItem", "QTreeWidgetItem", "QMessageBox",
    "setText", "setTitle", "setWindowTitle", "setToolTip", "setPlaceholderText", "setStatusTip", "setWhatsThis",
    "setAccessibleName", "setAccessibleDescription", "setTabText", "setTabToolTip", "setHeaderLabels",
    "setHorizontalHeaderLabels", "setInformativeText", "setDetailedText", "setLabelText", "setSuffix", "setPrefix",
    "setSpecialValueText", "setButtonText", "setIconText", "addAction", "addMenu", "addTab", "addItem", "addItems",
    "addRow", "addSection", "insertTab", "insertItem", "showMessage", "information", "warning", "critical", "question",
    "about", "getText", "getOpenFileName", "getSaveFileName", "getExistingDirectory", "setNameFilter", "setFormat",
    "drawText", "drawStaticText", "setLabel", "setHtml", "setPlainText", "setMarkdown",
})  # fmt: skip
ERRORS = frozenset(kind.__name__ for kind in TREE)
LOGS = ("log.", "logging.", "logger.", "warnings.")
BOASTS = re.compile(r"\b(successfully|oops|whoops|sorry)\b", re.IGNORECASE)
# Sides of a plot are names of Qt's neighbour; the time standard is called so everywhere.
SAME_EVERYWHERE = {"left", "right", "top", "bottom", "UTC"}
VIEWS = (*files("app/views"), *files("app/console.py"))


def _raw(node):
    """Yield the literals with letters in them that an argument shows as they stand."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        if any(letter.isalpha() for letter in node.value) and node.value.strip() not in SAME_EVERYWHERE:
            yield node
    elif isinstance(node, ast.JoinedStr):
        for part in node.values:
            if isinstance(part, ast.Constant):
                yield from _raw(part)
    elif isinstance(node, ast.BinOp):
        yield from (*_raw(node.left), *_raw(node.right))
    elif isinstance(node, ast.IfExp):
        yield from (*_raw(node.body), *_raw(node.orelse))
    elif isinstance(node, (ast.List, ast.Tuple)):
        for item in node.elts:
            yield from _raw(item)


def _shown(path):
    for call in nodes_of(path):
        if isinstance(call, ast.Call) and _short(call) in SHOWN and not dotted(call.func).startswith(LOGS):
            named = (word.value for word in call.keywords if word.arg in ("text", "title", "units"))
            for argument in (*call.args, *named):
                yield from (f"{literal.lineno}: {_short(call)}({literal.value!r})" for literal in _raw(argument))


def _short(call):
    return dotted(call.func).rpartition(".")[2]


def test_every_text_a_view_shows_passes_the_translation():
    assert findings(VIEWS, _shown) == {}


def _put_together(path):
    for call in nodes_of(path):
        if isinstance(call, ast.Call) and dotted(call.func) == "tr" and isinstance(call.args[0], (ast.JoinedStr, ast.BinOp)):
            yield from (call.lineno for _ in _raw(call.args[0]))


def test_translated_sources_are_never_put_together_first():
    assert findings(files("app", "outpost.py"), _put_together) == {}


def _bad_errors(path):
    for call in nodes_of(path):
        if isinstance(call, ast.Call) and dotted(call.func) in ERRORS:
            first = call.args[0] if len(call.args) == 1 else None
            if not (isinstance(first, ast.Constant) and isinstance(first.value, str)):
                yield f"{call.lineno}: the first and only argument must be a literal"
            elif missing := _fields(call, first) - {word.arg for word in call.keywords}:
                yield f"{call.lineno}: no value for {sorted(missing)}"


def _fields(call, first):
    """Return the fields of template and hint; none when values come as a mapping that cannot be seen here."""
    if any(word.arg is None for word in call.keywords):
        return set()
    hints = [w.value.value for w in call.keywords if w.arg == "hint" and isinstance(w.value, ast.Constant)]
    return {name for text in (first.value, *hints) for _, name, _, _ in string.Formatter().parse(text) if name is not None}


def test_errors_get_a_literal_template_and_a_value_for_each_field():
    assert findings(files("app"), _bad_errors) == {}


def _loud(path):
    for node in nodes_of(path):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield from (f"{node.lineno}: {word}" for word in BOASTS.findall(node.value))


def test_no_text_boasts_or_apologises():
    assert findings(files("app", "outpost.py"), _loud) == {}


def test_numbers_and_times_of_the_window_have_the_signs_of_the_readers_language():
    grouped = re.compile(r"\{[^{}]*:[+ ]?(?:,|\.[1-9]|\.0%|[0-9.,]*[gGeE%]\})[^{}]*\}?|\.strftime\(")

    def raw(path):
        lines = path.read_text("utf-8").splitlines()
        return [f"{number}: {line.strip()}" for number, line in enumerate(lines, 1) if grouped.search(line)]

    assert findings(files("app/views"), raw) == {}


NUMERIC = re.compile(r"(,|\.[1-9]|.*[gGeE%]$)")


def _formatted(path):
    """Yield the numbers formatted by hand in what is said to a reader: `tr` or an error, and their values."""
    for call in nodes_of(path):
        if isinstance(call, ast.Call) and (dotted(call.func) == "tr" or dotted(call.func) in ERRORS):
            for part in ast.walk(call):
                if isinstance(part, ast.FormattedValue) and part.format_spec is not None:
                    spec = "".join(one.value for one in part.format_spec.values if isinstance(one, ast.Constant))
                    yield from (f"{part.lineno}: {spec}" for _ in NUMERIC.findall(spec)[:1])
            template = call.args[0] if call.args else None
            if isinstance(template, ast.Constant) and isinstance(template.value, str):
                specs = [spec or "" for _, _, spec, _ in string.Formatter().parse(template.value)]
                yield from (f"{call.lineno}: {spec}" for spec in specs if NUMERIC.match(spec))


def test_numbers_in_sentences_of_the_engine_have_the_signs_of_the_readers_language():
    assert findings(files("app/engine", "app/agent", "app/commands", "app/wire"), _formatted) == {}
