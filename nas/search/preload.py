"""What every worker needs imported; the fork server imports it once for all of them."""

import nas.data.images
import nas.search.worker
import nas.training.fit  # noqa: F401
