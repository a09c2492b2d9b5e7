"""Samples state vectors in single precision on qsim (Quantum AI team, 2020), where qsimcirq is installed (extra qsim).

Only qsim's own compiled part is loaded: the package around it brings Cirq, whose import takes seconds, and Outpost hands over
matrices. Gates on up to three qubits are fused there. A gate's first qubit is the highest bit of its matrix there.
"""

import importlib.machinery
import importlib.util
import sys
from functools import cache
from pathlib import Path
from typing import Any, Final

import numpy as np

from app.engine.base.errors import BadInput
from app.engine.circuits import lightcone
from app.engine.circuits.clifford import Bits
from app.engine.circuits.records import Circuit

_PACKAGE: Final = "qsimcirq"
_PARTS: Final = ("qsim_avx512", "qsim_avx2", "qsim_sse", "qsim_basic")  # in the order qsim numbers what a machine can
_FUSED: Final = 3
_PASSED: Final = frozenset({"barrier", "delay", "id"})


def available() -> bool:
    """Tell whether qsim is installed, without loading it."""
    return importlib.util.find_spec(_PACKAGE) is not None


@cache
def _native() -> Any:
    """Return the compiled part of qsim that suits this machine."""
    can = _part("qsim_decide").detect_instructions()
    return _part(_PARTS[can] if 0 <= can < len(_PARTS) else _PARTS[-1])


def _part(name: str) -> Any:
    """Load one compiled module of the package under its own name, so that the whole package finds it loaded if it comes."""
    full = f"{_PACKAGE}.{name}"
    if full in sys.modules:
        return sys.modules[full]
    package = importlib.util.find_spec(_PACKAGE)
    folders = list(package.submodule_search_locations or ()) if package is not None else []
    files = [Path(folder) / (name + end) for folder in folders for end in importlib.machinery.EXTENSION_SUFFIXES]
    file = next((one for one in files if one.is_file()), None)
    if file is None:
        raise BadInput("qsim has no part {name} here", name=name, hint="Ask for another simulator.")
    spec = importlib.util.spec_from_file_location(full, file)
    if spec is None or spec.loader is None:
        raise BadInput("qsim has no part {name} here", name=name, hint="Ask for another simulator.")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    sys.modules[full] = module
    return module


def sample(circuit: Circuit, shots: int, seed: int, threads: int) -> Bits:
    """Return outcomes (shots, bits) of a circuit of plain gates measured at its end; bits nobody writes stay 0."""
    native = _native()
    made = native.Circuit()
    made.num_qubits = len(circuit.qubits)
    for time, op in enumerate(one for one in circuit.ops if one.name != "measure" and one.name not in _PASSED):
        step = lightcone.step_of(op)
        entries = np.ascontiguousarray(step.matrix, np.complex128).view(np.float64).ravel().tolist()
        native.add_matrix_gate(time, list(reversed(step.qubits)), entries, made)
    options = {
        "c": made, "t": threads, "f": _FUSED, "r": 1, "s": int(np.random.SeedSequence(seed).generate_state(1)[0]) >> 1, "v": 0,
        "z": False, "g": False, "gmode": 0, "gsst": 512, "gdb": 16,
    }  # fmt: skip
    drawn = np.asarray(native.qsim_sample_final(options, shots), np.uint64)
    bits = np.zeros((shots, len(circuit.clbits)), np.uint8)
    for op in circuit.ops:
        if op.name == "measure":
            bits[:, op.clbits[0]] = (drawn >> np.uint64(op.qubits[0])).astype(np.uint8) & 1
    return bits
