"""The derivation as code: readable source, fast source, C, and the engine that chooses among them."""
