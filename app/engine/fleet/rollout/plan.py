"""The plan of a rollout before anything happens: who, in which group, who not and why, bytes and time at each link.

A group is written `5` (so many nodes), `10%` (of all targets, rounded up), `label.ring=canary` or `rest`; what no group takes
joins the last one.
"""

import math
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from app.engine.base.errors import BadInput
from app.engine.base.text import tr
from app.engine.fleet.rollout.records import OFFLINE_POLICIES, RATES, Group, Link, Rollout, Spec, Task, Window
from app.engine.fleet.rollout.words import word_of

_LABEL: Final = re.compile(r"label\.([\w.-]+)\s*={1,2}\s*(.+)")
_WINDOW: Final = re.compile(r"(?:([a-z,]+)\s+)?(\d\d):(\d\d)-(\d\d):(\d\d)")
_DAYS: Final = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


@dataclass(frozen=True)
class Site:
    """What the plan must know of one node: `has` is the version of the model it runs (0: none)."""

    id: str
    name: str
    state: str
    site: str = ""
    labels: Mapping[str, Any] = field(default_factory=dict)
    has: int = 0
    bytes_s: int = 0
    bytes_day: int = 0


@dataclass(frozen=True)
class Plan:
    """A whole plan; `undo` says how many nodes go back to which version if it is undone."""

    groups: tuple[Group, ...]
    tasks: tuple[Task, ...]
    excluded: tuple[tuple[str, str], ...]
    links: tuple[Link, ...]
    undo: Mapping[int, int]
    needs_approval: bool


def make_plan(version: int, sites: Sequence[Site], spec: Spec, bytes_for: Callable[[int], int], why: Mapping[str, str]) -> Plan:
    """Return the plan of bringing `version` to `sites`; `bytes_for(version it has)` is what a node is sent.

    `why` holds nodes already ruled out, as name: reason. Raises `BadInput` for a spec that cannot be.
    """
    check_spec(spec)
    excluded = [*why.items()]
    able: list[Site] = []
    for site in sorted(sites, key=lambda each: (each.name, each.id)):
        reason = _why_not(site, version, spec, bytes_for)
        if reason:
            excluded.append((site.name, reason))
        else:
            able.append(site)
    places = _places(able, spec.groups)
    tasks = tuple(
        Task(
            node_id=site.id, name=site.name, group=places[site.id], before=site.has, site=site.site,
            bytes_planned=bytes_for(site.has),
        )
        for site in able
    )  # fmt: skip
    undo: dict[int, int] = {}
    for site in able:
        undo[site.has] = undo.get(site.has, 0) + 1
    groups = tuple(Group(rule, "ready") for rule in spec.groups)
    above = bool(spec.approve_above) and len(able) > spec.approve_above
    return Plan(groups, tasks, tuple(excluded), _links(able, tasks, spec), undo, above)


def plan_of(rollout: Rollout, tasks: Iterable[Task]) -> Plan:
    """Return the plan that a kept rollout was made from; links of one kept by an older version have no times."""
    tasks = tuple(sorted(tasks, key=lambda task: (task.group, task.name, task.node_id)))
    undo: dict[int, int] = {}
    sites: dict[str, list[Task]] = {}
    for task in tasks:
        undo[task.before] = undo.get(task.before, 0) + 1
        sites.setdefault(task.site or task.name, []).append(task)
    links = rollout.links or tuple(
        Link(site, len(each), sum(task.bytes_planned for task in each), None) for site, each in sorted(sites.items())
    )
    groups = tuple(Group(group.name, "ready") for group in rollout.groups)
    above = bool(rollout.spec.approve_above) and len(tasks) > rollout.spec.approve_above
    return Plan(groups, tasks, rollout.excluded, links, undo, above)


