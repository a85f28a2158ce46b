"""TCP as the wire has it: sequence numbers, flags, states, segments, options. No I/O, no policy."""
