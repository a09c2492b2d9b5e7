from app.engine.control.orders import Orders, give


def test_each_order_is_taken_once_and_in_order(tmp_path):
    path = tmp_path / "orders" / "run"
    reader = Orders(str(path))
    assert reader.take() == []
    give(path, "observe")
    give(path, "dance")
    give(path, "end")
    assert reader.take() == ["observe", "end"]
    assert reader.take() == []


def test_a_line_half_written_waits_for_its_end(tmp_path):
    path = tmp_path / "run"
    path.write_text("ki")
    reader = Orders(str(path))
    assert reader.take() == []
    path.write_text("kill\n")
    assert reader.take() == ["kill"]
    assert Orders().take() == []
