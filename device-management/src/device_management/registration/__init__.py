"""Registration: how devices come to the platform, one or thousands in a call."""
