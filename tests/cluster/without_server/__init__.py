"""Tests of the admission policies that `render` prints, on an API server of their own."""
