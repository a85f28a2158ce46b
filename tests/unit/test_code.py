"""What gcov counts, as lcov's text, by file, by function and by the lines of a patch."""

from __future__ import annotations

from typing import Any

import pytest

from conformance.errors import CaseError
from conformance.report.code import Code, functions, gathered, lcov, table
from conformance.report.patch import Patch

TCP, OTHER = "net/ipv4/tcp.c", "net/ipv4/tcp_ao.c"
SOURCE = "\n".join(
    [
        "int reached(int x)",
        "{",
        "\tif (x)",
        "\t\treturn 1;",
        "\treturn 0;",
        "}",
        "/* reached() calls what is below */",
        "static int inlined(int x)",
        "{",
        "\treturn x;",
        "}",
        "void never(void)",
        "{",
        "\tcall();",
        "}",
    ]
)


def line(number: int, count: int, *branches: int) -> dict[str, Any]:
    told = [{"count": one, "throw": False, "fallthrough": False} for one in branches]
    return {"line_number": number, "count": count, "branches": told}


def function(name: str, first: int, last: int, count: int) -> dict[str, Any]:
    return {"name": name, "start_line": first, "end_line": last, "execution_count": count}


ACCOUNT = {
    "files": [
        {
            "file": f"./{TCP}",
            "functions": [
                function("reached", 1, 6, 3),
                function("never", 12, 15, 0),
                function("longer", 16, 20, 0),
            ],
            "lines": [
                line(1, 3), line(3, 3, 0, 3), line(4, 0), line(5, 3), line(14, 0, 0, 0),
                line(16, 0), line(18, 0),
            ],
        },
        {"file": "include/linux/not_wanted.h", "functions": [], "lines": [line(1, 1)]},
    ]
}  # fmt: skip
INLINE = {
    "files": [
        {"file": OTHER, "functions": [], "lines": [line(2, 0)]},
        {
            "file": TCP,
            "functions": [function("reached", 1, 6, 1)],
            "lines": [line(3, 3, 1, 2), line(4, 1), line(5, 2)],
        },
    ]
}


def code() -> Code:
    return gathered([ACCOUNT, INLINE], [TCP, OTHER, "net/ipv4/not_compiled.c"])


def test_lcov_has_each_line_branch_and_function_of_all_objects_together() -> None:
    assert lcov(code(), "/home").splitlines() == [
        "TN:", f"SF:/home/{TCP}",
        "FN:1,reached", "FN:12,never", "FN:16,longer",
        "FNDA:4,reached", "FNDA:0,never", "FNDA:0,longer", "FNF:3", "FNH:1",
        "BRDA:3,0,0,1", "BRDA:3,0,1,5", "BRDA:14,0,0,-", "BRDA:14,0,1,-", "BRF:4", "BRH:2",
        "DA:1,3", "DA:3,6", "DA:4,1", "DA:5,5", "DA:14,0", "DA:16,0", "DA:18,0", "LF:7", "LH:4",
        "end_of_record",
        "TN:", f"SF:/home/{OTHER}", "FNF:0", "FNH:0", "BRF:0", "BRH:0",
        "DA:2,0", "LF:1", "LH:0", "end_of_record",
    ]  # fmt: skip


def test_the_table_has_tcp_first_with_its_sum() -> None:
    rows = [row.split() for row in table(code()).splitlines()[1:]]
    assert rows == [
        [TCP, "7", "57.1", "%", "4", "50.0", "%", "3", "2"],
        ["these", "nine", "7", "57.1", "%", "4", "50.0", "%", "3", "2"],
        [OTHER, "1", "0.0", "%", "0", "-", "0", "0"],
        ["all", "8", "50.0", "%", "4", "50.0", "%", "3", "2"],
    ]


def test_functions_never_entered_are_first_and_what_has_no_code_is_named() -> None:
    assert functions(code(), {TCP: SOURCE}).splitlines() == [
        "never entered: 2 functions",
        "",
        f"{TCP}:16 longer  2 lines",
        f"{TCP}:12 never  1 lines",
        "",
        "entered: 1 functions, by the lines that were not reached",
        "",
        f"{TCP}:1 reached  0 of 4 lines not reached, entered 4 times",
        "",
        "without a function of their own: 1, not configured or put into their callers; no count "
        "of functions has them",
        "",
        f"{TCP} inlined",
    ]


# ---- a patch -------------------------------------------------------------------------------------

DIFF = f"""diff --git a/{TCP} b/{TCP}
--- a/{TCP}
+++ b/{TCP}
@@ -1,4 +3,4 @@ int reached(int x)
-\told();
+\tif (x)
+\t\treturn 1;
 \treturn 0;
--- this was text
 }}
@@ -12,1 +14,1 @@
-\tnothing();
+\tcall();
diff --git a/README b/README
--- a/README
+++ b/README
@@ -1 +1,2 @@
 text
++++ b/more
"""


def test_each_line_of_a_patch_is_told_with_how_often_it_ran() -> None:
    patch = Patch.read(DIFF, "p.diff")
    patch.require({TCP: SOURCE})
    assert patch.told(code(), {TCP: SOURCE}).splitlines() == [
        "4 lines added: 2 ran, 1 never, 0 no code, 1 not counted",
        f"    6 times  {TCP}:3  \tif (x)",
        f"    1 times  {TCP}:4  \t\treturn 1;",
        f"      never  {TCP}:14  \tcall();",
        "not counted  README:2  +++ b/more",
    ]


def test_below_a_line_that_ran_stand_its_cases() -> None:
    patch = Patch.read(DIFF, "p.diff")
    first, second = patch.reached(code())
    assert (first.number, second.number) == (3, 4)
    told = patch.told(code(), {TCP: SOURCE}, {first: ["a::x-ipv4", "b::x-ipv4"], second: []})
    assert told.splitlines()[1:4] == [
        f"    6 times  {TCP}:3  \tif (x)",
        "             by a::x-ipv4",
        "             by b::x-ipv4",
    ]
    assert patch.files == {TCP, "README"}
    header = Patch.read("+++ b/include/net/tcp.h\n@@ -1,0 +2 @@\n+x\n", "p")
    assert header.files == frozenset()


def test_a_line_without_code_is_neither_reached_nor_missed() -> None:
    patch = Patch.read(f"+++ b/{TCP}\n@@ -6,0 +7,1 @@\n+/* reached() calls what is below */\n", "p")
    patch.require({TCP: SOURCE})
    first, _, last = patch.told(code(), {TCP: SOURCE}).splitlines()
    assert first == "1 lines added: 0 ran, 0 never, 1 no code, 0 not counted"
    assert last.startswith("no code: comments, ")


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "p is no unified diff that adds a line"),
        ("+++ b/x\n@@ -1 +0,0 @@\n-x\n", "p is no unified diff that adds a line"),
        ("+++ b/README\n@@ -0,0 +1 @@\n+x\n", "p adds nothing to a file whose lines are counted"),
        (
            f"+++ b/{TCP}\n@@ -1 +1 @@\n-x\n+int reached(void)\n",
            f"p is not in this kernel: its {TCP}:1 was another line when it was built",
        ),
        (
            f"+++ b/{TCP}\n@@ -1 +99 @@\n-x\n+x\n",
            f"p is not in this kernel: its {TCP}:99 was another line when it was built",
        ),
    ],
)
def test_what_is_no_patch_of_this_kernel_is_refused(text: str, why: str) -> None:
    with pytest.raises(CaseError) as caught:
        Patch.read(text, "p").require({TCP: SOURCE})
    assert str(caught.value) == why
