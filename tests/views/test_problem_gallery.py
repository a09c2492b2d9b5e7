"""The gallery: a card per kind with its picture, and one press to take the sample."""

from pathlib import Path

from PySide6.QtCore import Qt

from app.engine.qubo.problems import registry
from app.views.problem_gallery import ProblemGallery, pictures_of_samples

KINDS = [{**kind.to_json(), "sample": str(registry.sample_of(kind.name))} for kind in registry.KINDS.values()]


def test_there_is_a_picture_for_every_kind():
    assert set(pictures_of_samples()) == set(registry.KINDS)


def test_a_press_takes_the_sample_of_its_kind_or_what_was_kept(qtbot):
    taken = []
    gallery = ProblemGallery(lambda file, kind: taken.append((file, kind)))
    qtbot.addWidget(gallery)
    gallery.show_list({"kinds": KINDS, "kept": [{"name": "van", "kind": "knapsack", "file": "/h/van.csv"}]})
    assert len(gallery.buttons) == len(KINDS) + 1
    qtbot.mouseClick(gallery.buttons["Travelling salesman"], Qt.MouseButton.LeftButton)
    qtbot.mouseClick(gallery.buttons["van"], Qt.MouseButton.LeftButton)
    assert taken == [(registry.sample_of("tsp"), "tsp"), (Path("/h/van.csv"), "knapsack")]
