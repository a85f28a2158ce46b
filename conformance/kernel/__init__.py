"""Linux kernels in virtual time: built once, run as ordinary processes, hours in a second.

A kernel here is user-mode Linux with ``time-travel=inf-cpu``: its clock jumps when nothing can
run, so a wait costs what the machine needs to notice it. The whole harness runs inside, on the
host's own file system, so the ``linux`` target is used unchanged.

- ``source``: a version, a tarball or a tree, made into a tree that may be changed and built;
- ``kept``: a copy of a tree that is kept, in which only what changed is made again;
- ``build``: the few changes, the configuration; ``make``: the compiler; ``store``: what was built;
- ``counting``: a kernel that counts what runs of its TCP; ``gcov``: what its guests have counted;
- ``guest``: one command in one guest, from the host; ``init``: the same from the inside.
"""
