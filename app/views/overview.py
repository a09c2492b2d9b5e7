"""Overview: what needs you, what changed since you last looked, what is running. No wall of gauges."""

from functools import partial

from PySide6.QtWidgets import QHBoxLayout, QPushButton

from app.engine.base.text import tr
from app.engine.fleet.records import Node
from app.engine.jobs.records import FINISHED, LIVE, Job
from app.views.shell import theme
from app.views.shell.context import Context, hold
from app.views.shell.later import Later
from app.views.shell.page import Page
from app.views.widgets.feed import Entry, Feed
from app.views.widgets.jobs import ago_text, outcome_text, progress_text

_DAY_US = 86_400_000_000
_NEEDS = ("offline", "suspect")


class OverviewPage(Page):
    """The page of the morning."""

    def __init__(self, context: Context) -> None:
        super().__init__(context, tr("Overview"))
        engine = context.engine
        self._seen_us = engine.clock.now_us() - _DAY_US
        self.needs = Feed(tr("Needs you"), tr("Nothing. Every node answers and no job has failed."))
        self.news = Feed(tr("Since you last looked"), tr("Nothing has ended since then."))
        self.running = Feed(tr("Running"), tr("Nothing is running."))
        line = QHBoxLayout()
        line.setSpacing(3 * theme.SPACE)
        for feed in (self.needs, self.news, self.running):
            line.addWidget(feed, 1)
        self.body.addLayout(line, 1)
        self.read = QPushButton(tr("Mark as seen"))
        self.read.setToolTip(tr("Start the middle column anew"))
        self.read.clicked.connect(self._mark)
        self.add_action(self.read)
        self._later = Later(self._tell, 250, self)
        hold(
            self,
            engine.jobs.records.watch(lambda _change: self._later.ask()),
            engine.fleet.records.watch(lambda _change: self._later.ask()),
        )

    def shown(self) -> None:
        """Bring the columns up to date."""
        self._tell()

    def second(self) -> None:
        """Ages have changed."""
        self._later.ask()

    def _mark(self) -> None:
        self._seen_us = self.context.engine.clock.now_us()
        self._tell()

    def _tell(self) -> None:
        if not self.isVisible() and self.needs.count:
            return
        engine = self.context.engine
        nodes, jobs = list(engine.fleet.records), list(engine.jobs.records)
        live = [job for job in jobs if job.state in LIVE]
        ended = sorted(
            (job for job in jobs if job.state in FINISHED and job.ended_us > self._seen_us), key=lambda job: -job.ended_us
        )
        bad = [job for job in ended if job.state in ("failed", "interrupted")]
        self.needs.show_entries([*self._begin(nodes), *self._nodes(nodes), *(self._failed(job) for job in bad)])
        self.news.show_entries([self._ended(job) for job in ended if job not in bad])
        self.running.show_entries([self._live(job) for job in live])
        online = sum(str(node.state) == "online" for node in nodes)
        self.subtitle.setText(
            tr("{online} of {all} nodes online · {jobs} running", online=online, all=len(nodes), jobs=len(live))
        )

    def _begin(self, nodes: list[Node]) -> list[Entry]:
        if nodes:
            return []
        return [
            Entry(
                "begin", "", tr("There are no nodes yet"),
                tr("Six agents of the demo fleet run on this machine, as processes of their own."),
                tr("Start demo fleet"), partial(self.context.start, "fleet.demo", None, nodes=6),
            )
        ]  # fmt: skip

    def _nodes(self, nodes: list[Node]) -> list[Entry]:
        clock = self.context.engine.clock
        return [
            Entry(
                node.id, str(node.state), tr("{node} in {site}", node=node.name, site=node.site or tr("no site")),
                tr("last heard {age}", age=ago_text(clock, node.last_heartbeat_us)),
                tr("Show node"), partial(self._show_node, node.id),
            )
            for node in nodes if str(node.state) in _NEEDS
        ]  # fmt: skip

    def _failed(self, job: Job) -> Entry:
        age = ago_text(self.context.engine.clock, job.ended_us)
        detail = " · ".join(part for part in (outcome_text(job), age) if part)
        return Entry(job.id, job.state, job.title, detail, tr("Show job"), partial(self._show_job, job.id))

    def _ended(self, job: Job) -> Entry:
        return Entry(job.id, job.state, job.title, ago_text(self.context.engine.clock, job.ended_us))

    def _live(self, job: Job) -> Entry:
        cancel = partial(self.context.start, "job.cancel", None, id=job.id)
        ready = job.state != "cancelling"
        return Entry(job.id, job.state, job.title, progress_text(job), tr("Cancel") if ready else "", cancel if ready else None)

    def _show_node(self, key: str) -> None:
        self.context.open_page("fleet")
        self.context.pick(key)

    def _show_job(self, key: str) -> None:
        self.context.open_page("activity")
        self.context.pick(key)
