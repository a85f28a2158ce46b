"""The names of settings that a case may use."""
