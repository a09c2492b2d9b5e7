"""The nodes of one rollout as a table: how far each is, by which way it came, and why it failed or waits."""

from collections.abc import Iterable, Sequence

from app.engine.base.records import Records
from app.engine.base.text import tr
from app.engine.base.units import bytes_text, ratio_text
from app.engine.fleet.rollout.records import Task
from app.engine.fleet.rollout.states import BAD, GOOD, MOVING, READY
from app.engine.fleet.rollout.words import word_of
from app.views.widgets.columns import Column
from app.views.widgets.state import shape_of, token_of
from app.views.widgets.table import TablePanel


def look_of(task: Task) -> str:
    """Return how a node's mark looks: done, failed, on its way, silent, or not begun."""
    if task.state in GOOD:
        return "done"
    if task.state in BAD:
        return "failed"
    if task.state == "unknown":
        return "suspect"
    return "running" if task.state in (*MOVING, *READY) else "queued"


class NodesTable(TablePanel[Task]):
    """Follows the tasks of the rollout it is shown; of many only those that changed are told."""

    def __init__(self) -> None:
        self._tasks: Records[Task] = Records(lambda task: task.node_id, "node")
        self._groups: tuple[str, ...] = ()
        self._key = ""
        super().__init__(self._tasks, self._columns(), name=tr("Nodes of the rollout"))

    def show_tasks(self, key: str, groups: Sequence[str], tasks: Iterable[Task]) -> None:
        """Show `tasks` of the rollout `key`, whose groups are called `groups`."""
        self._groups = tuple(groups)
        tasks = tuple(tasks)
        if key != self._key:
            self._key = key
            self._tasks.discard(*(task.node_id for task in self._tasks))
        self._tasks.put(*(task for task in tasks if self._tasks.get(task.node_id) is not task))
        if len(self._tasks) > len(tasks):
            self._tasks.replace_all(tasks)

    def _columns(self) -> list[Column[Task]]:
        return [
            Column("name", tr("Node"), lambda task: task.name, width=96),
            Column("group", tr("Group"), self._group_of, width=72),
            Column("state", tr("State"), lambda task: task.state, width=130, say=_state_words,
                   token=lambda task: token_of(look_of(task))),
            Column("site", tr("Site"), lambda task: task.site or None, width=80),
            Column("way", tr("Way"), lambda task: task.way or None, width=56,
                   hint=tr("How the artifact came: whole, or as a delta")),
            Column("sent", tr("Sent"), lambda task: task.bytes_sent or None, bytes_text, 72, right=True),
            Column("agreement", tr("Agreement"), lambda task: task.agreement_ratio, ratio_text, 80, right=True, spare=True),
            Column("before", tr("Had version"), lambda task: task.before or None, width=80, right=True, spare=True),
            Column("why", tr("Why"), lambda task: task.reason or None, width=200),
        ]  # fmt: skip

    def _group_of(self, task: Task) -> str | None:
        return self._groups[task.group] if task.group < len(self._groups) else None


def _state_words(task: Task) -> str:
    return f"{shape_of(look_of(task))} {word_of(task.state)}"
