from collections.abc import Iterable
from typing import Any

LEGACY_CUSTOM_INSTRUCTIONS: tuple[Any, ...]

def dumps(circuit: Any) -> str: ...
def loads(string: str, *, include_path: Iterable[str] = ..., custom_instructions: Iterable[Any] = ...) -> Any: ...
