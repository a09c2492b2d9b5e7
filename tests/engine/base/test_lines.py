from app.engine.base.lines import aligned


def test_columns_stand_below_each_other_and_lines_end_with_their_last_word():
    assert aligned([("a", "long", ""), ("wide", "b", "")]) == ["a     long", "wide  b"]
