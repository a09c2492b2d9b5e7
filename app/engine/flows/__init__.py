"""Journeys through several domains."""
