"""Tests of the product, and what they run on."""
