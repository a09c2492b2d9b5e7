"""One run of a circuit from what was asked: lowered or compiled, its simulator chosen, tried cheaply first, and done.

A matrix product state shows only while it grows whether a circuit entangles little. So before a state vector that takes long,
and where nothing exact is sure to fit, one is tried with small bonds; when nothing had to be cut off, its answer is exact.
"""

import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

import numpy as np

from app.engine.base.errors import Limit
from app.engine.base.text import tr
from app.engine.base.units import number_text
from app.engine.circuits import clifford, devices, estimate, noise, selection
from app.engine.circuits.adapters import aer, compiler, noisy, qsim_run, stim_run
from app.engine.circuits.adapters.qiskit_read import describe
from app.engine.circuits.records import Choice, Circuit, Outcome
from app.engine.circuits.selection import Ask, Offer

NOTHING: Final = 1e-9  # a share of the state that no count shows
ALL_AMPLITUDES: Final = frozenset({"statevector", "qsim"})


@dataclass(frozen=True)
class Prepared:
    """A circuit as it will be simulated, and what is asked; `noise` is a document when there is one."""

    low: Any
    plain: Circuit
    ask: Ask
    noise: Mapping[str, Any] | None


@dataclass(frozen=True)
class Plan:
    """The choice, its prediction, the other offers, and the bond to try first (0: none)."""

    choice: Choice
    predicted: Offer
    others: tuple[Offer, ...]
    trial: int = 0


def prepared(circuit: Any, name: str, spec: Mapping[str, Any], seed: int) -> Prepared:
    """Return `circuit`, which measures, in the gates of its simulator: those of a device when the noise is a device's."""
    shots, bond, text = int(spec.get("shots", 1024)), int(spec.get("bond") or 0), str(spec.get("noise") or "none")
    if text == "none":
        low = aer.lowered(circuit, name)
        return Prepared(low, describe(low), _ask(shots, None, bond), None)
    if spec.get("noise_file"):
        device = devices.read(Path(spec["noise_file"]))
        made = compiler.compiled(circuit, name, device, level=3, router="qiskit", seed=seed)
        low, places = noisy.narrowed(made.circuit)
        told = noise.of_device(device, places)
        success = estimate.success(describe(made.circuit), device).told()
        document = {**told.told(), "device": device.name, "places": list(places), "success": success["success"]}
        return Prepared(low, describe(low), _ask(shots, told, bond), document)
    low = aer.lowered(circuit, name, noisy.BASIS)
    told = noise.read(text, low.num_qubits)
    return Prepared(low, describe(low), _ask(shots, told, bond), told.told())


def _ask(shots: int, told: noise.Noise | None, bond: int) -> Ask:
    return Ask(shots, told, bond, aer.pace(), aer.threads(), extras())


def extras() -> frozenset[str]:
    """Return the simulators that are installed beside those there always are."""
    return frozenset(name for name, there in (("stim", stim_run.available()), ("qsim", qsim_run.available())) if there)


def planned(ready: Prepared, free: int, simulator: str) -> Plan:
    """Return how it will be run; raises `Limit` with numbers, or `BadInput` when the one that is named cannot do it."""
    auto = simulator == selection.AUTO and ready.ask.noise is None and not ready.ask.bond
    try:
        choice, predicted, others = selection.select(ready.plain, free, ready.ask, simulator)
    except Limit:
        found = selection.last_trial(ready.plain, free, ready.ask) if auto else None
        if found is None:
            raise
        bond, offer = found
        made = selection.offers(ready.plain, free, ready.ask)
        choice = Choice(offer.simulator, offer.memory_bytes, tr("nothing else fits: tried with small bonds"))
        return Plan(choice, offer, tuple(one for one in made if one.simulator != offer.simulator), bond)
    trial_bond = selection.trial_bond(ready.plain, ready.ask, predicted) if auto and choice.method in ALL_AMPLITUDES else 0
    return Plan(choice, predicted, tuple(others), trial_bond)


def done(ready: Prepared, plan: Plan, *, seed: int, name: str) -> Outcome:
    """Run it; raises `Limit` when a matrix product state was the last resort and had to be cut."""
    if plan.choice.method in selection.FRAMES:
        return _drawn(ready, plan.choice, seed)
    cut = 1.0
    if plan.trial:
        trial = Choice("matrix_product_state", 0, "")
        first = aer.run(ready.low, trial, replace(ready.ask, shots=1, bond=plan.trial), seed=seed, name=name).bonds
        cut = first.cut if first is not None else 1.0
        if first is not None and cut < NOTHING and _pays(plan, known := selection.known(ready.plain, ready.ask, first.largest)):
            why = tr("tried with bonds of up to {bond}: {largest} are enough, and nothing had to be cut off", bond=plan.trial,
                     largest=first.largest)  # fmt: skip
            taken = replace(trial, why=why, memory_bytes=known.memory_bytes)
            outcome = aer.run(ready.low, taken, ready.ask, seed=seed, name=name)
            if outcome.bonds is not None and outcome.bonds.cut < NOTHING:
                return outcome
    if plan.choice.method == "qsim":
        return _drawn(ready, plan.choice, seed)
    if not plan.trial or plan.choice.method in ALL_AMPLITUDES:
        return aer.run(ready.low, plan.choice, ready.ask, seed=seed, name=name)
    raise Limit(
        "{qubits} qubits are too many for all amplitudes, and a matrix product state of bonds up to {bond} cuts off {share} of "
        "the state", qubits=ready.low.num_qubits, bond=plan.trial, share=number_text(cut, ".2g"),
        hint="Give a largest bond to accept an approximation; its truncation error is told.",
    )  # fmt: skip


def _drawn(ready: Prepared, choice: Choice, seed: int) -> Outcome:
    """Return the outcome of one that gives bits for every shot: the stabilizer group, stim or qsim."""
    plain, ask, begin_s = ready.plain, ready.ask, time.perf_counter()
    if choice.method == "stim":
        bits = stim_run.sample(plain, ask.shots, seed, ask.noise)
    elif choice.method == "qsim":
        bits = qsim_run.sample(plain, ask.shots, seed, ask.threads)
    else:
        rng = np.random.default_rng(np.random.SeedSequence(seed))
        bits = clifford.sample(clifford.turned(plain), ask.shots, rng)
    counts, other = aer.trimmed(clifford.keys(bits, [register.size for register in ready.low.cregs]))
    return Outcome(counts, choice.method, choice.why, time.perf_counter() - begin_s, choice.memory_bytes, other)


def _pays(plan: Plan, known: Offer) -> bool:
    """Tell whether a matrix product state of known bonds is the quicker way, or the only one."""
    return plan.choice.method not in ALL_AMPLITUDES or known.wall_s < plan.predicted.wall_s


def followed(ready: Prepared, plan: Plan, outcome: Outcome) -> Plan:
    """Return the plan as it came out: after a trial that was enough, what that state needs is the prediction.

    The choice of before is then one of the others.
    """
    if not plan.trial or outcome.bonds is None:
        return plan
    used = selection.known(ready.plain, ready.ask, outcome.bonds.largest)
    others = tuple(one for one in (plan.predicted, *plan.others) if one.simulator != used.simulator)
    return replace(plan, choice=Choice(used.simulator, used.memory_bytes, outcome.why), predicted=used, others=others)
