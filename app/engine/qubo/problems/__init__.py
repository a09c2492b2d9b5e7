"""Operators' problems in their own terms: one module each to read, formulate, decode, check and draw."""
