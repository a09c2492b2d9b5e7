"""PySide6 6.12.0 on Python 3.11 loses a reference to True and None at every call, and so ends the interpreter."""

import sys

import pytest

ROUNDS = 200


@pytest.mark.parametrize("value", [True, False, None], ids=str)
def test_two_hundred_signals_lose_no_reference(qapp, value):
    from PySide6.QtCore import QObject, Signal

    class Sender(QObject):
        told = Signal(object)

    sender, heard = Sender(), [0]

    def hear(_told):
        heard[0] += 1

    sender.told.connect(hear)
    before = sys.getrefcount(value)
    for _ in range(ROUNDS):
        sender.told.emit(value)
    assert heard[0] == ROUNDS
    assert sys.getrefcount(value) > before - ROUNDS // 2
