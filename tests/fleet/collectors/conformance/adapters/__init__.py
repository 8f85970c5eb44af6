"""Every collector that answers with a coverage."""

from tests.fleet.collectors.conformance.adapter import Adapter
from tests.fleet.collectors.conformance.adapters.alertmanager import ALERTMANAGER
from tests.fleet.collectors.conformance.adapters.kubernetes import KUBERNETES_EVENTS
from tests.fleet.collectors.conformance.adapters.loki import LOKI
from tests.fleet.collectors.conformance.adapters.prometheus import PROMETHEUS, PROMETHEUS_RULES
from tests.fleet.collectors.conformance.adapters.tempo import TEMPO

ADAPTERS: tuple[Adapter, ...] = (PROMETHEUS, PROMETHEUS_RULES, ALERTMANAGER, LOKI, TEMPO, KUBERNETES_EVENTS)
