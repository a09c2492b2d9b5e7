import pytest


@pytest.fixture
def claims(tmp_path_factory, monkeypatch):
    """Claims on groups of this test's own, and where they stand."""
    cache = tmp_path_factory.mktemp("cache")
    monkeypatch.setenv("OUTPOST_CACHE", str(cache))
    return cache / "groups"
