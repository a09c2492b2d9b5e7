"""What a widget is for, said to the pointer that rests on it and to a reader of the screen alike."""

from PySide6.QtWidgets import QWidget


def explain(widget: QWidget, sentence: str) -> None:
    """Give `widget` the sentence as tool tip and as accessible description."""
    widget.setToolTip(sentence)
    widget.setAccessibleDescription(sentence)
