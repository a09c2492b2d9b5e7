"""The window: Qt lives here and nowhere else. Panels read records and samples, and fire commands; they never await."""
