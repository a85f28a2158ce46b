"""What runs in processes of their own, on the standard library alone: no scapy, no threads."""
