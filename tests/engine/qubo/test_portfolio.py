from dataclasses import dataclass
from types import SimpleNamespace

import numpy as np

from app.engine.base.contracts import Budget, SolverResult
from app.engine.qubo.exact import Exact
from app.engine.qubo.planted import torus
from app.engine.qubo.portfolio import Portfolio


def test_members_share_the_first_time_and_the_leader_gets_the_rest() -> None:
    problem, best_cut, _ = torus(4, 4, 1)
    clock, told = iter(range(100)), []
    found = Portfolio([Exact(), Exact()], now=lambda: float(next(clock))).solve(
        problem, Budget(50.0), 3, lambda *a: told.append(a)
    )
    assert [share["seconds"] for share in found.info["shares"][:2]] == [7.5, 7.5]
    assert len(found.info["shares"]) == 3
    assert -found.energy == best_cut
    assert told[-1][3]["best_energy"] == -best_cut
    assert {args[3]["member"] for args in told if args[3]} == {"exact"}


def test_a_stop_ends_after_the_first_member() -> None:
    problem, _, _ = torus(4, 4, 1)
    assert len(Portfolio([Exact(), Exact()]).solve(problem, Budget(9.0), 3, stop=lambda: True).info["shares"]) == 1


@dataclass(frozen=True)
class Fixed:
    """Finds one sample of a problem of which every state is worth the same."""

    name: str
    bit: int

    def solve(self, problem, budget, seed, report, stop) -> SolverResult:
        del problem, budget, seed, report, stop
        sample = np.array([[self.bit]], np.int8)
        return SolverResult(
            sample[0], 0.0, sample, np.zeros(1), {"counts": [1], "replay": {"solver": self.name, "options": {}}}
        )


def test_of_members_that_found_as_good_the_recipe_is_of_the_one_whose_sample_is_shown() -> None:
    problem, _, _ = torus(4, 4, 1)
    for order in ((0, 1), (1, 0)):
        members = [Fixed(f"finds {bit}", bit) for bit in order]
        alike = [member.solve(problem, Budget(1.0), 1, None, None) for member in members]
        shares = [{"seed": k} for k in range(2)]
        found = Portfolio._join(SimpleNamespace(n=1), alike, shares)
        assert found.info["replay"]["solver"] == f"finds {found.sample[0]}"
