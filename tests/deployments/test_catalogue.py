"""Deployments as data: they fit the flows that they name, and prefect.yaml says the same."""

from __future__ import annotations

import inspect
from pathlib import Path

import pytest
from prefect import Flow
from prefect.utilities.importtools import import_object

from deployments.catalogue import CATALOGUE, DeploymentDefinition
from deployments.prefect_yaml import render

ROOT = Path(__file__).parent.parent.parent


def flow_of(definition: DeploymentDefinition) -> Flow:
    return import_object(definition.entrypoint)


@pytest.mark.parametrize("definition", CATALOGUE, ids=lambda each: f"{each.flow}/{each.name}")
def test_a_deployment_fits_its_flow(definition: DeploymentDefinition) -> None:
    flow = flow_of(definition)
    assert flow.name == definition.flow
    assert set(definition.parameters) <= set(inspect.signature(flow.fn).parameters)
    required = flow.parameters.required or []
    assert definition.cron is None or not set(required) - set(definition.parameters)


@pytest.mark.parametrize("definition", CATALOGUE, ids=lambda each: f"{each.flow}/{each.name}")
def test_every_parameter_is_described_in_the_form(definition: DeploymentDefinition) -> None:
    properties = flow_of(definition).parameters.properties
    assert all(each.get("description") for each in properties.values()), properties


def test_names_are_unique() -> None:
    names = [(each.flow, each.name) for each in CATALOGUE]
    assert len(set(names)) == len(names)


def test_prefect_yaml_is_what_the_catalogue_says() -> None:
    assert (ROOT / "prefect.yaml").read_text() == render()
