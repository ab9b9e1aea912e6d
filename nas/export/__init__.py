"""A trained candidate as files that need nothing of ours: one module a format, and the proof."""
