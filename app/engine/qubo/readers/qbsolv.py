"""QUBO files of D-Wave's qbsolv: `c` comments, `p qubo topology maxNodes nNodes nCouplers`, then `i j value`, 0-based.

First the nodes (i = j), then the couplers, whose value is the whole coefficient of x_i x_j (a symmetric matrix's two entries
are already added up). The format does not say which way; its program minimises unless told otherwise, and so is a file read.
Beasley's benchmark in this format is to be maximised, as its values are published: files whose comments name him are. A comment
`sense = min` or `sense = max` before the p line, or as the last line, decides over both. Inside all is minimised.
"""

import numpy as np

from app.engine.qubo.problem import Qubo, Sense, build, check_size
from app.engine.qubo.readers.lines import Lines, number_text, sense_told, short

NAME = "qbsolv"
COMMENTS = ("c", "#")


def read(text: str, file: str) -> Qubo:
    """Return the problem in `text`; raise `BadInput` naming `file`, line and reason, `Limit` when it is too large."""
    lines = Lines(text, file, COMMENTS)
    words = iter(lines)
    n, nodes, couplers = _head(lines, next(words, []))
    low, high, values, at = [], [], [], []
    for row in words:
        if len(row) != 3:
            raise lines.bad("expected two node numbers and a value, found {found} words", found=len(row))
        i, j = lines.whole(row[0], 0, n - 1), lines.whole(row[1], 0, n - 1)
        low.append(min(i, j))
        high.append(max(i, j))
        values.append(lines.real(row[2]))
        at.append(lines.number)
        if len(low) > nodes + couplers:
            raise lines.bad("the p line promises {promised} terms, here is one more", promised=nodes + couplers)
    i_all, j_all, value = np.array(low, np.int64), np.array(high, np.int64), np.array(values)
    own = i_all == j_all
    if own.sum() != nodes or (~own).sum() != couplers:
        raise lines.bad(
            "the p line promises {nodes} nodes and {couplers} couplers, the file has {own} and {pairs}",
            nodes=nodes, couplers=couplers, own=int(own.sum()), pairs=int((~own).sum()),
        )  # fmt: skip
    lines.refuse_twice(i_all, j_all, np.array(at, np.int64), 0)
    sense, _why = sense_of(text, file)
    sign = -1.0 if sense == "max" else 1.0
    linear = np.zeros(n)
    linear[i_all[own]] = sign * value[own]
    return build(linear, (i_all[~own], j_all[~own], sign * value[~own]), sense=sense, name=file)


def sense_of(text: str, file: str) -> tuple[Sense, str]:
    """Return which way a file is to be read, and by what: "" (the format), "comments" (they name Beasley) or "told"."""
    return sense_told(text, file, COMMENTS, ("min", "max"))


def _head(lines: Lines, row: list[str]) -> tuple[int, int, int]:
    """Return (variables, nodes, couplers) of the `p` line."""
    if len(row) != 6 or row[:2] != ["p", "qubo"]:
        raise lines.bad("expected the line: p qubo topology maxNodes nNodes nCouplers")
    if row[2] not in {"0", "unconstrained"}:
        raise lines.bad("only topology 0 (unconstrained) can be read, found {word}", word=short(row[2]))
    n, nodes, couplers = (lines.count(word) for word in row[3:])
    check_size(n, couplers)
    if nodes > n:
        raise lines.bad("{nodes} nodes are more than maxNodes, {n}", nodes=nodes, n=n)
    return n, nodes, couplers


def write(problem: Qubo, comment: str = "") -> str:
    """Return the text of a problem in its own sense, which it tells, `comment` lines first. No offset is kept."""
    own = np.flatnonzero(problem.linear)
    sign = -1.0 if problem.sense == "max" else 1.0
    out = [f"c {line}" for line in comment.splitlines()] + [f"c sense = {problem.sense}"]
    out.append(f"p qubo 0 {problem.n} {len(own)} {problem.couplings}")
    out.extend(f"{i} {i} {number_text(sign * problem.linear[i])}" for i in own.tolist())
    pairs = zip(problem.rows.tolist(), problem.cols.tolist(), problem.weights.tolist(), strict=True)
    out.extend(f"{i} {j} {number_text(sign * w)}" for i, j, w in pairs)
    return "\n".join(out) + "\n"
