"""Why a device was not updated: one answer for people and programs, from everything that is known."""
