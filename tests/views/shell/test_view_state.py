"""What the window remembers: sections by name, written whole, and never fatal."""

import json

import pytest

from app.views.shell.view_state import MOST_RECENT, ViewState, forget_layout


def test_what_was_put_is_there_at_the_next_start(tmp_path):
    state = ViewState(tmp_path / "view.json")
    state.put("splitters", [200, 300], "fleet/0")
    state.use("palette", "page fleet")
    state.save()
    again = ViewState(tmp_path / "view.json")
    assert again.get("splitters", "fleet/0") == [200, 300]
    assert again.recent("palette") == ["page fleet"]
    assert json.loads((tmp_path / "view.json").read_text())["schema"] == 1


@pytest.mark.parametrize("text", ["", "{", "[1]", '{"schema": 99, "window": {}}', "\udcff", "[" * 100_000])
def test_a_malformed_file_means_the_shipped_layout(tmp_path, text):
    (tmp_path / "view.json").write_bytes(text.encode("utf-8", "surrogateescape"))
    assert ViewState(tmp_path / "view.json").get("window") == {}


def test_recent_things_are_few_and_the_newest_first():
    state = ViewState()
    for number in range(20):
        state.use("palette", f"k{number}")
    state.use("palette", "k15")
    assert state.recent("palette")[:2] == ["k15", "k19"]
    assert len(state.recent("palette")) == MOST_RECENT


def test_forgetting_the_layout_keeps_workspaces(tmp_path):
    state = ViewState(tmp_path / "view.json")
    state.put("window", {"frame": [0, 0, 900, 700]})
    state.put("workspaces", {"page": "fleet"}, "night")
    state.save()
    forget_layout(tmp_path / "view.json")
    again = ViewState(tmp_path / "view.json")
    assert again.get("window") == {}
    assert again.get("workspaces", "night") == {"page": "fleet"}


def test_a_folder_that_cannot_be_written_costs_only_the_layout(tmp_path, caplog):
    (tmp_path / "file").write_text("")
    state = ViewState(tmp_path / "file" / "view.json")
    state.put("window", {"frame": [0, 0, 900, 700]})
    state.save()
    assert "not kept" in caplog.text


def test_a_dropped_entry_is_gone_and_the_others_stay():
    state = ViewState()
    state.put("presets", {"a": 1}, "qubo.solve")
    state.put("presets", {"b": 1}, "circuit.run")
    state.drop("presets", "qubo.solve")
    state.drop("presets", "never")
    assert state.get("presets") == {"circuit.run": {"b": 1}}
