"""The derivation as code: readable source, fast source, training, and what training needs."""
