"""dimod's binary model files (BQM and CQM, Apache-2.0 library), turned into the texts that our readers know.

A BQM becomes a table of i, j and value, a CQM a programme in LP format, so that what follows is the same for every source.
Labels that LP has no words for get names like them, spins become bits; what LP cannot say is refused by its label.
"""

import io
import re
import tempfile
import zipfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from app.engine.base.errors import BadInput, Limit, OutpostError
from app.engine.base.text import tr
from app.engine.qubo.problem import check_size
from app.engine.qubo.reader import MOST_BYTES
from app.engine.qubo.readers.lines import number_text, short

BQM, CQM = b"DIMODBQM", b"DIMODCQM"
_ZIP = b"PK\x03\x04"
_MOST_NAME = 60
# Words that a programme in LP format reads as its own.
_OWN = re.compile(
    r"e\d*|inf|infinity|free|st|min|max|end|bin|gen|bounds?|binar(y|ies)|generals?|minimi[sz]e|maximi[sz]e|m(in|ax)imum"
)


def is_dimod(head: bytes) -> bool:
    """Tell whether the first bytes of a file are those of a dimod model."""
    return head.startswith((BQM, CQM, _ZIP))


def as_text(data: bytes, file: str) -> str:
    """Return a model file as text; raises `BadInput` for one that is damaged or no programme, `Limit` when it is too large."""
    import dimod

    _check_bytes(len(data), file)
    try:
        if zipfile.is_zipfile(io.BytesIO(data)):
            with zipfile.ZipFile(io.BytesIO(data)) as held:
                _check_bytes(sum(one.file_size for one in held.infolist()), file)
        if data.startswith(BQM):
            return _bqm_text(dimod.BinaryQuadraticModel.from_file(io.BytesIO(data)))
        return _cqm_text(dimod.ConstrainedQuadraticModel.from_file(io.BytesIO(data)), file)
    except OutpostError:
        raise
    except Exception as error:
        raise BadInput("{file}, line {line}: this is no readable dimod model ({reason})", field="file", file=file, line=1,
                       reason=f"{type(error).__name__}") from error  # fmt: skip


def _check_bytes(size: int, file: str) -> None:
    if size > MOST_BYTES:
        raise Limit("{file} holds {size} bytes, more than {most}", field="file", file=file, size=size, most=MOST_BYTES)


def _bqm_text(model: Any) -> str:
    model = model.change_vartype("BINARY", inplace=False)
    check_size(model.num_variables, model.num_interactions)
    order = {name: k for k, name in enumerate(model.variables)}
    out = ["problem = qubo", f"offset = {number_text(float(model.offset))}", f"variables = {len(order)}", "i,j,value"]
    out += [f"{k},{k},{number_text(float(model.linear[name]))}" for name, k in order.items()]
    out += [f"{order[a]},{order[b]},{number_text(float(value))}" for (a, b), value in model.quadratic.items()]
    return "\n".join(out) + "\n"


def _cqm_text(model: Any, file: str) -> str:
    """Return a CQM in LP format."""
    import dimod

    for label, row in model.constraints.items():
        if row.lhs.is_soft():
            raise _bad(file, "the constraint {label} is soft, and a programme keeps every constraint", label)
        if not row.lhs.is_linear():
            raise _bad(file, "the constraint {label} is quadratic, and a constraint is linear", label)
    check_size(len(model.variables), model.objective.num_interactions)
    model = model.spin_to_binary(inplace=False)
    model.relabel_variables(_names(model.variables, "x"))
    model.relabel_constraints(_names(model.constraints, "c"))
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder) / "model.lp"
        with place.open("w", encoding="utf-8") as out:
            dimod.lp.dump(model, out)
        text = place.read_text("utf-8")
    # Without an objective the writer leaves its head away.
    return text if text.startswith("Minimize") else f"Minimize\n obj: 0\n{text}"


def _bad(file: str, reason: str, label: object) -> BadInput:
    reason = tr(reason, label=short(str(label)))
    return BadInput("{file}, line {line}: {reason}", field="file", file=file, line=1, reason=reason)


def _names(labels: Iterable[Any], letter: str) -> dict[Any, str]:
    """Return a name for every label that LP format can hold, each once: the label itself where it can."""
    labels = list(labels)
    names = {label: label for label in labels if isinstance(label, str) and _plain(label)}
    taken = set(names.values())
    for label in labels:
        if label in names:
            continue
        word = "_".join(re.findall(r"[A-Za-z0-9]+", str(label)))[:_MOST_NAME]
        stem = word if _plain(word) else f"{letter}{word}"
        name, number = stem, 1
        while name in taken:
            name, number = f"{stem}_{number}", number + 1
        names[label] = name
        taken.add(name)
    return names


def _plain(word: str) -> bool:
    return bool(re.fullmatch(r"[A-Za-z][A-Za-z0-9_]*", word)) and len(word) <= _MOST_NAME and not _OWN.fullmatch(word.lower())
