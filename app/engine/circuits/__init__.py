"""Quantum circuits: read, draw, simulate."""
