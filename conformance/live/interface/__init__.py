"""Targets behind an interface of this machine: a whole host, found and fenced."""
