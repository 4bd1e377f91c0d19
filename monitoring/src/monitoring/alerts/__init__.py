"""Alerts: one open at a time for each rule and device, from the condition's first moment to its end."""
