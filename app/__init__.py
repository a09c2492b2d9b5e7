"""Outpost: one program for people who run computers at the edge."""

__version__ = "0.1.0"
