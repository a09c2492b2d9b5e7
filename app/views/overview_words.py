"""What is said of a problem: its title, what it most likely is, and of a piece of news what happened."""

from collections.abc import Mapping
from typing import Any

from app.engine.base.clock import Clock
from app.engine.base.command import CommandTable
from app.engine.base.errors import Missing
from app.engine.base.text import tr
from app.engine.observe.alerts import Problem
from app.views.widgets.jobs import ago_text
from app.views.widgets.state import words


def title_of(problem: Problem) -> str:
    """Return the line that names `problem`."""
    first, n = problem.first, problem.count
    if problem.scope == "fleet":
        return tr("None of the {n} nodes answers", n=n)
    if problem.scope == "site":
        return tr("{site}: all {n} nodes are silent", site=problem.place, n=n)
    if problem.scope == "reason":
        return tr("{n} nodes tell the same trouble", n=n)
    if problem.scope == "flapping":
        return tr("{node} comes and goes", node=first.name)
    if problem.scope == "node":
        return tr("{node} in {site}", node=first.name, site=first.place or tr("no site"))
    return first.name if n == 1 else tr("{job} and {n} more failed alike", job=first.name, n=n - 1)


def detail_of(problem: Problem, clock: Clock) -> str:
    """Return the likely cause, and how old the problem is."""
    heard = tr("last heard {age}", age=ago_text(clock, max((sign.since_us for sign in problem.signs), default=0)))
    said = {
        "fleet": tr("most likely the link of this machine: look at cable, Wi-Fi or VPN"),
        "site": tr("most likely the link or the power of the site"),
        "reason": problem.reason, "flapping": tr("four changes or more within ten minutes: look at its link"),
        "node": problem.reason,
    }  # fmt: skip
    if problem.scope in said:
        return " · ".join(part for part in (said[problem.scope], heard) if part)
    return " · ".join(part for part in (problem.reason, ago_text(clock, problem.since_us)) if part)


def news_title(item: Mapping[str, Any], table: CommandTable) -> str:
    """Return what happened, in one line for all that is alike."""
    things = _things(item)
    if item["kind"] == "command":
        try:
            title = tr(table.need(str(item["what"])).title)
        except Missing:
            title = str(item["what"])
        return tr("{what}: {things}", what=title, things=things) if item["object"] else title
    if item["kind"] == "job":
        return things
    said = event_words().get(str(item["what"]), str(item["what"]))
    state = words().get(str(item["state"]), str(item["state"]))
    return tr("{things}: {what} {state}", things=things, what=said, state=state).strip() if things else said


def _things(item: Mapping[str, Any]) -> str:
    named = ", ".join(str(name) for name in item["objects"] if name)
    return tr("{things} and {n} more", things=named, n=item["more"]) if item["more"] else named


def event_words() -> dict[str, str]:
    """Return what is said of each event of the bus; one that is not here is called by its name."""
    return {
        "engine.started": tr("Outpost started"), "node.paired": tr("paired"), "node.removed": tr("removed"),
        "node.state_changed": tr("now"), "telemetry.lost": tr("some telemetry is lost"), "model.activated": tr("took a model"),
        "round.finished": tr("round aggregated"), "setting.changed": tr("setting changed"),
        "sync.finished": tr("exchanged changes"),
        "store.troubled": tr("the store could not write"),
    }  # fmt: skip
