"""Commands about privacy and the audit trail."""
