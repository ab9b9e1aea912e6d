"""Modules that every worker needs; the fork server imports them once."""

import atexit
import gc
import os
import sys
from importlib import import_module

NEEDED = (
    "nas.data.images",
    "nas.execution.worker",
    "nas.training.fit",
    "torch._dynamo",  # imported by the first optimizer step, 2 s
)

gc.disable()  # modules stay alive; collecting would take a fifth of the import time
for _name in NEEDED:
    import_module(_name)
gc.enable()
gc.freeze()  # workers do not traverse these objects, so their pages stay shared
# The server has nothing to clean up, and Python's finalization would take a second. Workers do not
# run exit handlers. Other importers of this module keep their exit status.
if any("multiprocessing.forkserver" in word for word in sys.orig_argv):
    atexit.register(os._exit, 0)
else:
    atexit.register(gc.unfreeze)
