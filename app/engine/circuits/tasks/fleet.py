"""Grover's search among the nodes of the fleet: a query of the fleet's own language becomes the oracle.

The search runs over the numbers of the nodes, in 8 bits or more; numbers beyond the last node are nobody's. Each condition of
the query gets a wire that is set where the node of that number holds it, by gates controlled by the bits of the number; numbers
that fill a whole block of bits share one gate. The formula is then evaluated, a wire for every `and` and `or`, one flip of the
sign marks where it holds, and all wires are cleared. What the query itself finds, node by node, stands beside it.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from app.engine.base.contracts import Report, Stop
from app.engine.base.errors import BadInput, Limit
from app.engine.circuits.records import Op
from app.engine.circuits.tasks.base import NO, Finding, Param, Task
from app.engine.circuits.tasks.grover import MOST_WIRES, Oracle, search

Formula: TypeAlias = Sequence[Any]
LEAST_BITS: Final = 8
MOST_NODES: Final = 1024
_MOST_NAMED: Final = 20


def blocks(numbers: NDArray[np.bool_]) -> list[tuple[int, int]]:
    """Return (first number, free low bits) of blocks that part the set of `numbers` (2^n flags), each in one block."""
    found: list[tuple[int, int]] = []

    def part(start: int, size: int) -> None:
        inside = numbers[start : start + size]
        if inside.all():
            found.append((start, size.bit_length() - 1))
        elif inside.any():
            part(start, size // 2)
            part(start + size // 2, size // 2)

    part(0, len(numbers))
    return found


def loads(bits: int, numbers: NDArray[np.bool_], wire: int) -> list[Op]:
    """Return the gates that set `wire` where the number in the first `bits` wires is one of `numbers`."""
    made = []
    for start, free in blocks(numbers):
        controls = tuple(range(free, bits))
        opened = tuple(at for at in controls if not start >> at & 1)
        made.append(Op("mcx", (*controls, wire), (), (), "", len(controls), opened, "X") if controls else Op("x", (wire,)))
    return made


class Writer:
    """Writes a formula onto wires: `ops` compute it, `wire` is the next one that is free."""

    def __init__(self, first: int, free: int) -> None:
        self.ops: list[Op] = []
        self._first, self.wire = first, free

    def write(self, formula: Formula) -> tuple[int, bool]:
        """Return (wire, whether it holds the opposite) of a formula; a wire for every `all` and `any` of several parts."""
        kind, *parts = formula
        if kind == "condition":
            return self._first + int(parts[0]), False
        written = [self.write(part) for part in parts]
        if len(written) == 1:
            wire, turned = written[0]
            return wire, turned != (kind == "not")
        every = kind == "all"
        # An `or` is the opposite of all parts failing.
        ends = dict.fromkeys((wire, turned != every) for wire, turned in written)  # (wire, whether it must be 1)
        target, self.wire = self.wire, self.wire + 1
        if any((wire, not one) in ends for wire, one in ends):  # both a part and its opposite: it never comes to pass
            return target, not every
        controls = tuple(wire for wire, _ in ends)
        opened = tuple(wire for wire, one in ends if not one)
        self.ops.append(Op("mcx", (*controls, target), (), (), "", len(controls), opened, "X"))
        return target, not every


def holds(formula: Formula, held: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Return where a formula holds, given where each of its conditions does: (conditions, numbers)."""
    kind, *parts = formula
    if kind == "condition":
        found: NDArray[np.bool_] = held[int(parts[0])]
        return found
    inner = [holds(part, held) for part in parts]
    if kind == "not":
        return np.logical_not(inner[0])
    joined: NDArray[np.bool_] = (np.logical_and if kind == "all" else np.logical_or).reduce(inner)
    return joined


