"""Commands that make data and models. Only the command line names this package, and lazily."""
