"""What several pages show alike; knows no page."""
