"""Replica exchange: many copies of a problem at fixed temperatures, neighbours on the ladder trading places.

After Hukushima and Nemoto 1996, "Exchange Monte Carlo method and application to spin glass simulations": two neighbours trade
with probability min(1, exp((1/T_a - 1/T_b) (E_a - E_b))), which leaves the Boltzmann distribution of the ladder as it is.
The sweeps are those of `scan_kernel`. Rungs, ends and sweeps between trades were tried on G22, G55 and planted cubes; see
`benchmarks/qubo_exchange.py`.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from app.engine.qubo.schedule import field_scale

RUNGS = 16
HOT_RATIO, COLD_RATIO = 0.3, 0.1
SWEEPS_PER_TRADE = 4
# After so many trades the coldest are looked at.
TRADES_PER_LOOK = 20
# Sweeps of one state between two looks.
SWEEPS_PER_LOOK = RUNGS * SWEEPS_PER_TRADE * TRADES_PER_LOOK


class Ladder:
    """RUNGS states from random starts, the hottest first; `form` is that of `anneal`."""

    def __init__(self, form: Any, rng: np.random.Generator) -> None:
        from app.engine.qubo import scan_kernel

        self._kernel: Any = scan_kernel
        self._form, self._rng = form, rng
        half_ts = np.geomspace(HOT_RATIO, COLD_RATIO, RUNGS) * field_scale(form.ising)
        self._courses = [np.full(SWEEPS_PER_TRADE, half_t) for half_t in half_ts]
        # half_ts are T/2.
        self._cooler = np.diff(1 / half_ts) / 2
        self._place = np.uint32(rng.integers(2**32, dtype=np.uint64))
        self.states = [self._random() for _ in range(RUNGS)]
        self.energies = [float(self._kernel.set_fields(form.h, state, form.graph)) for state in self.states]
        self._odd = 0

    def _random(self) -> tuple[NDArray[Any], NDArray[Any]]:
        spins = np.ones(self._form.size, self._form.type)
        n = self._form.problem.n
        spins[:n] = self._rng.integers(0, 2, n, np.int8) * 2 - 1
        return spins, np.empty(self._form.size, self._form.type)

    def look(self) -> list[tuple[NDArray[Any], NDArray[Any]]]:
        """Make TRADES_PER_LOOK rounds of sweeps and trades; return the two coldest states, which stay the ladder's own."""
        for _ in range(TRADES_PER_LOOK):
            for k, state in enumerate(self.states):
                change, _, self._place = self._kernel.anneal(
                    state, self._form.graph, self._courses[k], self._form.logs, self._place
                )
                self.energies[k] += change
            self._trade()
        return [self.states[-1], self.states[-2]]

    def _trade(self) -> None:
        """Let every second pair of neighbours trade; the other pairs next time."""
        for k in range(self._odd, RUNGS - 1, 2):
            gain = self._cooler[k] * (self.energies[k + 1] - self.energies[k])
            if gain >= 0 or self._rng.random() < np.exp(gain):
                self.states[k], self.states[k + 1] = self.states[k + 1], self.states[k]
                self.energies[k], self.energies[k + 1] = self.energies[k + 1], self.energies[k]
        self._odd = 1 - self._odd
