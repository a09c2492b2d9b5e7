from . import cgutils as cgutils
