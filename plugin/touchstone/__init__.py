"""Evals as tests: a pytest plugin for people who build with language models."""
