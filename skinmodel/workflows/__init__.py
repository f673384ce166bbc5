"""What joins the parts: train, evaluate, release, and measure leak and maps."""
