"""The only words the services share: events, live frames, and what devices send. No framework, no machinery."""
