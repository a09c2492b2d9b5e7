import pytest
from PySide6.QtWidgets import QLineEdit

from app.engine.base.clock import ManualClock
from app.engine.base.records import Records
from app.engine.fleet.health import Health
from app.engine.fleet.records import Node
from app.views.fleet_query import QueryFilter
from app.views.widgets.columns import Column
from app.views.widgets.table_model import RecordsModel


@pytest.fixture
def ground(qtbot):
    nodes = Records(lambda node: node.id, "node")
    nodes.put(
        Node("1", "d1", "north-1", "a:1", Health.ONLINE, "north", mem_ratio=0.5, labels={"gpu": "yes"}),
        Node("2", "d2", "south-1", "b:1", Health.OFFLINE, "south", mem_ratio=0.9),
    )
    field = QLineEdit()
    qtbot.addWidget(field)
    model = RecordsModel(
        nodes, [Column("name", "Node", lambda node: node.name), Column("site", "Site", lambda node: node.site)]
    )
    filtering = QueryFilter(field, model, nodes, ManualClock())
    yield field, model, nodes, filtering
    model.deleteLater()


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ('site == "north" and mem < 80%', ["1"]),
        ("not label.gpu", ["2"]),
        ("south", ["2"]),
        ("site==south", ["2"]),
        ("mem > 95%", []),
        ("", ["1", "2"]),
    ],
)
def test_the_filter_takes_a_query_or_plain_words(ground, text, shown):
    _, model, _, _ = ground
    model.set_filter(text)
    assert [model.key_at(row) for row in range(model.rowCount())] == shown


def test_a_mistake_is_told_at_the_field_until_it_is_mended(ground):
    field, model, _, _ = ground
    model.set_filter("mem < much")
    assert "place 7" in field.toolTip()
    model.set_filter("mem < 1")
    assert (field.toolTip(), model.rowCount()) == ("", 2)


def test_a_change_of_a_record_is_judged_by_the_query(ground):
    from dataclasses import replace

    _, model, nodes, _ = ground
    model.set_filter("mem < 80%")
    nodes.put(replace(nodes.need("2"), mem_ratio=0.1))
    model.flush()
    assert model.rowCount() == 2


def test_what_comes_next_is_offered_and_takes_its_place(ground):
    field, *_ = ground
    completer = field.completer()
    completer.setCompletionPrefix("site == no")
    offered = [completer.pathFromIndex(completer.completionModel().index(at, 0)) for at in range(completer.completionCount())]
    assert offered == ['site == "north"']
