"""Writes docs/rollouts.md, the state machines as pictures from the data that runs.

Run it with `python -m app.engine.fleet.rollout.manual`.
"""

from pathlib import Path
from typing import Final

from app.engine.fleet.rollout.states import BAD, GONE, GOOD, MACHINES

_WORDS: Final = """# Rollouts

A rollout brings one version of a model to many nodes, group by group. It is planned first (`outpost rollout plan`): who gets
it, who does not and why, bytes and time at each site's link, and what undoing it would mean. Nothing happens before
`outpost rollout start`. `outpost rollout simulate` rehearses the same plan on a fleet that exists only in the engine, with
faults; it calls the same functions that run in service, and its figures are simulated. `--nodes` makes up as many nodes as
asked, in the same mix; `--as-is` begins with those away that are away now, and with links as slow as they are said to be.

- **Groups** are written `5` (so many nodes), `10%` (of all targets), `label.ring=canary` or `rest`, parted by commas. A group
  begins when the one before passed its gate.
- **Gates.** A share of a group must succeed; more than a share of those that ended may not fail, once a least number have
  ended. With shadow traffic the new model must agree with the old one, and its p99 latency may grow only so far.
  What was asked for and no node with an old model could measure does not hold: the rollout pauses and says so.
- **Nodes that are away.** `wait` keeps the group waiting, `skip` goes on and catches up when they are back, `count` takes
  them for failed. Unless skipped they count among those that `--max-unavailable` allows to be away at once. `unknown` (nobody
  answers) is no failure; it resolves when the node does.
- **Two steps.** The artifact travels first, signed, checked piece by piece, as a delta where the node has an older version;
  installing is a second step, in a maintenance window if there is one. Before its commit every failure goes back to the old
  version. `rollback_failed` means that a person must go there.
- **People.** Above `--approve-above` nodes somebody else than the planner must approve: not the planner's user of the system on
  the planner's console, under no name. `outpost rollout ask` writes the plan to a file; on another console `outpost rollout
  vouch` seals it with that console's two keys, and `outpost rollout approve --paper` takes the seal, if the console's device
  stands in the setting `fleet.approvers`. Proved is that an approver's console sealed exactly this plan (its SHA-256); not
  proved is that another human being sat there, nor who may change the setting (an administrator; the audit tells when).
  With `--confirm` each node waits with its artifact until a person lets it install (`outpost rollout confirm`).
- **Links.** The bytes per second of a node's link and of its site, and the bytes a link may carry in a day (UTC), are kept by
  the transfer itself, piece by piece and over restarts. A node whose day is spent pauses and goes on the next day. Telemetry
  counts too, and comes more seldom as the day's bytes go. Counted are bytes of HTTP, without what TLS and TCP add.
- **Traffic for gates.** `outpost model record` has nodes keep their newest requests in memory, `outpost model replay` plays
  rows to them as real requests; the shadow run compares both versions on what was kept.
- **Undo** is the inverse plan: each node back to the version it had when its turn came, as a rollout of its own.

The pictures below are written from the tables that the program runs on.
"""


def page() -> str:
    """Return the whole page."""
    parts = [_WORDS]
    parts += [f"## The states of a {machine.name}\n\n```mermaid\n{machine.picture()}\n```\n" for machine in MACHINES]
    ends = (("Good ends", GOOD), ("Failures", BAD), ("Not counted", GONE))
    words = [f"- {title}: " + ", ".join(f"`{state}`" for state in sorted(states)) + "." for title, states in ends]
    return "\n".join([*parts, *words, ""])


if __name__ == "__main__":
    (Path(__file__).parents[4] / "docs" / "rollouts.md").write_text(page(), "utf-8")
