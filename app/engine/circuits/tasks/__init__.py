"""Algorithms as guided tasks, a module each, with the classical check beside them."""
