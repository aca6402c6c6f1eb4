"""What simulated actors say to each other."""
