"""What the site does with the detector: live video, predictions, versions, jobs."""

__version__ = "0.1.0"
