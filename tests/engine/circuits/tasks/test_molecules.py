import pytest

from app.engine.base.errors import BadInput
from app.engine.circuits.tasks import molecules


@pytest.mark.parametrize(("name", "orbitals", "first"), [("h2", 2, 0.735), ("lih", 5, 1.595)])
def test_a_molecule_has_its_source_and_begins_with_its_bond_length(name, orbitals, first):
    molecule = molecules.read(name)
    distance, energy = molecule.at(0)
    assert (distance, energy.orbitals) == (first, orbitals)
    assert "PySCF" in molecule.source
    assert molecule.basis == "STO-3G"


def test_integrals_have_the_eight_orders_of_their_electrons():
    _, energy = molecules.read("lih").at(2.0)
    two = energy.two
    for order in ((1, 0, 2, 3), (0, 1, 3, 2), (2, 3, 0, 1)):
        assert abs(two - two.transpose(order)).max() == 0


def test_a_distance_that_is_not_tabled_is_told_with_those_that_are():
    with pytest.raises(BadInput, match=r"0.4, 0.5.*not 0.7"):
        molecules.read("h2").at(0.7)
