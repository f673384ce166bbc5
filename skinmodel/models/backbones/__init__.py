"""Networks trained on ImageNet that classifiers start from."""
