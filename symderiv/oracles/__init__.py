"""Other ways to the same number, and the checks that every derivation passes before it is shown."""
