"""The mistakes that people make in derivations: their names, and the wrong rules behind them."""
