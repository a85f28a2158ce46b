"""Ethernet frames: built and read, the link's own questions, checksums, packet sockets."""
