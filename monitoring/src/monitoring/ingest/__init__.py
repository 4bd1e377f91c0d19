"""The one path a sample takes: decode, store, latest, live frame; and only then is it acknowledged."""
