"""Quadratic unconstrained binary optimisation: problems and solvers."""
