"""The venue on one machine: command line, configuration, supervisor, servers, telemetry."""

__version__ = "0.1.0"
