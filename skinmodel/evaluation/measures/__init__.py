"""Figures from truth and probabilities: NumPy alone."""
