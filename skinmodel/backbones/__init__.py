"""Pretrained networks without their heads, and how the classifiers of this program use them."""
