"""The rows of circuits and devices: compile for one, estimate on all, list them, keep one of your own."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from app.engine.base.command import Arg, Command, Danger, Role

if TYPE_CHECKING:
    from app.engine.engine import Call


async def compile_for(
    call: "Call", *, file: Path | None, text: str, device: str, level: int, router: str, seed: int, out: Path | None,
    replace: bool, check: bool,
) -> dict[str, Any]:  # fmt: skip
    """Compile the circuit in `file` or `text` for `device`."""
    return await call.engine.circuits.compiler.compile(
        file=file, text=text, device=device, level=level, router=router, seed=seed, out=out, replace=replace, check=check,
        actor=call.actor, cause=call.cause,
    )  # fmt: skip


async def estimate(call: "Call", *, file: Path | None, text: str, device: str, shots: int, seed: int) -> dict[str, Any]:
    """Predict what the circuit in `file` or `text` needs."""
    return await call.engine.circuits.compiler.estimate(
        file=file, text=text, device=device, shots=shots, seed=seed, actor=call.actor, cause=call.cause
    )


async def devices(call: "Call") -> dict[str, Any]:
    """List the devices."""
    return {"devices": [device.told() for device in call.engine.circuits.compiler.devices()]}


async def adopt(call: "Call", *, file: Path, replace: bool) -> dict[str, Any]:
    """Keep a device of one's own."""
    return await call.engine.circuits.compiler.adopt(file=file, replace=replace)


_FILE = Arg("file", Path, "OpenQASM 2 or 3, or QPY file.", None)
_TEXT = Arg("text", str, "OpenQASM 2 or 3, in place of a file.", "")
_SEED = Arg("seed", int, "Seed of layout and routing; equal seeds give equal circuits.", 0, low=0, high=2**64 - 1)

ROWS: tuple[Command, ...] = (
    Command(
        "circuit.compile", "Compile a circuit",
        "Puts a circuit into the gates and onto the couplings of a device, compares it before and after, estimates from the "
        "device's snapshot how often it ends without an error, and checks that both circuits do the same: exactly while they "
        "are small, by sampling when they are large. Layers of commuting gates, such as those of QAOA, are also routed by "
        "Outpost itself; the circuit with fewer gates of two qubits is taken.",
        compile_for,
        (
            _FILE, _TEXT,
            Arg("device", str, "Device to compile for; see circuit devices.", "ibm_brisbane"),
            Arg("level", int, "How hard Qiskit's transpiler tries.", 3, low=0, high=3),
            Arg("router", str, "Which router; auto takes the smaller result.", "auto", choices=("auto", "qiskit", "commuting")),
            _SEED,
            Arg("out", Path, "File to write the compiled circuit to, as OpenQASM 3.", None),
            Arg("replace", bool, "Replace the file if it exists.", default=False),
            Arg("check", bool, "Check that both circuits do the same.", default=True),
        ),
        returns="{device, coupling, router, why, before, after, layout, equality, qasm, picture_before, picture, wall_s, seed, "
        "text}",
    ),
    Command(
        "circuit.estimate", "Estimate a circuit",
        "Predicts the memory and time each simulator needs for a circuit, and what the circuit becomes on each device: gates, "
        "depth, time, and how often it ends without an error. Nothing is run.",
        estimate,
        (
            _FILE, _TEXT,
            Arg("device", str, "A device, all or none.", "all"),
            Arg("shots", int, "How often the circuit would be run.", 1024, low=1, high=1_000_000),
            _SEED,
        ),
        role=Role.OBSERVER, danger=Danger.READ,
        returns="{qubits, depth, size, two_qubit, simulator, why, simulators, devices, note, text}",
    ),
    Command(
        "circuit.devices", "List devices",
        "Lists the quantum devices that circuits can be compiled for, each with the date and source of its snapshot.",
        devices,
        role=Role.OBSERVER, danger=Danger.READ,
        returns="{devices: [{device, title, processor, qubits, pairs, broken, pair_gate, pair_error, taken, source}]}",
    ),
    Command(
        "circuit.adopt", "Keep a device of your own",
        "Reads a device file, laid out as those in resources/devices, and keeps it in this home under the name it gives.",
        adopt,
        (
            Arg("file", Path, "Device file, JSON."),
            Arg("replace", bool, "Replace a device of that name.", default=False),
        ),
        returns="{device, title, processor, qubits, pairs, broken, pair_gate, pair_error, taken, source}",
    ),
)  # fmt: skip
