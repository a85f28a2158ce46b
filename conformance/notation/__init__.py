"""The notation of segments, calls and times: one parser and one printer, each other's inverse.

``parse(print(x)) == x`` and ``print(parse(text))`` is the one committed spelling of ``text``.
Places are offsets into the text that was given; whoever knows where that text stands in a file
turns them into a line and a column.
"""