def oracle(formula: Formula, held: NDArray[np.bool_]) -> Oracle:
    """Return the oracle of a formula over the nodes: `held` is (conditions, nodes). Raises `Limit` when it is too wide."""
    count = held.shape[1]
    bits = max(LEAST_BITS, (count - 1).bit_length())
    table = np.zeros((len(held) + 1, 1 << bits), bool)
    table[:-1, :count], table[-1, :count] = held, True
    # Numbers of nobody hold no condition; where that is enough for the formula, a node must be there as well.
    if holds(formula, table)[count:].any():
        formula = ["all", formula, ["condition", len(held)]]
    else:
        table = table[:-1]
    writer = Writer(bits, bits + len(table))
    write = [op for at, row in enumerate(table) for op in loads(bits, row, bits + at)]
    wire, turned = writer.write(formula)
    if writer.wire > MOST_WIRES:
        raise Limit("{nodes} nodes and {conditions} conditions need more than the {most} qubits simulated here", nodes=count,
                    conditions=len(held), most=MOST_WIRES, hint="Ask for less at once.")  # fmt: skip
    write += writer.ops
    flip = [Op("x", (wire,))] if turned else []
    labels = tuple(f"k[{at}]" for at in range(writer.wire - bits))
    return Oracle(bits, labels, (*write, *flip, Op("z", (wire,)), *flip, *reversed(write)), holds(formula, table))


def admit(data: Mapping[str, Any] | None) -> None:
    """Raise when there is no query, or when there are no nodes or too many."""
    if not data:
        raise BadInput("Give a query of the fleet", field="query", hint='Such as: site == "north" and mem < 80%')
    count = len(data["names"])
    if not 0 < count <= MOST_NODES:
        raise Limit("The search takes 1 to {most} nodes; there are {count}", most=MOST_NODES, count=count)


def work(values: dict[str, Any], rng: np.random.Generator, _report: Report, stop: Stop) -> Finding:
    """Search the fleet that `values` holds as `data`."""
    data = values["data"]
    names, count = list(data["names"]), len(data["names"])
    asked = oracle(data["formula"], np.array(data["held"], bool).reshape(-1, count))
    matched = np.array(data["matched"], bool)
    found, calls, curve, circuit = search(asked, rng, stop)
    hits = int(matched.sum())
    agreed = bool((asked.good[:count] == matched).all()) and not asked.good[count:].any()
    correct = agreed and (found is None) == (hits == 0) and (found is None or bool(matched[found]))
    return Finding(
        {"node": "" if found is None else names[found], "found": found is not None, "verified": correct, "oracle_calls": calls,
         "variables": asked.variables, "nodes": count, "conditions": list(data["conditions"])},
        {"method": "every node asked by the query itself", "solutions": hits,
         "matching": [name for name, hit in zip(names, matched, strict=True) if hit][:_MOST_NAMED],
         "expected_calls": (count + 1) / (hits + 1) if hits else float(count), "worst_calls": count},
        NO, "fewer calls of the oracle, but every call is simulated here at the cost of all numbers at once",
        0.0 if correct else 1.0, max(curve) if hits else 1.0, circuit, shots=1, series={"success_ratio": curve},
    )  # fmt: skip


TASK = Task(
    "fleet", "Search the fleet (Grover)",
    "Finds a node that a query of the fleet asks for, with about the square root of the tries.",
    (
        "Every node has a number; all numbers start with the same amplitude.",
        "The oracle sets a qubit for each condition where the node of that number holds it, and evaluates the query on them.",
        "The sign of the numbers that match is turned, and the qubits are cleared.",
        "The diffusion reflects about the mean: amplitudes of matching nodes grow.",
        "What is measured is asked by the query itself; if it does not match, the search goes on with more rounds.",
        "The query, asked of every node, stands beside it.",
    ),
    (Param("query", 'Which nodes, as in the fleet: site == "north" and mem < 80%.', ""),),
    work,
    "0 where the query itself confirms the answer, 1 where it does not.",
    "Best chance over the rounds that one measurement is a matching node; 1 where there is none to find.",
    admit,
)  # fmt: skip
