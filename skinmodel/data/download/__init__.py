"""Fetch the data sets from where they are published, whole and checked."""
