"""Somebody's derivation: read it, understand what it is about, judge every line, report.

reading > understanding > readings > judging > marking > reports, batches
"""
