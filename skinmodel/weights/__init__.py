"""Trained weights: manifest, compact form and store."""
