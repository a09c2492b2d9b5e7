import re
import tomllib

import pytest

from tests.laws.tree import ROOT

LOCKS = sorted((ROOT / "locks").glob("*"))
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
TABLE = PROJECT["project"]
REQUIREMENTS = [
    *TABLE["dependencies"],
    *(line for lines in TABLE["optional-dependencies"].values() for line in lines),
    *(line for lines in PROJECT["dependency-groups"].values() for line in lines if isinstance(line, str)),
    *PROJECT["build-system"]["requires"],
]


def test_there_are_locks():
    assert LOCKS


@pytest.mark.parametrize("lock", LOCKS, ids=lambda path: path.name)
def test_a_lock_names_no_host(lock):
    assert "://" not in lock.read_text("utf-8")


@pytest.mark.parametrize("lock", LOCKS, ids=lambda path: path.name)
def test_every_line_of_a_lock_is_pinned_and_hashed(lock):
    text = re.sub(r"\\\n\s*", " ", lock.read_text("utf-8"))
    loose = [line for line in text.splitlines() if line.strip() and not line.lstrip().startswith("#")
             and not re.match(r"[A-Za-z0-9._\[\],-]+==\S+( ?;[^#]*?)? .*--hash=sha256:[0-9a-f]{64}", line)]  # fmt: skip
    assert loose == []


def test_the_bindings_of_highs_are_those_of_a_scipy_whose_answers_can_be_read_on_the_way():
    (told,) = (re.match(r"scipy>=([\d.]+),<[\d.]+$", line) for line in REQUIREMENTS if line.startswith("scipy"))
    assert tuple(map(int, told[1].split("."))) >= (1, 17, 1)


@pytest.mark.parametrize("line", [line for line in REQUIREMENTS if not line.startswith("outpost[")])
def test_every_requirement_has_a_lower_bound(line):
    assert re.search(r"(>=|==|~=)\s*\d", line.split(";")[0])


@pytest.mark.parametrize(
    "name, bound", [("protobuf", ">=6.33.1,<6.34"), ("python-dateutil", "<3"), ("PySide6-Essentials", "<6.12")]
)
def test_the_caps_that_extras_rely_on_stand(name, bound):
    assert [line for line in REQUIREMENTS if line.startswith(name) and all(part in line for part in bound.split(","))]


def test_nothing_under_the_general_public_licence_alone_and_no_torch_is_locked():
    names = {match.lower() for lock in LOCKS for match in re.findall(r"(?m)^([A-Za-z0-9._-]+)==", lock.read_text("utf-8"))}
    assert names & {"torch", "mitiq", "pyside6", "pyside6-addons", "pyqt6", "pyqt5"} == set()
