"""A case: YAML text to a frozen :class:`~conformance.case.model.Case`, or to faults with places."""
