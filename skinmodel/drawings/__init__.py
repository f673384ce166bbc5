"""Drawn lesions for demonstrations and tests."""
