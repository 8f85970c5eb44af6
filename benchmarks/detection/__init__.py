"""Quality of detection on public labelled data, beside simple peers."""
