"""What the worker of the tests' stack serves: the product's deployments and the tests' own."""

from deployments.catalogue import CATALOGUE as PRODUCT
from tests.deployments.naps import CATALOGUE as NAPS

CATALOGUE = (*PRODUCT, *NAPS)
