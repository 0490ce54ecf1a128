"""The project's root: what every pytest run here shares."""

pytest_plugins = ["pytester"]
