"""The pages; none imports another, none loads a deep-learning library."""
