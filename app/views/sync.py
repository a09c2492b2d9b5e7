"""Sync: what waits to be handed over and since when, every peer and how we stand with it, and what met on the way."""

from collections.abc import Sequence
from functools import partial
from typing import Any, Final

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QHBoxLayout, QLabel, QPushButton, QSplitter, QVBoxLayout, QWidget

from app.engine.base.text import tr
from app.engine.base.units import bytes_text, count_text, span_text, time_text
from app.engine.sync.records import SHORT, Caller, SyncPeer
from app.engine.sync.rules import Rule
from app.views.shell.context import Context, hold
from app.views.shell.later import Later
from app.views.shell.page import Page, card
from app.views.sync_choice import Choice, Several, conflict_columns
from app.views.widgets.columns import Column
from app.views.widgets.empty import EmptyState
from app.views.widgets.explain import explain, tabbed
from app.views.widgets.table import TablePanel

_EVERY_S: Final = 5
_CONFLICTS: Final = 1  # its tab
_RULES: Final = 3
_SEVERAL: Final = 2


def peer_columns(context: Context) -> list[Column[SyncPeer]]:
    """Return the columns of the table of peers."""

    def age(peer: SyncPeer) -> float | None:
        return max(0, context.engine.clock.now_us() - peer.synced_us) / 1e6 if peer.synced_us else None

    kinds = {"hub": tr("hub"), "console": tr("console"), "bundle": tr("by bundle")}
    return [
        Column("name", tr("Peer"), lambda peer: peer.name or peer.id[:SHORT], width=160),
        Column("device", tr("Device"), lambda peer: peer.id[:SHORT], width=80, mono=True),
        Column("kind", tr("Kind"), lambda peer: peer.kind, lambda kind: kinds.get(kind, kind), 80),
        Column("synced", tr("Last exchange"), age, span_text, 110, right=True, live=True),
        Column("sent", tr("Sent"), lambda peer: peer.sent_bytes, bytes_text, 80, right=True),
        Column("received", tr("Received"), lambda peer: peer.received_bytes, bytes_text, 80, right=True),
        Column("schema", tr("Schema"), lambda peer: peer.schema or None, width=70, right=True),
        Column("error", tr("Last error"), lambda peer: peer.error, width=220,
               token=lambda peer: "bad" if peer.error else "stale"),
        Column("address", tr("Address"), lambda peer: peer.address, width=140, mono=True),
    ]  # fmt: skip


def caller_columns(context: Context) -> list[Column[Caller]]:
    """Return the columns of the table of nodes that call a hub."""

    def age(caller: Caller) -> float:
        return max(0, context.engine.clock.now_us() - caller.heard_us) / 1e6

    return [
        Column("name", tr("Node"), lambda caller: caller.name, width=140),
        Column("known", tr("Paired"), lambda caller: caller.known, lambda known: tr("● yes") if known else tr("○ no"), 80),
        Column("heard", tr("Last heard"), age, span_text, 110, right=True, live=True),
        Column("seen_from", tr("Seen from"), lambda caller: caller.seen_from, width=130, mono=True),
        Column("address", tr("Address in its network"), lambda caller: caller.address, width=170, mono=True),
        Column("id", tr("Device"), lambda caller: caller.id, width=260, mono=True),
    ]


def rule_columns() -> list[Column[Rule]]:
    """Return the columns of the table of rules."""

    def kept(rule: Rule) -> str:
        if rule.lasting:
            return tr("for ever, by its kind")
        return tr("{count} days", count=count_text(rule.keep_days)) if rule.keep_days else tr("for ever")

    return [
        Column("table", tr("Table"), lambda rule: rule.id, width=210, mono=True),
        Column("stays", tr("Its rows"), lambda rule: rule.stays,
               lambda stays: tr("■ stay on this machine") if stays else tr("▶ travel"), 170,
               token=lambda rule: "warn" if rule.stays else "stale"),
        Column("kept", tr("Kept"), kept, width=150),
        Column("rows", tr("Rows"), lambda rule: rule.rows_count, count_text, 80, right=True),
        Column("takes", tr("Erased along"), lambda rule: ", ".join(rule.takes), width=240, mono=True),
        Column("oldest", tr("Unchanged since"), lambda rule: rule.oldest_us or None, time_text, 150),
    ]  # fmt: skip


