"""The Learn page and its chapters."""
