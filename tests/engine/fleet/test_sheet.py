import pytest

from app.engine.base.errors import BadInput
from app.engine.fleet.sheet import labels_of, read_sheet


def test_a_row_is_a_node_and_every_mistake_is_told_with_its_line():
    text = (
        "\ufeffAddress,name,lat,lon,tier,labels,link_bytes_s\n"
        '10.0.0.1:1,"north, 1",68.4,17.4,tier-1,gpu rack=b,1000\n'
        "\n"
        "10.0.0.2,x,,,,,\n"
        "10.0.0.3:1,x,99,,,,\n"
        "10.0.0.4:1,x,,,tier-9,,\n"
        "10.0.0.1:1,x,,,,,\n"
        "10.0.0.5:1\n"
        "10.0.0.6:1,,,,,=x,\n"
    )
    entries, mistakes = read_sheet(text, "nodes.csv")
    assert [(each.line, each.address, each.about) for each in entries] == [
        (
            2, "10.0.0.1:1",
            {
                "name": "north, 1", "location_lat": 68.4, "location_lon": 17.4, "tier": "tier-1",
                "labels": {"gpu": "yes", "rack": "b"}, "link_bytes_s": 1000,
            },
        )
    ]  # fmt: skip
    assert [(each.line, word in each.reason) for each, word in zip(
        mistakes, ["host:port", "between -90", "tier-1, tier-2", "line 2 already", "1 values", "no label"], strict=True
    )] == [(4, True), (5, True), (6, True), (7, True), (8, True), (9, True)]  # fmt: skip


@pytest.mark.parametrize(
    ("text", "words"),
    [("", "needs address"), ("name\n", "needs address"), ("address,colour\n", "no column colour"), ("address,address\n", "once"),
     ('address\n"10.0.0.1:1\n', "line 2")],
)  # fmt: skip
def test_a_file_that_is_no_sheet_is_refused(text, words):
    with pytest.raises(BadInput, match=words):
        read_sheet(text, "nodes.csv")


def test_labels_are_parted_by_whatever_people_write():
    assert labels_of("a=1; b,c=x=y") == {"a": "1", "b": "yes", "c": "x=y"}
