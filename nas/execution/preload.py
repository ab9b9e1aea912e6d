"""What every worker needs imported; the fork server imports it once for all of them."""

import atexit
import gc
import os
import sys
from importlib import import_module

NEEDED = (
    "nas.data.images",
    "nas.execution.worker",
    "nas.training.fit",
    "torch._dynamo",  # 2 s, which the first step of an optimizer takes to import it
)

gc.disable()  # what is imported stays: to look for what does not takes a fifth of the time
for _name in NEEDED:
    import_module(_name)
gc.enable()
gc.freeze()  # no worker looks through it again, nor copies the pages that it shares by that
# The server has nothing to tidy up, and Python would take all of this apart, for a second.
# Workers end without these calls. Whatever else imports this has a status to end with.
if any("multiprocessing.forkserver" in word for word in sys.orig_argv):
    atexit.register(os._exit, 0)
else:
    atexit.register(gc.unfreeze)