class SyncPage(Page):
    """Peers above, the conflict inbox below or in a tab of its own; every figure with its age."""

    def __init__(self, context: Context) -> None:
        super().__init__(context, tr("Sync"))
        self._sync, self._status, self._as_of_us, self._seconds = context.engine.sync, dict[str, Any](), 0, 0
        no_peers = EmptyState(
            "refresh-cw", tr("No peers yet"),
            tr("Join a hub, and everything you write here arrives at the other consoles, however long you were away. "
               "Nothing waits for the network."),
            tr("Join a hub"), partial(context.open_command, "sync.join", {}),
        )  # fmt: skip
        nothing_met = EmptyState(
            "info", tr("Nothing met"),
            tr("When two people change one field without knowing of each other, the later one holds, and the other value is "
               "kept here."),
        )  # fmt: skip
        self.peers = TablePanel(self._sync.peers, peer_columns(context), name=tr("Peers"), empty=no_peers)
        self.inbox = TablePanel(self._sync.inbox.records, conflict_columns(), name=tr("Conflicts"), empty=nothing_met)
        nobody_calls = EmptyState(
            "refresh-cw", tr("No node calls"),
            tr("A node that consoles cannot reach from outside calls the hub: outpost agent run --hub. It is seen here after "
               "the next exchange."),
        )  # fmt: skip
        no_rules = EmptyState("info", tr("Rules are being read"), tr("What holds for each table that travels stands here."))
        self.callers = TablePanel(self._sync.callers, caller_columns(context), name=tr("Nodes at the hub"), empty=nobody_calls)
        self.rules = TablePanel(self._sync.keeping.rules, rule_columns(), name=tr("Rules per table"), empty=no_rules)
        self.choice, self.several = Choice(context), Several(context)
        self.said, self.here, self._rules_us = QLabel(), QLabel(), 0
        self.said.setWordWrap(True)
        self._lay_out()
        self.inbox.on_picked(self._show_conflict)
        self.inbox.view.selectionModel().selectionChanged.connect(lambda *_: self._show_conflict(self.inbox.view.picked_key))
        self._later = Later(self._ask, 200, self)
        hold(
            self, self._sync.peers.watch(lambda _change: self._later.ask()),
            self._sync.inbox.records.watch(lambda _change: self._changed()),
        )  # fmt: skip
        self._show_conflict("")
        self._tell()

    def shown(self) -> None:
        """Ask how things stand."""
        self._ask()

    def second(self) -> None:
        """Ages have changed; how things stand is asked now and then."""
        self._seconds += 1
        if self._seconds % _EVERY_S == 0:
            self._ask()
            if self.tabs.currentIndex() == _CONFLICTS:
                self.choice.ask()
            elif self.tabs.currentIndex() == _RULES:
                self._ask_rules()
        self._tell()

    def pick(self, key: str) -> None:
        """Select a conflict, or a peer."""
        table = self.inbox if self._sync.inbox.records.get(key) is not None else self.peers
        self.tabs.setCurrentIndex(_CONFLICTS if table is self.inbox else 0)
        table.model.flush()
        table.view.pick(key)

    def focus_filter(self) -> None:
        """Filter what is shown."""
        (self.peers, self.inbox, self.callers, self.rules)[self.tabs.currentIndex()].focus_filter()

    def _lay_out(self) -> None:
        for command, words in (("sync.join", tr("Join a hub")), ("sync.now", tr("Sync now"))):
            row = self.context.find(command)
            button = QPushButton(words)
            explain(button, self.context.why_not(command) or (tr(row.help) if row is not None else ""))
            button.setEnabled(not self.context.why_not(command))
            if command == "sync.now":
                button.setProperty("primary", True)
                button.clicked.connect(lambda _checked=False: self.context.start("sync.now", lambda _told: self._ask()))
            else:
                button.clicked.connect(lambda _checked=False: self.context.open_command("sync.join", {}))
            self.add_action(button)
        inbox = QSplitter(Qt.Orientation.Vertical)
        inbox.addWidget(self.inbox)
        inbox.addWidget(self.choice)
        inbox.addWidget(self.several)
        inbox.setStretchFactor(0, 1)
        self.tabs = tabbed(tr("Peers and conflicts"))
        self.tabs.addTab(self._peers_part(), tr("Peers"))
        self.tabs.addTab(inbox, tr("Conflicts"))
        self.tabs.addTab(self.callers, tr("Nodes at the hub"))
        self.tabs.addTab(self._rules_part(), tr("Rules"))
        self.tabs.currentChanged.connect(lambda at: self._ask_rules() if at == _RULES else self._tell())
        self.body.addWidget(card(self.said))
        self.body.addWidget(self.tabs, 1)
        self.begin_at(self.peers.view)

    def _peers_part(self) -> QWidget:
        """Return the table of peers with what is done with one: by stick, by its link, or for good."""
        return self._with_commands(self.peers, (
            ("sync.export", tr("Export changes"), "peer"), ("sync.import", tr("Import changes"), ""),
            ("sync.limit", tr("Limit a link"), "peer"), ("sync.leave", tr("Leave a hub"), "peer"),
        ))  # fmt: skip

    def _rules_part(self) -> QWidget:
        """Return the table of rules with what changes them, and which tables none is needed for."""
        self.here.setWordWrap(True)
        self.here.setProperty("role", "muted")
        part = self._with_commands(self.rules, (
            ("sync.rule", tr("Set a rule"), "table"), ("sync.retain", tr("Apply retention"), ""),
            ("sync.erase", tr("Erase a row"), "table"),
        ))  # fmt: skip
        layout = part.layout()
        assert layout is not None
        layout.addWidget(self.here)
        return part

    def _with_commands(self, panel: TablePanel[Any], commands: Sequence[tuple[str, str, str]]) -> QWidget:
        """Return a table above buttons: each opens its command, about the row that is picked where an argument names it."""
        row = QHBoxLayout()
        for command, words, argument in commands:
            button, found = QPushButton(words), self.context.find(command)
            explain(button, self.context.why_not(command) or (tr(found.help) if found is not None else ""))
            button.setEnabled(not self.context.why_not(command))
            button.clicked.connect(partial(self._open, panel, command, argument))
            row.addWidget(button)
        row.addStretch(1)
        part = QWidget()
        column = QVBoxLayout(part)
        column.setContentsMargins(0, 0, 0, 0)
        column.addWidget(panel, 1)
        column.addLayout(row)
        return part

    def _open(self, panel: TablePanel[Any], command: str, argument: str, _checked: bool = False) -> None:
        picked = panel.view.picked_key
        self.context.open_command(command, {argument: picked} if argument and picked else {})

    def _ask(self) -> None:
        self.context.start("sync.status", self._take)

    def _ask_rules(self) -> None:
        self._tell()
        self.context.start("sync.rules", self._take_rules)

    def _take_rules(self, told: dict[str, Any]) -> None:
        self._rules_us = int(told["as_of_us"])
        self.here.setText(tr("Never leave this machine: {tables}.", tables=told["never_leave"]))
        self._tell()

    def _take(self, status: dict[str, Any]) -> None:
        self._status, self._as_of_us = status, self.context.engine.clock.now_us()
        self._tell()

    def _changed(self) -> None:
        self._later.ask()
        self._tell()
        self._show_conflict(self.inbox.view.picked_key)

    def _show_conflict(self, key: str) -> None:
        found = [self._sync.inbox.records.get(each) for each in self.inbox.view.picked_keys()]
        still = [met.id for met in found if met is not None and met.state == "open"]
        self.several.show_keys(still if len(still) > 1 else [])
        self.choice.show_conflict(self._sync.inbox.records.get(key) if key and len(still) < _SEVERAL else None)

    def _tell(self) -> None:
        waiting = sum(met.state == "open" for met in self._sync.inbox.records)
        self.tabs.setTabText(_CONFLICTS, tr("Conflicts ({count})", count=count_text(waiting)) if waiting else tr("Conflicts"))
        self.said.setText(status_text(self._status, self.context.engine.clock.now_us()))
        as_of_us = self._rules_us if self.tabs.currentIndex() == _RULES else self._as_of_us
        age_s = (self.context.engine.clock.now_us() - as_of_us) / 1e6
        told = tr("as of now") if age_s < 1 else tr("as of {span} ago", span=span_text(age_s))
        self.subtitle.setText(told if as_of_us else "")


