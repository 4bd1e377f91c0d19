"""How a release goes on by itself: gates, the next wave, the hand-out of devices, and the way back."""
