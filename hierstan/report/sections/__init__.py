"""What stands in the sections of the page."""
