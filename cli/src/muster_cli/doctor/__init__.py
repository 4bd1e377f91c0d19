"""`muster doctor`: asks everything that the platform needs, and says of what fails what to do."""
