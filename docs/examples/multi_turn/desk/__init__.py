"""The desk: a stand-in for a model."""
