import pytest
from PySide6.QtCore import Qt

from app.engine.base.contracts import never, silent
from app.engine.qubo.adapters import minor
from app.engine.qubo.embedding.work import embed
from app.views.widgets.embedding_view import EmbeddingView, caption

RING = "6 6\n" + "".join(f"{k + 1} {(k + 1) % 6 + 1} 1\n" for k in range(6))


@pytest.fixture
def told(monkeypatch):
    monkeypatch.setattr(minor, "available", lambda: False)
    return embed({"text": RING, "name": "ring", "topology": "chimera", "size": 3}, 1, silent, never)


@pytest.fixture
def view(qtbot, told):
    shown = EmbeddingView("Problem and device")
    qtbot.addWidget(shown)
    shown.resize(700, 320)
    shown.show_picture(told)
    return shown


def test_graph_and_device_stand_side_by_side(view, told) -> None:
    assert (
        view.accessibleDescription() == f"6 variables on {told['used']} of 72 qubits; the longest chain has {told['longest']}"
    )
    assert [row[1] for row in view.twin().rows] == [len(chain) for chain in told["chains"]]
    left, right = view._areas()
    assert left.right() < right.left()
    assert all(right.adjusted(-1, -1, 1, 1).contains(line.p1()) for line, _ in view._lines())
    assert not view.grab().isNull()


def test_a_variable_is_picked_by_keys_and_on_either_side(qtbot, view) -> None:
    qtbot.keyClick(view, Qt.Key.Key_Left)
    assert view.accessibleDescription().startswith("variable 0: a chain of")
    qtbot.keyClick(view, Qt.Key.Key_Left)
    assert view.accessibleDescription().startswith("variable 5")
    assert not view.grab().isNull()
    qtbot.mouseClick(view, Qt.MouseButton.LeftButton, pos=view._nodes()[2].toPoint())
    assert view.accessibleDescription().startswith("variable 2")
    line = next(line for line, variable in view._lines() if variable == 4)
    qtbot.mouseClick(view, Qt.MouseButton.LeftButton, pos=line.center().toPoint())
    assert view.accessibleDescription().startswith("variable 4")
    qtbot.keyClick(view, Qt.Key.Key_Escape)
    assert view.accessibleDescription().startswith("6 variables")


def test_nothing_is_shown_as_nothing_and_a_large_graph_says_so(qtbot, view, told) -> None:
    view.show_picture({**told, "logical": None})
    assert view._nodes() == []
    assert not view.grab().isNull()
    view.show_picture(None)
    qtbot.mouseClick(view, Qt.MouseButton.LeftButton)
    qtbot.keyClick(view, Qt.Key.Key_Right)
    assert view.twin().rows == []


def test_the_caption_tells_what_a_chain_needs(told) -> None:
    assert f"{told['used']} qubits" in caption(told)
    assert "not installed" in caption(told)
