"""The kinds of problems there are, and which one a text holds: the one list behind gallery, wizard and command line."""

from collections.abc import Mapping
from pathlib import Path
from typing import Final

from app.engine.base.errors import BadInput
from app.engine.qubo.problems import (
    binary,
    coloring,
    cover,
    cvrp,
    facility,
    flowshop,
    jobshop,
    knapsack,
    maxcut,
    network,
    partition,
    placement,
    portfolio,
    programme,
    qap,
    supply,
    tsp,
)
from app.engine.qubo.problems.base import Kind, Problem
from app.engine.qubo.problems.tables import declared_kind
from app.engine.qubo.readers.lines import lines_of

_MODULES = (
    maxcut, binary, tsp, cvrp, portfolio, jobshop, flowshop, placement, facility, network, supply, knapsack, coloring,
    partition, cover, qap, programme,
)  # fmt: skip
KINDS: Final[Mapping[str, Kind]] = {module.KIND.name: module.KIND for module in _MODULES}
SAMPLES: Final = Path(__file__).parents[4] / "resources" / "samples" / "problems"


def kind_of(text: str, file: str) -> str:
    """Return the kind of the problem in `text`; raises `BadInput` when it is none or could be several."""
    declared = declared_kind(text)
    if declared:
        return need(declared).name
    found = [kind.name for kind in KINDS.values() if kind.recognise(text)]
    found = found or [kind.name for kind in KINDS.values() if kind.perhaps(text)]
    if len(found) == 1:
        return found[0]
    line = next((k for k, words in enumerate(lines_of(text), 1) if words.strip() and not words.lstrip().startswith("#")), 1)
    if not found:
        raise BadInput(
            "{file}, line {line}: this is none of the problems that can be read", field="file", file=file, line=line,
            hint="See: outpost problem list. A table names itself by a first line such as: problem = knapsack.",
        )  # fmt: skip
    raise BadInput(
        "{file}, line {line}: this could be {kinds}", field="kind", file=file, line=line, kinds=" or ".join(found),
        hint="Say which with --kind.",
    )  # fmt: skip


def need(name: str) -> Kind:
    """Return the kind called `name`; raises `BadInput`."""
    if name not in KINDS:
        raise BadInput("kind must be one of {names}, not {name}", field="kind", names=", ".join(KINDS), name=repr(name))
    return KINDS[name]


def read(text: str, file: str, kind: str = "") -> Problem:
    """Return the problem in `text`, of the kind named or else recognised; `file` is what messages call it."""
    return need(kind or kind_of(text, file)).read(text, file)


def sample_of(kind: str) -> Path:
    """Return the small instance that comes with the program."""
    return next(iter(sorted(SAMPLES.glob(f"{kind}.*"))), SAMPLES / f"{kind}.csv")
