"""A compiled circuit on the page of circuits: before and after, the map, and a run that was kept without its pictures."""

import math

import pytest
from PySide6.QtGui import QImage

from app.engine.base.contracts import never, silent
from app.engine.circuits import compile_work, devices, work
from app.engine.circuits.samples import FOLDER
from app.engine.jobs.runs import Run
from app.views.compile_part import figures

BELL = FOLDER / "bell.qasm"


@pytest.fixture(scope="module")
def compiled():
    spec = {"file": str(FOLDER / "ghz.qasm"), "name": "ghz.qasm", "device_file": str(devices.known()["ibm_kolkata"])}
    return compile_work.compile_for(spec, 1, silent, never)


def kept(result):
    return {key: value for key, value in result.items() if not key.startswith("picture")}


@pytest.fixture
def page(full_window, compiled, start):
    start.answers["circuit.show"] = {"picture": compiled["picture"]}
    spec = {"file": "ghz.qasm", "device_file": "x.json", "device": "ibm_kolkata"}
    run = Run(id="r-comp", job_id="j", title="Compile ghz.qasm for ibm_kolkata", source="ghz.qasm", spec=spec,
              result=kept(compiled), state="done", created_us=2**60)  # fmt: skip
    full_window.open_page("circuits")
    full_window.engine.circuits.records.put(run)
    full_window.settle()
    return full_window.page


def test_a_compiled_circuit_shows_figures_verdict_source_and_map(page, compiled):
    part = page.compiled
    assert page.parts.currentWidget() is part
    assert part.verdict.text().startswith("Both circuits do the same · exactly")
    assert "IBM Kolkata" in part.facts.text()
    assert "2021-12-09" in part.facts.text()
    rows = {row[0]: row[1:] for row in part._rows}
    assert rows["Gates of two qubits"] == (str(compiled["before"]["two_qubit"]), str(compiled["after"]["two_qubit"]))
    assert part.map.accessibleDescription() == "27 qubits, 28 couplings, 5 in use"
    twin = part.map.twin()
    assert len(twin.rows) == 27 + 28
    standing = {row[0]: row[1] for row in twin.rows[:27] if row[1] != "–"}
    assert standing == {str(row["start"]): row["qubit"] for row in compiled["layout"]}


def test_a_run_kept_without_pictures_is_drawn_anew_on_both_sides(page, start):
    assert start.names().count("circuit.show") == 2
    assert page.compiled.before.accessibleDescription() == page.compiled.after.accessibleDescription() != ""


def test_the_map_has_a_mark_for_every_place_and_says_nothing_while_empty(page):
    picture = page.compiled.map
    picture.resize(500, 300)
    image = QImage(picture.size(), QImage.Format.Format_RGB32)
    picture.render(image)
    shades = {image.pixel(x, y) for x in range(0, 500, 3) for y in range(0, 300, 3)}
    assert len(shades) > 5
    picture.show_picture(None)
    assert picture.accessibleDescription() == "Nothing to show yet"


def test_a_line_of_places_is_drawn_as_a_line(page):
    at = [[number / 4, 0.5] for number in range(5)]
    picture = page.compiled.map
    picture.show_picture(
        {"at": at, "pairs": [[0, 1, 0.01, False], [1, 2, 0.01, False]], "places": [[0, 0, 0]] * 5, "layout": []}
    )
    picture.grab()
    assert picture.accessibleDescription() == "5 qubits, 2 couplings, 0 in use"


def test_figures_are_empty_until_there_is_a_result():
    assert figures({}, {}) == []


def test_the_mean_of_an_observable_shows_its_terms(full_window):
    result = work.expect({"file": str(BELL), "observable": "Z0 Z1 - 2 X0"})
    full_window.open_page("circuits")
    full_window.engine.circuits.records.put(
        Run(id="r-mean", job_id="j", title="Mean", source="bell.qasm", spec={"file": "b", "observable": "Z0 Z1 - 2 X0"},
            result={key: value for key, value in result.items() if key != "text"}, state="done", created_us=2**60)
    )  # fmt: skip
    full_window.settle()
    page = full_window.page
    assert page.parts.currentWidget() is page.mean
    assert page.mean.value.text() == "Z0 Z1 - 2 X0  =  1"
    assert [(row[1], row[2]) for row in page.mean._rows] == [("Z0 Z1", 1.0), ("X0", -2.0)]
    assert all(math.isfinite(row[3]) for row in page.mean._rows)


def test_a_noisy_run_tells_whose_errors_and_what_was_cut_off(full_window):
    result = {"counts": {"00": 30, "11": 20}, "shots": 50, "qubits": 2, "depth": 2, "simulator": "stabilizer", "wall_s": 0.1,
              "why": "asked for by name", "noise": {"title": "readout=0.1"}}  # fmt: skip
    full_window.open_page("circuits")
    full_window.engine.circuits.records.put(
        Run(id="r-noisy", job_id="j", title="Run", source="bell.qasm", spec={"file": "b"},
            result={**result, "bonds": {"largest": 4, "cut": 0.02}}, state="done", created_us=2**60)
    )  # fmt: skip
    full_window.settle()
    said = full_window.page._facts.text()
    assert "with the errors of readout=0.1 (simulated)" in said
    assert "largest bond 4, truncation error 0.02" in said
