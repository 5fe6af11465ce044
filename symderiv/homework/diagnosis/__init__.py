"""Which mistake it was: a false line is mended, one known mistake at a time, until it is right; what mended it is its cause."""
