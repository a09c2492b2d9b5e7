from app.engine.learning.board import Board
from app.engine.learning.records import Part, Round


class Told:
    def __init__(self):
        self.calls = []

    def __call__(self, done, total, unit="", partial=None, samples=None):
        self.calls.append((done, total, partial, samples))


def test_the_eye_sees_who_is_waited_for_what_was_rejected_and_the_last_round():
    told = Told()
    board = Board("r1", ["ash", "elm"], 5, told)
    board.open(2, [Round(1, 0.5, 1.5, 0.1)], ["ash", "elm"])
    done, total, partial, _ = told.calls[-1]
    assert (done, total, partial["run_id"], partial["accuracy"]) == (1, 5, "r1", 0.5)
    assert "ash, elm" in partial["waits"]
    board.heard(Part(1, "elm", "bad", reason="not finite"), 3)
    assert told.calls[-1][2]["nodes"]["elm"]["rejected"] == 3
    assert told.calls[-1][2]["waits"].endswith("ash")
    board.waits("Round 2 has too few")
    assert told.calls[-1][2]["waits"] == "Round 2 has too few"
    updates = {"clients": [0, 1], "outliers": [1], "norms": [1.0, 9.0], "shares": [0.9, -0.1], "drift": 0.4}
    board.finished(Round(2, 0.6, 1.2, 0.1, bytes=10), updates, 7.0)
    done, _, partial, samples = told.calls[-1]
    assert (done, partial["accuracy"], partial["updates"]["outliers"]) == (2, 0.6, ["elm"])
    assert samples["drift_ratio"] == [(7.0, 0.4)]
    assert board.last()["updates"]["clients"] == ["ash", "elm"]
