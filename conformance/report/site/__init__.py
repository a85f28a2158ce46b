"""A site of what some runs came to: pages that open from a disk, a pure function of records.

Rules:

- No I/O: what is here yields paths and texts. Each page says all of it without a script; a script
  only hides what a filter leaves out.
- Every text of a record goes through :mod:`.markup`, which escapes it and makes what is hidden in
  it visible. A page asks for nothing outside itself and says so in its policy.
- A verdict is a colour, a sign and a word; no two of them differ by the colour alone.
"""
