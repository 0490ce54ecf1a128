"""Synthetic rows that are right by construction: plans, topics, drafts, proofs, requests, what is kept."""
