"""Measurement of predictions; loads no deep-learning library."""
