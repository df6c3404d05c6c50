//! USE: utilization, saturation, errors of a resource.
