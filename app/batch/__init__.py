"""The Batch page and its parts."""
