"""The interpreter of one case, without I/O and without a clock: events in, actions out.

`Conversation` is the whole of it. `view` holds the numbers, `match` compares, `watch` looks at
every segment for what no TCP may do, `record` keeps all that happened so that it can be judged
again.
"""
