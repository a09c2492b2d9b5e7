"""The command rows, a file per domain; free of Qt."""
