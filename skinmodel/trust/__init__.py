"""How far an answer can be trusted: the gate before it, and what stands beside it.

Everything here is NumPy and OpenCV on a decoded picture, a network's features and its
probabilities; nothing loads a network.
"""
