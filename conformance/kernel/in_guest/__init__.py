"""What runs inside a guest before the command."""
