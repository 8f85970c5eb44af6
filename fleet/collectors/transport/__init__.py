"""How every HTTP source is read: TLS, credentials, deadlines, byte budgets, retries, and faults in plain words."""

from fleet.collectors.transport.budget import AnswerSlots
from fleet.collectors.transport.governor import Admission, Governor
from fleet.collectors.transport.http import Answer, HttpTransport
from fleet.collectors.transport.limits import TransportLimits

__all__ = ["Admission", "Answer", "AnswerSlots", "Governor", "HttpTransport", "TransportLimits"]
