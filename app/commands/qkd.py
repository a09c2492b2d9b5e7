"""The row of quantum key distribution."""

from typing import TYPE_CHECKING, Any

from app.engine.base.command import Arg, Command

if TYPE_CHECKING:
    from app.engine.engine import Call


async def simulate(call: "Call", *, photons: int, noise: float, eavesdropped: float, seed: int) -> dict[str, Any]:
    """Simulate one key exchange."""
    options = {"photons": photons, "noise": noise, "eavesdropped": eavesdropped}
    return await call.engine.circuits.tasks.run(name="bb84", options=options, seed=seed, actor=call.actor, cause=call.cause)


ROWS: tuple[Command, ...] = (
    Command(
        "qkd.simulate", "Simulate a key exchange",
        "Simulates BB84: photons in random bases, an eavesdropper who intercepts and sends on, sifting, error rate, error "
        "correction and privacy amplification, all executed. It ends without a key from 11 % errors on.",
        simulate,
        (
            Arg("photons", int, "How many are sent.", 100_000, low=100, high=2_000_000),
            Arg("noise", float, "Share of bits that the channel flips.", 0.02, low=0, high=0.5),
            Arg("eavesdropped", float, "Share of photons that are intercepted and sent on.", 0.0, low=0, high=1),
            Arg("seed", int, "Seed; equal seeds give equal results.", 0, low=0, high=2**64 - 1),
        ),
        returns="{id, task_type, solution: {qber_ratio, aborted, key_bits, keys_equal, key_rate_ratio, leaked_bits}, "
        "classical_baseline, quantum_advantage, why, execution, error_rate, confidence}",
    ),
)  # fmt: skip
