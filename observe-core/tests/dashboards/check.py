"""Holds dashboards against Grafana's own types (PyPI: grafana-foundation-sdk): what they do not know is lost when a dashboard is
read and written again, and a value of another type than they declare is named."""

import enum
import json
import sys
import typing

from grafana_foundation_sdk.cog import encoder, plugins
from grafana_foundation_sdk.models import dashboard, prometheus

# Grafana's data source of Prometheus puts these into an annotation by itself ("Sadly plugins can set any property directly on the
# main object", AnnotationQuery in @grafana/data).
OF_PROMETHEUS = {"expr", "step", "titleFormat", "textFormat", "tagKeys", "useValueForTime"}

faults = []


def lost(path, before, after):
    """Whatever is in the one and not in the other."""
    if isinstance(before, dict) and isinstance(after, dict):
        for key, value in before.items():
            if key in after:
                lost(f"{path}.{key}", value, after[key])
            elif not (".annotations." in path and key in OF_PROMETHEUS):
                faults.append(f"{path}.{key}: no such key")
    elif isinstance(before, list) and isinstance(after, list) and len(before) == len(after):
        for at, (one, other) in enumerate(zip(before, after)):
            lost(f"{path}.{at}", one, other)
    elif before != after:
        faults.append(f"{path}: {before!r} became {after!r}")


def fits(value, declared):
    origin = typing.get_origin(declared)
    if origin is typing.Union:
        return any(fits(value, one) for one in typing.get_args(declared))
    if origin is typing.Literal:
        return value in typing.get_args(declared)
    if origin is list:
        return isinstance(value, list) and all(fits(one, typing.get_args(declared)[0]) for one in value)
    if origin is dict:
        return isinstance(value, dict) and all(fits(one, typing.get_args(declared)[1]) for one in value.values())
    if declared in (object, typing.Any):
        return True
    if declared is type(None):
        return value is None
    if declared is float:
        return isinstance(value, (int, float)) and not isinstance(value, bool)
    if declared is int:
        return isinstance(value, int) and not isinstance(value, bool)
    if isinstance(declared, type) and issubclass(declared, enum.Enum):
        return value in {one.value for one in declared}
    return isinstance(value, declared)


def typed(path, model, seen):
    """Whether every field is of the type that its class declares."""
    if isinstance(model, (list, tuple)):
        for at, one in enumerate(model):
            typed(f"{path}.{at}", one, seen)
    elif isinstance(model, dict):
        for key, one in model.items():
            typed(f"{path}.{key}", one, seen)
    elif type(model).__module__.startswith("grafana_foundation_sdk.models") and not isinstance(model, enum.Enum):
        seen.add(type(model))
        hints = typing.get_type_hints(type(model))
        for name, value in vars(model).items():
            declared = hints.get(name)
            if declared is not None and not isinstance(declared, typing.TypeVar) and not fits(value, declared):
                faults.append(f"{path}.{name}: {value!r} is no {declared}")
            typed(f"{path}.{name}", value, seen)


plugins.register_default_plugins()
for file in sys.argv[1:]:
    with open(file, encoding="utf-8") as text:
        before = json.load(text)
    model = dashboard.Dashboard.from_json(before)
    after = json.loads(json.dumps(model, cls=encoder.JSONEncoder))
    seen = set()
    lost(file, before, after)
    typed(file, model, seen)
    # Else the panels were read as nothing in particular.
    for needed in (dashboard.Panel, dashboard.VariableModel, prometheus.Dataquery):
        if needed not in seen:
            faults.append(f"{file}: no {needed.__name__} was read")
    print(f"{file}: {len(seen)} types")
for fault in faults:
    print(fault, file=sys.stderr)
sys.exit(bool(faults))
