"""The migrations themselves; a revision is called like its file."""
