"""The back ends: one folder each."""
