"""The audit trail made proof against change: chained, signed, shipped away, verified."""
