from app.engine.qubo.records import SolverCard


def test_a_card_is_plain_data() -> None:
    card = SolverCard("a", "A", "Does it.", 5, "here", (("sweeps", 3),))
    assert card.to_json() == {
        "name": "a", "title": "A", "help": "Does it.", "most_variables": 5, "origin": "here", "fixed": {"sweeps": 3},
        "options": [], "provider": "classical",
    }  # fmt: skip
