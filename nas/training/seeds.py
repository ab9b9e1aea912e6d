"""Seeds that follow from what they are for."""

import hashlib


def seed_of(*parts: object) -> int:
    """A seed from `parts`: the same in every process, and different for different parts."""
    text = ":".join(str(part) for part in parts)
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:4])
