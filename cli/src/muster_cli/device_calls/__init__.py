"""The six calls that a person types by the word: register a device, look, set its status, ask it to act, follow."""
