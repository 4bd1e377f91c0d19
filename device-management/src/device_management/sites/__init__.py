"""Sites: places with an MQTT broker of their own, whose devices' telemetry is carried into the platform."""
