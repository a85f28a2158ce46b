"""The one committed spelling."""

from __future__ import annotations

import pytest

from conformance.case.faults import CaseFaults
from conformance.case.fmt import _nodes, format_text
from conformance.case.nodes import Scalar, parse

MESSY = """\

# leading

title:   "A title"   # why
about: >
   folded text
   more

   and para


verifies: [ rfc9293/MUST-1,
     rfc9293/MUST-2 ]  # two
parameters:
      n:   [1,2]
given:
    # between
    established
steps:
# first comment
- call: close( c )
- expect: ACK , FIN   seq=1  ack=$n   # c1
  within: 1000ms
  as: x
   # odd
-
  send:
      flags: ACK   # cf
      len: 10
- send: {flags: ACK, len: 10,
     checksum: bad}
- either:
    - - expect: RST  seq=1
      - state: CLOSED
    # commented
    - permits: foo
      steps:
      - silence:   1s
- call: 'send(c, "a: b")'
- call: "send(c,10)"
- wait: $n
# end of steps
deviations:
  linux:
  - step: x
    instead: [{expect: ACK}]
    because: text
      continues here
      # final
# trailing
"""
TIDY = """\
# leading

title: "A title"     # why
about: >
  folded text
  more

  and para

verifies: [ rfc9293/MUST-1,
  rfc9293/MUST-2 ]     # two
parameters:
  n: [1,2]
# between
given: established
steps:
  # first comment
  - call:    close(c)
  - expect:  FIN,ACK seq=1 ack=$n     # c1
    within:  1000ms
    as:      x
  # odd
  - send:
      flags: ACK   # cf
      len: 10
  - send:    {flags: ACK, len: 10,
      checksum: bad}
  - either:
      - - expect:  RST seq=1
        - state:   CLOSED
      # commented
      - permits: foo
        steps:
          - silence: 1s
  - call:    'send(c, "a: b")'
  - call:    send(c, 10)
  - wait:    $n
# end of steps
deviations:
  linux:
    - step: x
      instead: [{expect: ACK}]
      because: text
        continues here
# final
# trailing
"""
DESIGN = """\
title: The final ACK is lost; TIME-WAIT acknowledges the FIN again and restarts
given: established

steps:
  - call:    close(c)
  - drop:    ACK seq=2 ack=2              # the network loses it
  - state:   TIME-WAIT
    for:     2MSL                         # counted from here: the timer restarted
  - state:   CLOSED
    within:  10s
"""


def test_a_messy_file_becomes_tidy() -> None:
    assert format_text(MESSY) == TIDY


@pytest.mark.parametrize("text", [TIDY, DESIGN])
def test_a_tidy_file_stays(text: str) -> None:
    assert format_text(text) == text


@pytest.mark.parametrize(
    ("text", "tidy"),
    [
        ("title: T\nsteps: []", "title: T\nsteps: []\n"),
        ("---\ntitle: T\n...\n", "title: T\n"),
        ("title: |+\n  a\n\n\nsteps: []\n", "title: |+\n  a\n\n\nsteps: []\n"),
        ("title: |\n     a\n       b\nabout: x\n", "title: |\n  a\n    b\nabout: x\n"),
        ("about:\n    title: |2\n        a\n", "about:\n  title: |2\n      a\n"),
        ("title: 'a\n\n   b'  # c\n", "title: 'a\n\n  b'   # c\n"),
        ("title: T\r\nsteps: []\r\n", "title: T\nsteps: []\n"),
        ("title:   # c\nsteps: []\n", "title:   # c\nsteps: []\n"),
        ("title: # c\n  T # d\n", "# c\ntitle: T  # d\n"),
        ("steps:\n\n\n\n  - wait: 1s\n", "steps:\n\n  - wait:    1s\n"),
        ("steps:\n  - expect: FNI  x\n", "steps:\n  - expect:  FNI  x\n"),
        ("steps: # c\n  - expect: ACK\n", "steps:  # c\n  - expect:  ACK\n"),
        ("'title': T\n", "'title': T\n"),
    ],
)
def test_small_files(text: str, tidy: str) -> None:
    assert format_text(text) == tidy
    assert format_text(tidy) == tidy


@pytest.mark.parametrize(
    "text", ["", "title: [", "- a\n", "a: &x b\n", "title: a\ntitle: b\n", "title: T\n? |\n  a"]
)
def test_what_is_no_case_is_refused_not_rewritten(text: str) -> None:
    with pytest.raises(CaseFaults):
        format_text(text)


HEAD = "title: T\nsteps:\n  - expect:  ACK\n"
KEPT = {
    "a block that the file ends in": "    as: |\n      late",
    "a folded one": "    as: >\n      late",
    "blanks at the end of a line": "    as: |\n      late  \n      too\n",
    "a line of blanks": "    as: |\n      late\n         \n      too\n",
    "lines of blanks at the end": "    as: |\n      late\n         \n",
    "a block that keeps its end": "    as: |+\n      late\n\n\n",
    "blanks that are escaped": '    as: "late\\\n       too \\\n      \\ much\\  \n      "\n',
    "a block that says how deep it is": "    as: |2\n       late\n",
    "a block deeper than it need be": "    as: |1-\n         late\n          x  \n",
}


@pytest.mark.parametrize("name", KEPT)
def test_a_text_over_several_lines_says_what_it_said(name: str) -> None:
    def texts(text: str) -> list[str]:
        return [node.text for node in _nodes(parse("", text)[0]) if isinstance(node, Scalar)]

    text = HEAD + KEPT[name]
    new = format_text(text)
    assert texts(new) == texts(text)
    assert format_text(new) == new


@pytest.mark.parametrize(
    "name", ["blanks at the end of a line", "a line of blanks", "a block that keeps its end"]
)
def test_a_block_stays_one_with_its_blanks(name: str) -> None:
    text = HEAD + KEPT[name]
    assert format_text(text) == text.replace("as:", "as:     ")


def test_what_cannot_be_spelled_anew_is_refused_at_its_place() -> None:
    text = HEAD + '    as: ["late\n      too\\ \n      much", x]\n'
    with pytest.raises(CaseFaults, match=r"<text>:4:\d+: this cannot be spelled anew"):
        format_text(text)
