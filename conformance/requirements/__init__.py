"""What the RFCs ask of a TCP, as data that a case can name."""
