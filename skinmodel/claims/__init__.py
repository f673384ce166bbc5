"""Sentences with a figure or a comparison, held to the saved reports that they speak of."""
