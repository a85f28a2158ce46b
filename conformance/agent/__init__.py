"""The part that runs on the target."""
