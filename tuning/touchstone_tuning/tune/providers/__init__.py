"""One module a provider: its SDK behind the shape of `tune.provider.Provider`."""
