from collections.abc import Callable
from typing import Any, TypeVar

F = TypeVar("F", bound=Callable[..., Any])

types: Any

def njit(*, nogil: bool = ..., cache: bool = ..., fastmath: bool = ..., error_model: str = ...) -> Callable[[F], F]: ...
