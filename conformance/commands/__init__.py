"""What the command line's commands do; each is imported when it runs."""
