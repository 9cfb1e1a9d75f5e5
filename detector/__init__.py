"""What the site does with the detector: live faces, predictions, batches, training, versions."""
