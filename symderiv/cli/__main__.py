"""`python -m symderiv.cli`."""

from symderiv.cli import main

main(prog_name="symderiv")
