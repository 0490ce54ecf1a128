"""The desk: what an invoice is, and a stand-in for a model."""
