from collections.abc import Callable
from typing import Any

def intrinsic(func: Callable[..., Any]) -> Callable[..., Any]: ...
