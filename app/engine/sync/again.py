"""The seam of loops that do the same again and again: whatever goes wrong is logged, and the next round tries again."""

import logging
from collections.abc import Awaitable, Callable
from typing import Any

from app.engine.base.errors import OutpostError


async def tried(
    log: logging.Logger, what: str, work: Callable[[], Awaitable[Any]], *, usual: tuple[type[OutpostError], ...] = ()
) -> bool:
    """Do `work`, log what went wrong as that of `what`, and tell whether nothing did; of what is `usual` little is made."""
    try:
        await work()
    except OutpostError as error:
        log.log(logging.DEBUG if isinstance(error, usual) else logging.WARNING, "%s: %s", what, error)
        return False
    except Exception:  # nobody thought of it: its trace is logged
        log.exception("%s", what)
        return False
    return True
