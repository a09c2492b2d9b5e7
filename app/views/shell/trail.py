"""The trail: which pages were open, so that a person gets back to where they came from."""

from typing import Final

MOST: Final = 50


class Trail:
    """Page names in the order they were opened; the last is the open one."""

    def __init__(self) -> None:
        self._names: list[str] = []

    def visit(self, name: str) -> None:
        """Note that `name` is open now."""
        if self._names[-1:] != [name]:
            self._names = [*self._names[-MOST + 1 :], name]

    def back(self) -> str:
        """Forget the open page and return the one before it; "" when there is none."""
        if len(self._names) < 2:
            return ""
        self._names.pop()
        return self._names[-1]
