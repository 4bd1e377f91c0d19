"""The one path a sample takes: decode, latest, live frame, store, alerts; and only then is it acknowledged."""
