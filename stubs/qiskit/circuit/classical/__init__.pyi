from . import expr as expr
