"""How fast copy, load and verify are, beside what people use in their place."""
