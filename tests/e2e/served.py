"""What the worker of these tests serves: the product's deployments, without schedules that would disturb counts."""

from dataclasses import replace

from deployments.catalogue import CATALOGUE as PRODUCT

CATALOGUE = tuple(replace(definition, cron=None) for definition in PRODUCT)
