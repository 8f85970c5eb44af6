"""What collecting logs and traces costs."""