def check_spec(spec: Spec) -> None:
    """Raise `BadInput` that names what cannot be."""
    if not spec.groups:
        raise BadInput("A rollout needs a group", field="groups", hint="Write rest for all at once.")
    for rule in spec.groups:
        _check_rule(rule)
    if spec.offline not in OFFLINE_POLICIES:
        raise BadInput("{policy} is no offline policy", policy=spec.offline, field="offline", hint="wait, skip or count")
    if spec.rate.kind not in RATES:
        raise BadInput("{kind} is no kind of rate", kind=spec.rate.kind, field="rate", hint="constant or exponential")


def parse_window(text: str) -> Window:
    """Return the window in `text`, as 22:00-04:00 or sat,sun 08:00-18:00 (UTC); raise `BadInput`."""
    found = _WINDOW.fullmatch(text.strip().lower())
    days = tuple(_DAYS.index(day) for day in found[1].split(",") if day in _DAYS) if found and found[1] else ()
    if found is None or (found[1] and len(days) != len(found[1].split(","))):
        raise BadInput(
            "{text} is no maintenance window", text=text, field="window", hint="Write 22:00-04:00 or sat,sun 08:00-18:00 (UTC)."
        )
    hours = [int(part) for part in found.groups()[1:]]
    start_s, end_s = hours[0] * 3600 + hours[1] * 60, hours[2] * 3600 + hours[3] * 60
    if max(hours[0], hours[2]) > 23 or max(hours[1], hours[3]) > 59:
        raise BadInput("{text} is no time of day", text=text, field="window")
    return Window(start_s, end_s, days)


def _check_rule(rule: str) -> None:
    if rule == "rest" or _LABEL.fullmatch(rule):
        return
    number = rule.removesuffix("%")
    if not number.isascii() or not number.isdigit() or int(number) < 1 or (rule.endswith("%") and int(number) > 100):
        raise BadInput(
            "{rule} is no group", rule=rule, field="groups", hint="Write 5, 10%, label.ring=canary or rest, parted by commas."
        )


def _places(able: Sequence[Site], rules: Sequence[str]) -> dict[str, int]:
    places: dict[str, int] = {}
    for index, rule in enumerate(rules):
        left = [site for site in able if site.id not in places]
        last = index == len(rules) - 1
        for site in left if last else _taken(rule, left, len(able)):
            places[site.id] = index
    return places


def _taken(rule: str, left: Sequence[Site], count: int) -> Iterable[Site]:
    if rule == "rest":
        return left
    if (label := _LABEL.fullmatch(rule)) is not None:
        return [site for site in left if str(site.labels.get(label[1], "")).lower() == label[2].strip("'\" ").lower()]
    if rule.endswith("%"):
        return left[: math.ceil(count * int(rule[:-1]) / 100)]
    return left[: int(rule)]


def _why_not(site: Site, version: int, spec: Spec, bytes_for: Callable[[int], int]) -> str:
    if site.state in ("decommissioned", "maintenance"):
        return word_of(site.state)
    if site.has == version:
        return tr("it has this version")
    if site.has > version and not spec.downgrade:
        return tr("it has a later version")
    if site.bytes_day and bytes_for(site.has) > site.bytes_day:
        return tr("more than its link may carry in a day")
    return ""


def _links(able: Sequence[Site], tasks: Sequence[Task], spec: Spec) -> tuple[Link, ...]:
    by_site: dict[str, list[tuple[Site, Task]]] = {}
    for site, task in zip(able, tasks, strict=True):
        by_site.setdefault(site.site or site.name, []).append((site, task))
    return tuple(_link(name, pairs, spec) for name, pairs in sorted(by_site.items()))


def _link(name: str, pairs: Sequence[tuple[Site, Task]], spec: Spec) -> Link:
    """Return a site's link: nodes share the site's budget, and none is faster than its own."""
    total = sum(task.bytes_planned for _, task in pairs)
    own = [task.bytes_planned / site.bytes_s for site, task in pairs if site.bytes_s]
    times = [max(own)] if len(own) == len(pairs) else []
    if spec.site_bytes_s:
        times.append(total / spec.site_bytes_s)
    return Link(name, len(pairs), total, max(times) if times else None)
