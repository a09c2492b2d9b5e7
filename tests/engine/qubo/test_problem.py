import dimod
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.engine.base.errors import BadInput, Limit
from app.engine.qubo.problem import build, check_size, max_cut, sample_of, sample_text


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), n=st.integers(1, 12), terms=st.integers(0, 40))
def test_energies_agree_with_dimod(seed: int, n: int, terms: int) -> None:
    rng = np.random.default_rng(seed)
    linear, i, j, w = rng.normal(size=n), rng.integers(0, n, terms), rng.integers(0, n, terms), rng.normal(size=terms)
    problem = build(linear, (i, j, w), offset=1.5)
    model = dimod.BinaryQuadraticModel(dict(enumerate(linear)), {}, 1.5, "BINARY")
    for a, b, weight in zip(i.tolist(), j.tolist(), w.tolist(), strict=True):
        if a == b:
            model.add_linear(a, weight)
        else:
            model.add_quadratic(a, b, weight)
    samples = rng.integers(0, 2, (4, n))
    np.testing.assert_allclose(problem.energies(samples), model.energies((samples, range(n))), atol=1e-9)


def test_couplings_are_upper_triangular_and_unique() -> None:
    problem = build([0.0] * 4, ([2, 0, 3, 1], [0, 2, 1, 1], [1.0, 2.0, -1.0, 7.0]))
    assert (problem.rows < problem.cols).all()
    assert list(zip(problem.rows.tolist(), problem.cols.tolist(), problem.weights.tolist(), strict=True)) == [
        (0, 2, 3.0),
        (1, 3, -1.0),
    ]
    assert problem.linear.tolist() == [0.0, 7.0, 0.0, 0.0]


def test_couplings_that_cancel_are_dropped() -> None:
    assert build([0.0, 0.0], ([0, 1], [1, 0], [1.0, -1.0])).couplings == 0


def test_a_problem_cannot_be_changed() -> None:
    problem = build([0.0, 1.0], ([0], [1], [1.0]))
    for part in (problem.linear, problem.rows, problem.cols, problem.weights):
        with pytest.raises(ValueError, match="read-only"):
            part[0] = 5


def test_the_arrays_given_are_not_taken_over() -> None:
    linear = np.array([0.0, 1.0])
    build(linear, ([0], [0], [1.0]))
    assert linear.tolist() == [0.0, 1.0]
    assert linear.flags.writeable


def test_a_cut_counts_the_edges_between_the_sides() -> None:
    triangle = max_cut(3, ([0, 1, 0], [1, 2, 2], [1.0, 2.0, 4.0]))
    assert triangle.objective([0, 0, 1]) == 6.0
    assert triangle.energy([0, 0, 1]) == -6.0
    assert triangle.objective([1, 1, 1]) == 0.0
    assert triangle.sense == "max"


def test_objective_of_a_minimised_problem_is_its_energy() -> None:
    problem = build([1.0, -3.0], ([0], [1], [1.0]))
    assert problem.objective([0, 1]) == problem.energy([0, 1]) == -3.0


@pytest.mark.parametrize(
    "linear, pairs",
    [([0.0, np.nan], ([], [], [])), ([0.0, 1.0], ([0], [1], [np.inf])), ([0.0, 1.0], ([0], [2], [1.0])), ([], ([], [], []))],
)
def test_what_is_no_problem_is_refused(linear, pairs) -> None:
    with pytest.raises(BadInput):
        build(linear, pairs)


def test_a_sample_of_the_wrong_length_is_refused() -> None:
    with pytest.raises(BadInput, match="3 values, not 2"):
        build([0.0] * 3, ([], [], [])).energy([0, 1])


def test_sizes_beyond_the_limit_are_refused_by_number_alone() -> None:
    with pytest.raises(Limit, match="200001"):
        check_size(200_001, 0)
    with pytest.raises(Limit, match="couplings"):
        check_size(10, 10**9)


def test_sample_text_reads_back() -> None:
    sample = np.array([0, 1, 1, 0, 1], np.int8)
    assert sample_text(sample) == "01101"
    np.testing.assert_array_equal(sample_of("01101"), sample)
