"""The two data sets: index, splits, decoded cache and input pipeline."""
