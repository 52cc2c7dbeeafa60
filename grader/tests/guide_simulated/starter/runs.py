# Everything is missing.
