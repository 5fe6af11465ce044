"""The same derivation seen otherwise: entry by entry, along the paths of one weight, as a picture."""
