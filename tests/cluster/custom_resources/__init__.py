"""Tests of our own kinds on real API servers: their definitions, and what follows from them."""
