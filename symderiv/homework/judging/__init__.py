"""Each claim against the derivation of the network that was understood; the cheapest true reading wins."""
