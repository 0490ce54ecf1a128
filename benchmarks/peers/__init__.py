"""The same work done by others, each in the way its own documents show: `install` gets them, `running` measures them.

Each script takes a URL, a file of questions, and how many calls in flight; it runs in an environment of its own, so it
imports nothing of this project.
"""
