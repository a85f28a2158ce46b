"""A run: what is played, when, and judged again."""
