"""Training on this machine. Only `training` and `adapters` import torch, and only in a process of their own."""
