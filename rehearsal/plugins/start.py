"""`python -m rehearsal.plugins.start MODULE ...`: runs a plugin, quickly: a preview starts six.

A plugin needs the generated modules of the SDK's protocol. Their parent packages would import the
whole SDK, which costs each process a tenth of a second of CPU; they are stood for by empty ones.
"""

import gc
import runpy
import sys
from importlib.util import find_spec
from types import ModuleType

_PARENTS = ("pulumi", "pulumi.runtime")
# Python's own 700 lets the collector take a fifth of the imports' time and find nothing.
_COLLECT_AFTER = 50_000


def main() -> None:
    """Run the module that the first argument names, with the other arguments."""
    gc.set_threshold(_COLLECT_AFTER)
    stand_in_for_parents()
    module = sys.argv.pop(1)
    runpy.run_module(module, run_name="__main__", alter_sys=True)


def stand_in_for_parents() -> None:
    """Let `pulumi.runtime.proto` be imported alone; no other part of the SDK can be, then."""
    found = find_spec("pulumi")
    if found is None or not found.submodule_search_locations:
        return
    (folder,) = found.submodule_search_locations
    for name in _PARENTS:
        package = ModuleType(name)
        package.__path__ = ["/".join((folder, *name.split(".")[1:]))]
        sys.modules[name] = package


if __name__ == "__main__":
    main()
