from typing import Any

class TwoQubitWeylDecomposition:
    a: float
    b: float
    c: float
    def __init__(self, matrix: Any) -> None: ...
