"""The rows of circuits: run one, draw one, list those that come with the program."""

import dataclasses
from pathlib import Path
from typing import TYPE_CHECKING, Any

from app.engine.base.command import Arg, Command, Danger, Role
from app.engine.base.errors import BadInput

if TYPE_CHECKING:
    from app.engine.engine import Call


async def run(
    call: "Call", *, file: Path | None, text: str, shots: int, seed: int, simulator: str, noise: str, bond: int
) -> dict[str, Any]:
    """Simulate the circuit in `file` or `text`."""
    return await call.engine.circuits.run(
        file=file, text=text, shots=shots, seed=seed, simulator=simulator, noise=noise, bond=bond, actor=call.actor,
        cause=call.cause,
    )  # fmt: skip


async def expect(call: "Call", *, file: Path | None, text: str, observable: str) -> dict[str, Any]:
    """Compute the mean of an observable."""
    return await call.engine.circuits.expect(file=file, text=text, observable=observable, actor=call.actor, cause=call.cause)


async def show(call: "Call", *, file: Path | None, text: str) -> dict[str, Any]:
    """Describe a circuit."""
    return await call.engine.circuits.describe(file=file, text=text, actor=call.actor, cause=call.cause)


async def look(
    call: "Call", *, file: Path | None, text: str, upto: int, keep: str, viewer: str, seed: int, **noise: float
) -> dict[str, Any]:
    """Compute what the pictures of the state show."""
    quiet = noise["t_us"] == 0 and noise["depolarised"] == 0
    return await call.engine.circuits.look(
        file=file, text=text, upto=upto, keep=_numbers(keep), viewer=viewer, noise=None if quiet else noise, seed=seed,
        actor=call.actor, cause=call.cause,
    )  # fmt: skip


def _numbers(text: str) -> list[int]:
    words = text.replace(",", " ").split()
    for word in words:
        if not word.isdecimal():
            raise BadInput("{word} is no number of a qubit", field="keep", word=word)
    return [int(word) for word in words]


async def state(call: "Call", *, file: Path | None, text: str, seed: int) -> dict[str, Any]:
    """Tell the state of each qubit before the final measurement."""
    return await call.engine.circuits.state(file=file, text=text, seed=seed, actor=call.actor, cause=call.cause)


async def draw(call: "Call", *, file: Path, out: Path | None, width: int, replace: bool) -> dict[str, Any]:
    """Draw the circuit in `file` as text, or as SVG into `out`."""
    circuits = call.engine.circuits
    if out is None:
        return await circuits.describe(file=file, width=width, actor=call.actor, cause=call.cause)
    return await circuits.files.export(file=file, out=out, form="svg", replace=replace, actor=call.actor, cause=call.cause)


async def take(call: "Call", *, file: Path | None, text: str, name: str, replace: bool) -> dict[str, Any]:
    """Keep a circuit in this home."""
    return await call.engine.circuits.files.take(
        file=file, text=text, name=name, replace=replace, actor=call.actor, cause=call.cause
    )


async def export(
    call: "Call",
    *,
    file: Path | None,
    text: str,
    out: Path,
    format: str,  # noqa: A002
    replace: bool,
) -> dict[str, Any]:
    """Write a circuit in another format."""
    return await call.engine.circuits.files.export(
        file=file, text=text, out=out, form=format, replace=replace, actor=call.actor, cause=call.cause
    )


async def runs(call: "Call") -> dict[str, Any]:
    """List the runs with outcomes."""
    return {"runs": call.engine.circuits.runs()}


async def compare(call: "Call", *, first: str, second: str) -> dict[str, Any]:
    """Put two runs side by side."""
    return await call.engine.circuits.compare(first, second)


async def samples(call: "Call") -> dict[str, Any]:
    """List the bundled circuits."""
    return {"samples": [dataclasses.asdict(sample) for sample in call.engine.circuits.samples()]}