def status_text(status: dict[str, Any], now_us: int) -> str:
    """Return how sync stands, as a few sentences."""
    if not status:
        return tr("Asking…")
    told = [_pending_text(status, now_us)] if not status["hub"] else []
    if status.get("damage"):
        told.insert(0, tr("{problem}. Save what can be read: outpost store salvage.", problem=status["damage"]))
    if status["busy"]:
        told.append(tr("An exchange is under way."))
    if status.get("copy") == "due":
        told.append(tr("This disk looks like a copy of one that another machine uses, and no hub is asked. If it is, run: "
                       "outpost sync renew. If it was moved here: outpost sync renew --keep."))  # fmt: skip
    elif status.get("copy") == "twin":
        told.append(tr("Another machine exchanges under this console's keys, so one disk is a copy of the other. "
                       "On the copy, run: outpost sync renew."))  # fmt: skip
    elif status.get("elsewhere"):
        told.append(tr("These keys were made on another machine. If this disk was moved here, run: outpost sync renew --keep."))
    if status["clock_skew_s"]:
        told.append(tr("This clock differs from the hub's by {span}; changes are stamped by the hub's.",
                       span=span_text(abs(status["clock_skew_s"]))))  # fmt: skip
    if status.get("undecided"):
        told.append(tr("{n} states wait for the hub's decision: {names}.", n=len(status["undecided"]),
                       names=", ".join(f"{one['table']} → {one['to']}" for one in status["undecided"][:3])))  # fmt: skip
    told += _backup_text(status.get("backup") or {}, now_us)
    told += _hub_text(status["hub"], now_us)
    if status.get("device") and (status["peers"] or status["hub"]):
        told.append(tr("Others know this machine as device {device}.", device=status["device"][:SHORT]))
    return " ".join(told)


