from app.engine.base.contracts import Budget
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
