"""Training on TensorFlow, which finds a GPU by itself."""
