"""The drawn map: distances on paper follow steps over couplings, the same every time."""

import numpy as np
import pytest

from app.engine.circuits import coupling_map, devices, routing


@pytest.mark.parametrize("name", ["ibm_brisbane", "iqm_garnet", "ibm_manila"])
def test_distances_on_paper_follow_steps_over_couplings(name):
    device = devices.read(devices.known()[name])
    drawn = coupling_map.drawn(device)
    at = np.array(drawn["at"])
    steps = routing.coupling_of(device).distance
    upper = np.triu_indices(device.qubits, 1)
    paper = np.linalg.norm(at[:, None] - at[None], axis=2)[upper]
    assert np.corrcoef(paper, steps[upper])[0, 1] > 0.9
    assert 0 <= at.min() <= at.max() <= 1
    assert drawn == coupling_map.drawn(device)
    assert len(drawn["places"]) == device.qubits
    assert len(drawn["pairs"]) == len(device.pairs)


def test_one_and_two_places_stand_in_a_row():
    assert coupling_map.positions(np.zeros((1, 1))).tolist() == [[0.5, 0.5]]
    assert coupling_map.positions(np.array([[0.0, 1], [1, 0]])).shape == (2, 2)
