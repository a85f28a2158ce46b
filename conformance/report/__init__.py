"""What happened, told: every function here turns a :class:`~conformance.play.record.Record` into
text or octets. No clock, no socket, no file: whoever asks writes the result where it belongs.
"""
