"""Classifying images with trained weights."""
