"""Exercise sheets: numbers that are nice to compute with, questions in order, the key, wrong answers from known mistakes."""
