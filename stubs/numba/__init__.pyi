from collections.abc import Callable
from typing import Any, TypeVar

F = TypeVar("F", bound=Callable[..., Any])

types: Any

def njit(*, nogil: bool = ..., cache: bool = ..., fastmath: bool = ...) -> Callable[[F], F]: ...