_FILE = Arg("file", Path, "OpenQASM 2 or 3, or QPY file.", None)
_TEXT = Arg("text", str, "OpenQASM 2 or 3, in place of a file.", "")

ROWS: tuple[Command, ...] = (
    Command(
        "circuit.run", "Run a circuit",
        "Simulates an OpenQASM 2 or 3 file in a worker and counts the outcomes: Clifford circuits on stim or from their "
        "stabilizer group, others on qsim where it is installed or on Qiskit Aer, on request with the errors of a device. "
        "The result tells why, the memory and time predicted for it and for the alternatives, and the time it took; "
        "memory_bytes is predicted, not measured. "
        "Bits are in Qiskit's order, registers apart by a space. A file without a measurement is measured at the end.",
        run,
        (
            _FILE, _TEXT,
            Arg("shots", int, "How often the circuit is run.", 1024, low=1, high=1_000_000),
            Arg("seed", int, "Seed of the simulator; equal seeds give equal counts.", 0, low=0, high=2**64 - 1),
            Arg("simulator", str, "Which simulator; auto chooses and says why.", "auto",
                choices=("auto", "stim", "clifford", "stabilizer", "qsim", "statevector", "matrix_product_state",
                         "density_matrix", "trajectories")),
            Arg("noise", str, "none, a device whose errors are simulated, or figures: one=0.001 two=0.01 readout=0.02 "
                "t1_us=100 t2_us=80.", "none"),
            Arg("bond", int, "Largest bond of a matrix product state; 0 for as large as needed. What it cuts off is told.", 0,
                low=0, high=4096),
        ),
        returns="{id, counts, other_shots, simulator, why, predicted, alternatives, memory_bytes, wall_s, noise, bonds, shots, "
        "seed, qubits, depth, picture, note}",
    ),
    Command(
        "circuit.expect", "Take the mean of an observable",
        "Computes the exact mean of an observable, a sum of products of X, Y and Z on numbered qubits, before the final "
        "measurement. Each term is taken from the part of the circuit it depends on, so a shallow circuit may be of any width. "
        "memory_bytes is predicted, not measured.",
        expect,
        (
            _FILE, _TEXT,
            Arg("observable", str, "Terms such as Z0 Z1 + 0.5*X3."),
        ),
        returns="{value, terms: [{term, factor, mean, qubits}], simulator, why, predicted, memory_bytes, wall_s, qubits}",
    ),
    Command(
        "circuit.show", "Show a circuit",
        "Draws an OpenQASM 2 or 3 file and counts its gates.",
        show,
        (
            _FILE, _TEXT,
        ),
        role=Role.OBSERVER, danger=Danger.READ,
        returns="{text, picture, document, why_not, qubits, depth, size, counts, source}",
    ),
    Command(
        "circuit.state", "Show the state of each qubit",
        "Computes the Bloch vector of each qubit just before the final measurement. It is exact, unless the circuit measures "
        "or resets on its way: then it is the mean of 512 runs. A vector shorter than 1 is a qubit entangled with others.",
        state,
        (
            _FILE, _TEXT,
            Arg("seed", int, "Seed of the simulator, for circuits that measure on their way.", 0, low=0, high=2**64 - 1),
        ),
        role=Role.OBSERVER, danger=Danger.READ,
        returns="{qubits, vectors: [[x, y, z]], simulator, why, exact}",
    ),
    Command(
        "circuit.draw", "Draw a circuit",
        "Draws a circuit with characters, or as an SVG picture into a file.",
        draw,
        (
            Arg("file", Path, "OpenQASM 2 or 3, or QPY file."),
            Arg("out", Path, "SVG file to write; without it the drawing is text.", None),
            Arg("width", int, "Width of the text.", 120, unit="characters", low=40, high=1000),
            Arg("replace", bool, "Replace the file if it exists.", default=False),
        ),
        returns="{text, picture, qubits, depth, size, counts, source}, or {file, size_bytes, qubits, operations}",
    ),
    Command(
        "circuit.import", "Import a circuit",
        "Reads an OpenQASM 2 or 3 or a QPY file, or a text, and keeps it in this home as OpenQASM 3, or as 2 where a text of 3 "
        "would be too large to be read again. Nothing malformed is "
        "kept. QPY is read from version 13 on, in a process of its own with limits of time and memory.",
        take,
        (
            _FILE, _TEXT,
            Arg("name", str, "Name to keep it by; the file's own if empty.", ""),
            Arg("replace", bool, "Replace a circuit of that name.", default=False),
        ),
        returns="{file, size_bytes, qubits, operations}",
    ),
    Command(
        "circuit.export", "Export a circuit",
        "Writes a circuit as OpenQASM 2 or 3, as QPY for Qiskit, or as an SVG picture.",
        export,
        (
            _FILE, _TEXT,
            Arg("out", Path, "File to write."),
            Arg("format", str, "Format; auto goes by the ending .qasm, .qasm2, .qpy or .svg.", "auto",
                choices=("auto", "qasm3", "qasm2", "qpy", "svg")),
            Arg("replace", bool, "Replace the file if it exists.", default=False),
        ),
        returns="{file, format, size_bytes, qubits, operations}",
    ),
    Command(
        "circuit.look", "Look at a state",
        "Computes the state of up to 20 qubits after any step of a circuit: probabilities and phases, the Bloch vector of each "
        "qubit, a density matrix, the mutual information of every two qubits, and measures. With a wait or depolarising, as "
        "decoherence leaves them.",
        look,
        (
            _FILE, _TEXT,
            Arg("upto", int, "After how many operations; -1 for all.", -1, low=-1, high=1_000_000),
            Arg("t_us", float, "How long every qubit waits at the end.", 0.0, unit="µs", low=0, high=1e6),
            Arg("t1_us", float, "Time of relaxation.", 100.0, unit="µs", low=0.001, high=1e9),
            Arg("t2_us", float, "Time of dephasing, at most twice that.", 80.0, unit="µs", low=0.001, high=2e9),
            Arg("depolarised", float, "Probability that a qubit is replaced by noise.", 0.0, low=0, high=1),
            Arg("keep", str, "Numbers of up to five qubits whose density matrix is told; the first five if empty.", ""),
            Arg("viewer", str, "A name for who looks: a newer look of the same name ends this one.", ""),
            Arg("seed", int, "Seed, for circuits that measure on their way.", 0, low=0, high=2**64 - 1),
        ),
        role=Role.OBSERVER, danger=Danger.READ,
        returns="{qubits, operations, upto, exact, noisy, amplitudes: [[number, probability, phase]], bloch, information, "
        "density, measures}",
    ),
    Command(
        "circuit.runs", "List runs of circuits",
        "Lists the runs whose outcomes are kept, the newest first.",
        runs,
        role=Role.OBSERVER, danger=Danger.READ,
        returns="{runs: [{id, source, simulator, shots, noise, created_us}]}",
    ),
    Command(
        "circuit.compare", "Compare two runs of circuits",
        "Puts the outcomes of two runs side by side, an ideal one beside a noisy one say, and tells how far their "
        "distributions are apart and whether shots alone explain it: all shots are mixed and dealt again 999 times. "
        "Without ids the newest two are compared.",
        compare,
        (
            Arg("first", str, "Id of a run; see circuit runs.", ""),
            Arg("second", str, "Id of another.", ""),
        ),
        role=Role.OBSERVER, danger=Danger.READ,
        returns="{first, second, outcomes: [[outcome, first, second]], outcomes_count, shots, total_variation, hellinger, "
        "fidelity, p_value, different, left_out_ratio}",
    ),
    Command(
        "circuit.samples", "List sample circuits",
        "Lists the circuits that come with Outpost.",
        samples,
        role=Role.OBSERVER, danger=Danger.READ,
        returns="{samples: [{name, title, file}]}",
    ),
)  # fmt: skip
