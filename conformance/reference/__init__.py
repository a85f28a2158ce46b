"""The reference TCP: RFC 9293 section 3.10 as data and small functions.

An oracle, a target without root or waiting, and the source of the state diagram: ``machine`` is
the whole of it, ``transitions`` its table.
"""
