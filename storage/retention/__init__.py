"""What is kept how long, and what goes.

Rows go first, and objects that no row names go with the sweep of a later run: whatever is killed in between, no row
ever names an object that is gone, and an investigation that was under way while a row went still finds the objects
that it cites, which the sweep then leaves alone.
"""
