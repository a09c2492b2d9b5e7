"""Comparisons of solvers at equal time and equal cost, with a verdict that may be undecided."""
