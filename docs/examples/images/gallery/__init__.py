"""The gallery: a stand-in for a model that sees and hears."""
