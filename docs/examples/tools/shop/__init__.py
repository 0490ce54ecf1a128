"""The shop: its tools, and a stand-in for a model."""
