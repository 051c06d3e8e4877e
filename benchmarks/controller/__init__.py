"""What keeping certificates costs reviews, by where it is done."""
