"""A conformance harness for TCP implementations: cases in YAML, a scapy peer, a verdict."""

__version__ = "0.12.0"