def _hub_text(hub: dict[str, Any] | None, now_us: int) -> list[str]:
    if not hub:
        return []
    told = [tr("Serving as a hub at {address}: {consoles} consoles paired, {pushed} changes taken, {pulled} given.",
               address=hub["address"], consoles=count_text(hub["consoles_count"]),
               pushed=count_text(hub.get("pushed", 0)), pulled=count_text(hub.get("pulled", 0)))]  # fmt: skip
    if hub.get("code_ends_us", 0) > now_us:
        told.append(tr("A code lets one console in until {time}.", time=time_text(hub["code_ends_us"])))
    if hub.get("ahead_s"):
        told.append(tr("This hub's clock was ahead once; its own time is {span} later until that has caught up.",
                       span=span_text(hub["ahead_s"])))  # fmt: skip
    return told


def _backup_text(backup: dict[str, Any], now_us: int) -> list[str]:
    if backup.get("problem"):
        return [tr("The last backup could not be restored: {reason}", reason=backup["problem"])]
    if not backup.get("at_us"):
        return []
    age = span_text(max(0, now_us - backup["at_us"]) / 1e6)
    return [
        tr("Backed up {span} ago; a restore was tried and had {count} rows.", span=age, count=count_text(backup["rows_count"]))
    ]


def _pending_text(status: dict[str, Any], now_us: int) -> str:
    if not any(peer["kind"] == "hub" for peer in status["peers"]):
        kinds = {peer["kind"] for peer in status["peers"]}
        if "console" in kinds:
            return tr("This home is a hub, and is not served now.")
        if "bundle" in kinds:
            return tr("No hub is joined; changes travel by bundle alone.")
        return tr("No hub is joined; everything stays on this machine.")
    if not status["pending_count"]:
        return tr("Nothing waits: the hub has every change.")
    age_s = max(0, now_us - status["oldest_pending_us"]) / 1e6
    return tr("{count} changes wait to be handed over, the oldest for {span}.", n=status["pending_count"],
              count=count_text(status["pending_count"]), span=span_text(age_s))  # fmt: skip
