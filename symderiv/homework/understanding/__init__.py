"""Trees become mathematics: which letter is which quantity, the network and its loss, shapes, and what a term may mean."""
