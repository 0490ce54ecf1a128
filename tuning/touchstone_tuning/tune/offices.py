"""Which provider goes by which name. Owns that table; opens one when it is asked for, and asks it nothing."""

from __future__ import annotations

from pydantic import BaseModel

from touchstone.places import Places

from .provider import Provider
from .sweep import ProviderName


def parameters_of(name: ProviderName) -> type[BaseModel]:
    """What a sweep may say to the provider."""
    if name == "local":
        from .local.settings import Settings

        return Settings
    if name == "openai":
        from .providers.openai import OpenAI

        return OpenAI.parameters
    if name == "fireworks":
        from .providers.fireworks import Fireworks

        return Fireworks.parameters
    if name == "together":
        from .providers.together import Together

        return Together.parameters
    from .providers.vertex import Vertex

    return Vertex.parameters


def open_provider(name: ProviderName, places: Places) -> Provider:
    """The provider, at its usual place. Connects to nothing yet."""
    if name == "local":
        from .providers.local import Local

        return Local(places)
    if name == "openai":
        from .providers.openai import OpenAI

        return OpenAI()
    if name == "fireworks":
        from .providers.fireworks import Fireworks

        return Fireworks()
    if name == "together":
        from .providers.together import Together

        return Together()
    from .providers.vertex import Vertex

    return Vertex()
