"""Measure how much the controller slows down reviews, as a process and as a thread."""
