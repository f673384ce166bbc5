"""What predictions mean for a reader: the verdict, its worth and when not to trust it."""
