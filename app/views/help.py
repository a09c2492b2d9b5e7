"""Help: the manual of every command, the shortcuts, what was promised and measured, and the licences of what came along."""

from functools import lru_cache
from importlib import metadata
from typing import Final

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QPushButton, QSplitter, QTextBrowser

from app.engine.base.command import Arg, Command
from app.engine.base.records import Records
from app.engine.base.text import tr
from app.views.claims import ClaimsView
from app.views.shell import theme
from app.views.shell.context import Context
from app.views.shell.fields import range_of
from app.views.shell.forms import command_line
from app.views.shell.page import Page
from app.views.widgets.columns import Column
from app.views.widgets.explain import explain, tabbed
from app.views.widgets.table import TablePanel

Package = tuple[str, str, str]  # name, version, licence
_LONGEST: Final = 60


class HelpPage(Page):
    """Everything there is to read."""

    def __init__(self, context: Context) -> None:
        super().__init__(context, tr("Help"))
        self.manual = Manual(context)
        self.claims = ClaimsView(context)
        self.licences = Licences()
        self.tabs = tabbed(tr("Manual, claims and licences"))
        self.tabs.setDocumentMode(True)
        self.tabs.addTab(self.manual, tr("Manual"))
        self.tabs.addTab(self.claims, tr("Claims"))
        self.tabs.addTab(self.licences, tr("Licences"))
        self.tabs.currentChanged.connect(lambda _at: self._tab_shown())
        self.keys = QPushButton(tr("Keys"))
        explain(self.keys, tr("Show every shortcut, and give actions keys of your own (?)"))
        self.keys.clicked.connect(lambda _checked=False: context.show_keys())
        self.add_action(self.keys)
        self.body.addWidget(self.tabs, 1)
        self.begin_at(self.manual.table.view)

    def shown(self) -> None:
        """Show the first command when none is picked yet."""
        self.manual.table.model.flush()
        if not self.manual.table.view.picked_key:
            self.manual.table.view.selectRow(0)
        self._tab_shown()

    def pick(self, key: str) -> None:
        """Show the manual of one command."""
        self.tabs.setCurrentWidget(self.manual)
        self.manual.table.view.pick(key)

    def focus_filter(self) -> None:
        """Search the open tab."""
        tab = self.tabs.currentWidget()
        panel = self.manual.table if tab is self.manual else tab
        if isinstance(panel, TablePanel):
            panel.focus_filter()

    def _tab_shown(self) -> None:
        if self.tabs.currentWidget() is self.claims:
            self.claims.ask()
        elif self.tabs.currentWidget() is self.licences:
            self.licences.ask()


class Manual(QSplitter):
    """Every command at the left, the page of the picked one at the right; the text is that of the command line."""

    def __init__(self, context: Context) -> None:
        super().__init__(Qt.Orientation.Horizontal)
        self._context = context
        rows: Records[Command] = Records(lambda row: row.id, "command")
        rows.put(*context.engine.table)
        columns: list[Column[Command]] = [
            Column("command", tr("Command"), lambda row: row.id.replace(".", " "), width=150, mono=True),
            Column("title", tr("Title"), lambda row: tr(row.title), width=220),
            Column("role", tr("Needs"), lambda row: row.role.name.lower(), width=80),
        ]
        self.table = TablePanel(rows, columns, name=tr("Commands"))
        self.text = QTextBrowser()
        self.text.setAccessibleName(tr("Manual page"))
        self.text.setAccessibleDescription(tr("The command picked in the table; arrows and the Page keys scroll"))
        self.text.setOpenLinks(False)
        self.text.document().setDocumentMargin(3 * theme.SPACE)
        self.addWidget(self.table)
        self.addWidget(self.text)
        self.setStretchFactor(1, 1)
        self.setSizes([480, 700])
        self.setChildrenCollapsible(False)
        self.table.on_picked(self._picked)
        self.table.view.opened.connect(lambda key: context.open_command(key, {}))

    def _picked(self, key: str) -> None:
        row = self._context.find(key) if key else None
        if row is not None:
            self.text.setMarkdown(manual_page(row))


def manual_page(row: Command) -> str:
    """Return one command's page as Markdown, in the reader's language."""
    parts = [f"## {tr(row.title)}", tr(row.help), f"    {command_line(row, {})}"]
    if row.args:
        parts.append("\n".join(_argument(arg) for arg in row.args))
    parts.append(tr("Needs the role {role}.", role=row.role.name.lower()))
    if row.returns:
        parts.append(tr("Returns `{what}`.", what=row.returns))
    parts.append(tr("Return opens its form."))
    return "\n\n".join(parts)


def _argument(arg: Arg) -> str:
    told = [tr(arg.help)]
    if arg.choices:
        told.append(tr("One of {choices}.", choices=", ".join(arg.choices)))
    if spread := range_of(arg):
        told.append(tr("Range: {range}.", range=f"{spread} {arg.unit}".strip()))
    if not arg.required and arg.default not in (None, ""):
        told.append(tr("Default: {value}.", value=f"{arg.default} {arg.unit}".strip()))
    return f"- **{arg.name}** {' '.join(told)}"


class Licences(TablePanel[Package]):
    """What this installation is made of, with the licence each part states."""

    def __init__(self) -> None:
        self._packages: Records[Package] = Records(lambda row: row[0], "package")
        columns: list[Column[Package]] = [
            Column("name", tr("Part"), lambda row: row[0], width=260),
            Column("version", tr("Version"), lambda row: row[1], width=120, mono=True),
            Column("licence", tr("Licence"), lambda row: row[2] or None, width=420),
        ]
        super().__init__(self._packages, columns, name=tr("Licences"), row_px=theme.COMPACT_ROW_PX)

    def ask(self) -> None:
        """Read them, once."""
        if not len(self._packages):
            self._packages.put(*packages())


@lru_cache(maxsize=1)
def packages() -> tuple[Package, ...]:
    """Return every package of this environment, and the fonts and drawings that are shipped."""
    shipped = [
        ("Inter", "", "OFL-1.1"),
        ("JetBrains Mono", "", "OFL-1.1"),
        ("Lucide", "", "ISC"),
    ]
    found = {
        part.name.casefold(): (part.name, part.version, _licence(part.metadata))
        for part in metadata.distributions()
        if part.name
    }
    return (*shipped, *(found[name] for name in sorted(found)))


def _licence(said: metadata.PackageMetadata) -> str:
    """Return the licence a package states: its SPDX expression, else its classifier, else the first line of its text."""
    if expression := said.get_all("License-Expression"):
        return str(expression[0])
    lines = said.get_all("Classifier") or []
    if classified := [line.rpartition("::")[2].strip() for line in lines if line.startswith("License ::")]:
        return ", ".join(classified)
    text = "".join(said.get_all("License") or []).strip().splitlines()
    return text[0][:_LONGEST] if text else ""
