"""All the I/O of a live run: clock, wire, namespaces, agent, the loop that drives them."""
