import json

import numpy as np

from app.wire.rounds import Order
from app.wire.signing import digest_of
from app.wire.tensors import unpack


def test_an_order_is_packed_and_hashed_once_and_says_all_but_the_place():
    order = Order({"w1": np.ones((2, 3), np.float32)}, {"round": 2, "epochs": 1})
    assert order.body is order.body
    assert order.digest == digest_of(order.body)
    params, meta = unpack(order.body, most_bytes=1 << 20)
    assert (params["w1"] == 1).all()
    assert json.loads(meta["spec"]) == {"round": 2, "epochs": 1}
