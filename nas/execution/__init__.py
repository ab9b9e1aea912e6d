"""The workers of a search: started, supervised, replaced, stopped."""
