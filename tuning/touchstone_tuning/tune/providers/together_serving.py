"""Together's dedicated endpoints, on which tuned models answer. Owns how one is made and torn down, step by seen step.

An endpoint is called by the tag of its job and carries one deployment. A step whose answer was lost is seen to be done
when all is asked for again.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, TypeVar

from touchstone.errors import CallRefused

from ..provider import Deployment

if TYPE_CHECKING:
    from together import Together as Client
    from together.types import Endpoint, EndpointDeploymentSummary, Model
    from together.types.models import Config

Answer = TypeVar("Answer")
PREFIX = "together_ai/"
"""LiteLLM's, before every model of Together's."""
TAG = re.compile(r"ts-[0-9a-f]{16}")
IDLE_MINUTES = 60
"""After so long without a call it stops by itself: a forgotten one must not cost for ever."""
STOPPED = ("DEPLOYMENT_STATE_STOPPED", "DEPLOYMENT_STATE_STOPPING")


def project_of(client: Client) -> str:
    """The project to work in: TOGETHER_PROJECT_ID, else the key's own. Raises CallRefused where there is none."""
    if client.project_id:
        return client.project_id
    project = getattr(client.whoami(), "project", None)
    if project is None:
        raise CallRefused("Together: this key is of no one project; set TOGETHER_PROJECT_ID")
    return str(project.id)


def deployed(client: Client, project: str, model: str, tag: str) -> Deployment:
    """The model on its endpoint, made as far as it was not. Raises CallRefused for a model that is not there."""
    endpoint = _endpoint(client, project, tag) or client.endpoints.create(project_id=project, name=tag)
    summary = next(iter(endpoint.deployments or ()), None)
    if summary is None:
        _started(client, project, endpoint, _model(client, project, model), tag)
    elif summary.state in STOPPED:
        _scaled(client, project, endpoint, summary, 1)
    endpoint = client.endpoints.retrieve(endpoint.id, project_id=project)
    _routed(client, project, endpoint)
    return _shown(endpoint)


def running(client: Client, project: str) -> Sequence[Deployment]:
    """The endpoints that are called by a tag and have something on them."""
    found = client.endpoints.list(project_id=project)
    return tuple(_shown(e) for e in found if TAG.fullmatch(_bare(e.name)) and e.deployments)


def torn_down(client: Client, project: str, id: str) -> None:
    """Nothing of the endpoint is left; what is gone already is no error."""
    endpoints = client.endpoints
    endpoint = _unless_gone(lambda: endpoints.retrieve(id, project_id=project))
    if endpoint is None:
        return
    _unless_gone(lambda: endpoints.update(id, project_id=project, traffic_split=[], update_mask="trafficSplit"))
    for summary in endpoint.deployments or ():
        _removed(client, project, endpoint, summary)
    _unless_gone(lambda: endpoints.delete(id, project_id=project))


def _endpoint(client: Client, project: str, tag: str) -> Endpoint | None:
    return next((e for e in client.endpoints.list(project_id=project) if _bare(e.name) == tag), None)


def _started(client: Client, project: str, endpoint: Endpoint, model: Model, tag: str) -> None:
    config = _config(client, project, model)
    client.endpoints.deployments.create(
        endpoint.id,
        project_id=project,
        name=tag,
        model=f"projects/{model.project_id}/models/{model.id}",
        config=f"projects/{config.project_id}/configs/{config.id}",
        autoscaling={"min_replicas": 1, "max_replicas": 1},
        inactive_timeout=IDLE_MINUTES,
    )


def _model(client: Client, project: str, name: str) -> Model:
    """The tuned model in the project's registry. An adapter is merged into its base by Together."""
    bare = _bare(name)
    found = next((m for m in client.models.list(project_id=project) if _bare(m.name) == bare), None)
    if found is None:
        raise CallRefused(f"Together has no model {name.removeprefix(PREFIX)!r} in the project {project}")
    return found


def _config(client: Client, project: str, model: Model) -> Config:
    """How to run it: of the configs made for its base, the one with the fewest GPUs."""
    reference = model.base_model_id or model.id
    configs = list(client.models.configs.list(project_id=project, reference_model_id=reference).data)
    if not configs:
        raise CallRefused(f"Together has no hardware for {model.name!r}")
    return min(configs, key=lambda config: (_gpus(config), config.id))


def _gpus(config: Config) -> int:
    counts = [s.value for s in config.selectors if s.key == "gpu_count" and s.value.isdecimal()]
    return int(counts[0]) if counts else 1


def _routed(client: Client, project: str, endpoint: Endpoint) -> None:
    """Send the endpoint's calls to its deployments, where that is not so yet."""
    if {entry.deployment_id for entry in endpoint.traffic_split or ()} != {d.id for d in endpoint.deployments}:
        client.endpoints.update(
            endpoint.id,
            project_id=project,
            etag=endpoint.etag,
            traffic_split=[{"deployment_id": d.id, "weight": 1.0} for d in endpoint.deployments],
            update_mask="trafficSplit",
        )


def _scaled(
    client: Client, project: str, endpoint: Endpoint, summary: EndpointDeploymentSummary, replicas: int
) -> None:
    client.endpoints.deployments.update(
        summary.id,
        project_id=project,
        endpoint_id=endpoint.id,
        autoscaling={"min_replicas": replicas, "max_replicas": replicas},
        update_mask="autoscaling",
    )


def _removed(client: Client, project: str, endpoint: Endpoint, summary: EndpointDeploymentSummary) -> None:
    """Stopped first: Together deletes none that has replicas."""
    _unless_gone(lambda: _scaled(client, project, endpoint, summary, 0))
    deployments = client.endpoints.deployments
    _unless_gone(lambda: deployments.delete(summary.id, project_id=project, endpoint_id=endpoint.id))


def _unless_gone(ask: Callable[[], Answer]) -> Answer | None:
    from together import NotFoundError

    try:
        return ask()
    except NotFoundError:
        return None


def _shown(endpoint: Endpoint) -> Deployment:
    name = _bare(endpoint.name)
    state = endpoint.deployments[0].state if endpoint.deployments else ""
    return Deployment(endpoint.id, f"{PREFIX}{endpoint.name}", state, name if TAG.fullmatch(name) else "")


def _bare(name: str) -> str:
    """A name without the project's before it."""
    return name.rpartition("/")[2]
