"""Pages about the audit trail."""
