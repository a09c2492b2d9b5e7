"""Overview: what is wrong now by cause, what is new since you last looked, what runs; every figure leads to its place."""

from functools import partial
from typing import Any, Final

from PySide6.QtWidgets import QHBoxLayout, QPushButton

from app.engine.base.text import tr
from app.engine.base.units import bytes_text, count_text
from app.engine.jobs.records import LIVE, Job
from app.engine.observe.alerts import Problem
from app.engine.observe.bulk import items
from app.views.overview_words import detail_of, news_title, title_of
from app.views.shell import theme
from app.views.shell.context import Context, hold
from app.views.shell.hub_words import conflicts_text, hub_text, pending_text
from app.views.shell.later import Later
from app.views.shell.page import Page
from app.views.shell.problems import Problems
from app.views.widgets.feed import Entry, Feed
from app.views.widgets.jobs import ago_text, progress_text
from app.views.widgets.link import Link

_POLL_S: Final = 10


class OverviewPage(Page):
    """The page of the morning."""

    def __init__(self, context: Context) -> None:
        super().__init__(context, tr("Overview"))
        engine = context.engine
        self._problems = context.problems or Problems(engine, self)
        self._news: list[dict[str, Any]] = []
        self._since_us = 0
        self._seconds = 0
        self._status: dict[str, Any] = {}
        self.needs = Feed(tr("Needs you"), tr("Nothing. Every node answers and no job has failed."), more=self._all_nodes)
        self.news = Feed(tr("Since you last looked"), tr("Nothing has ended since then."), more=self._all_activity)
        self.running = Feed(tr("Running"), tr("Nothing is running."), more=self._all_activity)
        self.figures = self._figures()
        line = QHBoxLayout()
        line.setSpacing(3 * theme.SPACE)
        for feed in (self.needs, self.news, self.running):
            line.addWidget(feed, 1)
        self.body.addLayout(line, 1)
        self.read = QPushButton(tr("Mark as seen"))
        self.read.setToolTip(tr("Start the middle column anew, and let go of jobs that failed"))
        self.read.clicked.connect(self._mark)
        self.add_action(self.read)
        self._later = Later(self._tell_soon, 250, self)
        self._ask_later = Later(self._ask, 800, self)
        self._problems.changed.connect(self._later.ask)
        hold(
            self,
            engine.jobs.records.watch(lambda _change: self._changed()),
            engine.fleet.records.watch(lambda _change: self._later.ask()),
        )

    def shown(self) -> None:
        """Bring the columns up to date."""
        self._tell()
        self._ask()

    def second(self) -> None:
        """Ages have changed; figures of the store are asked for now and then."""
        self._later.ask()
        self._seconds += 1
        if self._seconds % _POLL_S == 0 and self.isVisible():
            self._ask()

    # what is asked of the engine

    def _changed(self) -> None:
        self._later.ask()
        if self.isVisible():
            self._ask_later.ask()

    def _ask(self) -> None:
        self.context.start("activity.news", self._take_news)
        self.context.start("status", self._take_status)

    def _take_news(self, answer: Any) -> None:
        self._news, self._since_us = list(answer["news"]), int(answer["since_us"])
        if self._since_us:
            self._problems.seen(self._since_us)
        self._tell()

    def _take_status(self, answer: Any) -> None:
        self._status = dict(answer)
        self.figures["pending"].tell(pending_text(answer))
        self.figures["store"].tell(
            tr("store {size}, {free} free", size=bytes_text(answer["store_bytes"]), free=bytes_text(answer["disk_free_bytes"]))
        )

        self.figures["sent"].tell(tr("{size} sent to nodes today", size=bytes_text(answer["sent_today_bytes"])))
        near, limited = count_text(answer["links_near"]), int(answer["links_limited"])
        self.figures["budgets"].tell(tr("{near} of {n} link budgets nearly spent", near=near, n=limited))
        self.figures["budgets"].setVisible(limited > 0)
        self._tell()

    def _tell_hub(self) -> None:
        told = self._status
        hub = hub_text(told, self.context.engine.clock.now_us()) if told else ""
        for name, text in (("hub", hub), ("conflicts", conflicts_text(told) if told else "")):
            self.figures[name].setVisible(bool(text))
            if text:
                self.figures[name].tell(text)

    def _mark(self) -> None:
        self.context.start("activity.seen", self._marked)

    def _marked(self, answer: Any) -> None:
        self._news, self._since_us = [], int(answer["since_us"])
        self._problems.seen(self._since_us)
        self._tell()

    # what is shown

    def _figures(self) -> dict[str, Link]:
        fleet, sync, activity = (partial(self.context.open_page, name) for name in ("fleet", "sync", "activity"))
        links = {
            "nodes": Link("", fleet, where=tr("Show the fleet")),
            "heard": Link("", fleet, where=tr("Show the fleet")),
            "problems": Link("", fleet, where=tr("Show the fleet")),
            "jobs": Link("", activity, where=tr("Show activity")),
            "sent": Link(tr("sent to nodes today: unknown yet"), fleet, where=tr("Show the fleet")),
            "budgets": Link(tr("link budgets: unknown yet"), fleet, where=tr("Show the fleet")),
            "store": Link(tr("store: unknown yet"), partial(self.context.open_page, "settings"), where=tr("Show the settings")),
            "pending": Link(tr("changes pending: unknown yet"), sync, where=tr("Show sync")),
            "hub": Link(tr("hub: unknown yet"), sync, where=tr("Show sync")),
            "conflicts": Link(tr("conflicts: unknown yet"), sync, where=tr("Show sync")),
        }
        for name in ("budgets", "hub", "conflicts"):
            links[name].hide()
        names = list(links)
        for part in (names[:4], names[4:7], names[7:]):  # in lines: all of them would not fit a small window
            line = QHBoxLayout()
            line.setSpacing(5 * theme.SPACE)
            for name in part:
                line.addWidget(links[name])
            line.addStretch(1)
            self.body.addLayout(line)
        return links

    def _tell_soon(self) -> None:
        if self.isVisible() or not self.needs.count:
            self._tell()

    def _tell(self) -> None:
        self._problems.look()
        engine = self.context.engine
        nodes, jobs = list(engine.fleet.records), list(engine.jobs.records)
        live = items(job for job in jobs if job.state in LIVE)
        found = self._problems.current
        self.needs.show_entries([*self._begin(empty=not nodes), *(self._problem(one) for one in found), *self._met()])
        self.news.show_entries([self._new(item) for item in self._news])
        self.running.show_entries([self._live(job) for job in live])
        online = sum(str(node.state) == "online" for node in nodes)
        heard = max((node.last_heartbeat_us for node in nodes), default=0)
        self.figures["nodes"].tell(tr("{online} of {n} nodes online", online=count_text(online), n=len(nodes)))
        self.figures["heard"].tell(tr("last answer {age}", age=ago_text(engine.clock, heard)))
        self.figures["problems"].tell(tr("{n} problems", n=len(found)))
        self.figures["jobs"].tell(tr("{n} running", n=len(live)))
        self._tell_hub()
        if self._since_us:
            self.subtitle.setText(tr("since {age}", age=ago_text(engine.clock, self._since_us)))

    def _begin(self, *, empty: bool) -> list[Entry]:
        if not empty:
            return []
        return [
            Entry(
                "begin", "", tr("There are no nodes yet"),
                tr("Six agents of the demo fleet run on this machine, as processes of their own."),
                tr("Start demo fleet"), partial(self.context.start, "fleet.demo", None, nodes=6),
                why_not=self.context.why_not("fleet.demo"),
            )
        ]  # fmt: skip

    def _problem(self, problem: Problem) -> Entry:
        clock, first = self.context.engine.clock, problem.first
        title, detail = title_of(problem), detail_of(problem, clock)
        if problem.scope == "job":
            show = partial(self._show_job, first.id)
            return Entry(problem.cause + first.id, first.state, title, detail, tr("Show job"), show, show)
        show = partial(self._show_node, first.id if problem.count == 1 else "")
        node = self.context.engine.fleet.records.get(first.id)
        if problem.count == 1 and node is not None and node.demo and problem.state == "offline":
            restart = partial(self.context.start, "fleet.restart", None, node=first.id)
            why_not = self.context.why_not("fleet.restart")
            return Entry(problem.cause, problem.state, title, detail, tr("Restart node"), restart, show, why_not)
        return Entry(
            problem.cause, problem.state, title, detail, tr("Show node") if problem.count == 1 else tr("Show nodes"), show, show
        )

    def _met(self) -> list[Entry]:
        """Return that values met which wait for a person to choose."""
        n = int(self._status.get("conflicts_count", 0))
        show = partial(self.context.open_page, "sync")
        title, detail = tr("{n} conflicts wait for your choice", n=n), tr("two wrote one field without knowing of each other")
        return [Entry(f"met{n}", "waiting", title, detail, tr("Show conflicts"), show, show)] if n else []

    def _new(self, item: dict[str, Any]) -> Entry:
        title = news_title(item, self.context.engine.table)
        times = tr("{n} times", n=item["count"]) if item["count"] > 1 else ""
        detail = " · ".join(part for part in (times, ago_text(self.context.engine.clock, item["last_us"])) if part)
        key = f"{item['kind']} {item['what']} {item['state']} {item['count']}"
        return Entry(key, str(item["state"]), title, detail, open=partial(self._open, item))

    def _live(self, job: Job) -> Entry:
        cancel = partial(self._cancel, job.id)
        ready = job.state != "cancelling"
        return Entry(
            job.id, job.state, job.title, progress_text(job), tr("Cancel") if ready else "", cancel if ready else None,
            partial(self._show_job, job.id), self.context.why_not("job.cancel"),
        )  # fmt: skip

    # where it leads

    def _cancel(self, item_id: str) -> None:
        from app.engine.observe.bulk import members

        for job in members(self.context.engine.jobs.records, item_id):
            if job.state in ("queued", "running"):
                self.context.start("job.cancel", None, id=job.id)

    def _open(self, item: dict[str, Any]) -> None:
        if item["object_kind"] == "node" and self.context.engine.fleet.records.get(str(item["object"])) is not None:
            self._show_node(str(item["object"]))
        elif item["kind"] == "job":
            self._show_job(str(item["object"]))
        else:
            self._all_activity()

    def _all_nodes(self) -> None:
        self.context.open_page("fleet")

    def _all_activity(self) -> None:
        self.context.open_page("activity")

    def _show_node(self, key: str) -> None:
        self.context.open_page("fleet")
        if key:
            self.context.pick(key)

    def _show_job(self, key: str) -> None:
        self.context.open_page("activity")
        self.context.pick(key)
