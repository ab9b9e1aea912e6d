"""How often a worker gives a sign of life, and when a silent one counts as dead.

All machines of a study need the same values. The tests shorten them through the environment.
"""

import os

# Seconds without a sign of life after which a worker is taken for dead.
GRACE = int(os.environ.get("NAS_GRACE_SECONDS", "40"))
# Seconds between two signs of life. Optuna wants whole seconds.
HEARTBEAT = max(1, GRACE // 4)
