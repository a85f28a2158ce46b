"""pytester's sessions in our process forget what they were the first to import.

Then a module would be there twice, and a class of one copy is none of the other. So all of ours is
imported before, and with it what it stands on.
"""

from __future__ import annotations

from importlib import import_module
from pkgutil import walk_packages

import conformance

for module in walk_packages(conformance.__path__, "conformance."):
    if not module.name.startswith("conformance.glue."):  # programs; some need a stack
        import_module(module.name)
