"""The target file's language: YAML to a description, and what is built of it."""
