"""Recipes, the training loop and its resumable state."""
