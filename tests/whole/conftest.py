import pytest


@pytest.fixture
def only_when_told(monkeypatch):
    """No exchange begins by itself, at the start either."""
    monkeypatch.setattr("app.engine.sync.service._FIRST_S", 86400.0)
