import pytest
import tomli_w

from app.engine.base.errors import BadInput, Missing
from app.engine.base.settings import ROWS, Settings


def opened(path):
    return Settings(path, tomli_w.dumps)


def test_every_default_is_a_value_its_own_row_takes():
    for row in ROWS:
        assert row.take(row.default) == row.default, row.name


def test_a_value_set_is_there_after_a_restart_and_unknown_keys_stay(tmp_path):
    path = tmp_path / "settings.toml"
    path.write_text('[later]\nthing = "kept"\n')
    opened(path).set("fleet.cadence_s", "5")
    again = opened(path)
    assert (again["fleet.cadence_s"], again["view.theme"], again.is_default("view.theme")) == (5.0, "dark", True)
    assert 'thing = "kept"' in path.read_text()


def test_a_bad_value_names_file_line_and_reason(tmp_path):
    path = tmp_path / "settings.toml"
    path.write_text('[view]\ntheme = "pink"\n')
    with pytest.raises(BadInput, match=r"settings\.toml, line 2: view\.theme must be one of dark, light"):
        opened(path)


def test_a_malformed_file_names_the_line(tmp_path):
    path = tmp_path / "settings.toml"
    path.write_text("[view]\ntheme = = 1\n")
    with pytest.raises(BadInput, match=r"settings\.toml.*line 2"):
        opened(path)


def test_a_refused_value_changes_nothing(tmp_path):
    path = tmp_path / "settings.toml"
    settings = opened(path)
    with pytest.raises(BadInput):
        settings.set("fleet.cadence_s", "-1")
    with pytest.raises(Missing):
        settings.set("fleet.colour", "1")
    assert not path.exists()


@pytest.mark.parametrize(
    ("text", "line", "reason"),
    [
        ("[fleet]\nlink_process_nodes = inf\n", 2, "a whole number"),
        ("[mine]\ntheme = 1\n[view]\ntheme = 'pink' # mine\n", 4, "view.theme must be one of"),
        ("[mine]\ntheme = 1\n['view']\n\"theme\" = 7\n", 4, "view.theme must be"),
        ("\nfleet = 3\n", 2, "fleet must be a table, not 3"),
        ("[fleet.cadence_s]\nslow = 3\n", 1, "fleet.cadence_s must be a value, not a table"),
    ],
)
def test_a_value_that_cannot_stand_there_is_told_with_its_line(tmp_path, text, line, reason):
    path = tmp_path / "settings.toml"
    path.write_text(text)
    with pytest.raises(BadInput, match=rf"settings\.toml, line {line}: .*{reason}"):
        Settings(path, tomli_w.dumps)


def test_a_file_that_is_no_text_is_told_with_its_line(tmp_path):
    path = tmp_path / "settings.toml"
    path.write_bytes(b"[view]\n\ntheme = '\xff'\n")
    with pytest.raises(BadInput, match=r"settings\.toml, line 3: not UTF-8 text"):
        Settings(path, tomli_w.dumps)


def test_a_folder_in_the_place_of_the_file_is_told(tmp_path):
    with pytest.raises(BadInput):
        Settings(tmp_path, tomli_w.dumps)
