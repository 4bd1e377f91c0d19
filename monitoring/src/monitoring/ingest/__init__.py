"""The one path a sample takes: decode, latest, live frame, store; and only then is it acknowledged."""
