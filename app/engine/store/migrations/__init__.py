"""Migrations of the state file: linear, one file each, named NNNN_area."""
