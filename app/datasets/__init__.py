"""The Datasets page and its parts."""
