"""dimod's binary model files (BQM and CQM, Apache-2.0 library), turned into the texts that our readers know.

A BQM becomes a table of i, j and value, a CQM a programme in LP format, so that what follows is the same for every source.
"""

import io
import tempfile
from pathlib import Path
from typing import Any

from app.engine.base.errors import BadInput
from app.engine.qubo.readers.lines import number_text

BQM, CQM = b"DIMODBQM", b"DIMODCQM"
_ZIP = b"PK\x03\x04"


def is_dimod(head: bytes) -> bool:
    """Tell whether the first bytes of a file are those of a dimod model."""
    return head.startswith((BQM, CQM, _ZIP))


def as_text(data: bytes, file: str) -> str:
    """Return a model file as text; raises `BadInput` when it is damaged or holds something else."""
    import dimod

    try:
        if data.startswith(BQM):
            return _bqm_text(dimod.BinaryQuadraticModel.from_file(io.BytesIO(data)))
        return _cqm_text(dimod.ConstrainedQuadraticModel.from_file(io.BytesIO(data)))
    except BadInput:
        raise
    except Exception as error:
        raise BadInput("{file}, line {line}: this is no readable dimod model ({reason})", field="file", file=file, line=1,
                       reason=f"{type(error).__name__}") from error  # fmt: skip


def _bqm_text(model: Any) -> str:
    model = model.change_vartype("BINARY", inplace=False)
    order = {name: k for k, name in enumerate(model.variables)}
    out = ["problem = qubo", f"offset = {number_text(float(model.offset))}", f"variables = {len(order)}", "i,j,value"]
    out += [f"{k},{k},{number_text(float(model.linear[name]))}" for name, k in order.items()]
    out += [f"{order[a]},{order[b]},{number_text(float(value))}" for (a, b), value in model.quadratic.items()]
    return "\n".join(out) + "\n"


def _cqm_text(model: Any) -> str:
    """Return a CQM in LP format; dimod's own writer escapes the labels."""
    import dimod

    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder) / "model.lp"
        with place.open("w", encoding="utf-8") as out:
            dimod.lp.dump(model, out)
        return place.read_text("utf-8")
