"""A fleet of simulated devices that speaks the platform's public protocols only, as real devices would."""
