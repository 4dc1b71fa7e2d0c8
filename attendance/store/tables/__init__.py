"""The tables, a module for each feature; importing any of them fills `Base.metadata` with all of them."""

from attendance.store.tables import access, audit, base, calibration, cameras, hours, kiosk, operators, people, privacy

__all__ = ["access", "audit", "base", "calibration", "cameras", "hours", "kiosk", "operators", "people", "privacy"]
